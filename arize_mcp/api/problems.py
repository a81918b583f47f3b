"""Problem details (RFC 9457): what every failure becomes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from html.parser import HTMLParser
from http import HTTPStatus
from typing import Any, NotRequired, TypedDict, cast

URN = "urn:arize-mcp:problem:"
"""Prefix of the ``type`` of every problem that arize-mcp itself reports."""

MAX_EXCERPT_CHARS = 2_000
"""How much of an error body that is not a problem is quoted."""

MAYBE_STORED = "The experiment may have been stored: look for its name with experiments_list before creating it again."
"""The next step when the answer to a create was lost."""

# C0 and C1 controls without tab and newline, and the marks that reorder or hide text on a terminal.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
# Terminal escapes go whole, so that no "[31m" stays behind.
_ESCAPES = re.compile("\x1b(?:\\[[0-?]*[ -/]*[@-~]|\\][^\x07\x1b]*(?:\x07|\x1b\\\\)?|[@-Z\\\\-_])")


class ArgumentError(TypedDict):
    """One wrong member of a request.

    ``pointer`` is a JSON Pointer in URI fragment form (RFC 6901, 6), as in RFC 9457's own example: ``#/limit``.
    """

    pointer: str
    detail: str


class Problem(TypedDict):
    """A problem object as JSON: RFC 9457's members, ours, and whatever further ones the API sent.

    ``retry_after`` is in seconds. ``hint`` is the next step, in one sentence.
    """

    type: NotRequired[str]
    title: NotRequired[str]
    status: NotRequired[int]
    detail: NotRequired[str]
    instance: NotRequired[str]
    errors: NotRequired[list[ArgumentError]]
    retry_after: NotRequired[int]
    request_id: NotRequired[str]
    hint: NotRequired[str]


class ProblemError(Exception):
    """A failure, told as a problem.

    Attributes:
        problem: the whole problem object.
        status: the HTTP status of the answer it came from; None where there was no answer.
    """

    def __init__(self, problem: Problem, *, status: int | None = None) -> None:
        self.problem = problem
        self.status = status
        super().__init__(problem.get("detail") or problem.get("title", ""))


def own(name: str, title: str, detail: str, hint: str | None = None, **members: Any) -> ProblemError:
    """A problem that arize-mcp itself found; ``name`` completes its ``type``."""
    problem: dict[str, Any] = {"type": URN + name, "title": title, "detail": detail, **members}
    if hint:
        problem["hint"] = hint
    return ProblemError(cast("Problem", problem))


def bad_arguments(errors: Sequence[ArgumentError]) -> ProblemError:
    """Arguments that don't fit a request model, all at once. Nothing has been sent."""
    count = "1 argument is" if len(errors) == 1 else f"{len(errors)} arguments are"
    return own(
        "bad-arguments",
        "Bad arguments",
        f"{count} wrong; nothing was sent. " + " ".join(f"{e['pointer']}: {e['detail']}" for e in errors[:5]),
        "Correct what `errors` lists and call again.",
        errors=list(errors),
    )


def unusable_settings(errors: Sequence[tuple[str, str]]) -> ProblemError:
    """Environment variables that can't be used: (name, what to do) each."""
    return own(
        "unusable-settings",
        "Unusable settings",
        "arize-mcp can't start working: " + " ".join(f"{name} {detail}" for name, detail in errors),
        "Correct the environment of arize-mcp in the host's configuration, then restart the server.",
        errors=[{"variable": name, "detail": detail} for name, detail in errors],
    )


def missing_api_key() -> ProblemError:
    """No key to call the API with."""
    return own(
        "missing-api-key",
        "Missing API key",
        "ARIZE_API_KEY is not set in the environment of arize-mcp, so nothing was sent.",
        "Set ARIZE_API_KEY in the env of this server in the host's configuration and restart it, or start it with "
        "--sandbox to try it without an account.",
    )


def internal_error() -> ProblemError:
    """A fault of arize-mcp. Its text stays in the log: it may hold anything."""
    return own(
        "internal-error",
        "Internal error",
        "arize-mcp failed in an unexpected way. The traceback is in its log (stderr).",
        "Whether the call took effect is not known: read before you repeat a call that writes.",
    )


def from_response(
    method: str,
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
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
        retry_after_s: what its Retry-After header asks for, in seconds.
    """
    members = _json_object(body)
    if members is None:
        members = {
            "type": URN + "http-error",
            "title": _phrase(status),
            "status": status,
            "detail": f"The API answered {status} without a problem description. "
            + describe_body(body, headers.get("content-type", "")),
        }
    else:
        members.setdefault("title", _phrase(status))
        members.setdefault("status", status)
    if retry_after_s is not None:
        members.setdefault("retry_after", int(-(-retry_after_s // 1)))
    if request_id := headers.get("x-request-id"):
        members.setdefault("request_id", plain(request_id, 200))
    if hint := _hint(method, status):
        members.setdefault("hint", hint)
    return ProblemError(cast("Problem", members), status=status)


def describe_body(body: bytes, content_type: str) -> str:
    """Say in one or two sentences what a body that should have been JSON is, quoting at most MAX_EXCERPT_CHARS."""
    text = body.decode("utf-8", "replace")
    kind = "text"
    if "html" in content_type.lower() or text.lstrip()[:9].lower().startswith(("<!doctype", "<html")):
        kind, text = "HTML", _html_text(text)
    excerpt = plain(" ".join(text.split()), MAX_EXCERPT_CHARS)
    return f"Its body is {kind}: {excerpt}" if excerpt else "Its body is empty."


def plain(text: str, max_chars: int) -> str:
    """Remove terminal escapes and control characters, and cut the text to max_chars, saying so."""
    text = _CONTROLS.sub("", _ESCAPES.sub("", text[: 4 * max_chars]))
    return text if len(text) <= max_chars else text[: max_chars - 1] + "…"


def redact(value: Any, secret: str | None) -> Any:
    """The same JSON value with the secret removed from every string and every key."""
    if not secret:
        return value
    if isinstance(value, str):
        return value.replace(secret, "[redacted]")
    if isinstance(value, list):
        return [redact(item, secret) for item in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {redact(key, secret): redact(item, secret) for key, item in cast("dict[str, Any]", value).items()}
    return value


def _hint(method: str, status: int) -> str | None:
    """The next step after an error answer of the API."""
    if status == 401:
        return "Check ARIZE_API_KEY and that ARIZE_REGION is the region of its account."
    if status == 403:
        return "The key may not do this, or belongs to another region (ARIZE_REGION): use another key."
    if status == 404 and method == "POST":
        return "Check dataset_id: the dataset doesn't exist, or this key can't see it."
    if status == 404:
        return "Check the id with experiments_list: what the key can't see is also answered with 404."
    if status == 409:
        return "Choose another name, or find the existing experiment with experiments_list and its name argument."
    if status == 429:
        return "Call again after `retry_after` seconds, or in a minute where there is none."
    if status in (400, 422):
        return "Correct the arguments as `detail` says; a cursor is valid only with the arguments it was given for."
    if status >= 500 and method == "POST":
        return MAYBE_STORED
    if status >= 500:
        return "The API has a fault of its own: call again in a moment."
    return None


def _json_object(body: bytes) -> dict[str, Any] | None:
    try:
        value: Any = json.loads(body.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return None
    return cast("dict[str, Any]", value) if isinstance(value, dict) and value else None


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return f"HTTP {status}"


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("script", "style") and self._hidden > 0

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.parts.append(data)


def _html_text(html: str) -> str:
    parser = _Text()
    parser.feed(html[:50_000])
    return " ".join(parser.parts)
