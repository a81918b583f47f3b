"""Which error messages are of one kind."""

from __future__ import annotations

import pytest

from arize_mcp.analysis.errors import ErrorKinds, kind_of

SAME = [
    ("Timeout after 30 s", "Timeout after 31.5 s"),
    ("Timeout after 30s.", "Timeout after 7s."),
    ("No answer from 10.0.0.1:8080", "No answer from 192.168.0.17:80"),
    ("Rate limited, req_01HZY6X8E7", "Rate limited, req_7Q"),
    ("Run 7f3c1e2a-aaaa-4bbb-8ccc-0123456789ab failed", "Run 018f0000-0000-7000-8000-000000000001 failed"),
    ("commit deadbeefcafe", "commit facadefeedab"),
    ("KeyError: 'name'", "KeyError: 'e-mail'"),
    ('no field "a b"', 'no field "c"'),
    ("no field `a`", "no field `b c`"),
    ("no field “a”", "no field “b”"),
    ("no field «a»", "no field «b»"),
    ("line\n  broken  here", "line broken here"),
    ("100% of quota", "12% of quota"),
    ("-1 is too small", "2 is too small"),
    ("x" * 2500 + "here" + "y" * 2500, "x" * 2500 + "there" + "y" * 2500),
    ("1,234,567 tokens exceed 8,192", "999 tokens exceed 512"),
]
DIFFERENT = [
    ("Timeout", "Rate limited"),
    ("the model didn't answer and can't be had", "the model didn't know and can't be had"),
    ("added a deed", "faced a deed"),
    ("KeyError: 'a'", "TypeError: 'a'"),
    ("it's a, it's b", "it's c, it's b"),
    ("no deadbeefcake", "no facadefeedcake"),
    ("x" * 5000 + "TimeoutError", "x" * 5000 + "KeyError"),
    ("x" * 1900 + "here" + "y" * 1900, "x" * 1900 + "there" + "y" * 1900),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_messages_that_differ_in_numbers_ids_and_quoted_parts_are_one_kind(one: str, other: str):
    assert kind_of(one) == kind_of(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_messages_that_differ_in_words_are_not(one: str, other: str):
    assert kind_of(one) != kind_of(other)


def test_the_most_frequent_kind_is_first_and_shown_as_it_first_came():
    kinds = ErrorKinds()
    for text, example_id in [("B 1", "x"), ("A 1", "a"), ("A 2", "b"), ("C", None), ("A 3", "b")]:
        kinds.add(text, example_id)
    found = [(kind.text, kind.count, kind.example_ids) for kind in kinds.most_frequent()]
    assert found == [("A 1", 3, ["a", "b"]), ("B 1", 1, ["x"]), ("C", 1, [])]


def test_a_long_message_is_shown_by_its_first_300_characters_and_examples_are_counted_on():
    kinds = ErrorKinds()
    for n in range(500):
        kinds.add("e" * 1000, str(n))
    (kind,) = kinds.most_frequent()
    assert kind.text == "e" * 299 + "…"
    assert (kind.count, len(kind.example_ids)) == (500, 100)


@pytest.mark.parametrize("text", ["'" * 10**6, "a" * 10**6, "a." * 10**6, "“" * 10**6, " 'a" * 10**6, "1" * 10**6])
def test_a_hostile_message_is_done_with_at_once(text: str):
    assert len(kind_of(text)) <= 5000


def test_a_message_with_half_of_a_surrogate_pair_is_counted_like_any_other():
    kinds = ErrorKinds()
    for text in ("\ud83d 1", "\ud83d 2"):
        kinds.add(text, None)
    assert [kind.count for kind in kinds.most_frequent()] == [2]
