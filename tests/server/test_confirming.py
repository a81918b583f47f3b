"""A delete that asks, in both eras."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest
from mcp import Client, types

from arize_mcp.api.client import ExperimentsAPI
from arize_mcp.api.problems import URN
from arize_mcp.server.app import create_server
from arize_mcp.settings.settings import Settings
from tests.conftest import Sandbox

Answer = Callable[[types.ElicitRequestParams], Awaitable[types.ElicitResult]]
ACCEPT = types.ElicitResult(action="accept", content={"confirm": True})


@pytest.fixture(params=["legacy", "auto"])
def mode(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def experiment(sandbox: Sandbox) -> dict[str, Any]:
    return sandbox.store.experiments(None, None, None, 1, None)[0][0]


def exists(sandbox: Sandbox, experiment: dict[str, Any]) -> bool:
    return experiment["id"] in [e["id"] for e in sandbox.store.experiments(None, None, None, 100, None)[0]]


async def delete(
    sandbox: Sandbox, experiment_id: str, mode: str, answer: Answer | None, **settings: Any
) -> tuple[dict[str, Any], list[str]]:
    """What the call ends in, and the questions that were asked."""
    questions: list[str] = []

    async def on_elicit(context: Any, params: types.ElicitRequestParams) -> types.ElicitResult:
        assert context is not None
        assert answer is not None
        assert isinstance(params, types.ElicitRequestFormParams)
        questions.append(params.message)
        return await answer(params)

    server = create_server(ExperimentsAPI(sandbox.settings()), Settings(**settings))
    callback = on_elicit if answer else None
    async with Client(server, mode=mode, elicitation_callback=callback) as client:
        with anyio.fail_after(20):
            result = await client.call_tool("experiments_delete", {"experiment_id": experiment_id})
    return dict(result.structured_content or {}), questions


def always(result: types.ElicitResult) -> Answer:
    async def answer(_: types.ElicitRequestParams) -> types.ElicitResult:
        return result

    return answer


async def test_the_human_is_asked_with_what_will_go(sandbox: Sandbox, experiment: dict[str, Any], mode: str):
    result, (question,) = await delete(sandbox, experiment["id"], mode, always(ACCEPT))
    assert result == {"experiment_id": experiment["id"], "deleted": True}
    for key in ("name", "id", "dataset_id", "created_at"):
        assert experiment[key] in question
    assert "all its runs" in question
    assert "can't be undone" in question
    assert not exists(sandbox, experiment)


@pytest.mark.parametrize(
    "result",
    [
        types.ElicitResult(action="decline"),
        types.ElicitResult(action="cancel"),
        types.ElicitResult(action="accept"),
        types.ElicitResult(action="accept", content={"confirm": False}),
        types.ElicitResult(action="accept", content={"confirm": "true"}),
        types.ElicitResult(action="decline", content={"confirm": True}),
    ],
)
async def test_anything_but_a_yes_deletes_nothing(
    sandbox: Sandbox, experiment: dict[str, Any], mode: str, result: types.ElicitResult
):
    problem, questions = await delete(sandbox, experiment["id"], mode, always(result))
    assert problem["type"] == URN + "not-confirmed"
    assert len(questions) == 1
    assert exists(sandbox, experiment)


async def test_a_human_who_does_not_answer_deletes_nothing(sandbox: Sandbox, experiment: dict[str, Any]):
    async def never(_: types.ElicitRequestParams) -> types.ElicitResult:
        await anyio.sleep_forever()
        return ACCEPT

    problem, _ = await delete(sandbox, experiment["id"], "legacy", never, confirm_timeout_s=0.2)
    assert problem["type"] == URN + "not-confirmed"
    assert "0.2 s" in problem["detail"]
    assert exists(sandbox, experiment)


async def test_an_answer_that_comes_too_late_deletes_nothing(sandbox: Sandbox, experiment: dict[str, Any]):
    # With 2026-07-28 the waiting is the client's: a state from before the timeout is refused.
    problem, _ = await delete(sandbox, experiment["id"], "auto", always(ACCEPT), confirm_timeout_s=-1)
    assert problem["type"] == URN + "not-confirmed"
    assert exists(sandbox, experiment)


async def test_another_experiment_than_the_one_asked_about_is_not_deleted(sandbox: Sandbox, mode: str):
    old = sandbox.store.experiments(None, None, None, 1, None)[0][0]

    async def swap(_: types.ElicitRequestParams) -> types.ElicitResult:
        # Somebody renames it while the human reads the question.
        with sandbox.store.transaction() as connection:
            connection.execute("UPDATE experiment SET name = 'precious' WHERE id = ?", (old["id"],))
        return ACCEPT

    problem, _ = await delete(sandbox, old["id"], mode, swap)
    assert problem["type"] == URN + "not-confirmed"
    assert exists(sandbox, old)


async def test_a_forged_state_deletes_nothing(sandbox: Sandbox, experiment: dict[str, Any]):
    async def accept(context: Any, params: types.ElicitRequestParams) -> types.ElicitResult:
        assert context is not None
        return await always(ACCEPT)(params)

    server = create_server(ExperimentsAPI(sandbox.settings()), Settings())
    async with Client(server, elicitation_callback=accept) as client:
        result = await client.session.call_tool(
            "experiments_delete",
            {"experiment_id": experiment["id"]},
            input_responses={"confirm": ACCEPT},
            request_state="99999999999.0",
        )
    assert isinstance(result, types.CallToolResult)
    assert dict(result.structured_content or {})["type"] == URN + "not-confirmed"
    assert exists(sandbox, experiment)


async def test_an_experiment_that_does_not_exist_is_a_404_without_a_question(sandbox: Sandbox, mode: str):
    problem, questions = await delete(sandbox, "nope", mode, always(ACCEPT))
    assert (problem["status"], questions) == (404, [])


@pytest.mark.parametrize("confirm", ["auto", "never"])
async def test_a_client_that_cant_ask_deletes_after_its_own_approval(
    sandbox: Sandbox, experiment: dict[str, Any], mode: str, confirm: str
):
    result, _ = await delete(sandbox, experiment["id"], mode, None, confirm_delete=confirm)
    assert result["deleted"] is True


async def test_always_refuses_where_nobody_can_be_asked(sandbox: Sandbox, experiment: dict[str, Any], mode: str):
    problem, _ = await delete(sandbox, experiment["id"], mode, None, confirm_delete="always")
    assert problem["type"] == URN + "not-confirmed"
    assert "ARIZE_MCP_CONFIRM_DELETE" in problem["hint"]
    assert exists(sandbox, experiment)


async def test_never_asks_nobody(sandbox: Sandbox, experiment: dict[str, Any], mode: str):
    result, questions = await delete(sandbox, experiment["id"], mode, always(ACCEPT), confirm_delete="never")
    assert (result["deleted"], questions) == (True, [])


async def test_read_only_offers_three_tools_and_refuses_the_others(
    sandbox: Sandbox, experiment: dict[str, Any], mode: str
):
    server = create_server(ExperimentsAPI(sandbox.settings()), Settings(read_only=True))
    async with Client(server, mode=mode) as client:
        names = [tool.name for tool in (await client.list_tools()).tools]
        assert names == ["experiments_get", "experiments_list", "experiments_runs_list"]
        for tool in ("experiments_delete", "experiments_create"):
            result = await client.call_tool(tool, {"experiment_id": experiment["id"]})
            problem = dict(result.structured_content or {})
            assert problem["type"] == URN + "read-only"
            assert "ARIZE_MCP_READ_ONLY" in problem["hint"]
        assert not (await client.call_tool("experiments_get", {"experiment_id": experiment["id"]})).is_error
    assert exists(sandbox, experiment)
