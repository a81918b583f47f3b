"""The way past httpx's pool: a connection for each request under way, kept for the next."""

from __future__ import annotations

import asyncio
import re
import selectors
import socket
import ssl
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Final, cast

import anyio
import httptools
import httpx

# As long as httpx's own pool keeps them.
_KEPT_S: Final = 5.0
# How long an address may take until the next one is tried beside it (RFC 8305).
_NEXT_ADDRESS_S: Final = 0.25
_READ_AHEAD_BYTES: Final = 128 * 1024
# Neither a head nor what follows a body may have more.
_HEAD_BYTES: Final = 100 * 1024
_TAIL_BYTES: Final = 64 * 1024
# Without either of these, content ends where the connection does.
_LENGTHS: Final = frozenset({b"content-length", b"transfer-encoding"})
# What no request's head may hold; the ends of its lines are counted.
_CONTROLS: Final = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)")
_Head = tuple[int, list[tuple[bytes, bytes]]]
# One that takes no descriptor of its own; Windows has but the other.
_Selector: Final = getattr(selectors, "PollSelector", selectors.SelectSelector)


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
        response.stream = _FreeingBody(cast("httpx.AsyncByteStream", response.stream), lambda: self._release(lane))
        return response

    def _release(self, lane: httpx.AsyncBaseTransport) -> None:
        if lane not in self._idle:
            self._idle.append(lane)

    async def aclose(self) -> None:
        """Close all connections."""
        for lane in self._lanes:
            await lane.aclose()


class _FreeingBody(httpx.AsyncByteStream):
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


