"""The toolset datasets through the SDK's own client: ids are found where they are, and wrong ones lead there."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from mcp import Client

from arize_mcp.api.client import ExperimentsAPI
from arize_mcp.api.jsontext import dumps
from arize_mcp.server.app import create_server
from arize_mcp.server.tools.toolsets import offered
from arize_mcp.settings.settings import Settings
from tests.conftest import Sandbox
from tests.raw_server import Request, answer, raw_server
from tests.server.test_app import call, fail
from tests.stdio_process import Session

JSON = dict[str, Any]

NAMES = ["datasets_list", "datasets_examples_list"]
RUN = {"example_id": "e", "output": "o"}


@asynccontextmanager
async def connected(api: ExperimentsAPI, *toolsets: str, max_chars: int = 40_000) -> AsyncGenerator[Client]:
    async with Client(create_server(api, Settings(toolsets=toolsets, max_result_chars=max_chars))) as client:
        yield client


def new(dataset_id: str, **changes: Any) -> JSON:
    return {"name": "n", "dataset_id": dataset_id, "experiment_runs": [RUN], **changes}


# The tools


def test_the_schemas_hold_the_documented_bounds():
    tools = offered(("datasets",))
    datasets, examples = (tools[name].definition().input_schema for name in ("datasets_list", "datasets_examples_list"))
    assert ("required" in datasets, examples["required"]) == (False, ["dataset_id"])
    assert set(datasets["properties"]) == {"space_id", "name", "limit", "cursor"}
    assert set(examples["properties"]) == {"dataset_id", "limit", "cursor"}
    assert datasets["properties"]["name"]["maxLength"] == 255
    for schema, most in ((datasets, 100), (examples, 500)):
        limit = schema["properties"]["limit"]
        assert (limit["minimum"], limit["maximum"]) == (1, most)


def test_the_five_are_the_same_with_it_and_without_it_none_of_it_is_imported():
    off, on = offered(()), offered(("datasets",))
    assert [on[name].definition() for name in off] == [tool.definition() for tool in off.values()]
    code = (
        "import sys; from arize_mcp.server.app import create_server; from arize_mcp.settings.settings import Settings; "
        "from arize_mcp.api.client import ExperimentsAPI; create_server(ExperimentsAPI(Settings()), Settings()); "
        "print([name for name in sys.modules if 'dataset' in name])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    assert done.stdout == "[]\n"


async def test_what_it_shows_is_what_an_experiment_needs(sandbox: Sandbox):
    async with connected(sandbox.api(), "datasets") as client:
        (dataset,) = (await call(client, "datasets_list", {"name": "SUPPORT"}))["datasets"]
        assert (dataset["id"], dataset["name"]) == (sandbox.dataset_id, "support-questions")
        page = await call(client, "datasets_examples_list", {"dataset_id": dataset["id"], "limit": 5})
        assert page["pagination"]["has_more"] is True
        assert all({"question", "expected_answer", "category"} <= set(example) for example in page["examples"])
        runs = [{"example_id": example["id"], "output": "o"} for example in page["examples"]]
        created = await call(client, "experiments_create", new(dataset["id"], experiment_runs=runs))
        stored = await call(client, "experiments_runs_list", {"experiment_id": created["id"]})
        before = await call(client, "experiments_list", {"dataset_id": dataset["id"]})
        old = await call(client, "experiments_runs_list", {"experiment_id": before["experiments"][-1]["id"]})
    ids = [run["example_id"] for run in stored["experiment_runs"]]
    assert ids == [run["example_id"] for run in old["experiment_runs"][:5]]


@pytest.mark.parametrize("toolsets", ["datasets", "Datasets,"])
def test_the_real_process_offers_it_where_it_is_switched_on(toolsets: str):
    host = Session("--sandbox", environ={"ARIZE_MCP_TOOLSETS": toolsets, "ARIZE_MCP_READ_ONLY": "true"})
    host.initialize()
    names = [tool["name"] for tool in host.request("tools/list", {})["result"]["tools"]]
    assert names == ["experiments_get", "experiments_list", "experiments_runs_list", *NAMES], "they only read"
    answered = host.request("tools/call", {"name": "datasets_list", "arguments": {"name": "sql"}})["result"]
    assert [dataset["name"] for dataset in answered["structuredContent"]["datasets"]] == ["sql-generation"]
    assert host.end() == (0, b"", "")


async def test_cursors_lead_through_all_also_where_a_page_doesnt_fit(sandbox: Sandbox):
    dataset_id = sandbox.store.datasets()[1]["id"]
    long = '{"input": "%s"}'
    created = "2026-07-01T08:00:00.000Z"
    sandbox.store.add_examples(dataset_id, ((created, f"{n:03}", long % ("x" * 700)) for n in range(60)))
    seen: list[str] = []
    cursor: JSON = {}
    async with connected(sandbox.api(), "datasets", max_chars=10_000) as client:
        while True:
            page = await call(client, "datasets_examples_list", {"dataset_id": dataset_id, "limit": 500, **cursor})
            assert len(dumps(page)) <= 10_000
            seen += [example["id"] for example in page["examples"]]
            if not page["pagination"]["has_more"]:
                break
            assert "more would exceed" in page["notes"][0]
            cursor = {"cursor": page["pagination"]["next_cursor"]}
        datasets: list[str] = []
        arguments: JSON = {"limit": 1, "space_id": sandbox.space_id}
        while arguments:
            page = await call(client, "datasets_list", arguments)
            datasets += [dataset["name"] for dataset in page["datasets"]]
            has_more = page["pagination"]["has_more"]
            arguments = {**arguments, "cursor": page["pagination"]["next_cursor"]} if has_more else {}
    assert seen == [f"{n:03}" for n in range(60)]
    assert datasets == ["sql-generation", "support-questions"]


@pytest.mark.parametrize(
    ("tool", "arguments", "pointer"),
    [
        ("datasets_list", {"limit": 101}, "#/limit"),
        ("datasets_list", {"name": "x" * 256}, "#/name"),
        ("datasets_list", {"space_name": "x"}, "#/space_name"),
        ("datasets_list", {"limit": True}, "#/limit"),
        ("datasets_examples_list", {}, "#/dataset_id"),
        ("datasets_examples_list", {"dataset_id": ""}, "#/dataset_id"),
        ("datasets_examples_list", {"dataset_id": "d", "limit": 501}, "#/limit"),
        ("datasets_examples_list", {"dataset_id": "d", "filter": "x"}, "#/filter"),
    ],
)
async def test_wrong_arguments_are_told_before_anything_is_asked_for(tool: str, arguments: JSON, pointer: str):
    async with raw_server(answer("{}")) as server, connected(server.api(), "datasets") as client:
        problem = await fail(client, tool, arguments)
    assert [fault["pointer"] for fault in problem["errors"]] == [pointer]
    assert server.requests == []


async def test_an_id_is_encoded_whole_and_a_link_is_read():
    body = answer('{"examples":[{"id":"e","new":{"deep":[12345678901234567]}}],"pagination":{"has_more":false}}')
    async with raw_server(body) as server, connected(server.api(), "datasets") as client:
        for given in ("RGF0YXNldDoxOmFCY0Q=", "https://app.arize.com/x/datasets/RGF0YXNldDoxOmFCY0Q=?tab=y"):
            page = await call(client, "datasets_examples_list", {"dataset_id": given})
            assert page["examples"] == [{"id": "e", "new": {"deep": [12345678901234567]}}]
        await call(client, "datasets_examples_list", {"dataset_id": "a/b?c", "limit": "5", "cursor": "a+b="})
    assert [request.target for request in server.requests] == [
        *["/v2/datasets/RGF0YXNldDoxOmFCY0Q%3D/examples"] * 2,
        "/v2/datasets/a%2Fb%3Fc/examples?limit=5&cursor=a%2Bb%3D",
    ]


# A dataset_id that is none


@pytest.mark.parametrize("given", ["support-questions", " support-questions ", '"support-questions"', "Two words"])
async def test_a_name_for_an_id_is_answered_with_the_datasets_of_that_very_name(sandbox: Sandbox, given: str):
    other_id = sandbox.store.add_space("Other", "2026-07-01T08:00:00.000Z")
    for name in ("support-questions", "support-questions-2", "Support-Questions", "Two words", "Two words"):
        sandbox.store.add_dataset(other_id, name, "2026-07-01T08:00:00.000Z")
    expected = [row for row in sandbox.store.datasets() if row["name"] == given.strip(' "')]
    assert len(expected) == 2
    experiments = sandbox.store.experiments(None, None, None, 100, None)
    async with connected(sandbox.api(), "datasets") as client:
        problems = [
            await fail(client, "experiments_create", new(given)),
            await fail(client, "experiments_list", {"dataset_id": given}),
            await fail(client, "datasets_examples_list", {"dataset_id": given}),
        ]
    for problem in problems:
        keys = ("id", "name", "space_id", "created_at")
        assert problem["datasets"] == [{key: row[key] for key in keys} for row in reversed(expected)]
        assert "Call again with the id of the one that you mean." in problem["hint"]
    assert sandbox.store.experiments(None, None, None, 100, None) == experiments, "never chosen silently"


async def test_a_name_of_no_dataset_leads_to_the_tool_that_lists_them(sandbox: Sandbox):
    async with connected(sandbox.api(), "datasets") as client:
        for given in ("nope", "support", "x" * 300, "no such name", None, "RGF0YXNldDo5OTphQmNE"):
            problem = await fail(client, "experiments_create", new("x") | {"dataset_id": given})
            assert "datasets_list shows the datasets and their ids." in problem["hint"]
            assert "datasets" not in problem
        missing = {"name": "n", "experiment_runs": [{"output": "o"}]}
        problem = await fail(client, "experiments_create", missing)
        assert "datasets_list shows" in problem["hint"]
        assert "example_id is an example's id" in problem["hint"]


async def test_without_the_toolset_no_problem_names_it_and_nothing_is_looked_up(sandbox: Sandbox):
    async with connected(sandbox.api()) as client:
        for given in ("support-questions", "Two words"):
            problem = await fail(client, "experiments_create", new(given))
            assert "datasets" not in problem
            assert "datasets_list" not in json.dumps(problem)


def refusing(status: str, *, datasets: bytes) -> Any:
    """A route: experiments are refused with that status, datasets are answered so."""

    async def route(request: Request) -> bytes:
        if "/experiments" in request.target:
            return answer('{"title":"T"}', status=status, content_type="application/problem+json")
        return datasets

    return route


NOTHING = answer('{"datasets":[]}')


@pytest.mark.parametrize(
    ("status", "dataset_id", "looked_up"),
    [
        ("404 Not Found", "d", True),
        ("400 Bad Request", "d", True),
        ("422 Unprocessable", "d", True),
        ("404 Not Found", "RGF0YXNldDoxOmFCY0Q=", False),
        ("400 Bad Request", "RGF0YXNldDoxOmFCY0Q=", False),
        ("401 Unauthorized", "d", False),
        ("403 Forbidden", "d", False),
        ("409 Conflict", "d", False),
    ],
)
async def test_it_looks_only_where_the_argument_may_be_a_name(status: str, dataset_id: str, *, looked_up: bool):
    route = refusing(status, datasets=NOTHING)
    async with raw_server(NOTHING, route=route) as server, connected(server.api(), "datasets") as client:
        await fail(client, "experiments_create", new(dataset_id))
    lookups = [urlsplit(request.target) for request in server.requests if "/datasets" in request.target]
    assert [parse_qs(lookup.query) for lookup in lookups] == [{"name": ["d"], "limit": ["100"]}] * looked_up


async def test_a_create_that_works_or_whose_fault_is_another_looks_nothing_up():
    done = answer('{"id":"x"}', status="201 Created")
    async with raw_server(done) as server, connected(server.api(), "datasets") as client:
        await call(client, "experiments_create", new("d"))
        problem = await fail(client, "experiments_create", new("d", name=""))
    assert "datasets_list" not in json.dumps(problem)
    assert [request.method for request in server.requests] == ["POST"]


async def test_a_file_without_its_examples_ids_leads_to_the_tool_that_lists_them(sandbox: Sandbox, tmp_path: Path):
    (tmp_path / "r.jsonl").write_text('{"q":null,"output":"o"}', encoding="utf-8")
    settings = Settings(toolsets=("datasets", "files"), files_dir=str(tmp_path))
    arguments = {"path": "r.jsonl", "name": "n", "dataset_id": sandbox.dataset_id}
    async with Client(create_server(sandbox.api(), settings)) as client:
        for change in ({}, {"example_id_field": "q"}):
            problem = await fail(client, "experiments_create_from_file", arguments | change)
            assert "datasets_examples_list" in problem["hint"]


async def test_an_experiment_that_is_not_there_is_no_unknown_dataset(sandbox: Sandbox, tmp_path: Path):
    (tmp_path / "r.jsonl").write_text(json.dumps(RUN), encoding="utf-8")
    settings = Settings(toolsets=("datasets", "files"), files_dir=str(tmp_path))
    arguments = {"path": "r.jsonl", "name": "n", "dataset_id": sandbox.dataset_id, "experiment_id": "nope"}
    async with Client(create_server(sandbox.api(), settings)) as client:
        problem = await fail(client, "experiments_create_from_file", arguments)
    assert problem["status"] == 404
    assert "dataset" not in problem["hint"]
    assert "experiments_list" in problem["hint"]


async def test_a_lookup_goes_through_all_pages_and_one_that_fails_changes_nothing():
    def page(name: str, pagination: str) -> bytes:
        return answer(f'{{"datasets":[{{"id":"1","name":"{name}"}}],"pagination":{pagination}}}')

    async def paged(request: Request) -> bytes:
        if request.method == "POST":
            return answer("{}", status="404 Not Found", content_type="application/problem+json")
        more = '{"has_more":true,"next_cursor":"c"}'
        return page("d", '{"has_more":false}') if "cursor=c" in request.target else page("dd", more)

    async with raw_server(NOTHING, route=paged) as server, connected(server.api(), "datasets") as client:
        problem = await fail(client, "experiments_create", new("d"))
    assert problem["datasets"] == [{"id": "1", "name": "d"}]

    for broken in (answer("<p>", status="500 Oops"), answer('{"title":"T"}', status="401 Unauthorized"), answer("[]")):
        route = refusing("404 Not Found", datasets=broken)
        async with raw_server(NOTHING, route=route) as server, connected(server.api(), "datasets") as client:
            problem = await fail(client, "experiments_create", new("d"))
        assert problem["status"] == 404
        assert "datasets_list shows" in problem["hint"]


async def test_of_many_datasets_of_a_name_twenty_are_listed():
    body = dumps({"datasets": [{"id": str(n), "name": "d"} for n in range(50)]})
    route = refusing("404 Not Found", datasets=answer(body))
    async with raw_server(NOTHING, route=route) as server, connected(server.api(), "datasets") as client:
        problem = await fail(client, "experiments_create", new("d"))
    assert len(problem["datasets"]) == 20


def test_the_words_say_what_an_examples_id_is_for():
    described = offered(("datasets",))["datasets_examples_list"].definition()
    assert re.search(r"example's id is what example_id of its run must carry", described.description or "")
