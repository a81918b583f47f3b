"""One experiment in numbers: failures, scores, labels, measures, groups, and the runs to look at first."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from typing import Final

from arize_mcp.analysis.errors import entry
from arize_mcp.analysis.fields import JSONObject, UnknownNameError, excerpt, present, resolve
from arize_mcp.analysis.numbers import Number, mean, percentile, rounded, stdev
from arize_mcp.analysis.runs import MAX_CATEGORY_VALUES, Numbers, Runs

MAX_LIMIT: Final = 100
EXCERPT_CHARS: Final = 200


class Summary:
    """What an experiment's runs say.

    ``n``, means and groups are over runs; ``examples`` counts the example ids. ``lowest`` has each score's runs with
    the lowest values, or the highest where lower is better, equal ones in the order of recording.

    Args:
        runs: all runs, with excerpts of EXCERPT_CHARS.
        group_by: the name of a category or label.
        lower_is_better: names of scores or measures.

    Raises:
        UnknownNameError: a name that no run has. Without any run, every name is taken.
    """

    def __init__(self, runs: Runs, *, group_by: str | None = None, lower_is_better: Collection[str] = ()) -> None:
        self._runs = runs
        self._kinds = [(kind, None) for kind in runs.errors.most_frequent()]
        if not runs.failed:
            self._kinds = [
                (kind, name) for name, kinds in sorted(runs.error_like.items()) for kind in kinds.most_frequent()
            ]
        lower = directions(lower_is_better, runs)
        self._lowest = {
            name: _lowest(column, is_lower_better=name in lower) for name, column in sorted(runs.scores.items())
        }
        self._content: JSONObject = {
            "runs": runs.count,
            "examples": len(runs.examples()),
            "failed": len(runs.failed),
            "errors": [],
            "scores": [_score(name, column) for name, column in sorted(runs.scores.items())],
            "labels": [{"name": name, "counts": _counts(column)} for name, column in sorted(runs.labels.items())],
            "measures": [_measure(name, column) for name, column in sorted(runs.measures.items())],
        }
        if group_by is not None:
            self._content["groups"] = _groups(runs, group_by)

    def answer(self, limit: int, excerpt_chars: int = EXCERPT_CHARS) -> JSONObject:
        """The summary with at most limit entries in ``errors``, in their ``example_ids``, and of a score's lowest.

        Args:
            limit: from 0 to MAX_LIMIT.
            excerpt_chars: how long outputs and explanations may be, at most EXCERPT_CHARS.
        """
        runs, notes = self._runs, self._runs.notes("the experiment")
        if (more := len(self._kinds) - limit) > 0:
            notes.append(f"Kinds of errors that are not listed, none more frequent: {more}.")
        return {
            "experiment": runs.head,
            **self._content,
            "errors": [entry(kind, limit, name) for kind, name in self._kinds[:limit]],
            "lowest": [
                _run(runs, name, index, value, excerpt_chars)
                for name, lowest in self._lowest.items()
                for index, value in lowest[:limit]
            ],
            "fields": dict(sorted(runs.fields.items())),
            "notes": notes,
        }


def directions(lower_is_better: Collection[str], *experiments: Runs) -> set[str]:
    """The scores, by their names in answers, of which lower is better. Measures may be named, but have no direction.

    Raises:
        UnknownNameError: neither a score nor a measure of any of the experiments.
    """
    scores = {name for runs in experiments for name in runs.scores}
    measures = {name for runs in experiments for name in runs.measures}
    lower: set[str] = set()
    for position, name in enumerate(lower_is_better):
        if not any(runs.count for runs in experiments):
            break
        try:
            lower.add(resolve(f"/lower_is_better/{position}", "a score", name, scores, "score"))
        except UnknownNameError:
            resolve(f"/lower_is_better/{position}", "a score or measure", name, scores | measures)
    return lower


def _score(name: str, column: Numbers) -> JSONObject:
    """n, arithmetic mean, median, extremes, and the sample's standard deviation, of the runs that have the score."""
    values = sorted(column.values())
    return present(
        name=name,
        n=len(values),
        mean=rounded(mean(values)),
        median=rounded(percentile(values, 50)),
        min=rounded(values[0]),
        max=rounded(values[-1]),
        stdev=rounded(stdev(values)),
    )


def _measure(name: str, column: Numbers) -> JSONObject:
    """n, arithmetic mean, median, 95th percentile and extremes, of the runs that have the measure."""
    values = sorted(column.values())
    return present(
        name=name,
        n=len(values),
        mean=rounded(mean(values)),
        median=rounded(percentile(values, 50)),
        p95=rounded(percentile(values, 95)),
        min=rounded(values[0]),
        max=rounded(values[-1]),
    )


def _counts(column: Mapping[int, str]) -> dict[str, int]:
    """How many runs have each label, the most frequent first, then by name."""
    return dict(sorted(Counter(column.values()).items(), key=lambda item: (-item[1], item[0])))


def _groups(runs: Runs, group_by: str) -> list[JSONObject]:
    """The runs of each value: how many, how many failed, each score's mean and each measure's median.

    The largest group first, then by value; runs without one are the group whose value is null.
    """
    values = _values(runs, group_by)
    indexes: dict[str | bool | None, list[int]] = {}
    for index in range(runs.count):
        indexes.setdefault(values.get(index), []).append(index)
    in_order = sorted(indexes.items(), key=lambda item: (-len(item[1]), item[0] is None, str(item[0])))
    return [
        {
            "value": value,
            "runs": len(members),
            "failed": sum(index in runs.failed for index in members),
            "scores": _of_each(runs.scores, members, mean),
            "measures": _of_each(runs.measures, members, _median),
        }
        for value, members in in_order
    ]


def _median(values: list[Number]) -> float | None:
    return percentile(sorted(values), 50)


def _of_each(
    columns: dict[str, Numbers], members: list[int], statistic: Callable[[list[Number]], float | None]
) -> dict[str, Number]:
    """A statistic of every column that some of the members have."""
    found: dict[str, Number] = {}
    for name, column in sorted(columns.items()):
        value = rounded(statistic([column[index] for index in members if index in column]))
        if value is not None:
            found[name] = value
    return found


def _values(runs: Runs, group_by: str) -> Mapping[int, str | bool]:
    categories = runs.categories
    if group_by in categories:
        return categories[group_by]
    if not runs.count:
        return {}
    try:
        return runs.labels[resolve("/group_by", "a label", group_by, runs.labels, "label")]
    except UnknownNameError:
        what = f"a label or a category (a text with at most {MAX_CATEGORY_VALUES} different values, or true and false)"
        raise UnknownNameError("/group_by", what, group_by, {*categories, *runs.labels}) from None


def _lowest(column: Numbers, *, is_lower_better: bool) -> list[tuple[int, Number]]:
    best = heapq.nlargest if is_lower_better else heapq.nsmallest
    return best(MAX_LIMIT, column.items(), key=lambda item: item[1])


def _run(runs: Runs, score: str, index: int, value: Number, excerpt_chars: int) -> JSONObject:
    return present(
        score=score,
        value=rounded(value),
        run_id=runs.ids[index],
        example_id=runs.example_ids[index],
        output=excerpt(runs.outputs[index], excerpt_chars),
        explanation=excerpt(runs.explanations.get(score, {}).get(index), excerpt_chars),
    )
