"""``arize-mcp http`` in a process of its own, and requests to it byte by byte or by era."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from arize_mcp.sandbox.seed import API_KEY
from tests.stdio_process import INHERITED

ERAS = ("2025-11-25", "2026-07-28")
LEGACY, MODERN = ERAS
ENVIRON = {"PATH": f"{sys.prefix}/bin", "PYTHONWARNDEFAULTENCODING": "1", **INHERITED}
ACCEPT = "application/json, text/event-stream"


@dataclass(frozen=True)
class Served:
    """A server that listens: its URL, with /mcp, its process, and where it logs to."""

    url: str
    process: subprocess.Popen[str]
    log: Path

    def logged(self) -> str:
        return self.log.read_text("utf-8")

    def terminate(self) -> int:
        """Have it end; returns its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)


@contextmanager
def served_http(*arguments: str, environ: Mapping[str, str] | None = None) -> Generator[Served]:
    """Start it on any free port unless told otherwise, wait until it listens, end it."""
    told = "--port" in arguments or not {"PORT", "ARIZE_MCP_HTTP_PORT"}.isdisjoint(environ or {})
    port = () if told else ("--port", "0")
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".log") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "arize_mcp", "http", *port, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            encoding="utf-8",
            env={**ENVIRON, **(environ or {})},
        )
        with process:
            assert process.stdout
            try:
                url = process.stdout.readline().strip()
                assert url.endswith("/mcp"), Path(log.name).read_text("utf-8")
                yield Served(url, process, Path(log.name))
            finally:
                if process.poll() is None:
                    process.kill()


@contextmanager
def served_by_uvicorn(environ: Mapping[str, str]) -> Generator[str]:
    """The ASGI factory under uvicorn's own command line; yields the URL."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    command = [sys.executable, "-m", "uvicorn", "--factory", "arize_mcp.transports.http:create_app", "--port", port]
    with subprocess.Popen(command, env=ENVIRON | dict(environ), stderr=subprocess.PIPE, encoding="utf-8") as process:
        assert process.stderr
        try:
            while "Uvicorn running" not in (line := process.stderr.readline()):
                assert line
            yield f"http://127.0.0.1:{port}/mcp"
        finally:
            process.kill()


def refused_start(*arguments: str, environ: Mapping[str, str] | None = None) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a server that doesn't start."""
    done = subprocess.run(
        [sys.executable, "-m", "arize_mcp", "http", *arguments],
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        env={**ENVIRON, **(environ or {})},
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def upstream(base_url: str) -> dict[str, str]:
    """The environment of a server whose Arize is elsewhere on loopback."""
    url = httpx.URL(base_url)
    return {"ARIZE_API_HOST": url.host, "ARIZE_API_PORT": str(url.port), "ARIZE_API_SCHEME": "http"}


@asynccontextmanager
async def client() -> AsyncGenerator[httpx.AsyncClient]:
    """An HTTP client that heeds no environment and puts no limit on connections."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx.AsyncClient(trust_env=False, timeout=60, limits=limits) as http:
        yield http


def headers(era: str, message: Mapping[str, Any], key: str | None = API_KEY) -> dict[str, str]:
    """What an SDK sends with a message."""
    sent = {"Content-Type": "application/json", "Accept": ACCEPT, "MCP-Protocol-Version": era}
    if key is not None:
        sent["Authorization"] = f"Bearer {key}"
    if era == MODERN:
        sent["Mcp-Method"] = message["method"]
        name = message["params"].get("name", message["params"].get("uri"))
        if name is not None:
            sent["Mcp-Name"] = name
    return sent


def message(era: str, method: str, request_id: int | str = 1, /, **params: Any) -> dict[str, Any]:
    """A request; its params may bring capabilities and a progress token in _meta."""
    if era == MODERN:
        meta = {
            "io.modelcontextprotocol/protocolVersion": MODERN,
            "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {},
        }
        params["_meta"] = meta | params.get("_meta", {})
    return {"jsonrpc": "2.0", "id": request_id, "method": method, "params": params}


def tool_call(
    era: str, tool: str, request_id: int | str = 1, /, *, meta: Any = None, **arguments: Any
) -> dict[str, Any]:
    """A tools/call."""
    further = {} if meta is None else {"_meta": meta}
    return message(era, "tools/call", request_id, name=tool, arguments=arguments, **further)


def replies(response: httpx.Response) -> list[dict[str, Any]]:
    """The messages of an answer: one of JSON, or any number of events."""
    if response.headers["content-type"] == "text/event-stream":
        lines = response.text.splitlines()
        return [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: {")]
    return [response.json()]


async def ask(
    http: httpx.AsyncClient, url: str, era: str, sent: dict[str, Any], *, key: str = API_KEY
) -> dict[str, Any]:
    """The result of a request that is answered in order."""
    response = await http.post(url, json=sent, headers=headers(era, sent, key))
    assert response.status_code == 200, response.text
    reply = replies(response)[-1]
    assert reply["id"] == sent["id"]
    return reply["result"]


async def content(
    http: httpx.AsyncClient, url: str, era: str, tool: str, *, key: str = API_KEY, **arguments: Any
) -> dict[str, Any]:
    """The structured content of a tool's result."""
    return (await ask(http, url, era, tool_call(era, tool, **arguments), key=key))["structuredContent"]


def rss_bytes(pid: int) -> int:
    """How much memory a process has in use (Linux)."""
    return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
