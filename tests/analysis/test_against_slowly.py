"""Summaries and comparisons of whatever runs there may be, against the definitions written a second time."""

from __future__ import annotations

import json
import math
import random
from fractions import Fraction
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arize_mcp.analysis.comparison import Comparison
from arize_mcp.analysis.summary import Summary
from tests.analysis import slowly
from tests.analysis.reading import read

BEYOND_DOUBLES = Fraction(2**1024 - 2**970)  # the smallest number of which the nearest double is an infinity
NAMES = ("q", "__proto__", "a.b", "a/b", 'say "x"', "ü 😀", "constructor")

# What sums, differences and means of several runs keep whole: what rounding does is shown beside it, case by case.
plain = st.integers(-64, 64).map(lambda n: n / 8)
scores = st.one_of(
    st.none(),
    plain,
    st.sampled_from([0, 1, 0.0, 1.0, 0.5, -0.0]),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
)


@st.composite
def runs_of(draw: st.DrawFn, sizes: st.SearchStrategy[int], values: st.SearchStrategy[Any], most_repeated: int) -> Any:
    """Runs of examples e0, e1, ..., some missing, some repeated, some without an example, in any order."""
    count = draw(sizes)
    seed = draw(st.integers(0, 2**32))
    fields = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True))
    pool = draw(st.lists(values, min_size=1, max_size=30))
    rng = random.Random(seed)
    runs: list[dict[str, Any]] = []
    for n in range(count):
        for _ in range(rng.randint(0, most_repeated)):
            run: dict[str, Any] = {"id": f"r{len(runs)}", "example_id": rng.choice([f"e{n}"] * 20 + ["", None])}
            for name in fields:
                if rng.random() < 0.8:
                    run[f"eval.{name}.score"] = rng.choice(pool)
                    run[f"eval.{name}.label"] = rng.choice(["good", "bad", None])
            run["latency_ms"] = rng.choice(pool)
            run["error"] = rng.choice([None, None, "", "Timeout 1", "Timeout 2", "Broken"])
            run["execution_status"] = rng.choice(["COMPLETED", "FAILED", None])
            run["model"] = rng.choice(["a", "b", "c", None])
            runs.append(run)
    rng.shuffle(runs)
    return runs


def close(got: float | None, exact: Fraction | None, *, scale: Fraction = Fraction(0)) -> bool:
    """Whether it is the exact value to six digits; scale is how large the numbers are of which it is a difference."""
    if exact is None or abs(exact) >= BEYOND_DOUBLES:
        return got is None
    if got is None:
        return scale > BEYOND_DOUBLES / 1000  # a sum on the way, or a bound, was too large
    assert math.isfinite(got)
    error = abs(Fraction(got) - exact)
    smallest = Fraction(5e-324)
    return error <= abs(exact) * Fraction(6, 10**6) + scale * Fraction(1, 10**13) + smallest


def largest(values: Any) -> Fraction:
    return sum((abs(value) for value in values), Fraction(0))


small, large = st.integers(0, 12), st.integers(1, 300)
whatever = runs_of(small, scores, 1)
repeated = runs_of(small, st.one_of(st.none(), plain), 4)
many = runs_of(large, st.one_of(st.none(), plain), 2)
anything = st.one_of(whatever, repeated, many)
quick = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@quick
@given(runs=anything, limit=st.integers(1, 100), lower=st.booleans())
def test_a_summary_is_what_its_definitions_say(runs: slowly.Runs, limit: int, lower: bool):
    names = slowly.names(runs, "scores")
    group_by = "model" if any(run["model"] for run in runs) else None
    found = Summary(read(runs), group_by=group_by, lower_is_better=sorted(names) if lower else ()).answer(limit)
    json.dumps(found, allow_nan=False)
    assert found["runs"] == len(runs)
    assert found["examples"] == len(slowly.by_example(runs))
    assert found["failed"] == sum(map(slowly.has_failed, runs))
    assert sum(error["count"] for error in found["errors"]) == found["failed"] or len(found["errors"]) == limit
    assert {score["name"] for score in found["scores"]} == names
    for kind in ("scores", "measures"):
        for entry in found[kind]:
            all_of = [slowly.numbers(run, kind) for run in runs]
            values = [of_run[entry["name"]] for of_run in all_of if entry["name"] in of_run]
            assert entry["n"] == len(values)
            assert close(entry.get("mean"), slowly.mean(values), scale=largest(values))
            assert close(entry["median"], slowly.percentile(values, 50))
            assert close(entry["min"], min(values))
            assert close(entry["max"], max(values))
            if kind == "scores":
                assert close(entry.get("stdev"), slowly.stdev(values))
            else:
                assert close(entry["p95"], slowly.percentile(values, 95))
    for group in found.get("groups", []):
        members = [run for run in runs if run["model"] == group["value"]]
        assert (group["runs"], group["failed"]) == (len(members), sum(map(slowly.has_failed, members)))
        for kind, statistic in (("scores", slowly.mean), ("measures", slowly.median)):
            for name in slowly.names(runs, kind):
                values = [of_run[name] for run in members if name in (of_run := slowly.numbers(run, kind))]
                assert close(group[kind].get(name), statistic(values), scale=largest(values))
    for name in names:
        having = [
            (slowly.numbers(run, "scores")[name], run["id"]) for run in runs if name in slowly.numbers(run, "scores")
        ]
        having.sort(key=lambda pair: -pair[0] if lower else pair[0])
        shown = [entry["run_id"] for entry in found["lowest"] if entry["score"] == name]
        assert shown == [run_id for _, run_id in having[:limit]]


