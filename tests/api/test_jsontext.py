"""What keeps a value from being sent as JSON: each fault by its pointer, with its own cause and a way out."""

from __future__ import annotations

from typing import Any

import pytest

from arize_mcp.api import jsontext

HUGE = 10**4300


def nested(levels: int, inmost: Any = 1) -> Any:
    for level in range(levels):
        inmost = {"a": inmost} if level % 2 else [inmost]
    return inmost


def run(**fields: Any) -> dict[str, Any]:
    return {"name": "n", "experiment_runs": [{"output": "o"}, {"output": "o", **fields}]}


FAULTS: list[tuple[Any, str, str]] = [
    (run(**{"eval.q.score": float("nan")}), "#/experiment_runs/1/eval.q.score", "Is NaN"),
    (run(**{"eval.q.score": float("inf")}), "#/experiment_runs/1/eval.q.score", "send null, or leave it out"),
    (run(steps=[1, [2, float("-inf")]]), "#/experiment_runs/1/steps/1/1", "1e400"),
    (run(output="cut \ud83d"), "#/experiment_runs/1/output", "cut it one character earlier"),
    (run(output="\ude00 cut"), "#/experiment_runs/1/output", "half of a surrogate pair"),
    (run(**{"k\ud83d": 1}), "#/experiment_runs/1/k%EF%BF%BD", "Its name"),
    (run(**{"a/b~c d": "\ud83d"}), "#/experiment_runs/1/a~1b~0c%20d", "surrogate"),
    (run(number=HUGE), "#/experiment_runs/1/number", "4300 digits: send it as a string"),
    (run(number=[-HUGE]), "#/experiment_runs/1/number/0", "4300 digits"),
    (run(trace=nested(98)), "#/experiment_runs/1/trace", "deeper than 100 levels: JSON-encode it as a string"),
    (run(trace={"x": nested(100), "y": nested(100)}), "#/experiment_runs/1/trace", "100 levels"),
    ({"name": "\ud83d"}, "#/name", "surrogate"),
    (float("nan"), "#", "NaN"),
]


@pytest.mark.parametrize(("value", "pointer", "words"), FAULTS)
def test_a_fault_is_told_where_it_is_with_its_cause(value: Any, pointer: str, words: str):
    [(found, detail)] = jsontext.faults(value)
    assert found == pointer
    assert words in detail


def test_all_faults_are_told_in_the_order_of_the_text():
    value = run(output="\ud83d", score=float("nan"), trace=nested(200), number=HUGE)
    assert [pointer.rpartition("/")[2] for pointer, _ in jsontext.faults(value)] == [
        "output",
        "score",
        "trace",
        "number",
    ]


@pytest.mark.parametrize(
    "value",
    [run(trace=nested(97), emoji="\U0001f600", number=10**4300 - 1, score=1e308, none=None, yes=True), [], "", 0.0],
)
def test_what_can_be_sent_has_no_fault(value: Any):
    assert jsontext.faults(value) == []
    jsontext.check(value)
    assert jsontext.loads(jsontext.dumps(value).encode()) == value


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ('"\\ud83d"', "\ud83d"),
        ("1e400", float("inf")),
        ("9" * 4301, HUGE),
        ("-" + "9" * 10_000, -HUGE),
        ("-" + "9" * 4300, 1 - HUGE),
        ('"a\tb"', "a\tb"),
    ],
    ids=["surrogate", "infinity", "too long", "much too long", "just short enough", "control"],
)
def test_what_loads_refuses_is_read_for_its_faults(text: str, read: Any):
    assert jsontext.read_faulty(text) == read
