"""What differs on Windows: the server's other half, on a loop that can do as little as the ones there."""

from __future__ import annotations

import sys

from tests.stdio_process import Session

# On Windows neither loop has signal handlers, and the selector loop has no pipes. The modules that pick their own half
# of the platform are imported before it seems to be another one: what is left to differ is this product.
AS_ON_WINDOWS = """
import asyncio, subprocess, sys
import anyio, anyio._backends._asyncio, httpx, mcp.server.lowlevel, uvicorn

def refuse(self, *arguments):
    raise NotImplementedError

for name in ("add_signal_handler", "remove_signal_handler", "connect_read_pipe", "connect_write_pipe"):
    setattr(asyncio.SelectorEventLoop, name, refuse)
sys.platform = "win32"
from arize_mcp.cli import main
sys.exit(main(["--sandbox"]))
"""


def test_a_session_works_without_posix_pipes_and_signal_handlers():
    session = Session(command=[sys.executable, "-c", AS_ON_WINDOWS])
    session.initialize()
    assert len(session.request("tools/list", {})["result"]["tools"]) == 5
    page = session.request("tools/call", {"name": "experiments_list", "arguments": {}})["result"]
    assert len(page["structuredContent"]["experiments"]) == 2
    bad = session.request("tools/call", {"name": "experiments_get", "arguments": {"experiment_id": "nope"}})["result"]
    assert bad["structuredContent"]["status"] == 404
    assert session.end() == (0, b"", "")
