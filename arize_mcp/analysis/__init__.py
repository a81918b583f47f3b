"""What runs say: pure functions over the API's JSON, which know neither MCP nor HTTP nor settings."""
