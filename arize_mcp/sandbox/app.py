"""The sandbox's routes: the Experiments API's contract over HTTP.

Beside the five endpoints there are appending runs and reading datasets with their examples, and what Arize's own SDK
calls: searching runs and examples (without filters), and listing spaces to resolve a name.

Chosen where the contract is silent: experiments come newest first; an unknown dataset or space in a filter is 404 for
experiments, and finds no dataset; a cursor of another query is 400; a run carries ``error: null`` where none was sent,
and no ``annotations``, nor does an example; an append is an update of its experiment; every answer, also to an unknown
path, needs the key first.
"""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from arize_mcp.sandbox import cursors, rules
from arize_mcp.sandbox.problems import RequestError, problem_response
from arize_mcp.sandbox.seed import API_KEY, seed
from arize_mcp.sandbox.store import Row, Store


def create_app(store: Store | None = None, *, api_key: str = API_KEY) -> Starlette:
    """The sandbox as an ASGI application.

    Args:
        store: its data; None makes a new store in memory. A store without a space is seeded.
        api_key: the one key it accepts.
    """
    store = store or Store()
    seed(store)
    experiments, datasets = _Experiments(store), _Datasets(store)
    app = Starlette(
        routes=[
            Route("/v2/experiments", experiments.list, methods=["GET"]),
            Route("/v2/experiments", experiments.create, methods=["POST"]),
            Route("/v2/experiments/{experiment_id}", experiments.get, methods=["GET"]),
            Route("/v2/experiments/{experiment_id}", experiments.delete, methods=["DELETE"]),
            Route("/v2/experiments/{experiment_id}/runs", experiments.list_runs, methods=["GET"]),
            Route("/v2/experiments/{experiment_id}/runs", experiments.append_runs, methods=["POST"]),
            Route("/v2/experiments/{experiment_id}/runs/search", experiments.search_runs, methods=["POST"]),
            Route("/v2/spaces", _listing(store, "spaces", store.spaces), methods=["GET"]),
            Route("/v2/datasets", _listing(store, "datasets", lambda: store.datasets()[::-1]), methods=["GET"]),
            Route("/v2/datasets/{dataset_id}", datasets.get, methods=["GET"]),
            Route("/v2/datasets/{dataset_id}/examples", datasets.list_examples, methods=["GET"]),
            Route("/v2/datasets/{dataset_id}/examples/search", datasets.search_examples, methods=["POST"]),
        ],
        middleware=[Middleware(_Gate, api_key=api_key)],
        exception_handlers={
            RequestError: _refused,
            HTTPException: _not_routed,
            Exception: _failed,
        },
    )
    app.router.redirect_slashes = False
    app.state.store = store
    return app


class _Experiments:
    """One coroutine per endpoint of experiments."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def create(self, request: Request) -> Response:
        rules.query(request.query_params)
        new = rules.new_experiment(await _body(request))
        experiment = await run_in_threadpool(
            self._store.create_experiment, new.name, new.dataset_id, new.space_id, new.runs
        )
        return _json(experiment, 201)

    async def get(self, request: Request) -> Response:
        rules.query(request.query_params)
        return _json(await run_in_threadpool(self._store.experiment, request.path_params["experiment_id"]))

    async def delete(self, request: Request) -> Response:
        rules.query(request.query_params)
        await run_in_threadpool(self._store.delete_experiment, request.path_params["experiment_id"])
        return Response(status_code=204)

    async def list(self, request: Request) -> Response:
        query = rules.query(request.query_params, "dataset_id", "space_id", "name", "limit", "cursor")
        dataset_id, space_id, name = (query.get(key) for key in ("dataset_id", "space_id", "name"))
        if dataset_id and space_id:
            raise RequestError(400, "Provide at most one of 'dataset_id' and 'space_id'.")
        if name and len(name) > rules.MAX_NAME_CHARS:
            raise RequestError(400, f"'name' must have at most {rules.MAX_NAME_CHARS} characters.")
        limit = rules.query_limit(query.get("limit"), 100)
        bound = ("experiments", dataset_id, space_id, name)
        before = cursors.decode(self._store.cursor_secret, bound, query.get("cursor"))
        page, position = await run_in_threadpool(self._store.experiments, dataset_id, space_id, name, limit, before)
        return _json({"experiments": page, "pagination": _pagination(self._store, bound, position)})

    async def list_runs(self, request: Request) -> Response:
        query = rules.query(request.query_params, "limit", "cursor")
        limit = rules.query_limit(query.get("limit"), 500)
        return await self._runs(request.path_params["experiment_id"], "runs", limit, query.get("cursor"))

    async def append_runs(self, request: Request) -> Response:
        rules.query(request.query_params)
        body = await _body(request)
        experiment = await run_in_threadpool(self._store.experiment, request.path_params["experiment_id"])
        runs = rules.appended_runs(body, has_dataset=experiment["dataset_id"] is not None)
        return _json(await run_in_threadpool(self._store.append_runs, experiment["id"], runs), 201)

    async def search_runs(self, request: Request) -> Response:
        rules.query(request.query_params)
        strings, limit = rules.search(await _body(request), "cursor")
        return await self._runs(request.path_params["experiment_id"], "search", limit, strings.get("cursor"))

    async def _runs(self, experiment_id: str, endpoint: str, limit: int, cursor: str | None) -> Response:
        bound = (endpoint, experiment_id)
        after = cursors.decode(self._store.cursor_secret, bound, cursor)
        page, position = await run_in_threadpool(self._store.runs, experiment_id, limit, after)
        return _json({"experiment_runs": page, "pagination": _pagination(self._store, bound, position)})


class _Datasets:
    """One coroutine per endpoint of one dataset."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def get(self, request: Request) -> Response:
        rules.query(request.query_params)
        return _json(await run_in_threadpool(self._store.dataset, request.path_params["dataset_id"]))

    async def list_examples(self, request: Request) -> Response:
        query = rules.query(request.query_params, "dataset_version_id", "limit", "cursor")
        return await self._examples(request, "examples", rules.query_limit(query.get("limit"), 500), query)

    async def search_examples(self, request: Request) -> Response:
        rules.query(request.query_params)
        strings, limit = rules.search(await _body(request), "dataset_version_id", "cursor")
        return await self._examples(request, "examples search", limit, strings)

    async def _examples(self, request: Request, endpoint: str, limit: int, query: dict[str, str]) -> Response:
        dataset_id, version_id = request.path_params["dataset_id"], query.get("dataset_version_id")
        bound = (endpoint, dataset_id, version_id)
        after = cursors.decode(self._store.cursor_secret, bound, query.get("cursor"))
        page, position = await run_in_threadpool(self._store.examples, dataset_id, version_id, limit, after)
        return _json({"examples": page, "pagination": _pagination(self._store, bound, position)})


