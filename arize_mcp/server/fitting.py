"""What fits a context window: smaller pages that lose nothing, and as a last resort shortened strings, said so."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Annotated, Any, Final, NamedTuple, cast

from pydantic import BaseModel, ConfigDict, Field

from arize_mcp.api import problems
from arize_mcp.api.answers import JSONObject
from arize_mcp.api.jsontext import dumps

_MARK: Final = "…"
_NOTE_CHARS: Final = 300
"""Room that is kept for what a result says about itself, and for a cursor longer than the last one."""

Fetch = Callable[[int], Awaitable[JSONObject]]
"""Asks for the same page again, with a smaller limit."""


class Shortened(BaseModel):
    """A string that was cut: its JSON Pointer (RFC 6901) in the result, and its length in characters in full."""

    pointer: str
    chars: int

    model_config = ConfigDict(extra="allow")


class Fitted(BaseModel):
    """What a result may say of its being cut."""

    shortened: Annotated[list[Shortened], Field(description="Strings that were cut; chars is their full length.")] = []


class FittedPage(Fitted):
    """What a page may say of itself."""

    notes: Annotated[list[str], Field(description="What is not on this page, and how to get it.")] = []


class Result(NamedTuple):
    """A tool's result, and its text: the same as compact JSON."""

    content: JSONObject
    text: str


def written(content: JSONObject) -> Result:
    """A result as it is."""
    return Result(content, dumps(content))


async def fit_page(page: JSONObject, items: str, max_chars: int, fetch: Fetch) -> Result:
    """A page of a list that keeps to max_chars without losing anything.

    Too large a page is asked for again with the number of items that fit, so that its own cursor goes on at the next
    one. Where the API gives no cursor, or one item alone is too large, the longest strings are shortened.

    Args:
        page: the page as the API sent it.
        items: the name of its array.
        max_chars: how long its JSON text may be; 0 is no limit.
        fetch: asks for it again with a smaller limit.

    Raises:
        ProblemError: where nothing helps; or what fetch raises.
    """
    page = _with_end_said(page, items)
    whole = written(page)
    if _fits(whole, max_chars):
        return whole
    asked = size = len(page[items])
    fitting = _prefix(page, items, max_chars)
    while size > 1:
        smaller = await fetch(max(fitting, 1))
        got = len(smaller[items])
        if got >= size or (_has_more(smaller) and not _cursor(smaller)):
            # An API without cursors or limits: what a smaller page leaves out could never be had.
            break
        if _cursor(smaller):
            smaller = _noted(
                smaller,
                f"{got} of {asked} are here: more would exceed {max_chars} characters. For the next ones call again "
                "with pagination.next_cursor as cursor and the same arguments.",
            )
        shorter = written(smaller)
        if got <= 1 or _fits(shorter, max_chars):
            return _shortened(shorter, max_chars)
        size, fitting = got, min(_prefix(smaller, items, max_chars), got - 1)
    return _shortened(whole, max_chars)


def shorten(content: JSONObject, max_chars: int) -> Result:
    """A result whose longest strings are cut so that it keeps to max_chars; ``shortened`` lists each of them.

    Args:
        content: the result's.
        max_chars: how long its JSON text may be; 0 is no limit.

    Raises:
        ProblemError: result-too-large, where no cut of strings is enough.
    """
    return _shortened(written(content), max_chars)


def _shortened(result: Result, max_chars: int) -> Result:
    if _fits(result, max_chars):
        return result
    strings = sorted(((len(text), pointer) for pointer, text in _strings(result.content, "")), reverse=True)
    shortest, longest = 16, min(max_chars, strings[0][0] if strings else 0)
    best: Result | None = None
    while shortest <= longest:
        middle = (shortest + longest) // 2
        candidate = written(_cut(result.content, middle, strings))
        if _fits(candidate, max_chars):
            best, shortest = candidate, middle + 1
        else:
            longest = middle - 1
    if best is None:
        raise problems.own(
            "result-too-large",
            "Result too large",
            f"The result has more than {max_chars} characters, and not because of long texts.",
            "Ask for fewer items with a smaller limit, or raise ARIZE_MCP_MAX_RESULT_CHARS.",
        )
    return best


def _fits(result: Result, max_chars: int) -> bool:
    return not max_chars or len(result.text) <= max_chars


def _prefix(page: JSONObject, items: str, max_chars: int) -> int:
    """How many of the items fit."""
    room = max_chars - _NOTE_CHARS - len(dumps({**page, items: []}))
    for count, item in enumerate(page[items]):
        room -= len(dumps(item)) + 1
        if room < 0:
            return count
    return len(page[items]) - 1


def _cut(result: JSONObject, max_chars: int, strings: list[tuple[int, str]]) -> JSONObject:
    shortened = [{"pointer": pointer, "chars": chars} for chars, pointer in strings if chars > max_chars]
    return {**_each_cut(result, max_chars), "shortened": shortened}


def _each_cut(value: Any, max_chars: int) -> Any:
    if isinstance(value, str):
        return value if len(value) <= max_chars else value[: max_chars - 1] + _MARK
    if isinstance(value, list):
        return [_each_cut(item, max_chars) for item in cast("list[Any]", value)]
    if isinstance(value, dict):
        # The way on must stay whole, however long it is.
        return {
            key: item if key == "pagination" else _each_cut(item, max_chars)
            for key, item in cast("JSONObject", value).items()
        }
    return value


def _strings(value: Any, pointer: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield pointer, value
    elif isinstance(value, list):
        for index, item in enumerate(cast("list[Any]", value)):
            yield from _strings(item, f"{pointer}/{index}")
    elif isinstance(value, dict):
        for key, item in cast("JSONObject", value).items():
            if key != "pagination":
                yield from _strings(item, f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}")


def _with_end_said(page: JSONObject, items: str) -> JSONObject:
    if not _has_more(page) or _cursor(page):
        return page
    return _noted(
        page,
        f"There are more than these {len(page[items])}, but the API gave no cursor to go on with: ask with the largest "
        "limit to see as many as can be had.",
    )


def _noted(page: JSONObject, note: str) -> JSONObject:
    return {**page, "notes": [*page.get("notes", []), note]}


def _has_more(page: JSONObject) -> bool:
    return page.get("pagination", {}).get("has_more") is True


def _cursor(page: JSONObject) -> bool:
    return bool(page.get("pagination", {}).get("next_cursor"))
