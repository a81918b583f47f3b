"""The same tools that do nothing over arize-mcp's own transport: the first of the two parts of a call."""

from __future__ import annotations

import anyio
from bare import server

from arize_mcp.transports.stdio import serve
from arize_mcp.transports.wire import Wire

if __name__ == "__main__":
    anyio.run(serve, server("noop"), Wire())
