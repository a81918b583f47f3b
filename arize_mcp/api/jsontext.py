"""JSON text to a value, strictly: what can't be written as JSON again is not read."""

from __future__ import annotations

import json
import math
from typing import Any, Final, NoReturn, cast

MAX_DEPTH: Final = 100
"""How deep arrays and objects may be nested: the MCP SDK can't pass on twice as much."""


def loads(content: bytes) -> Any:
    """Read JSON (RFC 8259) in UTF-8, with or without a byte order mark.

    Half of a surrogate pair, which is valid in JSON's escapes but no Unicode text, becomes U+FFFD.

    Raises:
        ValueError: no JSON, NaN or an infinity in it, or nested deeper than MAX_DEPTH.
    """
    try:
        value: Any = json.loads(content.decode("utf-8-sig"), parse_constant=_refuse, parse_float=_finite)
        if b"\\ud" in content or b"\\uD" in content:
            text = json.dumps(value, ensure_ascii=False)
            value = json.loads(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
    except RecursionError:
        raise ValueError("nested too deep") from None
    containers: list[Any] = [value]
    for _ in range(MAX_DEPTH):
        items = (
            cast("dict[str, Any]", c).values() if isinstance(c, dict) else cast("list[Any]", c)
            for c in containers
            if isinstance(c, dict | list)
        )
        containers = [item for children in items for item in children if isinstance(item, dict | list)]
        if not containers:
            return value
    raise ValueError(f"nested deeper than {MAX_DEPTH} levels")


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError("a number too large")
    return number
