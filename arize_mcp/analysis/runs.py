"""Takes in runs one at a time and keeps what answers need: numbers, labels, categories and excerpts of texts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from arize_mcp.analysis.errors import ErrorKinds
from arize_mcp.analysis.fields import (
    JSONObject,
    Kind,
    annotations_of,
    as_text,
    error_text,
    excerpt,
    field_of,
    is_failed,
)
from arize_mcp.analysis.numbers import Number, is_number, mean_of_runs

MAX_CATEGORY_VALUES: Final = 20
_MAX_NOTED: Final = 10

Numbers = dict[int, Number]
"""Numbers by the index of their run, in the order of recording."""


class Runs:
    """What summaries and comparisons need of an experiment's runs.

    The index of a run is its place in the order of recording, from 0. A column holds values by index; null is absent.

    Args:
        excerpt_chars: how much of an output or explanation is kept.

    Attributes:
        experiment: the experiment as the API sent it; set by whoever reads it.
        count: how many runs there are.
        read_notes: what must be known of how they were read; set by whoever reads them.
        ids, example_ids, outputs: by the run's index; None where it has none.
        failed: excerpts of the failed runs' errors, by index.
        fields: every top-level field's name, and how many runs have it.
        scores, labels, measures, categories, explanations: columns by name; an annotation's name begins with
            ``annotation.``.
        errors: the failed runs' errors; an execution status alone is the error FAILED.
        error_like: what other fields say of errors, by the field's name.
    """

    def __init__(self, excerpt_chars: int) -> None:
        self.experiment: JSONObject = {}
        self.count = 0
        self.read_notes: list[str] = []
        self.ids: list[str | None] = []
        self.example_ids: list[str | None] = []
        self.outputs: list[str | None] = []
        self.failed: dict[int, str] = {}
        self.fields: dict[str, int] = {}
        self.scores: dict[str, Numbers] = {}
        self.labels: dict[str, dict[int, str]] = {}
        self.measures: dict[str, Numbers] = {}
        self.explanations: dict[str, dict[int, str]] = {}
        self.errors = ErrorKinds()
        self.error_like: dict[str, ErrorKinds] = {}
        self._excerpt_chars = excerpt_chars
        self._categories: dict[str, _Category] = {}
        self._uncounted: Counter[tuple[str, str]] = Counter()
        self._error_like_counts: Counter[str] = Counter()

    @property
    def categories(self) -> dict[str, dict[int, str | bool]]:
        """The columns of texts and truth values with at most MAX_CATEGORY_VALUES values."""
        return {name: category.column for name, category in self._categories.items() if not category.is_full}

    @property
    def head(self) -> JSONObject:
        """What an answer says of the experiment."""
        known = ("id", "name", "dataset_id", "created_at")
        return {name: self.experiment[name] for name in known if self.experiment.get(name) is not None}

    def examples(self) -> dict[str, list[int]]:
        """The indexes of each example's runs, examples in the order of their first run."""
        indexes: dict[str, list[int]] = {}
        for index, example_id in enumerate(self.example_ids):
            if example_id is not None:
                indexes.setdefault(example_id, []).append(index)
        return indexes

    def by_example(self, column: Numbers) -> dict[str, Number]:
        """Each example's value: the mean over its runs that have one."""
        values: dict[str, list[Number]] = {}
        for index, value in column.items():
            example_id = self.example_ids[index]
            if example_id is not None:
                values.setdefault(example_id, []).append(value)
        means = {example_id: mean_of_runs(of_runs) for example_id, of_runs in values.items()}
        return {example_id: value for example_id, value in means.items() if value is not None}

    def add(self, run: Mapping[str, Any]) -> None:
        """Take in the next run, as the API sent it."""
        index = self.count
        self.count += 1
        self.ids.append(_id(run.get("id")))
        self.example_ids.append(_id(run.get("example_id")))
        self.outputs.append(excerpt(run.get("output"), self._excerpt_chars))
        if is_failed(run):
            text = error_text(run.get("error")) or "FAILED"
            self.failed[index] = excerpt(text, self._excerpt_chars) or ""
            self.errors.add(text, self.example_ids[index])
        fields = self.fields
        for full_name, value in run.items():
            if value is None:
                continue
            fields[full_name] = fields.get(full_name, 0) + 1
            kind, name = field_of(full_name)
            if kind is Kind.OTHER or kind is Kind.SCORE or kind is Kind.LABEL:
                self._add_value(index, kind, full_name, name, value)
            elif kind is Kind.EXPLANATION:
                self._explain(index, name, value)
            elif kind is Kind.ERROR_LIKE:
                self._add_value(index, kind, full_name, name, value)
                self._add_error_like(index, name, value)
            elif kind is Kind.ANNOTATIONS:
                self._add_annotations(index, run)

    def _add_value(self, index: int, kind: Kind, full_name: str, name: str, value: Any) -> None:
        # isinstance is slower, which counts for thousands of values, and takes true for an integer.
        value_type = value.__class__
        if value_type is float or value_type is int:
            if not is_number(value):
                self._uncounted[full_name, "too large for a double"] += 1
            elif kind is Kind.SCORE:
                self.scores.setdefault(name, {})[index] = value
            else:
                self.measures.setdefault(full_name, {})[index] = value
        elif value_type is str and kind is Kind.LABEL:
            self.labels.setdefault(name, {})[index] = value
        elif value_type is str or value_type is bool:
            if kind is Kind.SCORE:
                self._uncounted[full_name, "text" if value_type is str else "true or false"] += 1
            category = self._categories.get(full_name)
            if category is None:
                category = self._categories[full_name] = _Category()
            category.add(index, value)
        elif kind is Kind.SCORE:
            self._uncounted[full_name, "not a number"] += 1

    def _explain(self, index: int, name: str, value: Any) -> None:
        text = excerpt(value, self._excerpt_chars)
        if text:
            self.explanations.setdefault(name, {})[index] = text

    def _add_error_like(self, index: int, name: str, value: Any) -> None:
        if isinstance(value, str | list | dict) and (text := error_text(value)):
            self._error_like_counts[name] += 1
            self.error_like.setdefault(name, ErrorKinds()).add(text, self.example_ids[index])

    def _add_annotations(self, index: int, run: Mapping[str, Any]) -> None:
        given: dict[str, list[Number]] = {}
        for name, annotation in annotations_of(run):
            score, label = annotation.get("score"), annotation.get("label")
            if isinstance(score, int | float) and not isinstance(score, bool) and is_number(score):
                given.setdefault(name, []).append(score)
            elif score is not None:
                self._uncounted[f"{name}.score", "text" if isinstance(score, str) else "not a number"] += 1
            if isinstance(label, str):
                self.labels.setdefault(name, {}).setdefault(index, label)
            if index not in self.explanations.get(name, {}):
                self._explain(index, name, annotation.get("text"))
        for name, scores in given.items():
            score = mean_of_runs(scores)
            if score is not None:
                self.scores.setdefault(name, {})[index] = score

    def notes(self, whose: str) -> list[str]:
        """What must be known of these runs beside the numbers.

        Args:
            whose: what the runs are of, such as ``the baseline``.
        """
        notes = list(self.read_notes)
        if not self.count:
            notes.append(f"No runs are in {whose}.")
        if without := self.example_ids.count(None):
            notes.append(f"Runs of {whose} without example_id, which are counted as runs but of no example: {without}.")
        where = "" if whose == "the experiment" else f" in {whose}"
        uncounted = sorted(self._uncounted.items())
        for (name, what), count in uncounted[:_MAX_NOTED]:
            values, are, were = ("value", "is", "was") if count == 1 else ("values", "are", "were")
            notes.append(f"{count} {values} of {name}{where} {are} {what} and {were} not counted.")
        if (more := len(uncounted) - _MAX_NOTED) > 0:
            notes.append(f"More fields with such values: {more}.")
        if not self.failed:
            notes += [
                f"No run of {whose} has failed by error or execution_status, but {name} is not empty in {count}."
                for name, count in sorted(self._error_like_counts.items())
            ]
        return notes


class _Category:
    """A column of texts and truth values, as long as it has few different ones."""

    def __init__(self) -> None:
        self.column: dict[int, str | bool] = {}
        self.is_full = False
        self._values: dict[str | bool, str | bool] = {}

    def add(self, index: int, value: str | bool) -> None:
        if self.is_full:
            return
        # Equal texts are kept once.
        self.column[index] = self._values.setdefault(value, value)
        if len(self._values) > MAX_CATEGORY_VALUES:
            self.is_full = True
            self.column, self._values = {}, {}


def _id(value: Any) -> str | None:
    return None if value is None or value == "" else as_text(value)
