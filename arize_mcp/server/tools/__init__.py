"""The tools: a row each, a module a toolset."""
