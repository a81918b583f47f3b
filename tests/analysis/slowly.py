"""The definitions of summaries and comparisons written a second time, slowly, with fractions and nothing of ours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import pairwise
from math import comb
from typing import Any

Runs = list[dict[str, Any]]

T_975 = {
    1: "12.70620473617471", 2: "4.302652729749464", 3: "3.182446305284263", 4: "2.776445105197793",
    5: "2.570581835636314", 6: "2.446911851144969", 7: "2.364624251592785", 8: "2.306004135204166",
    9: "2.262157162740992", 10: "2.228138851964939",
}  # fmt: skip
"""Student's t of small samples, from a table; larger ones are not checked here but in test_numbers."""


def numbers(run: dict[str, Any], kind: str) -> dict[str, Fraction]:
    """A run's scores or measures by name."""
    found: dict[str, Fraction] = {}
    for field, value in run.items():
        if value is None or isinstance(value, bool) or not isinstance(value, int | float):
            continue
        is_score = field.startswith("eval.") and field.endswith(".score") and len(field) > 11
        if is_score and kind == "scores":
            found[field[5:-6]] = Fraction(value)
        if not is_score and kind == "measures":
            found[field] = Fraction(value)
    return found


def label(run: dict[str, Any], name: str) -> str | None:
    return run.get(f"eval.{name}.label")


def has_failed(run: dict[str, Any]) -> bool:
    return bool(run.get("error")) or run.get("execution_status") == "FAILED"


def mean(values: Iterable[Fraction]) -> Fraction | None:
    them = list(values)
    return sum(them, Fraction(0)) / len(them) if them else None


def percentile(values: Iterable[Fraction], percent: int) -> Fraction | None:
    """As a walk along the values in order, evenly spaced, to a percent of the way."""
    them = sorted(values)
    if len(them) < 2:
        return them[0] if them else None
    way = Fraction(percent * (len(them) - 1), 100)
    for step, (low, high) in enumerate(pairwise(them)):
        if step <= way <= step + 1:
            return low * (step + 1 - way) + high * (way - step)
    raise AssertionError


def median(values: Iterable[Fraction]) -> Fraction | None:
    return percentile(values, 50)


def root(value: Fraction) -> Fraction:
    with localcontext() as context:
        context.prec = 60
        context.Emax, context.Emin = 10**6, -(10**6)
        return Fraction((Decimal(value.numerator) / Decimal(value.denominator)).sqrt())


def stdev(values: Iterable[Fraction]) -> Fraction | None:
    them = list(values)
    middle = mean(them)
    if len(them) < 2 or middle is None:
        return None
    return root(sum(((value - middle) ** 2 for value in them), Fraction(0)) / (len(them) - 1))


def interval(differences: list[Fraction]) -> tuple[Fraction, Fraction] | None:
    middle, deviation = mean(differences), stdev(differences)
    if middle is None or deviation is None or len(differences) - 1 not in T_975:
        return None
    half = Fraction(T_975[len(differences) - 1]) * deviation / root(Fraction(len(differences)))
    return middle - half, middle + half


def sign_test(better: int, worse: int) -> Fraction:
    """The probability of every split at least as uneven."""
    n = better + worse
    if not n:
        return Fraction(1)
    at_least = abs(better - worse)
    return Fraction(sum(comb(n, k) for k in range(n + 1) if abs(2 * k - n) >= at_least), 2**n)


def by_example(runs: Runs) -> dict[str, Runs]:
    return {
        example_id: [run for run in runs if run.get("example_id") == example_id]
        for example_id in {run["example_id"] for run in runs if run.get("example_id")}
    }


def values(runs: Runs, kind: str, name: str) -> dict[str, Fraction]:
    """Each example's value."""
    found = {
        example_id: mean(numbers(run, kind)[name] for run in its if name in numbers(run, kind))
        for example_id, its in by_example(runs).items()
    }
    return {example_id: value for example_id, value in found.items() if value is not None}


def names(runs: Runs, kind: str) -> set[str]:
    return {name for run in runs for name in numbers(run, kind)}


def label_of(runs: Runs, name: str) -> str | None:
    given = [found for run in runs if (found := label(run, name)) is not None]
    return max(given, key=lambda one: (given.count(one), -given.index(one))) if given else None


def label_changes(baseline: Runs, candidate: Runs, name: str) -> Counter[tuple[str, str]]:
    before, after = by_example(baseline), by_example(candidate)
    pairs = [(label_of(before[key], name), label_of(after[key], name)) for key in before.keys() & after.keys()]
    return Counter((old, new) for old, new in pairs if old is not None and new is not None and old != new)
