"""An HTTP server that answers whatever a test says, byte by byte: for the answers no good server gives."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from arize_mcp.settings import Settings

Step = Callable[[asyncio.StreamWriter], Awaitable[None]]
"""What happens instead of a plain answer."""


@dataclass
class Request:
    """A request as it came over the wire."""

    line: str
    headers: dict[str, str]
    body: bytes

    @property
    def method(self) -> str:
        return self.line.split(" ")[0]

    @property
    def target(self) -> str:
        return self.line.split(" ")[1]


@dataclass
class RawServer:
    """A listening server: where it is, and what it saw."""

    base_url: str
    requests: list[Request] = field(default_factory=list[Request])
    connections: int = 0

    def settings(self, **changes: object) -> Settings:
        values: dict[str, object] = {
            "base_url": self.base_url,
            "api_key": "key-of-the-test",
            "connect_timeout_s": 5.0,
            "read_timeout_s": 5.0,
            **changes,
        }
        return Settings(**values)  # pyright: ignore[reportArgumentType] - a test passes what it means


def answer(
    body: bytes | str = b"",
    *,
    status: str = "200 OK",
    content_type: str | None = "application/json",
    headers: Sequence[str] = (),
    length: int | None = None,
) -> bytes:
    """A whole HTTP answer; ``length`` lies about the body's."""
    content = body if isinstance(body, bytes) else body.encode()
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(content) if length is None else length}", *headers]
    if content_type:
        lines.append(f"Content-Type: {content_type}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


async def reset(writer: asyncio.StreamWriter) -> None:
    """Reset the connection (RST) instead of answering."""
    writer.transport.abort()
    await asyncio.sleep(0)


async def hang(writer: asyncio.StreamWriter) -> None:
    """Never answer; ends when the client goes away."""
    while not writer.transport.is_closing():
        await asyncio.sleep(0.01)


@asynccontextmanager
async def raw_server(
    *answers: bytes | Step, repeat_last: bool = True, tls: ssl.SSLContext | None = None
) -> AsyncGenerator[RawServer]:
    """Serve the answers in turn, over any number of connections; the last one again and again."""
    queue = list(answers)
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        server.connections += 1
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                headers = {
                    name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)
                }
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                server.requests.append(Request(head[0], headers, body))
                step = queue.pop(0) if len(queue) > 1 or not repeat_last else queue[0]
                if isinstance(step, bytes):
                    writer.write(step)
                    await writer.drain()
                else:
                    await step(writer)
                if writer.transport.is_closing():
                    break
        writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    port = listener.sockets[0].getsockname()[1]
    server = RawServer(f"{'https' if tls else 'http'}://{'localhost' if tls else '127.0.0.1'}:{port}")
    try:
        yield server
    finally:
        listener.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def close(writer: asyncio.StreamWriter) -> None:
    """Close the connection in order, without an answer."""
    writer.close()
    await asyncio.sleep(0)
