"""Problem details (RFC 9457): what every failure becomes."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict, cast

URN = "urn:arize-mcp:problem:"
"""Prefix of the ``type`` of every problem that arize-mcp itself reports."""

MAX_ERRORS = 20
"""How many errors one problem lists. The first ones are enough to correct a create with 1,000 wrong runs."""

MAX_QUOTED_CHARS = 300
"""How many characters of a value are shown in a text for humans."""

MAYBE_STORED = "The experiment may have been stored: look for its name with experiments_list before creating it again."
"""The next step when the answer to a create was lost."""

MAYBE_DELETED = "The experiment may have been deleted: experiments_get shows whether it still exists."
"""The next step when the answer to a delete was lost."""

TAKEN = "Choose another name, or find the existing experiment with experiments_list and its name argument."
"""The next step when the name of a create is taken."""

MAYBE_DONE = {"POST": MAYBE_STORED, "DELETE": MAYBE_DELETED}
"""The next step when the answer to a request that writes was lost, by its method."""

# C0 and C1 controls without tab and newline, and the marks that reorder or hide text on a terminal.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
# Letters and marks that are invisible: fillers, joiners, variation selectors.
_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0") | {
    chr(code) for code in (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))
}
# Terminal escapes are removed whole, so that no "[31m" stays behind.
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
        was_sent: False where the request has certainly not reached the API.
        is_transient: whether the connection failed in a way that may pass.
        retry_after_s: how long the answer asks to wait, in seconds.
    """

    def __init__(
        self,
        problem: Problem,
        *,
        status: int | None = None,
        was_sent: bool = False,
        is_transient: bool = False,
        retry_after_s: float | None = None,
    ) -> None:
        self.problem = problem
        self.status = status
        self.was_sent = was_sent
        self.is_transient = is_transient
        self.retry_after_s = retry_after_s
        super().__init__(problem.get("detail") or problem.get("title", ""))


def own(
    name: str,
    title: str,
    detail: str,
    hint: str | None = None,
    *,
    http_status: int | None = None,
    was_sent: bool = False,
    is_transient: bool = False,
    **members: Any,
) -> ProblemError:
    """A problem that arize-mcp itself found.

    Args:
        name: completes its ``type``.
        title: what kind of problem it is.
        detail: what happened this time.
        hint: the next step.
        http_status: the status of the answer in which it was found.
        was_sent: as ProblemError's; true in any case where there was an answer.
        is_transient: as ProblemError's.
        members: further members of the problem.
    """
    problem: dict[str, Any] = {"type": URN + name, "title": title}
    if http_status is not None:
        problem["status"] = http_status
    problem |= {"detail": detail, **members}
    if hint:
        problem["hint"] = hint
    was_sent = was_sent or http_status is not None
    return ProblemError(cast("Problem", problem), status=http_status, was_sent=was_sent, is_transient=is_transient)


