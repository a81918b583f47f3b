"""Tables of runs: which columns, of which runs, in which order."""

from __future__ import annotations

from typing import Any

import pytest

from arize_mcp.analysis.fields import UnknownNameError
from arize_mcp.analysis.query import Condition
from tests.analysis.reading import table

RUNS: list[dict[str, Any]] = [
    {"id": "1", "example_id": "a", "output": "Paris", "n": 10, "ok": True, "eval.q.score": 1, "eval.q.label": "good"},
    {"id": "2", "example_id": "b", "output": "berlin", "n": 9.5, "ok": False, "error": "Timeout", "eval.q.score": None},
    {"id": "3", "example_id": "c", "output": None, "n": "text", "annotations": [{"name": "h", "score": 2}]},
    {"id": "4", "example_id": "d", "output": "Lima", "n": 2**53 + 1, "tags": ["x", {"y": 1}]},
]


def ids(*where: tuple[str, str, Any], **arguments: Any) -> list[str]:
    conditions = [Condition(field, op, value) for field, op, value in where]  # pyright: ignore[reportArgumentType]
    return [row[0] for row in table(RUNS, fields=["id"], where=conditions, **arguments)["rows"]]


def test_without_fields_the_columns_are_the_example_every_score_and_every_label():
    found = table(RUNS)
    assert found["columns"] == ["example_id", "eval.q.score", "eval.q.label", "annotation.h.score"]
    assert found["rows"] == [["a", 1, "good", None], ["b", None, None, None], ["c", None, None, 2], ["d", *[None] * 3]]
    assert (found["matched"], found["total"], found["notes"]) == (4, 4, [])


def test_without_fields_the_example_stands_first_also_where_the_first_run_has_annotations():
    found = table(RUNS[2:])
    assert found["columns"] == ["example_id", "annotation.h.score"]
    assert found["rows"] == [["c", 2], ["d", None]]


def test_fields_are_the_columns_in_the_order_given_and_values_are_whole():
    assert table([{"a": "x" * 5000, "b": 1.23456789, "c": {"d": [1]}}], fields=["c", "b", "a", "b"]) == {
        "columns": ["c", "b", "a"],
        "rows": [[{"d": [1]}, 1.23456789, "x" * 5000]],
        "matched": 1,
        "total": 1,
        "notes": [],
    }


@pytest.mark.parametrize(
    ("op", "value", "found"),
    [
        ("=", "10", "1"), ("=", "10.0", "1"), ("=", 9.5, "2"), ("=", "text", "3"), ("=", "TEXT", ""),
        ("!=", "10", "234"),
        ("!=", "text", "124"), ("<", "10", "2"), ("<=", "10", "12"), (">", "9.5", "134"), (">=", " 9.5 ", "1234"),
        ("=", str(2**53 + 1), "4"), ("=", str(2**53), ""), (">", "1e1", "34"), ("contains", "EX", "3"),
        ("contains", "9.5", "2"), ("exists", "", "1234"), ("missing", "", ""), ("<", "abc", ""), ("=", "true", ""),
        ("=", "+10", "1"), (">", ".5", "1234"), ("<", "10.", "2"), ("<", "1" * 5000, "124"), ("<", "nan", ""),
    ],
)  # fmt: skip
def test_a_number_is_compared_as_one_and_a_text_as_one(op: str, value: Any, found: str):
    assert "".join(ids(("n", op, value))) == found


@pytest.mark.parametrize(
    ("field", "op", "value", "found"),
    [
        ("ok", "=", "true", "1"), ("ok", "=", "True", "1"), ("ok", "=", False, "2"), ("ok", "!=", "true", "2"),
        ("ok", "missing", "", "34"), ("output", "contains", "PAR", "1"), ("output", "<", "Z", "14"),
        ("output", "missing", "", "3"), ("error", "exists", "", "2"), ("eval.q.score", "missing", "", "234"),
        ("tags", "contains", '"Y":1', "4"), ("tags", "=", '["x",{"y":1}]', "4"), ("annotation.h.score", ">", "1", "3"),
        ("annotations", "exists", "", "3"),
    ],
)  # fmt: skip
def test_conditions_are_of_any_field(field: str, op: str, value: Any, found: str):
    assert "".join(ids((field, op, value))) == found


def test_several_annotations_of_one_name_are_their_mean_as_in_a_summary():
    given = [("h", 1, "yes"), ("h", 0, "no"), ("h", "text", None), ("g", "0.5", None)]
    annotations = [{"name": name, "score": score, "label": label} for name, score, label in given]
    found = table([{"annotations": annotations}], fields=["annotation.h.score", "annotation.h.label"])
    assert found["rows"] == [[0.5, "yes"]]
    assert table([{"annotations": annotations}], fields=["annotation.g.score"])["rows"] == [["0.5"]]


def test_all_conditions_must_hold():
    assert ids(("n", ">", "9"), ("ok", "=", "false")) == ["2"]


