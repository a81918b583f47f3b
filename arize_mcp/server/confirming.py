"""What can't be undone is confirmed by the human first, where the client can ask."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, cast

import anyio
from mcp import types
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.shared.exceptions import MCPError
from pydantic import ValidationError

from arize_mcp.api import problems
from arize_mcp.settings.settings import Settings

_KEY: Final = "confirm"
_MODERN: Final = "2026-07-28"
_SAID: Final = "io.arize-mcp/said"
_WITHOUT_ASKING: Final = (
    "If no question was shown, this host can't put one: set ARIZE_MCP_CONFIRM_DELETE=never in the environment of "
    "arize-mcp, to leave the asking to the host's own approval of tools."
)

Context = ServerRequestContext[Any]


@dataclass(frozen=True, kw_only=True)
class Question:
    """What a human is asked.

    Attributes:
        words: what would be done, and that it can't be undone.
        told: what it would be done to, in the order in which a human makes sure of it. A yes is for exactly that.
        yes: the label of the box to tick.
        nothing: says that nothing has been done.
    """

    words: str
    told: Mapping[str, object]
    yes: str
    nothing: str

    def message(self) -> str:
        """The text to show: a line for each thing told. No value can forge a line of its own."""
        lines = [f"{name}: {'none' if value is None else problems.quoted(value)}" for name, value in self.told.items()]
        return "\n".join((self.words, *lines))

    def schema(self) -> dict[str, Any]:
        """The form to fill in."""
        box = {"type": "boolean", "title": self.yes, "description": "It can't be undone."}
        return {"type": "object", "properties": {_KEY: box}, "required": [_KEY]}

    def not_confirmed(self, detail: str, hint: str = "") -> problems.ProblemError:
        """The problem that it was not confirmed, and so not done."""
        again = f"{self.nothing} Don't try again unless the human asks for it."
        return problems.own("not-confirmed", "Not confirmed", detail, f"{again} {hint}".strip())

    def changed(self) -> problems.ProblemError:
        """The problem that the thing itself has changed since the human was asked about it."""
        return self.not_confirmed("It is no longer what the human was asked about.")


def needs_asking(context: Context, settings: Settings, nothing: str) -> bool:
    """Whether a human has to confirm first.

    Args:
        context: of the call.
        settings: whether one has to.
        nothing: says that nothing has been done.

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
        raise problems.own(
            "not-confirmed",
            "Not confirmed",
            "This client can't ask the human, and ARIZE_MCP_CONFIRM_DELETE=always requires it.",
            f"{nothing} Let the human do it elsewhere, or set ARIZE_MCP_CONFIRM_DELETE=auto to leave the asking to the "
            "host.",
        )
    return False


async def ask(
    context: Context, params: types.CallToolRequestParams, question: Question, settings: Settings, signing_key: bytes
) -> types.InputRequiredResult | None:
    """Have the human confirm.

    Args:
        context: of the call.
        params: of the call; on 2026-07-28 the client makes the call again, with the answer in them.
        question: about what is there now.
        settings: how long to wait.
        signing_key: the caller's, the same in whatever process the answer is read.

    Returns:
        The question, where the client has to call again with its answer (2026-07-28); None when it is confirmed.

    Raises:
        ProblemError: not-confirmed.
    """
    if context.protocol_version == _MODERN:
        if params.input_responses is None or params.request_state is None:
            form = types.ElicitRequestFormParams(message=question.message(), requested_schema=question.schema())
            request = types.ElicitRequest(params=form)
            asked_s = str(int(time.time()))
            state = f"{asked_s}.{_signature(signing_key, asked_s, params, question)}"
            return types.InputRequiredResult(input_requests={_KEY: request}, request_state=state)
        _check_state(params, question, settings, signing_key)
        _check_answer(params.input_responses.get(_KEY), question)
        return None
    with anyio.move_on_after(settings.confirm_timeout_s):
        try:
            answer: object = await context.session.elicit_form(
                question.message(), question.schema(), related_request_id=context.request_id
            )
        except MCPError as error:
            answer = f"error {error.code}, {error.message}"
        except ValidationError as error:
            # A member that may have several types gets a fault for each type; the shortest place is the member's own.
            fault = min(error.errors(), key=lambda fault: len(fault["loc"]))
            member = ".".join(map(str, fault["loc"][:2]))
            answer = f"a result with a wrong {member}, {json.dumps(fault['input'])}"
        _check_answer(answer, question)
        return None
    raise question.not_confirmed(f"No answer came within {settings.confirm_timeout_s:g} s.", _WITHOUT_ASKING)


