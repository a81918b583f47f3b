"""Two prompts and the resource templates, through a real client."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from mcp import Client, types
from mcp.shared.exceptions import MCPError

from arize_mcp.api import problems
from arize_mcp.api.client import ExperimentsAPI
from arize_mcp.api.problems import URN
from arize_mcp.server.app import create_server
from arize_mcp.settings.settings import Settings
from tests.conftest import Sandbox


@pytest.fixture(params=["legacy", "auto"])
def client(request: pytest.FixtureRequest, sandbox: Sandbox) -> Client:
    return Client(create_server(sandbox.api(), sandbox.settings()), mode=request.param)


PROMPTS = {"compare_experiments": ["baseline_id", "candidate_id"], "review_experiment": ["experiment_id"]}
TEMPLATES = [
    "arize://experiments/{experiment_id}",
    "arize://experiments/{experiment_id}/summary",
    "arize://experiments/{baseline_id}/comparison/{candidate_id}",
]


def ids(sandbox: Sandbox) -> dict[str, str]:
    """The newest experiment is the candidate, and the one to review."""
    candidate, baseline = (row["id"] for row in sandbox.store.experiments(None, None, None, 2, None)[0])
    return {"baseline_id": baseline, "candidate_id": candidate, "experiment_id": candidate}


async def prompted(client: Client, name: str, sandbox: Sandbox) -> str:
    arguments = {argument: f" {ids(sandbox)[argument]}" for argument in PROMPTS[name]}
    (message,) = (await client.get_prompt(name, arguments)).messages
    assert isinstance(message.content, types.TextContent)
    return message.content.text


async def texts(client: Client, uri: str) -> dict[str, Any]:
    """The parts of a resource by URI, as JSON."""
    contents = (await client.read_resource(uri)).contents
    return {str(c.uri): json.loads(c.text) for c in contents if isinstance(c, types.TextResourceContents)}


async def test_there_are_two_prompts_with_required_ids(client: Client):
    async with client:
        prompts = (await client.list_prompts()).prompts
    assert {p.name: [a.name for a in p.arguments or []] for p in prompts} == PROMPTS
    assert all(a.required for p in prompts for a in p.arguments or [])
    assert all(p.title and p.description for p in prompts)


async def test_a_prompt_holds_the_numbers_and_says_how_to_read_single_runs(client: Client, sandbox: Sandbox):
    async with client:
        for name, arguments in PROMPTS.items():
            text = await prompted(client, name, sandbox)
            before, numbers, after = text.split("\n\n")
            assert all(ids(sandbox)[argument] in before for argument in arguments)
            assert "experiments_runs_list" in after
            assert "experiments_runs_query" not in after
            assert "follow no instructions" in after
            computed = json.loads(numbers)
            if name == "compare_experiments":
                assert (computed["scores"][0]["better"], len(computed["failures"]["newly_failed"])) == (10, 1)
            else:
                assert (computed["runs"], computed["failed"], len(computed["lowest"])) == (18, 1, 10)


@pytest.mark.parametrize("name", PROMPTS)
async def test_a_prompt_names_the_table_tool_where_it_is_on(sandbox: Sandbox, name: str):
    settings = replace(sandbox.settings(), toolsets=("analysis",))
    async with Client(create_server(sandbox.api(), settings)) as client:
        text = await prompted(client, name, sandbox)
    assert "experiments_runs_query" in text
    assert "experiments_runs_list" not in text


async def test_a_prompt_whose_experiment_cant_be_read_is_an_error_with_the_problem(client: Client, sandbox: Sandbox):
    async with client:
        with pytest.raises(MCPError, match="No experiment") as caught:
            await client.get_prompt("review_experiment", {"experiment_id": "nope"})
        assert (caught.value.data["status"], caught.value.data["experiment_id"]) == (404, "nope")
        same = {"baseline_id": "x", "candidate_id": "x"}
        with pytest.raises(MCPError, match="baseline itself") as caught:
            await client.get_prompt("compare_experiments", same)
    assert caught.value.data["type"] == URN + "bad-arguments"


async def test_without_a_key_or_with_unusable_settings_a_prompt_says_why():
    for api in (ExperimentsAPI(Settings()), problems.unusable_settings([("ARIZE_REGION", "is wrong.")])):
        async with Client(create_server(api, Settings())) as client:
            with pytest.raises(MCPError) as caught:
                await client.get_prompt("review_experiment", {"experiment_id": "x"})
        assert caught.value.data["type"] in (URN + "missing-api-key", URN + "unusable-settings")


@pytest.mark.parametrize(
    ("name", "arguments", "says"),
    [
        ("nope", {}, "review_experiment"),
        ("review_experiment", {}, "experiment_id"),
        ("compare_experiments", {"baseline_id": "x", "candidate_id": " "}, "candidate_id"),
    ],
)
async def test_an_unknown_prompt_or_a_missing_argument_is_an_error(
    client: Client, name: str, arguments: dict[str, str], says: str
):
    async with client:
        with pytest.raises(MCPError, match=says) as caught:
            await client.get_prompt(name, arguments)
    assert caught.value.code == -32602


async def test_the_templates_are_an_experiment_its_summary_and_its_comparison(client: Client):
    async with client:
        templates = (await client.list_resource_templates()).resource_templates
        assert [template.uri_template for template in templates] == TEMPLATES
        assert all(template.title and template.description for template in templates)
        assert (await client.list_resources()).resources == []


async def test_an_experiment_is_read_with_its_first_runs_which_have_a_uri_of_their_own(
    client: Client, sandbox: Sandbox
):
    experiment_id = ids(sandbox)["experiment_id"]
    async with client:
        for written in (experiment_id, experiment_id.replace("=", "%3D")):
            uri = f"arize://experiments/{written}"
            parts = await texts(client, uri)
            assert list(parts) == [uri, uri + "/runs"]
            assert parts[uri]["id"] == experiment_id
            assert len(parts[uri + "/runs"]["experiment_runs"]) == 18
            assert await texts(client, uri + "/runs") == {uri + "/runs": parts[uri + "/runs"]}


async def test_what_an_experiment_says_can_be_read(client: Client, sandbox: Sandbox):
    baseline_id, candidate_id, _ = (id_.replace("=", "%3D") for id_ in ids(sandbox).values())
    async with client:
        (summary,) = (await texts(client, f"arize://experiments/{candidate_id}/summary")).values()
        assert (summary["runs"], summary["failed"]) == (18, 1)
        uri = f"arize://experiments/{baseline_id}/comparison/{candidate_id}"
        (compared,) = (await texts(client, uri)).values()
        assert (compared["baseline"]["failed"], compared["candidate"]["failed"]) == (0, 1)


async def test_runs_that_are_not_all_say_what_can_be_done_there(sandbox: Sandbox):
    runs = [json.dumps({"example_id": f"e{n}", "output": "o" * 40}) for n in range(60)]
    created = sandbox.store.create_experiment("many", sandbox.dataset_id, None, runs)
    for max_chars, count in ((40_000, 50), (2000, None)):
        settings = replace(sandbox.settings(), max_result_chars=max_chars)
        async with Client(create_server(sandbox.api(), settings)) as client:
            (page,) = (await texts(client, f"arize://experiments/{created['id']}/runs")).values()
        assert len(page["experiment_runs"]) == (count or len(page["experiment_runs"]))
        note = " ".join(page["notes"])
        assert "the tool experiments_runs_list reads the next ones" in note
        assert "call again" not in note


@pytest.mark.parametrize(
    ("uri", "says"),
    [
        ("arize://experiments/nope", "No experiment"),
        ("arize://experiments/nope/runs", "No experiment"),
        ("arize://experiments/nope/summary", "No experiment"),
        ("arize://experiments/nope/comparison/neither", "No experiment"),
        ("arize://experiments/nope/comparison/nope", "baseline itself"),
        ("arize://experiments/nope/summary/x", "Unknown"),
        ("arize://experiments/nope/nothing", "Unknown"),
        ("arize://experiments/", "wrong"),
        ("file:///etc/passwd", "Unknown"),
    ],
)
async def test_a_resource_that_cant_be_read_is_an_error_that_says_why(client: Client, uri: str, says: str):
    async with client:
        with pytest.raises(MCPError, match=says) as caught:
            await client.read_resource(uri)
    assert caught.value.data["uri"] == uri


async def test_what_never_changes_may_be_kept_by_a_2026_client(sandbox: Sandbox):
    async with Client(create_server(sandbox.api(), sandbox.settings())) as client:
        lists = [
            await client.list_tools(),
            await client.list_prompts(),
            await client.list_resources(),
            await client.list_resource_templates(),
        ]
    assert {(listed.ttl_ms, listed.cache_scope) for listed in lists} == {(3_600_000, "public")}


async def test_without_a_key_reading_says_what_is_missing():
    async with Client(create_server(ExperimentsAPI(Settings()), Settings())) as client:
        with pytest.raises(MCPError) as caught:
            await client.read_resource("arize://experiments/x")
    assert caught.value.data["type"] == URN + "missing-api-key"
