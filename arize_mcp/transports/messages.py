"""Turns a line of the host into a message, or into the reply to a line that is no message.

It is generous where nothing else can be meant. A call with a value that can't be sent on as JSON is refused under its
own id, with the value's place. Source: JSON-RPC 2.0, 5.1.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Collection
from contextlib import suppress
from typing import Any, Final, cast

from mcp import types
from mcp.shared.message import ServerMessageMetadata, SessionMessage
from pydantic import ValidationError
from pydantic_core import from_json

from arize_mcp.api import jsontext, problems
from arize_mcp.api.problems import ArgumentError
from arize_mcp.transports.lines import MAX_LINE_BYTES, TooLong
from arize_mcp.transports.outline import Outline

logger = logging.getLogger(__name__)

_BOM: Final = b"\xef\xbb\xbf"
_NOT_UTF8: Final = (
    "Holds bytes that are not UTF-8: the text was cut inside a character or is in another encoding; send it whole, "
    "in UTF-8."
)
# More than jsontext takes, less than Python's own parser.
_LEVELS: Final = 150
_NUMBER: Final = "urn:arize-mcp:number:"
_MEMBERS: Final = {
    "jsonrpc": 'Must be "2.0".',
    "id": "Must be a string or a whole number.",
    "method": "Must be a string.",
    "params": "Must be an object.",
    "result": "Must be an object.",
    "error": "Must be an object with code and message.",
}
"""What each member of a message has to be."""


def read(line: bytes | TooLong, asked: Collection[str | int] = ()) -> SessionMessage | bytes | None:
    """The message of a line; the reply to a line that is no message; None where no reply is due.

    A ``tools/call`` whose arguments can't be taken comes without them. The problem that answers it is then the
    ``request_context`` in the message's metadata.

    Args:
        line: the line.
        asked: the ids of the requests that the host has to answer. An answer to one of them in a wrong form becomes an
        error.
    """
    if isinstance(line, TooLong):
        return _too_long(line, asked)
    line = line.removeprefix(_BOM)
    if not line.strip():
        return None
    try:
        value: Any = from_json(line)
    except ValueError:
        return _faulty(line, asked)
    return _message(value, asked)


def number_of(token: object) -> object:
    """The progress token as the client sent it."""
    if isinstance(token, str) and token.startswith(_NUMBER):
        return float(token.removeprefix(_NUMBER))
    return token


def _message(value: Any, asked: Collection[str | int]) -> SessionMessage | bytes | None:
    if isinstance(value, list):
        return _error(None, types.INVALID_REQUEST, "Invalid request: batches are not supported")
    fields = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
    _mend(fields)
    wrong: list[ArgumentError] = []
    if fields:
        try:
            # The adapter of all four would try each of them on the whole message.
            return SessionMessage(_kind(fields).model_validate(fields, by_name=False))
        except ValidationError as error:
            members = dict.fromkeys(str(fault["loc"][0]) for fault in error.errors(include_url=False))
            wrong = [{"pointer": f"#/{member}", "detail": _MEMBERS[member]} for member in members]
    if _is_answer(fields, asked):
        said = {name: value for name, value in fields.items() if name in ("result", "error")}
        return _no_answer(fields["id"], f"no answer, {json.dumps(said)}" if said else "no answer")
    if "method" in fields and "id" not in fields:
        logger.warning("ignored a malformed notification")
        return None
    if "method" not in fields and not fields.keys().isdisjoint(("result", "error")):
        # No reply to an answer: its id is one of ours, and the host may have a call with the same id.
        logger.warning("ignored a malformed answer")
        return None
    said = "Invalid request: not a JSON-RPC 2.0 message"
    return _error(_id(fields), types.INVALID_REQUEST, said, {"errors": wrong} if wrong else None)


def _is_answer(fields: dict[str, Any], asked: Collection[str | int]) -> bool:
    request_id = fields.get("id")
    return "method" not in fields and isinstance(request_id, str | int) and request_id in asked


def _no_answer(request_id: str | int, said: str) -> SessionMessage:
    """What a host said in place of an answer, so that whoever asked stops waiting."""
    error = types.ErrorData(code=types.INVALID_REQUEST, message=said)
    return SessionMessage(types.JSONRPCError(jsonrpc="2.0", id=request_id, error=error))


def _kind(fields: dict[str, Any]) -> type[types.JSONRPCMessage]:
    if "method" in fields or fields.keys().isdisjoint(("result", "error")):
        return types.JSONRPCRequest if "id" in fields else types.JSONRPCNotification
    return types.JSONRPCError if "error" in fields else types.JSONRPCResponse


def _mend(fields: dict[str, Any]) -> None:
    """Read as meant what some clients send: PHP's ``[]`` for ``{}``, a progress token that is not whole, or null."""
    _mend_empty(fields, "params", "result")
    result: Any = fields.get("result")
    if isinstance(result, dict):
        _mend_empty(cast("dict[str, Any]", result), "content")  # the form that a human filled in
    params: Any = fields.get("params")
    if not isinstance(params, dict):
        return
    params = cast("dict[str, Any]", params)
    _mend_empty(params, "arguments", "_meta", "capabilities")
    _mend_capabilities(params.get("capabilities"))
    meta: Any = params.get("_meta")
    if isinstance(meta, dict):
        meta = cast("dict[str, Any]", meta)
        token = meta.get("progressToken")
        if isinstance(token, float) and math.isfinite(token):
            meta["progressToken"] = f"{_NUMBER}{token!r}"  # the SDK knows whole ones and text
        elif token is None:
            meta.pop("progressToken", None)
        _mend_empty(meta, types.CLIENT_CAPABILITIES_META_KEY)
        _mend_capabilities(meta.get(types.CLIENT_CAPABILITIES_META_KEY))


