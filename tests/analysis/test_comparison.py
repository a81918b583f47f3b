"""Comparisons of small experiments, computed by hand."""

from __future__ import annotations

import random
from typing import Any

import pytest

from arize_mcp.analysis.comparison import Comparison
from arize_mcp.analysis.fields import UnknownNameError
from tests.analysis.reading import read

BASELINE: list[dict[str, Any]] = [
    {"id": "b1", "example_id": "a", "output": "one", "eval.q.score": 1.0, "eval.q.label": "good", "latency_ms": 100},
    {"id": "b2", "example_id": "b", "output": "two", "eval.q.score": 0.5, "eval.q.label": "bad", "latency_ms": 200},
    {"id": "b3", "example_id": "c", "output": "three", "eval.q.score": 0.0, "eval.q.label": "bad", "latency_ms": 300},
    {"id": "b4", "example_id": "d", "error": "Timeout", "eval.only_old.score": 1},
    {"id": "b5", "example_id": "e", "output": "five", "eval.q.score": 1},
    {"id": "b6", "example_id": "gone", "output": "six", "eval.q.score": 1},
]
CANDIDATE: list[dict[str, Any]] = [
    {"id": "c1", "example_id": "a", "output": "ONE", "eval.q.score": 0.0, "eval.q.label": "bad", "latency_ms": 50,
     "eval.q.explanation": "lost"},
    {"id": "c2", "example_id": "b", "output": "TWO", "eval.q.score": 0.5, "eval.q.label": "bad", "latency_ms": 400},
    {"id": "c3", "example_id": "c", "output": "THREE", "eval.q.score": 0.5, "eval.q.label": "good", "latency_ms": 600},
    {"id": "c4", "example_id": "d", "output": "FOUR", "eval.q.score": 1},
    {"id": "c5", "example_id": "e", "error": "KeyError: 'x'"},
    {"id": "c6", "example_id": "new", "output": "SIX", "eval.q.score": 1},
]  # fmt: skip


def comparison(
    baseline: list[dict[str, Any]], candidate: list[dict[str, Any]], limit: int = 10, **arguments: Any
) -> dict[str, Any]:
    return Comparison(read(baseline, 60), read(candidate, 60), **arguments).answer(limit)


def test_a_comparison_is_what_the_hand_computes():
    assert comparison(BASELINE, CANDIDATE) == {
        "baseline": {"id": "x", "runs": 6, "failed": 1},
        "candidate": {"id": "x", "runs": 6, "failed": 1},
        "examples": {"matched": 5, "only_in_baseline": 1, "only_in_candidate": 1},
        "failures": {"newly_failed": ["e"], "fixed": ["d"]},
        "scores": [
            {"name": "only_old", "n": 0, "better": 0, "worse": 0, "same": 0, "sign_test_p": 1,
             "only_baseline": 1, "only_candidate": 0},
            # Differences -1, 0, 0.5: mean -1/6, deviation 0.763763, half-width 4.302653 · 0.763763 / √3 = 1.897292.
            {"name": "q", "n": 3, "baseline_mean": 0.5, "candidate_mean": 0.333333, "delta": -0.166667,
             "delta_ci95": [-2.06396, 1.73062], "better": 1, "worse": 1, "same": 1, "sign_test_p": 1,
             "only_baseline": 2, "only_candidate": 2},
        ],
        "labels": [
            {"name": "q", "changes": [{"from": "bad", "to": "good", "count": 1},
                                      {"from": "good", "to": "bad", "count": 1}]},
        ],
        "measures": [
            {"name": "latency_ms", "n": 3, "baseline_median": 200, "candidate_median": 400, "baseline_p95": 290,
             "candidate_p95": 580},
        ],
        "changed": [
            {"example_id": "a", "score": "q", "baseline": 1, "candidate": 0, "delta": -1, "baseline_run_id": "b1",
             "candidate_run_id": "c1", "baseline_output": "one", "candidate_output": "ONE", "explanation": "lost"},
        ],
        "notes": [],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "examples"), [("worse", ["a"]), ("better", ["c"]), ("all", ["a", "c"]), ("failed", ["e"])]
)
def test_changed_lists_what_is_asked_for(change: Any, examples: list[str]):
    changed = comparison(BASELINE, CANDIDATE, change=change)["changed"]
    assert [entry["example_id"] for entry in changed] == examples


