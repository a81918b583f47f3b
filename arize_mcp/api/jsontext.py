"""JSON text to a value and back, strictly: what can't be written as JSON again is not read."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any, Final, NoReturn

from pydantic_core import from_json, to_json

MAX_DEPTH: Final = 100
"""How deep arrays and objects may be nested: the MCP SDK can't pass on twice as much."""


def loads(content: bytes) -> Any:
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
        ValueError: NaN or an infinity in it, or nested deeper than MAX_DEPTH.
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
        if not deeper:
            return
        level = deeper
    raise ValueError(f"nested deeper than {MAX_DEPTH} levels")


def _loads_generously(content: bytes) -> Any:
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
