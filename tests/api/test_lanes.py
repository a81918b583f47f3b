"""Connections that are kept: what a host does with one before the next request goes over it."""

from __future__ import annotations

import asyncio
import socket
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


async def test_a_create_is_not_sent_over_a_connection_that_was_closed_while_the_loop_was_busy():
    may_close, closed = threading.Event(), threading.Event()
    requests: list[bytes] = []

    def serve() -> None:
        for reply in (PAGE, CREATED):
            connection, _ = listener.accept()
            with connection:
                requests.append(connection.recv(65_536).split(b" ")[0])
                connection.sendall(reply)
                may_close.wait()
            closed.set()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        host = threading.Thread(target=serve, daemon=True)
        host.start()
        settings = Settings(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}", api_key="k")
        async with ExperimentsAPI(settings) as api:
            await api.list(ListExperimentsRequest())
            may_close.set()
            closed.wait()
            assert await api.create(a_create(1)) == {"id": "x"}
        host.join()
    assert requests == [b"GET", b"POST"]
