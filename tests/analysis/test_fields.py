"""What an unknown name is answered with, and how much of a value is shown."""

from __future__ import annotations

from typing import Any

import pytest

from arize_mcp.analysis.fields import error_text, excerpt, nearest

MANY = [f"feature {n:02}" for n in range(30)]


@pytest.mark.parametrize(
    ("name", "known", "said"),
    [
        ("latencyms", ["latency_ms", "model"], "Did you mean latency_ms?"),
        ("LATENCY_MS", ["latency_ms", "model"], "Did you mean latency_ms?"),
        ("corr", ["a judge's Correctness, with its reasons", "model"],
         "Did you mean a judge's Correctness, with its reasons?"),
        ("CORR", ["a judge's Correctness, with its reasons", "model"],
         "Did you mean a judge's Correctness, with its reasons?"),
        ("e", MANY, f"Did you mean {' or '.join(MANY[:5])}?"),
        ("feature 3x", MANY, "Did you mean feature 23 or feature 13 or feature 03 or feature 29 or feature 28?"),
        ("zz", [], "There is none."),
        ("zz", ["b", "a"], "There are: a, b."),
        ("", ["b", "a"], "There are: a, b."),
        ("zz", MANY[:20], f"There are: {', '.join(MANY[:20])}."),
        ("zz", MANY[:21], f"There are: {', '.join(MANY[:20])} and 1 more."),
        ("zz", MANY, f"There are: {', '.join(MANY[:20])} and 10 more."),
    ],
)  # fmt: skip
def test_the_nearest_five_names_are_told_or_the_first_twenty(name: str, known: list[str], said: str):
    assert nearest(name, known) == said


@pytest.mark.parametrize(
    ("value", "shown"),
    [("five!", "five!"), ("longer", "long…"), ({"é": 1}, '{"é"…'), ([1, 2], "[1,2]"), (None, None), ("", "")],
)
def test_an_excerpt_has_five_characters_where_it_may_have_five(value: Any, shown: str | None):
    assert excerpt(value, 5) == shown


@pytest.mark.parametrize("value", [" E\n", "E", "\tE  "])
def test_an_error_is_its_text_without_the_blanks_around_it(value: str):
    assert error_text(value) == "E"
