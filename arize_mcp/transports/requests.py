"""The host's requests, and those to it, until they are answered."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final, cast

from mcp import types
from mcp.types.version import LATEST_HANDSHAKE_VERSION
from pydantic import ValidationError

from arize_mcp.api import jsontext
from arize_mcp.transports import messages

logger = logging.getLogger(__name__)

_DETAILS: Final = {
    "missing": "Required, but missing.",
    "dict_type": "Must be an object.",
    "model_type": "Must be an object.",
    "list_type": "Must be an array.",
    "string_type": "Must be a string.",
}


class Requests:
    """Notes what comes from the host and what goes to it.

    Attributes:
        open: the host's requests that have no answer yet, by id.
        answered: how many of them have been answered.
        asked: the ids of the requests to the host that have no answer yet.
    """

    def __init__(self) -> None:
        self.open: dict[str | int, types.JSONRPCRequest] = {}
        self.answered = 0
        self.asked: set[str | int] = set()
        self._version: str | None = None

    def came(self, message: types.JSONRPCMessage) -> None:
        """Note a message of the host."""
        if isinstance(message, types.JSONRPCRequest):
            self.open[message.id] = message
        elif isinstance(message, types.JSONRPCNotification) and message.method == "notifications/cancelled":
            # A request that is cancelled is never answered.
            request_id = (message.params or {}).get("requestId")
            if isinstance(request_id, str | int):
                self.open.pop(request_id, None)
        elif isinstance(message, types.JSONRPCResponse | types.JSONRPCError) and message.id is not None:
            self.asked.discard(message.id)

    def goes(self, message: types.JSONRPCMessage) -> types.JSONRPCMessage:
        """Note a message to the host; returns it in the form that the host should get."""
        if isinstance(message, types.JSONRPCResponse | types.JSONRPCError):
            request = None if message.id is None else self.open.pop(message.id, None)
            self.answered += request is not None
            if request is not None and request.method == "initialize" and isinstance(message, types.JSONRPCResponse):
                self._version = message.result["protocolVersion"]
            if request is not None and isinstance(message, types.JSONRPCError) and _is_silent(message.error):
                data = _what_is_wrong(request, self._version)
                logger.warning("refused %s: %s", request.method[:100], data["detail"])
                error = types.ErrorData(code=message.error.code, message=message.error.message, data=data)
                return types.JSONRPCError(jsonrpc="2.0", id=message.id, error=error)
        elif isinstance(message, types.JSONRPCRequest):
            self.asked.add(message.id)
        elif message.params and "progressToken" in message.params:
            token = messages.number_of(message.params["progressToken"])
            params = {**message.params, "progressToken": token}
            return types.JSONRPCNotification(jsonrpc="2.0", method=message.method, params=params)
        return message


def _is_silent(error: types.ErrorData) -> bool:
    return error.code == types.INVALID_PARAMS and error.data == ""


def _what_is_wrong(request: types.JSONRPCRequest, agreed: str | None) -> dict[str, Any]:
    """What is wrong with a request's params that the SDK refused without a reason.

    Args:
        request: the request.
        agreed: the version of the protocol that a handshake agreed on, if there was one.
    """
    params: Mapping[str, Any] = request.params or {}
    meta: Any = {} if agreed or request.method == "initialize" else params.get("_meta")
    told = cast("dict[str, Any]", meta).get(types.PROTOCOL_VERSION_META_KEY) if isinstance(meta, dict) else None
    try:
        types.methods.parse_client_request(request.method, agreed or told or LATEST_HANDSHAKE_VERSION, params)
    except ValidationError as error:
        found: dict[str, str] = {}
        for fault in error.errors(include_url=False, include_input=False):
            detail = _DETAILS.get(fault["type"], fault["msg"] + ".")
            # A member that may have several types gets a fault for each type: the first is kept.
            found.setdefault(_pointer(fault["loc"], params, is_missing=fault["type"] == "missing"), detail)
    else:
        return {"detail": "Send initialize first."}
    errors = [{"pointer": pointer, "detail": detail} for pointer, detail in found.items()]
    return {"detail": " ".join(f"{error['pointer']}: {error['detail']}" for error in errors), "errors": errors}


def _pointer(location: tuple[int | str, ...], params: Mapping[str, Any], *, is_missing: bool) -> str:
    """Where in the params a fault is. A location begins with "params", and may end with the kinds that were tried."""
    path: list[int | str] = []
    value: Any = params
    for token in location[1:]:
        if not isinstance(value, dict if isinstance(token, str) else list):
            break
        try:
            value = cast("Any", value[cast("Any", token)])
        except LookupError:
            path += [token] * is_missing
            break
        path.append(token)
    return jsontext.pointer(path)
