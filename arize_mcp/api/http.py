"""One HTTP request to the API, and what comes back: an answer, or the problem that stands in for it."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import AsyncIterable, Awaitable, Callable, Mapping, MutableMapping
from contextlib import AbstractAsyncContextManager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import quote, urlencode, urlsplit

import httpx
import truststore

from arize_mcp.api import jsontext, problems, refusals
from arize_mcp.api.lanes import Lane, Lanes
from arize_mcp.api.problems import ProblemError
from arize_mcp.api.retry import retry_after_s
from arize_mcp.settings.settings import Settings

ASGIApp = Callable[
    [
        MutableMapping[str, Any],
        Callable[[], Awaitable[MutableMapping[str, Any]]],
        Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ],
    Awaitable[None],
]

logger = logging.getLogger(__name__)

REQUEST_IDS: Final[ContextVar[list[str] | None]] = ContextVar("request_ids", default=None)
"""Where a call's log keeps the ids that the API gave to its requests."""

_AT_ONCE: Final[AbstractAsyncContextManager[None]] = nullcontext()
_PATH: Final = "/v2"
# httpx takes 65,536 for a whole URL.
_MAX_TARGET_CHARS: Final = 65_000


@dataclass(frozen=True, slots=True)
class Answer:
    """A success: its status, headers (case-insensitive) and decoded content."""

    status: int
    headers: Mapping[str, str]
    content: bytes | bytearray


