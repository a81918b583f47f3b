"""The sandbox's error answers: problem+json with Arize's documented types."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus

from starlette.responses import Response

_TYPES = "https://arize.com/docs/ax/rest-reference/errors#"
_DOCUMENTED = {
    400: ("invalid-request", "Invalid request parameters"),
    401: ("authentication-required", "Authentication required"),
    403: ("access-forbidden", "Access forbidden"),
    404: ("resource-not-found", "Resource not found"),
    409: ("resource-conflict", "Resource conflict"),
    422: ("unprocessable-entity", "Unprocessable Entity"),
    429: ("rate-limit-exceeded", "Rate limit exceeded"),
    503: ("service-unavailable", "Service Unavailable"),
}


class RequestError(Exception):
    """A request that the API refuses.

    Attributes:
        status: the HTTP status of the answer.
        detail: what is wrong with this request.
    """

    def __init__(self, status: int, detail: str) -> None:
        self.status = status
        self.detail = detail
        super().__init__(detail)


def problem_response(
    status: int, detail: str, *, instance: str, request_id: str, headers: Mapping[str, str] | None = None
) -> Response:
    """One error answer. A status without a documented type has the type ``about:blank`` (RFC 9457, 4.2.1)."""
    anchor, title = _DOCUMENTED.get(status, (None, HTTPStatus(status).phrase))
    problem = {
        "type": _TYPES + anchor if anchor else "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
        "instance": instance,
        "request_id": request_id,
    }
    body = json.dumps(problem, ensure_ascii=False).encode("utf-8", "replace")
    return Response(body, status, headers, media_type="application/problem+json")
