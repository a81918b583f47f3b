"""The streamable HTTP transport: stateless in both eras, every caller with their own key.

Source: MCP, Transports, streamable HTTP, 2025-11-25 and 2026-07-28.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, Final

import anyio
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from sse_starlette.sse import AppStatus
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Router
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from arize_mcp.api.pool import Pool
from arize_mcp.server.app import create_server
from arize_mcp.settings import http as settings_http
from arize_mcp.settings.http import HTTPSettings
from arize_mcp.transports import doors
from arize_mcp.transports.call_log import logged
from arize_mcp.transports.keys import API, KEY, Callers, api_of, key_of
from arize_mcp.transports.refusals import RefusalError

logger = logging.getLogger(__name__)

PATH: Final = "/mcp"
_HEALTH_PATH: Final = "/healthz"
_PREFLIGHT_MAX_AGE_S: Final = 600


def create_app(settings: HTTPSettings | None = None, *, api_app: ASGIApp | None = None) -> ASGIApp:
    """The server as an ASGI application.

    Args:
        settings: None reads the environment.
        api_app: an ASGI application to call in process instead of Arize, such as the sandbox.

    Raises:
        SettingsError: with every variable that can't be used.
    """
    settings = settings or settings_http.load()
    calls = settings.calls
    pool = Pool(calls, api_app, settings.max_requests)
    server = create_server(api_of, calls)
    server.middleware.insert(0, logged)
    # Otherwise sse_starlette cuts off the answers of 2025-11-25 once the process is asked to end. uvicorn waits.
    AppStatus.disable_automatic_graceful_drain()
    # Below these levels they log users' data, and a line for each request that says nothing.
    logging.getLogger("sse_starlette").setLevel(logging.INFO)
    logging.getLogger("mcp.server.streamable_http").setLevel(logging.WARNING)
    if not calls.read_only and calls.confirm_delete != "never":
        logger.warning(
            "Over HTTP, clients of MCP before 2026-07-28 can't be asked whether to delete: "
            "ARIZE_MCP_CONFIRM_DELETE=%s %s.",
            calls.confirm_delete,
            "refuses their deletes" if calls.confirm_delete == "always" else "leaves the asking to the host",
        )
    manager = StreamableHTTPSessionManager(server, stateless=True, max_request_body_size=settings.max_body_bytes)

    @asynccontextmanager
    async def lifespan(_: Any) -> AsyncGenerator[None]:
        try:
            async with manager.run():
                yield
        finally:
            await pool.aclose()

    return _Front(settings, Callers(calls, pool), manager.handle_request, Router(lifespan=lifespan).lifespan)


class _Front:
    """Lets in the requests that may come in and whose body has arrived, and refuses all others."""

    def __init__(self, settings: HTTPSettings, callers: Callers, endpoint: ASGIApp, lifespan: ASGIApp) -> None:
        self._settings = settings
        self._callers = callers
        self._endpoint = endpoint
        self._lifespan = lifespan

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        # An ASGI server may run a connection's next request in the context of the one before.
        KEY.set(None)
        try:
            path = scope["path"].removeprefix(scope.get("root_path", ""))
            if path == _HEALTH_PATH and scope["method"] in ("GET", "HEAD"):
                await PlainTextResponse("ok\n")(scope, receive, send)
                return
            origin = doors.check(Headers(scope=scope), self._settings)
            if origin is not None:
                send = _readable_by(origin, send)
            await self._route(path, origin, scope, receive, send)
        except RefusalError as refusal:
            await refusal.response()(scope, receive, send)

    async def _route(self, path: str, origin: str | None, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        if path == _HEALTH_PATH:
            raise _not_allowed(scope["method"], "GET, HEAD")
        if path not in (PATH, PATH + "/"):
            raise RefusalError(404, "not-found", "Nothing is served at this path.", f"MCP is served at {PATH}.")
        if scope["method"] == "OPTIONS" and origin is not None:
            await Response(status_code=204, headers=_preflight(headers))(scope, receive, send)
            return
        if scope["method"] != "POST":
            raise _not_allowed(scope["method"], "POST")
        key = key_of(headers)
        caller = self._callers.of_key(key)
        with caller.call():
            body = await self._body(headers, receive)
            if body is None:
                return
            KEY.set(key)
            scope[API] = caller.api
            await self._endpoint(scope, _replayed(body, receive), send)

    async def _body(self, headers: Headers, receive: Receive) -> bytes | None:
        """The whole body; None where the client has gone.

        Raises:
            RefusalError: 413 for one that is too large, 408 for one that takes too long.
        """
        announced = headers.get("content-length", "")
        if announced.isdecimal() and int(announced) > self._settings.max_body_bytes:
            raise self._too_large()
        chunks: list[bytes] = []
        size = 0
        limit_s = self._settings.calls.read_timeout_s
        with anyio.move_on_after(limit_s):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    return None
                chunks.append(message.get("body", b""))
                size += len(chunks[-1])
                if size > self._settings.max_body_bytes:
                    raise self._too_large()
                if not message.get("more_body", False):
                    return b"".join(chunks)
        raise RefusalError(
            408,
            "slow-body",
            f"The request's body did not arrive within {limit_s:g} s.",
            "Send less, or over a faster connection; ARIZE_MCP_READ_TIMEOUT_S sets the limit.",
            {"Connection": "close"},
        )

    def _too_large(self) -> RefusalError:
        return RefusalError(
            413,
            "body-too-large",
            f"The request's body has more than {self._settings.max_body_bytes} bytes.",
            "Send less at a time; ARIZE_MCP_MAX_BODY_BYTES sets the limit.",
        )


def _not_allowed(method: str, allowed: str) -> RefusalError:
    detail = f"{method} is not allowed here: there are no sessions and no streams to open."
    return RefusalError(405, "method-not-allowed", detail, f"Allowed: {allowed}.", {"Allow": allowed})


def _preflight(headers: Headers) -> dict[str, str]:
    return {
        "Access-Control-Allow-Methods": "POST",
        "Access-Control-Allow-Headers": headers.get("access-control-request-headers", ""),
        "Access-Control-Max-Age": str(_PREFLIGHT_MAX_AGE_S),
    }


def _readable_by(origin: str, send: Send) -> Send:
    """Tell a browser that pages of an origin may read the answer (Fetch standard, CORS protocol)."""

    async def told(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["Access-Control-Allow-Origin"] = origin
            headers["Access-Control-Expose-Headers"] = "WWW-Authenticate, Retry-After"
            headers.add_vary_header("Origin")
        await send(message)

    return told


def _replayed(body: bytes, receive: Receive) -> Receive:
    """Receives the body that was read, then whatever else comes."""
    is_read = False

    async def replay() -> Message:
        nonlocal is_read
        if is_read:
            return await receive()
        is_read = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
