"""One call: what it says while it waits and of what it did, and what it leaves to the next one."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import anyio
import pytest

from arize_mcp.api.client import ExperimentsAPI
from arize_mcp.api.models import CreateExperimentRequest, DeleteExperimentRequest, GetExperimentRequest
from arize_mcp.api.pool import Pool
from arize_mcp.api.problems import MAYBE_DELETED, URN, ProblemError
from tests.raw_server import RawServer, answer, hang, raw_server, reset

FOUND = answer('{"id":"x"}')
GET, DELETE = GetExperimentRequest(experiment_id="x"), DeleteExperimentRequest(experiment_id="x")


async def refusal(api: ExperimentsAPI, request: GetExperimentRequest | DeleteExperimentRequest = GET) -> dict[str, Any]:
    with pytest.raises(ProblemError) as caught:
        await (api.get(request) if isinstance(request, GetExperimentRequest) else api.delete(request))
    return dict(caught.value.problem)


async def test_each_wait_is_told_with_its_reason():
    told: list[str] = []

    async def on_wait(words: str) -> None:
        told.append(words)

    busy = answer("{}", status="429 Too Many", headers=["Retry-After: 3"])
    async with raw_server(reset, answer("{}", status="502 Bad"), busy, FOUND) as server, server.api() as api:
        await api.get(GET, on_wait)
    assert told == [
        "broken response, sending again in 1 s",
        "answered 502, sending again in 1 s",
        "rate limited, sending again in 3 s",
    ]


async def test_a_deadline_tells_of_the_fault_before_it():
    async with raw_server(answer("{}", status="503 Busy"), hang) as server, server.api(deadline_s=1.2) as api:
        problem = await refusal(api)
    assert problem["type"] == URN + "deadline-exceeded"
    assert "503" in json.dumps(problem)


async def test_a_problem_says_how_often_it_was_sent_where_that_is_more_than_once():
    busy, forbidden = answer("{}", status="503 Busy"), answer("{}", status="403 Forbidden")
    async with raw_server(forbidden, busy, forbidden) as server, server.api() as api:
        assert "sends" not in await refusal(api)
        assert (await refusal(api))["sends"] == 2


async def test_a_delete_whose_first_answer_was_lost_may_have_happened_whatever_the_second_says():
    forbidden = answer("{}", status="403 Forbidden")
    async with raw_server(reset, forbidden, forbidden) as server, server.api() as api:
        assert (await refusal(api, DELETE))["hint"] == MAYBE_DELETED
        assert (await refusal(api, DELETE))["hint"] != MAYBE_DELETED


async def test_only_a_429_holds_the_next_call_back():
    later = ["Retry-After: 50"]
    busy, limited = (answer("{}", status=status, headers=later) for status in ("503 Busy", "429 Too Many"))
    async with raw_server(busy, FOUND, limited) as server, server.api() as api:
        assert (await refusal(api))["status"] == 503
        assert await api.get(GET) == {"id": "x"}
        assert (await refusal(api))["status"] == 429
        held_back = await refusal(api)
        assert (held_back["type"], held_back["retry_after"]) == (URN + "rate-limited", 50)
        assert len(server.requests) == 3


async def test_a_call_that_would_be_held_back_beyond_its_deadline_is_refused_at_once():
    limited = answer("{}", status="429 Too Many", headers=["Retry-After: 15"])
    async with raw_server(limited, FOUND) as server, server.api(deadline_s=10.0) as api:
        assert (await refusal(api))["status"] == 429
        assert (await refusal(api))["type"] == URN + "rate-limited"
        assert (len(server.requests), server.clock.waits_s) == (1, [])


async def test_a_create_that_was_refused_and_never_sent_again_has_changed_nothing():
    asked: list[int] = []

    async def ready() -> None:
        asked.append(len(asked))
        if len(asked) > 1:
            await anyio.sleep_forever()

    run = {"example_id": "e", "output": "o"}
    new = CreateExperimentRequest.model_validate({"name": "n", "dataset_id": "d", "experiment_runs": [run]})
    async with (
        raw_server(answer("{}", status="429 Too Many", headers=["Retry-After: 1"])) as server,
        ExperimentsAPI(server.settings(deadline_s=2.0), ready=ready, clock=server.clock) as api,
    ):
        with pytest.raises(ProblemError) as caught:
            await api.create(new)
        assert len(server.requests) == 1
    assert caught.value.problem.get("type") == URN + "deadline-exceeded"
    assert "Nothing was changed" in caught.value.problem.get("hint", "")


async def test_an_answer_that_echoes_the_key_is_told_without_it():
    body = json.dumps({"title": "T", "detail": "Bearer key-of-the-test is wrong", "seen": {"key-of-the-test": 1}})
    async with raw_server(answer(body, status="401 Unauthorized")) as server, server.api() as api:
        problem = await refusal(api)
    assert "is wrong" in problem["detail"]
    assert "key-of-the-test" not in str(problem)


@pytest.mark.parametrize("status", ["200 OK", "302 Found", "404 Not Found", "500 Oops"])
@pytest.mark.parametrize("request_", [GET, DELETE])
@pytest.mark.parametrize("body", ['{"id":["key-of-the-test"]}', "<h1>key-of-the-test", '"key-of-the-test"'])
async def test_no_answer_brings_the_key_into_a_problem(
    status: str, request_: GetExperimentRequest | DeleteExperimentRequest, body: str
):
    headers = ["X-Request-Id: key-of-the-test", "Location: /key-of-the-test"]
    async with raw_server(answer(body, status=status, headers=headers)) as server, server.api() as api:
        assert "key-of-the-test" not in str(await refusal(api, request_))


async def test_who_cant_take_more_is_asked_before_a_request_and_before_its_answer():
    asked: list[int] = []

    async def ready() -> None:
        asked.append(len(server.requests))

    async with (
        raw_server(FOUND, answer("", status="204 No Content")) as server,
        ExperimentsAPI(server.settings(), ready=ready) as api,
    ):
        await api.get(GET)
        assert asked == [0, 1]
        await api.delete(DELETE)
        assert asked == [0, 1, 1]


def of_key(server: RawServer, api_key: str | None) -> ExperimentsAPI:
    return ExperimentsAPI(server.settings(api_key=api_key))


async def test_a_key_is_told_from_others_by_its_hash_and_signs_for_one_purpose():
    async with raw_server(FOUND) as server, of_key(server, "one") as one, of_key(server, "other") as other:
        assert one.key_hash == hashlib.sha256(b"one").hexdigest()[:8]
        keys = {api.signing_key(purpose) for api in (one, other) for purpose in ("delete", "cursor")}
        assert [len(key) for key in keys] == [32] * 4
        assert of_key(server, "one").signing_key("delete") == one.signing_key("delete")
        async with of_key(server, None) as nobody:
            assert nobody.key_hash == hashlib.sha256(b"").hexdigest()[:8]


async def test_connections_that_are_shared_outlive_the_keys_that_used_them():
    async with raw_server(FOUND) as server:
        pool = Pool(server.settings(), None)
        for _ in range(2):
            async with ExperimentsAPI(server.settings(), pool=pool) as api:
                assert await api.get(GET) == {"id": "x"}
        await pool.aclose()
        assert server.connections == 1
