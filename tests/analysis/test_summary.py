"""Summaries of small experiments, computed by hand."""

from __future__ import annotations

import math
from typing import Any

import pytest

from arize_mcp.analysis.fields import UnknownNameError
from arize_mcp.analysis.summary import Summary
from tests.analysis.reading import read

RUNS: list[dict[str, Any]] = [
    {"id": "r1", "example_id": "a", "output": "one", "error": None, "model": "m1", "latency_ms": 100, "ok": True,
     "eval.q.score": 1.0, "eval.q.label": "good", "eval.q.explanation": "right"},
    {"id": "r2", "example_id": "b", "output": "two", "error": None, "model": "m2", "latency_ms": 300, "ok": False,
     "eval.q.score": 0.25, "eval.q.label": "bad", "eval.q.explanation": "wrong"},
    {"id": "r3", "example_id": "b", "output": "three", "error": "", "model": "m1", "latency_ms": 200, "ok": True,
     "eval.q.score": 0.5, "eval.q.label": "bad"},
    {"id": "r4", "example_id": "c", "output": None, "error": "Timeout after 30 s", "model": "m1", "latency_ms": 30_000,
     "eval.q.score": None},
    {"id": "r5", "example_id": "d", "output": None, "error": "Timeout after 31 s", "model": None},
    {"id": "r6", "example_id": "e", "output": None, "execution_status": "FAILED", "error": None},
]  # fmt: skip


def summary(runs: list[dict[str, Any]], limit: int = 5, **arguments: Any) -> dict[str, Any]:
    return Summary(read(runs), **arguments).answer(limit)


def test_a_summary_is_what_the_hand_computes():
    found = Summary(read(RUNS, name="n", dataset_id="d", created_at="t", updated_at="u"), group_by="model").answer(5)
    assert found == {
        "experiment": {"id": "x", "name": "n", "dataset_id": "d", "created_at": "t"},
        "runs": 6,
        "examples": 5,
        "failed": 3,
        "errors": [
            {"error": "Timeout after 30 s", "count": 2, "example_ids": ["c", "d"]},
            {"error": "FAILED", "count": 1, "example_ids": ["e"]},
        ],
        "scores": [
            # (1 + 0.25 + 0.5) / 3; squares of the distances: 0.173611 + 0.111111 + 0.006944 = 0.291667, through 2.
            {"name": "q", "n": 3, "mean": 0.583333, "median": 0.5, "min": 0.25, "max": 1, "stdev": 0.381881},
        ],
        "labels": [{"name": "q", "counts": {"bad": 2, "good": 1}}],
        "measures": [
            # p95 is at 0.95 · 3 = 2.85 between 300 and 30,000.
            {"name": "latency_ms", "n": 4, "mean": 7650, "median": 250, "p95": 25545, "min": 100, "max": 30000},
        ],
        "groups": [
            {"value": "m1", "runs": 3, "failed": 1, "scores": {"q": 0.75}, "measures": {"latency_ms": 200}},
            {"value": None, "runs": 2, "failed": 2, "scores": {}, "measures": {}},
            {"value": "m2", "runs": 1, "failed": 0, "scores": {"q": 0.25}, "measures": {"latency_ms": 300}},
        ],
        "lowest": [
            {"score": "q", "value": 0.25, "run_id": "r2", "example_id": "b", "output": "two", "explanation": "wrong"},
            {"score": "q", "value": 0.5, "run_id": "r3", "example_id": "b", "output": "three"},
            {"score": "q", "value": 1, "run_id": "r1", "example_id": "a", "output": "one", "explanation": "right"},
        ],
        "fields": {
            "error": 3, "eval.q.explanation": 2, "eval.q.label": 3, "eval.q.score": 3, "example_id": 6,
            "execution_status": 1, "id": 6, "latency_ms": 4, "model": 4, "ok": 3, "output": 3,
        },
        "notes": [],
    }  # fmt: skip


@pytest.mark.parametrize("name", ["ok", "q", "eval.q.label"])
def test_groups_are_by_truth_values_and_by_labels_too(name: str):
    groups = summary(RUNS, group_by=name)["groups"]
    assert [(group["value"], group["runs"]) for group in groups] == (
        [(None, 3), (True, 2), (False, 1)] if name == "ok" else [(None, 3), ("bad", 2), ("good", 1)]
    )


