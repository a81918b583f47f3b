"""The MCP face of the API layer."""
