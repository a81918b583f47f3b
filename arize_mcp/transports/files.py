"""A transport that waits in threads: for regular files and for Windows, where the event loop can't wait."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Final

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from arize_mcp.transports.lines import lines
from arize_mcp.transports.streams import Incoming, Line, Outgoing
from arize_mcp.transports.wire import Wire

_READ_BYTES: Final = 64 * 1024

_Made = Callable[[], Line]


@asynccontextmanager
async def files(
    wire: Wire, drained: asyncio.Event, *, is_local: bool = False
) -> AsyncGenerator[tuple[Incoming, Outgoing]]:
    """The transport; its arguments are those of ``pipes``, for descriptors of any kind."""

    async def read() -> bytes:
        try:
            return await anyio.to_thread.run_sync(os.read, wire.stdin_fd, _READ_BYTES, abandon_on_cancel=True)
        except OSError:
            return b""

    send, receive = anyio.create_memory_object_stream[_Made]()
    with send, receive:
        async with anyio.create_task_group() as tasks:
            outgoing = _Outgoing(drained, send)
            tasks.start_soon(_write_all, wire.stdout_fd, receive, outgoing, tasks.cancel_scope.cancel)
            try:
                yield Incoming(lines(read), outgoing, is_local=is_local), outgoing
            finally:
                tasks.cancel_scope.cancel()


async def _write_all(
    fd: int, made: MemoryObjectReceiveStream[_Made], outgoing: _Outgoing, lost: Callable[[], object]
) -> None:
    """Write one message after the other. A call that is cancelled doesn't cut its message off."""
    async for make in made:
        try:
            await anyio.to_thread.run_sync(_write, fd, make(), abandon_on_cancel=True)
        except OSError:
            lost()
        outgoing.wrote()


def _write(fd: int, line: Line) -> None:
    for part in line:
        rest = memoryview(part)
        while rest:
            rest = rest[os.write(fd, rest) :]


class _Outgoing(Outgoing):
    def __init__(self, drained: asyncio.Event, send: MemoryObjectSendStream[_Made]) -> None:
        super().__init__(drained)
        self._send = send
        self._unwritten = 0

    async def write(self, made: _Made) -> None:
        self.drained.clear()
        self._unwritten += 1
        try:
            await self._send.send(made)
        except BaseException:
            self.wrote()
            raise

    def wrote(self) -> None:
        self._unwritten -= 1
        if not self._unwritten:
            self.drained.set()
