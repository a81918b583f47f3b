"""The MCP server through the SDK's own client: every tool, well and badly, in both eras."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any, cast

import pytest
from mcp import Client, types
from mcp.shared.exceptions import MCPError

from arize_mcp.api import problems
from arize_mcp.api.client import ExperimentsAPI
from arize_mcp.api.problems import URN
from arize_mcp.server.app import create_server
from arize_mcp.server.tools.toolsets import offered
from arize_mcp.settings.settings import Settings
from tests.conftest import Sandbox
from tests.raw_server import answer, raw_server

TOOLS = offered(())

RUNS = [
    {"example_id": "e1", "output": "one", "model": "m", "latency_ms": 12345678901234567, "eval.c.score": 0.5},
    {"example_id": "e2", "output": "zwei 😀\u2028", "tool_calls": [{"a": None}], "temperature": 1.0},
]


@pytest.fixture(params=["legacy", "auto"])
def mode(request: pytest.FixtureRequest) -> str:
    return request.param


@asynccontextmanager
async def connected(api: Any, mode: str = "auto") -> AsyncGenerator[Client]:
    async with Client(create_server(api, Settings()), mode=mode) as client:
        yield client


async def call(client: Client, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """The structured content of a call that works; checks that the text is the same, compact."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result
    return content_of(result)


