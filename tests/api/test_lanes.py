"""Connections that are kept: what a host does with one before the next request goes over it."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from pathlib import Path

import anyio
import pytest
import trustme

from arize_mcp.api.client import ExperimentsAPI
from arize_mcp.api.models import CreateExperimentRequest, ListExperimentsRequest
from arize_mcp.api.problems import ProblemError
from arize_mcp.settings.settings import Settings
from tests.api.test_network import context
from tests.raw_server import answer

PAGE = answer('{"experiments":[]}')
CREATED = answer('{"id":"x"}', status="201 Created")


def a_create(chars: int) -> CreateExperimentRequest:
    runs = [{"example_id": "e", "output": "o" * chars}]
    return CreateExperimentRequest.model_validate({"name": "n", "dataset_id": "d", "experiment_runs": runs})


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_after_a_refusal_of_a_request_that_was_not_read_the_next_one_goes_over_a_new_connection(
    scheme: str, tmp_path: Path
):
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
        if length < 1000:
            await reader.readexactly(length)
            writer.write(CREATED)
        else:
            writer.write(answer("{}", status="413 Content Too Large"))
        try:
            await over.wait()
        finally:
            writer.transport.abort()

    over = anyio.Event()
    host = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context(ca) if scheme == "https" else None)
    port = host.sockets[0].getsockname()[1]
    settings = Settings(
        base_url=f"{scheme}://localhost:{port}", api_key="k", ca_path=str(tmp_path / "ca.pem"), read_timeout_s=5.0
    )
    async with ExperimentsAPI(settings) as api:
        with pytest.raises(ProblemError) as caught:
            await api.create(a_create(20_000_000))
        assert caught.value.status == 413
        assert await api.create(a_create(1)) == {"id": "x"}
    assert connections == 2
    over.set()
    host.close()


@pytest.mark.parametrize("turns", range(5))
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_create_is_not_sent_over_a_connection_that_was_reset_while_the_loop_was_busy(
    scheme: str, turns: int, tmp_path: Path
):
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    tls = context(ca)
    may_close, closed, over = threading.Event(), threading.Event(), threading.Event()
    requests: list[bytes] = []

    def serve() -> None:
        for reply, may_end in ((PAGE, may_close), (CREATED, over)):
            connection, _ = listener.accept()
            if scheme == "https":
                connection = tls.wrap_socket(connection, server_side=True)
            with connection:
                requests.append(connection.recv(65_536).split(b" ")[0])
                connection.sendall(reply)
                may_end.wait()
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            closed.set()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        host = threading.Thread(target=serve, daemon=True)
        host.start()
        port = listener.getsockname()[1]
        settings = Settings(base_url=f"{scheme}://localhost:{port}", api_key="k", ca_path=str(tmp_path / "ca.pem"))
        async with ExperimentsAPI(settings) as api:
            await api.list(ListExperimentsRequest())
            may_close.set()
            closed.wait()
            # The loop learns of the end bit by bit.
            for _ in range(turns):
                await asyncio.sleep(0)
            assert await api.create(a_create(1)) == {"id": "x"}
        over.set()
        host.join()
    assert requests == [b"GET", b"POST"]