def bad_arguments(errors: Sequence[ArgumentError], *, effect: str = "nothing was sent") -> ProblemError:
    """All that is wrong with a call's arguments, MAX_ERRORS of it listed; ``effect`` says what came of the call."""
    count = "1 argument is" if len(errors) == 1 else f"{len(errors)} arguments are"
    listed = list(errors[:MAX_ERRORS])
    if more := len(errors) - len(listed):
        listed.append(ArgumentError(pointer="#", detail=f"{more} more errors are not listed."))
    return own(
        "bad-arguments",
        "Bad arguments",
        f"{count} wrong; {effect}. " + " ".join(f"{e['pointer']}: {e['detail']}" for e in errors[:5]),
        "Correct what `errors` lists and call again.",
        errors=listed,
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


def read_only(tool: str) -> ProblemError:
    """A call that writes, where only reading is allowed."""
    return own(
        "read-only",
        "Read only",
        f"{tool} writes, and ARIZE_MCP_READ_ONLY is set in the environment of arize-mcp; nothing was sent.",
        "Unset ARIZE_MCP_READ_ONLY in the host's configuration to allow it.",
    )


def internal_error() -> ProblemError:
    """A bug in arize-mcp. Its text stays in the log, because it may hold anything."""
    return own(
        "internal-error",
        "Internal error",
        "arize-mcp failed in an unexpected way. The traceback is in its log (stderr).",
        "It is not known whether the call took effect: read what is there before you repeat a call that writes.",
    )


def outcome_unknown(dataset_id: str, name: str, cause: ProblemError, lookup: str) -> ProblemError:
    """A create that may or may not have been stored, and the call that will tell.

    Args:
        dataset_id: where it should be.
        name: what it should be called.
        cause: how its answer was lost.
        lookup: what a look for it has found, in a sentence.
    """
    wait: dict[str, Any] = {"retry_after": math.ceil(cause.retry_after_s)} if cause.retry_after_s is not None else {}
    return own(
        "outcome-unknown",
        "Outcome unknown",
        f"The experiment may or may not have been stored: the answer to its create was lost. {lookup} {cause}",
        "Make the call in `check` in a moment: if it lists the name, it was stored; if not, create it again.",
        was_sent=True,
        **wait,
        check={"tool": "experiments_list", "arguments": {"dataset_id": dataset_id, "name": name}},
        cause=cause.problem,
    )


def name_taken(name: str, found: Mapping[str, Any]) -> ProblemError:
    """The 409 that a create would have got, if its answer had not been lost."""
    problem: Problem = {
        "type": "https://arize.com/docs/ax/rest-reference/errors#resource-conflict",
        "title": "Resource conflict",
        "status": 409,
        "detail": f"An experiment named {quoted(name)} was in the dataset before this call, or its runs are not those "
        "sent.",
        "hint": TAKEN,
    }
    add_existing(problem, found)
    return ProblemError(problem, status=409, was_sent=True)


def add_existing(problem: Problem, found: Mapping[str, Any]) -> None:
    """Say in a 409 which experiment has the name."""
    problem.pop("hint", None)
    existing = {
        "experiment_id": found.get("id"),
        "created_at": found.get("created_at"),
        "hint": "The experiment with this name is `experiment_id`, created at `created_at`. If that is the one you "
        "mean, it is recorded already; if not, choose another name.",
    }
    cast("dict[str, Any]", problem).update(existing)


def deadline_exceeded(
    deadline_s: float, last: ProblemError | None, method: str, *, may_have_acted: bool
) -> ProblemError:
    """A call that didn't end in time, with what is known of it.

    Args:
        deadline_s: how long it had.
        last: its last failure.
        method: the HTTP method of what it sends.
        may_have_acted: whether it may have taken effect.
    """
    detail = f"The call did not end within {max(deadline_s, 0.0):.3g} s (ARIZE_MCP_DEADLINE_S)."
    if last is not None:
        detail += f" The last answer: {last}"
    if may_have_acted:
        hint = MAYBE_DONE[method]
    elif method in MAYBE_DONE and (last is None or not last.was_sent):
        hint = "Nothing was sent: call again in a moment."
    else:
        hint = "Nothing was changed: call again in a moment."
    return own("deadline-exceeded", "Deadline exceeded", detail, hint, was_sent=may_have_acted)


def plain(text: str, max_chars: int) -> str:
    """Remove terminal escapes and control characters, and cut the text to max_chars, with a mark where it is cut."""
    text = _CONTROLS.sub("", _ESCAPES.sub("", text[: 4 * max_chars]))
    return text if len(text) <= max_chars else text[: max_chars - 1] + "…"


def quoted(value: object) -> str:
    """Somebody else's value in a text for humans: in quotation marks, on one line, with nothing hidden.

    Line breaks, controls, marks that hide or reorder text, and spaces that push it aside are shown as escapes. At most
    MAX_QUOTED_CHARS of its characters are shown.
    """
    text = value if isinstance(value, str) else json.dumps(value)
    cut = text if len(text) <= MAX_QUOTED_CHARS else text[: MAX_QUOTED_CHARS - 1] + "…"
    return '"' + "".join(_shown(character, before) for before, character in zip(" " + cut, cut, strict=False)) + '"'


def _shown(character: str, before: str) -> str:
    if character in '"\\':
        return "\\" + character
    is_hidden = unicodedata.category(character)[0] in "CZ" or character in _INVISIBLE
    if not is_hidden or (character == " " and before != " "):
        return character
    return json.dumps(character)[1:-1] if character != " " else "\\u0020"


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
