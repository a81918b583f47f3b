"""Two prompts and a resource template, through a real client."""

from __future__ import annotations

import json

import pytest
from mcp import Client, types
from mcp.shared.exceptions import MCPError

from arize_mcp.api.client import ExperimentsAPI
from arize_mcp.api.problems import URN
from arize_mcp.server.app import create_server
from arize_mcp.settings.settings import Settings
from tests.conftest import Sandbox


@pytest.fixture(params=["legacy", "auto"])
def client(request: pytest.FixtureRequest, sandbox: Sandbox) -> Client:
    return Client(create_server(sandbox.api(), sandbox.settings()), mode=request.param)


PROMPTS = {
    "compare_experiments": {"baseline_id": "RXhwOjE=", "candidate_id": "{x}"},
    "review_experiment": {"experiment_id": "RXhwOjE="},
}


async def test_there_are_two_prompts_with_required_ids(client: Client):
    async with client:
        prompts = (await client.list_prompts()).prompts
    assert {p.name: [a.name for a in p.arguments or []] for p in prompts} == {n: list(a) for n, a in PROMPTS.items()}
    assert all(a.required for p in prompts for a in p.arguments or [])
    assert all(p.title and p.description for p in prompts)


@pytest.mark.parametrize("name", PROMPTS)
async def test_a_prompt_names_the_ids_and_the_tools(client: Client, name: str):
    async with client:
        (message,) = (await client.get_prompt(name, PROMPTS[name])).messages
    assert isinstance(message.content, types.TextContent)
    for words in [*PROMPTS[name].values(), "experiments_runs_list", "next_cursor"]:
        assert words in message.content.text


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


async def test_the_template_reads_an_experiment_and_its_first_runs(client: Client, sandbox: Sandbox):
    experiment_id = sandbox.store.experiments(None, None, None, 1, None)[0][0]["id"]
    async with client:
        (template,) = (await client.list_resource_templates()).resource_templates
        assert template.uri_template == "arize://experiments/{experiment_id}"
        assert (await client.list_resources()).resources == []
        for written in (experiment_id, experiment_id.replace("=", "%3D")):
            contents = (await client.read_resource(f"arize://experiments/{written}")).contents
            texts = [json.loads(c.text) for c in contents if isinstance(c, types.TextResourceContents)]
            assert texts[0]["id"] == experiment_id
            assert len(texts[1]["experiment_runs"]) == 18


@pytest.mark.parametrize(
    ("uri", "says"),
    [
        ("arize://experiments/nope", "No experiment"),
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
