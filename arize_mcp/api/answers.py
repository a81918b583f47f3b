"""From the bytes of an answer to the JSON object that it should be, as sent."""

from __future__ import annotations

import json
import math
from typing import Any, Final, cast

from pydantic import BaseModel, ValidationError

from arize_mcp.api import problems
from arize_mcp.api.http import Answer
from arize_mcp.api.problems import ProblemError

JSONObject = dict[str, Any]
"""A JSON object exactly as the API sent it."""

_MAX_DEPTH: Final = 100


def checked(method: str, answer: Answer, model: type[BaseModel]) -> JSONObject:
    """The answer's JSON object as sent, if it has the model's shape.

    Raises:
        ProblemError: unexpected-response.
    """
    try:
        value: Any = json.loads(
            answer.content.decode("utf-8-sig"), parse_constant=_refuse_constant, parse_float=_finite
        )
        if b"\\ud" in answer.content or b"\\uD" in answer.content:
            # Half of a surrogate pair is valid in JSON's escapes, but no Unicode text: it becomes U+FFFD.
            text = json.dumps(value, ensure_ascii=False)
            value = json.loads(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
    except (ValueError, RecursionError):
        content_type = answer.headers.get("content-type", "")
        error = unexpected(method, answer, f"is not JSON. {problems.describe_body(answer.content, content_type)}")
        # What claims to be JSON may have been cut short on the way; a login page stays one.
        error.is_transient = "json" in content_type
        raise error from None
    try:
        model.model_validate(value)
    except ValidationError as error:
        faults = [f"/{'/'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False)[:5]]
        raise unexpected(method, answer, f"doesn't have the expected shape. {'; '.join(faults)}") from None
    if problems.is_deeper_than(value, _MAX_DEPTH):
        raise unexpected(method, answer, f"is nested deeper than {_MAX_DEPTH} levels.")
    return cast("JSONObject", value)


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(text)
    return number


def unexpected(method: str, answer: Answer, what: str) -> ProblemError:
    """A success of which something is wrong; ``what`` completes "its body ..."."""
    hint = "Check that ARIZE_API_HOST and ARIZE_REGION name the Arize API, and no login page or proxy answers for it."
    return problems.own(
        "unexpected-response",
        "Unexpected response",
        f"The API answered {answer.status}, but its body {what}",
        {"POST": problems.MAYBE_STORED, "DELETE": problems.MAYBE_DELETED}.get(method, hint),
        http_status=answer.status,
    )
