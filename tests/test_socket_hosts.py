"""Hosts that hand out sockets: Bun, which some hosts are built with, and socat, as inetd and remote shells do."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.transports.test_process import INITIALIZE

pytestmark = pytest.mark.sockets

EXAMPLE = Path(__file__).parent.parent / "examples" / "typescript"
SDK = "@modelcontextprotocol/sdk"
BUNS = {"1.2.23": "bun-old", "1.3.9": "bun-last-shut", "latest": "bun-newest"}
"""Up to 1.3.9 Bun shuts the unused half of a child's stdin and stdout."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The TypeScript example, with its SDK and all versions of Bun, installed from npm."""
    folder = tmp_path_factory.mktemp("sockets")
    shutil.copy(EXAMPLE / "client.mjs", folder)
    sdk = json.loads((EXAMPLE / "package.json").read_text(encoding="utf-8"))["dependencies"][SDK]
    packages = [f"{SDK}@{sdk}", *(f"{alias}@npm:bun@{version}" for version, alias in BUNS.items())]
    subprocess.run(
        ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), *packages],
        check=True,
        timeout=600,
    )
    return folder


@pytest.mark.parametrize("version", [*BUNS, "node"])
def test_the_typescript_sdk_works(folder: Path, version: str):
    runtime = "node"
    if version in BUNS:
        runtime = str(folder / "node_modules" / BUNS[version] / "bin" / "bun.exe")  # so on every system
        told = subprocess.run([runtime, "--version"], capture_output=True, text=True, check=True).stdout.strip()
        assert version in (told, "latest")
    done = subprocess.run(
        [runtime, "client.mjs"],
        cwd=folder,
        env={**os.environ, "ARIZE_MCP_COMMAND": str(Path(sys.executable).parent / "arize-mcp")},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("The problem arrived whole.\n")


MESSAGES: list[dict[str, Any]] = [
    INITIALIZE,
    {"jsonrpc": "2.0", "id": 1, "method": "tools/list"},
    {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "experiments_list", "arguments": {}}},
    {"jsonrpc": "2.0", "id": 3, "method": "ping"},
]


@pytest.mark.skipif(not shutil.which("socat") and "CI" not in os.environ, reason="needs socat")
@pytest.mark.parametrize("options", ["", ",pipes", ",pty,raw,echo=0"], ids=["one socket", "pipes", "a terminal"])
def test_socat_works(options: str):
    command = f"EXEC:{Path(sys.executable).parent / 'arize-mcp'} --sandbox{options}"
    host = subprocess.Popen(
        ["socat", "-", command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert host.stdin
    assert host.stdout
    with host, host.stdin, host.stdout:
        for message in MESSAGES:
            host.stdin.write(json.dumps(message).encode() + b"\n")
            host.stdin.flush()
            reply = json.loads(host.stdout.readline())
            assert reply["id"] == message["id"]
            assert "result" in reply
        host.stdin.close()
        assert host.stdout.read() == b""
        assert host.wait(20) == 0


@pytest.mark.skipif(not shutil.which("socat") and "CI" not in os.environ, reason="needs socat")
def test_a_one_shot_through_socat_is_answered():
    command = f"EXEC:{Path(sys.executable).parent / 'arize-mcp'} --sandbox"
    asked = b"\n".join(json.dumps(message).encode() for message in MESSAGES)
    done = subprocess.run(["socat", "-t", "10", "-", command], input=asked, capture_output=True, timeout=30, check=True)
    assert sorted(json.loads(line)["id"] for line in done.stdout.splitlines()) == [0, 1, 2, 3]
