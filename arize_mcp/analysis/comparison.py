"""Two experiments over the same examples: what got better, what got worse, and how sure that is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import Final, Literal, NamedTuple

from arize_mcp.analysis.fields import JSONObject, excerpt, present, resolve
from arize_mcp.analysis.numbers import (
    Number,
    confidence_interval_95,
    difference,
    is_number,
    mean,
    mean_difference,
    percentile,
    rounded,
    sign_test_p,
)
from arize_mcp.analysis.runs import Runs
from arize_mcp.analysis.summary import directions

EXCERPT_CHARS: Final = 60
_TEXTS: Final = {"baseline_output", "candidate_output", "explanation", "error"}

Change = Literal["worse", "better", "failed", "all"]


class _Changed(NamedTuple):
    """A score of an example that changed. Sorting them gives the order in which they are listed."""

    minus_size: Number
    example_id: str
    score: str
    baseline: Number
    candidate: Number


class Comparison:
    """What changed from a baseline to a candidate.

    All counts are of examples. An example's value is the mean over its runs that have one; its label is the most
    frequent of its runs' labels (of equals the first); it has failed if all its runs have failed. Numbers of a score,
    label or measure are of the examples that have it in both.

    Args:
        baseline: all its runs, with excerpts of EXCERPT_CHARS.
        candidate: the same of the other experiment.
        score: the one score to compare; None for all.
        change: what ``changed`` lists: scores that got ``worse`` or ``better``, both (``all``), or the newly
            ``failed`` examples.
        lower_is_better: names of scores or measures.

    Raises:
        UnknownNameError: a name that neither has. Without any run, every name is taken.
    """

    def __init__(
        self,
        baseline: Runs,
        candidate: Runs,
        *,
        score: str | None = None,
        change: Change = "worse",
        lower_is_better: Collection[str] = (),
    ) -> None:
        self._baseline, self._candidate = baseline, candidate
        self._of_baseline, self._of_candidate = baseline.examples(), candidate.examples()
        self._matched = [example_id for example_id in self._of_baseline if example_id in self._of_candidate]
        lower = directions(lower_is_better, baseline, candidate)
        names = {*baseline.scores, *candidate.scores}
        if score is not None and (baseline.count or candidate.count):
            names = {resolve("/score", "a score", score, names, "score")}
        self._newly_failed, self._fixed = self._failures()
        self._change = change
        self._changed: list[_Changed] = []
        self._content: JSONObject = {
            "baseline": {**baseline.head, "runs": baseline.count, "failed": len(baseline.failed)},
            "candidate": {**candidate.head, "runs": candidate.count, "failed": len(candidate.failed)},
            "examples": {
                "matched": len(self._matched),
                "only_in_baseline": len(self._of_baseline) - len(self._matched),
                "only_in_candidate": len(self._of_candidate) - len(self._matched),
            },
            "failures": {},
            "scores": [self._score(name, is_lower_better=name in lower) for name in sorted(names)],
            "labels": self._labels(),
            "measures": self._measures(),
        }
        self._changed.sort()

    def answer(self, limit: int, excerpt_chars: int = EXCERPT_CHARS) -> JSONObject:
        """The comparison with at most limit entries in ``changed``, ``newly_failed`` and ``fixed``.

        Args:
            limit: how many.
            excerpt_chars: how long outputs, explanations and errors may be, at most EXCERPT_CHARS.
        """
        notes = self._notes()
        lists = {"newly_failed": self._newly_failed, "fixed": self._fixed}
        for name, example_ids in lists.items():
            if (more := len(example_ids) - limit) > 0:
                notes.append(f"Examples in {name} that are not listed: {more}.")
        if self._change == "failed":
            entries = [self._failed(example_id) for example_id in self._newly_failed[:limit]]
        else:
            entries = [self._entry(changed) for changed in self._changed[:limit]]
            if (more := len(self._changed) - len(entries)) > 0:
                kind = "better or worse" if self._change == "all" else self._change
                notes.append(f"Scores that got {kind} and are not listed, none by more than those listed: {more}.")
        for entry in entries:
            for name in _TEXTS & entry.keys():
                entry[name] = excerpt(entry[name], excerpt_chars)
        failures = {name: example_ids[:limit] for name, example_ids in lists.items()}
        return {**self._content, "failures": failures, "changed": entries, "notes": notes}

    def _failures(self) -> tuple[list[str], list[str]]:
        """The matched examples that failed in the candidate only, and those in the baseline only, by example id."""

        def has_failed(runs: Runs, indexes: list[int]) -> bool:
            return all(index in runs.failed for index in indexes)

        newly_failed: list[str] = []
        fixed: list[str] = []
        for example_id in sorted(self._matched):
            before = has_failed(self._baseline, self._of_baseline[example_id])
            after = has_failed(self._candidate, self._of_candidate[example_id])
            if before != after:
                (newly_failed if after else fixed).append(example_id)
        return newly_failed, fixed

    def _score(self, name: str, *, is_lower_better: bool) -> JSONObject:
        """A score over the examples that have it in both: means, their difference, and how sure it is.

        ``delta_ci95`` is the paired 95 % interval of the difference, ``sign_test_p`` the exact two-sided sign test's p.
        """
        baseline = self._baseline.by_example(self._baseline.scores.get(name, {}))
        candidate = self._candidate.by_example(self._candidate.scores.get(name, {}))
        pairs = [
            (example_id, value, candidate[example_id])
            for example_id, value in baseline.items()
            if example_id in candidate
        ]
        differences = [difference(before, after) for _, before, after in pairs]
        counts: Counter[str] = Counter()
        for (example_id, before, after), change in zip(pairs, differences, strict=True):
            kind = "same" if before == after else "better" if (after < before) is is_lower_better else "worse"
            counts[kind] += 1
            if kind != "same" and self._change in (kind, "all"):
                self._changed.append(_Changed(-abs(change), example_id, name, before, after))
        befores, afters = [before for _, before, _ in pairs], [after for _, _, after in pairs]
        if not all(map(is_number, differences)):
            differences = []
        interval = confidence_interval_95(differences)
        return present(
            name=name,
            n=len(pairs),
            baseline_mean=rounded(mean(befores)),
            candidate_mean=rounded(mean(afters)),
            delta=rounded(mean_difference(befores, afters)),
            delta_ci95=interval and [rounded(bound) for bound in interval],
            better=counts["better"],
            worse=counts["worse"],
            same=counts["same"],
            sign_test_p=rounded(sign_test_p(counts["better"], counts["worse"])),
            only_baseline=len(baseline) - len(pairs),
            only_candidate=len(candidate) - len(pairs),
        )

    def _labels(self) -> list[JSONObject]:
        """How many examples went from which label to which other one, the most frequent first."""
        found: list[JSONObject] = []
        for name in sorted({*self._baseline.labels, *self._candidate.labels}):
            before = _labels_of(self._of_baseline, self._baseline.labels.get(name, {}))
            after = _labels_of(self._of_candidate, self._candidate.labels.get(name, {}))
            changes = Counter((label, after[example_id]) for example_id, label in before.items() if example_id in after)
            in_order = sorted(changes.items(), key=lambda item: (-item[1], item[0]))
            moves = [{"from": old, "to": new, "count": count} for (old, new), count in in_order if old != new]
            found.append({"name": name, "changes": moves})
        return found

    def _measures(self) -> list[JSONObject]:
        """Each measure's median and 95th percentile over the examples that have it in both."""
        found: list[JSONObject] = []
        for name in sorted({*self._baseline.measures, *self._candidate.measures}):
            baseline = self._baseline.by_example(self._baseline.measures.get(name, {}))
            candidate = self._candidate.by_example(self._candidate.measures.get(name, {}))
            both = baseline.keys() & candidate.keys()
            before = sorted(baseline[example_id] for example_id in both)
            after = sorted(candidate[example_id] for example_id in both)
            found.append(
                present(
                    name=name,
                    n=len(both),
                    baseline_median=rounded(percentile(before, 50)),
                    candidate_median=rounded(percentile(after, 50)),
                    baseline_p95=rounded(percentile(before, 95)),
                    candidate_p95=rounded(percentile(after, 95)),
                )
            )
        return found

    def _entry(self, changed: _Changed) -> JSONObject:
        """A changed score, with the example's first run that has it on either side."""
        name = changed.score
        before = next(i for i in self._of_baseline[changed.example_id] if i in self._baseline.scores[name])
        after = next(i for i in self._of_candidate[changed.example_id] if i in self._candidate.scores[name])
        return present(
            example_id=changed.example_id,
            score=name,
            baseline=rounded(changed.baseline),
            candidate=rounded(changed.candidate),
            delta=rounded(changed.candidate - changed.baseline),
            **self._runs(before, after),
            explanation=self._candidate.explanations.get(name, {}).get(after),
        )

    def _failed(self, example_id: str) -> JSONObject:
        """A newly failed example, with its first failed run, and the baseline's first run that didn't fail."""
        before = next(index for index in self._of_baseline[example_id] if index not in self._baseline.failed)
        after = self._of_candidate[example_id][0]
        return present(example_id=example_id, **self._runs(before, after), error=self._candidate.failed[after])

    def _runs(self, before: int, after: int) -> JSONObject:
        return {
            "baseline_run_id": self._baseline.ids[before],
            "candidate_run_id": self._candidate.ids[after],
            "baseline_output": self._baseline.outputs[before],
            "candidate_output": self._candidate.outputs[after],
        }

    def _notes(self) -> list[str]:
        notes = [*self._baseline.notes("the baseline"), *self._candidate.notes("the candidate")]
        datasets = [runs.experiment.get("dataset_id") for runs in (self._baseline, self._candidate)]
        if datasets[0] != datasets[1]:
            notes.append("The experiments are of different datasets: only examples with the same id are compared.")
        if not self._matched and self._baseline.count and self._candidate.count:
            notes.append("The experiments have no example in common, so that nothing can be compared.")
        return notes


def _labels_of(examples: dict[str, list[int]], column: dict[int, str]) -> dict[str, str]:
    """Each example's label: the most frequent of its runs', the first of equals."""
    found: dict[str, str] = {}
    for example_id, indexes in examples.items():
        counts = Counter(column[index] for index in indexes if index in column)
        if counts:
            found[example_id] = counts.most_common(1)[0][0]
    return found
