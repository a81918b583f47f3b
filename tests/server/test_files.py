"""The toolset ``files`` as a whole: it costs nothing where it is off, and little memory where it works."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from arize_mcp.api.client import ExperimentsAPI
from arize_mcp.server.app import create_server
from arize_mcp.settings.settings import Settings
from tests.conftest import Sandbox
from tests.transports.test_process import peak_memory_mib
from tests.transports.test_stdio import Session


async def listed(**settings: Any) -> list[dict[str, Any]]:
    found = Settings(toolsets=("files",), files_dir="/", **settings)
    async with Client(create_server(ExperimentsAPI(found), found), mode="legacy") as client:
        tools = (await client.list_tools()).tools
        return [tool.model_dump(by_alias=True, exclude_none=True, mode="json") for tool in tools]


async def test_read_only_hides_both_tools():
    assert [tool["name"] for tool in await listed(read_only=True)] == [
        "experiments_get",
        "experiments_list",
        "experiments_runs_list",
    ]


def test_where_it_is_off_nothing_of_it_is_imported():
    script = (
        "import sys\n"
        "from arize_mcp.server.app import create_server\n"
        "from arize_mcp.api.client import ExperimentsAPI\n"
        "from arize_mcp.settings.settings import Settings\n"
        "create_server(ExperimentsAPI(Settings()), Settings())\n"
        "theirs = ('arize_mcp.files', 'arize_mcp.server.recording', 'arize_mcp.server.exporting',\n"
        "          'arize_mcp.api.lost_appends', 'pyarrow')\n"
        "print([name for name in sys.modules if name.startswith(theirs)])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_folder_that_is_not_chosen_leaves_the_tools_out_and_is_logged():
    session = Session("--sandbox", environ={"ARIZE_MCP_TOOLSETS": "files", "ARIZE_MCP_FILES_DIR": ""})
    session.initialize()
    assert len(session.request("tools/list", {})["result"]["tools"]) == 5
    code, rest, log = session.end()
    assert (code, rest) == (0, b"")
    assert "ARIZE_MCP_FILES_DIR is not set" in log


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak from /proc")
def test_ten_thousand_runs_of_a_kilobyte_are_recorded_and_exported_in_little_memory(sandbox: Sandbox, tmp_path: Path):
    run = {"output": "x" * 900, "model": "gpt", "latency_ms": 1200, "eval.judge.score": 0.5}
    with (tmp_path / "r.jsonl").open("w", encoding="utf-8") as file:
        for n in range(10_000):
            file.write(json.dumps({"example_id": f"example-{n}", **run}) + "\n")
    environ = {
        "ARIZE_API_HOST": sandbox.base_url.removeprefix("http://"),
        "ARIZE_API_SCHEME": "http",
        "ARIZE_API_KEY": "sandbox-key",
        "ARIZE_MCP_TOOLSETS": "files",
        "ARIZE_MCP_FILES_DIR": str(tmp_path),
    }
    session = Session(environ=environ)
    session.initialize()
    arguments = {"path": "r.jsonl", "name": "large", "dataset_id": sandbox.dataset_id}
    recorded = session.request("tools/call", {"name": "experiments_create_from_file", "arguments": arguments})
    experiment = recorded["result"]["structuredContent"]
    assert experiment["added"] == 10_000
    for name in ("back.jsonl", "back.csv"):
        arguments = {"experiment_id": experiment["id"], "path": name}
        exported = session.request("tools/call", {"name": "experiments_export", "arguments": arguments})
        assert exported["result"]["structuredContent"]["rows"] == 10_000
    assert peak_memory_mib(session.process.pid) < 150
    assert session.end() == (0, b"", "")
