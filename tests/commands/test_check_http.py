"""The preflight of a server over HTTP, as a person and as a machine run it."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest
from anyio.from_thread import start_blocking_portal

from arize_mcp.sandbox.seed import API_KEY
from tests.commands.test_check import check
from tests.http_process import served_http, upstream
from tests.raw_server import answer, raw_server

INFO = "io.modelcontextprotocol/serverInfo"


@pytest.mark.parametrize("path", ["/mcp", "/mcp/"])
def test_a_server_that_takes_the_key_is_ready(tmp_path: Path, path: str):
    with served_http("--sandbox") as served:
        url = str(httpx.URL(served.url).join(path))
        done = check(tmp_path, "--http", url, ARIZE_API_KEY=API_KEY)
        as_json = check(tmp_path, "--http", url, "--json", ARIZE_API_KEY=API_KEY)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "Ready."), done.stdout
    found = json.loads(as_json.stdout)
    assert found["ok"] is True
    assert [step["name"] for step in found["steps"]] == ["settings", "server", "key"]
    assert found["steps"][1]["detail"].startswith("arize-mcp ")


def test_a_key_that_arize_does_not_know_is_not_accepted(tmp_path: Path):
    with served_http("--sandbox") as served:
        done = check(tmp_path, "--http", served.url, ARIZE_API_KEY="a-key-of-nobody")
    assert done.returncode == 1
    assert "FAIL  key        401: The API key is not valid." in done.stdout
    assert "a-key-of-nobody" not in done.stdout


def test_what_the_server_refuses_is_told_with_its_hint(tmp_path: Path):
    with served_http("--sandbox", environ={"ARIZE_MCP_ALLOWED_HOSTS": "mcp.example.com"}) as served:
        wrong_path = check(tmp_path, "--http", served.url.replace("/mcp", "/"), ARIZE_API_KEY=API_KEY)
    assert "FAIL  server     404: Nothing is served at this path." in wrong_path.stdout
    assert "MCP is served at /mcp." in wrong_path.stdout


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        ("<html>a login page", "200 OK", "200: no answer of an MCP server"),
        (
            f'{{"jsonrpc":"2.0","id":1,"result":{{"_meta":{{"{INFO}":{{"name":"other"}}}}}}}}',
            "200 OK",
            'another MCP server: "other"',
        ),
        ('{"jsonrpc":"2.0","id":1,"result":{}}', "200 OK", 'another MCP server: "unnamed"'),
        ('{"jsonrpc":"2.0","id":1,"error":{"code":-32022,"message":"no such version"}}', "400 Bad", "no such version"),
        ("[1]", "502 Bad Gateway", "502: no answer of an MCP server"),
        (
            f'data: {{"result": {{"_meta": {{"{INFO}": {{"name": "third"}}}}}}}}',
            "200 OK",
            'another MCP server: "third"',
        ),
    ],
)
def test_what_is_no_server_of_ours_is_told_as_what_it_is(tmp_path: Path, body: str, status: str, told: str):
    kind = "text/event-stream" if body.startswith("data") else "application/json"
    said = answer(body, status=status, content_type=kind)
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(raw_server(said)) as server:
        done = check(tmp_path, "--http", f"{server.base_url}/mcp", ARIZE_API_KEY=API_KEY)
    assert done.returncode == 1
    assert told in done.stdout
    assert "arize-mcp http printed" in done.stdout


def test_without_a_key_or_with_a_wrong_url_nothing_is_sent(tmp_path: Path):
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(raw_server(answer())) as server:
        without = check(tmp_path, "--http", f"{server.base_url}/mcp")
        assert "ARIZE_API_KEY is not set" in without.stdout
        for url in ("mcp.example.com", "http://mcp.example.com/mcp", "ftp://x/mcp", "https://me:pw@x/mcp", ""):
            done = check(tmp_path, "--http", url, ARIZE_API_KEY=API_KEY)
            assert (done.returncode, "FAIL  settings   --http" in done.stdout) == (1, True)
        with_regions = check(tmp_path, "--http", f"{server.base_url}/mcp", "--regions", ARIZE_API_KEY=API_KEY)
        assert with_regions.returncode == 2
    assert server.requests == []


def test_a_port_where_nobody_listens_is_told(tmp_path: Path):
    done = check(tmp_path, "--http", "http://127.0.0.1:1/mcp", ARIZE_API_KEY=API_KEY)
    assert "FAIL  server     No connection to http://127.0.0.1:1." in done.stdout


def test_the_checks_call_reads_and_nothing_else(tmp_path: Path):
    with start_blocking_portal() as portal:
        arize = raw_server(answer('{"experiments":[]}'))
        with (
            portal.wrap_async_context_manager(arize) as server,
            served_http(environ=upstream(server.base_url)) as served,
        ):
            assert check(tmp_path, "--http", served.url, ARIZE_API_KEY=API_KEY).returncode == 0
    assert [request.line for request in server.requests] == ["GET /v2/experiments?limit=1 HTTP/1.1"]
