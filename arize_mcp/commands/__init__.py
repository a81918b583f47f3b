"""What a person runs beside the server: check and demo."""
