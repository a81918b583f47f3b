"""Answers of lists or rows with as many entries as fit a context window; a note says that there are more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any, Final, cast

from arize_mcp.api.answers import JSONObject
from arize_mcp.api.jsontext import dumps
from arize_mcp.server.shortening import Result, fits, shorten, written

SHORT_CHARS: Final = 5_900
"""How long an answer of lists is at most, in characters of JSON, where nobody asked for more: under 6,000."""

_LEAST_ENTRIES: Final = 3


def fit_rows(table: JSONObject, max_chars: int, more: Callable[[int], list[str]]) -> Result:
    """A table with as many whole rows as fit; where not even one does, with that one's strings shortened.

    Args:
        table: it has ``rows`` and ``notes``.
        max_chars: how long its JSON text may be; 0 is no limit.
        more: gives the notes for a number of rows, which say how to get the next ones.

    Raises:
        ProblemError: result-too-large, where no cut of strings is enough.
    """

    def cut(count: int) -> Result:
        return written({**table, "rows": table["rows"][:count], "notes": more(count)})

    if fits(written(table), max_chars) or not table["rows"]:
        return shorten(table, max_chars, items="rows")
    fewer = cut(max(1, _largest(cut, len(table["rows"]) - 1, max_chars)))
    return shorten(fewer.content, max_chars, items="rows")


def fit_lists(
    answer: Callable[[int, int], JSONObject],
    *,
    limit: int | None,
    default_limit: int,
    excerpt_chars: int,
    whole_lists: Sequence[str],
    max_chars: int,
) -> Result:
    """An answer of lists. One that is too long gets shorter excerpts, then fewer entries, and a note says so.

    Without a limit it keeps to SHORT_CHARS, unless a list would have less than _LEAST_ENTRIES entries. Lists that the
    limit doesn't cut are whole; they are cut last, and a note says so.

    Args:
        answer: gives it with a number of entries a list, and with excerpts of a number of characters.
        limit: how many entries are asked for.
        default_limit: how many there are where that isn't said.
        excerpt_chars: how long excerpts may be.
        whole_lists: the lists that the limit doesn't cut, by name; a list may be an object.
        max_chars: how long its JSON text may be; 0 is no limit.

    Raises:
        ProblemError: result-too-large, where even that is too long.
    """
    asked = limit or default_limit
    budget = max_chars if limit else min(SHORT_CHARS, max_chars or SHORT_CHARS)
    short = excerpt_chars // 2
    why = f"more would exceed {max_chars} characters" if limit else "pass limit to list more"

    def cut(count: int) -> Result:
        return written(_noted(answer(count, short), f"Each list has at most {count} entries here: {why}."))

    for chars in (excerpt_chars, short):
        whole = written(answer(asked, chars))
        if fits(whole, budget):
            return whole
    count = _largest(cut, asked - 1, budget)
    if limit is None and count < _LEAST_ENTRIES:
        count = _largest(cut, _LEAST_ENTRIES, max_chars)
    fewer = cut(max(1, count)) if asked > 1 else written(answer(1, short))
    return fewer if fits(fewer, max_chars) else shorten(_without_ends(fewer, whole_lists, max_chars), max_chars)


def _largest(cut: Callable[[int], Result], most: int, max_chars: int) -> int:
    """The largest number, up to most, of which the result fits; 0 where none does."""
    fewest = 0
    while fewest < most:
        middle = (fewest + most + 1) // 2
        if fits(cut(middle), max_chars):
            fewest = middle
        else:
            most = middle - 1
    return fewest


def _without_ends(result: Result, names: Sequence[str], max_chars: int) -> JSONObject:
    """The result with its longest list cut in half, until it fits or nothing is left; notes say what was cut."""
    content = dict(result.content)
    notes: list[str] = content.pop("notes")
    sizes = {name: len(content[name]) for name in names if name in content}
    shorter: set[str] = set()

    def cut() -> Result:
        cuts = [f"{name}: each entry's own list is cut to its first entries." for name in sizes if name in shorter]
        for name, size in sizes.items():
            if len(content[name]) < size:
                cuts.append(f"{name}: {len(content[name])} of {size} are here.")
        return written({**content, "notes": [*notes, *cuts]})

    while not fits(result := cut(), max_chars) and any(content[name] for name in sizes):
        longest = max(sizes, key=lambda name: len(dumps(content[name])))
        inner = _inner_length(content[longest])
        # Two labels of a thousand texts each are better cut than left out.
        if inner > max(len(content[longest]), _LEAST_ENTRIES):
            content[longest] = [_inner_cut(entry, inner // 2) for entry in content[longest]]
            shorter.add(longest)
        else:
            content[longest] = _first(content[longest], len(content[longest]) // 2)
    return result.content


def _inner_length(entries: Any) -> int:
    """How long the longest list is that an entry of a list has."""
    if isinstance(entries, dict):
        return 0
    lists = [value for entry in cast("list[JSONObject]", entries) for value in entry.values() if _is_list(value)]
    return max(map(len, lists), default=0)


def _inner_cut(entry: JSONObject, count: int) -> JSONObject:
    return {name: _first(value, count) if _is_list(value) else value for name, value in entry.items()}


def _is_list(value: Any) -> bool:
    return isinstance(value, list | dict)


def _first(entries: Any, count: int) -> Any:
    if isinstance(entries, dict):
        return dict(islice(cast("JSONObject", entries).items(), count))
    return entries[:count]


def _noted(content: JSONObject, note: str) -> JSONObject:
    return {**content, "notes": [*content["notes"], note]}
