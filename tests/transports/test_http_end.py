"""A rollout loses nothing: what had been sent when the signal came is answered, and the process ends with code 0."""

from __future__ import annotations

import json
import signal
import socket
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from arize_mcp.sandbox.seed import API_KEY
from tests.conftest import Sandbox
from tests.http_process import (
    ERAS,
    MODERN,
    Served,
    ask,
    client,
    content,
    headers,
    replies,
    served_http,
    tool_call,
    upstream,
)
from tests.raw_server import Request, answer, raw_server

pytestmark = pytest.mark.posix(reason="POSIX signals")

CREATED = '{"id":"x","name":"n","dataset_id":"d","created_at":"2026-01-01T00:00:00Z"}'


async def ended(served: Served) -> int:
    """The exit code of a server that was asked to end."""
    return await anyio.to_thread.run_sync(lambda: served.process.wait(timeout=60))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_an_idle_server_ends_at_once_with_code_0(number: int):
    with served_http("--sandbox") as served:
        served.process.send_signal(number)
        assert await ended(served) == 0
        assert "Traceback" not in served.logged()


async def test_a_server_with_idle_connections_ends():
    with served_http("--sandbox") as served:
        async with client() as http:
            await content(http, served.url, MODERN, "experiments_list")
            assert served.terminate() == 0


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("tool", ["experiments_list", "experiments_create"])
async def test_a_call_that_is_under_way_is_answered_a_create_included(era: str, tool: str):
    go = anyio.Event()

    async def route(request: Request) -> bytes:
        await go.wait()
        if request.method == "POST":
            return answer(CREATED, status="201 Created")
        return answer('{"experiments":[]}')

    async with raw_server(answer(), route=route) as server, client() as http:
        with served_http(environ=upstream(server.base_url)) as served:
            runs = [{"example_id": "e", "output": "o"}]
            new: dict[str, Any] = {"name": "n", "dataset_id": "d", "experiment_runs": runs} if "create" in tool else {}
            found: list[dict[str, Any]] = []

            async def call() -> None:
                found.append(await content(http, served.url, era, tool, **new))

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(call)
                with anyio.fail_after(30):
                    while not server.requests:
                        await anyio.lowlevel.checkpoint()
                    served.process.send_signal(signal.SIGTERM)
                    await _refuses(served)
                    go.set()
            assert await ended(served) == 0
    assert found[0] == (found[0] | json.loads(CREATED) if new else {"experiments": []})
    assert len(server.requests) == 1


async def _refuses(served: Served) -> None:
    """Wait until it accepts nobody more."""
    url = httpx.URL(served.url)
    while True:
        try:
            await (await anyio.connect_tcp(url.host, url.port or 0)).aclose()
        except OSError:
            return
        await anyio.lowlevel.checkpoint()


