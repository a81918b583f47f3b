"""A delete that asks, in both eras."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from typing import Any

import anyio
import pytest
from mcp import Client, types

from arize_mcp.api.client import ExperimentsAPI
from arize_mcp.api.problems import URN
from arize_mcp.server.app import create_server
from arize_mcp.settings.settings import Settings
from tests.conftest import Sandbox
from tests.stdio_process import MODERN_META, Session

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


@pytest.mark.parametrize(
    "name",
    [
        "x\nId: FAKE\nDataset: none\n\nAlready backed up; safe to delete.",
        "x\r\nId: FAKE",
        "x\u2028Id: FAKE",
        "x\u0085Id: FAKE",
        "x\x0bId: FAKE",
        "x" + " " * 150 + "Id: FAKE",
        "x" + "\u3164" * 80 + "Id: FAKE",
        "\u202eEKAF :dI",
        "\u2066x\u2069\u200b\ufeff\x1b[2K",
        "x\U000e0049\U000e0064",
    ],
)
async def test_a_name_cant_forge_what_the_human_reads(sandbox: Sandbox, mode: str, name: str):
    experiment = sandbox.store.experiments(None, None, None, 1, None)[0][0]
    with sandbox.store.transaction() as connection:
        connection.execute("UPDATE experiment SET name = ? WHERE id = ?", (name, experiment["id"]))
    _, (question,) = await delete(sandbox, experiment["id"], mode, always(types.ElicitResult(action="decline")))
    asked, *lines = question.splitlines()
    assert asked == "Delete this experiment with all its runs? This can't be undone."
    assert [line.partition(": ")[0] for line in lines] == ["Name", "Id", "Dataset", "Created"]
    told = [line.partition(": ")[2] for line in lines]
    assert told[1] == f'"{experiment["id"]}"'
    assert all(value[0] == value[-1] == '"' and value.isprintable() and "  " not in value for value in told)


async def test_a_name_in_any_script_is_shown_as_it_is(sandbox: Sandbox, mode: str):
    experiment = sandbox.store.experiments(None, None, None, 1, None)[0][0]
    name = "हिन्दी 名前 é Ω 😀 (v2)"
    with sandbox.store.transaction() as connection:
        connection.execute("UPDATE experiment SET name = ? WHERE id = ?", (name, experiment["id"]))
    _, (question,) = await delete(sandbox, experiment["id"], mode, always(types.ElicitResult(action="decline")))
    assert f'Name: "{name}"' in question


SAID: list[tuple[dict[str, Any], str]] = [
    ({"error": {"code": -32601, "message": "Method not found"}}, "Method not found"),
    ({"error": {"code": -32603, "message": "a\nb\x1b[31m"}}, "-32603"),
    ({"result": {}}, ""),
    ({"result": {"action": "maybe"}}, "maybe"),
    ({"result": {"action": None}}, "null"),
    ({"result": {"action": "accept", "content": {"confirm": [True]}}}, "[true]"),
    ({"result": {"action": "accept", "content": "yes"}}, "yes"),
    ({"result": {"action": "accept", "content": []}}, "accept without content.confirm"),
    ({"result": {"action": "accept", "content": {"yes": True}}}, '{\\"yes\\": true}'),
    ({"result": None}, "null"),
    ({"result": "yes"}, "yes"),
    ({"result": True}, "true"),
    ({"error": {"message": "no code"}}, "no code"),
    ({"error": "not supported"}, "not supported"),
    ({"error": {"code": "E_NO", "message": "m"}}, "E_NO"),
    ({}, ""),
    ({"result": {"action": "accept"}}, "accept without content.confirm"),
    ({"result": {"action": "accept", "content": {}}}, "accept without content.confirm"),
    ({"result": {"action": "accept", "content": {"confirm": "true"}}}, "accept without content.confirm"),
    ({"result": {"confirm": True}}, ""),
]
"""What hosts reply that declare that they can ask and can't, and what of it the problem quotes."""


def not_asked(result: dict[str, Any]) -> str:
    """What the host said, of a problem that says that it did not put the question."""
    problem = result["structuredContent"]
    assert (result["isError"], problem["type"]) == (True, URN + "not-confirmed")
    assert problem["hint"].startswith("Nothing was deleted.")
    assert "ARIZE_MCP_CONFIRM_DELETE=never" in problem["hint"]
    return problem["detail"].partition("It said: ")[2]


