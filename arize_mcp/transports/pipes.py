"""Pipes, sockets and terminals: a transport on the event loop itself."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
import sys
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Final, cast

import anyio

from arize_mcp.transports.lines import lines
from arize_mcp.transports.streams import Incoming, Line, Outgoing
from arize_mcp.transports.wire import Wire

_PIPE_BYTES: Final = 1024 * 1024
_READ_BYTES: Final = 256 * 1024
_PIECE_BYTES: Final = 256 * 1024


def can_wait_for(fd: int) -> bool:
    """Whether the event loop can wait for a descriptor."""
    if sys.platform == "win32":
        return False
    if _is_socket(fd):
        with _socket(fd) as duplicate:
            return duplicate.type == socket.SOCK_STREAM
    return stat.S_ISFIFO(os.fstat(fd).st_mode) or os.isatty(fd)


def _is_socket(fd: int) -> bool:
    return stat.S_ISSOCK(os.fstat(fd).st_mode)


def _socket(fd: int) -> socket.socket:
    return socket.socket(fileno=os.dup(fd))


@asynccontextmanager
async def pipes(
    wire: Wire, drained: asyncio.Event, *, is_local: bool = False
) -> AsyncGenerator[tuple[Incoming, Outgoing]]:
    """The transport.

    Args:
        wire: pipes, sockets or terminals; one socket may be both.
        drained: is cleared while there are messages that the host has not read.
        is_local: whether no call needs the network.
    """
    assert sys.platform != "win32"  # noqa: S101 - its loops have no pipes
    _widen(wire.stdout_fd)
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=_READ_BYTES)
    with anyio.CancelScope() as scope:
        outgoing = _Outgoing(drained, lost=scope.cancel)
        # asyncio's pipe transports log a socket's reset, and take a readable stdout for a closed one.
        if _is_socket(wire.stdin_fd):
            stdin, _ = await loop.create_connection(
                partial(asyncio.StreamReaderProtocol, reader), sock=_socket(wire.stdin_fd)
            )
        else:
            stdin, _ = await loop.connect_read_pipe(
                partial(asyncio.StreamReaderProtocol, reader), os.fdopen(os.dup(wire.stdin_fd), "rb", buffering=0)
            )
        if _is_socket(wire.stdout_fd):
            stdout, _ = await loop.create_connection(lambda: outgoing, sock=_socket(wire.stdout_fd))
        else:
            stdout, _ = await loop.connect_write_pipe(
                lambda: outgoing, os.fdopen(os.dup(wire.stdout_fd), "wb", buffering=0)
            )
        try:
            yield Incoming(lines(partial(_read, reader)), outgoing, is_local=is_local), outgoing
        finally:
            # Others may share them: a shell wants its terminal back as it was.
            os.set_blocking(wire.stdin_fd, True)
            os.set_blocking(wire.stdout_fd, True)
            stdin.close()
            stdout.close()


async def _read(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read(_READ_BYTES)
    except OSError:
        return b""  # the host reset its socket


def _widen(fd: int) -> None:
    """Make a pipe larger: through Linux's usual 64 KiB, a page of a megabyte takes dozens of turns with the host."""
    if sys.platform == "linux":
        import fcntl  # noqa: PLC0415 - Windows has none

        with suppress(OSError):  # a socket, or more than the system allows
            fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)


class _Outgoing(Outgoing, asyncio.Protocol):
    """The messages to the host, as the asyncio protocol of the pipe or socket that they are written to."""

    def __init__(self, drained: asyncio.Event, lost: Callable[[], object]) -> None:
        super().__init__(drained)
        self._lost = lost
        self._may_write = asyncio.Event()
        self._may_write.set()
        self._waiting = 0
        self._left: deque[bytes | memoryview] = deque()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the pipe or the socket."""
        self._transport = cast("asyncio.WriteTransport", transport)
        # A message waits until the host has read all before it.
        self._transport.set_write_buffer_limits(high=0)
        if transport.get_extra_info("socket") is not None:
            # A socket that is stdin too is read as stdin; of any other, the reading half may be shut.
            cast("asyncio.ReadTransport", transport).pause_reading()

    def pause_writing(self) -> None:
        """The host has not read all."""
        self._may_write.clear()

    def resume_writing(self) -> None:
        """The host has read all."""
        # Not in here: where the host goes away during a write now, asyncio's transports end twice.
        asyncio.get_running_loop().call_soon(self._write_on)

    def connection_lost(self, exc: Exception | None) -> None:
        """The host closed stdout: nobody is left to answer."""
        self._left.clear()
        self._may_write.set()
        self._lost()

    async def write(self, made: Callable[[], Line]) -> None:
        """Make a line and write it, once the host has read all before it."""
        self.drained.clear()
        self._waiting += 1
        try:
            while not self._may_write.is_set():
                await self._may_write.wait()
        finally:
            self._waiting -= 1
        if self._transport.is_closing():
            return
        for part in made():
            if len(part) <= _PIECE_BYTES:
                self._left.append(part)
            else:
                whole = memoryview(part)
                self._left.extend(whole[at : at + _PIECE_BYTES] for at in range(0, len(whole), _PIECE_BYTES))
        self._write_on()

    def _write_on(self) -> None:
        # The loop copies what the pipe doesn't take, so it gets one piece at a time.
        while self._left and not (self._transport.get_write_buffer_size() or self._transport.is_closing()):
            self._transport.write(self._left.popleft())
        if not self._transport.get_write_buffer_size():
            self._may_write.set()
            if not self._waiting:
                self.drained.set()