@pytest.mark.parametrize(
    ("sort", "found"),
    [("n", "2143"), ("-n", "3412"), ("output", "4123"), ("-output", "2143"), ("ok", "2134"), ("-ok", "1234")],
)
def test_sorting_puts_numbers_before_texts_and_what_is_absent_last(sort: str, found: str):
    assert "".join(ids(sort=sort)) == found


def test_equal_ones_stay_in_the_order_of_recording_and_a_field_may_begin_with_a_minus_sign():
    runs = [{"id": str(n), "a": n % 2, "-b": n} for n in range(6)]
    assert [row[0] for row in table(runs, fields=["id"], sort="-a")["rows"]] == ["1", "3", "5", "0", "2", "4"]
    assert [row[0] for row in table(runs, fields=["id"], sort="-b")["rows"]] == ["0", "1", "2", "3", "4", "5"]
    assert [row[0] for row in table(runs, fields=["id"], sort="--b")["rows"]] == ["5", "4", "3", "2", "1", "0"]


@pytest.mark.parametrize("sort", [None, "id", "-id"])
def test_pages_by_offset_are_every_row_once(sort: str | None):
    runs = [{"id": f"{n:02}"} for n in range(23)]
    rows: list[str] = []
    for offset in range(0, 23, 5):
        found = table(runs, fields=["id"], sort=sort, limit=5, offset=offset)
        rows += [row[0] for row in found["rows"]]
        more = max(0, 18 - offset)
        note = f"More runs match: {more}. For the next ones call again with offset {offset + 5}."
        assert found["notes"] == ([note] if more else [])
    assert rows == sorted((run["id"] for run in runs), reverse=sort == "-id")
    assert table(runs, sort=sort, offset=30)["notes"] == ["Runs that match: 23; none is there from offset 30 on."]


@pytest.mark.parametrize(
    ("arguments", "argument", "near"),
    [
        ({"fields": ["id", "outptu"]}, "/fields/1", "output"),
        ({"where": [Condition("q", "exists")]}, "/where/0/field", "eval.q.score"),
        ({"sort": "-outptu"}, "/sort", "output"),
        ({"fields": ["zzz"]}, "/fields/0", "example_id"),
    ],
)
def test_a_field_that_no_run_has_is_told_with_the_nearest(arguments: dict[str, Any], argument: str, near: str):
    with pytest.raises(UnknownNameError) as caught:
        table(RUNS, **arguments)
    assert caught.value.argument == argument
    assert near in caught.value.detail


def test_without_runs_no_field_is_unknown():
    assert table([], fields=["a"], sort="b", where=[Condition("c", "exists")])["rows"] == []


def test_a_null_alone_is_no_field():
    with pytest.raises(UnknownNameError):
        table([{"a": None, "b": 1}], fields=["a"])


def test_where_nothing_matches_there_is_nothing_to_say():
    assert table(RUNS, where=[Condition("n", "=", "nothing")])["notes"] == []


def test_one_more_run_is_said_with_how_to_get_it():
    assert table(RUNS[:2], limit=1)["notes"] == ["More runs match: 1. For the next ones call again with offset 1."]


def test_an_unknown_field_to_sort_by_is_told_with_the_nearest_without_its_minus_sign():
    with pytest.raises(UnknownNameError, match=r"Did you mean latency_ms\?"):
        table([{"latency_ms": 1}], sort="-late")


def test_of_several_annotations_of_one_name_the_first_label_there_is_counts():
    given = [{"name": "h", "score": 1}, {"name": "h", "label": 5}, {"name": "h", "label": 7}]
    assert table([{"annotations": given}], fields=["annotation.h.label"])["rows"] == [[5]]


def test_of_several_annotations_of_one_name_only_numbers_that_a_double_holds_are_averaged():
    given = [{"name": "h", "score": score} for score in (10**400, 2, "5", True, 4)]
    assert table([{"annotations": given}], fields=["annotation.h.score"])["rows"] == [[3]]


def test_only_scores_and_labels_are_columns_by_themselves():
    run = {
        "example_id": "e",
        "model.score": 1,
        "annotation.note": "n",
        "annotations": [{"name": "h", "score": 1, "label": "l", "text": "t"}],
    }
    assert table([run])["columns"] == ["example_id", "annotation.h.score", "annotation.h.label"]


@pytest.mark.parametrize(("op", "matched"), [("=", 0), ("!=", 1), ("<", 0), (">=", 0)])
def test_a_number_differs_from_a_text_and_is_neither_less_nor_more(op: Any, matched: int):
    assert table([{"n": 1}], where=[Condition("n", op, "one")])["matched"] == matched


def test_numbers_come_before_truth_values_and_these_before_texts():
    runs = [{"id": str(n), "v": value} for n, value in enumerate(["b", True, 2, [1], False, "a", None, 1.5])]
    up = [row[0] for row in table(runs, fields=["v"], sort="v")["rows"]]
    assert up == [1.5, 2, False, True, [1], "a", "b", None]
    assert [row[0] for row in table(runs, fields=["v"], sort="-v")["rows"]] == [*reversed(up[:-1]), None]
