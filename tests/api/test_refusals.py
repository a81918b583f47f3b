"""Problems made from whatever an error answer holds."""

from __future__ import annotations

import json

import pytest

from arize_mcp.api import problems, refusals
from arize_mcp.api.refusals import MAX_EXCERPT_CHARS


def from_body(body: bytes | str, content_type: str = "text/plain") -> problems.ProblemError:
    raw = body if isinstance(body, bytes) else body.encode()
    return refusals.from_response("GET", 500, {"content-type": content_type}, raw, secret=None, retry_after_s=None)


def test_a_long_error_body_is_quoted_in_part():
    detail = from_body("x" * 1_000_000).problem.get("detail", "")
    assert MAX_EXCERPT_CHARS < len(detail) < MAX_EXCERPT_CHARS + 200
    assert detail.endswith("…")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\x1b[1;31mb\x1b[0mc", "abc"),
        ("\x1b]0;title\x07x", "x"),
        ("a\x00\x08\x7f\x9bb", "ab"),
        ("evil\u202etxt", "eviltxt"),
        ("tab\tstays, é and 😀 too", "tab\tstays, é and 😀 too"),
        ("lone\ud800", "lone"),
    ],
)
def test_terminal_escapes_and_control_characters_go(text: str, expected: str):
    assert problems.plain(text, 100) == expected


def test_an_error_without_a_title_gets_the_status_phrase_even_for_an_unknown_status():
    problem = refusals.from_response("GET", 599, {}, b'{"detail":"d"}', secret=None, retry_after_s=None).problem
    assert problem == {
        "detail": "d",
        "title": "HTTP 599",
        "status": 599,
        "hint": "The API itself failed: call again in a moment.",
    }


def test_the_apis_own_members_are_not_overwritten():
    sent = {"title": "t", "status": 1, "hint": "h", "retry_after": "x", "request_id": None}
    headers = {"x-request-id": "r"}
    problem = refusals.from_response(
        "GET", 429, headers, json.dumps(sent).encode(), secret=None, retry_after_s=3.2
    ).problem
    assert problem == sent


def test_fractions_of_a_second_are_rounded_up():
    assert refusals.from_response("GET", 429, {}, b"", secret=None, retry_after_s=3.2).problem.get("retry_after") == 4


def test_a_secret_is_taken_out_of_values_keys_and_lists():
    value = {"xKEYx": ["KEY", {"a": "KEY"}, 1, None]}
    assert problems.redact(value, "KEY") == {"x[redacted]x": ["[redacted]", {"a": "[redacted]"}, 1, None]}
    assert problems.redact(value, None) == value


def test_html_is_quoted_as_its_text():
    detail = from_body("<html><script>alert(1)</script><title>Oops</title><p>a &amp; b").problem.get("detail", "")
    assert detail.endswith("Its body is HTML: Oops a & b")


def test_deeply_nested_json_is_quoted_not_followed():
    assert from_body("[" * 100_000).problem["type"] == problems.URN + "http-error"  # pyright: ignore[reportTypedDictNotRequiredAccess]


def test_a_secret_is_taken_out_before_anything_is_cut():
    secret = "a-secret-key"
    for at in range(MAX_EXCERPT_CHARS - len(secret) - 1, MAX_EXCERPT_CHARS + 1):
        for body in (b"x" * at + secret.encode(), json.dumps({"detail": "x" * at + secret}).encode()):
            headers = {"x-request-id": "x" * 190 + secret}
            problem = refusals.from_response("GET", 400, headers, body, secret=secret, retry_after_s=None).problem
            assert secret[:3] not in json.dumps(problem)
