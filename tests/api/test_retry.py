"""Waiting times, in seconds."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from arize_mcp.api.retry import retry_after_s

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
