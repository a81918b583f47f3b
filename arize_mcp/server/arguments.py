"""Turns a tool's raw arguments into its request model, or into a list of all that is wrong with them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final, TypeVar, cast

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from arize_mcp.api import jsontext, problems
from arize_mcp.api.ids import TO_FIND
from arize_mcp.api.models import FreeText
from arize_mcp.api.problems import ArgumentError
from arize_mcp.server import argument_text
from arize_mcp.server.schemas import input_schema

_RequestT = TypeVar("_RequestT", bound=BaseModel)
_Location = tuple[int | str, ...]

INJECTED: Final = frozenset(
    {
        "action",
        "chatinput",
        "meta",
        "randomstring",
        "requestinfo",
        "securityrisk",
        "sessionid",
        "taskprogress",
        "tool",
        "toolaction",
        "toolcallid",
        "toolsummary",
        "waitforprevioustools",
    }
)
"""What hosts add to a call's arguments (n8n, Cline, Gemini CLI, Cursor, Windsurf, OpenHands), without case and "_"."""

_LIKE_ARGUMENTS: Final = frozenset(
    {
        "args",
        "argument",
        "arguments",
        "body",
        "data",
        "input",
        "inputs",
        "kwargs",
        "parameters",
        "params",
        "payload",
        "toolargs",
        "toolarguments",
        "toolinput",
    }
)
"""Where a call's arguments are put by mistake, beside ``arguments``, without case and "_"."""

_OF_A_CALL: Final = frozenset({"name", "arguments", "_meta"})

_NOT_WHOLE: Final = "Must be a whole number."
_FAILED_RUN: Final = 'for a failed run send "" as output, and the error in `error`.'
_DETAILS: Final = {
    "missing": "Required, but missing.",
    "string_type": "Must be a string.",
    "string_too_short": "Must not be empty.",
    "string_too_long": "Must have at most {max_length} characters.",
    "string_pattern_mismatch": 'Must contain neither " nor \\.',
    "int_type": _NOT_WHOLE,
    "int_parsing": _NOT_WHOLE,
    "int_from_float": _NOT_WHOLE,
    "int_parsing_size": _NOT_WHOLE,
    "greater_than_equal": "Must be at least {ge}.",
    "less_than_equal": "Must be at most {le}.",
    "list_type": "Must be an array.",
    "too_short": "Must have at least {min_length} item.",
    "too_long": "Must have at most {max_length} items.",
    "no_id": "Is not an id; {to_find}",
    "name_for_id": "Looks like a name; {to_find}",
    "link": "Is a link without the id of the {kind} in it: {to_find}",
    "many_ids": "Is a link with the ids of several {kind}s: {ids}. Give the one that you mean.",
    "null_text": f'Is the text "{{text}}" beside an error: {_FAILED_RUN}',
}
"""What is said of each kind of fault that pydantic finds in a request model."""


def parse(
    model: type[_RequestT], arguments: Mapping[str, Any], *, beside: Mapping[str, Any] | None = None
) -> _RequestT:
    """Validate raw arguments, generously where no other call can be meant.

    Args:
        model: the request model.
        arguments: the call's.
        beside: the call's members, ``arguments`` and those beside it, where the arguments may be by mistake.

    Raises:
        ProblemError: bad-arguments, with every error (the first problems.MAX_ERRORS). Of the values only ids are
        quoted.
    """
    meant, unread = _meant(model, arguments)
    if not meant:
        _check_place(model, beside or {})
    found = dict(jsontext.faults(meant))
    request: _RequestT | None = None
    try:
        request = model.model_validate(meant)
    except ValidationError as error:
        for fault in error.errors(include_url=False):
            location = fault["loc"]
            found.setdefault(jsontext.pointer(location), unread.get(location) or _detail(fault, model))
    if request is not None and not found:
        return request
    errors = [ArgumentError(pointer=pointer, detail=detail) for pointer, detail in found.items()]
    raise problems.bad_arguments(errors)


def _check_place(model: type[BaseModel], members: Mapping[str, Any]) -> None:
    """Refuse a call whose arguments stand in the wrong place: without them it would do more than was asked for."""
    # A member called name tells nothing: any object may have one.
    telling = (model.model_fields.keys() | {"arguments"}) - {"name"}
    for name, value in members.items():
        if name in _OF_A_CALL or _plain(name) in INJECTED or not value:
            continue
        holds_one = isinstance(value, dict) and not telling.isdisjoint(cast("dict[str, Any]", value))
        if name in telling:
            way = "put it"
        elif holds_one or _plain(name) in _LIKE_ARGUMENTS:
            way = "put what is in it"
        else:
            continue
        detail = f"The call has no arguments, but a member {problems.plain(name, 100)}: {way} into `arguments`."
        raise problems.bad_arguments([ArgumentError(pointer="#", detail=detail)])


