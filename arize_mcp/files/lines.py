"""Physical lines of a file of any size, one at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import BinaryIO, Final

from arize_mcp.files.rows import MAX_ROW_BYTES, begin

_CHUNK_BYTES: Final = 1_048_576

Split = Callable[[bytes], list[bytes]]
"""Cuts text into its lines; the last item is what may go on behind the text."""


def at_newlines(text: bytes) -> list[bytes]:
    """Lines that end in a newline, without it."""
    return text.split(b"\n")


def at_any_end(text: bytes) -> list[bytes]:
    """Lines that end in a newline, a carriage return or both, with it."""
    return text.splitlines(keepends=True)


def lines(file: BinaryIO, split: Split) -> Iterator[tuple[int, bytes | None]]:
    """The lines with their numbers, from 1; None for one that is longer than MAX_ROW_BYTES, which is passed over.

    Raises:
        ProblemError: the file is UTF-16 or UTF-32.
    """
    begin(file)
    number = 0
    is_too_long = False
    rest = b""
    while chunk := file.read(_CHUNK_BYTES):
        *whole, rest = split(rest + chunk)
        for line in whole:
            number += 1
            yield number, None if is_too_long or len(line) > MAX_ROW_BYTES else line
            is_too_long = False
        if is_too_long or len(rest) > MAX_ROW_BYTES:
            # All that still counts of it is whether its last byte is a carriage return.
            is_too_long, rest = True, rest[-1:]
    if rest or is_too_long:
        yield number + 1, None if is_too_long else rest