def test_a_newly_failed_example_is_shown_with_its_error():
    assert comparison(BASELINE, CANDIDATE, change="failed")["changed"] == [
        {
            "example_id": "e",
            "baseline_run_id": "b5",
            "candidate_run_id": "c5",
            "baseline_output": "five",
            "error": "KeyError: 'x'",
        }
    ]


def test_where_lower_is_better_better_and_worse_are_the_other_way_round():
    for name in ("q", "eval.q.score"):
        found = comparison(BASELINE, CANDIDATE, lower_is_better=[name, "latency_ms"], change="worse", score="q")
        assert [entry["example_id"] for entry in found["changed"]] == ["c"]
        assert (found["scores"][0]["better"], found["scores"][0]["worse"]) == (1, 1)
        assert found["scores"][0]["delta"] < 0


def test_one_score_is_looked_at_by_either_name():
    for name in ("only_old", "eval.only_old.score"):
        found = comparison(BASELINE, CANDIDATE, score=name)
        assert [score["name"] for score in found["scores"]] == ["only_old"]
        assert found["changed"] == []


def test_repetitions_are_one_example_with_their_mean():
    baseline = [{"example_id": "a", "eval.q.score": value} for value in (0.1, 0.2, 0.3)]
    candidate: list[dict[str, Any]] = [
        {"id": "c0", "example_id": "a", "error": "e"},
        {"id": "c1", "example_id": "a", "eval.q.score": 0.2},
    ]
    found = comparison(baseline, candidate, change="all")
    assert found["examples"]["matched"] == 1
    assert found["failures"] == {"newly_failed": [], "fixed": []}
    (score,) = found["scores"]
    assert (score["n"], score["same"], score["baseline_mean"], score["delta"]) == (1, 1, 0.2, 0)
    assert "delta_ci95" not in score
    candidate[1]["eval.q.score"] = 0
    (changed,) = comparison(baseline, candidate)["changed"]
    assert (changed["candidate_run_id"], changed["delta"]) == ("c1", -0.2)


def test_changes_of_the_same_size_as_decimals_are_in_the_order_of_their_examples():
    # As doubles they are 0.2, 0.19999999999999998, 0.20000000000000007 and 0.19999999999999996.
    pairs = {"a": (0.4, 0.2), "b": (0.3, 0.1), "c": (0.9, 0.7), "d": (1.0, 0.8)}
    baseline = [{"example_id": name, "eval.q.score": before} for name, (before, _) in pairs.items()]
    candidate = [{"example_id": name, "eval.q.score": after} for name, (_, after) in pairs.items()]
    found = comparison(baseline[::-1], candidate)
    assert [(entry["example_id"], entry["delta"]) for entry in found["changed"]] == [(name, -0.2) for name in "abcd"]
    assert found["scores"][0]["delta_ci95"] == [-0.2, -0.2]


@pytest.mark.parametrize("value", [0.1 + 0.2, 0.8444218515250481, 2**53 + 1])
def test_repetitions_that_agree_are_neither_better_nor_worse_than_one_run(value: float):
    once = [{"example_id": "a", "eval.q.score": value}]
    found = comparison(once * 2, once, change="all")
    assert (found["scores"][0]["same"], found["scores"][0]["delta"], found["changed"]) == (1, 0, [])


def test_an_example_has_failed_if_all_its_runs_have():
    flaky = [{"example_id": "a", "error": "e", "id": "1"}, {"example_id": "a", "output": "ok", "id": "2"}]
    failed = [{"example_id": "a", "error": "first", "id": "3"}, {"example_id": "a", "error": "second", "id": "4"}]
    found = comparison(flaky, failed, change="failed")
    assert found["failures"] == {"newly_failed": ["a"], "fixed": []}
    assert [(c["baseline_run_id"], c["candidate_run_id"], c["error"]) for c in found["changed"]] == [
        ("2", "3", "first")
    ]
    assert comparison(failed, flaky)["failures"] == {"newly_failed": [], "fixed": ["a"]}


def test_an_examples_label_is_its_runs_most_frequent_one():
    def labelled(*labels: str) -> list[dict[str, Any]]:
        return [{"example_id": "a", "eval.q.label": label} for label in labels]

    (label,) = comparison(labelled("x", "y", "y"), labelled("z", "x"))["labels"]
    assert label["changes"] == [{"from": "y", "to": "z", "count": 1}]


