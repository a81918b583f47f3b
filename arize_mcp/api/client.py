"""The Arize Experiments API, one coroutine per endpoint."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, cast
from urllib.parse import quote

import httpx
import truststore
from pydantic import BaseModel, ValidationError

from arize_mcp.api import problems
from arize_mcp.api.models import (
    CreateExperimentRequest,
    DeletedExperiment,
    DeleteExperimentRequest,
    Experiment,
    ExperimentRunsPage,
    ExperimentsPage,
    GetExperimentRequest,
    ListExperimentRunsRequest,
    ListExperimentsRequest,
)
from arize_mcp.api.problems import ProblemError
from arize_mcp.api.retry import retry_after_s
from arize_mcp.settings import Settings

ASGIApp = Callable[
    [
        MutableMapping[str, Any],
        Callable[[], Awaitable[MutableMapping[str, Any]]],
        Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ],
    Awaitable[None],
]
JSONObject = dict[str, Any]
"""A JSON object exactly as the API sent it."""

_PATH: Final = "/v2/experiments"
_JSON: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


class ExperimentsAPI:
    """The five endpoints over one pool of HTTP connections.

    Use it as an async context manager::

        async with ExperimentsAPI(settings) as api:
            page = await api.list(ListExperimentsRequest(limit=10))

    Every method returns the API's JSON object as sent, checked against its response model, and raises
    ``ProblemError`` for anything else. One instance serves any number of concurrent calls.

    Args:
        settings: where the API is and how to reach it.
        app: an ASGI application to call in process instead of a server, such as the sandbox.
    """

    def __init__(self, settings: Settings, *, app: ASGIApp | None = None) -> None:
        self._settings = settings
        self._app = app
        self._http: httpx.AsyncClient | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._http is not None:
            await self._http.aclose()
            self._http = None

    async def create(self, request: CreateExperimentRequest) -> JSONObject:
        """Create an experiment with its runs (the API document, experiments_create).

        Returns:
            The Experiment, without its runs.

        Raises:
            ProblemError: whatever else happened.
        """
        return await self._call(Experiment, "POST", body=request.model_dump())

    async def delete(self, request: DeleteExperimentRequest) -> JSONObject:
        """Delete an experiment and its runs for good (the API document, experiments_delete).

        Returns:
            A DeletedExperiment.

        Raises:
            ProblemError: whatever else happened.
        """
        await self._call(None, "DELETE", request.experiment_id)
        return DeletedExperiment(experiment_id=request.experiment_id, deleted=True).model_dump()

    async def get(self, request: GetExperimentRequest) -> JSONObject:
        """Get an experiment (the API document, experiments_get).

        Returns:
            The Experiment, without its runs.

        Raises:
            ProblemError: whatever else happened.
        """
        return await self._call(Experiment, "GET", request.experiment_id)

    async def list(self, request: ListExperimentsRequest) -> JSONObject:
        """List experiments, a page at a time (the API document, experiments_list).

        Returns:
            An ExperimentsPage.

        Raises:
            ProblemError: whatever else happened.
        """
        return await self._call(ExperimentsPage, "GET", query=request.model_dump(exclude_none=True))

    async def list_runs(self, request: ListExperimentRunsRequest) -> JSONObject:
        """List an experiment's runs in the order they were recorded (the API document, experiments_runs_list).

        Returns:
            An ExperimentRunsPage.

        Raises:
            ProblemError: whatever else happened.
        """
        query = request.model_dump(exclude_none=True, exclude={"experiment_id"})
        return await self._call(ExperimentRunsPage, "GET", request.experiment_id, "runs", query=query)

    async def _call(
        self,
        model: type[BaseModel] | None,
        method: str,
        *segments: str,
        query: Mapping[str, str | int] | None = None,
        body: JSONObject | None = None,
    ) -> JSONObject:
        """Call one endpoint; its answer, checked against model, or {} where there is none."""
        try:
            response = await self._send(method, *segments, query=query, body=body)
            return {} if model is None else _checked(response, model)
        except ProblemError as error:
            # Whatever was quoted from an answer may echo the key.
            error.problem = problems.redact(error.problem, self._settings.api_key)
            raise

    async def _send(
        self,
        method: str,
        *segments: str,
        query: Mapping[str, str | int] | None = None,
        body: JSONObject | None = None,
    ) -> httpx.Response:
        """Send one request to the path of the given segments, each percent-encoded whole."""
        if self._settings.api_key is None:
            raise problems.missing_api_key()
        if self._http is None:
            self._http = self._open()
        try:
            request = self._http.build_request(
                method,
                "/".join((_PATH, *(quote(segment, safe="") for segment in segments))),
                params=query,
                content=None if body is None else _JSON.encode(body).encode(),
                headers=None if body is None else {"Content-Type": "application/json"},
            )
        except ValueError:
            # NaN, infinities and lone surrogates: Python has them, JSON and UTF-8 don't.
            detail = "An argument holds NaN, Infinity or a broken Unicode character, which can't be sent as JSON."
            raise problems.bad_arguments([{"pointer": "#", "detail": detail}]) from None
        try:
            response = await self._http.send(request)
        except httpx.HTTPError as error:
            raise _transport_problem(error, self._settings, method) from error
        if response.is_success:
            return response
        if response.is_redirect:
            raise problems.own(
                "redirect",
                "Redirected",
                f"The API answered {response.status_code}, a redirect, which is not followed: the key goes to the "
                f"configured host only ({self._settings.base_url}).",
                "Check ARIZE_REGION, ARIZE_API_HOST and ARIZE_API_SCHEME.",
                status=response.status_code,
            )
        raise problems.from_response(
            method,
            response.status_code,
            response.headers,
            response.content,
            retry_after_s=retry_after_s(response.headers.get("retry-after"), datetime.now(UTC)),
        )

    def _open(self) -> httpx.AsyncClient:
        settings = self._settings
        if self._app is not None:
            transport = httpx.ASGITransport(app=self._app)
        else:
            transport = httpx.AsyncHTTPTransport(
                verify=_tls_context(settings),
                limits=httpx.Limits(max_connections=settings.max_connections),
                proxy=settings.proxy_url,
                trust_env=False,
            )
        return httpx.AsyncClient(
            base_url=settings.base_url,
            transport=transport,
            # Nothing but the settings decides what is sent and where to: no .netrc, no proxy variables.
            trust_env=False,
            follow_redirects=False,
            timeout=httpx.Timeout(settings.read_timeout_s, connect=settings.connect_timeout_s),
            headers={
                "Authorization": f"Bearer {settings.api_key}",
                "User-Agent": f"arize-mcp/{version('arize-mcp')}",
                "Accept": "application/json, application/problem+json",
            },
        )


def _checked(response: httpx.Response, model: type[BaseModel]) -> JSONObject:
    content = response.content
    try:
        value: Any = json.loads(content.decode("utf-8-sig"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise _unexpected(
            response,
            "is not JSON. " + problems.describe_body(content, response.headers.get("content-type", "")),
        ) from None
    try:
        model.model_validate(value)
    except ValidationError as error:
        faults = [f"/{'/'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False)[:5]]
        raise _unexpected(response, f"doesn't have the expected shape. {'; '.join(faults)}") from None
    return cast("JSONObject", value)


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def _unexpected(response: httpx.Response, what: str) -> ProblemError:
    if response.request.method == "POST":
        hint = problems.MAYBE_STORED
    else:
        hint = (
            "Check that ARIZE_API_HOST and ARIZE_REGION name the Arize API, and no login page or proxy answers for it."
        )
    return problems.own(
        "unexpected-response",
        "Unexpected response",
        f"The API answered {response.status_code}, but its body {what}",
        hint,
        status=response.status_code,
    )


def _transport_problem(error: httpx.HTTPError, settings: Settings, method: str) -> ProblemError:
    """The problem for an exchange that failed below HTTP."""
    where = settings.base_url
    causes: list[BaseException] = [error]
    while (cause := causes[-1].__cause__ or causes[-1].__context__) is not None and cause not in causes:
        causes.append(cause)
    never_sent = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout | httpx.ProxyError)
    if never_sent:
        hint = "Nothing was sent. Check the network, ARIZE_API_HOST, ARIZE_REGION and the proxy settings."
    elif method == "POST":
        hint = problems.MAYBE_STORED
    elif method == "DELETE":
        hint = "The experiment may have been deleted: experiments_get shows whether it still exists."
    else:
        hint = "Call again; reading changes nothing."
    tls = next((cause for cause in causes if isinstance(cause, ssl.SSLError)), None)
    if tls is not None:
        reason = getattr(tls, "verify_message", "") or tls.reason or "the handshake failed"
        return problems.own(
            "tls-failed",
            "TLS failed",
            f"No trusted connection to {where}: {reason}.",
            "If the host's certificate is signed by your company's CA, give that CA's PEM file in ARIZE_SSL_CA_CERT.",
        )
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return problems.own("dns-failed", "Host not found", f"The host of {where} can't be resolved.", hint)
    if isinstance(error, httpx.ProxyError):
        detail = "The proxy refused to connect to the API. " + problems.plain(str(error), 200)
        return problems.own("proxy-failed", "Proxy failed", detail, "Check ARIZE_PROXY_URL or HTTPS_PROXY.")
    if isinstance(error, httpx.ConnectTimeout):
        detail = f"No connection to {where} within {settings.connect_timeout_s:g} s."
        return problems.own("timeout", "Timeout", detail, hint)
    if isinstance(error, httpx.PoolTimeout):
        detail = f"All {settings.max_connections} connections to {where} were busy."
        return problems.own("timeout", "Timeout", detail, "Call again when other calls have ended.")
    if isinstance(error, httpx.TimeoutException):
        detail = f"{where} took the request and sent nothing for {settings.read_timeout_s:g} s."
        return problems.own("timeout", "Timeout", detail, hint)
    if isinstance(error, httpx.ConnectError):
        return problems.own("connection-failed", "Connection failed", f"No connection to {where}.", hint)
    detail = f"{where} closed the connection or sent a broken answer ({type(error).__name__})."
    return problems.own("broken-response", "Broken response", detail, hint)


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
            raise problems.unusable_settings(
                [("ARIZE_SSL_CA_CERT", "names a file that holds no PEM certificate.")]
            ) from None
    if not settings.verify_tls:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
