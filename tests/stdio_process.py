"""``arize-mcp`` in a process of its own, and a host that speaks with it line by line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from threading import Timer
from typing import Any

COMMANDS = [[sys.executable, "-m", "arize_mcp"], [str(Path(sys.executable).parent / "arize-mcp")]]
# Without SYSTEMROOT no program on Windows finds its sockets; make coverage sets the other.
INHERITED = {name: value for name, value in os.environ.items() if name in ("SYSTEMROOT", "COVERAGE_PROCESS_CONFIG")}
ENVIRON = {
    "PATH": str(Path(sys.executable).parent),
    "PYTHONWARNDEFAULTENCODING": "1",
    **INHERITED,
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
