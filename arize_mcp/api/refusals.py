"""HTTP error answers, as problems."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping, Sequence
from http import HTTPStatus
from typing import Any, cast

from arize_mcp.api import jsontext, problems
from arize_mcp.api.ids import TO_FIND
from arize_mcp.api.problems import URN, Problem, ProblemError, plain, redact

MAX_EXCERPT_CHARS = 2_000
"""How much of an error body that is not a problem is quoted."""

MAX_PROBLEM_CHARS = 16_000
"""How much of an error body that is a problem is passed on."""


_PROBLEM_MEMBERS = frozenset(("type", "title", "detail"))
_PLAN_MEMBERS = ("required_plan", "entitlement")
_WORDS = (
    "message", "Message", "msg", "error_description", "error", "errors", "reason", "description", "fault",
    "faultstring",
)  # fmt: skip
"""The members in which gateways, and others that answer in the API's place, say what is wrong."""

_BETWEEN = (
    "The API describes its errors differently: a gateway, proxy or firewall on the way may have answered. Check "
    "ARIZE_API_HOST, ARIZE_REGION and the proxy."
)
_UNKNOWN = "Check {name}: the {kind} doesn't exist, or the key can't see it (another space or region); {to_find}"
_CORRECT = "Correct the arguments as `detail` says; a cursor is valid only with the arguments it was given for."
_STEPS: dict[int | tuple[str, int], str] = {
    400: _CORRECT,
    401: "Check ARIZE_API_KEY, and that ARIZE_REGION is the region of its account: elsewhere the key is unknown.",
    402: "The account's plan or its payment doesn't allow it: look into the account's settings in Arize.",
    403: "The key isn't allowed to do this. Arize also answers so to a key of another region: check ARIZE_REGION.",
    404: "Check the id with experiments_list: Arize also answers 404 to a key that can't see it, or of another region.",
    ("POST", 404): _UNKNOWN.format(name="dataset_id", kind="dataset", to_find=TO_FIND["Dataset"]),
    405: "The server there doesn't know this call: check ARIZE_API_HOST, or ask whether that Arize is up to date.",
    407: "The proxy wants a name and a password: put them into the URL in ARIZE_PROXY_URL or HTTPS_PROXY.",
    408: "The request took too long on its way: call again, with less in one call.",
    ("POST", 408): problems.MAYBE_STORED,
    ("DELETE", 408): problems.MAYBE_DELETED,
    409: "The call conflicts with what is there now: read that again, then decide.",
    ("POST", 409): problems.TAKEN,
    413: "The call is too large: send less in one call.",
    ("POST", 413): "The call is too large and nothing was stored: send fewer runs, or shorter outputs, in one call.",
    415: "The server there doesn't take JSON: check ARIZE_API_HOST and the proxy.",
    422: _CORRECT,
    429: "Call again after `retry_after` seconds, or after a minute if there is no `retry_after`.",
    451: "Access is blocked for legal reasons: ask whoever runs the network or the account.",
}
"""The next step after an answer, by its status, or by its request's method and its status."""


