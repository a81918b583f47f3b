"""What a person runs beside the server."""
