"""Turns the bytes of an answer into the JSON object that it should be, as sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from pydantic import BaseModel, ValidationError

from arize_mcp.api import problems, reading, refusals
from arize_mcp.api.problems import ProblemError
from arize_mcp.api.reading import NotJSONError

if TYPE_CHECKING:
    from arize_mcp.api.http import Answer

_ANSWERED_BY_ANOTHER: Final = (
    "Check that ARIZE_API_HOST and ARIZE_REGION name the Arize API, and no login page or proxy answers for it."
)

_OF_ANOTHER_SHAPE: Final = (
    "It is JSON, but not what this API describes: another service may have answered, or a newer API, which a newer "
    "arize-mcp may know."
)

JSONObject = dict[str, Any]
"""A JSON object as the API sent it."""


def checked(method: str, answer: Answer, model: type[BaseModel], secret: str | None) -> JSONObject:
    """The answer's JSON object as sent, if it has the model's shape.

    Its member ``shortened`` lists what can't be passed on as it was sent (``reading.read``).

    Args:
        method: the request's HTTP method.
        answer: a success.
        model: what its content should be.
        secret: is removed from what is quoted of any other content.

    Raises:
        ProblemError: unexpected-response.
    """
    try:
        value, told = reading.read(answer.content)
    except NotJSONError as fault:
        content_type = answer.headers.get("content-type", "")
        if "json" in content_type and answer.content.lstrip()[:1] not in (b"", b"<"):
            error = unexpected(method, answer, f"{fault}.", "The API sent it so: ask for other items, or tell Arize.")
        else:
            said = refusals.describe_body(answer.content, content_type, secret)
            error = unexpected(method, answer, f"is not JSON. {said}", _ANSWERED_BY_ANOTHER)
        # What claims to be JSON may have been cut short on the way; a login page stays one.
        error.is_transient = "json" in content_type and fault.is_cut
        raise error from None
    try:
        model.model_validate(value)
    except ValidationError as error:
        faults = [f"/{'/'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False)[:5]]
        raise unexpected(
            method, answer, f"doesn't have the expected shape. {'; '.join(faults)}", _OF_ANOTHER_SHAPE
        ) from None
    if told:
        value["shortened"] = told
    return cast("JSONObject", value)


def unexpected(method: str, answer: Answer, what: str, hint: str) -> ProblemError:
    """The problem that the body of a success is wrong.

    Args:
        method: the request's HTTP method.
        answer: the success.
        what: completes "its body ...".
        hint: the next step, where the request only reads.
    """
    return problems.own(
        "unexpected-response",
        "Unexpected response",
        f"The API answered {answer.status}, but its body {what}",
        problems.MAYBE_DONE.get(method, hint),
        http_status=answer.status,
    )
