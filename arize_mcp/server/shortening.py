"""Cuts what is too large by itself: texts, arrays and objects, the largest first, each listed in ``shortened``."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Annotated, Any, Final, NamedTuple, cast

from pydantic import BaseModel, ConfigDict, Field

from arize_mcp.api import problems
from arize_mcp.api.answers import JSONObject
from arize_mcp.api.jsontext import dumps

_MARK: Final = "…"
_LEAST_CHARS: Final = 16
"""No text, array or object is made shorter than this while anything else can be."""


class Shortened(BaseModel):
    """A value that is not here in full: its JSON Pointer (RFC 6901) in the result, and what it is in full.

    A text has its length in characters, an array or object its number of entries. A value that is nested deeper
    than can be passed on is replaced by its JSON text. A value that JSON has no form for is replaced by null; ``text``
    is what the API sent.
    """

    pointer: str
    chars: int = 0
    items: int = 0

    model_config = ConfigDict(extra="allow")


class Fitted(BaseModel):
    """What a result says where something in it was cut."""

    shortened: Annotated[list[Shortened], Field(description="What is cut; chars or items is its full length.")] = []


class FittedPage(Fitted):
    """What a page says where it is not the whole."""

    notes: Annotated[list[str], Field(description="What is not on this page, and how to get it.")] = []


class Result(NamedTuple):
    """A tool's result, and its text: the same as compact JSON."""

    content: JSONObject
    text: str


def written(content: JSONObject) -> Result:
    """A result as it is."""
    return Result(content, dumps(content))


def fits(result: Result, max_chars: int) -> bool:
    """Whether a result keeps to max_chars; 0 is no limit."""
    return not max_chars or len(result.text) <= max_chars


def shorten(content: JSONObject, max_chars: int, *, items: str | None = None) -> Result:
    """A result that keeps to max_chars because what is largest in it is cut.

    A text keeps its beginning, an array or object its first entries. Texts are cut first, down to a quarter of
    max_chars; then arrays and objects; then texts again. The result's own fields and its items' are kept as long as
    anything below them can be cut.

    Args:
        content: the result's.
        max_chars: how long its JSON text may be; 0 is no limit.
        items: the name of the array of items, where it is a page.

    Raises:
        ProblemError: result-too-large, where the result's own fields are too many.
    """
    whole = written(content)
    if fits(whole, max_chars):
        return whole
    for kept_levels in (1,) if items is None else (3, 2, 1):
        for least_chars in (max_chars // 4, 200, _LEAST_CHARS):

            def cut(chars: int, entries: int, kept_levels: int = kept_levels) -> Result | None:
                return _Cut(max_chars, chars, entries).of(content, kept_levels)

            entries = _largest(max_chars, lambda entries, least=least_chars: cut(least, entries) is not None)
            if entries is not None:
                chars = _largest(max_chars, lambda chars, entries=entries: cut(chars, entries) is not None)
                # Both numbers were tried, so that it fits.
                return cast("Result", cut(max(chars or 0, least_chars), entries))
    raise problems.own(
        "result-too-large",
        "Result too large",
        f"The result has more than {max_chars} characters, in more fields than can be shortened.",
        "Ask for fewer items with a smaller limit, or raise ARIZE_MCP_MAX_RESULT_CHARS.",
    )


def _largest(most: int, works: Callable[[int], bool]) -> int | None:
    """The largest number up to most that works, where all smaller ones do too; None where none does."""
    if works(most):
        return most
    found, least, most = None, 0, most - 1
    while least <= most:
        middle = (least + most) // 2
        if works(middle):
            found, least = middle, middle + 1
        else:
            most = middle - 1
    return found


class _TooLongError(Exception):
    """The part that is kept is longer than the result may be."""


class _Cut:
    """A result whose texts have at most ``chars`` characters, and its arrays and objects ``entries`` entries."""

    def __init__(self, max_chars: int, chars: int, entries: int) -> None:
        self._max_chars = self._room = max_chars
        self._chars = chars
        self._entries = entries

    def of(self, content: JSONObject, kept_levels: int) -> Result | None:
        """The result; None where it is still too long."""
        self._shortened: dict[str, JSONObject] = {entry["pointer"]: entry for entry in content.get("shortened", [])}
        try:
            # A cursor must stay whole, however long it is; and so must notes, and what was shortened before.
            cut = {
                key: value
                if key in ("pagination", "notes", "shortened")
                else self._of(value, f"/{_token(key)}", kept_levels - 1)
                for key, value in content.items()
            }
        except _TooLongError:
            return None
        shortened = sorted(self._shortened.values(), key=lambda entry: -entry.get("chars", 0))
        result = written({**cut, "shortened": shortened})
        return result if fits(result, self._max_chars) else None

    def _of(self, value: Any, pointer: str, kept_levels: int) -> Any:
        if isinstance(value, str):
            if len(value) > self._chars:
                self._shortened.setdefault(pointer, {"pointer": pointer, "chars": len(value)})
                value = value[: self._chars - 1] + _MARK
            self._take(len(value) + 2)
            return value
        if not isinstance(value, list | dict):
            self._take(1)
            return value
        self._take(1)  # at least: each entry takes a comma, though the last has none
        length = len(cast("list[Any] | JSONObject", value))
        count = length if kept_levels > 0 else min(length, self._entries)
        if count < length:
            self._shortened[pointer] = {"pointer": pointer, "items": length}
        if isinstance(value, dict):
            first = islice(cast("JSONObject", value).items(), count)
            return {key: self._entry(entry, pointer, key, kept_levels) for key, entry in first}
        first = islice(cast("list[Any]", value), count)
        return [self._entry(entry, pointer, index, kept_levels) for index, entry in enumerate(first)]

    def _entry(self, value: Any, pointer: str, key: object, kept_levels: int) -> Any:
        self._take(1 + (len(key) + 3 if isinstance(key, str) else 0))
        return self._of(value, f"{pointer}/{_token(key)}", kept_levels - 1)

    def _take(self, chars: int) -> None:
        # Give up as soon as it can't fit: what came from the API may be a thousand times as long.
        self._room -= chars
        if self._room < 0:
            raise _TooLongError


def _token(key: object) -> str:
    return str(key).replace("~", "~0").replace("/", "~1")
