"""Nobody gets anything of anybody else: results, logs, hold-backs, slots, redaction."""

from __future__ import annotations

import json
import re
from collections.abc import Generator

import anyio
import httpx
import pytest

from arize_mcp.api.pool import Pool
from arize_mcp.settings.settings import Settings
from arize_mcp.transports.keys import MAX_KEYS, Callers
from tests.http_process import (
    ERAS,
    LEGACY,
    MODERN,
    Served,
    ask,
    client,
    content,
    headers,
    message,
    served_http,
    tool_call,
    upstream,
)
from tests.raw_server import Request, Step, answer, raw_server

ALICE, BOB = "key-of-alice", "key-of-bob-x"


def key_in(request: Request) -> str:
    return request.headers["authorization"].removeprefix("Bearer ")


async def test_of_two_keys_calls_with_equal_ids_a_thousand_times_each_gets_its_own_and_the_log_shows_neither():
    async def route(request: Request) -> bytes:
        experiment_id = request.target.rpartition("/")[2]
        # Answers overtake each other, and the API echoes the key wherever it can.
        for _ in range(int(experiment_id) % 3):
            await anyio.lowlevel.checkpoint()
        key = key_in(request)
        body = {"id": experiment_id, "name": f"data of {key[:10]}", "echo": key}
        if int(experiment_id) % 5 == 0:
            problem = {"status": 422, "title": "No", "detail": f"of {key[:10]}, {key}"}
            return answer(json.dumps(problem), status="422 No", headers=[f"X-Request-Id: {key}"])
        return answer(json.dumps(body), headers=[f"X-Request-Id: req-{experiment_id}", f"X-Echo: {key}"])

    async def call(number: int, key: str, era: str) -> None:
        async with limit:
            found = await content(http, served.url, era, "experiments_get", key=key, experiment_id=str(number))
        told = json.dumps(found)
        others = BOB if key == ALICE else ALICE
        assert key[:10] in told
        assert others[:10] not in told
        # Its own key is taken out of problems; what it asked for comes as it was sent.
        if number % 5 == 0:
            assert key not in told
            assert "[redacted]" in told
        else:
            assert (found["id"], found["echo"]) == (str(number), key)
        done.append(key)

    done: list[str] = []
    limit = anyio.Semaphore(24)
    async with raw_server(answer(), route=route) as server, client() as http:
        environ = upstream(server.base_url) | {"ARIZE_MCP_LOG_LEVEL": "DEBUG"}
        with served_http(environ=environ) as served:
            async with anyio.create_task_group() as tasks:
                for number in range(1000):
                    for key in (ALICE, BOB):
                        tasks.start_soon(call, number, key, ERAS[number // 2 % 2])
            logged = served.logged()
    assert (done.count(ALICE), done.count(BOB)) == (1000, 1000)
    assert "DEBUG" in logged
    assert ALICE not in logged
    assert BOB not in logged
    assert "data of" not in logged
    # One line a call, which tells the callers apart.
    lines = re.findall(
        r'"tools/call" "experiments_get": (\S+) in \d+ ms, key (\S+), Arize\'s request ids: (\S+)', logged
    )
    assert len(lines) == 2000
    assert {outcome for outcome, _, _ in lines} == {"ok", "422"}
    assert len({key_hash for _, key_hash, _ in lines}) == 2
    assert "req-999" in {request_id for _, _, request_id in lines}


async def test_at_info_there_is_one_line_a_call_and_none_a_request():
    async with client() as http:
        with served_http("--sandbox", environ={"ARIZE_MCP_LOG_LEVEL": "INFO"}) as served:
            await http.get(httpx.URL(served.url).join("/healthz"))  # it has started, and said so
            before = len(served.logged().splitlines())
            for era in ERAS:
                await content(http, served.url, era, "experiments_list")
                await content(http, served.url, era, "experiments_get", experiment_id="nope")
                await ask(http, served.url, era, message(era, "tools/list"))
            forged = message(LEGACY, "x\nINFO forged")
            await http.post(served.url, json=forged, headers=headers(LEGACY, forged))
            await http.get(httpx.URL(served.url).join("/healthz"))
            await http.post(served.url)
            lines = served.logged().splitlines()[before:]
    told = [line.partition("arize_mcp.transports.call_log: ")[2].partition(" in ")[0] for line in lines]
    of_an_era = ['"tools/call" "experiments_list": ok', '"tools/call" "experiments_get": 404', '"tools/list" -: ok']
    assert told == [*of_an_era, *of_an_era, '"x\\nINFO forged" -: error -32601']


@pytest.mark.parametrize("era", ERAS)
async def test_one_keys_429_holds_no_other_back(era: str):
    async def route(request: Request) -> bytes:
        if key_in(request) == ALICE:
            return answer("{}", status="429 Too Many Requests", headers=["Retry-After: 50"])
        return answer('{"experiments":[]}')

    async with raw_server(answer(), route=route) as server, client() as http:
        with served_http(environ=upstream(server.base_url)) as served:
            for _ in range(2):
                problem = await content(http, served.url, era, "experiments_list", key=ALICE)
                assert 45 <= problem["retry_after"] <= 50
            assert await content(http, served.url, era, "experiments_list", key=BOB) == {"experiments": []}
    # Alice's second call was held back by her first, in the same process.
    assert [key_in(request) for request in server.requests] == [ALICE, BOB]


@pytest.mark.parametrize("era", ERAS)
async def test_eight_slow_calls_of_one_delay_no_other(era: str):
    go = anyio.Event()

    async def route(request: Request) -> bytes | Step:
        if key_in(request) == ALICE:
            await go.wait()
        return answer('{"experiments":[]}')

    async with raw_server(answer(), route=route) as server, client() as http:
        with served_http(environ=upstream(server.base_url)) as served:

            async def slow() -> None:
                assert await content(http, served.url, era, "experiments_list", key=ALICE) == {"experiments": []}

            with anyio.fail_after(30):
                async with anyio.create_task_group() as tasks:
                    for _ in range(12):
                        tasks.start_soon(slow)
                    while len(server.requests) < 8:
                        await anyio.lowlevel.checkpoint()
                    assert await content(http, served.url, era, "experiments_list", key=BOB) == {"experiments": []}
                    assert [key_in(request) for request in server.requests] == [ALICE] * 8 + [BOB]
                    go.set()
    assert len(server.requests) == 13


async def test_all_keys_together_send_no_more_than_the_process_may_and_share_it_fairly():
    under_way: list[str] = []
    most = 0
    go = anyio.Event()

    async def route(request: Request) -> bytes:
        nonlocal most
        under_way.append(key_in(request))
        most = max(most, len(under_way))
        await go.wait()
        under_way.remove(key_in(request))
        return answer('{"experiments":[]}')

    async with raw_server(answer(), route=route) as server, client() as http:
        with served_http(environ=upstream(server.base_url) | {"ARIZE_MCP_MAX_REQUESTS": "10"}) as served:

            async def call(key: str) -> None:
                assert await content(http, served.url, MODERN, "experiments_list", key=key) == {"experiments": []}

            async with anyio.create_task_group() as tasks:
                with anyio.fail_after(30):
                    for key in [ALICE] * 20 + [BOB] * 20 + ["key-of-carol"] * 20:
                        tasks.start_soon(call, key)
                    while len(server.requests) < 10:
                        await anyio.lowlevel.checkpoint()
                    go.set()
    assert most <= 10
    assert server.connections <= 10
    assert len(server.requests) == 60


async def test_a_call_that_waits_for_a_slot_ends_at_its_deadline():
    async def route(request: Request) -> bytes:
        await anyio.sleep_forever()
        return b""

    async with raw_server(answer(), route=route) as server, client() as http:
        environ = upstream(server.base_url) | {"ARIZE_MCP_MAX_REQUESTS": "1", "ARIZE_MCP_DEADLINE_S": "2"}
        with served_http(environ=environ) as served:
            problems: list[str] = []

            async def call(key: str) -> None:
                problem = await content(http, served.url, MODERN, "experiments_list", key=key)
                assert "Nothing was changed" in problem["hint"]
                problems.append(problem["type"])

            async with anyio.create_task_group() as tasks:
                for key in (ALICE, BOB):
                    tasks.start_soon(call, key)
    assert problems == ["urn:arize-mcp:problem:deadline-exceeded"] * 2


async def test_a_connection_that_a_cancelled_call_of_one_leaves_half_read_is_nobodys():
    arrived = anyio.Event()

    async def half(stream: anyio.abc.ByteStream) -> None:
        await stream.send(answer('{"experiments":[{"id":"of-alice"', length=500))
        arrived.set()
        await stream.receive()

    async def route(request: Request) -> bytes | Step:
        return half if key_in(request) == ALICE else answer('{"experiments":[]}')

    async with raw_server(answer(), route=route) as server, client() as http:
        with served_http(environ=upstream(server.base_url)) as served:
            async with anyio.create_task_group() as tasks:

                async def cancelled() -> None:
                    await content(http, served.url, MODERN, "experiments_list", key=ALICE)

                tasks.start_soon(cancelled)
                with anyio.fail_after(30):
                    await arrived.wait()
                tasks.cancel_scope.cancel()
            for _ in range(10):
                assert await content(http, served.url, MODERN, "experiments_list", key=BOB) == {"experiments": []}


async def test_the_table_of_callers_is_bounded_and_whoever_is_forgotten_is_still_served():
    async with raw_server(answer('{"experiments":[]}')) as server, client() as http:
        with served_http(environ=upstream(server.base_url)) as served:
            assert await content(http, served.url, MODERN, "experiments_list", key=ALICE) == {"experiments": []}
            listed = tool_call(MODERN, "nope")
            limit = anyio.Semaphore(16)

            async def stranger(number: int) -> None:
                async with limit:
                    await http.post(served.url, json=listed, headers=headers(MODERN, listed, f"stranger-{number}"))

            async with anyio.create_task_group() as tasks:
                for number in range(MAX_KEYS + 1):
                    tasks.start_soon(stranger, number)
            assert await content(http, served.url, LEGACY, "experiments_list", key=ALICE) == {"experiments": []}


def test_who_called_last_stays_in_the_table_and_keeps_what_is_theirs():
    callers = Callers(Settings(shared=True), Pool(Settings()))
    first, second = callers.of_key(ALICE), callers.of_key(BOB)
    for number in range(MAX_KEYS - 1):
        callers.of_key(f"stranger-{number}")
        assert callers.of_key(ALICE) is first
    assert len(callers) == MAX_KEYS
    assert callers.of_key(BOB) is not second
    # Its keys are hashes: none is in what a dump of the table would show.
    assert ALICE not in repr(vars(callers))


@pytest.fixture
def bound() -> Generator[Served]:
    with served_http("--sandbox") as served:
        yield served


async def test_a_request_names_no_host_no_region_and_no_proxy(bound: Served):
    async with raw_server(answer('{"experiments":[]}')) as elsewhere, client() as http:
        sent = tool_call(MODERN, "experiments_list")
        host = elsewhere.base_url.removeprefix("http://")
        for name in ("X-Arize-Host", "X-Arize-API-Host", "ARIZE-API-HOST", "X-Forwarded-Host", "X-Arize-Region"):
            response = await http.post(bound.url, json=sent, headers=headers(MODERN, sent) | {name: host})
            assert response.json()["result"]["structuredContent"]["experiments"]
    assert elsewhere.requests == []
