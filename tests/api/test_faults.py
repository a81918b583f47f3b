"""docs/reliability.md: what each tool does at each fault, as the table there says."""

from __future__ import annotations

import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio.abc import ByteStream

from arize_mcp.api.client import ExperimentsAPI
from arize_mcp.api.dataset_models import ListDatasetExamplesRequest, ListDatasetsRequest
from arize_mcp.api.jsontext import dumps
from arize_mcp.api.models import (
    CreateExperimentRequest,
    DeleteExperimentRequest,
    GetExperimentRequest,
    ListExperimentRunsRequest,
    ListExperimentsRequest,
)
from arize_mcp.api.problems import URN, ProblemError
from arize_mcp.api.refusals import MAX_EXCERPT_CHARS, MAX_PROBLEM_CHARS
from tests.api.faults import FAULTS, Fault, error
from tests.raw_server import Request, Step, answer, raw_server, reset

DOCUMENT = Path(__file__).parent.parent.parent / "docs" / "reliability.md"
EXPERIMENT = json.dumps({"id": "x"})
CREATE = CreateExperimentRequest.model_validate(
    {"name": "n", "dataset_id": "d", "experiment_runs": [{"example_id": "e", "output": "o"}]}
)
NOTHING = answer('{"experiments":[],"pagination":{"has_more":false}}')

TOOLS: dict[str, tuple[Callable[[ExperimentsAPI], Awaitable[dict[str, Any]]], bytes]] = {
    "create": (lambda api: api.create(CREATE), answer(EXPERIMENT, status="201 Created")),
    "delete": (
        lambda api: api.delete(DeleteExperimentRequest(experiment_id="x")),
        answer(status="204 No Content", content_type=None),
    ),
    "get": (lambda api: api.get(GetExperimentRequest(experiment_id="x")), answer(EXPERIMENT)),
    "list": (lambda api: api.list(ListExperimentsRequest()), NOTHING),
    "runs_list": (
        lambda api: api.list_runs(ListExperimentRunsRequest(experiment_id="x")),
        answer('{"experiment_runs":[]}'),
    ),
    "datasets_list": (lambda api: api.list_datasets(ListDatasetsRequest()), answer('{"datasets":[]}')),
    "datasets_examples_list": (
        lambda api: api.list_examples(ListDatasetExamplesRequest(dataset_id="x")),
        answer('{"examples":[]}'),
    ),
}


async def outcome(fault: Fault, tool: str) -> str:
    """How a call ends, and how many requests the server saw."""
    call, right = TOOLS[tool]
    step, *more = (right if step is None else step for step in fault.answers)

    async def route(request: Request) -> bytes | Step | None:
        # A lost create looks its name up; that lookup is well.
        return NOTHING if tool == "create" and request.method == "GET" else None

    async with raw_server(step, *more, route=route) as server, server.api(**fault.settings) as api:
        with anyio.fail_after(10):
            try:
                ended = "done, with a note" if "notes" in await call(api) else "done"
            except ProblemError as caught:
                ended = told(dict(caught.problem))
        sends = [request.method for request in server.requests]
        path = "/v2/experiments"
        own = {path, f"{path}/x", f"{path}/x/runs", f"{path}?dataset_id=d&name=n&limit=100"}
        own |= {"/v2/datasets", "/v2/datasets/x/examples"}
        assert {request.target for request in server.requests} <= own
    if tool == "create":
        lookups = f" + {sends.count('GET')} GET" if "GET" in sends else ""
        return f"{ended} ({sends.count('POST')} POST{lookups})"
    return f"{ended} ({len(sends)})"


def told(problem: dict[str, Any]) -> str:
    """A problem in short; checks what holds for each."""
    text = json.dumps(problem, ensure_ascii=False)
    assert "key-of-the-test" not in text
    assert len(text) < MAX_PROBLEM_CHARS + MAX_EXCERPT_CHARS
    assert not any(control in text for control in ("\\u001b", "\\u0007"))
    assert problem["hint"]
    dumps(problem)
    ended = problem["type"].removeprefix(URN) if problem.get("type", "").startswith(URN) else str(problem["status"])
    return f"{ended}, retry_after {problem['retry_after']}" if "retry_after" in problem else ended


def table() -> dict[str, list[str]]:
    """The document's table: fault -> what each tool does."""
    rows = [line for line in DOCUMENT.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    return {row[0]: row[1:] for row in cells if row[0] in {fault.name for fault in FAULTS}}


def test_the_document_lists_every_fault():
    assert list(table()) == [fault.name for fault in FAULTS]
    assert len(FAULTS) >= 45


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
async def test_each_tool_does_at_a_fault_what_the_document_says(fault: Fault):
    outcomes = [await outcome(fault, tool) for tool in TOOLS]
    if "PRINT_FAULTS" in os.environ:
        print(f"| {fault.name} | {' | '.join(outcomes)} |")  # noqa: T201
        return
    assert dict(zip(TOOLS, outcomes, strict=True)) == dict(zip(TOOLS, table()[fault.name], strict=True))


async def test_a_bom_a_duplicate_key_and_half_a_surrogate_pair_are_read():
    body = '\ufeff{"id":"no","id":"x","a":"\\ud83d\\ude00","b":"\\ud83d","c":["\\uDE00x"],"\\ud800":"\\\\ud800"}'
    async with raw_server(answer(body)) as server, server.api() as api:
        result = await api.get(GetExperimentRequest(experiment_id="x"))
    assert result == {"id": "x", "a": "😀", "b": "\ufffd", "c": ["\ufffdx"], "\ufffd": "\\ud800"}


async def test_backoff_is_exponential_with_full_jitter_and_capped_at_four_sends():
    async with raw_server(answer("{}", status="503 Unavailable")) as server, server.api() as api:
        with pytest.raises(ProblemError) as caught:
            await api.list(ListExperimentsRequest())
    assert server.clock.waits_s == [0.5, 1.0, 2.0]
    assert dict(caught.value.problem)["sends"] == 4


async def test_the_deadline_says_what_is_known():
    async def slowly(stream: ByteStream) -> None:
        await anyio.sleep(0.2)
        await stream.send(answer("<p>", status="503 Busy"))

    async with raw_server(slowly) as server, ExperimentsAPI(server.settings(deadline_s=0.5), jitter=lambda: 0.0) as api:
        with pytest.raises(ProblemError) as caught:
            await api.list(ListExperimentsRequest())
    assert caught.value.problem.get("type") == URN + "deadline-exceeded"
    assert "503" in caught.value.problem.get("detail", "")


@pytest.mark.parametrize(
    "then", [error("401 Unauthorized"), error("429 Too Many", "Retry-After: 60"), error("403 Forbidden"), reset]
)
async def test_a_delete_that_may_have_been_done_is_never_told_as_not_sent(then: bytes | Step):
    async with raw_server(reset, then) as server, server.api() as api:
        with pytest.raises(ProblemError) as caught:
            await api.delete(DeleteExperimentRequest(experiment_id="x"))
    assert "may have been deleted" in caught.value.problem.get("hint", "")


async def test_what_a_call_waits_for_is_told_in_our_own_words():
    echo = json.dumps({"title": "Bad KEY-OF-THE-TEST key-of-the-test"})
    told: list[str] = []

    async def on_wait(words: str) -> None:
        told.append(words)

    async with raw_server(error("503 Busy", body=echo), answer(EXPERIMENT)) as server, server.api() as api:
        await api.get(GetExperimentRequest(experiment_id="x"), on_wait)
    assert told == ["answered 503, sending again in 1 s"]
