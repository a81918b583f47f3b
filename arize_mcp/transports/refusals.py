"""What the HTTP server itself refuses, as problem+json."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from starlette.responses import JSONResponse

from arize_mcp.api.problems import URN


class RefusalError(Exception):
    """A request that is not served.

    Args:
        status: the answer's HTTP status.
        name: completes the problem's ``type``.
        detail: what is wrong.
        hint: the next step.
        headers: further headers of the answer.
    """

    def __init__(
        self, status: int, name: str, detail: str, hint: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self._status = status
        self._problem = {
            "type": URN + name,
            "title": HTTPStatus(status).phrase,
            "status": status,
            "detail": detail,
            "hint": hint,
        }
        self._headers = headers

    def response(self) -> JSONResponse:
        """The answer."""
        return JSONResponse(self._problem, self._status, self._headers, media_type="application/problem+json")