def _meant(model: type[BaseModel], arguments: Mapping[str, Any]) -> tuple[dict[str, Any], dict[_Location, str]]:
    """The arguments without the quirks of clients, and what is to be said of texts that should have been JSON.

    An optional given as null, "" or "null" is absent. An array or object given as its JSON text is decoded where the
    schema wants one. What a host adds on its own is left out.
    """
    schema = input_schema(model)
    required: list[str] = schema.get("required", [])
    meant: dict[str, Any] = {}
    unread: dict[_Location, str] = {}

    def decoded(value: Any, kind: str | None, location: _Location) -> Any:
        if not isinstance(value, str) or kind not in ("array", "object"):
            return value
        try:
            read = argument_text.decode(value)
        except RecursionError:
            unread[location] = jsontext.TOO_DEEP
            return value
        except ValueError as error:
            # An item that doesn't look like JSON gets the message that says what an item must be.
            if kind == "array" or value.lstrip()[:1] in ("{", "[", '"', "'", "`"):
                unread[location] = f"Is text that is not JSON ({error}): send an {kind}."
            return value
        if isinstance(read, list | dict):
            return cast("Any", read)
        unread[location] = f"Is text that holds no {kind}: send an {kind}."
        return value

    for name, value in arguments.items():
        wanted: dict[str, Any] | None = schema["properties"].get(name)
        if wanted is None:
            if _plain(name) in INJECTED and not _near(name, model.model_fields, 0.75):
                continue
            wanted = {}
        elif name not in required and (value in (None, "") or (value == "null" and not _is_free_text(model, name))):
            continue
        whole = decoded(value, wanted.get("type"), (name,))
        if isinstance(whole, list):
            kind = wanted.get("items", {}).get("type")
            whole = [decoded(item, kind, (name, at)) for at, item in enumerate(cast("list[Any]", whole))]
        meant[name] = whole
    return meant, unread


def _is_free_text(model: type[BaseModel], name: str) -> bool:
    return any(isinstance(mark, FreeText) for mark in model.model_fields[name].metadata)


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


def _near(name: str, fields: Collection[str], cutoff: float) -> str | None:
    """The argument whose name is like this one."""
    from difflib import get_close_matches  # noqa: PLC0415 - most calls have no misspelt argument

    near = get_close_matches(name.lower(), fields, n=1, cutoff=cutoff)
    near = near or [field for field in fields if name and name.lower() in field]
    return near[0] if near else None


def _fields(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """The fields that the object at a place of the arguments may have."""
    schema = input_schema(model)
    for token in location:
        schema = schema["items"] if isinstance(token, int) else schema["properties"][token]
    return list(schema["properties"])


def _detail(fault: ErrorDetails, model: type[BaseModel]) -> str:
    """One sentence: what is wrong and what would be right."""
    kind, given = fault["type"], fault["input"]
    name = str(fault["loc"][-1]) if fault["loc"] else ""
    if kind == "extra_forbidden":
        fields = _fields(model, fault["loc"][:-1])
        near = _near(name, fields, 0.6)
        return "Unknown argument. " + (f"Did you mean {near}?" if near else f"Known: {', '.join(fields)}.")
    if kind == "model_type":
        return f"Must be an object with {' and '.join(_fields(model, fault['loc']))}."
    if kind == "less_than_equal" and "cursor" in model.model_fields:
        return _DETAILS[kind].format_map(fault.get("ctx", {}))[:-1] + "; page with cursor for more."
    # JSON-encoded, a missing output would be stored as an answer.
    if name == "output" and (given in (None, [], {}) or (kind == "missing" and given.get("error"))):
        return f"{_DETAILS[kind].rstrip('.')}; {_FAILED_RUN}"
    if name == "output" and kind == "string_type":
        return "Must be a string; JSON-encode an object or array."
    if kind == "list_type" and isinstance(given, dict):
        # An object with a text in it is one run. Any other holds runs by number, columns, or the arguments again.
        is_one = any(isinstance(value, str) for value in cast("dict[str, Any]", given).values())
        return f"Must be an array{'; put a single object into one' if is_one else ' of objects, one for each run'}."
    context: dict[str, Any] = fault.get("ctx", {})
    if "kind" in context:
        context = {**context, "to_find": TO_FIND.get(context["kind"]), "kind": context["kind"].lower()}
    return _DETAILS.get(kind, fault["msg"] + ".").format_map(context)
