"""Streamable HTTP, in both eras: by the SDK's client and byte by byte."""

from __future__ import annotations

import socket
from collections.abc import Generator
from typing import Any

import anyio
import httpx
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from arize_mcp.sandbox.seed import API_KEY
from arize_mcp.settings.http import HTTPSettings
from arize_mcp.settings.settings import Settings
from arize_mcp.transports.listening import listen
from tests.http_process import (
    ERAS,
    LEGACY,
    MODERN,
    Served,
    ask,
    client,
    content,
    headers,
    message,
    replies,
    served_by_uvicorn,
    served_http,
    tool_call,
    upstream,
)
from tests.raw_server import answer, raw_server


@pytest.fixture(scope="module")
def sandboxed() -> Generator[Served]:
    with served_http("--sandbox") as served:
        yield served
        assert served.terminate() == 0


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_the_sdks_client_calls_all_five_tools(sandboxed: Served, mode: str):
    async with (
        httpx2.AsyncClient(headers={"Authorization": f"Bearer {API_KEY}"}, timeout=30, trust_env=False) as http,
        Client(streamable_http_client(sandboxed.url, http_client=http), mode=mode) as mcp,
    ):
        assert mcp.protocol_version == (LEGACY if mode == "legacy" else MODERN)
        assert len((await mcp.list_tools()).tools) == 5

        async def call(tool: str, **arguments: Any) -> dict[str, Any]:
            result = await mcp.call_tool(tool, arguments)
            assert not result.is_error, result
            return dict(result.structured_content or {})

        listed = (await call("experiments_list", limit=1))["experiments"][0]
        runs = [{"example_id": "e1", "output": "o"}]
        created = await call(
            "experiments_create", name=f"over-http-{mode}", dataset_id=listed["dataset_id"], experiment_runs=runs
        )
        assert (await call("experiments_get", experiment_id=created["id"]))["name"] == f"over-http-{mode}"
        assert len((await call("experiments_runs_list", experiment_id=created["id"]))["experiment_runs"]) == 1
        assert (await call("experiments_delete", experiment_id=created["id"]))["deleted"] is True
        prompts = await mcp.list_prompts()
        assert prompts.prompts
        resource = await mcp.read_resource(f"arize://experiments/{listed['id']}")
        assert len(resource.contents) == 2


@pytest.mark.parametrize("path", ["/mcp", "/mcp/"])
@pytest.mark.parametrize("era", ERAS)
async def test_a_call_is_one_post_without_any_handshake_or_session(sandboxed: Served, era: str, path: str):
    sent = tool_call(era, "experiments_list", "an-id", limit=1)
    async with client() as http:
        response = await http.post(
            httpx.URL(sandboxed.url).join(path), json=sent, headers=headers(era, sent) | {"Mcp-Session-Id": "foreign"}
        )
    assert response.status_code == 200
    assert "mcp-session-id" not in response.headers
    (reply,) = replies(response)
    assert reply["id"] == "an-id"
    assert len(reply["result"]["structuredContent"]["experiments"]) == 1


async def test_an_initialize_of_2025_is_answered_without_a_session(sandboxed: Served):
    info = {"name": "test", "version": "1"}
    sent = message(LEGACY, "initialize", protocolVersion=LEGACY, capabilities={}, clientInfo=info)
    async with client() as http:
        response = await http.post(sandboxed.url, json=sent, headers=headers(LEGACY, sent))
    assert "mcp-session-id" not in response.headers
    assert replies(response)[0]["result"]["protocolVersion"] == LEGACY


