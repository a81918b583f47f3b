"""The sandbox over HTTP on loopback."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from ipaddress import ip_address

import uvicorn

from arize_mcp.sandbox.app import create_app
from arize_mcp.sandbox.seed import API_KEY
from arize_mcp.sandbox.store import Store, StoreError


class SandboxError(Exception):
    """The sandbox can't be served as asked; the message says why."""


def serve(host: str, port: int, db: str | None) -> None:
    """Serve until SIGINT or SIGTERM; announce on stdout, in one line of JSON, when it listens.

    Args:
        host: a loopback address or ``localhost``.
        port: 0 takes any free one.
        db: SQLite file; None keeps the data in memory.

    Raises:
        SandboxError: for another host, a port in use or an unusable file.
    """
    if db == "":
        raise SandboxError("--db needs the name of a file.")
    listener = _listen(host, port)
    try:
        store = Store(db)
    except StoreError as error:
        listener.close()
        raise SandboxError(str(error)) from error
    app = create_app(store)
    address, bound_port = listener.getsockname()[:2]
    announcement = {
        "base_url": f"http://{f'[{address}]' if ':' in address else address}:{bound_port}",
        "api_key": API_KEY,
        "spaces": [{key: space[key] for key in ("id", "name")} for space in store.spaces()],
        "datasets": [{key: dataset[key] for key in ("id", "name", "space_id")} for dataset in store.datasets()],
    }
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
    try:
        # The socket listens already, so a client that reads this line can connect.
        sys.stdout.write(json.dumps(announcement) + "\n")
        sys.stdout.flush()
        asyncio.run(server.serve(sockets=[listener]))
    except KeyboardInterrupt:
        pass  # uvicorn has shut down in order and then passes the signal on
    finally:
        store.close()


def _listen(host: str, port: int) -> socket.socket:
    address = "127.0.0.1" if host == "localhost" else host
    try:
        is_loopback = ip_address(address).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback:
        raise SandboxError(f"--host {host} is not a loopback address: the sandbox's key is public, use 127.0.0.1.")
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        listener = socket.create_server((address, port), family=family, backlog=512)
    except OSError as error:
        raise SandboxError(f"can't listen on {host} port {port}: {os.strerror(error.errno or 0)}.") from error
    # asyncio doesn't set this for a socket that it didn't make; every answer would wait for a delayed acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener
