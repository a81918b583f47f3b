"""The bundle for Claude Desktop: made, unpacked elsewhere and started as its manifest says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.packaging.conftest import ENVIRON, run
from tests.stdio_process import Session
from tests.test_documents import ROOT, VERSION

pytestmark = pytest.mark.packaging

MCPB = "@anthropic-ai/mcpb@2.1.2"

# How a host turns the manifest and what its user filled in into a command: by the reference implementation.
AS_A_HOST = """
import { readFileSync } from "node:fs";
import { getMcpConfigForManifest } from "@anthropic-ai/mcpb";
const [extensionPath, userConfig] = process.argv.slice(2);
const manifest = JSON.parse(readFileSync(`${extensionPath}/manifest.json`, "utf-8"));
const config = await getMcpConfigForManifest({
  manifest, extensionPath, systemDirs: {}, userConfig: JSON.parse(userConfig), pathSeparator: "/",
});
console.log(JSON.stringify(config ?? null));
"""


@pytest.fixture(scope="module")
def mcpb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the bundle's own tools, from npm."""
    folder = tmp_path_factory.mktemp("mcpb")
    run("npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", folder, MCPB, cwd=folder)
    (folder / "host.mjs").write_text(AS_A_HOST, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def unpacked(mcpb: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle that ``make bundle`` validates and packs, unpacked elsewhere."""
    run("make", "bundle", cwd=ROOT)
    folder = tmp_path_factory.mktemp("extensions") / "arize-mcp"
    bundle = ROOT / "dist" / f"arize-mcp-{VERSION}.mcpb"
    run(mcpb / "node_modules" / ".bin" / "mcpb", "unpack", bundle, folder, cwd=mcpb)
    return folder


def as_a_host(mcpb: Path, unpacked: Path, filled_in: dict[str, Any]) -> Any:
    return json.loads(run("node", "host.mjs", unpacked, json.dumps(filled_in), cwd=mcpb))


def start(configuration: dict[str, Any], tools: Path, *more: str) -> Session:
    assert configuration["command"] == "uv"
    command = [str(tools / "uv"), *configuration["args"], *more]
    return Session(command=command, environ=configuration["env"], inherited=ENVIRON)


def test_it_starts_as_its_manifest_says_and_lists_the_tools(mcpb: Path, unpacked: Path, tools: Path):
    session = start(as_a_host(mcpb, unpacked, {"api_key": "k"}), tools, "--sandbox")
    assert session.initialize()["serverInfo"]["version"] == VERSION
    listed = session.request("tools/list", {})["result"]["tools"]
    manifest = json.loads((unpacked / "manifest.json").read_text(encoding="utf-8"))
    assert [tool["name"] for tool in listed] == [tool["name"] for tool in manifest["tools"]]
    page = session.request("tools/call", {"name": "experiments_list", "arguments": {}})["result"]
    assert len(page["structuredContent"]["experiments"]) == 2
    assert session.end()[:2] == (0, b"")


def test_what_the_user_fills_in_arrives(mcpb: Path, unpacked: Path, tools: Path):
    filled_in = {"api_key": "k", "region": "eu-west", "read_only": True, "confirm_delete": "always", "view": True}
    session = start(as_a_host(mcpb, unpacked, filled_in), tools)
    session.initialize()
    # The region doesn't exist: every call says so.
    result = session.request("tools/call", {"name": "experiments_list", "arguments": {}})["result"]
    assert "ARIZE_REGION must be one of" in result["content"][0]["text"]
    assert session.end()[:2] == (0, b"")
    session = start(as_a_host(mcpb, unpacked, {**filled_in, "region": ""}), tools, "--sandbox")
    session.initialize()
    tools_listed = session.request("tools/list", {})["result"]["tools"]
    assert [tool["name"] for tool in tools_listed if "resourceUri" in tool["_meta"]["ui"]] == ["experiments_runs_list"]
    assert len(tools_listed) == 3
    page = session.request("resources/read", {"uri": "ui://arize-mcp/runs.html"})["result"]["contents"][0]["text"]
    assert page == (unpacked / "arize_mcp" / "server" / "runs.html").read_text(encoding="utf-8")
    assert session.end()[:2] == (0, b"")


def test_without_the_key_it_is_not_started(mcpb: Path, unpacked: Path):
    assert as_a_host(mcpb, unpacked, {}) is None
