"""The bytes that the host sends, as lines. Of a line that is too long, only an outline is kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from arize_mcp.transports.outline import Outline

MAX_LINE_BYTES: Final = 16 * 1024 * 1024
"""The longest message taken from the host."""

_OUTLINE_LEVELS: Final = 2
_OUTLINE_BYTES: Final = 64 * 1024


@dataclass(frozen=True)
class TooLong:
    """A line of more than MAX_LINE_BYTES: how long it was, and JSON text of what stood on its upper levels."""

    size_bytes: int
    outline: bytes


async def lines(read: Callable[[], Awaitable[bytes]]) -> AsyncGenerator[bytes | TooLong]:
    """The lines without their ends. The end of input ends the last one.

    Args:
        read: gets the next bytes; none at the end of input.
    """
    line = _Line()
    while chunk := await read():
        first, *others = chunk.split(b"\n")
        await line.add(first)
        for part in others:
            yield line.whole()
            line = _Line()
            await line.add(part)
    if line.size_bytes:
        yield line.whole()


class _Line:
    """A line that is still arriving."""

    def __init__(self) -> None:
        self.size_bytes = 0
        self._parts: list[bytes] = []
        self._outline: Outline | None = None

    async def add(self, part: bytes) -> None:
        self.size_bytes += len(part)
        self._parts.append(part)
        if self.size_bytes > MAX_LINE_BYTES:
            if self._outline is None:
                self._outline = Outline(_OUTLINE_LEVELS, _OUTLINE_BYTES)
            for piece in self._parts:
                self._outline.feed(piece)
                await asyncio.sleep(0)  # a signal may come between megabytes
            self._parts.clear()

    def whole(self) -> bytes | TooLong:
        if self._outline is not None:
            return TooLong(self.size_bytes, self._outline.text)
        return b"".join(self._parts).strip(b"\r\n")
