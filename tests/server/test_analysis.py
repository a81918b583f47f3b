"""The toolset analysis through a real client over real HTTP: one call that answers, or a problem that says why not."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import uuid
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, types
from mcp.client.stdio import StdioServerParameters

from arize_mcp.api.jsontext import dumps
from arize_mcp.api.problems import URN
from arize_mcp.server.app import create_server
from arize_mcp.server.tools.toolsets import offered
from tests.api import faults
from tests.api.faults import FAULTS, Fault
from tests.api.test_faults import table, told
from tests.conftest import Sandbox
from tests.raw_server import RawServer, answer, raw_server, reset
from tests.stdio_process import INHERITED
from tests.upstream_of_runs import NOT_FOUND, Upstream, after, small_runs

ARGUMENTS: dict[str, dict[str, Any]] = {
    "experiments_summarize": {"experiment_id": "x"},
    "experiments_compare": {"baseline_id": "y", "candidate_id": "x"},
    "experiments_runs_query": {"experiment_id": "x"},
}


def test_the_schemas_hold_the_documented_bounds():
    summarize, compare, query = (
        offered(("analysis",))[f"experiments_{name}"].definition().input_schema
        for name in ("summarize", "compare", "runs_query")
    )
    limits = [schema["properties"]["limit"] for schema in (summarize, compare, query)]
    assert [(limit["minimum"], limit["maximum"]) for limit in limits] == [(1, 100), (1, 500), (1, 500)]
    assert (summarize["required"], query["required"]) == (["experiment_id"], ["experiment_id"])
    assert compare["required"] == ["baseline_id", "candidate_id"]
    assert compare["properties"]["change"]["enum"] == ["worse", "better", "failed", "all"]
    condition = query["properties"]["where"]["items"]
    assert condition["required"] == ["field", "op"]
    assert condition["properties"]["op"]["enum"] == ["=", "!=", "<", "<=", ">", ">=", "contains", "exists", "missing"]


def test_the_five_are_the_same_with_it_and_without_it_none_of_it_is_imported():
    off, on = offered(()), offered(("analysis",))
    assert [on[name].definition() for name in off] == [tool.definition() for tool in off.values()]
    code = (
        "import sys; from arize_mcp.server.app import create_server; from arize_mcp.settings.settings import Settings; "
        "from arize_mcp.api.client import ExperimentsAPI; create_server(ExperimentsAPI(Settings()), Settings()); "
        "print([name for name in sys.modules if any(word in name for word in ('analysis', 'computing', 'statistics'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    assert done.stdout == "[]\n"


@pytest.fixture(params=["legacy", "auto"])
def mode(request: pytest.FixtureRequest) -> str:
    return request.param


def client_of(server: RawServer, mode: str = "auto", **changes: Any) -> Client:
    settings = server.settings(toolsets=("analysis",), **changes)
    return Client(create_server(server.api(**changes), settings), mode=mode)


@asynccontextmanager
async def connected(upstream: Upstream, mode: str = "auto", **changes: Any) -> AsyncGenerator[Client]:
    async with raw_server(answer(), route=upstream.route) as server, client_of(server, mode, **changes) as client:
        yield client


async def call(client: Client, tool: str, arguments: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The structured content of a call; the text is the same."""
    result = await client.call_tool(tool, arguments, **more)
    (block,) = result.content
    assert isinstance(block, types.TextContent)
    assert block.text == dumps(result.structured_content)
    content = dict(result.structured_content or {})
    assert result.is_error is (content.get("type", "").startswith(URN) or "title" in content)
    return content


def realistic(count: int, seed: int) -> list[dict[str, Any]]:
    """Runs of 2 kB as evaluations make them: two scores with labels and explanations, three measures."""
    rng = random.Random(seed)

    def words(number: int) -> str:
        return " ".join(
            rng.choice(("the", "answer", "is", "forty", "two", "because", "of", "it")) for _ in range(number)
        )

    runs: list[dict[str, Any]] = []
    for n in range(count):
        failed = rng.random() < 0.03
        run: dict[str, Any] = {
            "id": str(uuid.UUID(int=rng.getrandbits(128))),
            "example_id": str(uuid.UUID(int=n + 10**20)),
            "output": None if failed else words(240),
            "error": f"APITimeoutError: no answer within {n} s" if failed else None,
            "model": rng.choice(["gpt-4.1", "gpt-4.1-mini", "gpt-4.1-nano"]),
            "latency_ms": rng.randint(100, 9000),
            "token_count": rng.randint(10, 999),
            "cost": rng.random() / 100,
        }
        for name in ("correctness", "helpfulness") if not failed else ():
            run[f"eval.{name}.score"] = rng.choice([0, 0.25, 0.5, 1])
            run[f"eval.{name}.label"] = rng.choice(["correct", "incorrect"])
            run[f"eval.{name}.explanation"] = words(60)
        runs.append(run)
    return runs