async def test_a_discover_of_2026_is_answered(sandboxed: Served):
    async with client() as http:
        found = await ask(http, sandboxed.url, MODERN, message(MODERN, "server/discover"))
    assert MODERN in found["supportedVersions"]


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT", "HEAD", "OPTIONS", "PATCH"])
@pytest.mark.parametrize("path", ["/mcp", "/mcp/"])
async def test_anything_but_post_is_405(sandboxed: Served, method: str, path: str):
    async with client() as http:
        response = await http.request(
            method, httpx.URL(sandboxed.url).join(path), headers={"Accept": "text/event-stream"}
        )
    assert (response.status_code, response.headers["allow"]) == (405, "POST")
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "path", ["/", "/mcp/x", "/sse", "/.well-known/oauth-protected-resource", "/register", "/v2/experiments", "/MCP"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_any_other_path_is_404_as_a_problem(sandboxed: Served, path: str, method: str):
    async with client() as http:
        response = await http.request(method, httpx.URL(sandboxed.url).join(path))
    assert (response.status_code, response.json()["status"]) == (404, 404)
    assert response.headers["content-type"] == "application/problem+json"


async def test_health_asks_for_no_key_no_host_and_not_arize():
    # No Arize is there at all: the port is closed.
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with served_http(environ=upstream(f"http://127.0.0.1:{port}")) as served:
        async with client() as http:
            url = httpx.URL(served.url).join("/healthz")
            for host in ("10.1.2.3:8000", "anything.example", "localhost"):
                response = await http.get(url, headers={"Host": host, "Origin": "https://anywhere.example"})
                assert (response.status_code, response.text) == (200, "ok\n")
            assert (await http.head(url)).status_code == 200
            assert (await http.post(url)).status_code == 405


@pytest.mark.parametrize("era", ERAS)
async def test_progress_streams_while_a_call_waits(era: str):
    busy = answer("{}", status="503 Busy", headers=["Retry-After: 1"])
    async with raw_server(busy, answer('{"experiments":[]}')) as server, client() as http:
        with served_http(environ=upstream(server.base_url)) as served:
            sent = tool_call(era, "experiments_list", meta={"progressToken": "token"})
            response = await http.post(served.url, json=sent, headers=headers(era, sent))
    assert response.headers["content-type"] == "text/event-stream"
    assert response.headers["x-accel-buffering"] == "no"
    progress, result = replies(response)
    assert progress["params"]["progressToken"] == "token"
    assert progress["params"]["message"] == "answered 503, sending again in 1 s"
    assert result["result"]["structuredContent"] == {"experiments": []}


@pytest.mark.parametrize("era", ERAS)
async def test_a_client_that_goes_away_cancels_its_request_to_arize(era: str):
    arrived, gone = anyio.Event(), anyio.Event()

    async def until_gone(stream: Any) -> None:
        arrived.set()
        try:
            while True:
                await stream.receive()
        finally:
            gone.set()

    async with raw_server(until_gone) as server, anyio.create_task_group() as tasks:
        with served_http(environ=upstream(server.base_url)) as served:

            async def call() -> None:
                async with client() as http:
                    await content(http, served.url, era, "experiments_list")

            tasks.start_soon(call)
            with anyio.fail_after(30):
                await arrived.wait()
                tasks.cancel_scope.cancel()
                with anyio.CancelScope(shield=True):
                    await gone.wait()


async def test_arizes_own_401_is_a_result_whose_hint_speaks_of_the_hosts_key(sandboxed: Served):
    async with client() as http:
        for era in ERAS:
            problem = await content(http, sandboxed.url, era, "experiments_list", key="a-key-nobody-has")
            assert problem["status"] == 401
            assert "your MCP host sends" in problem["hint"]
            assert "ARIZE_" not in problem["hint"]


async def test_a_hint_that_names_a_variable_is_for_whoever_runs_the_server(sandboxed: Served):
    with served_http("--sandbox", environ={"ARIZE_MCP_READ_ONLY": "1"}) as served:
        async with client() as http:
            problem = await content(http, served.url, MODERN, "experiments_delete", experiment_id="x")
    assert problem["hint"].startswith("For whoever runs this MCP server: ")


def test_accepted_sockets_send_at_once():
    # Over the wire nothing shows it but time, so the listener is asked.
    with (
        listen(HTTPSettings(calls=Settings(), port=0)) as listener,
        socket.create_connection(listener.getsockname()),
        listener.accept()[0] as accepted,
    ):
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0


@pytest.mark.parametrize("era", ERAS)
async def test_what_is_switched_on_is_served_too(era: str):
    environ = {"ARIZE_MCP_TOOLSETS": "analysis,datasets", "ARIZE_MCP_VIEW": "1"}
    async with client() as http:
        with served_http("--sandbox", environ=environ) as served:
            listed = await ask(http, served.url, era, message(era, "tools/list"))
            found = await content(http, served.url, era, "experiments_list", limit=1)
            experiment_id = found["experiments"][0]["id"]
            summary = await content(http, served.url, era, "experiments_summarize", experiment_id=experiment_id)
            arguments = {"experiment_id": experiment_id}
            prompt = await ask(
                http, served.url, era, message(era, "prompts/get", name="review_experiment", arguments=arguments)
            )
            page = await ask(http, served.url, era, message(era, "resources/read", uri="ui://arize-mcp/runs.html"))
    assert {"experiments_summarize", "datasets_list"} <= {tool["name"] for tool in listed["tools"]}
    assert summary["runs"]
    assert prompt["messages"]
    assert "html" in page["contents"][0]["mimeType"]


async def test_the_asgi_factory_serves_under_any_asgi_server():
    async with raw_server(answer('{"experiments":[]}')) as server, client() as http:
        with served_by_uvicorn(upstream(server.base_url)) as url:
            for era in ERAS:
                assert await content(http, url, era, "experiments_list") == {"experiments": []}
    assert [request.headers["authorization"] for request in server.requests] == [f"Bearer {API_KEY}"] * 2
