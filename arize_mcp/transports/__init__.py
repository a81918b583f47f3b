"""How messages come in: stdio and streamable HTTP."""