def test_without_group_by_there_are_no_groups():
    assert "groups" not in summary(RUNS)


def test_a_limit_cuts_errors_their_examples_and_the_lowest_and_nothing_else():
    whole, cut = summary(RUNS), summary(RUNS, 1)
    assert cut["errors"] == [{"error": "Timeout after 30 s", "count": 2, "example_ids": ["c"]}]
    assert cut["lowest"] == whole["lowest"][:1]
    assert cut["notes"] == ["Kinds of errors that are not listed, none more frequent: 1."]
    assert all(cut[name] == whole[name] for name in ("scores", "labels", "measures", "fields"))


def test_where_lower_is_better_the_highest_are_shown():
    for name in ("q", "eval.q.score"):
        assert [run["value"] for run in summary(RUNS, lower_is_better=[name])["lowest"]] == [1, 0.5, 0.25]
    assert summary(RUNS, lower_is_better=["latency_ms"]) == summary(RUNS)


def test_equal_scores_are_in_the_order_of_recording_either_way():
    runs: list[dict[str, Any]] = [{"id": str(n), "eval.q.score": n % 2} for n in range(6)]
    assert [run["run_id"] for run in summary(runs)["lowest"]] == ["0", "2", "4", "1", "3"]
    assert [run["run_id"] for run in summary(runs, lower_is_better=["q"])["lowest"]] == ["1", "3", "5", "0", "2"]


def test_a_failed_runs_score_counts():
    assert summary([{"error": "e", "eval.q.score": 0.0}])["scores"][0]["n"] == 1


@pytest.mark.parametrize("error", [None, "", "  ", False, 0, [], {}])
def test_an_error_that_says_nothing_is_none(error: Any):
    assert summary([{"error": error}])["failed"] == 0
    assert summary([{"error": error, "execution_status": "FAILED"}])["errors"][0]["error"] == "FAILED"


@pytest.mark.parametrize(
    ("error", "shown"),
    [("e", "e"), ({"code": 1}, '{"code":1}'), (["a"], '["a"]'), (True, "true"), ({"c": "é"}, '{"c":"é"}')],
)
def test_an_error_may_be_any_json(error: Any, shown: str):
    assert summary([{"error": error}])["errors"] == [{"error": shown, "count": 1, "example_ids": []}]


@pytest.mark.parametrize(
    "name", ["error_text", "exception", "exceptions", "error_message", "errorMessage", "Exception"]
)
def test_where_nothing_failed_what_looks_like_an_error_is_told_and_listed(name: str):
    runs = [{"example_id": "a", name: "Timeout 1"}, {"example_id": "b", name: "Timeout 2"}, {name: ""}, {name: None}]
    found = summary(runs)
    assert found["failed"] == 0
    assert found["errors"] == [{"error": "Timeout 1", "count": 2, "example_ids": ["a", "b"], "field": name}]
    assert (
        f"No run of the experiment has failed by error or execution_status, but {name} is not empty in 2."
        in found["notes"]
    )
    found = summary([*runs, {"error": "e"}])
    assert [error["error"] for error in found["errors"]] == ["e"]
    assert not any("by error or" in note for note in found["notes"])


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("0.9", "text"),
        ("", "text"),
        (True, "true or false"),
        ([1], "not a number"),
        ({}, "not a number"),
        (10**400, "too large for a double"),
    ],
)
def test_what_is_no_number_in_a_score_is_not_counted_and_a_note_says_so(value: Any, words: str):
    found = summary([{"example_id": "a", "eval.q.score": value}] * 23 + [{"example_id": "a", "eval.q.score": 1}])
    assert found["scores"][0]["n"] == 1
    assert found["notes"] == [f"23 values of eval.q.score are {words} and were not counted."]


def test_annotations_are_scores_and_labels_of_their_own():
    many = [{"name": "q", "score": 1, "label": "yes", "text": "why"}, {"name": "q", "score": 0.5, "label": "no"}]
    odd: list[Any] = [{"name": "r", "score": "1"}, {"name": None, "score": 1}, "x", None, {"score": 3}, {"name": "s"}]
    found = summary([{"id": "1", "eval.q.score": 0.25, "annotations": many + odd}, {"annotations": "no"}])
    assert [(score["name"], score["mean"]) for score in found["scores"]] == [("annotation.q", 0.75), ("q", 0.25)]
    assert found["labels"] == [{"name": "annotation.q", "counts": {"yes": 1}}]
    assert found["lowest"][0] == {"score": "annotation.q", "value": 0.75, "run_id": "1", "explanation": "why"}
    assert "1 value of annotation.r.score is text and was not counted." in found["notes"]
    for name in ("annotation.q", "annotation.q.score"):
        assert summary([{"annotations": many}], lower_is_better=[name])["lowest"]


