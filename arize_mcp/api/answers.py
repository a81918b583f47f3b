"""From the bytes of an answer to the JSON object that it should be, as sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from pydantic import BaseModel, ValidationError

from arize_mcp.api import jsontext, problems, refusals
from arize_mcp.api.problems import ProblemError

if TYPE_CHECKING:
    from arize_mcp.api.http import Answer

JSONObject = dict[str, Any]
"""A JSON object exactly as the API sent it."""


def checked(method: str, answer: Answer, model: type[BaseModel], secret: str | None) -> JSONObject:
    """The answer's JSON object as sent, if it has the model's shape.

    Args:
        method: the request's HTTP method.
        answer: a success.
        model: what its content should be.
        secret: is taken out of what is quoted of a content that is something else.

    Raises:
        ProblemError: unexpected-response.
    """
    try:
        value: Any = jsontext.loads(answer.content)
    except ValueError:
        content_type = answer.headers.get("content-type", "")
        said = refusals.describe_body(answer.content, content_type, secret)
        error = unexpected(method, answer, f"is not JSON that can be passed on. {said}")
        # What claims to be JSON may have been cut short on the way; a login page stays one.
        error.is_transient = "json" in content_type
        raise error from None
    try:
        model.model_validate(value)
    except ValidationError as error:
        faults = [f"/{'/'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False)[:5]]
        raise unexpected(method, answer, f"doesn't have the expected shape. {'; '.join(faults)}") from None
    return cast("JSONObject", value)


def unexpected(method: str, answer: Answer, what: str) -> ProblemError:
    """A success of which something is wrong; ``what`` completes "its body ..."."""
    hint = "Check that ARIZE_API_HOST and ARIZE_REGION name the Arize API, and no login page or proxy answers for it."
    return problems.own(
        "unexpected-response",
        "Unexpected response",
        f"The API answered {answer.status}, but its body {what}",
        problems.MAYBE_DONE.get(method, hint),
        http_status=answer.status,
    )
