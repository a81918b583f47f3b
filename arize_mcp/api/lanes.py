"""The way past httpx's pool: a connection for each request under way, kept for the next."""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Callable, Generator
from contextlib import contextmanager
from typing import Any, Final, cast

import anyio
import httpcore
import httpx

# As long as httpx's own pool keeps them.
_KEPT_S: Final = 5.0
# How long an address may take until the next one is tried beside it (RFC 8305).
_NEXT_ADDRESS_S: Final = 0.25
_READ_BYTES: Final = 64 * 1024
_READ_AHEAD_BYTES: Final = 128 * 1024
HTTPX_ERRORS: Final[dict[type[Exception], type[httpx.TransportError]]] = {
    httpcore.ConnectTimeout: httpx.ConnectTimeout,
    httpcore.ReadTimeout: httpx.ReadTimeout,
    httpcore.WriteTimeout: httpx.WriteTimeout,
    httpcore.PoolTimeout: httpx.PoolTimeout,
    httpcore.TimeoutException: httpx.TimeoutException,
    httpcore.ConnectError: httpx.ConnectError,
    httpcore.ReadError: httpx.ReadError,
    httpcore.WriteError: httpx.WriteError,
    httpcore.NetworkError: httpx.NetworkError,
    httpcore.ProxyError: httpx.ProxyError,
    httpcore.UnsupportedProtocol: httpx.UnsupportedProtocol,
    httpcore.LocalProtocolError: httpx.LocalProtocolError,
    httpcore.RemoteProtocolError: httpx.RemoteProtocolError,
    httpcore.ProtocolError: httpx.ProtocolError,
}
"""What each of httpcore's errors is in httpx; a class stands before its base class."""