def _request(served: Served, body: bytes) -> bytes:
    fields = headers(MODERN, json.loads(body)) | {"Host": "localhost", "Content-Length": str(len(body))}
    head = "\r\n".join(("POST /mcp HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())))
    return head.encode() + b"\r\n\r\n" + body


def _read_to_end(connection: socket.socket) -> bytes:
    told = b""
    while part := connection.recv(65_536):
        told += part
    return told


def _waits(served: Served) -> None:
    """Stop the process, so that nothing it is sent is read."""
    served.process.send_signal(signal.SIGSTOP)
    status = Path(f"/proc/{served.process.pid}/stat")
    while status.read_text("ascii").rpartition(")")[2].split()[0] != "T":
        time.sleep(0)


def test_what_was_sent_but_not_yet_read_nor_accepted_when_the_signal_came_is_answered():
    body = json.dumps(tool_call(MODERN, "experiments_list")).encode()
    with served_http("--sandbox") as served:
        url = httpx.URL(served.url)

        def connect() -> socket.socket:
            return socket.create_connection((url.host, url.port or 0), timeout=60)

        idle: Sequence[socket.socket] = [connect() for _ in range(20)]
        for connection in idle:
            # A connection that is kept alive, as a balancer does.
            connection.sendall(_request(served, body))
            assert connection.recv(12) == b"HTTP/1.1 200"
        _waits(served)
        served.process.send_signal(signal.SIGTERM)
        # The signal has come, and the process knows nothing of it nor of these.
        new = [connect() for _ in range(20)]
        for connection in (*idle, *new):
            connection.sendall(_request(served, body))
        served.process.send_signal(signal.SIGCONT)
        for connection in new:
            with connection:
                told = _read_to_end(connection)
            assert told.startswith(b"HTTP/1.1 200")
        for connection in idle:
            with connection:
                told = _read_to_end(connection)
            assert told.count(b"HTTP/1.1 200") == 1
        assert served.process.wait(timeout=60) == 0


@pytest.mark.parametrize("era", ERAS)
async def test_under_load_no_request_that_was_sent_is_lost_and_no_create_is_doubled(sandbox: Sandbox, era: str):
    answers: list[httpx.Response] = []
    lost: list[httpx.HTTPError] = []
    refused = 0

    async def load(worker: int) -> None:
        nonlocal refused
        async with client() as http:
            for number in range(10_000):
                runs = [{"example_id": "e1", "output": "o"}]
                name = f"load-{worker}-{number}"
                sent = tool_call(
                    era, "experiments_create", name=name, dataset_id=sandbox.dataset_id, experiment_runs=runs
                )
                try:
                    answers.append(await http.post(served.url, json=sent, headers=headers(era, sent)))
                except httpx.ConnectError:
                    refused += 1
                    return
                except httpx.HTTPError as error:
                    lost.append(error)
                    return

    with served_http(environ=upstream(sandbox.base_url)) as served:
        async with anyio.create_task_group() as tasks:
            for worker in range(16):
                tasks.start_soon(load, worker)
            with anyio.fail_after(60):
                while len(answers) < 100:
                    await anyio.lowlevel.checkpoint()
                served.process.send_signal(signal.SIGTERM)
        assert await ended(served) == 0
    assert lost == []
    assert refused == 16
    assert {response.status_code for response in answers} == {200}
    results = [replies(response)[-1]["result"] for response in answers]
    assert not [result for result in results if result["isError"]]
    # Every create that is in the sandbox was told, and none is there twice.
    names = [e["name"] for e in sandbox.store.experiments(None, None, None, 100_000, None)[0]]
    told = [result["structuredContent"]["name"] for result in results]
    assert sorted(name for name in names if name.startswith("load-")) == sorted(told)


async def test_what_never_ends_is_given_up_after_the_deadline_and_a_little_more():
    async def route(_: Request) -> bytes:
        await anyio.sleep_forever()
        return b""

    async with raw_server(answer(), route=route) as server, client() as http:
        environ = upstream(server.base_url) | {"ARIZE_MCP_DEADLINE_S": "2"}
        with served_http(environ=environ) as served:
            sent = tool_call(MODERN, "experiments_list")
            async with anyio.create_task_group() as tasks:

                async def call() -> None:
                    result = await ask(http, served.url, MODERN, sent)
                    assert result["structuredContent"]["type"].endswith("deadline-exceeded")

                tasks.start_soon(call)
                with anyio.fail_after(30):
                    while not server.requests:
                        await anyio.lowlevel.checkpoint()
                served.process.send_signal(signal.SIGTERM)
            # Whoever never sends the rest of a body is not waited for.
            assert await ended(served) == 0


def test_half_a_request_is_not_waited_for_longer_than_that():
    environ = {"ARIZE_MCP_DEADLINE_S": "1", "ARIZE_MCP_READ_TIMEOUT_S": "86400"}
    with served_http("--sandbox", environ=environ) as served:
        url = httpx.URL(served.url)
        with socket.create_connection((url.host, url.port or 0)) as connection:
            connection.sendall(
                f"POST /mcp HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {API_KEY}\r\n"
                "Content-Length: 9\r\n\r\n{".encode()
            )
            assert served.terminate() == 0
