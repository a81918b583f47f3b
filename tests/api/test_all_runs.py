"""All runs of an experiment: every one once, in order, or a problem that says how many were read."""

from __future__ import annotations

import json
from typing import Any

import anyio
import pytest
from anyio.abc import ByteStream

from arize_mcp.api.problems import URN, ProblemError
from tests.api import faults
from tests.api.faults import FAULTS, Fault
from tests.api.test_faults import table, told
from tests.conftest import Sandbox
from tests.raw_server import RawServer, Step, answer, raw_server
from tests.upstream_of_runs import NOT_FOUND, Upstream, after, small_runs


async def read(server: RawServer, **settings: Any) -> list[dict[str, Any]]:
    async with server.api(**settings) as api:
        return [run async for run in api.all_runs("x")]


async def fail(server: RawServer, **settings: Any) -> dict[str, Any]:
    with pytest.raises(ProblemError) as caught:
        await read(server, **settings)
    assert str(caught.value) == caught.value.problem.get("detail", "")
    return dict(caught.value.problem)


@pytest.mark.parametrize("count", [0, 1, 499, 500, 501, 1250])
async def test_every_run_comes_once_in_order_by_pages_of_500(count: int):
    upstream = Upstream({"x": small_runs(count)})
    async with raw_server(answer(), route=upstream.route) as server:
        assert await read(server) == upstream.experiments["x"]
    assert upstream.pages == [("x", start, 500) for start in range(0, max(count, 1), 500)]


async def test_the_real_sandbox_is_read_whole(sandbox: Sandbox):
    newest = sandbox.store.experiments(None, None, None, 1, None)[0][0]
    runs = [json.dumps({"example_id": f"e{n}", "output": "o"}) for n in range(1000)]
    created = sandbox.store.create_experiment("many", newest["dataset_id"], None, runs)
    async with sandbox.api() as api:
        every = api.all_runs(created["id"])
        assert [run["example_id"] async for run in every] == [f"e{n}" for n in range(1000)]
    assert (every.read, every.may_have_more, every.notes("it")) == (1000, False, [])


async def test_a_page_over_the_cap_is_asked_for_again_in_halves():
    runs = small_runs(600)
    runs[100]["output"] = "x" * 20_000
    upstream = Upstream({"x": runs})
    async with raw_server(answer(), route=upstream.route) as server:
        assert await read(server, max_response_bytes=30_000) == runs
    assert [limit for _, _, limit in upstream.pages[:3]] == [500, 250, 125]
    assert len({start for _, start, _ in upstream.pages}) == 5


async def test_one_run_over_the_cap_is_a_problem():
    runs = small_runs(10)
    runs[7]["output"] = "x" * 20_000
    upstream = Upstream({"x": runs})
    async with raw_server(answer(), route=upstream.route) as server:
        problem = await fail(server, max_response_bytes=10_000)
    assert problem["type"] == URN + "response-too-large"
    assert problem["runs_read"] == 7
    assert "Runs read by then: 7." in problem["detail"]
    assert upstream.pages[-1] == ("x", 7, 1)


@pytest.mark.parametrize("cursors", [["a", "a"], ["a", "b", "a"], ["a", "b", "c", "b"]])
async def test_a_cursor_that_repeats_ends_it_with_a_problem(cursors: list[str]):
    pages = [{"experiment_runs": small_runs(2), "pagination": {"has_more": True, "next_cursor": c}} for c in cursors]
    async with raw_server(*(answer(json.dumps(page)) for page in pages)) as server:
        problem = await fail(server)
        assert len(server.requests) == len(cursors)
    assert problem["type"] == URN + "repeated-cursor"
    assert problem["runs_read"] == 2 * len(cursors)


@pytest.mark.parametrize(
    ("runs", "pagination", "may_have_more"),
    [
        (500, {"has_more": True}, True),
        (500, {"has_more": True, "next_cursor": ""}, True),
        (500, {}, True),
        (499, {}, False),
        (500, {"has_more": False}, False),
        (500, {"has_more": False, "next_cursor": "a"}, False),
    ],
)
async def test_without_a_cursor_it_ends_and_says_whether_there_may_be_more(
    runs: int, pagination: dict[str, Any], may_have_more: bool
):
    page = {"experiment_runs": small_runs(runs), "pagination": pagination}
    async with raw_server(answer(json.dumps(page))) as server, server.api() as api:
        every = api.all_runs("x")
        assert len([run async for run in every]) == runs
        assert len(server.requests) == 1
    assert every.may_have_more is may_have_more
    assert len(every.notes("it")) == may_have_more


@pytest.mark.parametrize(("count", "max_runs"), [(501, 500), (1250, 700), (1000, 999)])
async def test_more_than_max_runs_is_a_problem_that_says_how_many_were_read(count: int, max_runs: int):
    upstream = Upstream({"x": small_runs(count)})
    async with raw_server(answer(), route=upstream.route) as server:
        problem = await fail(server, max_runs=max_runs)
    assert problem["type"] == URN + "too-many-runs"
    assert f"{max_runs} runs (ARIZE_MCP_MAX_RUNS)" in problem["detail"]
    assert problem["runs_read"] == len(upstream.pages) * 500


@pytest.mark.parametrize("count", [500, 1000])
async def test_exactly_max_runs_are_read(count: int):
    upstream = Upstream({"x": small_runs(count)})
    async with raw_server(answer(), route=upstream.route) as server:
        assert len(await read(server, max_runs=count)) == count


async def hang(stream: ByteStream) -> None:
    await stream.receive()


