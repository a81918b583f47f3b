"""The TypeScript SDK, which most hosts are made of, over HTTP."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from arize_mcp.sandbox.seed import API_KEY
from tests.http_process import served_http

pytestmark = pytest.mark.inspector

PACKAGE = "@modelcontextprotocol/sdk@1.32.2"
PROGRAM = Path(__file__).parent / "http.mjs"


def test_it_connects_with_a_header_calls_and_reads_problems(tmp_path: Path):
    install = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(tmp_path), PACKAGE]
    subprocess.run(install, check=True, timeout=300)
    shutil.copy(PROGRAM, tmp_path)
    with served_http("--sandbox") as served:
        command = ["node", str(tmp_path / PROGRAM.name), served.url, API_KEY]
        done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["server"] == "arize-mcp"
    assert len(seen["tools"]) == seen["ownHeader"] == 5
    assert len(seen["works"]["structuredContent"]["experiments"]) == 1
    assert (seen["fails"]["isError"], seen["fails"]["structuredContent"]["status"]) == (True, 404)
    assert seen["many"] == [2] * 50
    # No search for an authorization server, which there is none.
    assert seen["withoutKey"].startswith("401")
    assert "carries no API key" in seen["withoutKey"]
