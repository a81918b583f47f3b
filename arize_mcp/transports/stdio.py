"""The stdio transport: JSON-RPC, a message a line, and not a byte more on stdout.

Source: MCP, Transports, stdio.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from typing import Any, Final

import anyio
from mcp.server.lowlevel import Server

from arize_mcp.transports.files import files
from arize_mcp.transports.pipes import can_wait_for, pipes
from arize_mcp.transports.wire import Wire

_EXIT_WITHIN_S: Final = 0.3


async def serve(
    server: Server[Any], wire: Wire, drained: asyncio.Event | None = None, *, is_local: bool = False
) -> None:
    """Serve until the host closes stdin or stdout, or SIGTERM or SIGINT comes; calls in flight are cancelled.

    What was asked before the end of stdin and needs no network is answered first.

    Args:
        server: the server.
        wire: the host's descriptors.
        drained: is cleared while there are messages that the host has not read.
        is_local: whether no call needs the network.
    """
    if drained is None:
        drained = asyncio.Event()
        drained.set()
    async with anyio.create_task_group() as tasks:
        if sys.platform != "win32":
            tasks.start_soon(_cancel_on_signal, tasks.cancel_scope)
        transport = pipes if can_wait_for(wire.stdin_fd) and can_wait_for(wire.stdout_fd) else files
        async with transport(wire, drained, is_local=is_local) as (read_stream, write_stream):
            await server.run(read_stream, write_stream, server.create_initialization_options())
        tasks.cancel_scope.cancel()
    # All is closed. A name look-up that hangs in a worker thread would keep the process for as long as it takes.
    last_resort = threading.Timer(_EXIT_WITHIN_S, os._exit, args=(0,))
    last_resort.daemon = True
    last_resort.start()


async def _cancel_on_signal(scope: anyio.CancelScope) -> None:
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async for _ in signals:
            scope.cancel()
            return