@pytest.mark.parametrize(
    ("field", "name"),
    [
        ("eval.q.score", "q"),
        ("eval.a.b/c'd\"e.score", "a.b/c'd\"e"),
        ("eval.__proto__.score", "__proto__"),
        ("eval.ü 😀.score", "ü 😀"),
        ("eval.annotation.q.score", "eval.annotation.q"),
        ("eval.eval.q.score", "eval.eval.q"),
        ("eval.a\nb.score", "a\nb"),
    ],
)
def test_a_score_may_be_called_anything_and_is_found_by_both_names(field: str, name: str):
    runs = [{"id": "1", field: 0.5, "annotations": [{"name": "q", "score": 1}]}]
    assert (name, 0.5) in [(score["name"], score["mean"]) for score in summary(runs)["scores"]]
    assert summary(runs, lower_is_better=[name, field])["scores"]


@pytest.mark.parametrize("field", ["eval.q.metadata.score", "eval..score", "eval.q", "eval.q.score.x", "Eval.q.score"])
def test_what_only_looks_like_a_score_is_a_measure(field: str):
    found = summary([{field: 1}])
    assert found["scores"] == []
    assert [measure["name"] for measure in found["measures"]] == [field]


@pytest.mark.parametrize("field", ["id", "example_id", "output", "error", "explanation"])
def test_what_the_document_names_is_no_measure_and_no_category(field: str):
    assert summary([{field: 7}])["measures"] == []
    with pytest.raises(UnknownNameError):
        summary([{field: "x"}], group_by=field)


def test_a_text_of_more_than_twenty_values_is_no_category():
    few = [{"prompt": str(n % 20)} for n in range(60)]
    assert len(summary(few, group_by="prompt")["groups"]) == 20
    with pytest.raises(UnknownNameError) as caught:
        summary([*few, {"prompt": "20"}, {"prompt": "21"}], group_by="prompt")
    assert caught.value.argument == "/group_by"
    assert "at most 20 different values" in caught.value.detail


def test_an_unknown_name_is_told_with_the_nearest():
    with pytest.raises(UnknownNameError) as caught:
        summary(RUNS, group_by="modle")
    assert "Did you mean model?" in caught.value.detail
    with pytest.raises(UnknownNameError) as caught:
        summary(RUNS, lower_is_better=["q", "latency"])
    assert caught.value.argument == "/lower_is_better/1"
    assert "latency_ms" in caught.value.detail


def test_an_experiment_without_runs_is_told_and_knows_no_wrong_name():
    found = summary([], group_by="x", lower_is_better=["y"])
    assert (found["runs"], found["scores"], found["groups"]) == (0, [], [])
    assert found["notes"] == ["No runs are in the experiment."]


def test_runs_of_no_example_are_summarized_and_counted():
    found = summary([{"eval.q.score": 1}, {"example_id": "", "eval.q.score": 0}, {"example_id": "a"}])
    assert (found["runs"], found["examples"], found["scores"][0]["n"]) == (3, 1, 2)
    assert found["notes"] == [
        "Runs of the experiment without example_id, which are counted as runs but of no example: 2."
    ]


def test_excerpts_have_200_characters_at_most_or_fewer():
    runs = [{"output": "o" * 500, "eval.q.score": 1, "eval.q.explanation": "é" * 500}]
    (lowest,) = summary(runs)["lowest"]
    assert (lowest["output"], lowest["explanation"]) == ("o" * 199 + "…", "é" * 199 + "…")
    (lowest,) = Summary(read(runs)).answer(5, 10)["lowest"]
    assert (lowest["output"], lowest["explanation"]) == ("o" * 9 + "…", "é" * 9 + "…")


