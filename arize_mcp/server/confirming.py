"""The delete guard: asks the human, where the client can, before an experiment goes for good."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from typing import Any, Final

import anyio
from mcp import types
from mcp.server.context import ServerRequestContext

from arize_mcp.api import problems
from arize_mcp.api.answers import JSONObject
from arize_mcp.settings.settings import Settings

_KEY: Final = "confirm"
_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {_KEY: {"type": "boolean", "title": "Delete it", "description": "It can't be undone."}},
    "required": [_KEY],
}
_MODERN: Final = "2026-07-28"
_SIGNING_KEY: Final = secrets.token_bytes(32)

Context = ServerRequestContext[Any]


def needs_asking(context: Context, settings: Settings) -> bool:
    """Whether a delete has to be confirmed by the human.

    Raises:
        ProblemError: not-confirmed, where one always has to and the client can't ask.
    """
    if settings.confirm_delete == "never":
        return False
    capabilities = context.session.client_capabilities
    elicitation = capabilities.elicitation if capabilities else None
    # Before 2025-11-25 there was only one mode, and nothing to declare it with.
    if elicitation is not None and (elicitation.form is not None or elicitation.url is None):
        return True
    if settings.confirm_delete == "always":
        raise _not_confirmed(
            "This client can't ask the human, and ARIZE_MCP_CONFIRM_DELETE=always demands it.",
            "Let the human delete it elsewhere, or set ARIZE_MCP_CONFIRM_DELETE=auto to leave the asking to the host.",
        )
    return False


async def ask(
    context: Context, params: types.CallToolRequestParams, experiment: JSONObject, settings: Settings
) -> types.InputRequiredResult | None:
    """Have the human confirm that an experiment goes.

    Args:
        context: of the call.
        params: of the call, which on 2026-07-28 comes again with the answer.
        experiment: what is to go, as it is now.
        settings: how long to wait.

    Returns:
        The question, where the client has to call again with its answer (2026-07-28); None when it is confirmed.

    Raises:
        ProblemError: not-confirmed.
    """
    if context.protocol_version == _MODERN:
        if params.input_responses is None or params.request_state is None:
            form = types.ElicitRequestFormParams(message=_question(experiment), requested_schema=_SCHEMA)
            request = types.ElicitRequest(params=form)
            return types.InputRequiredResult(input_requests={_KEY: request}, request_state=_state(experiment))
        _check_state(params.request_state, experiment, settings)
        _check_answer(params.input_responses.get(_KEY))
        return None
    with anyio.move_on_after(settings.confirm_timeout_s):
        answer = await context.session.elicit_form(
            _question(experiment), _SCHEMA, related_request_id=context.request_id
        )
        _check_answer(answer)
        return None
    raise _not_confirmed(f"The human did not answer within {settings.confirm_timeout_s:g} s.")


def _question(experiment: JSONObject) -> str:
    """What will go, in the order in which a human makes sure of it."""
    told = {
        "Name": experiment.get("name"),
        "Id": experiment.get("id"),
        "Dataset": experiment.get("dataset_id") or "none",
        "Created": experiment.get("created_at"),
    }
    lines = [f"{name}: {problems.plain(str(value), 300)}" for name, value in told.items()]
    return "Delete this experiment with all its runs? This can't be undone.\n" + "\n".join(lines)


def _check_answer(answer: object) -> None:
    if not isinstance(answer, types.ElicitResult) or answer.action != "accept":
        action = answer.action if isinstance(answer, types.ElicitResult) else "decline"
        raise _not_confirmed({"decline": "The human declined.", "cancel": "The human cancelled."}[action])
    if (answer.content or {}).get(_KEY) is not True:
        raise _not_confirmed("The human did not confirm.")


def _state(experiment: JSONObject) -> str:
    """Which experiment was asked about, and when: signed, because the client hands it back."""
    asked_s = str(int(time.time()))
    return f"{asked_s}.{_signature(asked_s, experiment)}"


def _check_state(state: str, experiment: JSONObject, settings: Settings) -> None:
    asked_s, _, signature = state.partition(".")
    if not hmac.compare_digest(signature.encode(), _signature(asked_s, experiment).encode()):
        raise changed()
    if time.time() - int(asked_s) > settings.confirm_timeout_s:
        raise _not_confirmed(f"The human did not answer within {settings.confirm_timeout_s:g} s.")


def _signature(asked_s: str, experiment: JSONObject) -> str:
    identity = [experiment.get(key) for key in ("id", "name", "dataset_id", "created_at")]
    message = json.dumps([asked_s, identity]).encode()
    return hmac.new(_SIGNING_KEY, message, hashlib.sha256).hexdigest()


def changed() -> problems.ProblemError:
    """The experiment is not the one that the human was asked about."""
    return _not_confirmed("The experiment is not the one that the human was asked about.")


def is_same(before: JSONObject, after: JSONObject) -> bool:
    """Whether two readings show the same experiment."""
    return _signature("", before) == _signature("", after)


def _not_confirmed(
    detail: str, hint: str = "Nothing was deleted. Don't try again unless the human asks for it."
) -> problems.ProblemError:
    return problems.own("not-confirmed", "Not confirmed", detail, hint)
