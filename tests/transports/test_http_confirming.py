"""A delete that asks over HTTP: any replica can read the answer, and only the caller's own."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import ExitStack
from typing import Any

import httpx
import httpx2
import pytest
from mcp import Client, types
from mcp.client.streamable_http import streamable_http_client

from arize_mcp.api.problems import URN
from arize_mcp.sandbox.app import create_app
from arize_mcp.sandbox.seed import API_KEY
from tests.conftest import Sandbox, served
from tests.http_process import LEGACY, MODERN, Served, ask, client, content, served_http, tool_call, upstream

ASKING: dict[str, Any] = {"io.modelcontextprotocol/clientCapabilities": {"elicitation": {"form": {}}}}
YES = {"confirm": {"action": "accept", "content": {"confirm": True}}}


@pytest.fixture
def replicas(sandbox: Sandbox) -> Generator[list[Served]]:
    with ExitStack() as stack:
        yield [stack.enter_context(served_http(environ=upstream(sandbox.base_url))) for _ in range(2)]


@pytest.fixture
def experiment_id(sandbox: Sandbox) -> str:
    return sandbox.store.experiments(None, None, None, 1, None)[0][0]["id"]


def exists(sandbox: Sandbox, experiment_id: str) -> bool:
    return experiment_id in [e["id"] for e in sandbox.store.experiments(None, None, None, 100, None)[0]]


async def asked(http: httpx.AsyncClient, url: str, key: str = API_KEY, **arguments: Any) -> dict[str, Any]:
    """What a delete asks."""
    result = await ask(http, url, MODERN, tool_call(MODERN, "experiments_delete", meta=ASKING, **arguments), key=key)
    assert result["resultType"] == "input_required", result
    return result


async def answered(
    http: httpx.AsyncClient,
    url: str,
    state: str,
    tool: str = "experiments_delete",
    key: str = API_KEY,
    **arguments: Any,
) -> dict[str, Any]:
    """What comes of a yes."""
    sent = tool_call(MODERN, tool, meta=ASKING, **arguments)
    sent["params"] |= {"inputResponses": YES, "requestState": state}
    return (await ask(http, url, MODERN, sent, key=key))["structuredContent"]


async def test_what_one_replica_asked_another_takes_the_answer_to(
    sandbox: Sandbox, replicas: list[Served], experiment_id: str
):
    first, second = replicas
    async with client() as http:
        question = await asked(http, first.url, experiment_id=experiment_id)
        assert experiment_id in question["inputRequests"]["confirm"]["params"]["message"]
        # And any restart does not matter.
        assert first.terminate() == 0
        result = await answered(http, second.url, question["requestState"], experiment_id=experiment_id)
    assert result == {"experiment_id": experiment_id, "deleted": True}
    assert not exists(sandbox, experiment_id)


async def test_the_sdks_client_asks_its_human_and_deletes(sandbox: Sandbox, replicas: list[Served], experiment_id: str):
    questions: list[str] = []

    async def on_elicit(context: Any, params: types.ElicitRequestParams) -> types.ElicitResult:
        assert context is not None
        questions.append(params.message)
        return types.ElicitResult(action="accept", content={"confirm": True})

    async with (
        httpx2.AsyncClient(headers={"X-Arize-API-Key": API_KEY}, timeout=30, trust_env=False) as http,
        Client(streamable_http_client(replicas[0].url, http_client=http), elicitation_callback=on_elicit) as mcp,
    ):
        result = await mcp.call_tool("experiments_delete", {"experiment_id": experiment_id})
    assert (result.structured_content or {})["deleted"] is True
    assert len(questions) == 1
    assert not exists(sandbox, experiment_id)


async def test_a_state_of_another_caller_another_call_or_another_experiment_deletes_nothing():
    # Two keys of one account: both may see and delete the same experiments.
    store_app = create_app()
    other_app = create_app(store_app.state.store, api_key="key-of-mallory")

    async def either(scope: Any, receive: Any, send: Any) -> None:
        is_mallorys = (b"authorization", b"Bearer key-of-mallory") in scope["headers"]
        await (other_app if is_mallorys else store_app)(scope, receive, send)

    store = store_app.state.store
    first, second = (e["id"] for e in store.experiments(None, None, None, 2, None)[0])
    with served(either) as base_url, served_http(environ=upstream(base_url)) as http_server:  # pyright: ignore[reportArgumentType]
        async with client() as http:
            url = http_server.url
            state = (await asked(http, url, experiment_id=first))["requestState"]
            forgeries: list[tuple[dict[str, Any], str]] = [
                ({"experiment_id": first, "key": "key-of-mallory"}, state),
                ({"experiment_id": second}, state),
                ({"experiment_id": first}, state[:-1] + ("0" if state[-1] != "0" else "1")),
                ({"experiment_id": first}, "99999999999." + state.partition(".")[2]),
                ({"experiment_id": first}, ""),
                ({"experiment_id": first}, "ключ.ключ"),
            ]
            for arguments, forged in forgeries:
                problem = await answered(http, url, forged, **arguments)
                assert problem["type"] == URN + "not-confirmed"
            assert len(store.experiments(None, None, None, 100, None)[0]) == 2
            assert (await answered(http, url, state, experiment_id=first))["deleted"] is True
    store.close()


@pytest.mark.parametrize(
    ("confirm", "outcome", "told"),
    [
        ("auto", True, "leaves the asking to the host"),
        ("always", URN + "not-confirmed", "refuses their deletes"),
        ("never", True, None),
    ],
)
async def test_a_client_of_2025_cant_be_asked_which_the_log_says_once(
    sandbox: Sandbox, experiment_id: str, confirm: str, outcome: object, told: str | None
):
    environ = upstream(sandbox.base_url) | {"ARIZE_MCP_CONFIRM_DELETE": confirm}
    with served_http(environ=environ) as server:
        async with client() as http:
            result = await content(http, server.url, LEGACY, "experiments_delete", experiment_id=experiment_id)
        warnings = [line for line in server.logged_to_its_end().splitlines() if line.startswith("WARNING")]
    assert outcome in (result.get("deleted"), result.get("type"))
    assert exists(sandbox, experiment_id) == (confirm == "always")
    assert len(warnings) == (1 if told else 0)
    assert told is None or told in warnings[0]


async def test_always_asks_a_client_of_2026(sandbox: Sandbox, experiment_id: str):
    environ = upstream(sandbox.base_url) | {"ARIZE_MCP_CONFIRM_DELETE": "always"}
    with served_http(environ=environ) as server:
        async with client() as http:
            question = await asked(http, server.url, experiment_id=experiment_id)
            await answered(http, server.url, question["requestState"], experiment_id=experiment_id)
    assert not exists(sandbox, experiment_id)
