"""The real process over its pipes, in both eras; stdout holds nothing but JSON-RPC."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.conftest import Sandbox
from tests.stdio_process import COMMANDS, MODERN_META, Session


@pytest.mark.parametrize("command", COMMANDS, ids=["module", "console-script"])
def test_a_handshake_era_session_on_the_sandbox(command: list[str]):
    host = Session("--sandbox", command=command)
    assert host.initialize()["serverInfo"]["name"] == "arize-mcp"
    tools = host.request("tools/list", {})["result"]["tools"]
    assert len(tools) == 5
    page = host.request("tools/call", {"name": "experiments_list", "arguments": {}})["result"]
    assert [e["name"] for e in page["structuredContent"]["experiments"]] == [
        "support-detailed-prompt",
        "support-baseline-short-prompt",
    ]
    bad = host.request("tools/call", {"name": "experiments_get", "arguments": {}})["result"]
    assert bad["isError"] is True
    assert json.loads(bad["content"][0]["text"]) == bad["structuredContent"]
    assert host.request("tools/call", {"name": "nope", "arguments": {}})["error"]["code"] == -32602
    assert host.end() == (0, b"", "")


def test_a_2026_session_on_the_sandbox():
    host = Session("--sandbox")
    discovered = host.request("server/discover", {"_meta": MODERN_META})["result"]
    assert "2026-07-28" in discovered["supportedVersions"]
    assert "experiments_list" in discovered["instructions"]
    listed = host.request("tools/list", {"_meta": MODERN_META})["result"]
    assert len(listed["tools"]) == 5
    assert listed["cacheScope"] == "public"
    call = {"name": "experiments_get", "arguments": {"experiment_id": "nope"}, "_meta": MODERN_META}
    result = host.request("tools/call", call)["result"]
    assert (result["isError"], result["structuredContent"]["status"]) == (True, 404)
    assert host.end() == (0, b"", "")


@pytest.mark.parametrize("version", ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"])
def test_the_structured_content_is_what_the_text_says(version: str):
    host = Session("--sandbox", environ={"ARIZE_MCP_MAX_RESULT_CHARS": "0"})
    is_modern = version == "2026-07-28"
    if not is_modern:
        opening = {"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
        assert host.request("initialize", opening)["result"]["protocolVersion"] == version

    def call(tool: str, **arguments: object) -> dict[str, Any]:
        meta = {"_meta": MODERN_META} if is_modern else {}
        result = host.request("tools/call", {"name": tool, "arguments": arguments, **meta})["result"]
        assert ("_meta" in result, "resultType" in result) == (is_modern, is_modern)
        (block,) = result["content"]
        text = json.loads(block["text"])
        assert result["structuredContent"] == text
        return text

    tricky = '"structuredContent":{"urn:arize-mcp:as-text":true} \\" \n \u2028 \N{SLIGHTLY SMILING FACE}'
    dataset_id = call("experiments_list")["experiments"][0]["dataset_id"]
    for length in (1, 10_000):  # also longer than what is written in one piece
        mark = {"urn:arize-mcp:as-text": True}
        runs = [{"example_id": "example", "output": tricky * length, "structuredContent": mark}]
        created = call("experiments_create", name=f"tricky {length}", dataset_id=dataset_id, experiment_runs=runs)
        page = call("experiments_runs_list", experiment_id=created["id"])
        (run,) = page["experiment_runs"]
        assert (run["output"], run["structuredContent"]) == (tricky * length, mark)
    assert call("experiments_get", experiment_id="nope")["status"] == 404
    assert host.end() == (0, b"", "")


def test_the_environment_says_where_the_api_is(sandbox: Sandbox):
    host, port = sandbox.base_url.removeprefix("http://").split(":")
    endpoint = {"ARIZE_API_HOST": host, "ARIZE_API_PORT": port, "ARIZE_API_SCHEME": "http"}
    session = Session(environ={**endpoint, "ARIZE_API_KEY": "sandbox-key"})
    session.initialize()
    result = session.request("tools/call", {"name": "experiments_list", "arguments": {"limit": 1}})["result"]
    assert result["structuredContent"]["pagination"]["has_more"] is True
    assert session.end() == (0, b"", "")


@pytest.mark.parametrize(
    ("environ", "problem"),
    [
        ({}, "missing-api-key"),
        ({"ARIZE_API_KEY": "${ARIZE_API_KEY}"}, "unusable-settings"),
        ({"ARIZE_API_KEY": "some-key", "ARIZE_REGION": "EU"}, "unusable-settings"),
        ({"ARIZE_API_KEY": "some-key", "ARIZE_SSL_CA_CERT": __file__}, "unusable-settings"),
    ],
)
def test_a_server_that_cant_work_starts_and_says_why(environ: dict[str, str], problem: str):
    session = Session(environ=environ)
    session.initialize()
    assert len(session.request("tools/list", {})["result"]["tools"]) == 5
    result = session.request("tools/call", {"name": "experiments_list", "arguments": {}})["result"]
    assert result["structuredContent"]["type"].endswith(":" + problem)
    code, stdout, stderr = session.end()
    assert (code, stdout) == (0, b"")
    assert "Traceback" not in stderr