@pytest.mark.parametrize("count", [300, 1000])
async def test_the_two_tasks_take_one_call_each_under_6000_characters(mode: str, count: int):
    upstream = Upstream({"x": realistic(count, 1), "y": realistic(count, 2)})
    assert len(dumps(upstream.experiments["x"])) > 2000 * count
    pages = -(-count // 500)
    async with connected(upstream, mode) as client:
        compared = await call(client, "experiments_compare", ARGUMENTS["experiments_compare"])
        assert (len(upstream.pages), upstream.gets) == (2 * pages, 2)
        triaged = await call(client, "experiments_summarize", {"experiment_id": "x", "group_by": "model"})
        assert (len(upstream.pages), upstream.gets) == (3 * pages, 3)
    for content in (compared, triaged):
        assert len(dumps(content)) <= 6000
    assert compared["examples"]["matched"] == compared["scores"][0]["n"] + len(
        [run for run, other in zip(*upstream.experiments.values(), strict=True) if run["error"] or other["error"]]
    )
    assert len(compared["changed"]) >= 5
    assert len(compared["failures"]["newly_failed"]) >= 5
    (kind,) = triaged["errors"]
    assert kind["count"] == triaged["failed"] == len([run for run in upstream.experiments["x"] if run["error"]])
    assert len(triaged["groups"]) == 3
    assert len([run for run in triaged["lowest"] if run["score"] == "correctness"]) >= 3


async def test_two_experiments_are_read_side_by_side():
    arrived: list[str] = []
    both = anyio.Event()

    class Waiting(Upstream):
        async def route(self, request: Any) -> Any:
            arrived.append(request.target.split("/")[3])
            if set(arrived) >= {"x", "y"}:
                both.set()
            with anyio.fail_after(5):
                await both.wait()
            return await super().route(request)

    async with connected(Waiting({"x": small_runs(3), "y": small_runs(3)})) as client:
        compared = await call(client, "experiments_compare", ARGUMENTS["experiments_compare"])
    assert compared["examples"]["matched"] == 3


@pytest.mark.parametrize("tool", ARGUMENTS)
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
async def test_a_fault_at_page_two_of_three_is_never_told_as_the_whole(fault: Fault, tool: str):
    upstream = Upstream({"x": small_runs(300), "y": []}, page_runs=100, interruption=after(100, *fault.answers))
    expected = table()[fault.name][4].rpartition(" (")[0]
    mode = "legacy" if len(fault.name) % 2 else "auto"
    async with connected(upstream, mode, **fault.settings) as client:
        with anyio.fail_after(10):
            content = await call(client, tool, ARGUMENTS[tool])
    if "title" in content:
        assert content["runs_read"] == 100
        # Which experiment it was is beside what the document tells.
        assert told(content) == expected
    else:
        counted = content.get("runs") or content.get("total") or content["candidate"]["runs"]
        assert expected == "done"
        assert counted == 300 or any("There may be more runs" in note for note in content["notes"])


@pytest.mark.parametrize("tool", ARGUMENTS)
async def test_an_experiment_that_there_isnt_is_a_problem_that_names_it(tool: str, mode: str):
    async with connected(Upstream({"y": []}), mode) as client:
        problem = await call(client, tool, ARGUMENTS[tool])
    assert problem["status"] == 404
    assert tool == "experiments_runs_query" or problem["experiment_id"] == "x"


async def test_progress_is_told_to_who_asks_for_it(mode: str):
    told: list[str] = []

    async def on_progress(progress: float, total: float | None, message: str | None) -> None:
        told.append(str(message))

    async with connected(Upstream({"x": small_runs(700), "y": small_runs(1)}), mode) as client:
        await call(client, "experiments_summarize", {"experiment_id": "x"}, progress_callback=on_progress)
        assert told == ["the experiment: 500 runs read", "the experiment: 700 runs read"]
        told.clear()
        await call(client, "experiments_compare", ARGUMENTS["experiments_compare"], progress_callback=on_progress)
    assert sorted(told) == ["the baseline: 1 run read", "the candidate: 500 runs read", "the candidate: 700 runs read"]


async def test_max_runs_is_for_each_experiment():
    async with connected(Upstream({"x": small_runs(600), "y": small_runs(600)}), max_runs=600) as client:
        compared = await call(client, "experiments_compare", ARGUMENTS["experiments_compare"])
        assert compared["examples"]["matched"] == 600
    async with connected(Upstream({"x": small_runs(601), "y": small_runs(600)}), max_runs=600) as client:
        problem = await call(client, "experiments_compare", ARGUMENTS["experiments_compare"])
        assert (problem["type"], problem["experiment_id"]) == (URN + "too-many-runs", "x")


async def test_without_cursors_what_500_runs_say_is_noted_as_perhaps_not_all():
    upstream = Upstream({"x": small_runs(800), "y": small_runs(20)}, cursors=False)
    async with connected(upstream) as client:
        for tool, arguments in ARGUMENTS.items():
            content = await call(client, tool, arguments)
            assert "than these 500: the API says so" in content["notes"][0]


async def test_a_value_that_cant_be_passed_on_is_noted():
    body = '{"experiment_runs":[{"eval.q.score":1e999},{"eval.q.score":1}],"pagination":{"has_more":false}}'
    upstream = Upstream({"x": []}, interruption=after(0, answer(body)))
    async with connected(upstream) as client:
        content = await call(client, "experiments_summarize", {"experiment_id": "x"})
    assert content["scores"][0]["n"] == 1
    assert content["notes"][0].endswith("were not counted: 1.")


@pytest.mark.parametrize("max_chars", [1000, 1500, 3000, 8000, 40_000, 0])
@pytest.mark.parametrize("limit", [None, 1, 7, 100])
async def test_whatever_the_limit_an_answer_fits_and_says_what_is_missing(max_chars: int, limit: int | None):
    runs = realistic(300, 1), realistic(300, 2)
    for n, run in enumerate(runs[0] + runs[1]):
        run |= {f"eval.score number {n % 40}.score": n % 7, f"measure {n % 60}": n, "error": run["error"] and "x" * n}
    upstream = Upstream({"x": runs[0], "y": runs[1]})
    given = {} if limit is None else {"limit": limit}
    async with connected(upstream, max_result_chars=max_chars) as client:
        for tool, arguments in ARGUMENTS.items():
            content = await call(client, tool, {**arguments, **given})
            assert "title" not in content
            assert not max_chars or len(dumps(content)) <= max_chars
            if tool == "experiments_compare":
                assert len(content["changed"]) <= (limit or 10)
                assert len(content["scores"]) == 42 or "scores: " in " ".join(content["notes"])
            if tool == "experiments_summarize":
                assert len(content["fields"]) > 100 or "fields: " in " ".join(content["notes"])
                assert len(content["scores"]) == 42 or "scores: " in " ".join(content["notes"])


@pytest.mark.parametrize("max_chars", [1000, 3000, 10_000])
async def test_labels_that_are_free_texts_are_cut_to_the_first_of_each(max_chars: int):
    runs = [
        {"example_id": f"e{n}", "eval.a.label": f"reason {n} why", "eval.b.label": f"because of {n % 400}"}
        for n in range(500)
    ]
    upstream = Upstream({"x": runs, "y": list(reversed(runs))})
    async with connected(upstream, max_result_chars=max_chars) as client:
        content = await call(client, "experiments_summarize", {"experiment_id": "x"})
        assert len(dumps(content)) <= max_chars
        assert [label["name"] for label in content["labels"]] == ["a", "b"]
        assert 1 <= len(content["labels"][1]["counts"]) < 400
        assert "labels: each entry's own list is cut to its first entries." in content["notes"]


async def test_a_default_answer_has_three_entries_a_list_even_where_the_rest_is_long():
    runs = [{"id": str(n), "example_id": f"e{n}", **{f"eval.s{k}.score": n for k in range(60)}} for n in range(9)]
    other = [{**run, **{f"eval.s{k}.score": 0 for k in range(60)}} for run in runs]
    async with connected(Upstream({"x": other, "y": runs})) as client:
        content = await call(client, "experiments_compare", ARGUMENTS["experiments_compare"])
    assert len(dumps(content)) > 6000
    assert (len(content["scores"]), len(content["changed"])) == (60, 3)
    assert content["notes"][-1] == "Each list has at most 3 entries here: pass limit to list more."


async def test_fewer_entries_than_asked_for_are_told_with_the_reason():
    upstream = Upstream({"x": realistic(300, 1), "y": realistic(300, 2)})
    async with connected(upstream, max_result_chars=10_000) as client:
        content = await call(client, "experiments_compare", {**ARGUMENTS["experiments_compare"], "limit": 500})
        shown = len(content["changed"])
        said = f"Each list has at most {shown} entries here: more would exceed 10000 characters."
        assert content["notes"][-1] == said
        content = await call(client, "experiments_compare", ARGUMENTS["experiments_compare"])
        assert all(note.startswith(("Examples", "Scores", "Each list has at most 9")) for note in content["notes"])


@pytest.mark.parametrize("max_chars", [1000, 5000, 40_000])
async def test_rows_that_fit_are_every_row_once_by_the_offsets_of_the_notes(max_chars: int):
    upstream = Upstream({"x": realistic(200, 1)})
    rows: list[Any] = []
    asked: dict[str, Any] = {
        "experiment_id": "x",
        "fields": ["id", "eval.correctness.explanation", "cost"],
        "limit": 90,
    }
    async with connected(upstream, max_result_chars=max_chars) as client:
        while True:
            content = await call(client, "experiments_runs_query", {**asked, "offset": len(rows)})
            assert len(dumps(content)) <= max_chars
            assert "shortened" not in content
            rows += content["rows"]
            if not content["notes"]:
                break
            assert content["notes"][-1].endswith(f"with offset {len(rows)}.")
    assert [row[0] for row in rows] == [run["id"] for run in upstream.experiments["x"]]


async def test_a_row_that_is_too_long_alone_is_shortened_and_told():
    upstream = Upstream({"x": [{"id": "1", "output": "o" * 5000}, {"id": "2", "output": "p"}]})
    async with connected(upstream, max_result_chars=1000) as client:
        content = await call(client, "experiments_runs_query", {"experiment_id": "x", "fields": ["id", "output"]})
    assert content["shortened"] == [{"pointer": "/rows/0/1", "chars": 5000}]
    assert content["rows"][0][0] == "1"
    assert content["notes"] == ["More runs match: 1. For the next ones call again with offset 1."]


@pytest.mark.parametrize(
    ("tool", "arguments", "pointers"),
    [
        ("experiments_summarize", {"experiment_id": "x", "group_by": "modle"}, ["#/group_by"]),
        ("experiments_summarize", {"experiment_id": "x", "lower_is_better": ["nope"]}, ["#/lower_is_better/0"]),
        ("experiments_summarize", {"experiment_id": "x", "limit": 101}, ["#/limit"]),
        ("experiments_summarize", {"experiment_id": "x", "lower_is_better": "q"}, ["#/lower_is_better"]),
        ("experiments_compare", {"baseline_id": "x", "candidate_id": " x "}, ["#/candidate_id"]),
        ("experiments_compare", {"baseline_id": "y", "candidate_id": "x", "score": "Q"}, ["#/score"]),
        ("experiments_compare", {"baseline_id": "y", "candidate_id": "x", "change": "worst"}, ["#/change"]),
        ("experiments_compare", {"baseline_id": "", "limit": 501}, ["#/baseline_id", "#/candidate_id", "#/limit"]),
        ("experiments_runs_query", {"experiment_id": "x", "fields": ["id", "eval.q"]}, ["#/fields/1"]),
        ("experiments_runs_query", {"experiment_id": "x", "sort": "-nope"}, ["#/sort"]),
        ("experiments_runs_query", {"experiment_id": "x", "where": [{"field": "id", "op": "="}]}, ["#/where/0"]),
        (
            "experiments_runs_query",
            {"experiment_id": "x", "where": ["id", {"field": "id", "op": "~", "value": "1", "ops": 1}]},
            ["#/where/0", "#/where/1/op", "#/where/1/ops"],
        ),
        ("experiments_runs_query", {"experiment_id": "x", "offset": -1, "limit": True}, ["#/limit", "#/offset"]),
    ],
)
async def test_wrong_arguments_are_all_told(tool: str, arguments: dict[str, Any], pointers: list[str]):
    async with connected(Upstream({"x": small_runs(4), "y": small_runs(4)})) as client:
        problem = await call(client, tool, arguments)
    assert problem["type"] == URN + "bad-arguments"
    assert [error["pointer"] for error in problem["errors"]] == pointers
    details = " ".join(error["detail"] for error in problem["errors"])
    assert "example_id and output" not in details
    assert "cursor" not in details
    if pointers[-1].endswith("ops"):
        assert "Must be an object with field and op and value." in details
        assert "Did you mean op?" in details
    if pointers == ["#/score"]:
        assert "Did you mean q?" in details


@pytest.mark.parametrize(
    "where",
    [
        [{"field": "eval.q.score", "op": ">=", "value": 0.5}],
        [{"field": "eval.q.score", "op": ">=", "value": "0.50"}],
        '[{"field":"eval.q.score","op":">=","value":0.5}]',
        ['{"field":"eval.q.score","op":">=","value":"5e-1"}'],
    ],
)
async def test_conditions_are_taken_as_they_are_meant(where: Any, mode: str):
    async with connected(Upstream({"x": small_runs(8)}), mode) as client:
        content = await call(client, "experiments_runs_query", {"experiment_id": "x", "where": where, "sort": "-id"})
    assert [row[0] for row in content["rows"]] == ["e7", "e6", "e3", "e2"]


async def test_the_sandbox_answers_all_three(sandbox: Sandbox, mode: str):
    candidate, baseline = (row["id"] for row in sandbox.store.experiments(None, None, None, 2, None)[0])
    settings = replace(sandbox.settings(), toolsets=("analysis",))
    async with Client(create_server(sandbox.api(), settings), mode=mode) as client:
        compared = await call(
            client, "experiments_compare", {"baseline_id": baseline, "candidate_id": candidate, "change": "all"}
        )
        (score,) = compared["scores"]
        assert (score["name"], score["better"], score["worse"], score["same"]) == ("correctness", 10, 0, 7)
        assert len(compared["failures"]["newly_failed"]) == 1
        summarized = await call(client, "experiments_summarize", {"experiment_id": candidate, "group_by": "model"})
        assert (summarized["runs"], summarized["failed"], len(summarized["groups"])) == (18, 1, 1)
        failed = [{"field": "error", "op": "exists"}]
        queried = await call(client, "experiments_runs_query", {"experiment_id": candidate, "where": failed})
        assert [row[0] for row in queried["rows"]] == compared["failures"]["newly_failed"]


def process_of(server: RawServer, **environ: str) -> StdioServerParameters:
    """The real process in front of a server."""
    host = server.base_url.removeprefix("http://")
    known = {"ARIZE_API_HOST": host, "ARIZE_API_SCHEME": "http", "ARIZE_API_KEY": "key-of-the-test"}
    known |= {"ARIZE_MCP_TOOLSETS": " Analysis ,", "ARIZE_MCP_READ_ONLY": "1", **INHERITED}
    return StdioServerParameters(command=sys.executable, args=["-m", "arize_mcp"], env={**known, **environ})


async def test_the_real_process_answers_or_says_why_not(mode: str):
    upstream = Upstream({"x": small_runs(1200), "y": small_runs(1200), "z": small_runs(10)})
    slow = faults.error("429 Too Many Requests", "Retry-After: 1")
    async with raw_server(answer(), route=upstream.route) as server, Client(process_of(server), mode=mode) as client:
        assert len((await client.list_tools()).tools) == 6
        upstream.interruption = after(500, slow, None)
        compared = await call(client, "experiments_compare", ARGUMENTS["experiments_compare"])
        assert compared["scores"][0]["same"] == 1200
        for interruption, ended in [
            (after(500, reset), {"type": URN + "broken-response", "sends": 4}),
            (after(1000, NOT_FOUND), {"status": 404, "runs_read": 1000}),
            (after(500, faults.html("502 Bad Gateway")), {"status": 502, "runs_read": 500}),
        ]:
            upstream.interruption = interruption
            problem = await call(client, "experiments_summarize", {"experiment_id": "x"})
            assert problem["runs_read"] >= 500
            assert {name: problem.get(name) for name in ended} == ended
        upstream.interruption = None
        queried = await call(client, "experiments_runs_query", {"experiment_id": "z", "limit": 1})
        assert queried["total"] == 10


def peaks_of_children_kib() -> list[int]:
    """The most memory that each process that this one started has taken."""
    statuses = [path.read_text(encoding="utf-8") for path in Path("/proc").glob("[0-9]*/status")]
    mine = [status for status in statuses if f"\nPPid:\t{os.getpid()}\n" in status]
    return [int(status.split("VmHWM:")[1].split()[0]) for status in mine if "VmHWM:" in status]


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells the peak of another process")
async def test_twenty_thousand_runs_of_2_kb_take_less_than_200_mib():
    upstream = Upstream({"x": realistic(20_000, 3)})
    async with raw_server(answer(), route=upstream.route) as server, Client(process_of(server)) as client:
        content = await call(client, "experiments_summarize", {"experiment_id": "x"})
        peaks_kib = peaks_of_children_kib()
    assert content["runs"] == 20_000
    assert len(dumps(content)) <= 6000
    assert 0 < max(peaks_kib) < 200 * 1024
