"""The real process over its pipes, in both eras; stdout holds nothing but JSON-RPC."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from threading import Timer
from typing import Any

import pytest

from tests.conftest import Sandbox

COMMANDS = [[sys.executable, "-m", "arize_mcp"], [str(Path(sys.executable).parent / "arize-mcp")]]
ENVIRON = {
    "PATH": str(Path(sys.executable).parent),
    "PYTHONWARNDEFAULTENCODING": "1",
    # Without it no program on Windows finds its sockets.
    **{name: value for name, value in os.environ.items() if name == "SYSTEMROOT"},
}
MODERN_META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}


class Session:
    """A host: starts the server and speaks JSON-RPC with it, line by line."""

    def __init__(
        self,
        *arguments: str,
        command: list[str] = COMMANDS[0],
        environ: dict[str, str] | None = None,
        inherited: Mapping[str, str] = ENVIRON,
        stderr: Any = subprocess.PIPE,
        closes_stderr: bool = False,
    ) -> None:
        if closes_stderr:
            command = ["/bin/sh", "-c", 'exec "$@" 2>&-', "sh", *command]
        self.process = subprocess.Popen(
            [*command, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            bufsize=0,
            env={**inherited, **(environ or {})},
        )
        self._id = 0

    def send(self, message: dict[str, Any]) -> None:
        assert self.process.stdin
        self.process.stdin.write(json.dumps(message).encode() + b"\n")

    def read(self) -> dict[str, Any]:
        """The next message."""
        assert self.process.stdout
        silence = Timer(20, self.process.kill)
        silence.start()
        line = self.process.stdout.readline()
        silence.cancel()
        assert line, "the server says nothing"
        return json.loads(line)

    def request(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """Send a request and read lines up to its response; every line must be JSON-RPC."""
        self._id += 1
        self.send({"jsonrpc": "2.0", "id": self._id, "method": method, "params": params})
        while True:
            message = self.read()
            assert message["jsonrpc"] == "2.0"
            if message.get("id") == self._id:
                return message

    def initialize(self) -> dict[str, Any]:
        client = {"name": "test", "version": "1"}
        params = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client}
        result = self.request("initialize", params)["result"]
        self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        return result

    def end(self) -> tuple[int, bytes, str]:
        """Close stdin; returns the exit code, what else stood on stdout, and stderr."""
        stdout, stderr = self.process.communicate(timeout=20)
        return self.process.returncode, stdout, (stderr or b"").decode()


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
