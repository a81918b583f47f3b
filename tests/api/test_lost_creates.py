"""A create whose answer is lost, in front of a real sandbox that stores: resolved, not guessed, never sent twice."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import anyio
import httpx
import pytest

from arize_mcp.api.models import CreateExperimentRequest, DeleteExperimentRequest
from arize_mcp.api.problems import URN, ProblemError
from tests.conftest import Sandbox
from tests.raw_server import RawServer, Request, Step, answer, close, hang, raw_server, reset

NAME = "the new one"


def new(sandbox: Sandbox, runs: int = 2) -> CreateExperimentRequest:
    return CreateExperimentRequest.model_validate(
        {
            "name": NAME,
            "dataset_id": sandbox.dataset_id,
            "experiment_runs": [{"example_id": f"e{n}", "output": "o"} for n in range(runs)],
        }
    )


@dataclass
class Relay:
    """Passes requests on to the sandbox; a test says what becomes of the answers to creates."""

    sandbox: Sandbox
    on_create: Callable[[Relay, Request], Awaitable[bytes | Step]]
    on_read: Callable[[Relay, Request], Awaitable[bytes | Step]]
    clock_ahead: timedelta = field(default_factory=timedelta)

    async def store(self, request: Request) -> httpx.Response:
        """Let the sandbox answer."""
        # Without TLS there is nothing to verify, and reading the CAs takes longer than the rest.
        async with httpx.AsyncClient(base_url=self.sandbox.base_url, verify=False, timeout=None) as http:
            return await http.request(
                request.method, request.target, content=request.body, headers={"Authorization": "Bearer sandbox-key"}
            )

    async def passed_on(self, request: Request) -> bytes:
        """The sandbox's answer, as if its clock were ahead."""
        response = await self.store(request)
        body = response.json()
        for experiment in body.get("experiments", []):
            created = datetime.fromisoformat(experiment["created_at"]) + self.clock_ahead
            experiment["created_at"] = created.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        date = format_datetime(datetime.now(UTC) + self.clock_ahead, usegmt=True)
        return answer(json.dumps(body), status=f"{response.status_code} X", headers=[f"Date: {date}"])

    async def route(self, request: Request) -> bytes | Step | None:
        return await (self.on_create if request.method == "POST" else self.on_read)(self, request)


async def pass_on(relay: Relay, request: Request) -> bytes:
    return await relay.passed_on(request)


def storing(step: bytes | Step) -> Callable[[Relay, Request], Awaitable[bytes | Step]]:
    """Stores, and then answers otherwise."""

    async def on_create(relay: Relay, request: Request) -> bytes | Step:
        await relay.store(request)
        return step

    return on_create


def dropping(step: bytes | Step) -> Callable[[Relay, Request], Awaitable[bytes | Step]]:
    """Doesn't even store."""

    async def on_create(_: Relay, __: Request) -> bytes | Step:
        return step

    return on_create


@asynccontextmanager
async def relayed(relay: Relay) -> AsyncGenerator[RawServer]:
    async with raw_server(answer(), route=relay.route) as server:
        with anyio.fail_after(20):
            yield server


def stored(sandbox: Sandbox) -> list[dict[str, Any]]:
    page, _ = sandbox.store.experiments(sandbox.dataset_id, None, NAME, 100, None)
    return [experiment for experiment in page if experiment["name"] == NAME]


def problem_of(caught: pytest.ExceptionInfo[ProblemError]) -> dict[str, Any]:
    return dict(caught.value.problem)


def posts(server: RawServer) -> int:
    return sum(request.method == "POST" for request in server.requests)


ANSWERS: dict[str, bytes | Step] = {
    "reset": reset,
    "closed": close,
    "no answer": hang,
    "half an answer": answer('{"id":', length=99),
    "no HTTP": b"\x00\x01\r\n\r\n",
    "500": answer('{"title":"T"}', status="500 Oops", content_type="application/problem+json"),
    "502 HTML": answer("<h1>Bad", status="502 Bad Gateway", content_type="text/html"),
    "503": answer("", status="503 Unavailable", headers=["Retry-After: 1"]),
    "504": answer("", status="504 Timeout"),
    "201 HTML": answer("<p>Sign in", status="201 Created", content_type="text/html"),
    "201 empty": answer("", status="201 Created"),
    "201 cut short": answer('{"id":"x","na', status="201 Created"),
    "201 without an id": answer("{}", status="201 Created"),
    "201 too large": answer(" " * 20_000, status="201 Created"),
    "200 bad gzip": answer("x", headers=["Content-Encoding: gzip"]),
}
# Under load, storing takes seconds: only where nothing comes at all is the wait short.
SILENT = ("no answer", "half an answer")