def test_where_a_double_ends_members_are_absent_and_nothing_is_infinite():
    found = summary([{"eval.q.score": 1.7e308, "big": 10**300}, {"eval.q.score": 1.7e308, "big": math.inf}])
    assert found["scores"] == [
        {"name": "q", "n": 2, "median": 1.7e308, "min": 1.7e308, "max": 1.7e308, "stdev": 0},
    ]
    assert found["measures"][0]["mean"] == 1e300
    assert "1 value of big is too large for a double and was not counted." in found["notes"]


def test_fields_that_are_not_counted_are_noted_up_to_ten():
    (run,) = [{f"eval.q{n}.score": "0.5" for n in range(30)}]
    notes = summary([run])["notes"]
    assert len([note for note in notes if "is text and was not counted" in note]) == 10
    assert "More fields with such values: 20." in notes
    assert "More fields with such values: 1." in summary([{f"eval.q{n}.score": "0.5" for n in range(11)}])["notes"]
    notes = summary([{f"eval.q{n}.score": "0.5" for n in range(10)}])["notes"]
    assert not any("More fields with such" in note for note in notes)


def test_counts_are_the_most_frequent_first_then_by_name():
    labels = ["c", "b", "a", "c", "b", "z", "z", "z"]
    (found,) = summary([{"eval.q.label": label} for label in labels])["labels"]
    assert list(found["counts"].items()) == [("z", 3), ("b", 2), ("c", 2), ("a", 1)]


def test_of_groups_of_one_size_that_without_a_value_is_last():
    groups = summary([{"model": model} for model in (None, "b", "a")], group_by="model")["groups"]
    assert [group["value"] for group in groups] == ["a", "b", None]


def test_as_many_kinds_of_errors_as_may_be_listed_leave_nothing_to_say():
    assert summary([{"example_id": "e", "error": error} for error in "AB"], 2)["notes"] == []


def test_an_evaluation_may_be_called_metadata():
    found = summary([{"eval.metadata.score": 1, "eval.q.metadata.score": 2}])
    assert [score["name"] for score in found["scores"]] == ["metadata"]


@pytest.mark.parametrize("name", [None, "", 5, ["h"]])
def test_an_annotation_without_a_name_is_passed_over(name: Any):
    found = summary([{"annotations": [{"name": name, "score": 1, "label": "l"}, "none", {"name": "h", "score": 2}]}])
    assert [score["name"] for score in found["scores"]] == ["annotation.h"]
    assert found["labels"] == []


def test_of_an_annotation_only_a_number_counts_and_a_note_says_what_else_it_had():
    scores = [True, "0.5", "0.7", [1], 10**400, None, 0.5]
    given = [[{"name": "h", "score": score, "label": "l"}] for score in scores]
    found = summary([{"example_id": "e", "annotations": annotations} for annotations in given])
    assert [(score["n"], score["mean"]) for score in found["scores"]] == [(1, 0.5)]
    assert found["notes"] == [
        "3 values of annotation.h.score are not a number and were not counted.",
        "2 values of annotation.h.score are text and were not counted.",
    ]


def test_annotations_whose_mean_no_double_holds_are_no_score():
    found = summary([{"annotations": [{"name": "h", "score": 1.7e308}, {"name": "h", "score": 1.6e308}]}])
    assert found["scores"] == []


def test_the_first_text_of_several_annotations_is_the_explanation_and_an_empty_one_is_none():
    texts = ["", "first", "second"]
    (found,) = summary([{"annotations": [{"name": "h", "score": 1, "text": text} for text in texts]}])["lowest"]
    assert found["explanation"] == "first"
    (found,) = summary([{"eval.q.score": 1, "eval.q.explanation": ""}])["lowest"]
    assert "explanation" not in found


def test_what_is_no_score_may_be_anything_without_a_note():
    run = {"example_id": "e", "tags": [1], "settings": {"a": 1}, "eval.q.label": ["l"], "eval.r.label": True}
    assert (summary([run])["labels"], summary([run])["notes"]) == ([], [])


def test_an_error_message_is_a_category_and_says_nothing_where_it_is_no_text():
    runs = [{"error_message": "Timeout"}, {"error_message": 5}, {"error_message": True}]
    found = summary(runs, group_by="error_message")
    assert {group["value"] for group in found["groups"]} == {"Timeout", True, None}
    assert [error["error"] for error in found["errors"]] == ["Timeout"]
    assert [measure["name"] for measure in found["measures"]] == ["error_message"]
