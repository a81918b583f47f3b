"""What runs say: pure functions over the API's JSON.

They know nothing of MCP, HTTP or settings.
"""