def limits(name: str) -> dict[str, Any]:
    return {"read_timeout_s": 4.0 if name in SILENT else 15.0, "max_response_bytes": 15_000}


@pytest.mark.parametrize("name", ANSWERS)
async def test_what_was_stored_before_the_answer_was_lost_is_a_success(sandbox: Sandbox, name: str):
    relay = Relay(sandbox, storing(ANSWERS[name]), pass_on)
    async with relayed(relay) as server, server.api(**limits(name)) as api:
        created = await api.create(new(sandbox))
    assert [created] == stored(sandbox)
    assert posts(server) == 1


@pytest.mark.parametrize("name", ANSWERS)
async def test_what_was_not_stored_is_of_unknown_outcome_and_is_not_sent_again(sandbox: Sandbox, name: str):
    relay = Relay(sandbox, dropping(ANSWERS[name]), pass_on)
    async with relayed(relay) as server, server.api(**limits(name)) as api:
        with pytest.raises(ProblemError) as caught:
            await api.create(new(sandbox))
    problem = problem_of(caught)
    assert problem["type"] == URN + "outcome-unknown"
    arguments = {"dataset_id": sandbox.dataset_id, "name": NAME}
    assert problem["check"] == {"tool": "experiments_list", "arguments": arguments}
    assert problem["cause"]["title"]
    assert (posts(server), stored(sandbox)) == (1, [])


async def test_what_is_stored_after_the_lookup_is_of_unknown_outcome(sandbox: Sandbox):
    kept: list[Request] = []

    async def keep(_: Relay, request: Request) -> Step:
        kept.append(request)
        return reset

    relay = Relay(sandbox, keep, pass_on)
    async with relayed(relay) as server, server.api() as api:
        with pytest.raises(ProblemError) as caught:
            await api.create(new(sandbox))
        await relay.store(kept[0])
    assert problem_of(caught)["type"] == URN + "outcome-unknown"
    assert (posts(server), len(stored(sandbox))) == (1, 1)


async def test_a_store_that_is_answered_429_is_found_after_the_409_of_the_second_send(sandbox: Sandbox):
    async def refuse_once(relay: Relay, request: Request) -> bytes:
        response = await relay.passed_on(request)
        return response if posts(server) > 1 else answer("{}", status="429 Too Many", headers=["Retry-After: 1"])

    async with relayed(Relay(sandbox, refuse_once, pass_on)) as server, server.api() as api:
        created = await api.create(new(sandbox))
    assert ([created], posts(server)) == (stored(sandbox), 2)


async def test_a_name_that_was_taken_before_is_the_409_that_the_create_would_have_been(sandbox: Sandbox):
    runs = ['{"example_id":"e","output":"o"}'] * 2
    before = datetime.now(UTC) - timedelta(minutes=1)
    old = sandbox.store.create_experiment(NAME, sandbox.dataset_id, None, runs, created_at=before)
    async with relayed(Relay(sandbox, storing(reset), pass_on)) as server, server.api() as api:
        with pytest.raises(ProblemError) as caught:
            await api.create(new(sandbox))
    problem = problem_of(caught)
    assert (problem["status"], problem["experiment_id"], posts(server)) == (409, old["id"], 1)
    assert stored(sandbox) == [old]


async def test_another_experiment_of_the_name_with_other_runs_is_a_409(sandbox: Sandbox):
    async def other(relay: Relay, request: Request) -> Step:
        body = json.loads(request.body)
        body["experiment_runs"].append({"example_id": "e", "output": "of another agent"})
        await relay.store(Request(request.line, request.headers, json.dumps(body).encode()))
        return reset

    async with relayed(Relay(sandbox, other, pass_on)) as server, server.api() as api:
        with pytest.raises(ProblemError) as caught:
            await api.create(new(sandbox))
    assert (caught.value.problem.get("status"), posts(server)) == (409, 1)
    assert problem_of(caught)["experiment_id"] == stored(sandbox)[0]["id"]


