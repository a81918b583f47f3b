"""10,000 hostile calls: each is answered, none leaves for another path, and the server answers the next one."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import quote, unquote, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mcp import Client

from arize_mcp.api.client import ExperimentsAPI
from arize_mcp.server.app import create_server
from tests.raw_server import RawServer, Request, answer, raw_server

TRICKS = [
    "../datasets", "..", ".", "%2e%2e", "%2e%2e/x", "a/b", "/", "//evil.example/", "?x=1", "#", "x?limit=1", "x#y",
    "http://evil.example/", "@evil", "x\r\nHost: evil", "\x00", "\x7f", "RXhwOjE=", "a+b", "%", "%zz", "..;/",
    "a\\b", "a\uff0fb", "", " ", "null", "__proto__", "constructor", "{{7*7}}", "' OR 1=1 --", "\u202e", "\ud800",
    "😀" * 50, "x" * 5000,
]  # fmt: skip
KEYS = st.sampled_from(
    ["experiment_id", "dataset_id", "space_id", "name", "limit", "cursor", "experiment_runs", "__proto__", "", "\x00"]
)
TEXT = st.one_of(st.sampled_from(TRICKS), st.text(max_size=20))
SCALAR = st.one_of(
    TEXT,
    st.none(),
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.floats(),
    st.sampled_from([0, -1, 1, 50, 100, 101, 500, 501, 1e308, "5", "5.0", 5.0]),
)
VALUE = st.recursive(
    SCALAR,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)
RUN = st.fixed_dictionaries({"example_id": TEXT, "output": TEXT}) | st.dictionaries(
    st.sampled_from(["example_id", "output", "error", "__proto__"]), VALUE
)


def nested(levels: int) -> Any:
    value: Any = "x"
    for _ in range(levels):
        value = {"a": value}
    return value


HOSTILE: dict[str, st.SearchStrategy[Any]] = {
    "experiment_id": TEXT | VALUE,
    "dataset_id": TEXT | VALUE,
    "space_id": TEXT | VALUE,
    "name": TEXT | VALUE,
    "limit": SCALAR,
    "cursor": TEXT | VALUE,
    "experiment_runs": st.lists(RUN, max_size=3) | VALUE | st.integers(1, 200).map(nested),
}
PATHS = {
    "experiments_create": ("POST", "/v2/experiments"),
    "experiments_delete": ("DELETE", "/v2/experiments/([^/]+)"),
    "experiments_get": ("GET", "/v2/experiments/([^/]+)"),
    "experiments_list": ("GET", "/v2/experiments"),
    "experiments_runs_list": ("GET", "/v2/experiments/([^/]+)/runs"),
}
FIELDS = {
    "experiments_create": ["name", "dataset_id", "experiment_runs"],
    "experiments_delete": ["experiment_id"],
    "experiments_get": ["experiment_id"],
    "experiments_list": ["dataset_id", "space_id", "name", "limit", "cursor"],
    "experiments_runs_list": ["experiment_id", "limit", "cursor"],
}


def arguments_of(fields: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    known = {field: HOSTILE[field] for field in fields}
    return (
        st.fixed_dictionaries(known)
        | st.fixed_dictionaries({}, optional=known)
        | st.dictionaries(KEYS | TEXT, VALUE, max_size=4)
    )


ARGUMENTS = {tool: arguments_of(fields) for tool, fields in FIELDS.items()}


@dataclass
class Host:
    """A client of the server. They share this thread's loop, which runs as long as a call does."""

    loop: asyncio.AbstractEventLoop
    client: Client
    upstream: RawServer

    def call(self, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        result = self.loop.run_until_complete(self.client.call_tool(tool, arguments))
        content = cast("dict[str, Any]", result.structured_content)
        assert result.is_error == ("title" in content)
        return content


@pytest.fixture(scope="module")
def host() -> Generator[Host]:
    async def route(request: Request) -> bytes:
        body: dict[str, Any] = {"id": "x", "experiments": [], "experiment_runs": []}
        if request.method == "DELETE":
            return answer(status="204 No Content", content_type=None)
        return answer(json.dumps(body), status="201 Created" if request.method == "POST" else "200 OK")

    async def serve(ready: asyncio.Future[Host], end: asyncio.Event) -> None:
        async with (
            raw_server(answer(), route=route) as upstream,
            Client(create_server(ExperimentsAPI(upstream.settings()), upstream.settings())) as client,
        ):
            ready.set_result(Host(asyncio.get_running_loop(), client, upstream))
            await end.wait()

    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        ready, end = loop.create_future(), asyncio.Event()
        serving = loop.create_task(serve(ready, end))
        loop.run_until_complete(asyncio.wait((ready, serving), return_when=asyncio.FIRST_COMPLETED))
        host = ready.result()
        yield host
        assert host.call("experiments_get", {"experiment_id": "x"})["id"] == "x"
        end.set()
        loop.run_until_complete(serving)


@pytest.mark.parametrize("tool", PATHS)
def test_a_hostile_call_is_answered_and_stays_on_its_path(host: Host, tool: str):
    method, path = PATHS[tool]

    @settings(max_examples=2000, deadline=None, database=None)
    @given(arguments=ARGUMENTS[tool])
    def call(arguments: dict[str, Any]) -> None:
        host.upstream.requests.clear()
        host.call(tool, arguments)
        for request in host.upstream.requests:
            target = urlsplit(request.target)
            on_its_path = re.fullmatch(path, target.path)
            assert on_its_path
            assert request.method == method
            assert not target.fragment
            for segment in on_its_path.groups():
                # It is a part of what was given: quotation marks around an id go.
                experiment_id = unquote(segment)
                assert experiment_id in str(arguments["experiment_id"])
                assert experiment_id not in (".", "..")
                assert quote(experiment_id, safe="") == segment
            assert request.headers["host"] == host.upstream.base_url.removeprefix("http://")
        assert len(host.upstream.requests) <= 1

    call()