async def readable_answers(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Let an answer in a wrong form reach the tool (a middleware of the SDK's server).

    On 2026-07-28 answers come in a call's parameters, which the SDK refuses whole where one of them has a wrong form: a
    bare -32602 would tell nobody that nothing was done. Such an answer is passed on as a cancel that says what it was.
    """
    params = ctx.params
    if ctx.method != "tools/call" or not params or params.get("inputResponses") is None:
        return await call_next(ctx)
    given: Any = params["inputResponses"]
    answers = cast("dict[str, Any]", given) if isinstance(given, dict) else {_KEY: given}
    readable = {key: _readable(answer) for key, answer in answers.items()}
    return await call_next(replace(ctx, params={**params, "inputResponses": readable}))


def _readable(answer: Any) -> Any:
    if isinstance(answer, dict) and cast("dict[str, Any]", answer).get("content") == []:
        answer = {**cast("dict[str, Any]", answer), "content": {}}  # PHP's empty object
    try:
        types.ElicitResult.model_validate(answer)
    except ValidationError:
        return {"action": "cancel", "_meta": {_SAID: json.dumps(answer)}}
    return cast("Any", answer)


def _check_answer(answer: object, question: Question) -> None:
    """Refuse any answer but a yes.

    Args:
        answer: an ElicitResult; or, in words, what came instead of one.
        question: which was answered.

    Raises:
        ProblemError: not-confirmed.
    """
    if isinstance(answer, types.ElicitResult):
        if answer.meta and _SAID in answer.meta:
            answer = answer.meta[_SAID]
        elif answer.action != "accept":
            raise question.not_confirmed(
                f"The host answered {answer.action}: by itself, if no question was shown.", _WITHOUT_ASKING
            )
        elif (content := answer.content or {}).get(_KEY) is True:
            return
        elif content.get(_KEY) is False:
            raise question.not_confirmed("The human did not tick the box.")
        else:
            answer = f"accept without content.{_KEY}" + (f", {json.dumps(content)}" if content else "")
    said = problems.quoted("no answer to it" if answer is None else answer)
    raise question.not_confirmed(f"The host did not put the question to the human. It said: {said}.", _WITHOUT_ASKING)


def _check_state(
    params: types.CallToolRequestParams, question: Question, settings: Settings, signing_key: bytes
) -> None:
    asked_s, _, signature = (params.request_state or "").partition(".")
    expected = _signature(signing_key, asked_s, params, question)
    if not hmac.compare_digest(signature.encode(errors="replace"), expected.encode()):
        raise question.not_confirmed(
            "The answer belongs to another question: of another caller or call, or about what has changed since."
        )
    if time.time() - int(asked_s) > settings.confirm_timeout_s:
        raise question.not_confirmed(f"No answer came within {settings.confirm_timeout_s:g} s.")


def _signature(signing_key: bytes, asked_s: str, params: types.CallToolRequestParams, question: Question) -> str:
    """Signs the time, the call and the question. The client hands the signature back, perhaps to another process."""
    asked = [asked_s, params.name, params.arguments, question.words, list(question.told.items())]
    return hmac.new(signing_key, json.dumps(asked, sort_keys=True).encode(), hashlib.sha256).hexdigest()