def from_response(
    method: str,
    status: int,
    headers: Mapping[str, str],
    body: bytes | bytearray,
    *,
    secret: str | None,
    retry_after_s: float | None,
    shared: bool = False,
    filters: Collection[str] = (),
) -> ProblemError:
    """Make a problem of an HTTP error answer.

    A JSON object is passed on whole, with every extension member; ``status`` and ``title`` are added where they are
    missing, and so are ``retry_after`` and ``request_id`` from the headers. Anything else is quoted in ``detail``. A
    body that is no problem of the API's kind gets the type ``http-error``: something on the way may have answered.

    Args:
        method: the request's HTTP method.
        status: the answer's HTTP status.
        headers: its headers, case-insensitive.
        body: its decoded content.
        secret: is taken out of whatever is passed on or quoted, before it is cut.
        retry_after_s: what its Retry-After header asks for, in seconds.
        shared: whether the key is the caller's own, not the process's.
        filters: the names of the request's query parameters.
    """
    members: dict[str, Any] | None = _json_object(body)
    is_problem = members is not None and not _PROBLEM_MEMBERS.isdisjoint(members)
    is_told = False
    described = f"The answer is {status} without a problem description."
    if members is None:
        members = {"detail": f"{described} {describe_body(body, headers.get('content-type', ''), secret)}"}
    else:
        members = _bounded(redact(members, secret))
        said = members.get("detail") or _said(members, _WORDS)
        is_told = bool(said)
        if said or not is_problem:
            members["detail"] = said or described
    if not is_problem:
        members = {"type": URN + "http-error"} | members
    members.setdefault("title", _phrase(status))
    members.setdefault("status", status)
    if retry_after_s is not None:
        members.setdefault("retry_after", math.ceil(retry_after_s))
    if request_id := headers.get("x-request-id"):
        members.setdefault("request_id", plain(redact(request_id, secret), 200))
    hint = _hint(method, status, members, filters, is_problem=is_problem, is_told=is_told, shared=shared)
    if hint:
        members.setdefault("hint", hint)
    return ProblemError(cast("Problem", members), status=status, was_sent=True, retry_after_s=retry_after_s)


def _said(members: Mapping[str, Any], names: Sequence[str]) -> str | None:
    """What a JSON error says that is no problem document."""
    for name in names:
        value: Any = members.get(name)
        parts = cast("list[Any]", value if isinstance(value, list) else [value])[:3]
        words = [
            _said(cast("dict[str, Any]", part), (*_WORDS, "detail", "title")) if isinstance(part, dict) else part
            for part in parts
        ]
        if said := "; ".join(word for word in words if isinstance(word, str) and word):
            return plain(said, MAX_EXCERPT_CHARS)
    return None


def describe_body(body: bytes | bytearray, content_type: str, secret: str | None) -> str:
    """Say in one or two sentences what a body that should have been JSON is, quoting at most MAX_EXCERPT_CHARS."""
    text = body.decode("utf-8", "replace")
    kind = "text"
    if "html" in content_type.lower() or text.lstrip()[:9].lower().startswith(("<!doctype", "<html")):
        from arize_mcp.api.html import text_of  # noqa: PLC0415 - an answer that is a web page is rare

        kind, text = "HTML", text_of(text)
    excerpt = plain(" ".join(redact(text, secret).split()), MAX_EXCERPT_CHARS)
    return f"Its body is {kind}: {excerpt}" if excerpt else "Its body is empty."


def _hint(
    method: str,
    status: int,
    members: Mapping[str, Any],
    filters: Collection[str],
    *,
    is_problem: bool,
    is_told: bool,
    shared: bool,
) -> str | None:
    """The next step after an error answer."""
    step = _STEPS.get((method, status)) or _STEPS.get(status)
    if status == 401 and shared:
        step = "Check the API key that your MCP host sends: this server passed it on, and Arize doesn't know it."
    for kind in ("Dataset", "Space"):
        name = f"{kind.lower()}_id"
        if status == 404 and name in filters:
            step = _UNKNOWN.format(name=name, kind=kind.lower(), to_find=TO_FIND[kind])
    if status >= 500:
        step = problems.MAYBE_DONE.get(method, "The API itself failed: call again in a moment.")
    if status == 403 and any(members.get(name) for name in _PLAN_MEMBERS):
        return "The account's plan doesn't include this: `required_plan`, `entitlement` and `limit` say what is needed."
    if is_problem:
        return step
    # The API has not answered, so advice about the key, the id or an argument would mislead.
    is_the_apis = status in (403, 404) or (step == _CORRECT and not is_told)
    return f"{step} {_BETWEEN}" if step and not is_the_apis else _BETWEEN


def _bounded(members: dict[str, Any]) -> dict[str, Any]:
    """The members without control characters: long strings are cut, and the largest members left out if need be."""

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


def _json_object(body: bytes | bytearray) -> dict[str, Any] | None:
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
