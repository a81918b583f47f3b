"""Scores under other names: a create says which fields won't show as scores."""

from __future__ import annotations

from typing import Any

import pytest
from mcp import Client

from arize_mcp.server.app import create_server
from arize_mcp.server.scores import note_on_scores
from tests.conftest import Sandbox

RUN: dict[str, Any] = {"example_id": "e", "output": "o"}

LOST: list[tuple[str, Any]] = [
    ("evaluations", {"correctness": 1}),
    ("evaluations", [{"name": "correctness", "score": 1}]),
    ("evaluation", "good"),
    ("scores", {"correctness": 0.9}),
    ("scores", [0.9]),
    ("score", 0.9),
    ("score", "good"),
    ("eval", {"correctness": {"score": 1}}),
    ("eval.correctness", 0.9),
    ("eval.correctness", {"score": 0.9}),
    ("eval.correctness", "correct"),
    ("eval.correctness.value", 0.9),
    ("eval.correctness.score", "0.9"),
    ("eval.correctness.score", "good"),
    ("eval.correctness.score", True),
    ("eval.correctness.score", [0.9]),
    ("eval.correctness.label", 1),
    ("eval.score", 0.9),
    ("evals.correctness.score", 0.9),
    ("Eval.correctness.score", 0.9),
    ("evaluation.correctness.score", 0.9),
    ("eval_correctness", 0.9),
    ("evalCorrectness", True),
    ("eval_results", [{"name": "correctness"}]),
    ("correctness_score", 0.9),
    ("correctnessScore", "90 %"),
    ("score.correctness", 4),
    ("metrics", {"correctness": 0.9}),
    ("rating", 4),
    ("annotations", [{"name": "correctness", "score": 1}]),
    ("metadata", {"eval.correctness.score": 0.9}),
    ("result", {"evaluations": [1]}),
    ("quality", {"score": 0.9, "label": "good"}),
    ("feedback", [{"key": "quality", "score": 1}]),
    ("judge", [{"name": "quality", "score": 1}]),
    ("accuracy", 0.9),
    ("Correctness", True),
    ("f1", 0.5),
]


@pytest.mark.parametrize(("name", "value"), LOST)
def test_a_field_that_looks_like_a_score_is_named(name: str, value: Any):
    note = note_on_scores([{name: value}])
    assert note == (
        f"1 field looks like a score and won't show as such: {name} (1 run); scores are numbers in "
        "`eval.<name>.score`, labels strings in `eval.<name>.label`."
    )


OTHER: dict[str, Any] = {
    "eval.correctness.score": 0.9,
    "eval.a.b.score": 0,
    "eval.failed.score": None,
    "eval.correctness.label": "correct",
    "eval.correctness.explanation": "as in the help centre",
    "eval.correctness.metadata.score": "0.9",
    "eval.correctness.trace.id": "t",
    "model": "m",
    "temperature": 0.2,
    "latency_ms": 0.5,
    "eval_model": "m",
    "eval_latency_ms": 300,
    "eval_time_s": 0.5,
    "evaluations": None,
    "scores": [],
    "score_reason": "because",
    "scored_by": "me",
    "prompt": "score this",
    "highscored": 2,
    "documents": [{"text": "t", "score": 0.8}],
    "metadata": {"k": 3},
    "results": [{"name": "a"}, {"score": 1}, "score"],
    "relevance": "high",
    "precision_mode": 2,
    "error": "TimeoutError",
}


@pytest.mark.parametrize("name", OTHER)
def test_any_other_field_is_not(name: str):
    assert note_on_scores([{name: OTHER[name]}]) is None


def test_the_note_counts_fields_and_runs_and_stays_short():
    runs = [{"evaluations": {"a": 1}, "eval.b": 0.5}, {"evaluations": {"a": 0}}, {}]
    note = note_on_scores(runs)
    assert note is not None
    assert note.startswith("2 fields look like scores and won't show as such: evaluations (2 runs), eval.b (1 run); ")
    many = note_on_scores([{f"eval.{'x' * 1000}{number}": 1 for number in range(100)}])
    assert many is not None
    assert many.startswith("100 fields look like scores")
    assert ", 95 more; " in many
    assert len(many) < 700


async def created(sandbox: Sandbox, *runs: dict[str, Any]) -> dict[str, Any]:
    arguments = {"name": "n", "dataset_id": sandbox.dataset_id, "experiment_runs": list(runs)}
    async with Client(create_server(sandbox.api(), sandbox.settings())) as client:
        result = await client.call_tool("experiments_create", arguments)
    assert not result.is_error, result
    return dict(result.structured_content or {})


async def test_a_create_tells_of_scores_under_other_names_and_stores_them_all_the_same(sandbox: Sandbox):
    content = await created(sandbox, {**RUN, "evaluations": {"q": 1}}, {**RUN, "eval.q.score": "0.9"})
    assert any("evaluations (1 run), eval.q.score (1 run)" in note for note in content["notes"])
    assert content["id"]


async def test_a_create_with_scores_as_they_should_be_has_no_such_note(sandbox: Sandbox):
    content = await created(sandbox, {**RUN, "eval.q.score": 0.9, "eval.q.label": "good", "latency_ms": 3})
    assert not any("score" in note for note in content.get("notes", []))
