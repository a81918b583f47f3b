"""JSON text to a value and back, strictly: what can't be written as JSON again is not read."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final, NoReturn, cast
from urllib.parse import quote

from pydantic_core import from_json, to_json

MAX_DEPTH: Final = 100
"""How deep arrays and objects may be nested: the MCP SDK can't pass on twice as much."""

MAX_INTEGER_DIGITS: Final = 4300
"""How many digits an integer may have: Python writes no longer one, and hardly anybody reads one."""

HALF_A_PAIR: Final = (
    "Holds half of a surrogate pair: the text was cut inside a character; cut it one character earlier."
)
"""What is said of a lone surrogate, which JavaScript's slice makes of an emoji."""

TOO_DEEP: Final = f"Is nested deeper than {MAX_DEPTH} levels: JSON-encode it as a string, or leave it out."
"""What is said of a field in which arrays and objects are nested too deep."""

_TOO_LARGE: Final = 10**MAX_INTEGER_DIGITS
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_FIELD_TOKENS: Final = 3
_MAX_TOKEN_CHARS: Final = 200


def loads(content: bytes | bytearray) -> Any:
    """Read JSON (RFC 8259) in UTF-8, with or without a byte order mark.

    Half of a surrogate pair, which is valid in JSON's escapes but no Unicode text, becomes U+FFFD.

    Raises:
        ValueError: no JSON, NaN or an infinity in it, or nested deeper than MAX_DEPTH.
    """
    try:
        value = from_json(content, allow_inf_nan=False)
    except ValueError:
        # A byte order mark or half of a surrogate pair, which it refuses; or no JSON at all.
        value = _loads_generously(content)
    check(value)
    return value


def dumps(value: Any) -> str:
    """Write what ``loads`` read, or what ``check`` let pass, as compact JSON."""
    return to_json(value).decode()


def check(value: Any) -> None:
    """Make sure that a value can be written as JSON.

    Raises:
        ValueError: NaN or an infinity in it, an integer that is too long, or nested deeper than MAX_DEPTH.
    """
    level: list[Iterable[Any]] = [[value]]
    for _ in range(MAX_DEPTH + 1):
        deeper: list[Iterable[Any]] = []
        for items in level:
            for item in items:
                kind = item.__class__  # not isinstance: an answer has thousands
                if kind is dict:
                    deeper.append(item.values())
                elif kind is list:
                    deeper.append(item)
                elif kind is float and not math.isfinite(item):
                    raise ValueError("a number that JSON has no form for")
                elif kind is int and not -_TOO_LARGE < item < _TOO_LARGE:
                    raise ValueError(f"an integer of more than {MAX_INTEGER_DIGITS} digits")
        if not deeper:
            return
        level = deeper
    raise ValueError(f"nested deeper than {MAX_DEPTH} levels")


def faults(value: Any, broken: str = HALF_A_PAIR) -> list[tuple[str, str]]:
    """All that keeps a value from being sent as JSON, in the order of the text.

    The pointer of what is nested too deep is that of the field that holds it (three tokens, as
    ``#/experiment_runs/3/metadata``), because the field can be JSON-encoded; a place a hundred levels down can't.

    Args:
        value: what a generous parser read: with NaN, infinities, lone surrogates, integers of any length.
        broken: what is said of a lone surrogate.

    Returns:
        Pairs of (JSON Pointer in URI fragment form, what is wrong and what to do about it). None means that ``dumps``
        can write it.
    """
    try:
        # What is as it should be is told in a tenth of the time.
        check(value)
        to_json(value)
    except ValueError:
        return _all_faults(value, broken)
    return []


def _all_faults(value: Any, broken: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    path: list[str | int] = []

    def visit(item: Any) -> None:
        kind = item.__class__
        if kind is dict or kind is list:
            if len(path) >= MAX_DEPTH:
                deep = (pointer(path[:_FIELD_TOKENS]), TOO_DEEP)
                if found[-1:] != [deep]:
                    found.append(deep)
                return
            for name, member in cast("Iterable[tuple[Any, Any]]", item.items() if kind is dict else enumerate(item)):
                path.append(name)
                if kind is dict and _SURROGATE.search(name):
                    found.append((pointer(path), f"Its name: {broken[0].lower()}{broken[1:]}"))
                visit(member)
                path.pop()
        elif kind is float:
            if not math.isfinite(item):
                name = "NaN," if math.isnan(item) else "Infinity, or larger than any number (1e400),"
                found.append((pointer(path), f"Is {name} which JSON has no form for: send null, or leave it out."))
        elif kind is str:
            if _SURROGATE.search(item):
                found.append((pointer(path), broken))
        elif kind is int and abs(item) >= _TOO_LARGE:
            detail = f"Is an integer of more than {MAX_INTEGER_DIGITS} digits: send it as a string, or leave it out."
            found.append((pointer(path), detail))

    visit(value)
    return found


def read_faulty(text: str) -> Any:
    """Read JSON text that ``loads`` refuses, so that ``faults`` can tell why.

    NaN, infinities and lone surrogates are read as such, an integer that is too long as another one that is, and
    control characters in a string as themselves.

    Raises:
        ValueError: no JSON.
        RecursionError: nested some thousand levels deep.
    """
    return json.loads(text, strict=False, parse_int=_integer)


def _integer(digits: str) -> int:
    if len(digits.lstrip("-")) > MAX_INTEGER_DIGITS:
        return -_TOO_LARGE if digits.startswith("-") else _TOO_LARGE
    return int(digits)


def pointer(path: Sequence[str | int]) -> str:
    """A JSON Pointer in URI fragment form (RFC 6901, 6), as ``#/experiment_runs/3/output``; long names are cut."""
    tokens = (_SURROGATE.sub("\ufffd", str(token)[:_MAX_TOKEN_CHARS]) for token in path)
    return "#" + "".join("/" + quote(token.replace("~", "~0").replace("/", "~1"), safe="~.[]") for token in tokens)


def _loads_generously(content: bytes | bytearray) -> Any:
    try:
        value: Any = json.loads(content.decode("utf-8-sig"), parse_constant=_refuse)
        if b"\\ud" in content or b"\\uD" in content:
            text = json.dumps(value, ensure_ascii=False)
            value = json.loads(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
    except RecursionError:
        raise ValueError("nested too deep") from None
    return value


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