def test_changed_is_sorted_by_size_then_example_then_score_and_stays_so_when_shuffled():
    baseline = [{"example_id": f"e{n:02}", "eval.q.score": 1, "eval.a.score": 1} for n in range(30)]
    candidate = [{"example_id": f"e{n:02}", "eval.q.score": n % 3 / 2, "eval.a.score": n % 3 / 2} for n in range(30)]
    found = comparison(baseline, candidate, 100)
    order = [(entry["delta"], entry["example_id"], entry["score"]) for entry in found["changed"]]
    assert order == sorted(order)
    assert len(order) == 40
    for _ in range(5):
        random.shuffle(baseline)
        random.shuffle(candidate)
        assert comparison(baseline, candidate, 100) == found


def test_lists_end_at_the_limit_with_a_note():
    before = [{"example_id": f"e{n}", "eval.q.score": 1} for n in range(7)] + [{"example_id": "f", "error": "e"}] * 2
    after: list[dict[str, Any]] = [{"example_id": f"e{n}", "eval.q.score": 0} for n in range(3)]
    after += [{"example_id": f"e{n}", "error": "e"} for n in range(3, 7)] + [{"example_id": "f"}]
    found = comparison(before, after, 2)
    assert len(found["changed"]) == 2
    assert found["failures"] == {"newly_failed": ["e3", "e4"], "fixed": ["f"]}
    assert found["notes"] == [
        "Examples in newly_failed that are not listed: 2.",
        "Scores that got worse and are not listed, none by more than those listed: 1.",
    ]


def test_different_datasets_and_no_common_example_are_noted():
    baseline, candidate = (
        read([{"example_id": "a"}], 60, dataset_id="d"),
        read([{"example_id": "b"}], 60, dataset_id="e"),
    )
    assert Comparison(baseline, candidate).answer(10)["notes"] == [
        "The experiments are of different datasets: only examples with the same id are compared.",
        "The experiments have no example in common, so that nothing can be compared.",
    ]


def test_runs_of_no_example_are_not_compared_and_counted():
    runs: list[dict[str, Any]] = [{"eval.q.score": 1}, {"example_id": "a", "eval.q.score": 1}]
    found = comparison(runs, runs)
    assert found["scores"][0]["n"] == 1
    assert found["notes"] == [
        f"Runs of the {whose} without example_id, which are counted as runs but of no example: 1."
        for whose in ("baseline", "candidate")
    ]


@pytest.mark.parametrize("arguments", [{"score": "quality"}, {"score": "latency_ms"}, {"lower_is_better": ["nothing"]}])
def test_an_unknown_name_is_told(arguments: dict[str, Any]):
    with pytest.raises(UnknownNameError):
        comparison(BASELINE, CANDIDATE, **arguments)
    assert comparison([], [], **arguments)["scores"] == []


def test_big_integers_are_compared_exactly_and_no_difference_is_infinite():
    found = comparison(
        [{"example_id": "a", "eval.q.score": 2**53}, {"example_id": "b", "eval.r.score": -1.7e308}],
        [{"example_id": "a", "eval.q.score": 2**53 + 1}, {"example_id": "b", "eval.r.score": 1.7e308}],
        change="all",
    )
    by_name = {score["name"]: score for score in found["scores"]}
    assert (by_name["q"]["better"], by_name["q"]["delta"]) == (1, 1)
    assert by_name["r"]["better"] == 1
    assert "delta" not in by_name["r"]
    assert [entry.get("delta") for entry in found["changed"]] == [None, 1]


def test_what_is_not_counted_is_told_with_whose_it_is():
    found = comparison([{"example_id": "a", "eval.q.score": "1"}], [{"example_id": "a", "eval.q.score": 1}])
    assert found["notes"] == ["1 value of eval.q.score in the baseline is text and was not counted."]


def test_an_unknown_name_is_told_though_one_of_the_experiments_has_no_runs():
    for baseline, candidate in (([], CANDIDATE), (BASELINE, [])):
        with pytest.raises(UnknownNameError):
            comparison(baseline, candidate, score="nope")
        with pytest.raises(UnknownNameError):
            comparison(baseline, candidate, lower_is_better=["nope"])
        assert not any("in common" in note for note in comparison(baseline, candidate)["notes"])
    assert comparison([], [], score="nope")["scores"] == []