def _listing(store: Store, key: str, load: Callable[[], list[Row]]) -> Callable[[Request], Awaitable[Response]]:
    """A list of all spaces or datasets, with the filters by which the SDK resolves a name."""

    async def endpoint(request: Request) -> Response:
        query = rules.query(request.query_params, "space_id", "space_name", "name", "limit", "cursor")
        limit = rules.query_limit(query.get("limit"), 100)
        bound = (key, *(query.get(name) for name in ("space_id", "space_name", "name")))
        after = cursors.decode(store.cursor_secret, bound, query.get("cursor")) or 0
        space_names = {space["id"]: space["name"] for space in await run_in_threadpool(store.spaces)}
        rows = [
            row
            for row in await run_in_threadpool(load)
            if query.get("name", "").casefold() in row["name"].casefold()
            and query.get("space_id", row.get("space_id")) == row.get("space_id")
            and query.get("space_name", "").casefold() in space_names.get(row.get("space_id"), "").casefold()
        ]
        end = after + limit
        pagination = _pagination(store, bound, end if end < len(rows) else None)
        return _json({key: rows[after:end], "pagination": pagination})

    return endpoint


class _Gate:
    """Gives every request an id, asks for the key, and keeps an encoded slash inside its path segment."""

    def __init__(self, app: ASGIApp, api_key: str) -> None:
        self._app = app
        self._expected = f"Bearer {api_key}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope.setdefault("state", {})["request_id"] = f"req_{secrets.token_hex(8)}"
        raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
        segments = (unquote(segment).replace("/", "%2F") for segment in raw_path.split(b"?")[0].decode().split("/"))
        scope["path"] = "/".join(segments)
        given = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
        if hmac.compare_digest(given, self._expected):
            await self._app(scope, receive, send)
            return
        detail = "The API key is not valid." if given else "Send the API key as 'Authorization: Bearer <api-key>'."
        response = _problem(Request(scope), 401, detail, {"WWW-Authenticate": "Bearer"})
        await response(scope, receive, send)


async def _body(request: Request) -> bytes:
    chunks: list[bytes] = []
    size = 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > rules.MAX_BODY_BYTES:
                raise RequestError(413, f"The body has more than {rules.MAX_BODY_BYTES} bytes.")
            chunks.append(chunk)
    except ClientDisconnect:
        raise RequestError(400, "The body broke off.") from None
    return b"".join(chunks)


def _pagination(store: Store, bound: tuple[str | None, ...], position: int | None) -> Row:
    if position is None:
        return {"has_more": False}
    return {"has_more": True, "next_cursor": cursors.encode(store.cursor_secret, bound, position)}


def _json(value: Any, status: int = 200) -> Response:
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return Response(body, status, media_type="application/json")


def _problem(request: Request, status: int, detail: str, headers: dict[str, str] | None = None) -> Response:
    return problem_response(
        status, detail, instance=request.url.path, request_id=request.state.request_id, headers=headers
    )


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestError)  # noqa: S101 - registered for this type only
    return _problem(request, error.status, error.detail)


def _not_routed(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this type only
    if error.status_code == 405:
        routes = [route for route in request.app.routes if route.matches(request.scope)[0] is not Match.NONE]
        allowed = sorted({method for route in routes for method in route.methods})
        return _problem(
            request, 405, f"The method {request.method} is not allowed here.", {"Allow": ", ".join(allowed)}
        )
    return _problem(request, error.status_code, "No endpoint has this path.")


def _failed(request: Request, _: Exception) -> Response:
    return _problem(request, 500, "The sandbox failed in an unexpected way; its log has the traceback.")
