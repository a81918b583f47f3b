"""The stdio transport: JSON-RPC, a message a line, and not a byte more on stdout.

On POSIX pipes it runs on the event loop itself. Windows and regular files, which no event loop can wait for, are left
to the SDK's transport. Source: MCP, Transports, stdio; JSON-RPC 2.0, 5.1.
"""

from __future__ import annotations

import asyncio
import io
import json
import logging
import os
import signal
import stat
import sys
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from types import TracebackType
from typing import Any, Final, Self, cast

import anyio
from mcp import types
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.shared.message import SessionMessage
from pydantic import ValidationError
from pydantic_core import from_json

from arize_mcp.transports.wire import Wire

logger = logging.getLogger(__name__)

_DUMP: Final = types.jsonrpc_message_adapter.dump_json
_EXIT_WITHIN_S: Final = 0.3
_PIPE_BYTES: Final = 1024 * 1024

MAX_LINE_BYTES: Final = 16 * 1024 * 1024
"""The longest message taken from the host."""


async def serve(server: Server[Any], wire: Wire, drained: asyncio.Event | None = None) -> None:
    """Serve until the host closes stdin or stdout, or SIGTERM or SIGINT comes; calls in flight are cancelled.

    Args:
        server: the server.
        wire: the host's pipes.
        drained: is cleared while there are messages that the host has not read.
    """
    async with anyio.create_task_group() as tasks:
        if sys.platform != "win32":
            tasks.start_soon(_cancel_on_signal, tasks.cancel_scope)
        on_loop = _can_wait_for(wire.stdin_fd) and _can_wait_for(wire.stdout_fd)
        transport = pipes(wire, drained or asyncio.Event()) if on_loop else files(wire)
        async with transport as (read_stream, write_stream):
            await server.run(read_stream, write_stream, server.create_initialization_options())
        tasks.cancel_scope.cancel()
    # All is closed. A name look-up that hangs in a worker thread would keep the process for as long as it takes.
    last_resort = threading.Timer(_EXIT_WITHIN_S, os._exit, args=(0,))
    last_resort.daemon = True
    last_resort.start()


async def _cancel_on_signal(scope: anyio.CancelScope) -> None:
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async for _ in signals:
            scope.cancel()
            return


def _can_wait_for(fd: int) -> bool:
    mode = os.fstat(fd).st_mode
    return sys.platform != "win32" and (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or os.isatty(fd))


@asynccontextmanager
async def files(wire: Wire) -> AsyncGenerator[tuple[Any, Any]]:
    """The SDK's transport on the wire's descriptors."""
    stdin = io.TextIOWrapper(os.fdopen(wire.stdin_fd, "rb"), encoding="utf-8", errors="replace")
    stdout = io.TextIOWrapper(os.fdopen(wire.stdout_fd, "wb"), encoding="utf-8")
    async with stdio_server(anyio.wrap_file(stdin), anyio.wrap_file(stdout)) as streams:
        yield streams


@asynccontextmanager
async def pipes(wire: Wire, drained: asyncio.Event) -> AsyncGenerator[tuple[Incoming, Outgoing]]:
    """A transport on the event loop.

    Args:
        wire: pipes, sockets or a terminal.
        drained: is cleared while there are messages that the host has not read.
    """
    assert sys.platform != "win32"  # noqa: S101 - its loops have no pipes
    _widen(wire.stdout_fd)
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=MAX_LINE_BYTES)
    stdin, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(os.dup(wire.stdin_fd), "rb", buffering=0)
    )
    with anyio.CancelScope() as scope:
        stdout, outgoing = await loop.connect_write_pipe(
            lambda: Outgoing(drained, lost=scope.cancel), os.fdopen(os.dup(wire.stdout_fd), "wb", buffering=0)
        )
        try:
            yield Incoming(reader, outgoing), outgoing
        finally:
            # A terminal is shared with the shell, which wants it as it was.
            os.set_blocking(wire.stdin_fd, True)
            os.set_blocking(wire.stdout_fd, True)
            stdin.close()
            stdout.close()


def _widen(fd: int) -> None:
    """A page of a megabyte through Linux's usual pipe of 64 KiB would be dozens of turns with the host."""
    if sys.platform == "linux":
        import fcntl  # noqa: PLC0415 - Windows has none

        with suppress(OSError):  # a socket, or more than the system allows
            fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)