@pytest.mark.parametrize("differing", [1, 2])
async def test_another_agents_experiment_with_as_many_runs_is_a_409(sandbox: Sandbox, differing: int):
    async def other(relay: Relay, request: Request) -> Step:
        body = request.body.replace(b'"output":"o"', b'"output":"of another agent"', differing)
        await relay.store(Request(request.line, request.headers, body))
        return reset

    async with relayed(Relay(sandbox, other, pass_on)) as server, server.api() as api:
        with pytest.raises(ProblemError) as caught:
            await api.create(new(sandbox))
    assert problem_of(caught)["status"] == 409


async def test_an_experiment_of_a_moment_ago_is_not_taken_for_this_calls(sandbox: Sandbox):
    runs = ['{"example_id":"e0","output":"first version"}', '{"example_id":"e1","output":"first version"}']
    old = sandbox.store.create_experiment(NAME, sandbox.dataset_id, None, runs)
    async with relayed(Relay(sandbox, storing(reset), pass_on)) as server, server.api() as api:
        with pytest.raises(ProblemError) as caught:
            await api.create(new(sandbox))
    assert (problem_of(caught)["status"], problem_of(caught)["experiment_id"]) == (409, old["id"])


@pytest.mark.parametrize(
    ("sent", "stored", "is_ours"),
    [
        ({"model": "a"}, {"model": "a", "trace": "t"}, True),
        ({"model": "a"}, {"model": "b"}, False),
        ({"eval.q.score": 0.9}, {"eval.q.score": 0.2}, False),
        ({"eval.q.score": 1}, {"eval.q.score": 1.0}, True),
        ({"meta": {"a": 1}}, {"meta": '{"a": 1}'}, True),
        ({"error": None, "n": 5}, {"n": "5"}, True),
        ({"output": "", "error": "Timeout"}, {"output": None, "error": "Timeout"}, True),
        ({"output": "0"}, {"output": None}, False),
    ],
    ids=str,
)
async def test_runs_whose_further_fields_differ_are_not_those_sent(
    sandbox: Sandbox, sent: dict[str, Any], stored: dict[str, Any], is_ours: bool
):
    run = {"example_id": "e", "output": "o"}

    async def anothers(_: Relay, __: Request) -> Step:
        sandbox.store.create_experiment(NAME, sandbox.dataset_id, None, [json.dumps({**run, **stored})])
        return reset

    request = new(sandbox).model_dump() | {"experiment_runs": [{**run, **sent}]}
    async with relayed(Relay(sandbox, anothers, pass_on)) as server, server.api() as api:
        if is_ours:
            assert (await api.create(CreateExperimentRequest.model_validate(request)))["name"] == NAME
        else:
            with pytest.raises(ProblemError) as caught:
                await api.create(CreateExperimentRequest.model_validate(request))
            assert problem_of(caught)["status"] == 409


async def test_another_agents_create_between_two_sends_is_a_409(sandbox: Sandbox):
    async def refuse_once(relay: Relay, request: Request) -> bytes:
        if posts(server) > 1:
            return await relay.passed_on(request)
        runs = ['{"example_id":"x","output":"of another agent"}'] * 2
        sandbox.store.create_experiment(NAME, sandbox.dataset_id, None, runs)
        return answer("{}", status="429 Too Many", headers=["Retry-After: 1"])

    async with relayed(Relay(sandbox, refuse_once, pass_on)) as server, server.api() as api:
        with pytest.raises(ProblemError) as caught:
            await api.create(new(sandbox))
    assert problem_of(caught)["status"] == 409


async def test_a_lookup_that_finds_the_name_but_not_its_runs_says_so(sandbox: Sandbox):
    async def no_runs(relay: Relay, request: Request) -> bytes:
        if "/runs" in request.target:
            return answer("{}", status="500 Oops", content_type="application/problem+json")
        return await relay.passed_on(request)

    async with relayed(Relay(sandbox, storing(reset), no_runs)) as server, server.api() as api:
        with pytest.raises(ProblemError) as caught:
            await api.create(new(sandbox))
    problem = problem_of(caught)
    assert problem["type"] == URN + "outcome-unknown"
    assert "Looking for it failed" in problem["detail"]
    assert problem["cause"]["type"] == URN + "broken-response"


