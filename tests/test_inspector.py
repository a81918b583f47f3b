"""The MCP Inspector's command line against the sandbox: a peer that checks structured content by its schema."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.inspector

PACKAGE = "@modelcontextprotocol/inspector@2.12.0"


@pytest.fixture(scope="module")
def inspector(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Inspector, installed from npm."""
    folder = tmp_path_factory.mktemp("inspector")
    subprocess.run(
        ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), PACKAGE],
        check=True,
        timeout=300,
    )
    return folder / "node_modules" / ".bin" / "mcp-inspector"


def inspect(inspector: Path, method: str, *arguments: str) -> tuple[int, Any]:
    """Exit code and JSON of one Inspector command."""
    server = [sys.executable, "-m", "arize_mcp", "--sandbox"]
    done = subprocess.run(
        [str(inspector), "--cli", *server, "--method", method, "--format", "json", *arguments],
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        env={**os.environ, "NO_COLOR": "1"},
        check=False,
    )
    try:
        return done.returncode, json.loads(done.stdout)["result"]
    except (ValueError, KeyError):
        raise AssertionError(f"exit {done.returncode}: {done.stdout}\n{done.stderr}") from None


def test_it_lists_the_tools(inspector: Path):
    code, listed = inspect(inspector, "tools/list")
    assert code == 0
    assert len(listed["tools"]) == 5


def test_it_calls_a_tool_well(inspector: Path):
    code, result = inspect(
        inspector, "tools/call", "--tool-name", "experiments_list", "--tool-args-json", '{"limit": 1}'
    )
    assert code == 0
    assert result["structuredContent"]["experiments"][0]["name"] == "support-detailed-prompt"


def test_it_shows_the_problem_of_a_bad_call(inspector: Path):
    code, result = inspect(
        inspector, "tools/call", "--tool-name", "experiments_get", "--tool-args-json", '{"experiment_id": "nope"}'
    )
    assert code == 5
    assert result["structuredContent"]["status"] == 404
    assert json.loads(result["content"][0]["text"]) == result["structuredContent"]