async def fail(client: Client, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """The problem of a call that fails; checks its form."""
    result = await client.call_tool(tool, arguments)
    assert result.is_error, result
    return content_of(result)


def content_of(result: types.CallToolResult) -> dict[str, Any]:
    (block,) = result.content
    assert isinstance(block, types.TextContent)
    content = cast("dict[str, Any]", result.structured_content)
    # Python writes 1e-7 as 1e-07, which is as good.
    assert block.text == json.dumps(content, ensure_ascii=False, separators=(",", ":")).replace("1e-07", "1e-7")
    return content


async def test_all_five_tools_work(sandbox: Sandbox, mode: str):
    async with connected(sandbox.api(), mode) as client:
        new = {"name": "n", "dataset_id": sandbox.dataset_id, "experiment_runs": RUNS}
        created = await call(client, "experiments_create", new)
        assert created.pop("notes") == [f"{len(RUNS)} runs recorded."]
        by_id = {"experiment_id": created["id"]}
        assert await call(client, "experiments_get", by_id) == created
        page = await call(client, "experiments_list", {"dataset_id": sandbox.dataset_id, "limit": 1})
        assert page["experiments"] == [created]
        assert page["pagination"]["has_more"] is True
        runs = await call(client, "experiments_runs_list", by_id)
        assert list(runs) == ["experiment_runs", "pagination"]
        assert [{k: run[k] for k in sent} for run, sent in zip(runs["experiment_runs"], RUNS, strict=True)] == RUNS
        assert runs["experiment_runs"][0]["error"] is None
        assert await call(client, "experiments_delete", by_id) == {**by_id, "deleted": True}
        assert (await fail(client, "experiments_get", by_id))["status"] == 404


async def test_the_server_tells_its_own_version(sandbox: Sandbox, mode: str):
    async with connected(sandbox.api(), mode) as client:
        assert client.server_info is not None
        assert (client.server_info.name, client.server_info.version) == ("arize-mcp", version("arize-mcp"))
        if mode == "legacy":
            assert client.instructions is not None
            assert "experiments_list" in client.instructions


async def test_an_unknown_tool_is_a_protocol_error(sandbox: Sandbox, mode: str):
    async with connected(sandbox.api(), mode) as client:
        with pytest.raises(MCPError) as caught:
            await client.call_tool("experiments_update", {})
    assert caught.value.code == -32602
    assert "experiments_update" in str(caught.value)


async def test_the_apis_problem_reaches_the_client_whole(mode: str):
    sent = {"type": "t", "title": "T", "status": 422, "detail": "D", "error_code": "X", "list": [1, None, {"a": "é"}]}
    body = answer(json.dumps(sent), status="422 Unprocessable", content_type="application/problem+json")
    async with raw_server(body) as server, connected(ExperimentsAPI(server.settings()), mode) as client:
        problem = await fail(client, "experiments_get", {"experiment_id": "x"})
    assert problem.pop("hint")
    assert problem == sent


async def test_unknown_fields_and_exact_values_pass_through(mode: str):
    sent = '{"id":"x","new_field":{"deep":[null,12345678901234567,1e-7,1.0]},"dataset_id":null,"created_at":"2024"}'
    async with raw_server(answer(sent)) as server, connected(ExperimentsAPI(server.settings()), mode) as client:
        content = await call(client, "experiments_get", {"experiment_id": "x"})
    assert json.dumps(content, separators=(",", ":")).replace("1e-07", "1e-7") == sent


async def test_bad_arguments_are_told_all_at_once_and_nothing_is_sent(mode: str):
    arguments = {
        "name": 'a"b',
        "datasetId": "d",
        "experiment_runs": [{"example_id": 5, "output": {"a": 1}}, "x", {"example_id": "e/~"}],
    }
    async with raw_server(answer()) as server, connected(ExperimentsAPI(server.settings()), mode) as client:
        problem = await fail(client, "experiments_create", arguments)
    assert problem["type"] == URN + "bad-arguments"
    assert {error["pointer"]: error["detail"] for error in problem["errors"]} == {
        "#/name": 'Must contain neither " nor \\.',
        "#/dataset_id": "Required, but missing.",
        "#/experiment_runs/0/example_id": "Must be a string.",
        "#/experiment_runs/0/output": "Must be a string; JSON-encode an object or array.",
        "#/experiment_runs/1": "Must be an object with example_id and output.",
        "#/experiment_runs/2/output": "Required, but missing.",
        "#/datasetId": "Unknown argument. Did you mean dataset_id?",
    }
    assert server.connections == 0


async def test_no_argument_is_echoed(sandbox: Sandbox):
    async with connected(sandbox.api()) as client:
        wrong = {"experiment_id": ["s3cret"], "limit": "s3cret", "cursor": {"s3cret": 1}}
        result = await client.call_tool("experiments_runs_list", wrong)
    assert "s3cret" not in result.model_dump_json()


async def test_a_server_without_a_key_lists_its_tools_and_says_what_is_missing(mode: str):
    async with connected(ExperimentsAPI(Settings()), mode) as client:
        assert len((await client.list_tools()).tools) == 5
        for tool, arguments in (("experiments_list", {}), ("experiments_get", {"experiment_id": "x"})):
            problem = await fail(client, tool, arguments)
            assert problem["type"] == URN + "missing-api-key"
            assert "ARIZE_API_KEY" in problem["hint"]


async def test_a_server_with_unusable_settings_says_so_at_every_call(mode: str):
    problem = problems.unusable_settings([("ARIZE_REGION", "must be one of ...")])
    async with connected(problem, mode) as client:
        assert len((await client.list_tools()).tools) == 5
        told = await fail(client, "experiments_list", {"limit": 0})
    assert told["type"] == URN + "unusable-settings"
    assert told["errors"] == [{"variable": "ARIZE_REGION", "detail": "must be one of ..."}]


async def test_an_unexpected_exception_is_told_without_its_text(mode: str, caplog: pytest.LogCaptureFixture):
    # No settings reader lets such a key through, so nothing expects it: the HTTP client raises.
    broken = ExperimentsAPI(Settings(base_url="http://127.0.0.1", api_key="\ud800"))
    async with connected(broken, mode) as client:
        problem = await fail(client, "experiments_list", {})
    assert problem["type"] == URN + "internal-error"
    assert "Traceback" in caplog.text
    assert "surrogate" not in json.dumps(problem)


async def test_a_failed_call_leaves_the_server_alive(sandbox: Sandbox):
    async with (
        raw_server(answer("<p>", status="500 Oops"), answer('{"id":"x"}')) as server,
        connected(server.api()) as client,
    ):
        await fail(client, "experiments_get", {"experiment_id": "x"})
        assert await call(client, "experiments_get", {"experiment_id": "x"}) == {"id": "x"}


async def test_a_client_that_asks_for_progress_hears_what_a_call_waits_for(mode: str):
    heard: list[tuple[float, str | None]] = []

    async def on_progress(progress: float, total: float | None, message: str | None) -> None:
        assert total is None
        heard.append((progress, message))

    busy = answer("{}", status="429 Too Many Requests", headers=["Retry-After: 4"])
    bad = answer("<p>", status="502 Bad Gateway", content_type="text/html")
    async with raw_server(busy, bad, answer('{"id":"x"}')) as server, connected(server.api(), mode) as client:
        arguments = {"experiment_id": "x"}
        result = await client.call_tool("experiments_get", arguments, progress_callback=on_progress)
    assert not result.is_error
    assert heard == [(1, "rate limited, sending again in 4 s"), (2, "answered 502, sending again in 1 s")]


async def test_missing_arguments_are_an_empty_object(sandbox: Sandbox):
    async with connected(sandbox.api()) as client:
        result = await client.call_tool("experiments_list")
    assert not result.is_error


async def test_tools_come_in_a_stable_order_on_one_page_and_may_be_cached(sandbox: Sandbox):
    async with connected(sandbox.api(), "auto") as client:
        listed = await client.list_tools()
    assert [tool.name for tool in listed.tools] == list(TOOLS)
    assert (listed.next_cursor, listed.cache_scope) == (None, "public")
    assert listed.ttl_ms