class Lanes(httpx.AsyncBaseTransport):
    """A lane for each request under way.

    In httpx's own pool the requests race for the idle connections, and in a burst some lose until all others are done.

    Args:
        open_lane: makes one more: a transport of one connection.
    """

    def __init__(self, open_lane: Callable[[], httpx.AsyncBaseTransport]) -> None:
        self._open_lane = open_lane
        self._lanes: list[httpx.AsyncBaseTransport] = []
        self._idle: list[httpx.AsyncBaseTransport] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; its lane is free again when the response is closed."""
        if not self._idle:
            self._idle.append(self._open_lane())
            self._lanes.append(self._idle[-1])
        lane = self._idle.pop()
        try:
            response = await lane.handle_async_request(request)
        except BaseException:
            self._idle.append(lane)
            raise
        response.stream = _Body(cast("httpx.AsyncByteStream", response.stream), lambda: self._release(lane))
        return response

    def _release(self, lane: httpx.AsyncBaseTransport) -> None:
        if lane not in self._idle:
            self._idle.append(lane)

    async def aclose(self) -> None:
        """Close all connections."""
        for lane in self._lanes:
            await lane.aclose()


class Lane(httpx.AsyncBaseTransport):
    """One connection to a host, without a proxy, and a new one where the last has ended.

    Args:
        url: of the host.
        tls: whom to trust.
    """

    def __init__(self, url: httpx.URL, tls: ssl.SSLContext) -> None:
        self._url = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=b"/")
        self._tls = tls
        # As httpx does: a host that prefers HTTP/2 is told that it isn't spoken here.
        tls.set_alpn_protocols(["http/1.1"])
        self._connection: httpcore.AsyncHTTP11Connection | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request.

        Raises:
            httpx.TransportError: there is no answer.
        """
        sent = httpcore.Request(
            method=request.method,
            url=self._url,
            headers=request.headers.raw,
            content=request.stream,
            extensions={"target": request.url.raw_path, **request.extensions},
        )
        with _as_httpx():
            if self._connection is None or not self._connection.is_available() or self._connection.has_expired():
                await self.aclose()
                self._connection = await self._connect(request.extensions["timeout"]["connect"])
            response = await self._connection.handle_async_request(sent)
        return httpx.Response(response.status, headers=response.headers, stream=_LaneBody(response))

    async def _connect(self, timeout_s: float) -> httpcore.AsyncHTTP11Connection:
        origin = self._url.origin
        host = origin.host.decode("ascii")
        tls = self._tls if origin.scheme == b"https" else None
        loop = asyncio.get_running_loop()
        # uvloop, which an ASGI server may bring, has no such option and tries one address after the other.
        beside: dict[str, Any] = (
            {"happy_eyeballs_delay": _NEXT_ADDRESS_S} if isinstance(loop, asyncio.BaseEventLoop) else {}
        )
        try:
            with anyio.fail_after(timeout_s):
                _, stream = await loop.create_connection(_Stream, host, origin.port, ssl=tls, **beside)
        except TimeoutError as error:
            raise httpcore.ConnectTimeout from error
        except OSError as error:  # those of TLS among them
            raise httpcore.ConnectError(str(error)) from error
        return httpcore.AsyncHTTP11Connection(origin, stream, keepalive_expiry=_KEPT_S)

    async def aclose(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            await self._connection.aclose()
            self._connection = None


class _Stream(httpcore.AsyncNetworkStream, asyncio.BufferedProtocol):
    """The bytes of a connection, as the event loop brings them.

    anyio's streams, which httpcore would use, take a turn of the loop for each write and pause the socket after each
    read.
    """

    def __init__(self) -> None:
        # A view: asyncio unpacks TLS into slices of it, and slices of a bytearray would be copies.
        self._buffer = memoryview(bytearray(_READ_BYTES))
        self._received: deque[bytes] = deque()
        self._received_bytes = 0
        self._ended = False
        self._error: Exception | None = None
        self._may_write = True
        self._waiter: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        self._received.append(bytes(self._buffer[:nbytes]))
        self._received_bytes += nbytes
        if self._received_bytes >= _READ_AHEAD_BYTES:
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> None:
        self._ended = True
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended = True
        self._error = exc
        self._wake()

    def pause_writing(self) -> None:
        self._may_write = False

    def resume_writing(self) -> None:
        self._may_write = True
        self._wake()

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - as httpcore calls it
        while not self._received and not self._ended:
            await self._wait(timeout, httpcore.ReadTimeout)
        if not self._received:
            if self._error is not None:
                raise httpcore.ReadError(str(self._error)) from self._error
            return b""
        data = self._received.popleft()
        if len(data) > max_bytes:
            self._received.appendleft(data[max_bytes:])
            data = data[:max_bytes]
        was_full = self._received_bytes >= _READ_AHEAD_BYTES
        self._received_bytes -= len(data)
        if was_full and self._received_bytes < _READ_AHEAD_BYTES and not self._ended:
            self._transport.resume_reading()
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - as httpcore calls it
        if not buffer:
            return
        self._transport.write(buffer)
        while not self._may_write and not self._ended:
            await self._wait(timeout, httpcore.WriteTimeout)
        if self._ended:
            raise httpcore.WriteError(str(self._error or "closed")) from self._error

    async def aclose(self) -> None:
        # What is under way is given up; nobody waits for a host's last words.
        self._transport.abort()

    def get_extra_info(self, info: str) -> object:
        # A connection that can be read without a request is about to end.
        return info == "is_readable" and (self._ended or bool(self._received))

    async def _wait(self, timeout_s: float | None, too_long: type[httpcore.TimeoutException]) -> None:
        loop = asyncio.get_running_loop()
        self._waiter = waiter = loop.create_future()
        timer = None if timeout_s is None else loop.call_later(timeout_s, _fail, waiter, too_long)
        try:
            await waiter
        finally:
            self._waiter = None
            if timer is not None:
                timer.cancel()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


def _fail(waiter: asyncio.Future[None], error: type[Exception]) -> None:
    if not waiter.done():
        waiter.set_exception(error())


class _LaneBody(httpx.AsyncByteStream):
    """A body as httpcore reads it, with httpx's errors."""

    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _as_httpx():
            async for chunk in cast("AsyncIterable[bytes]", self._response.stream):
                yield chunk

    async def aclose(self) -> None:
        await self._response.aclose()


class _Body(httpx.AsyncByteStream):
    """A body whose lane is free when it is closed."""

    def __init__(self, stream: httpx.AsyncByteStream, release: Callable[[], None]) -> None:
        self._stream = stream
        self._release = release

    def __aiter__(self) -> AsyncIterator[bytes]:
        return aiter(self._stream)

    async def aclose(self) -> None:
        try:
            await self._stream.aclose()
        finally:
            self._release()


@contextmanager
def _as_httpx() -> Generator[None]:
    try:
        yield
    except tuple(HTTPX_ERRORS) as error:
        kind = next(ours for theirs, ours in HTTPX_ERRORS.items() if isinstance(error, theirs))
        raise kind(str(error)) from error
