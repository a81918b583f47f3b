"""The MCP server: tools, prompts, resources and the view, over the API layer."""
