"""An append whose answer is lost, in front of a real sandbox: read once, resolved or said to be unknown."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from arize_mcp.api.client import ExperimentsAPI
from arize_mcp.api.models import AppendExperimentRunsRequest
from arize_mcp.api.problems import URN, ProblemError
from tests.api.faults import FAULTS, Fault
from tests.api.test_lost_creates import ANSWERS, Relay, dropping, new, pass_on, posts, problem_of, relayed, storing
from tests.conftest import Sandbox
from tests.raw_server import RawServer, Request, Step, answer, hang, reset


def further(experiment_id: str, runs: int = 3, output: str = "o") -> AppendExperimentRunsRequest:
    sent = [{"example_id": f"f{n}", "output": output, "n": n} for n in range(runs)]
    return AppendExperimentRunsRequest.model_validate({"experiment_id": experiment_id, "experiment_runs": sent})


async def created(sandbox: Sandbox) -> str:
    async with sandbox.api() as api:
        return (await api.create(new(sandbox)))["id"]


def ids(sandbox: Sandbox, experiment_id: str) -> list[str]:
    return [run["example_id"] for run in sandbox.store.runs(experiment_id, 1000, 0)[0]]


async def append(server: RawServer, experiment_id: str, recorded: int = 2, **settings: Any) -> dict[str, Any]:
    api: ExperimentsAPI = server.api(api_key="sandbox-key", **settings)
    async with api:
        return await api.append_runs(further(experiment_id), recorded)


async def test_runs_are_appended_in_order_with_every_field(sandbox: Sandbox):
    experiment_id = await created(sandbox)
    async with sandbox.api() as api:
        experiment = await api.append_runs(further(experiment_id), 2)
        assert experiment["id"] == experiment_id
        assert len(experiment["run_ids"]) == 3
    runs = sandbox.store.runs(experiment_id, 1000, 0)[0]
    assert [(run["example_id"], run.get("n")) for run in runs] == [
        ("e0", None), ("e1", None), ("f0", 0), ("f1", 1), ("f2", 2),
    ]  # fmt: skip


@pytest.mark.parametrize("lost", ANSWERS)
async def test_a_lost_answer_of_stored_runs_is_a_success(sandbox: Sandbox, lost: str):
    experiment_id = await created(sandbox)
    async with relayed(Relay(sandbox, storing(ANSWERS[lost]), pass_on)) as server:
        experiment = await append(server, experiment_id, read_timeout_s=3.0)
        assert experiment["id"] == experiment_id
        assert posts(server) == 1
    assert ids(sandbox, experiment_id) == ["e0", "e1", "f0", "f1", "f2"]


@pytest.mark.parametrize("lost", ANSWERS)
async def test_a_lost_answer_of_runs_that_are_not_there_is_unknown_and_not_sent_again(sandbox: Sandbox, lost: str):
    experiment_id = await created(sandbox)
    async with relayed(Relay(sandbox, dropping(ANSWERS[lost]), pass_on)) as server:
        with pytest.raises(ProblemError) as caught:
            await append(server, experiment_id, read_timeout_s=3.0)
        assert posts(server) == 1
    problem = problem_of(caught)
    assert problem["type"] == URN + "outcome-unknown"
    assert "not there so far" in problem["detail"]
    assert problem["cause"]
    assert caught.value.was_sent
    assert ids(sandbox, experiment_id) == ["e0", "e1"]


@pytest.mark.parametrize("recorded", [499, 500, 600, 1100])
async def test_what_was_stored_behind_several_pages_of_runs_is_a_success(sandbox: Sandbox, recorded: int):
    async with sandbox.api() as api:
        experiment_id = (await api.create(new(sandbox, runs=min(recorded, 1000))))["id"]
        if recorded > 1000:
            await api.append_runs(further(experiment_id, recorded - 1000), 1000)
    async with relayed(Relay(sandbox, storing(reset), pass_on)) as server:
        assert (await append(server, experiment_id, recorded))["id"] == experiment_id
    assert len(ids(sandbox, experiment_id)) == min(recorded + 3, 1000)


async def test_as_soon_as_more_runs_stand_behind_than_were_sent_nothing_more_is_read(sandbox: Sandbox):
    async with sandbox.api() as api:
        experiment_id = (await api.create(new(sandbox, runs=1000)))["id"]
    async with relayed(Relay(sandbox, dropping(reset), pass_on)) as server:
        with pytest.raises(ProblemError) as caught:
            await append(server, experiment_id, 2)
    assert "Other runs than these" in problem_of(caught)["detail"]
    assert len(server.requests) == 2


async def test_failed_runs_that_come_back_without_output_are_those_that_were_sent(sandbox: Sandbox):
    experiment_id = await created(sandbox)

    async def null_outputs(relay: Relay, request: Request) -> bytes:
        body = (await relay.store(request)).json()
        for run in body.get("experiment_runs", []):
            run["output"] = run["output"] or None
        return answer(json.dumps(body))

    sent = further(experiment_id, output="")
    async with (
        relayed(Relay(sandbox, storing(reset), null_outputs)) as server,
        server.api(api_key="sandbox-key") as api,
    ):
        assert (await api.append_runs(sent, 2))["id"] == experiment_id


async def test_after_a_deadline_there_is_time_to_look(sandbox: Sandbox):
    experiment_id = await created(sandbox)
    async with relayed(Relay(sandbox, storing(hang), pass_on)) as server:
        assert (await append(server, experiment_id, deadline_s=1.0))["id"] == experiment_id


OnRead = Callable[[Relay, Request], Awaitable[bytes | Step]]


def reading(step: bytes | Step) -> OnRead:
    async def on_read(_: Relay, __: Request) -> bytes | Step:
        return step

    return on_read


@pytest.mark.parametrize("step", [reset, hang, answer("", status="500 Oops")])
async def test_where_looking_fails_the_outcome_is_unknown(sandbox: Sandbox, step: bytes | Step):
    experiment_id = await created(sandbox)
    async with relayed(Relay(sandbox, storing(reset), reading(step))) as server:
        with pytest.raises(ProblemError) as caught:
            await append(server, experiment_id, deadline_s=1.0)
    problem = problem_of(caught)
    assert problem["type"] == URN + "outcome-unknown"
    assert "Looking for them failed" in problem["detail"]


async def test_runs_of_somebody_else_behind_them_are_not_taken_for_these(sandbox: Sandbox):
    experiment_id = await created(sandbox)
    async with sandbox.api() as api:
        await api.append_runs(further(experiment_id, output="another"), 2)
    async with relayed(Relay(sandbox, dropping(reset), pass_on)) as server:
        with pytest.raises(ProblemError) as caught:
            await append(server, experiment_id)
    assert "Other runs than these" in problem_of(caught)["detail"]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 422])
async def test_a_refusal_is_told_as_it_came(sandbox: Sandbox, status: int):
    experiment_id = await created(sandbox)
    refusal = answer('{"title":"T"}', status=f"{status} X", content_type="application/problem+json")
    async with relayed(Relay(sandbox, dropping(refusal), pass_on)) as server:
        with pytest.raises(ProblemError) as caught:
            await append(server, experiment_id)
        assert len(server.requests) == 1
    assert problem_of(caught)["status"] == status


def refuses(step: bytes | Step | None) -> bool:
    """Whether an answer says that nothing was stored."""
    final = step.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n") if isinstance(step, bytes) else b""
    return final.startswith(b"HTTP/1.1 4") and not final.startswith(b"HTTP/1.1 408")


@pytest.mark.parametrize("stores", [False, True])
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
async def test_whatever_goes_wrong_the_runs_are_there_once_or_it_says_that_they_may_not_be(
    sandbox: Sandbox, fault: Fault, stores: bool
):
    answers = list(fault.answers)

    async def on_write(relay: Relay, request: Request) -> bytes | Step:
        step = answers.pop(0) if len(answers) > 1 else answers[0]
        if step is None:
            return await relay.passed_on(request)
        if stores and not refuses(step):
            await relay.store(request)
        return step

    experiment_id = await created(sandbox)
    async with relayed(Relay(sandbox, on_write, pass_on)) as server:
        try:
            settings: dict[str, Any] = {"read_timeout_s": 3.0, **fault.settings}
            experiment = await append(server, experiment_id, **settings)
        except ProblemError as error:
            is_lost = error.problem.get("type") == URN + "outcome-unknown"
            assert is_lost or refuses(fault.answers[-1])
            assert ids(sandbox, experiment_id) == ["e0", "e1", *(["f0", "f1", "f2"] if stores and is_lost else [])]
        else:
            if experiment["id"] == experiment_id:  # else the fault is in an answer that says yes
                assert ids(sandbox, experiment_id) == ["e0", "e1", "f0", "f1", "f2"]
        assert posts(server) <= len(fault.answers) + 3