async def test_a_lookup_that_finds_no_id_leaves_the_outcome_unknown(sandbox: Sandbox):
    async def no_id(_: Relay, __: Request) -> bytes:
        found = {"id": "", "name": NAME, "dataset_id": sandbox.dataset_id}
        return answer(json.dumps({"experiments": [found]}))

    async with relayed(Relay(sandbox, storing(reset), no_id)) as server, server.api() as api:
        with pytest.raises(ProblemError) as caught:
            await api.create(new(sandbox))
    assert problem_of(caught)["type"] == URN + "outcome-unknown"


async def test_an_experiment_whose_time_cant_be_read_is_not_taken_for_this_calls(sandbox: Sandbox):
    async def garbled(relay: Relay, request: Request) -> bytes:
        body = (await relay.store(request)).json()
        for experiment in body.get("experiments", []):
            experiment["created_at"] = "just now"
        return answer(json.dumps(body))

    async with relayed(Relay(sandbox, storing(reset), garbled)) as server, server.api() as api:
        with pytest.raises(ProblemError) as caught:
            await api.create(new(sandbox))
    assert problem_of(caught)["status"] == 409


async def test_a_timestamp_in_whole_seconds_is_of_this_call(sandbox: Sandbox):
    async def in_seconds(relay: Relay, request: Request) -> bytes:
        body = (await relay.store(request)).json()
        for experiment in body.get("experiments", []):
            experiment["created_at"] = experiment["created_at"][:19] + "Z"
        return answer(json.dumps(body))

    async with relayed(Relay(sandbox, storing(reset), in_seconds)) as server, server.api() as api:
        assert (await api.create(new(sandbox)))["id"] == stored(sandbox)[0]["id"]


@pytest.mark.parametrize("created_at", [None, "a moment ago", "2999-01-01T00:00:00"])
async def test_an_experiment_of_a_time_that_cant_be_read_is_not_taken_for_this_calls(
    sandbox: Sandbox, created_at: str | None
):
    async def at_no_time(relay: Relay, request: Request) -> bytes:
        body = (await relay.store(request)).json()
        for experiment in body.get("experiments", []):
            experiment["created_at"] = created_at
        return answer(json.dumps(body))

    async with relayed(Relay(sandbox, storing(reset), at_no_time)) as server, server.api() as api:
        with pytest.raises(ProblemError) as caught:
            await api.create(new(sandbox))
    problem = problem_of(caught)
    assert (problem["status"], problem["experiment_id"]) == (409, stored(sandbox)[0]["id"])


async def test_the_name_is_looked_for_on_all_pages(sandbox: Sandbox):
    async def store_then_many_more(relay: Relay, request: Request) -> Step:
        await relay.store(request)
        for n in range(150):
            runs = ['{"example_id":"e","output":"o"}']
            relay.sandbox.store.create_experiment(f"{NAME} {n}", sandbox.dataset_id, None, runs)
        return reset

    async with relayed(Relay(sandbox, store_then_many_more, pass_on)) as server, server.api() as api:
        created = await api.create(new(sandbox))
    assert created["name"] == NAME
    assert posts(server) == 1


async def test_a_thousand_runs_are_counted_on_all_pages(sandbox: Sandbox):
    async with relayed(Relay(sandbox, storing(reset), pass_on)) as server, server.api() as api:
        assert await api.create(new(sandbox, runs=1000)) == stored(sandbox)[0]
    assert (posts(server), len(server.requests)) == (1, 4)


@pytest.mark.parametrize(("before_s", "is_ours"), [(4, True), (9, True), (12, False), (60, False)])
async def test_the_very_same_runs_some_seconds_before_the_call_are_this_calls(
    sandbox: Sandbox, before_s: int, is_ours: bool
):
    runs = [json.dumps(run.model_dump()) for run in new(sandbox).experiment_runs]
    at = datetime.now(UTC) - timedelta(seconds=before_s)
    old = sandbox.store.create_experiment(NAME, sandbox.dataset_id, None, runs, created_at=at)
    async with relayed(Relay(sandbox, dropping(reset), pass_on)) as server, server.api() as api:
        if is_ours:
            assert (await api.create(new(sandbox)))["id"] == old["id"]
        else:
            with pytest.raises(ProblemError) as caught:
                await api.create(new(sandbox))
            assert (problem_of(caught)["status"], problem_of(caught)["experiment_id"]) == (409, old["id"])
    assert posts(server) == 1