class _Stream:
    """What the SDK wants of both streams beside their messages."""

    async def aclose(self) -> None:
        """Nothing: who opened the pipes closes them."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None:
        await self.aclose()


class Incoming(_Stream):
    """The messages of the host. What is none is answered right here."""

    def __init__(self, reader: asyncio.StreamReader, outgoing: Outgoing) -> None:
        self._lines = _lines(reader)
        self._outgoing = outgoing

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SessionMessage:
        while True:
            message = _message(await anext(self._lines))
            if isinstance(message, bytes):
                await self._outgoing.write(lambda reply=message: reply)
            elif message is not None:
                return SessionMessage(message)

    async def receive(self) -> SessionMessage:
        """The next message.

        Raises:
            anyio.EndOfStream: the host closed stdin.
        """
        try:
            return await anext(self)
        except StopAsyncIteration:
            raise anyio.EndOfStream from None


class Outgoing(_Stream, asyncio.BaseProtocol):
    """The messages to the host, no faster than it reads."""

    def __init__(self, drained: asyncio.Event, lost: Callable[[], object]) -> None:
        self._drained = drained
        self._lost = lost
        self._may_write = asyncio.Event()
        self._may_write.set()
        self._waiting = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the pipe."""
        self._transport = cast("asyncio.WriteTransport", transport)
        # Who has a message waits until the host has all of those before.
        self._transport.set_write_buffer_limits(high=0)

    def pause_writing(self) -> None:
        """The host has not read all."""
        self._may_write.clear()

    def resume_writing(self) -> None:
        """The host has read all."""
        self._may_write.set()
        if not self._waiting:
            self._drained.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """The host closed stdout: nobody is left to answer."""
        self._may_write.set()
        self._lost()

    async def send(self, item: SessionMessage) -> None:
        """Write a message."""
        await self.write(partial(_DUMP, item.message, by_alias=True, exclude_unset=True))

    async def write(self, made: Callable[[], bytes]) -> None:
        """Write what is made only when it can be: many replies of a megabyte may be waiting."""
        self._drained.clear()
        self._waiting += 1
        try:
            while not self._may_write.is_set():
                await self._may_write.wait()
        finally:
            self._waiting -= 1
        self._transport.write(made())
        self._transport.write(b"\n")
        if self._may_write.is_set() and not self._waiting:
            self._drained.set()


async def _lines(reader: asyncio.StreamReader) -> AsyncGenerator[bytes | None]:
    """The lines without their ends; None for one that is longer than MAX_LINE_BYTES, of which nothing is kept."""
    too_long = False
    while True:
        try:
            line = await reader.readuntil(b"\n")
        except asyncio.LimitOverrunError as overrun:
            await reader.readexactly(overrun.consumed)
            too_long = True
            continue
        except asyncio.IncompleteReadError:
            return
        yield None if too_long else line.strip(b"\r\n")
        too_long = False


def _message(line: bytes | None) -> types.JSONRPCMessage | bytes | None:
    """A line's message; the error reply to one that holds none; None where there is nothing to say."""
    if line is None:
        return _error(None, types.INVALID_REQUEST, f"Message longer than {MAX_LINE_BYTES} bytes")
    if not line.strip():
        return None
    try:
        value: Any = from_json(line)
    except ValueError:
        # It also refuses half of a surrogate pair, and what is nested too deep: whose request that is can be found out.
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            return _error(None, types.PARSE_ERROR, "Parse error: not a line of JSON in UTF-8")
    else:
        if isinstance(value, dict):
            # The adapter of all four would try each of them on the whole message.
            with suppress(ValidationError):
                return _kind(cast("dict[str, Any]", value)).model_validate(value, by_name=False)
    if isinstance(value, list):
        return _error(None, types.INVALID_REQUEST, "Invalid request: batches are not supported")
    fields = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
    if "method" in fields and "id" not in fields:
        logger.warning("ignored a malformed notification")
        return None
    request_id = fields.get("id")
    known = request_id if isinstance(request_id, str | int) and not isinstance(request_id, bool) else None
    return _error(known, types.INVALID_REQUEST, "Invalid request: not a JSON-RPC 2.0 message")


def _kind(fields: dict[str, Any]) -> type[types.JSONRPCMessage]:
    if "method" in fields:
        return types.JSONRPCRequest if "id" in fields else types.JSONRPCNotification
    return types.JSONRPCError if "error" in fields else types.JSONRPCResponse


def _error(request_id: str | int | None, code: int, message: str) -> bytes:
    reply = {"jsonrpc": "2.0", "id": request_id, "error": {"code": code, "message": message}}
    return json.dumps(reply).encode()
