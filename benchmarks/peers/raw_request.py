"""A server that only passes on what the API says, over arize-mcp's own transport: the least that a call can take.

It checks nothing: no argument, no answer, no key. Its request is one write of bytes that stand in the source.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any, cast
from urllib.parse import urlsplit

import anyio
from mcp import types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server

from arize_mcp.transports.stdio import serve
from arize_mcp.transports.wire import Wire

REQUEST = b"GET /v2/experiments/experiment-1 HTTP/1.1\r\nHost: upstream\r\nAuthorization: Bearer k\r\n\r\n"


class Connection(asyncio.Protocol):
    """A connection over which one request goes at a time."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, _, content = self._received.partition(b"\r\n\r\n")
        if len(content) == int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0] or -1):
            self._answer.set_result(content)

    async def get(self) -> bytes:
        """The answer's content."""
        self._received = b""
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(REQUEST)
        return await self._answer


async def main() -> None:
    """Serve."""
    upstream = urlsplit(os.environ["UPSTREAM_URL"])
    idle: list[Connection] = []

    async def list_tools(
        _: ServerRequestContext[Any], __: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[types.Tool(name="experiments_get", input_schema={"type": "object"})])

    async def call_tool(_: ServerRequestContext[Any], __: types.CallToolRequestParams) -> types.CallToolResult:
        if not idle:
            loop = asyncio.get_running_loop()
            idle.append((await loop.create_connection(Connection, upstream.hostname, upstream.port))[1])
        connection = idle.pop()
        content = await connection.get()
        idle.append(connection)
        return types.CallToolResult(content=[types.TextContent(text=content.decode())])

    await serve(Server("raw", version="1", on_list_tools=list_tools, on_call_tool=call_tool), Wire())


if __name__ == "__main__":
    anyio.run(main)
