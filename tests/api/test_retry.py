"""What is sent again, and after how many seconds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from arize_mcp.api import retry
from arize_mcp.api.problems import ProblemError
from arize_mcp.api.retry import is_lost, may_send_again, retry_after_s, wait_s

DOCUMENT = Path(__file__).parent.parent.parent / "docs" / "reliability.md"

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("42", 42),
        (" 0 ", 0),
        ("Mon, 23 Nov 2026 12:00:30 GMT", 30),
        ("Monday, 23-Nov-26 12:00:30 GMT", 30),
        ("Mon Nov 23 12:00:30 2026", 30),
        ("Mon, 23 Nov 2026 11:00:00 GMT", 0),
        ("9" * 400, float("9" * 12)),
        (None, None),
        ("", None),
        ("-5", None),
        ("1.5", 2.0),
        ("12.5", 13.0),
        (".5", 1.0),
        ("0.2", 1.0),
        ("1.5.2", None),
        ("1e3", None),
        ("٣", None),
        ("tomorrow", None),
        ("Mon, 99 Nov 2026 12:00:30 GMT", None),
        ("\x00", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_garbage_is_ignored(header: str | None, seconds: float | None):
    assert retry_after_s(header, NOW) == seconds


def test_a_date_is_read_in_its_own_zone_and_the_present_in_its():
    now = NOW.astimezone(timezone(timedelta(hours=5)))
    assert retry_after_s("Mon, 23 Nov 2026 14:00:30 +0200", now) == 30
    assert retry_after_s("Mon, 23 Nov 2026 12:00:30 -0000", now) == 30


def failed(status: int | None = None, *, was_sent: bool = True, is_transient: bool = False) -> ProblemError:
    return ProblemError({}, status=status, was_sent=was_sent, is_transient=is_transient)


REFUSED = failed(429)
NEVER_SENT = failed(was_sent=False, is_transient=True)
BROKEN = failed(is_transient=True)
TIMED_OUT = failed()


@pytest.mark.parametrize(
    ("error", "reads", "creates"),
    [
        (REFUSED, True, True),
        (NEVER_SENT, True, True),
        (BROKEN, True, False),
        (TIMED_OUT, False, False),
        (failed(was_sent=False), False, False),
        (failed(200, is_transient=True), True, False),
        *[(failed(status), True, False) for status in (502, 503, 504)],
        *[(failed(status), False, False) for status in (303, 400, 404, 408, 409, 428, 430, 500, 501, 505)],
    ],
)
def test_what_may_be_sent_again(error: ProblemError, reads: bool, creates: bool):
    assert (may_send_again("GET", error), may_send_again("DELETE", error)) == (reads, reads)
    assert may_send_again("POST", error) is creates


@pytest.mark.parametrize(
    ("error", "lost"),
    [
        (NEVER_SENT, False),
        (BROKEN, True),
        (TIMED_OUT, True),
        *[(failed(status), True) for status in (200, 299, 303, 408, 500, 503, 599)],
        *[(failed(status), False) for status in (300, 302, 304, 400, 404, 407, 409, 429, 499)],
    ],
)
def test_what_may_have_taken_effect_all_the_same(error: ProblemError, lost: bool):
    assert is_lost(error) is lost


@pytest.mark.parametrize(
    ("sends", "asked_s", "waits_s"),
    [
        (1, None, 0.25),
        (2, None, 0.5),
        (3, None, 1.0),
        (3, 0.0, 1.0),
        (1, 1.0, 1.0),
        (3, 20.0, 20.0),
        (1, 20.5, None),
        (4, None, None),
        (4, 1.0, None),
    ],
)
def test_a_wait_doubles_but_what_the_server_asks_for_goes_before_that(
    sends: int, asked_s: float | None, waits_s: float | None
):
    assert wait_s(sends, asked_s, 0.5) == waits_s


def test_the_limits_are_those_that_the_document_tells():
    text = " ".join(DOCUMENT.read_text(encoding="utf-8").split())
    assert f"{retry.BACKOFF_BASE_S:g} s doubled with every send" in text
    assert f"goes before that, up to {retry.MAX_RETRY_AFTER_S:g} s" in text
    assert (retry.MAX_SENDS, "at most four sends" in text) == (4, True)
    assert retry.MAX_HOLD_S == 60