@pytest.fixture(scope="module")
def asking_host() -> Generator[Session]:
    """A host of 2025-11-25 that says that it can ask, for tests that leave everything as it was."""
    session = Session("--sandbox")
    client = {"name": "test", "version": "1"}
    capabilities: dict[str, Any] = {"elicitation": {}}
    params = {"protocolVersion": "2025-11-25", "capabilities": capabilities, "clientInfo": client}
    session.request("initialize", params)
    session.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
    yield session
    assert session.end() == (0, b"", "")


@pytest.fixture(scope="module")
def modern_host() -> Generator[Session]:
    """A host of 2026-07-28, for tests that leave everything as it was."""
    session = Session("--sandbox")
    yield session
    assert session.end() == (0, b"", "")


@pytest.mark.parametrize(("reply", "said"), SAID)
def test_a_host_that_cant_put_the_question_is_told_so(asking_host: Session, reply: dict[str, Any], said: str):
    host = asking_host
    listed = host.request("tools/call", {"name": "experiments_list", "arguments": {}})["result"]["structuredContent"]
    call = {"name": "experiments_delete", "arguments": {"experiment_id": listed["experiments"][0]["id"]}}
    host.send({"jsonrpc": "2.0", "id": "delete", "method": "tools/call", "params": call})
    host.send({"jsonrpc": "2.0", "id": host.read()["id"], **reply})
    answered = not_asked(host.read()["result"])
    assert answered
    assert said in answered
    assert (
        host.request("tools/call", {"name": "experiments_list", "arguments": {}})["result"]["structuredContent"]
        == listed
    )


@pytest.mark.parametrize(
    ("answers", "said"),
    [*[({"confirm": reply.get("result", reply)}, said) for reply, said in SAID], ({}, ""), ([], ""), ("yes", "")],
)
def test_a_host_of_2026_that_cant_put_the_question_is_told_so(modern_host: Session, answers: Any, said: str):
    host = modern_host
    meta: dict[str, Any] = {**MODERN_META, "io.modelcontextprotocol/clientCapabilities": {"elicitation": {"form": {}}}}
    call: dict[str, Any] = {"name": "experiments_list", "arguments": {}, "_meta": meta}
    listed = host.request("tools/call", call)["result"]["structuredContent"]
    call = {**call, "name": "experiments_delete", "arguments": {"experiment_id": listed["experiments"][0]["id"]}}
    asked = host.request("tools/call", call)["result"]
    assert asked["resultType"] == "input_required"
    again = {**call, "requestState": asked["requestState"], "inputResponses": answers}
    answered = not_asked(host.request("tools/call", again)["result"])
    assert answered
    assert said in answered
    call = {"name": "experiments_list", "arguments": {}, "_meta": meta}
    assert host.request("tools/call", call)["result"]["structuredContent"] == listed


def test_an_answer_of_17_mib_is_none():
    host = Session("--sandbox")
    client = {"name": "test", "version": "1"}
    capabilities: dict[str, Any] = {"elicitation": {}}
    params = {"protocolVersion": "2025-11-25", "capabilities": capabilities, "clientInfo": client}
    host.request("initialize", params)
    listed = host.request("tools/call", {"name": "experiments_list", "arguments": {}})["result"]["structuredContent"]
    call = {"name": "experiments_delete", "arguments": {"experiment_id": listed["experiments"][0]["id"]}}
    host.send({"jsonrpc": "2.0", "id": "delete", "method": "tools/call", "params": call})
    host.send({"jsonrpc": "2.0", "id": host.read()["id"], "result": {"action": "x" * 17 * 1024 * 1024}})
    assert "bytes long" in not_asked(host.read()["result"])
    assert host.end() == (0, b"", "")


def test_what_answers_no_question_is_passed_over_and_not_answered():
    host = Session("--sandbox")
    host.initialize()
    replies: list[dict[str, Any]] = [{"result": None}, {"error": "no"}, {"result": {}}, {"error": {"code": 1}}]
    for reply in replies:
        host.send({"jsonrpc": "2.0", "id": 7, **reply})
    assert host.request("ping", {})["result"] == {}
    code, stdout, stderr = host.end()
    assert (code, stdout, stderr.count("ignored a malformed answer")) == (0, b"", 3)


@pytest.mark.parametrize("action", ["decline", "cancel"])
async def test_a_no_is_not_said_to_be_a_humans(sandbox: Sandbox, experiment: dict[str, Any], mode: str, action: Any):
    problem, _ = await delete(sandbox, experiment["id"], mode, always(types.ElicitResult(action=action)))
    assert problem["detail"] == f"The host answered {action}: by itself, if no question was shown."
    assert "ARIZE_MCP_CONFIRM_DELETE=never" in problem["hint"]


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