def test_shorter_excerpts_are_of_outputs_explanations_and_errors():
    runs: list[dict[str, Any]] = [{"example_id": "e", "output": "a long output", "eval.q.score": 1}]
    failed: list[dict[str, Any]] = [{"example_id": "e", "output": "a long output", "error": "a long error"}]
    worse = [{**runs[0], "eval.q.score": 0, "eval.q.explanation": "a long reason"}]
    for candidate, change, told in ((failed, "failed", "error"), (worse, "worse", "explanation")):
        answer = Comparison(read(runs, 60), read(candidate, 60), change=change).answer(10, 7)  # pyright: ignore[reportArgumentType]
        (entry,) = answer["changed"]
        assert {entry["baseline_output"], entry["candidate_output"], entry[told]} <= {"a long…"}
        assert entry["example_id"] == "e"


def test_what_is_exactly_as_many_as_the_limit_leaves_nothing_to_say():
    baseline = [{"example_id": f"e{n}", "eval.q.score": n % 2, "error": "E" * (n > 1)} for n in range(4)]
    candidate = [{"example_id": f"e{n}", "eval.q.score": 1 - n % 2, "error": "E" * (n < 2)} for n in range(4)]
    assert comparison(baseline, candidate, 2)["notes"] == []
    one = comparison(baseline, candidate, 1, change="failed")
    assert (len(one["changed"]), one["failures"]) == (1, {"newly_failed": ["e0"], "fixed": ["e2"]})
    assert one["notes"] == [
        "Examples in newly_failed that are not listed: 1.",
        "Examples in fixed that are not listed: 1.",
    ]
    both = comparison(baseline, candidate, 2, change="all")["notes"]
    assert both == ["Scores that got better or worse and are not listed, none by more than those listed: 2."]


def test_changes_of_labels_are_the_most_frequent_first_then_by_name():
    moves = ["ab", "ba", "ca", "ba", "ca", "bc", "bc", "bc"]
    sides = [[{"example_id": str(n), "eval.q.label": move[side]} for n, move in enumerate(moves)] for side in (0, 1)]
    (found,) = comparison(sides[0], sides[1])["labels"]
    assert [(change["from"] + change["to"], change["count"]) for change in found["changes"]] == [
        ("bc", 3), ("ba", 2), ("ca", 2), ("ab", 1),
    ]  # fmt: skip


def test_a_changed_score_is_shown_with_the_first_runs_that_have_it():
    baseline: list[dict[str, Any]] = [
        {"id": "b1", "example_id": "e", "eval.q.score": None},
        {"id": "b2", "example_id": "e", "eval.q.score": 1},
    ]
    candidate = [{**run, "id": run["id"].replace("b", "c"), "eval.q.score": 0} for run in baseline]
    candidate[0]["eval.q.score"] = "none"
    (entry,) = comparison(baseline, candidate)["changed"]
    assert (entry["baseline_run_id"], entry["candidate_run_id"]) == ("b2", "c2")


def test_an_example_whose_mean_no_double_holds_has_no_value():
    runs = [{"example_id": "e", "eval.q.score": score} for score in (1.7e308, 1.6e308)]
    assert [score["n"] for score in comparison(runs, runs)["scores"]] == [0]


@pytest.mark.parametrize(("before", "after"), [(0, 1), (1, 0)])
def test_six_changes_in_one_direction_have_a_p_of_a_thirty_second(before: int, after: int):
    baseline, candidate = ([{"example_id": str(n), "eval.q.score": v} for n in range(6)] for v in (before, after))
    assert comparison(baseline, candidate)["scores"][0]["sign_test_p"] == 0.03125


def test_changes_of_which_one_is_beyond_doubles_have_no_interval():
    pairs = [(-1.7e308, 1.7e308), (0, 1), (0, 2)]
    sides = [[{"example_id": str(n), "eval.q.score": pair[side]} for n, pair in enumerate(pairs)] for side in (0, 1)]
    (score,) = comparison(sides[0], sides[1])["scores"]
    assert (score["n"], score["better"]) == (3, 3)
    assert "delta_ci95" not in score
