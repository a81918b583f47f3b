"""Kinds of error messages: what differs only in numbers, ids or quoted parts is one kind."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

from arize_mcp.analysis.fields import JSONObject, excerpt

MAX_EXAMPLE_IDS: Final = 100
_MAX_ERROR_CHARS: Final = 300

# An apostrophe inside a word opens and closes nothing.
_QUOTED: Final = re.compile(
    r"(?<!\w)'[^'\n]*'(?!\w)|\"[^\"\n]*\"|`[^`\n]*`|\u201c[^\u201d\n]*\u201d|\u2018[^\u2019\n]*\u2019(?!\w)|\xab[^\xbb\n]*\xbb"
)
# What may be a number or an id, as 30s, 10.0.0.1:8080, req_01HZY6X8E7 or a UUID, without a full stop after it.
_TOKEN: Final = re.compile(r"[\w.:+%@-]*[\w%]")
# The comma of a number such as 1,234.
_COMMA: Final = re.compile(r"(?<=\d),(?=\d)")
_HEXADECIMAL: Final = re.compile(r"[0-9a-fA-F]{8,}")
_MAX_KIND_CHARS: Final = 2_000


@dataclass
class ErrorKind:
    """Errors that say the same: the first one's text, how many there are, and of which examples."""

    text: str
    count: int = 0
    example_ids: list[str] = field(default_factory=list[str])


class ErrorKinds:
    """Groups error messages one by one, in the order in which they come."""

    def __init__(self) -> None:
        self._kinds: dict[bytes, ErrorKind] = {}

    def add(self, text: str, example_id: str | None) -> None:
        """Count an error; example_id is its run's, None for a run of no example."""
        # The digest is kept, not the text: there may be thousands of different tracebacks.
        digest = blake2b(kind_of(text).encode("utf-8", "surrogatepass"), digest_size=16).digest()
        kind = self._kinds.get(digest)
        if kind is None:
            kind = self._kinds[digest] = ErrorKind(excerpt(text, _MAX_ERROR_CHARS) or "")
        kind.count += 1
        if example_id is not None and len(kind.example_ids) < MAX_EXAMPLE_IDS and example_id not in kind.example_ids:
            kind.example_ids.append(example_id)

    def most_frequent(self) -> list[ErrorKind]:
        """The kinds, the most frequent first, equally frequent ones as they came."""
        return sorted(self._kinds.values(), key=lambda kind: -kind.count)


def kind_of(text: str) -> str:
    """The message with every quoted part, number and id replaced, and white space as single spaces.

    Of a long one, such as a traceback, its beginning and its end count.
    """
    if len(text) > 2 * _MAX_KIND_CHARS:
        text = text[:_MAX_KIND_CHARS] + text[-_MAX_KIND_CHARS:]
    return " ".join(_TOKEN.sub(_without_id, _COMMA.sub("", _QUOTED.sub("''", text))).split())


def _without_id(match: re.Match[str]) -> str:
    token = match[0]
    return "#" if _HEXADECIMAL.fullmatch(token) or any(map(str.isdigit, token)) else token


def entry(kind: ErrorKind, limit: int, field_name: str | None = None) -> JSONObject:
    """A kind as it stands in an answer, with at most limit example ids."""
    content: JSONObject = {"error": kind.text, "count": kind.count, "example_ids": kind.example_ids[:limit]}
    return content if field_name is None else {**content, "field": field_name}
