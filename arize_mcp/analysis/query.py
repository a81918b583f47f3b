"""A table of runs: which fields, of which runs, in which order."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from arize_mcp.analysis.fields import (
    JSONObject,
    Kind,
    UnknownNameError,
    annotations_of,
    as_text,
    field_of,
)
from arize_mcp.analysis.numbers import is_number, mean_of_runs

Operator = Literal["=", "!=", "<", "<=", ">", ">=", "contains", "exists", "missing"]

_COMPARE: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "contains": lambda text, part: part.casefold() in text.casefold(),
}


@dataclass(frozen=True)
class Condition:
    """A condition on a field of a run. A field that is null or absent meets ``missing`` and nothing else.

    A number is compared with numbers only, and equals nothing else. Any other value is compared as a text: true and
    false as these words, an array or object as compact JSON. ``contains`` compares texts, in any case.
    """

    field: str
    op: Operator
    value: str | float | bool = ""

    def holds(self, value: Any) -> bool:
        """Whether a run with this value in the field meets it."""
        if self.op in ("exists", "missing"):
            return (value is None) is (self.op == "missing")
        if value is None:
            return False
        if _is_number(value) and self.op != "contains":
            wanted = _number(self.value)
            return self.op == "!=" if wanted is None else _COMPARE[self.op](value, wanted)
        wanted = as_text(self.value)
        return _COMPARE[self.op](as_text(value), wanted.lower() if isinstance(value, bool) else wanted)


class Query:
    """A table of runs, which are taken in one at a time; only the values of the named fields are kept.

    Names are the fields' own, and ``annotation.<name>.score`` and ``.label``, as in the API's search.

    Args:
        fields: the columns; if there are none, ``example_id`` and every score and label.
        where: conditions that must all hold.
        sort: the field to sort by; a minus sign before it puts the largest first. Numbers come before truth values,
            and these before texts. Runs without the field come last, equal ones in the order of recording.
        offset: how many of the matching runs to skip.
        limit: how many rows there may be.

    Attributes:
        total: how many runs there are.
        matched: for how many all conditions hold.
        read_notes: what must be known of how they were read; set by whoever reads them.
    """

    def __init__(
        self,
        *,
        fields: Sequence[str] = (),
        where: Sequence[Condition] = (),
        sort: str | None = None,
        offset: int = 0,
        limit: int = 100,
    ) -> None:
        self.total = 0
        self.matched = 0
        self.read_notes: list[str] = []
        self._columns = list(dict.fromkeys(fields))
        self._where = where
        self._sort = sort
        self._sort_names = [name for name in (sort, (sort or "").removeprefix("-")) if name]
        self._offset, self._limit = offset, limit
        self._names: dict[str, None] = {}
        self._rows: list[dict[str, Any]] = []

    def add(self, run: Mapping[str, Any]) -> None:
        """Take in the next run, as the API sent it."""
        values = _values(run)
        self.total += 1
        self._names.update(dict.fromkeys(values))
        if not all(condition.holds(values.get(condition.field)) for condition in self._where):
            return
        self.matched += 1
        if self._sort is None and not self._offset < self.matched <= self._offset + self._limit:
            return
        shown = self._columns or [name for name in values if _is_default(name)]
        kept = {name: values[name] for name in (*shown, *self._sort_names) if name in values}
        self._rows.append(kept)

    def answer(self) -> JSONObject:
        """The table: ``columns``, ``rows``, how many runs ``matched``, of how many in ``total``, and ``notes``.

        Raises:
            UnknownNameError: a field that no run has. Without any run, every name is taken.
        """
        sort = self._check_names()
        rows = self._rows
        if sort is not None:
            name, descending = sort
            having = [row for row in rows if name in row]
            having.sort(key=lambda row: _order(row[name]), reverse=descending)
            rows = [*having, *(row for row in rows if name not in row)][self._offset : self._offset + self._limit]
        columns = self._columns or sorted(filter(_is_default, self._names), key=lambda name: name != "example_id")
        table = [[row.get(column) for column in columns] for row in rows]
        return {
            "columns": columns,
            "rows": table,
            "matched": self.matched,
            "total": self.total,
            "notes": self.notes(len(table)),
        }

    def notes(self, count: int) -> list[str]:
        """The notes for a table with count rows."""
        notes = list(self.read_notes)
        rest = self.matched - self._offset - count
        if rest > 0:
            notes.append(f"More runs match: {rest}. For the next ones call again with offset {self._offset + count}.")
        elif self.matched and not count:
            notes.append(f"Runs that match: {self.matched}; none is there from offset {self._offset} on.")
        return notes

    def _check_names(self) -> tuple[str, bool] | None:
        """The field to sort by, and whether the largest is first."""
        if not self.total:
            return None
        named = [(f"/fields/{position}", name) for position, name in enumerate(self._columns)]
        named += [(f"/where/{position}/field", condition.field) for position, condition in enumerate(self._where)]
        for argument, name in named:
            if name not in self._names:
                raise UnknownNameError(argument, "a field", name, self._names)
        if self._sort is None:
            return None
        # A field may itself begin with a minus sign.
        for name in self._sort_names:
            if name in self._names:
                return name, name != self._sort
        raise UnknownNameError("/sort", "a field", self._sort_names[-1], self._names)


def _values(run: Mapping[str, Any]) -> dict[str, Any]:
    """A run's fields that aren't null, and its annotations as ``annotation.<name>.score`` and ``.label``.

    Several annotations of one name give the mean of their scores, and the first label.
    """
    given: dict[str, list[Any]] = {}
    for name, annotation in annotations_of(run):
        for part in ("score", "label"):
            value = annotation.get(part)
            if value is not None:
                given.setdefault(f"{name}.{part}", []).append(value)
    values = {name: _one_of(found) if name.endswith(".score") else found[0] for name, found in given.items()}
    return {name: value for name, value in (values | dict(run)).items() if value is not None}


def _one_of(scores: list[Any]) -> Any:
    numbers = [score for score in scores if _is_number(score) and is_number(score)]
    return mean_of_runs(numbers) if numbers else scores[0]


def _is_default(name: str) -> bool:
    return name == "example_id" or field_of(name).kind in (Kind.SCORE, Kind.LABEL) or _is_annotation(name)


def _is_annotation(name: str) -> bool:
    return name.startswith("annotation.") and name.endswith((".score", ".label"))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(value: str | float) -> int | float | None:
    if not isinstance(value, str):
        return value
    # Not as JSON: people write .5 and +1 too.
    for read in (int, float):
        try:
            return read(value)
        except ValueError:
            continue
    return None


def _order(value: Any) -> tuple[int, Any]:
    if isinstance(value, bool):
        return (1, value)
    return (0, value) if _is_number(value) else (2, as_text(value))
