"""An HTTP server that answers whatever a test says, byte by byte: for the answers no good server gives."""

from __future__ import annotations

import socket
import ssl
import struct
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio
from anyio.abc import ByteStream, SocketAttribute
from anyio.streams.buffered import BufferedByteReceiveStream
from anyio.streams.tls import TLSListener

from arize_mcp.api.calls import Clock
from arize_mcp.api.client import ExperimentsAPI
from arize_mcp.settings.settings import Settings

Step = Callable[[ByteStream], Awaitable[None]]
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


class SkippingClock(Clock):
    """Doesn't wait: moves on by as much."""

    def __init__(self) -> None:
        self.waits_s: list[float] = []

    def now(self) -> float:
        return super().now() + sum(self.waits_s)

    async def sleep(self, delay_s: float) -> None:
        self.waits_s.append(delay_s)
        await super().sleep(0)


Route = Callable[[Request], Awaitable[bytes | Step | None]]
"""What is answered to a request; None leaves it to the answers in turn."""


@dataclass
class RawServer:
    """A listening server: where it is, and what it saw."""

    base_url: str
    requests: list[Request] = field(default_factory=list[Request])
    clock: SkippingClock = field(default_factory=SkippingClock)
    connections: int = 0

    def api(self, **changes: object) -> ExperimentsAPI:
        """The API at this server, with the settings changed; its waits are skipped, but recorded."""
        return ExperimentsAPI(self.settings(**changes), clock=self.clock, jitter=lambda: 1.0)

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


async def reset(stream: ByteStream) -> None:
    """Reset the connection (RST) instead of answering."""
    raw = stream.extra(SocketAttribute.raw_socket)
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    await stream.aclose()


async def close(stream: ByteStream) -> None:
    """Close the connection in order, without an answer."""
    await stream.aclose()


async def hang(stream: ByteStream) -> None:
    """Never answer; ends when the client goes away."""
    while True:
        await stream.receive()


@asynccontextmanager
async def raw_server(
    *answers: bytes | Step, route: Route | None = None, tls: ssl.SSLContext | None = None
) -> AsyncGenerator[RawServer]:
    """Serve the answers in turn, over any number of connections; the last one again and again.

    What ``route`` answers is answered so; the others are for the requests that it leaves (None).
    """
    queue = list(answers)

    async def serve(stream: ByteStream) -> None:
        server.connections += 1
        reader = BufferedByteReceiveStream(stream)
        try:
            async with stream:
                while True:
                    head = (await reader.receive_until(b"\r\n\r\n", 65_536)).decode("latin-1").split("\r\n")
                    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:])}
                    body = await reader.receive_exactly(int(headers.get("content-length", "0")))
                    server.requests.append(Request(head[0], headers, body))
                    step = await route(server.requests[-1]) if route else None
                    if step is None:
                        step = queue.pop(0) if len(queue) > 1 else queue[0]
                    if isinstance(step, bytes):
                        await stream.send(step)
                    else:
                        await step(stream)
        except (anyio.EndOfStream, anyio.IncompleteRead, anyio.BrokenResourceError, anyio.ClosedResourceError):
            pass  # the client went away, or the test's step closed the connection

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    port = listener.extra(SocketAttribute.local_port)
    server = RawServer(f"{'https' if tls else 'http'}://{'localhost' if tls else '127.0.0.1'}:{port}")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon((TLSListener(listener, tls, standard_compatible=False) if tls else listener).serve, serve)
        try:
            yield server
        finally:
            tasks.cancel_scope.cancel()
    await listener.aclose()