def _mend_capabilities(fields: Any, levels: int = 2) -> None:
    """Mend only two levels: below them are an extension's own settings, in which an array may be meant."""
    if levels and isinstance(fields, dict):
        fields = cast("dict[str, Any]", fields)
        _mend_empty(fields, *fields)
        for member in fields.values():
            _mend_capabilities(member, levels - 1)


def _mend_empty(fields: dict[str, Any], *names: str) -> None:
    if [] in fields.values():
        for name in names:
            if fields.get(name) == []:
                fields[name] = {}


def _faulty(line: bytes, asked: Collection[str | int]) -> SessionMessage | bytes | None:
    """Take or answer a line that is not JSON, or that holds what can't be sent on as JSON."""
    broken = jsontext.HALF_A_PAIR
    try:
        text = line.decode()
    except UnicodeDecodeError:
        text, broken = line.decode(errors="surrogateescape"), _NOT_UTF8
    try:
        try:
            value = jsontext.read_faulty(text)
        except RecursionError:
            outline = Outline(_LEVELS, MAX_LINE_BYTES)
            outline.feed(line)
            value = jsontext.read_faulty(outline.text.decode(errors="surrogateescape"))
    except ValueError:
        return _error(None, types.PARSE_ERROR, "Parse error: not a line of JSON in UTF-8")
    fields = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
    if not ("method" in fields and "id" in fields):
        # It is no request, so nobody waits for an answer. But it must take effect: it may be a cancel.
        return _message(value, asked)
    arguments = _taken_arguments(fields)
    beside = jsontext.faults(fields, broken)
    if beside:
        errors = [{"pointer": pointer, "detail": detail} for pointer, detail in beside]
        said = f"Invalid request: {beside[0][0]}: {beside[0][1]}"
        return _error(_id(fields), types.INVALID_REQUEST, said, {"errors": errors})
    wrong = jsontext.faults(arguments, broken)
    if wrong:
        return _refused(fields, [{"pointer": pointer, "detail": detail} for pointer, detail in wrong])
    if arguments is not None:
        fields["params"]["arguments"] = arguments
    return _message(fields, asked)


def _too_long(line: TooLong, asked: Collection[str | int]) -> SessionMessage | bytes | None:
    fields: dict[str, Any] = {}
    with suppress(ValueError):
        value: Any = from_json(line.outline.removeprefix(_BOM))
        fields = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
    if fields.get("id") == "":
        del fields["id"]  # a long string, of which nothing was kept
    said = f"is {line.size_bytes} bytes long, and at most {MAX_LINE_BYTES} are taken"
    if _is_answer(fields, asked):
        return _no_answer(fields["id"], f"no answer: it {said}")
    if _id(fields) is None or fields.get("method") != "tools/call":
        known = _id(fields) if "method" in fields else None
        return _error(known, types.INVALID_REQUEST, f"Invalid request: the message {said}")
    _taken_arguments(fields)
    detail = f"The call {said}: send fewer runs a call, or record them from a file (ARIZE_MCP_TOOLSETS=files)."
    return _refused(fields, [{"pointer": "#", "detail": detail}])


def _taken_arguments(fields: dict[str, Any]) -> Any:
    """Take the arguments out of a tools/call; None for any other request."""
    params: Any = fields.get("params")
    if fields.get("method") != "tools/call" or not isinstance(params, dict):
        return None
    return cast("dict[str, Any]", params).pop("arguments", None)


def _refused(fields: dict[str, Any], errors: list[ArgumentError]) -> SessionMessage | bytes | None:
    """The call, with the problem that answers it."""
    message = _message(fields, ())
    if isinstance(message, SessionMessage):
        message.metadata = ServerMessageMetadata(request_context=problems.bad_arguments(errors))
    return message


def _id(fields: dict[str, Any]) -> str | float | None:
    request_id = fields.get("id")
    if isinstance(request_id, bool) or (isinstance(request_id, int | float) and jsontext.faults(request_id)):
        return None
    return request_id if isinstance(request_id, str | int | float) else None


def _error(request_id: str | float | None, code: int, message: str, data: object = None) -> bytes:
    error = {"code": code, "message": message} | ({} if data is None else {"data": data})
    return json.dumps({"jsonrpc": "2.0", "id": request_id, "error": error}).encode()
