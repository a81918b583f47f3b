"""What a result keeps when it is cut: as much as fits, and every cut is told."""

from __future__ import annotations

from typing import Any

import pytest

from arize_mcp.api.jsontext import dumps
from arize_mcp.server.shortening import shorten

MAX_CHARS = 500


def shortened(content: dict[str, Any], **arguments: Any) -> dict[str, Any]:
    result = shorten(content, MAX_CHARS, **arguments)
    assert result.text == dumps(result.content)
    assert len(result.text) <= MAX_CHARS
    return result.content


def test_a_result_of_exactly_as_many_characters_as_may_be_is_whole():
    content = {"a": "x" * (MAX_CHARS - len('{"a":""}'))}
    assert len(dumps(content)) == MAX_CHARS
    assert shortened(content) == content
    assert "shortened" in shortened({"a": content["a"] + "x"})


@pytest.mark.parametrize("item", [1, -0.5, "", "text", [], [1], [[1]], {}, {"k": 1}, {"key": {"key": ""}}])
def test_of_many_entries_as_many_are_kept_as_fit(item: Any):
    found = shortened({"a": [item] * 1_000})
    count = len(found["a"])
    assert found == {"a": [item] * count, "shortened": [{"pointer": "/a", "items": 1_000}]}
    assert len(dumps({**found, "a": [item] * (count + 1)})) > MAX_CHARS


def test_an_object_whose_first_name_alone_is_too_long_is_empty():
    found = shortened({"id": "x", "a": {"k" * 3_000: 1}})
    assert found == {"id": "x", "a": {}, "shortened": [{"pointer": "/a", "items": 1}]}


def test_texts_of_16_characters_are_whole_beside_one_that_is_cut_to_as_many():
    short = {"n": 123456, **{f"field {n}": "x" * 16 for n in range(14)}}
    content = {**short, "long": "y" * 5_000}
    assert shortened(content) == {
        **short,
        "long": "y" * 15 + "…",
        "shortened": [{"pointer": "/long", "chars": 5_000}],
    }


def test_what_was_cut_before_is_told_too_the_longest_text_first():
    content = {
        "nan": None,
        "deep": "[" * 1_000,
        "text": "x" * 2_000,
        "shortened": [{"pointer": "/nan", "text": "NaN"}, {"pointer": "/deep", "chars": 40_000}],
    }
    assert shortened(content)["shortened"] == [
        {"pointer": "/deep", "chars": 40_000},
        {"pointer": "/text", "chars": 2_000},
        {"pointer": "/nan", "text": "NaN"},
    ]


def test_a_cursor_and_notes_are_whole_however_long():
    kept = {"pagination": {"next_cursor": "c" * 150, "has_more": True}, "notes": ["n" * 140]}
    found = shortened({"experiments": [{"name": "x" * 1_000}], **kept}, items="experiments")
    assert {**found, **kept} == found
    assert found["shortened"] == [{"pointer": "/experiments/0/name", "chars": 1_000}]


def test_many_values_that_were_cut_before_are_all_told():
    before = [{"pointer": f"/n{n}", "text": "NaN"} for n in range(8)]
    found = shortened({**{f"n{n}": None for n in range(8)}, "b": ["x" * 30] * 1_000, "shortened": before})
    assert found["shortened"] == [*before, {"pointer": "/b", "items": 1_000}]
    assert 0 < len(found["b"]) < 8


EMBEDDING = [0.123456] * 1_000


def test_the_items_of_a_page_keep_all_fields_while_what_is_below_can_be_cut():
    item = {f"f{n}": n for n in range(30)}
    found = shortened({"runs": [{**item, "embedding": EMBEDDING}]}, items="runs")
    count = len(found["runs"][0]["embedding"])
    assert found["runs"] == [{**item, "embedding": EMBEDDING[:count]}]
    assert 0 < count < 30
    assert found["shortened"] == [{"pointer": "/runs/0/embedding", "items": 1_000}]


def test_items_of_too_many_fields_are_all_here_with_their_first_ones():
    page = {"runs": [{f"the long name of a field {n}": n for n in range(1_000)} for _ in range(5)]}
    found = shortened(page, items="runs")
    assert len(found["runs"]) == 5
    assert [entry["pointer"] for entry in found["shortened"]] == [f"/runs/{n}" for n in range(5)]


def test_too_many_items_are_cut_to_the_first_ones():
    page = {"runs": [{"id": n} for n in range(1_000)]}
    found = shortened(page, items="runs")
    assert found["runs"] == page["runs"][: len(found["runs"])]
    assert found["shortened"] == [{"pointer": "/runs", "items": 1_000}]


def test_what_is_no_page_keeps_its_own_fields_and_as_many_entries_in_each():
    fields = {f"f{n}": n for n in range(20)}
    found = shortened({**fields, "metadata": fields, "embedding": EMBEDDING})
    count = len(found["embedding"])
    assert {name: found[name] for name in fields} == fields
    assert 0 < count < 20
    assert found["metadata"] == {f"f{n}": n for n in range(count)}


def test_what_is_no_page_is_cut_at_its_first_level_that_is_wide():
    found = shortened({"id": "x", "metadata": {**{f"f{n}": n for n in range(30)}, "embedding": EMBEDDING}})
    assert found["metadata"] == {f"f{n}": n for n in range(30)}
    assert found["shortened"] == [{"pointer": "/metadata", "items": 31}]
