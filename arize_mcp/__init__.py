"""An MCP server for LLM experiments in Arize AX."""
