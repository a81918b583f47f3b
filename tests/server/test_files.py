"""The toolset ``files``: its definitions, and that it costs nothing where it is off."""

from __future__ import annotations

import json
import os
import re
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
from tests.server.test_tools import input_faults, output_faults
from tests.transports.test_process import peak_memory_mib
from tests.transports.test_stdio import Session

SNAPSHOTS = Path(__file__).parent.parent / "snapshots" / "files"
HINTS = {
    "experiments_create_from_file": (False, False, False, True),
    "experiments_export": (False, True, True, True),
}


async def listed(**settings: Any) -> list[dict[str, Any]]:
    found = Settings(toolsets=("files",), files_dir="/", **settings)
    async with Client(create_server(ExperimentsAPI(found), found), mode="legacy") as client:
        tools = (await client.list_tools()).tools
        return [tool.model_dump(by_alias=True, exclude_none=True, mode="json") for tool in tools]


async def test_the_tools_come_after_the_five_and_are_as_their_snapshots_say():
    wire = {tool["name"]: tool for tool in (await listed())[5:]}
    if "UPDATE_SNAPSHOTS" in os.environ:
        for name, tool in wire.items():
            text = json.dumps(tool, indent=2, ensure_ascii=False, sort_keys=True)
            (SNAPSHOTS / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    committed = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in SNAPSHOTS.glob("*.json")}
    assert wire == committed, "A tool is a public contract: UPDATE_SNAPSHOTS=1 rewrites it, CHANGELOG.md tells it."


@pytest.mark.parametrize("name", HINTS)
async def test_every_schema_is_one_that_every_client_takes(name: str):
    (tool,) = [tool for tool in await listed() if tool["name"] == name]
    assert list(input_faults(tool["inputSchema"])) == []
    assert list(output_faults(tool["outputSchema"])) == []
    hints = ("readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint")
    assert tuple(tool["annotations"][hint] for hint in hints) == HINTS[name]
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name)
    assert len("arize" + name) < 60


async def test_what_a_model_reads_of_the_toolset_stays_short():
    for tool in (await listed())[5:]:
        assert len(json.dumps(tool, ensure_ascii=False, separators=(",", ":"))) <= 2_200


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