@quick
@given(st.data())
def test_a_comparison_is_what_its_definitions_say(data: st.DataObject):
    kind = data.draw(st.sampled_from([whatever, repeated, many]))
    baseline, candidate = data.draw(kind), data.draw(kind)
    names = slowly.names(baseline, "scores") | slowly.names(candidate, "scores")
    lower = data.draw(st.sets(st.sampled_from(sorted(names)))) if names else set[str]()
    found = Comparison(read(baseline), read(candidate), change="all", lower_is_better=sorted(lower)).answer(10_000)
    json.dumps(found, allow_nan=False)
    before, after = slowly.by_example(baseline), slowly.by_example(candidate)
    matched = before.keys() & after.keys()
    assert found["examples"] == {
        "matched": len(matched),
        "only_in_baseline": len(before) - len(matched),
        "only_in_candidate": len(after) - len(matched),
    }
    failed_before = {key for key in matched if all(map(slowly.has_failed, before[key]))}
    failed_after = {key for key in matched if all(map(slowly.has_failed, after[key]))}
    assert found["failures"] == {
        "newly_failed": sorted(failed_after - failed_before),
        "fixed": sorted(failed_before - failed_after),
    }
    assert [score["name"] for score in found["scores"]] == sorted(names)
    changes: list[tuple[Fraction, str, str]] = []
    for score in found["scores"]:
        old = slowly.values(baseline, "scores", score["name"])
        new = slowly.values(candidate, "scores", score["name"])
        both = sorted(old.keys() & new.keys())
        differences = [new[key] - old[key] for key in both]
        sign = -1 if score["name"] in lower else 1
        better = sum(sign * difference > 0 for difference in differences)
        worse = sum(sign * difference < 0 for difference in differences)
        assert (score["n"], score["only_baseline"], score["only_candidate"]) == (
            len(both), len(old) - len(both), len(new) - len(both),
        )  # fmt: skip
        assert (score["better"], score["worse"], score["same"]) == (better, worse, len(both) - better - worse)
        assert close(score["sign_test_p"], slowly.sign_test(better, worse))
        scale = largest(old[key] for key in both) + largest(new[key] for key in both)
        assert close(score.get("baseline_mean"), slowly.mean(old[key] for key in both), scale=scale)
        assert close(score.get("candidate_mean"), slowly.mean(new[key] for key in both), scale=scale)
        assert close(score.get("delta"), slowly.mean(differences), scale=scale)
        interval = slowly.interval(differences)
        if interval is not None:
            for got, exact in zip(score.get("delta_ci95", [None, None]), interval, strict=True):
                assert close(got, exact, scale=100 * scale)
        changes += [(-abs(new[key] - old[key]), key, score["name"]) for key in both if new[key] != old[key]]
    shown = [(entry["example_id"], entry["score"]) for entry in found["changed"]]
    assert sorted(shown) == sorted((key, name) for _, key, name in changes)
    sizes = [abs(entry["delta"]) if "delta" in entry else math.inf for entry in found["changed"]]
    assert sizes == sorted(sizes, reverse=True)
    for changes_of in found["labels"]:
        expected = slowly.label_changes(baseline, candidate, changes_of["name"])
        assert {(move["from"], move["to"]): move["count"] for move in changes_of["changes"]} == expected
    for measure in found["measures"]:
        old = slowly.values(baseline, "measures", measure["name"])
        new = slowly.values(candidate, "measures", measure["name"])
        both = old.keys() & new.keys()
        assert measure["n"] == len(both)
        for side, values in (("baseline", old), ("candidate", new)):
            for percent, name in ((50, "median"), (95, "p95")):
                exact = slowly.percentile([values[key] for key in both], percent)
                assert close(measure.get(f"{side}_{name}"), exact)


@quick
@given(runs=anything, seed=st.integers(0, 2**32))
def test_the_order_of_runs_matters_only_where_it_is_said(runs: slowly.Runs, seed: int):
    shuffled = list(runs)
    random.Random(seed).shuffle(shuffled)
    one, other = Summary(read(runs)).answer(5), Summary(read(shuffled)).answer(5)
    for name in one.keys() - {"errors", "lowest"}:
        assert one[name] == other[name]
    one, other = Comparison(read(runs), read(runs)).answer(5), Comparison(read(runs), read(shuffled)).answer(5)
    for name in one.keys() - {"labels"}:
        assert one[name] == other[name]
