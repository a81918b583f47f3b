"""HTTP error answers, as problems."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, cast

from arize_mcp.api import jsontext
from arize_mcp.api.problems import MAYBE_DELETED, MAYBE_STORED, TAKEN, URN, Problem, ProblemError, plain, redact

MAX_EXCERPT_CHARS = 2_000
"""How much of an error body that is not a problem is quoted."""

MAX_PROBLEM_CHARS = 16_000
"""How much of an error body that is a problem is passed on."""


def from_response(
    method: str,
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    secret: str | None,
    retry_after_s: float | None,
) -> ProblemError:
    """Make a problem of an HTTP error answer.

    A JSON object is passed on whole, with every extension member; ``status`` and ``title`` are added where they are
    missing, and so are ``retry_after`` and ``request_id`` from the headers. Anything else is quoted in ``detail``.

    Args:
        method: the request's HTTP method.
        status: the answer's HTTP status.
        headers: its headers, case-insensitive.
        body: its decoded content.
        secret: is taken out of whatever is passed on or quoted, before it is cut.
        retry_after_s: what its Retry-After header asks for, in seconds.
    """
    members = _json_object(body)
    if members is None:
        members = {
            "type": URN + "http-error",
            "title": _phrase(status),
            "status": status,
            "detail": f"The API answered {status} without a problem description. "
            + describe_body(body, headers.get("content-type", ""), secret),
        }
    else:
        members = _bounded(redact(members, secret))
        members.setdefault("title", _phrase(status))
        members.setdefault("status", status)
    if retry_after_s is not None:
        members.setdefault("retry_after", int(-(-retry_after_s // 1)))
    if request_id := headers.get("x-request-id"):
        members.setdefault("request_id", plain(redact(request_id, secret), 200))
    if hint := _hint(method, status):
        members.setdefault("hint", hint)
    return ProblemError(cast("Problem", members), status=status, was_sent=True, retry_after_s=retry_after_s)


def describe_body(body: bytes, content_type: str, secret: str | None) -> str:
    """Say in one or two sentences what a body that should have been JSON is, quoting at most MAX_EXCERPT_CHARS."""
    text = body.decode("utf-8", "replace")
    kind = "text"
    if "html" in content_type.lower() or text.lstrip()[:9].lower().startswith(("<!doctype", "<html")):
        from arize_mcp.api.html import text_of  # noqa: PLC0415 - an answer that is a web page is rare

        kind, text = "HTML", text_of(text)
    excerpt = plain(" ".join(redact(text, secret).split()), MAX_EXCERPT_CHARS)
    return f"Its body is {kind}: {excerpt}" if excerpt else "Its body is empty."


def _hint(method: str, status: int) -> str | None:
    """The next step after an error answer of the API."""
    if status == 401:
        return "Check ARIZE_API_KEY, and that ARIZE_REGION is the region of its account: elsewhere the key is unknown."
    if status == 403:
        return "The key may not do this; Arize also answers so to a key of another region: check ARIZE_REGION."
    if status == 404 and method == "POST":
        return "Check dataset_id: the dataset doesn't exist, or the key may not see it (another space or region)."
    if status == 404:
        return "Check the id with experiments_list: 404 also means not yours to see, or in another region."
    if status == 409:
        return TAKEN
    if status == 429:
        return "Call again after `retry_after` seconds, or in a minute where there is none."
    if status in (400, 422):
        return "Correct the arguments as `detail` says; a cursor is valid only with the arguments it was given for."
    if status >= 500 and method == "POST":
        return MAYBE_STORED
    if status >= 500 and method == "DELETE":
        return MAYBE_DELETED
    if status >= 500:
        return "The API has a fault of its own: call again in a moment."
    return None


def _bounded(members: dict[str, Any]) -> dict[str, Any]:
    """The members without control characters; long strings cut, and the largest members left out if need be."""

    def clean(value: Any) -> Any:
        if isinstance(value, str):
            return plain(value, MAX_EXCERPT_CHARS)
        if isinstance(value, list):
            return [clean(item) for item in cast("list[Any]", value)]
        if isinstance(value, dict):
            return {clean(key): clean(item) for key, item in cast("dict[str, Any]", value).items()}
        return value

    bounded: dict[str, Any] = clean(members)
    sizes = {key: len(json.dumps(value)) + len(key) for key, value in bounded.items()}
    omitted: list[str] = []
    for key in sorted(sizes, key=lambda key: sizes[key], reverse=True):
        if sum(sizes.values()) <= MAX_PROBLEM_CHARS:
            break
        omitted.append(plain(key, 100))
        del sizes[key], bounded[key]
    return bounded | ({"omitted": omitted[:20]} if omitted else {})


def _json_object(body: bytes) -> dict[str, Any] | None:
    try:
        value: Any = jsontext.loads(body)
    except ValueError:
        return None
    return cast("dict[str, Any]", value) if isinstance(value, dict) and value else None


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return f"HTTP {status}"
