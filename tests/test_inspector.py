"""The MCP Inspector's command line against the sandbox, over stdio and HTTP: it checks structured content."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from arize_mcp.sandbox.seed import API_KEY
from tests.http_process import served_http

pytestmark = pytest.mark.inspector

# The sandbox's first data is the same on every start.
EXPERIMENT_ID = "RXhwZXJpbWVudDoyOmVGNmc="
DATASET_ID = "RGF0YXNldDoxOmRhdGE="
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


@pytest.fixture(params=["stdio", "http"])
def server(request: pytest.FixtureRequest) -> Generator[list[str]]:
    """How the Inspector gets at a fresh sandbox."""
    if request.param == "stdio":
        yield [sys.executable, "-m", "arize_mcp", "--sandbox"]
        return
    with served_http("--sandbox") as served:
        yield [served.url, "--transport", "http", "--header", f"Authorization: Bearer {API_KEY}"]


def inspect(inspector: Path, server: list[str], method: str, *arguments: str) -> tuple[int, Any]:
    """Exit code and JSON of one Inspector command."""
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


def test_it_lists_the_tools(inspector: Path, server: list[str]):
    code, listed = inspect(inspector, server, "tools/list")
    assert code == 0
    assert len(listed["tools"]) == 5


CALLS: list[tuple[str, dict[str, Any], str | None]] = [
    ("experiments_list", {"limit": 1}, "experiments"),
    ("experiments_list", {"limit": 0}, None),
    ("experiments_get", {"experiment_id": EXPERIMENT_ID}, "id"),
    ("experiments_get", {"experiment_id": "nope"}, None),
    ("experiments_runs_list", {"experiment_id": EXPERIMENT_ID, "limit": 3}, "experiment_runs"),
    ("experiments_runs_list", {"experiment_id": EXPERIMENT_ID, "cursor": "broken"}, None),
    (
        "experiments_create",
        {"name": "n", "dataset_id": DATASET_ID, "experiment_runs": [{"example_id": "e", "output": "o", "m": [1]}]},
        "id",
    ),
    ("experiments_create", {"name": "n", "dataset_id": DATASET_ID, "experiment_runs": []}, None),
    ("experiments_delete", {"experiment_id": EXPERIMENT_ID}, "deleted"),
    ("experiments_delete", {"experiment_id": "nope"}, None),
]


@pytest.mark.parametrize(("tool", "arguments", "member"), CALLS, ids=[f"{c[0]}-{c[2] or 'bad'}" for c in CALLS])
def test_it_calls_every_tool_well_and_badly(
    inspector: Path, server: list[str], tool: str, arguments: dict[str, Any], member: str | None
):
    code, result = inspect(
        inspector, server, "tools/call", "--tool-name", tool, "--tool-args-json", json.dumps(arguments)
    )
    content = result["structuredContent"]
    assert json.loads(result["content"][0]["text"]) == content
    if member is None:
        assert code == 5
        assert content["title"]
    else:
        assert (code, member in content) == (0, True)


def test_an_unknown_tool_is_an_error(inspector: Path, server: list[str]):
    done = subprocess.run(
        [str(inspector), "--cli", *server, "--method", "tools/call", "--tool-name", "nope"],
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 5
