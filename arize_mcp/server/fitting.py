"""Pages that fit a context window: smaller ones that lose nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from itertools import accumulate, takewhile
from typing import Final

from arize_mcp.api.answers import JSONObject
from arize_mcp.api.jsontext import dumps
from arize_mcp.server.shortening import Result, fits, shorten, written

_NOTE_CHARS: Final = 300
"""Room for a result's notes, and for a cursor longer than the last one."""


def _call_again(count: int) -> str:
    return f"More follow: call again with pagination.next_cursor as cursor and limit {count}."


Fetch = Callable[[int], Awaitable[JSONObject]]
"""Asks for the same page again, with a smaller limit."""


async def fit_page(
    page: JSONObject,
    items: str,
    asked: int,
    max_chars: int,
    fetch: Fetch,
    *,
    way_on: Callable[[int], str] = _call_again,
) -> Result:
    """A page of a list that keeps to max_chars without losing anything.

    Too large a page is asked for again with the number of items that fit, so that its own cursor goes on at the next
    one. Where the API gives no cursor, or one item alone is too large, what is largest in it is shortened.

    Args:
        page: the page as the API sent it.
        items: the name of its array.
        asked: the limit that it was asked for with.
        max_chars: how long its JSON text may be; 0 is no limit.
        fetch: asks for it again with a smaller limit.
        way_on: says, in a sentence, how to get the next items after so many.

    Raises:
        ProblemError: result-too-large, where no cut is enough; or what fetch raises.
    """
    page = _with_end_said(page, items)
    whole = written(page)
    if fits(whole, max_chars):
        return whole
    size = len(page[items])
    fitting = _prefix(page, items, max_chars)
    while size > 1:
        smaller = await fetch(max(fitting, 1))
        got = len(smaller[items])
        if got >= size or (_has_more(smaller) and not _cursor(smaller)):
            # An API without cursors or limits: what a smaller page leaves out could never be had.
            break
        if _cursor(smaller):
            kind = items.rpartition("_")[2]
            are = f"1 {kind.removesuffix('s')} is" if got == 1 else f"{got} {kind} are"
            note = f"{are} here ({asked} asked for): more would exceed {max_chars} characters. {way_on(max(got, 1))}"
            smaller = _noted(smaller, note)
        shorter = written(smaller)
        if got <= 1 or fits(shorter, max_chars):
            return shorten(shorter.content, max_chars, items=items)
        size, fitting = got, _prefix(smaller, items, max_chars)
    return shorten(whole.content, max_chars, items=items)


def _prefix(page: JSONObject, items: str, max_chars: int) -> int:
    """How many of the items fit."""
    room = max_chars - _NOTE_CHARS - len(dumps({**page, items: []}))
    ends = accumulate(len(dumps(item)) + 1 for item in page[items])
    return sum(1 for _ in takewhile(lambda end: end <= room, ends))


def _with_end_said(page: JSONObject, items: str) -> JSONObject:
    if not _has_more(page) or _cursor(page):
        return page
    note = (
        f"There are more than these {len(page[items])}, but the API gave no cursor to go on with: call again with "
        "the largest limit to see as many as it gives."
    )
    return _noted(page, note)


def _noted(page: JSONObject, note: str) -> JSONObject:
    return {**page, "notes": [*page.get("notes", []), note]}


def _has_more(page: JSONObject) -> bool:
    return page.get("pagination", {}).get("has_more") is True


def _cursor(page: JSONObject) -> bool:
    return bool(page.get("pagination", {}).get("next_cursor"))
