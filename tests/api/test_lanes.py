"""Connections to a host: in which forms an answer is read, and what a host does before the next request goes over."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from pathlib import Path

import anyio
import pytest
import trustme
from anyio.abc import ByteStream

from arize_mcp.api.client import ExperimentsAPI
from arize_mcp.api.models import CreateExperimentRequest, ListExperimentsRequest
from arize_mcp.api.problems import ProblemError
from arize_mcp.settings.settings import Settings
from tests.api.test_network import context
from tests.raw_server import answer, close, raw_server

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


@pytest.mark.parametrize(
    "interim", [b"HTTP/1.1 100 Continue\r\nConnection: close\r\n\r\n", b"HTTP/1.0 100 Continue\r\n\r\n"]
)
async def test_an_answer_may_come_behind_an_interim_one_that_names_the_end_of_the_connection(interim: bytes):
    async with raw_server(interim + CREATED) as server, server.api() as api:
        assert await api.create(a_create(1)) == {"id": "x"}
    assert [request.method for request in server.requests] == ["POST"]


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 104 X\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 199 X\r\nContent-Length: 999999999\r\n\r\n",
        b"HTTP/1.1 099 X\r\n\r\n",
    ],
)
async def test_content_that_is_not_an_answers_is_not_kept(head: bytes):
    most = 256 * 1024 * 1024
    sent = 0

    async def pour(stream: ByteStream) -> None:
        nonlocal sent
        await stream.send(head)
        while sent < most:
            await stream.send(b"10000\r\n%b\r\n" % bytes(0x10000))
            sent += 0x10000
        await close(stream)

    async with raw_server(pour) as server, server.api() as api:
        with pytest.raises(ProblemError):
            await api.list(ListExperimentsRequest())
    assert sent < most


async def test_a_create_follows_an_answer_whose_trailer_names_the_end_of_the_connection():
    trailer = b"0\r\nConnection: close\r\n\r\n"
    page = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n12\r\n" + b'{"experiments":[]}' + b"\r\n" + trailer
    async with raw_server(page, CREATED) as server, server.api() as api:
        await api.list(ListExperimentsRequest())
        assert await api.create(a_create(1)) == {"id": "x"}
    assert [request.method for request in server.requests] == ["GET", "POST"]


async def test_white_space_behind_a_header_is_not_its_value():
    refusal = answer("{}", status="404 Not Found", headers=["X-Request-Id: abc \t"])
    async with raw_server(refusal) as server, server.api() as api:
        with pytest.raises(ProblemError) as caught:
            await api.list(ListExperimentsRequest())
    assert caught.value.problem.get("request_id") == "abc"


BODY = b'{"experiments":[]}'


@pytest.mark.parametrize(
    "sent",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n12  \r\n%b\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: CHUNKED \r\n\r\n12;a=b\r\n%b\r\n0\r\nX: y\r\n\r\n",
        b"HTTP/1.1 200 OK\nContent-Length: 18\n\n%b",
        b"HTTP/1.1 200\r\ncontent-length:18\r\n\r\n%b",
        b"HTTP/1.0 200 OK\r\n\r\n%b",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n%b",
        b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 18\r\n\r\n%b",
    ],
    ids=["padded sizes", "extension and trailer", "LF", "no reason", "HTTP/1.0", "until the end", "103"],
)
async def test_an_answer_is_read_in_each_form_that_hosts_give_it(sent: bytes):
    async def say(stream: ByteStream) -> None:
        await stream.send(sent % BODY)
        await close(stream)

    async with raw_server(say) as server, server.api() as api:
        assert await api.list(ListExperimentsRequest()) == {"experiments": []}
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "sent",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n%b",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n12\r\n%b\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n12\r\n%b\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 19\r\n\r\n%b",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000 + b"\r\n\r\n%b",
        b"ICY 200 OK\r\n\r\n%b",
    ],
    ids=["gzip", "gzip, chunked", "no last chunk", "cut short", "a long head", "no HTTP"],
)
async def test_what_is_no_whole_answer_is_a_broken_response(sent: bytes):
    async def say(stream: ByteStream) -> None:
        await stream.send(sent % BODY)
        await close(stream)

    async with raw_server(say) as server, server.api() as api:
        with pytest.raises(ProblemError) as caught:
            await api.list(ListExperimentsRequest())
    assert caught.value.problem.get("type") == "urn:arize-mcp:problem:broken-response"
