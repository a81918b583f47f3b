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
from tests.server.test_tools import input_faults, output_faults

SNAPSHOTS = Path(__file__).parent.parent.parent / "snapshots" / "files"
HINTS = {
    "experiments_create_from_file": (False, False, False, True),
    "experiments_export": (False, True, True, True),
}


async def listed(**settings: Any) -> list[dict[str, Any]]:
    found = Settings(toolsets=("files",), files_dir="/", **settings)
    async with Client(create_server(ExperimentsAPI(found), found), mode="legacy") as client:
        tools = (await client.list_tools()).tools
        return [tool.model_dump(by_alias=True, exclude_none=True, mode="json") for tool in tools]


async def test_the_two_tools_come_after_the_five_and_are_as_their_snapshots_say():
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
    tools = json.dumps((await listed())[5:], ensure_ascii=False, separators=(",", ":"))
    assert len(tools) < 7_500


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
        "theirs = ('arize_mcp.files', 'arize_mcp.server.recording', 'arize_mcp.server.exporting', 'pyarrow')\n"
        "print([name for name in sys.modules if name.startswith(theirs)])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
