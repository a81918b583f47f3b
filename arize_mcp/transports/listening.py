"""The HTTP server's process: its listener, and an end at which nothing is lost."""

from __future__ import annotations

import asyncio
import math
import socket
import sys
from contextlib import suppress
from typing import Any, Final

import uvicorn
from starlette.types import ASGIApp

from arize_mcp.settings.http import HTTPSettings
from arize_mcp.settings.settings import SettingsError
from arize_mcp.transports.doors import is_loopback
from arize_mcp.transports.http import PATH

_BACKLOG: Final = 2_048
_KEEP_ALIVE_S: Final = 75
"""Longer than load balancers keep idle connections (60 s as a rule), so that they never use one that we have closed."""

_GRACE_S: Final = 5
_WIND_DOWN_S: Final = 1


class ListenError(Exception):
    """The server can't listen as asked; the message says why."""


def listen(settings: HTTPSettings) -> socket.socket:
    """Listen.

    Raises:
        SettingsError: on an address that others can reach, without the names that it may be called by.
        ListenError: where the system doesn't let it.
    """
    host, port = settings.host.strip("[]"), settings.port
    try:
        # Many hosts files name ::1 before 127.0.0.1, and some clients try only the first.
        found = socket.getaddrinfo("127.0.0.1" if host == "localhost" else host, port, type=socket.SOCK_STREAM)
        family, _, _, _, address = found[0]
        if not (is_loopback(str(address[0])) or settings.any_host or settings.allowed_hosts):
            raise SettingsError(
                [
                    (
                        "ARIZE_MCP_ALLOWED_HOSTS",
                        f"must be set, because others can reach the server ({host} is not loopback): to the host names "
                        "by which it is called, separated by commas, such as mcp.example.com.",
                    )
                ]
            )
        listener = socket.create_server(
            address[:2], family=family, backlog=_BACKLOG, dualstack_ipv6=host == "::" and socket.has_dualstack_ipv6()
        )
    except OSError as error:
        raise ListenError(f"can't listen on {host} port {port}: {error.strerror or error}.") from error
    # asyncio doesn't set this for a socket that it didn't make; every answer would wait for a delayed acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def serve(app: ASGIApp, settings: HTTPSettings, listener: socket.socket) -> None:
    """Serve until SIGINT or SIGTERM, then until what has come is answered; tell the URL on stdout when it listens."""
    config = uvicorn.Config(
        app,
        http="h11",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=math.ceil(settings.calls.deadline_s) + _GRACE_S - _WIND_DOWN_S,
    )
    address, port = listener.getsockname()[:2]
    # The socket listens already, so a client that reads this line can connect.
    sys.stdout.write(f"http://{f'[{address}]' if ':' in address else address}:{port}{PATH}\n")
    sys.stdout.flush()
    asyncio.run(_Server(config).serve(sockets=[listener]))


class _Server(uvicorn.Server):
    """A server that ends without losing a request that had been sent."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept the connections that are waiting, then no more; let all of them end; then shut down."""
        loop = asyncio.get_running_loop()
        # Connections that only the kernel has accepted would be reset when the listener is closed.
        taken = [connection for listener in sockets or [] for connection in _backlog(listener)]
        for server in self.servers:
            server.close()
        for connection in taken:
            await loop.connect_accepted_socket(self._protocol, connection)
        # On a connection that is idle here, a request may be on its way: it is answered, and ends the connection.
        self.server_state.default_headers.append((b"connection", b"close"))
        if self.server_state.connections:
            await asyncio.sleep(_WIND_DOWN_S)
        await super().shutdown(sockets)

    def _protocol(self) -> asyncio.Protocol:
        make: Any = self.config.http_protocol_class
        return make(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)


def _backlog(listener: socket.socket) -> list[socket.socket]:
    taken: list[socket.socket] = []
    with suppress(BlockingIOError):
        while True:
            taken.append(listener.accept()[0])
    return taken