class Connections:
    """The connections to the API. A key goes to the configured host, in one header, and nowhere else.

    Args:
        settings: where the API is and how to reach it.
        app: an ASGI application to call in process instead.
    """

    def __init__(self, settings: Settings, app: ASGIApp | None) -> None:
        self._settings = settings
        self._app = app
        self._transport: httpx.AsyncBaseTransport | None = None
        # These are the same for every request: only the settings decide what is sent, and where to.
        self._url = httpx.URL(settings.base_url)
        self._headers = {
            "Host": self._url.netloc.decode(),
            "User-Agent": f"arize-mcp/{version('arize-mcp')}",
            "Accept": "application/json, application/problem+json",
            "Accept-Encoding": "gzip",
        }
        # The slots decide who waits for a connection: the pool itself never refuses one.
        timeout = httpx.Timeout(settings.read_timeout_s, connect=settings.connect_timeout_s, pool=None)
        self._extensions = {"timeout": timeout.as_dict()}
        self._dated: tuple[str | None, datetime] = (None, datetime.now(UTC))

    @property
    def clock_skew(self) -> timedelta:
        """How far the server's clock was ahead of ours when it last answered, less the time that the answer took."""
        date, came = self._dated
        try:
            return parsedate_to_datetime(date or "") - came
        except (ValueError, TypeError, OverflowError):
            return timedelta()

    async def aclose(self) -> None:
        """Close all connections."""
        if self._transport is not None:
            await self._transport.aclose()
            self._transport = None

    async def send(
        self,
        api_key: str | None,
        method: str,
        segments: tuple[str, ...],
        query: Mapping[str, str | int] | None,
        body: object,
        *,
        on_sent: Callable[[], object] | None = None,
        reading: AbstractAsyncContextManager[None] = _AT_ONCE,
    ) -> Answer:
        """Send one request, once.

        Args:
            api_key: the key to send; without one nothing is sent.
            method: the HTTP method.
            segments: the path after ``/v2``; each is percent-encoded whole.
            query: query parameters.
            body: a JSON value, or None.
            on_sent: is called just before the first byte of the request is sent; until then it can't take effect.
            reading: a context in which the answer's content is read.

        Raises:
            ProblemError: for anything but a success.
        """
        if api_key is None:
            raise problems.missing_api_key()
        target, payload = _encoded(segments, query, body)
        # Only behind a proxy can an exchange fail before the request itself is sent.
        is_sent = self._settings.proxy_url is None

        def note_sent() -> None:
            nonlocal is_sent
            is_sent = True
            if on_sent is not None:
                on_sent()

        request = self._request(api_key, method, target, payload, on_sent if is_sent else note_sent)
        response, content = await self._exchange(request, reading, lambda: is_sent)
        logger.debug("%s %s%s: %d", method, self._settings.base_url, target, response.status_code)
        if (ids := REQUEST_IDS.get()) is not None and (request_id := response.headers.get("x-request-id")):
            ids.append(problems.plain(problems.redact(request_id, api_key), 200))
        if response.is_success:
            return Answer(response.status_code, response.headers, content)
        if response.status_code < 400:
            raise problems.own(
                "redirect",
                "Redirected",
                f"The API answered {response.status_code}, a redirect, which is not followed: the key goes to the "
                f"configured host only ({self._settings.base_url}).",
                "Check ARIZE_REGION, ARIZE_API_HOST and ARIZE_API_SCHEME.",
                http_status=response.status_code,
            )
        raise refusals.from_response(
            method,
            response.status_code,
            response.headers,
            content,
            secret=api_key,
            retry_after_s=retry_after_s(response.headers.get("retry-after"), datetime.now(UTC)),
            shared=self._settings.shared,
            filters=(query or {}).keys(),
        )

    async def post(self, path: str, headers: Mapping[str, str], body: object) -> Answer:
        """Send one POST to a path outside the API, with these headers, and return whatever is answered.

        Raises:
            ProblemError: there was no answer.
        """
        payload = jsontext.dumps(body).encode()
        sent = httpx.Headers(self._headers)
        sent.update({**headers, "Content-Length": str(len(payload))})
        url = self._url.copy_with(raw_path=path.encode())
        stream = httpx.ByteStream(payload)
        request = httpx.Request("POST", url, headers=sent, stream=stream, extensions=dict(self._extensions))
        response, content = await self._exchange(request)
        return Answer(response.status_code, response.headers, content)

    async def _exchange(
        self,
        request: httpx.Request,
        reading: AbstractAsyncContextManager[None] = _AT_ONCE,
        is_sent: Callable[[], bool] = lambda: True,
    ) -> tuple[httpx.Response, bytearray]:
        if self._transport is None:
            self._transport = self._open()
        try:
            response = await self._transport.handle_async_request(request)
            try:
                self._dated = response.headers.get("date"), datetime.now(UTC)
                async with reading:
                    return response, await self._read(response)
            finally:
                await response.aclose()
        except (httpx.HTTPError, ssl.SSLError) as error:  # httpcore passes on errors in TLS records
            raise self._transport_problem(error, request.method, is_sent=is_sent()) from error

    def _request(
        self, api_key: str, method: str, target: str, payload: bytes | None, on_sent: Callable[[], object] | None
    ) -> httpx.Request:
        headers = {**self._headers, "Authorization": f"Bearer {api_key}"}
        if payload is not None:
            headers["Content-Type"] = "application/json"
            headers["Content-Length"] = str(len(payload))
        url, extensions = self._url, self._extensions
        if self._app is None and self._settings.proxy_url is None:
            # This spares parsing a URL. A proxy would take the target for its own; an application doesn't know targets.
            extensions = {**extensions, "target": target.encode()}
        else:
            url = url.copy_with(raw_path=target.encode())
        if on_sent is not None:
            if self._app is not None:
                on_sent()
            extensions = {**extensions, "trace": _trace(on_sent)}
        stream = httpx.ByteStream(payload or b"")
        return httpx.Request(method, url, headers=headers, stream=stream, extensions=extensions)

    async def _read(self, response: httpx.Response) -> bytearray:
        """The whole decoded content, as long as it stays under the limit."""
        encoding = response.headers.get("content-encoding", "identity").strip().lower()
        if encoding not in ("gzip", "identity", ""):
            # With several encodings, the inner ones would be unpacked without a limit.
            raise httpx.DecodingError(f"content encoding {encoding[:50]}")
        limit = self._settings.max_response_bytes
        content = bytearray()
        # No variable holds this iterator: an error raised below would keep it alive until the next garbage collection.
        async for chunk in (
            response.aiter_bytes() if encoding == "gzip" else cast("AsyncIterable[bytes]", response.stream)
        ):
            content += chunk
            if len(content) > limit:
                raise problems.own(
                    "response-too-large",
                    "Response too large",
                    f"The API's answer ({response.status_code}) has more than {limit} bytes; the rest was not read.",
                    "Ask for less with a smaller limit, or raise ARIZE_MCP_MAX_RESPONSE_BYTES.",
                    http_status=response.status_code,
                )
        return content

    def _open(self) -> httpx.AsyncBaseTransport:
        if self._app is not None:
            return httpx.ASGITransport(app=self._app)
        settings = self._settings
        tls = _tls_context(settings)
        # Over TLS, uvloop, which an ASGI server may bring, drops the rest of an answer that waits when the host closes.
        if settings.proxy_url is None and isinstance(asyncio.get_running_loop(), asyncio.BaseEventLoop):
            return Lanes(lambda: Lane(self._url, tls))
        return Lanes(
            lambda: httpx.AsyncHTTPTransport(
                verify=tls,
                limits=httpx.Limits(max_connections=1, max_keepalive_connections=1),
                proxy=settings.proxy_url,
                trust_env=False,
            )
        )

    def _transport_problem(self, error: httpx.HTTPError | ssl.SSLError, method: str, *, is_sent: bool) -> ProblemError:
        """The problem for an exchange that failed below HTTP."""
        where = self._settings.base_url
        causes: list[BaseException] = [error]
        while (cause := causes[-1].__cause__ or causes[-1].__context__) is not None and cause not in causes:
            causes.append(cause)
        tls = next((cause for cause in causes if isinstance(cause, ssl.SSLError)), None)
        if tls is not None and isinstance(error, httpx.ConnectError):
            reason = (getattr(tls, "verify_message", "") or tls.reason or "the handshake failed").rstrip(".")
            if isinstance(tls, ssl.SSLCertVerificationError):
                detail = f"No trusted connection to {where}: {reason}."
                hint = (
                    "If the host's certificate is signed by your company's CA, give that CA's PEM file in "
                    "ARIZE_SSL_CA_CERT."
                )
            else:
                detail = f"No TLS connection to {where}: {reason}."
                hint = "The server there may not speak TLS: check ARIZE_API_SCHEME, the host, its port and the proxy."
            return problems.own("tls-failed", "TLS failed", detail, hint)
        if isinstance(error, httpx.ProxyError):
            detail = f"The proxy refused to connect to {where}: {problems.plain(str(error), 200)}"
            return problems.own("proxy-failed", "Proxy failed", detail, "Check ARIZE_PROXY_URL or HTTPS_PROXY.")
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
            name, title, detail = "connection-failed", "Connection failed", f"No connection to {where}."
            proxy = urlsplit(self._settings.proxy_url or "").hostname
            if isinstance(error, httpx.ConnectTimeout):
                name, title = "timeout", "Timeout"
                detail = f"No connection to {where} within {self._settings.connect_timeout_s:g} s."
            elif any(isinstance(cause, socket.gaierror | UnicodeError) for cause in causes):
                # With a proxy, only the proxy's name is looked up here.
                unknown = f"The proxy's host, {proxy}," if proxy else f"The host of {where}"
                name, title, detail = "dns-failed", "Host not found", f"{unknown} can't be resolved."
            if proxy and name != "dns-failed":
                detail += " A proxy is configured, and may be the cause."
            hint = "Nothing was sent. Check the network, ARIZE_API_HOST, ARIZE_REGION and the proxy settings."
            return problems.own(name, title, detail, hint, is_transient=True)
        if not is_sent:
            is_late = isinstance(error, httpx.TimeoutException)
            name, title = ("timeout", "Timeout") if is_late else ("proxy-failed", "Proxy failed")
            within = f" within {self._settings.read_timeout_s:g} s" if is_late else f" ({type(error).__name__})"
            detail = f"The proxy opened no connection to {where}{within}."
            hint = "Nothing was sent. Check the network, ARIZE_PROXY_URL or HTTPS_PROXY, and the proxy itself."
            return problems.own(name, title, detail, hint, is_transient=True)
        hint = problems.MAYBE_DONE.get(method, "Call again.")
        if isinstance(error, httpx.TimeoutException):
            detail = f"{where} took the request and then sent nothing for {self._settings.read_timeout_s:g} s."
            return problems.own("timeout", "Timeout", detail, hint, was_sent=True)
        detail = f"{where} closed the connection or sent a broken answer ({type(error).__name__})."
        return problems.own("broken-response", "Broken response", detail, hint, was_sent=True, is_transient=True)


def _encoded(
    segments: tuple[str, ...], query: Mapping[str, str | int] | None, body: object
) -> tuple[str, bytes | None]:
    """A request's target and payload; None where it has none."""
    given = [value for value in (dict(query or {}), body) if value]
    if wrong := [fault for value in given for fault in jsontext.faults(value)]:
        raise problems.bad_arguments([{"pointer": pointer, "detail": detail} for pointer, detail in wrong])
    try:
        target = "/".join((_PATH, *(quote(segment, safe="") for segment in segments)))
    except UnicodeEncodeError:
        raise problems.bad_arguments([{"pointer": "#", "detail": jsontext.HALF_A_PAIR}]) from None
    if query:
        target += "?" + urlencode(query)
    if len(target) > _MAX_TARGET_CHARS:
        longest = max(query or (), key=lambda name: len(str((query or {})[name])), default=None)
        pointer = jsontext.pointer([] if longest is None else [longest])
        raise problems.bad_arguments([{"pointer": pointer, "detail": "Is too long for a URL."}])
    payload = None if body is None else jsontext.dumps(body).encode()
    return target, payload


def _trace(on_sent: Callable[[], object]) -> Callable[[str, Mapping[str, Any]], Awaitable[None]]:
    """Calls on_sent at a request's first byte (httpcore's documented ``trace`` extension)."""

    async def trace(event: str, info: Mapping[str, Any]) -> None:
        # The first request to a proxy is CONNECT, which opens the connection.
        if event.endswith(".send_request_headers.started") and info["request"].method != b"CONNECT":
            on_sent()

    return trace


def _tls_context(settings: Settings) -> ssl.SSLContext:
    context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if settings.ca_path is not None:
        path = Path(settings.ca_path)
        try:
            if path.is_dir():
                context.load_verify_locations(capath=str(path))
            else:
                context.load_verify_locations(cafile=str(path))
        except (ssl.SSLError, OSError):
            variables = "ARIZE_SSL_CA_CERT/REQUESTS_CA_BUNDLE/SSL_CERT_FILE"
            raise problems.unusable_settings([(variables, "names a file that holds no PEM certificate.")]) from None
    if not settings.verify_tls:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
