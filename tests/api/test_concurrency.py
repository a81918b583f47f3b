"""Many calls at once: a ceiling, in order of arrival, and nobody starves behind a wait."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from arize_mcp.api.client import ExperimentsAPI
from arize_mcp.api.models import GetExperimentRequest, ListExperimentRunsRequest, ListExperimentsRequest
from arize_mcp.api.problems import URN, ProblemError
from tests.raw_server import Request, Step, answer, hang, raw_server


async def test_a_burst_of_200_calls_ends_in_order_of_arrival_under_the_ceiling():
    at_once = 0
    most = 0
    arrived: list[str] = []
    ended: list[int] = []

    async def route(request: Request) -> bytes:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        arrived.append(request.target.split("/")[-1])
        await anyio.lowlevel.checkpoint()
        at_once -= 1
        return answer('{"id":"x"}')

    async with raw_server(answer(), route=route) as server, ExperimentsAPI(server.settings(max_connections=8)) as api:

        async def call(n: int) -> None:
            await api.get(GetExperimentRequest(experiment_id=str(n)))
            ended.append(n)

        with anyio.fail_after(30):
            async with anyio.create_task_group() as tasks:
                for n in range(200):
                    tasks.start_soon(call, n)
    assert sorted(ended) == list(range(200))
    assert most <= 8
    assert server.connections <= 8
    # Eight at a time may overtake each other by a few places, but none by a round.
    assert all(abs(int(number) - place) <= 16 for place, number in enumerate(arrived))


async def test_calls_that_wait_take_no_place_from_others():
    async def route(request: Request) -> bytes | Step | None:
        return answer("{}", status="503 Busy", headers=["Retry-After: 20"]) if "stuck" in request.target else None

    async with (
        raw_server(answer('{"experiments":[]}'), route=route) as server,
        ExperimentsAPI(server.settings(max_connections=2)) as api,
        anyio.create_task_group() as tasks,
    ):

        async def stuck() -> None:
            await api.get(GetExperimentRequest(experiment_id="stuck"))

        for _ in range(10):
            tasks.start_soon(stuck)
        with anyio.fail_after(10):
            while len(server.requests) < 10:
                await anyio.lowlevel.checkpoint()
            assert await api.list(ListExperimentsRequest()) == {"experiments": []}
        tasks.cancel_scope.cancel()


async def test_after_a_429_the_other_calls_of_the_endpoint_hold_back():
    body = answer("{}", status="429 Too Many Requests", headers=["Retry-After: 10"])
    told: list[str] = []
    waiting = anyio.Event()

    async def on_wait(words: str) -> None:
        told.append(words)
        waiting.set()

    async def other() -> None:
        await waiting.wait()
        await api.get(GetExperimentRequest(experiment_id="other"), on_wait)

    async with (
        raw_server(body, answer('{"id":"x","experiment_runs":[]}')) as server,
        ExperimentsAPI(server.settings()) as api,
    ):
        with anyio.move_on_after(1):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(other)
                await api.get(GetExperimentRequest(experiment_id="first"), on_wait)
        assert told == ["rate limited, sending again in 10 s", "rate limited, sending in 10 s"]
        assert [request.target for request in server.requests] == ["/v2/experiments/first"]
        # Another endpoint has a limit of its own.
        assert (await api.list_runs(ListExperimentRunsRequest(experiment_id="x")))["experiment_runs"] == []


async def test_after_a_long_retry_after_the_next_call_is_not_even_sent():
    body = answer("{}", status="429 Too Many Requests", headers=["Retry-After: 30"])
    seconds: list[int | None] = []
    async with raw_server(body) as server, ExperimentsAPI(server.settings()) as api:
        for _ in range(2):
            with pytest.raises(ProblemError) as caught:
                await api.list(ListExperimentsRequest())
            seconds.append(caught.value.problem.get("retry_after"))
            assert caught.value.problem.get("hint")
    assert seconds == [30, 30]
    assert len(server.requests) == 1


async def test_a_call_in_the_queue_at_its_deadline_was_not_sent():
    arrived = anyio.Event()

    async def hang_once_here(stream: Any) -> None:
        arrived.set()
        await hang(stream)

    request = GetExperimentRequest(experiment_id="x")
    async with (
        raw_server(hang_once_here) as server,
        ExperimentsAPI(server.settings(max_connections=1)) as api,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(api.get, request)
        with anyio.fail_after(20):
            await arrived.wait()
            with pytest.raises(ProblemError) as caught:
                await api.get(request, deadline_s=0.1)
            assert caught.value.problem.get("type") == URN + "deadline-exceeded"
        assert len(server.requests) == 1
        tasks.cancel_scope.cancel()


async def test_a_cancelled_call_closes_its_connection_at_once():
    gone = anyio.Event()

    async def until_gone(stream: Any) -> None:
        try:
            await hang(stream)
        finally:
            gone.set()

    async with raw_server(until_gone) as server, ExperimentsAPI(server.settings()) as api:
        async with anyio.create_task_group() as tasks:

            async def call() -> None:
                await api.get(GetExperimentRequest(experiment_id="x"))

            tasks.start_soon(call)
            with anyio.fail_after(10):
                while not server.requests:
                    await anyio.lowlevel.checkpoint()
            tasks.cancel_scope.cancel()
        with anyio.fail_after(10):
            await gone.wait()


async def test_nothing_is_sent_while_its_answer_could_not_be_taken():
    taken = anyio.Event()

    async with raw_server(answer('{"id":"x"}')) as server:
        held_back = ExperimentsAPI(server.settings(), ready=taken.wait)
        async with held_back, ExperimentsAPI(server.settings()) as other, anyio.create_task_group() as tasks:
            tasks.start_soon(held_back.get, GetExperimentRequest(experiment_id="held-back"))
            await other.get(GetExperimentRequest(experiment_id="other"))
            assert [request.target for request in server.requests] == ["/v2/experiments/other"]
            taken.set()
    assert [request.target for request in server.requests][1:] == ["/v2/experiments/held-back"]


async def test_an_answer_is_not_read_while_it_could_not_be_taken():
    taken, answers = anyio.Event(), anyio.Event()
    taken.set()
    sent: list[str] = []

    async def big(stream: Any) -> None:
        await answers.wait()
        # Far more than the sockets on both sides hold.
        await stream.send(answer(b'{"id":"x","name":"' + b"n" * 25_000_000 + b'"}'))
        sent.append("big")

    async def ready() -> None:
        await taken.wait()

    async with raw_server(big) as server, raw_server(answer('{"id":"x"}')) as elsewhere:
        held_back = ExperimentsAPI(server.settings(), ready=ready)
        async with held_back, ExperimentsAPI(elsewhere.settings()) as other, anyio.create_task_group() as tasks:
            tasks.start_soon(held_back.get, GetExperimentRequest(experiment_id="big"))
            with anyio.fail_after(10):
                while not server.requests:
                    await anyio.lowlevel.checkpoint()
            taken = anyio.Event()
            answers.set()
            for _ in range(50):
                await other.get(GetExperimentRequest(experiment_id="x"))
            assert not sent
            taken.set()
    assert sent == ["big"]


async def test_of_many_answers_under_way_eight_are_read_at_a_time():
    go = anyio.Event()
    ended: list[str] = []

    async def begun(stream: Any) -> None:
        await stream.send(answer('{"id":', length=len('{"id":"x"}')))
        await go.wait()
        await stream.send(b'"x"}')

    async def route(request: Request) -> bytes | Step:
        return begun if request.target.endswith("slow") else answer('{"id":"x"}')

    async with raw_server(answer(), route=route) as server, ExperimentsAPI(server.settings()) as api:

        async def call(experiment_id: str) -> None:
            await api.get(GetExperimentRequest(experiment_id=experiment_id))
            ended.append(experiment_id)

        with anyio.fail_after(30):
            async with anyio.create_task_group() as tasks:
                for _ in range(8):
                    tasks.start_soon(call, "slow")
                while len(server.requests) < 8:
                    await anyio.lowlevel.checkpoint()
                async with ExperimentsAPI(server.settings()) as other:
                    for _ in range(10):
                        await other.get(GetExperimentRequest(experiment_id="other"))
                    tasks.start_soon(call, "ninth")
                    while "/v2/experiments/ninth" not in [request.target for request in server.requests]:
                        await anyio.lowlevel.checkpoint()
                    for _ in range(50):
                        await other.get(GetExperimentRequest(experiment_id="other"))
                assert not ended
                go.set()
    assert sorted(ended) == ["ninth"] + ["slow"] * 8
