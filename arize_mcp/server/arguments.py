"""From a tool's raw arguments to its request model, or to all that is wrong with them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, TypeVar, cast
from urllib.parse import quote

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from arize_mcp.api import problems
from arize_mcp.api.problems import ArgumentError
from arize_mcp.server.schemas import input_schema

_RequestT = TypeVar("_RequestT", bound=BaseModel)

MAX_ERRORS: Final = 20
"""How many errors one problem lists: a create with 1,000 wrong runs is corrected by what the first ones say."""

_NOT_WHOLE: Final = "Must be a whole number."
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
    "list_type": "Must be an array; put a single object into one.",
    "too_short": "Must have at least {min_length} item.",
    "too_long": "Must have at most {max_length} items.",
    "path_segment": "Is not an id; experiments_list shows the ids.",
    "name_for_id": "Looks like a name; experiments_list has a name argument to find its id by its name.",
    "link": "Is a link without the id of the {kind} in it: experiments_list shows the ids.",
}
"""What is said of each kind of fault that pydantic finds in a request model."""


def parse(model: type[_RequestT], arguments: Mapping[str, Any]) -> _RequestT:
    """Validate raw arguments, generously where no other call can be meant.

    Raises:
        ProblemError: bad-arguments, with every error (the first MAX_ERRORS). No value is echoed.
    """
    try:
        return model.model_validate(_meant(model, arguments))
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)
        errors = [ArgumentError(pointer=_pointer(fault["loc"]), detail=_detail(fault, model)) for fault in faults]
    if len(errors) > MAX_ERRORS:
        more = ArgumentError(pointer="#", detail=f"{len(errors) - MAX_ERRORS} more errors are not listed.")
        errors = [*errors[:MAX_ERRORS], more]
    raise problems.bad_arguments(errors)


def _meant(model: type[BaseModel], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments without the quirks of clients.

    An optional given as null, "" or "null" is absent. An array or object given as its JSON text is decoded, once, where
    the schema wants one.
    """
    schema = input_schema(model)
    required: list[str] = schema.get("required", [])
    meant: dict[str, Any] = {}
    for name, value in arguments.items():
        wanted: dict[str, Any] = schema["properties"].get(name, {})
        if wanted and name not in required and value in (None, "", "null"):
            continue
        decoded = _decoded(value, wanted.get("type"))
        kind = wanted.get("items", {}).get("type")
        meant[name] = (
            [_decoded(item, kind) for item in cast("list[Any]", decoded)] if isinstance(decoded, list) else decoded
        )
    return meant


def _decoded(value: Any, kind: str | None) -> Any:
    if not isinstance(value, str) or kind not in ("array", "object"):
        return value
    try:
        decoded: Any = json.loads(value)
    except (ValueError, RecursionError):
        return value
    return cast("Any", decoded) if isinstance(decoded, list | dict) else value


def _pointer(location: tuple[int | str, ...]) -> str:
    """A JSON Pointer in URI fragment form (RFC 6901, 6)."""
    tokens = (str(token).replace("~", "~0").replace("/", "~1") for token in location)
    return "#" + "".join("/" + quote(problems.plain(token, 200), safe="~.[]") for token in tokens)


def _fields(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """The fields that the object at a place of the arguments may have."""
    schema = input_schema(model)
    for token in location:
        schema = schema["items"] if isinstance(token, int) else schema["properties"][token]
    return list(schema["properties"])


def _detail(fault: ErrorDetails, model: type[BaseModel]) -> str:
    """One sentence: what is wrong and what would be right."""
    name = str(fault["loc"][-1]) if fault["loc"] else ""
    if fault["type"] == "extra_forbidden":
        from difflib import get_close_matches  # noqa: PLC0415 - most calls have no misspelt argument

        fields = _fields(model, fault["loc"][:-1])
        near = get_close_matches(name.lower(), fields, n=1)
        near = near or [field for field in fields if name and name.lower() in field]
        known = f"Did you mean {near[0]}?" if near else f"Known: {', '.join(fields)}."
        return f"Unknown argument. {known}"
    if fault["type"] == "model_type":
        return f"Must be an object with {' and '.join(_fields(model, fault['loc']))}."
    if fault["type"] == "less_than_equal" and "cursor" in model.model_fields:
        return _DETAILS["less_than_equal"].format_map(fault.get("ctx", {}))[:-1] + "; page with cursor for more."
    if fault["type"] == "string_type" and name == "output":
        return "Must be a string; JSON-encode an object or array."
    return _DETAILS.get(fault["type"], fault["msg"] + ".").format_map(fault.get("ctx", {}))
