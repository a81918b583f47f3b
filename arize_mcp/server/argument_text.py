"""An array or object that came as its JSON text: its value, or why the text is not JSON."""

from __future__ import annotations

import json
from typing import Any, Final

from arize_mcp.api import jsontext

_WHY: Final = {
    "Expecting value": "no JSON value begins here",
    "Expecting property name": "a name in double quotes should stand here",
    "Expecting ',' delimiter": "a comma is missing",
    "Expecting ':' delimiter": "a colon is missing",
    "Illegal trailing comma": "a comma with nothing after it",
    "Invalid \\": "a backslash that begins no escape of JSON",
}
"""What Python's messages begin with, in words that name no Python."""

_PYTHON_NAMES: Final = ("None", "True", "False")


def decode(text: str) -> Any:
    """The value of a JSON text. Line breaks in strings may be raw, and the text may be JSON-encoded once more.

    What can't be sent as JSON again, such as NaN, is read all the same: jsontext.faults tells where it is.

    Raises:
        ValueError: it is not JSON; the message is the place and the reason: "line 3, column 9: a comma is missing".
        RecursionError: nested some thousand levels deep.
    """
    text = text.removeprefix("\ufeff")
    try:
        value: Any = jsontext.read_faulty(text)
        if isinstance(value, str):
            text = value
            value = jsontext.read_faulty(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"line {error.lineno}, column {error.colno}: {_why(text, error)}") from None
    return value


def _why(text: str, error: json.JSONDecodeError) -> str:
    before, after = text[: error.pos].rstrip(), text[error.pos :].lstrip()
    if text.lstrip().startswith("```"):
        return "it is in a code fence"
    if not text.strip():
        return "it is empty"
    if not after or error.msg.startswith("Unterminated string"):
        return "the text ends before its JSON does"
    if error.msg.startswith("Extra data"):
        return "the JSON ends here, but more text follows" + (
            "; JSON Lines are no array" if after.startswith(("{", "[")) else ""
        )
    if before.endswith(",") and after.startswith(("]", "}")):
        return _WHY["Illegal trailing comma"]
    if after.startswith("'"):
        return "strings and names stand in double quotes, not in single ones"
    if after.startswith(_PYTHON_NAMES):
        return "None, True and False are Python's; JSON's are null, true and false"
    return next((why for start, why in _WHY.items() if error.msg.startswith(start)), "it is no JSON")
