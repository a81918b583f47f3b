"""What may be sent again, and after how many seconds: pure functions."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from arize_mcp.api.problems import ProblemError

MAX_SENDS: Final = 4
BACKOFF_BASE_S: Final = 0.5
MAX_RETRY_AFTER_S: Final = 20.0
"""The longest Retry-After that is waited for; a longer one is told to the caller."""

MAX_HOLD_S: Final = 60.0
"""The longest that calls of an endpoint hold back after a 429 of another: the window of Arize's limit is a minute."""

_SECONDS = re.compile("[0-9]+([.][0-9]*)?|[.][0-9]+", re.ASCII)
_GATEWAY_ERRORS = (502, 503, 504)


def may_send_again(method: str, error: ProblemError) -> bool:
    """Whether a request that failed so may be sent again without doing anything twice.

    GET and DELETE: on connection errors, broken answers, 429, 502, 503 and 504. POST: only where it was never sent, or
    refused by 429.
    """
    if error.status == 429:
        return True
    if method == "POST" and error.was_sent:
        return False
    return error.is_transient or error.status in _GATEWAY_ERRORS


def is_lost(error: ProblemError) -> bool:
    """Whether the request may have taken effect all the same: it was sent, and its answer doesn't tell."""
    # 303 says that the request was done, and where to see what became of it (RFC 9110, 15.4.4).
    # 408 comes from a server that waited for the request, or a gateway that passed it on and waited for the answer.
    return error.was_sent and (
        error.status is None or error.status >= 500 or error.status < 300 or error.status in (303, 408)
    )


def wait_s(sends: int, asked_s: float | None, random: float) -> float | None:
    """How long to wait before the next send.

    Exponential backoff with full jitter: up to BACKOFF_BASE_S, doubled with every send. What the server asked for is
    waited instead.

    Args:
        sends: how often the request was sent.
        asked_s: the answer's Retry-After, in seconds.
        random: a random number from 0 to 1.

    Returns:
        Seconds; None where it is not sent again, and the caller decides.
    """
    if sends >= MAX_SENDS or (asked_s is not None and asked_s > MAX_RETRY_AFTER_S):
        return None
    if asked_s:
        return asked_s
    return random * BACKOFF_BASE_S * 2 ** (sends - 1)


def retry_after_s(header: str | None, now: datetime) -> float | None:
    """Read a Retry-After header (RFC 9110, 10.2.3): delta-seconds or an HTTP date; decimals are rounded up.

    Args:
        header: its value, None where there was none.
        now: the present, timezone-aware.

    Returns:
        Seconds from now, never negative; None where the header is absent or garbage.
    """
    text = (header or "").strip()
    if _SECONDS.fullmatch(text):
        return float(math.ceil(float(text[:12])))
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return max(0.0, (date.replace(tzinfo=date.tzinfo or UTC) - now).total_seconds())