class Lane(httpx.AsyncBaseTransport):
    """One connection to a host, without a proxy, on a loop of asyncio's own; a new one where the last has ended.

    Args:
        url: of the host.
        tls: whom to trust.
    """

    def __init__(self, url: httpx.URL, tls: ssl.SSLContext) -> None:
        self._host = url.raw_host.decode("ascii")
        self._port = url.port or {"http": 80, "https": 443}[url.scheme]
        self._tls = tls if url.scheme == "https" else None
        # As httpx does: a host that prefers HTTP/2 is told that it isn't spoken here.
        tls.set_alpn_protocols(["http/1.1"])
        self._connection: _Connection | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request.

        Raises:
            httpx.TransportError: there is no answer.
        """
        timeouts = request.extensions["timeout"]
        if self._connection is None or not self._connection.is_idle():
            await self.aclose()
            self._connection = await self._connect(timeouts["connect"])
        connection = self._connection
        try:
            status, headers = await connection.exchange(request, timeouts["write"], timeouts["read"])
        except BaseException:
            connection.close()
            raise
        return httpx.Response(status, headers=headers, stream=_Body(connection, timeouts["read"]))

    async def _connect(self, timeout_s: float) -> _Connection:
        try:
            with anyio.fail_after(timeout_s):
                _, connection = await asyncio.get_running_loop().create_connection(
                    _Connection, self._host, self._port, ssl=self._tls, happy_eyeballs_delay=_NEXT_ADDRESS_S
                )
        except TimeoutError as error:
            raise httpx.ConnectTimeout(str(error)) from error
        except (OSError, UnicodeError) as error:  # those of TLS among them, and names that can't be one
            raise httpx.ConnectError(str(error)) from error
        return connection

    async def aclose(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class _Body(httpx.AsyncByteStream):
    """The content of an answer, as it comes."""

    def __init__(self, connection: _Connection, timeout_s: float) -> None:
        self._connection = connection
        self._timeout_s = timeout_s

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while part := await self._connection.receive(self._timeout_s):
            yield part

    async def aclose(self) -> None:
        self._connection.finish()


class _Connection(asyncio.Protocol):
    """A connection over which one request goes at a time. httptools reads HTTP/1.1; the event loop brings the bytes.

    anyio's streams, which httpcore would use, take a turn of the loop for each write and pause the socket after each
    read; its locks take two more.
    """

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        # Behind a 100 that says "close", or speaks HTTP/1.0, the answer comes all the same; and a host that pads the
        # sizes of its chunks, or ends its lines with LF alone, means nothing else by it.
        self._parser.set_dangerous_leniencies(
            lenient_keep_alive=True, lenient_spaces_after_chunk_size=True, lenient_optional_cr_before_lf=True
        )
        self._head: _Head | None = None
        self._headers: list[tuple[bytes, bytes]] = []
        self._body: deque[bytes] = deque()
        self._is_complete = False
        self._may_be_kept = False
        self._idle_since_s: float | None = None
        self._received: deque[bytes] = deque()
        self._received_bytes = 0
        self._unread_bytes = 0
        self._ended = False
        self._error: Exception | None = None
        self._may_write = True
        self._waiter: asyncio.Future[None] | None = None
        self._too_long: type[httpx.TimeoutException] = httpx.ReadTimeout
        self._until_s = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._socket: socket.socket = transport.get_extra_info("socket")
        self._selector = _Selector()
        self._selector.register(self._socket.fileno(), selectors.EVENT_READ)
        # The first byte that can't be sent on pauses: of fewer than its limit, TLS would tell nothing.
        self._transport.set_write_buffer_limits(high=1)
        self._loop = asyncio.get_running_loop()
        self._idle_since_s = self._loop.time()

    def data_received(self, data: bytes) -> None:
        self._received.append(data)
        self._received_bytes += len(data)
        if self._received_bytes >= _READ_AHEAD_BYTES and (self._waiter is None or self._waiter.done()):
            self._transport.pause_reading()
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended = True
        self._error = exc
        self._wake()

    def eof_received(self) -> None:
        self._ended = True
        self._wake()

    def pause_writing(self) -> None:
        self._may_write = False

    def resume_writing(self) -> None:
        self._may_write = True
        self._wake()

    def is_idle(self) -> bool:
        """Whether a request can be sent: a connection on which something comes unasked is about to end."""
        return (
            self._idle_since_s is not None
            and self._loop.time() - self._idle_since_s < _KEPT_S
            and not self._ended
            and not self._received
            and not self._has_news()
        )

    def _has_news(self) -> bool:
        """Whether the host has sent or closed something since the loop last looked: work may have held the loop."""
        # TLS tells of the end a turn after the socket was closed.
        return self._socket.fileno() < 0 or bool(self._selector.select(0))

    async def exchange(self, request: httpx.Request, write_timeout_s: float, read_timeout_s: float) -> _Head:
        """Send a request; the head of its answer.

        Raises:
            httpx.TransportError: there is no answer.
        """
        self._idle_since_s = None
        trace = request.extensions.get("trace")
        if trace is not None:
            await trace("http11.send_request_headers.started", {"request": request})
        target: bytes = request.extensions.get("target", request.url.raw_path)
        lines = [b"%b %b HTTP/1.1" % (request.method.encode(), target)]
        lines += [b"%b: %b" % header for header in request.headers.raw]
        head = b"\r\n".join((*lines, b"", b""))
        if b" " in target or head.count(b"\n") > len(lines) + 1 or _CONTROLS.search(head):
            raise httpx.LocalProtocolError("a character in the request's head that can't be there")
        self._transport.write(head)
        async for chunk in cast("httpx.AsyncByteStream", request.stream):
            if chunk:
                content = memoryview(chunk)
                self._transport.write(content[:-_TAIL_BYTES])
                # TLS doesn't count what it has handed to the socket: only the next write has to wait for that.
                self._transport.write(content[-_TAIL_BYTES:])
        # Some hosts refuse a long request before they have read it, and close.
        while not (self._may_write or self._received or self._ended):
            await self._wait(write_timeout_s, httpx.WriteTimeout)
        while self._head is None:
            await self._parse_more(read_timeout_s)
        return self._head

    async def receive(self, timeout_s: float) -> bytes:
        """The next part of an answer's content; nothing at its end.

        Raises:
            httpx.TransportError: nothing comes, and it isn't the end.
        """
        while not (self._body or self._is_complete):
            await self._parse_more(timeout_s)
        return self._body.popleft() if self._body else b""

    async def _parse_more(self, timeout_s: float) -> None:
        data = await self._read(timeout_s)
        if not data:
            if self._head is None:
                raise httpx.RemoteProtocolError("closed without an answer")
            if not _LENGTHS.isdisjoint(dict(self._head[1])):
                raise httpx.RemoteProtocolError("closed within an answer")
            self._is_complete = True
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._may_be_kept = False
            if not self._is_complete:
                raise httpx.RemoteProtocolError(str(error)) from error
        self._unread_bytes = 0 if self._body or self._is_complete else self._unread_bytes + len(data)
        if self._unread_bytes > _HEAD_BYTES:
            raise httpx.RemoteProtocolError(f"more than {_HEAD_BYTES} bytes beside its content")

    def on_message_begin(self) -> None:
        # Whatever follows an answer was not asked for.
        self._may_be_kept = not self._is_complete
        self._headers = []

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._head is None:
            self._headers.append((name.lower(), value.rstrip(b" \t")))

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 100:
            raise httpx.RemoteProtocolError(f"status {status:03}")
        if self._head is None and status >= 200:  # those below it announce an answer
            coding = dict(self._headers).get(b"transfer-encoding", b"chunked")
            if coding.lower() != b"chunked":
                raise httpx.RemoteProtocolError(f"transfer encoding {coding[:50]!r}")
            self._head = status, self._headers
            self._may_be_kept = self._parser.should_keep_alive()

    def on_body(self, body: bytes) -> None:
        if self._head is None:
            raise httpx.RemoteProtocolError("content before an answer")
        if not self._is_complete:
            self._body.append(body)

    def on_message_complete(self) -> None:
        self._is_complete = self._head is not None

    async def _read(self, timeout_s: float) -> bytes:
        while not self._received:
            if self._ended:
                if self._error is not None:
                    raise httpx.ReadError(str(self._error)) from self._error
                return b""
            await self._wait(timeout_s, httpx.ReadTimeout)
        data = self._received.popleft()
        self._received_bytes -= len(data)
        if self._received_bytes < _READ_AHEAD_BYTES:
            self._transport.resume_reading()
        return data

    def finish(self) -> None:
        """Keep the connection for the next request, if the answer was read to its end and nothing is left of both."""
        is_done = self._is_complete and self._may_be_kept and not self._body
        if is_done and self._may_write and not (self._received or self._ended):
            self._head = None
            self._is_complete = False
            self._idle_since_s = self._loop.time()
        else:
            self.close()

    def close(self) -> None:
        """Close at once: what is under way is given up, and nobody waits for a host's last words."""
        self._idle_since_s = None
        if self._timer is not None:
            self._timer.cancel()
        self._transport.abort()

    async def _wait(self, timeout_s: float, too_long: type[httpx.TimeoutException]) -> None:
        self._waiter = waiter = self._loop.create_future()
        self._too_long = too_long
        self._until_s = self._loop.time() + timeout_s
        if self._timer is None or self._timer.when() > self._until_s:
            self._set_timer()
        try:
            await waiter
        finally:
            self._waiter = None

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(self._until_s, self._time_is_up)

    def _time_is_up(self) -> None:
        # One timer serves many waits: most end long before it, and a timer for each takes as long as reading an answer.
        self._timer = None
        if self._waiter is not None and not self._waiter.done():
            if self._loop.time() < self._until_s:
                self._set_timer()
            else:
                self._waiter.set_exception(self._too_long(""))

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