async def test_the_deadline_holds_over_all_pages():
    async def in_good_time(start: int) -> Step:
        async def step(stream: ByteStream) -> None:
            await anyio.sleep(0.3)
            await stream.send(upstream.page("x", start, 500))

        return step

    upstream = Upstream({"x": small_runs(5000)}, interruption=in_good_time)
    async with raw_server(answer(), route=upstream.route) as server:
        with anyio.fail_after(5):
            problem = await fail(server, deadline_s=1.0)
    assert problem["type"] == URN + "deadline-exceeded"
    assert 0 < problem["runs_read"] < 5000
    assert "did not end within 1 s" in problem["detail"]
    assert f"Runs read by then: {problem['runs_read']}." in problem["detail"]


async def test_a_callers_shorter_deadline_holds_as_well():
    async with raw_server(hang) as server, server.api() as api:
        with pytest.raises(ProblemError) as caught:
            await anext(api.all_runs("x", deadline_s=0.2))
    assert dict(caught.value.problem)["runs_read"] == 0
    assert "within 0.2 s" in str(caught.value)


async def test_progress_tells_how_many_runs_are_read():
    told: list[str] = []

    async def on_wait(words: str) -> None:
        told.append(words)

    upstream = Upstream(
        {"x": small_runs(1250)}, interruption=after(500, faults.error("429 Slow", "Retry-After: 2"), None)
    )
    async with raw_server(answer(), route=upstream.route) as server, server.api() as api:
        assert len([run async for run in api.all_runs("x", on_wait)]) == 1250
    assert told == ["500 runs read", "rate limited, sending again in 2 s", "1000 runs read", "1250 runs read"]


async def test_runs_that_are_appended_while_it_reads_are_read_too():
    runs = small_runs(700)

    async def append(start: int) -> None:
        if start == 500:
            runs.extend(small_runs(900)[700:])

    upstream = Upstream({"x": runs}, interruption=append)
    async with raw_server(answer(), route=upstream.route) as server:
        assert await read(server) == small_runs(900)


async def test_an_experiment_that_is_deleted_while_it_reads_is_a_problem():
    upstream = Upstream({"x": small_runs(1200)}, interruption=after(500, NOT_FOUND))
    async with raw_server(answer(), route=upstream.route) as server:
        problem = await fail(server)
    assert (problem["status"], problem["runs_read"]) == (404, 500)
    assert problem["detail"] == ("No experiment has this id. Runs read by then: 500. No answer is made from a part.")


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
async def test_a_fault_at_page_two_of_three_ends_as_docs_reliability_says_of_one_page(fault: Fault):
    # Pages of 100, so that they keep to the smallest cap among the faults' settings.
    upstream = Upstream({"x": small_runs(300)}, page_runs=100, interruption=after(100, *fault.answers))
    expected = table()[fault.name][4].rpartition(" (")[0]
    got: list[dict[str, Any]] = []
    async with raw_server(answer(), route=upstream.route) as server, server.api(**fault.settings) as api:
        every = api.all_runs("x")
        with anyio.fail_after(10):
            try:
                got.extend([run async for run in every])
                ended = "done"
            except ProblemError as error:
                assert dict(error.problem)["runs_read"] == 100  # noqa: PT017 - a fault may end either way
                ended = told(dict(error.problem))
    assert ended == expected
    # Some faults are a page of something else, without runs, that doesn't say that it is the last.
    assert ended != "done" or got == upstream.experiments["x"] or (every.may_have_more and every.notes("it"))


async def test_values_that_cant_be_passed_on_are_counted_over_all_pages():
    runs = small_runs(600)
    upstream = Upstream({"x": runs})

    async def with_nan(start: int) -> bytes:
        sent = upstream.page("x", start, 500).partition(b"\r\n\r\n")[2]
        return answer(sent.replace(b'"eval.q.score":0.25', b'"eval.q.score":NaN', 2))

    upstream.interruption = with_nan
    async with raw_server(answer(), route=upstream.route) as server, server.api() as api:
        every = api.all_runs("x")
        assert [run["id"] async for run in every] == [run["id"] for run in runs]
    assert every.altered == 4
    (note,) = every.notes("the baseline")
    assert "Values in the baseline that can't be passed on" in note
    assert note.endswith(": 4.")


async def test_progress_of_one_run_speaks_of_one():
    words: list[str] = []

    async def on_wait(word: str) -> None:
        words.append(word)

    upstream = Upstream({"x": small_runs(1)})
    async with raw_server(answer(), route=upstream.route) as server, server.api() as api:
        assert [run["id"] async for run in api.all_runs("x", on_wait)] == ["r0"]
    assert words == ["1 run read"]


async def test_a_fault_before_any_run_was_read_says_nothing_of_runs():
    async with raw_server(answer("{}", status="403 Forbidden")) as server:
        problem = await fail(server)
    assert "Runs read" not in problem["detail"]
    assert problem["runs_read"] == 0


async def test_a_deadline_doesnt_tell_of_a_fault_that_was_overcome_on_an_earlier_page():
    upstream = Upstream({"x": small_runs(600)})

    async def first_busy_then_hanging(start: int) -> bytes | Step | None:
        if start:
            return hang
        return answer("{}", status="503 Busy") if len(upstream.pages) == 1 else None

    upstream.interruption = first_busy_then_hanging
    async with raw_server(answer(), route=upstream.route) as server:
        problem = await fail(server, deadline_s=1.5, read_timeout_s=60.0)
    assert problem["type"] == URN + "deadline-exceeded"
    assert "503" not in json.dumps(problem)
