"""The server over the SDK's streamable HTTP app, on the sandbox; prints its URL when it listens."""

from __future__ import annotations

import socket
import sys

import uvicorn

from arize_mcp.api.client import ExperimentsAPI
from arize_mcp.sandbox.app import create_app
from arize_mcp.sandbox.seed import API_KEY
from arize_mcp.server.app import create_server
from arize_mcp.settings.settings import Settings


def main() -> None:
    settings = Settings(api_key=API_KEY)
    app = create_server(ExperimentsAPI(settings, app=create_app()), settings).streamable_http_app()
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # The socket listens already, so a client that reads this line can connect.
        sys.stdout.write(f"http://127.0.0.1:{listener.getsockname()[1]}/mcp\n")
        sys.stdout.flush()
        uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])


if __name__ == "__main__":
    main()
