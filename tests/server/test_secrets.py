"""The key leaves in one header to one host: a look at everything the process ever writes."""

from __future__ import annotations

import json
from pathlib import Path

from anyio.from_thread import start_blocking_portal

from tests.raw_server import Request, answer, raw_server
from tests.stdio_process import Session

KEY = "ak-5f0e-the-very-secret-key"


async def echo(request: Request) -> bytes:
    """An API that echoes the key wherever it can."""
    if "get-html" in request.target:
        return answer(f"<p>bad key {KEY}", status="401 Unauthorized", content_type="text/html")
    if "get-redirect" in request.target:
        return answer(status="302 Found", headers=[f"Location: http://127.0.0.1:1/?key={KEY}"])
    if "get-ok" in request.target:
        return answer(f'{{"key":"{KEY}"', headers=[f"X-Echo: {KEY}"])
    body = {"title": KEY, "status": 403, "detail": f"Bearer {KEY}", KEY: [KEY]}
    return answer(json.dumps(body), status="403 Forbidden", headers=[f"X-Request-Id: {KEY}"])


def test_the_key_is_in_nothing_that_the_process_writes():
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(raw_server(answer(), route=echo)) as server,
    ):
        host, port = server.base_url.removeprefix("http://").split(":")
        session = Session(
            environ={
                "ARIZE_API_KEY": KEY,
                "ARIZE_API_HOST": host,
                "ARIZE_API_PORT": port,
                "ARIZE_API_SCHEME": "http",
                "ARIZE_MCP_LOG_LEVEL": "DEBUG",
                "ARIZE_MCP_READ_TIMEOUT_S": "2",
            }
        )
        written = [json.dumps(session.initialize())]
        command_line = Path(f"/proc/{session.process.pid}/cmdline")
        if command_line.exists():
            assert KEY.encode() not in command_line.read_bytes()
        for experiment_id in ("get-html", "get-redirect", "get-ok", "x", KEY):
            call = {"name": "experiments_get", "arguments": {"experiment_id": experiment_id}}
            reply = session.request("tools/call", call)
            assert reply["result"]["isError"] is True
            written.append(json.dumps(reply))
        code, stdout, stderr = session.end()
    assert code == 0
    assert "DEBUG" in stderr
    assert KEY not in "".join(written) + stdout.decode() + stderr
    assert all(request.headers["authorization"] == f"Bearer {KEY}" for request in server.requests)