async def test_a_409_says_which_experiment_has_the_name(sandbox: Sandbox):
    old = sandbox.store.create_experiment(NAME, sandbox.dataset_id, None, ['{"example_id":"e","output":"o"}'])
    async with relayed(Relay(sandbox, pass_on, pass_on)) as server, server.api() as api:
        with pytest.raises(ProblemError) as caught:
            await api.create(new(sandbox))
    problem = problem_of(caught)
    assert (problem["status"], problem["experiment_id"]) == (409, old["id"])
    assert problem["created_at"] == old["created_at"]
    assert (posts(server), len(server.requests)) == (1, 2)


async def test_a_409_is_told_though_looking_up_its_name_takes_too_long(sandbox: Sandbox):
    conflict = answer('{"title": "Conflict"}', status="409 Conflict")
    async with raw_server(conflict, hang) as server, server.api(deadline_s=1.0) as api:
        with pytest.raises(ProblemError) as caught:
            await api.create(new(sandbox))
    assert problem_of(caught)["status"] == 409
    assert [request.method for request in server.requests] == ["POST", "GET"]


async def test_a_409_stays_as_it_is_where_the_name_cant_be_looked_up(sandbox: Sandbox):
    sandbox.store.create_experiment(NAME, sandbox.dataset_id, None, ['{"example_id":"e","output":"o"}'])
    failing = dropping(answer("{}", status="500 Oops", content_type="application/problem+json"))
    async with relayed(Relay(sandbox, pass_on, failing)) as server, server.api() as api:
        with pytest.raises(ProblemError) as caught:
            await api.create(new(sandbox))
    assert problem_of(caught)["status"] == 409
    assert "experiment_id" not in problem_of(caught)


@pytest.mark.parametrize("hours", [-5, 5])
async def test_the_servers_clock_may_be_wrong(sandbox: Sandbox, hours: int):
    relay = Relay(sandbox, storing(reset), pass_on, clock_ahead=timedelta(hours=hours))
    async with relayed(relay) as server, server.api() as api:
        created = await api.create(new(sandbox))
    assert created["id"] == stored(sandbox)[0]["id"]


async def test_a_lookup_that_fails_leaves_the_outcome_unknown(sandbox: Sandbox):
    async with relayed(Relay(sandbox, storing(reset), dropping(reset))) as server, server.api() as api:
        with pytest.raises(ProblemError) as caught:
            await api.create(new(sandbox))
    assert caught.value.problem.get("type") == URN + "outcome-unknown"
    assert (posts(server), len(stored(sandbox))) == (1, 1)


async def test_the_deadline_inside_a_create_leaves_the_outcome_unknown(sandbox: Sandbox):
    async with relayed(Relay(sandbox, storing(hang), pass_on)) as server, server.api(deadline_s=2.0) as api:
        with pytest.raises(ProblemError) as caught:
            await api.create(new(sandbox))
    assert caught.value.problem.get("type") == URN + "outcome-unknown"
    assert problem_of(caught)["cause"]["type"] == URN + "deadline-exceeded"
    assert "no time to look" in problem_of(caught)["detail"]
    assert "deleted" not in str(problem_of(caught))
    assert (posts(server), len(stored(sandbox))) == (1, 1)


async def test_a_delete_whose_answer_is_lost_is_told_as_done(sandbox: Sandbox):
    experiment_id = sandbox.store.experiments(None, None, None, 1, None)[0][0]["id"]
    dropped: list[Request] = []

    async def delete(relay: Relay, request: Request) -> bytes | Step:
        response = await relay.store(request)
        if not dropped:
            dropped.append(request)
            return reset
        return answer(response.content, status=f"{response.status_code} X", content_type="application/problem+json")

    async with relayed(Relay(sandbox, delete, delete)) as server, server.api() as api:
        result = await api.delete(DeleteExperimentRequest(experiment_id=experiment_id))
    assert result.pop("notes")
    assert result == {"experiment_id": experiment_id, "deleted": True}
    assert len(server.requests) == 2
