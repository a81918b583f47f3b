"""The upper levels of a JSON text of any length and depth, which is read piece by piece; little of it is kept."""

from __future__ import annotations

import re
from typing import Final

_TOKENS: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+("?)|[{}\[\]]', re.DOTALL)
_BETWEEN_BRACKETS: Final = re.compile(rb'(?:[^"{}\[\]]++|"(?:[^"\\]++|\\.)*+")*+', re.DOTALL)
_REST_OF_STRING: Final = re.compile(rb'(?:[^"\\]++|\\.)*+("?)', re.DOTALL)
_META_LEVEL: Final = 2
_META_DEPTH: Final = 100
_MAX_STRING_BYTES: Final = 4096


class Outline:
    """A JSON text without what lies deeper than some levels, and without its long strings.

    Brackets stay in pairs, so that JSON stays JSON. A message's ``params._meta`` is kept a hundred levels deep.

    Args:
        levels: how many levels are kept.
        max_bytes: with more than that, nothing is kept.
    """

    def __init__(self, levels: int, max_bytes: int) -> None:
        self._levels = levels
        self._left_bytes = max_bytes
        self._kept: list[bytes] = []
        self._depth = 0
        self._is_meta = False
        self._is_in_long_string = False
        self._tail: bytes = b""

    @property
    def text(self) -> bytes:
        """What was kept; empty where it was too much."""
        return b"".join(self._kept)

    def feed(self, text: bytes) -> None:
        """Read the next piece of the text."""
        piece = b"".join((self._tail, text))
        self._tail = b""
        position = 0
        if self._is_in_long_string:
            rest = _REST_OF_STRING.match(piece)
            position = rest.end() if rest else 0
            if not rest or not rest[1]:
                self._tail = piece[position:]
                return
            self._is_in_long_string = False
        while True:
            if not self._is_kept() and (between := _BETWEEN_BRACKETS.match(piece, position)):
                position = between.end()
            token = _TOKENS.search(piece, position)
            if not token:
                break
            self._keep(piece[position : token.start()])
            position = token.end()
            match token[0][:1]:
                case b'"':
                    is_short = len(token[0]) <= _MAX_STRING_BYTES
                    if not token[1]:
                        # The piece ends in it.
                        self._is_in_long_string = not is_short
                        self._tail = piece[token.start() if is_short else position :]
                        if not is_short:
                            self._keep(b'""')
                        return
                    self._keep(token[0] if is_short else b'""')
                    if self._depth == _META_LEVEL:
                        self._is_meta = token[0] == b'"_meta"'
                case b"{" | b"[":
                    self._keep(token[0])
                    self._depth += 1
                case _:
                    self._depth -= 1
                    self._keep(token[0])
        self._keep(piece[position:])

    def _is_kept(self) -> bool:
        return self._depth <= (max(self._levels, _META_DEPTH) if self._is_meta else self._levels)

    def _keep(self, text: bytes) -> None:
        if self._is_kept():
            if text[:1] != b'"':
                text = b" ".join(text.split())
            self._left_bytes -= len(text)
            if self._left_bytes < 0:
                self._kept.clear()
            else:
                self._kept.append(text)
