"""The JSON of an answer, read as far as it can be passed on."""

from __future__ import annotations

import json
import math
import re
from typing import Any, Final

from arize_mcp.api import jsontext

_TOKEN: Final = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)
_CONTROL: Final = re.compile(r"[\x00-\x1f]")
_ESCAPED_OR_CONTROL: Final = re.compile(r"(\\.)|[\x00-\x1f]", re.DOTALL)
_ESCAPE_CHARS: Final = 6
_FIELD_DEPTH: Final = 3
"""How deep a field of an item of a page is: in the item, in the array, in the page."""

_MAX_DIGITS: Final = 4_300
"""Longer integers are read neither by Python nor, as a number, by any other client."""


class NotJSONError(ValueError):
    """A text that is no JSON: why, and where.

    Attributes:
        is_cut: whether it ends too early, so that it may have been cut short on its way.
    """

    def __init__(self, reason: str, *, is_cut: bool) -> None:
        super().__init__(reason)
        self.is_cut = is_cut


def read(content: bytes | bytearray) -> tuple[Any, list[dict[str, Any]]]:
    """Read JSON in UTF-8 as far as it can be passed on, and say what can't.

    A field that is nested deeper than ``jsontext.MAX_DEPTH`` is there as its JSON text. A number that JSON has
    no form for, or that no client reads, is null. Control characters in a text are there as themselves.

    Returns:
        The value; and for each part that isn't there as it was sent, its JSON Pointer (RFC 6901) as ``pointer``, with
        the length of its JSON text as ``chars``, or the number as ``text``.

    Raises:
        NotJSONError: it is no JSON.
    """
    try:
        return jsontext.loads(content), []
    except ValueError:
        pass
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        is_cut = error.end == len(content) and error.reason == "unexpected end of data"
        raise NotJSONError(f"is not UTF-8, at byte {error.start}", is_cut=is_cut) from None
    try:
        passable, told = _passable(text)
        return jsontext.loads(passable.encode()), told
    except json.JSONDecodeError as error:
        rest = error.doc[error.pos :].rstrip()
        is_cut = (
            error.msg.startswith("Unterminated string")
            or (not rest and error.msg != "Extra data")
            or any(word.startswith(rest) for word in ("true", "false", "null"))
            or ("escape" in error.msg and len(rest) <= _ESCAPE_CHARS)
        )
        where = f"line {error.lineno}, column {error.colno}"
        raise NotJSONError(f"is not JSON: {error.msg} ({where})", is_cut=is_cut) from None
    except ValueError as error:
        # The nesting never ends.
        raise NotJSONError(f"is not JSON: {error}", is_cut=True) from None


def _passable(text: str) -> tuple[str, list[dict[str, Any]]]:
    """The text with what can't be passed on replaced, and what was replaced."""
    edits: list[tuple[int, int, str, dict[str, Any] | None]] = []
    path: list[str | int] = []  # for each open array or object: the index, or the key, that the reading is at
    is_key = False
    field_start = deepest = edits_before = 0
    for match in _TOKEN.finditer(text):
        piece = match[0]
        if piece[0] == '"' and _CONTROL.search(piece):
            escaped = _ESCAPED_OR_CONTROL.sub(lambda part: part[1] or f"\\u{ord(part[0]):04x}", piece)
            edits.append((match.start(), match.end(), escaped, None))
        if piece in "{[":
            if len(path) == _FIELD_DEPTH:
                field_start, deepest, edits_before = match.start(), 0, len(edits)
            is_key = piece == "{"
            path.append("" if is_key else 0)
            deepest = max(deepest, len(path))
        elif piece in "}]":
            is_key = False
            del path[-1:]
            if len(path) == _FIELD_DEPTH and deepest > jsontext.MAX_DEPTH:
                field = text[field_start : match.end()]
                told = {"pointer": _pointer(path), "chars": len(field)}
                edits[edits_before:] = [(field_start, match.end(), json.dumps(field), told)]
        elif piece == ",":
            at = path[-1] if path else 0
            is_key = isinstance(at, str)
            if isinstance(at, int):
                path[-1:] = [at + 1]
        elif is_key and path:
            path[-1] = piece
            is_key = False
        elif piece != ":" and not _is_passable(piece):
            edits.append((match.start(), match.end(), "null", {"pointer": _pointer(path), "text": piece[:100]}))
    parts: list[str] = []
    copied = 0
    for start, end, by, _ in edits:
        parts += (text[copied:start], by)
        copied = end
    return "".join((*parts, text[copied:])), [told for *_, told in edits if told]


def _pointer(path: list[str | int]) -> str:
    tokens = (str(json.loads(at, strict=False)) if isinstance(at, str) else str(at) for at in path)
    return "".join("/" + token.replace("~", "~0").replace("/", "~1") for token in tokens)


def _is_passable(token: str) -> bool:
    """Whether a text, a number or a word can be passed on; anything else is left to the parser."""
    if token[0] == '"':
        return True
    try:
        return math.isfinite(float(token)) and (len(token) <= _MAX_DIGITS or not token.lstrip("-").isdigit())
    except ValueError:
        return True
