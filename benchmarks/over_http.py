"""Calls over HTTP: how many a second, and how long one takes, at 1, 16 and 64 connections, beside FastMCP.

Run: python benchmarks/over_http.py [--quick] [--environments FOLDER], for this table alone. Each connection is kept and
has one call of experiments_get under way, as a client of 2026-07-28 sends it: one POST, and nothing before.
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Generator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, Final

from alone import alone
from canned import upstream
from driver import DriverError
from environments import PEERS, Environments, local
from report import over_http as table
from scenarios import GET, Plan, rounds
from targets import judged_over_http, summary

CONNECTIONS: Final = (1, 16, 64)
SERVERS: Final = ("ours", "fastmcp")
START_TIMEOUT_S: Final = 60
_PROTOCOL: Final = "2026-07-28"
_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


def measure(environments: Environments, plan: Plan) -> dict[str, Any]:
    """By server and connections: calls a second, and the median of a call, in ms."""
    taken: dict[str, dict[int, defaultdict[str, list[float]]]] = {
        server: {connections: defaultdict(list) for connections in CONNECTIONS} for server in SERVERS
    }
    with upstream() as canned, ExitStack() as stack:
        ports = {server: stack.enter_context(_served(environments, server, canned.port)) for server in SERVERS}

        def measured(number: int) -> None:
            for connections in CONNECTIONS:
                for server in SERVERS[:: 1 if number % 2 else -1]:
                    latencies_ms = asyncio.run(_load(ports[server], connections, plan.over_http_load_s))
                    costs = taken[server][connections]
                    costs["per_s"].append(len(latencies_ms) / plan.over_http_load_s)
                    costs["p50_ms"].append(statistics.median(latencies_ms))

        def result() -> dict[str, Any]:
            return {
                server: {
                    str(connections): {cost: summary(values) for cost, values in costs.items()}
                    for connections, costs in by_connections.items()
                }
                for server, by_connections in taken.items()
            }

        for connections in CONNECTIONS:
            for server in SERVERS:
                asyncio.run(_load(ports[server], connections, plan.over_http_load_s))
        rounds("over HTTP", plan.over_http_rounds, measured, lambda: judged_over_http(result()), plan)
        return result()


@contextmanager
def _served(environments: Environments, server: str, upstream_port: int) -> Generator[int]:
    """A server over HTTP on the upstream; yields its port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    if server == "ours":
        command = [str(environments.ours.folder / "bin" / "arize-mcp"), "http", "--port", str(port)]
        own = {
            "ARIZE_API_HOST": "127.0.0.1",
            "ARIZE_API_PORT": str(upstream_port),
            "ARIZE_API_SCHEME": "http",
            # As many as there are connections, as FastMCP has it.
            "ARIZE_MCP_MAX_CONNECTIONS": str(max(CONNECTIONS)),
        }
    else:
        command = [environments.fastmcp.python, str(PEERS / "fastmcp_openapi.py")]
        own = {"UPSTREAM_URL": f"http://127.0.0.1:{upstream_port}", "HTTP_PORT": str(port)}
    environ = {name: text for name, text in local().items() if not name.startswith("ARIZE_")} | own
    with subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _wait_for(port)
            yield port
        finally:
            process.kill()


def _wait_for(port: int) -> None:
    until = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < until:
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        time.sleep(0.05)
    raise DriverError(f"nothing listens at port {port}")


async def _load(port: int, connections: int, load_s: float) -> list[float]:
    """The latencies of all calls that end within some seconds."""
    request = _request(port)
    latencies_ms: list[float] = []
    async with asyncio.TaskGroup() as tasks:
        for _ in range(connections):
            tasks.create_task(_calls(port, request, time.perf_counter() + load_s, latencies_ms))
    return latencies_ms


async def _calls(port: int, request: bytes, until_s: float, latencies_ms: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while (started_s := time.perf_counter()) < until_s:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = _LENGTH.search(head)
        body = await (reader.readexactly(int(length[1])) if length else reader.readuntil(b"\r\n0\r\n\r\n"))
        if not head.startswith(b"HTTP/1.1 200") or b"experiment-1" not in body:
            raise DriverError(f"a call failed: {head.decode()}{body[:500].decode()}")
        latencies_ms.append((time.perf_counter() - started_s) * 1000)
    writer.close()


def _request(port: int) -> bytes:
    """The bytes of a call."""
    tool, arguments = GET
    meta = {
        "io.modelcontextprotocol/protocolVersion": _PROTOCOL,
        "io.modelcontextprotocol/clientInfo": {"name": "benchmark", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    params = {"name": tool, "arguments": arguments, "_meta": meta}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).encode()
    lines = (
        "POST /mcp HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Authorization: Bearer key-of-the-benchmark",
        "Content-Type: application/json",
        "Accept: application/json, text/event-stream",
        f"MCP-Protocol-Version: {_PROTOCOL}",
        "Mcp-Method: tools/call",
        f"Mcp-Name: {tool}",
        f"Content-Length: {len(body)}",
    )
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def _show(measured: dict[str, Any]) -> None:
    print(table(measured))
    for row in judged_over_http(measured):
        print(f"{row['name']}: {row['median']:.2f}, limit {row['limit']}: {row['verdict']}")


if __name__ == "__main__":
    sys.exit(alone("Measure calls over HTTP.", measure, _show))
