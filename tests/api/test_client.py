"""ExperimentsAPI over real HTTP: what it sends, what it makes of each answer."""

from __future__ import annotations

import gzip
import json
import socket
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from typing import Any

import anyio
import pytest
from anyio.abc import ByteStream, SocketAttribute

from arize_mcp.api.client import ExperimentsAPI
from arize_mcp.api.models import (
    CreateExperimentRequest,
    DeleteExperimentRequest,
    GetExperimentRequest,
    ListExperimentRunsRequest,
    ListExperimentsRequest,
)
from arize_mcp.api.problems import URN, ProblemError
from arize_mcp.settings.settings import Settings
from tests.conftest import Sandbox
from tests.raw_server import RawServer, Step, answer, close, hang, raw_server, reset

EXPERIMENT = {"id": "RXhwOjE=", "name": "one"}
CREATE = CreateExperimentRequest.model_validate(
    {"name": "n", "dataset_id": "d", "experiment_runs": [{"example_id": "e", "output": "o"}]}
)
Call = Callable[[ExperimentsAPI], Awaitable[dict[str, Any]]]

CALLS: dict[str, Call] = {
    "create": lambda api: api.create(CREATE),
    "delete": lambda api: api.delete(DeleteExperimentRequest(experiment_id="x")),
    "get": lambda api: api.get(GetExperimentRequest(experiment_id="x")),
    "list": lambda api: api.list(ListExperimentsRequest()),
    "list_runs": lambda api: api.list_runs(ListExperimentRunsRequest(experiment_id="x")),
}
every_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)


async def problem_of(call: Call, *answers: bytes | Step, **settings: object) -> tuple[dict[str, Any], RawServer]:
    """The problem that a call ends in."""
    async with raw_server(*answers) as server, server.api(**settings) as api:
        with anyio.fail_after(10), pytest.raises(ProblemError) as caught:
            await call(api)
    return dict(caught.value.problem), server


async def get_answer(body: str) -> dict[str, Any]:
    async with raw_server(answer(body)) as server, server.api() as api:
        return await api.get(GetExperimentRequest(experiment_id="x"))


async def test_the_five_methods_work_against_the_sandbox(sandbox: Sandbox):
    async with sandbox.api() as api:
        new = {
            "name": "new qq",
            "dataset_id": sandbox.dataset_id,
            "experiment_runs": [{"example_id": str(i), "output": "é", "k": [1, None]} for i in range(3)],
        }
        created = await api.create(CreateExperimentRequest.model_validate(new))
        experiment_id = created["id"]
        assert await api.get(GetExperimentRequest(experiment_id=experiment_id)) == created
        page = await api.list(ListExperimentsRequest(name="QQ", limit=1))
        assert page == {"experiments": [created], "pagination": {"has_more": False}}
        first = await api.list_runs(ListExperimentRunsRequest(experiment_id=experiment_id, limit=2))
        cursor = first["pagination"]["next_cursor"]
        rest = await api.list_runs(ListExperimentRunsRequest(experiment_id=experiment_id, limit=2, cursor=cursor))
        runs = first["experiment_runs"] + rest["experiment_runs"]
        assert [{k: run[k] for k in ("example_id", "output", "k")} for run in runs] == new["experiment_runs"]
        deleted = await api.delete(DeleteExperimentRequest(experiment_id=experiment_id))
        assert deleted == {"experiment_id": experiment_id, "deleted": True}
        with pytest.raises(ProblemError) as caught:
            await api.get(GetExperimentRequest(experiment_id=experiment_id))
        assert caught.value.problem.get("status") == 404


async def test_requests_carry_the_key_the_version_and_both_media_types():
    async with raw_server(answer(json.dumps(EXPERIMENT))) as server, server.api() as api:
        await api.get(GetExperimentRequest(experiment_id="x"))
        await api.create(CREATE)
    get, create = server.requests
    assert get.headers["authorization"] == "Bearer key-of-the-test"
    assert get.headers["user-agent"].startswith("arize-mcp/")
    assert get.headers["accept"] == "application/json, application/problem+json"
    assert "gzip" in get.headers["accept-encoding"]
    assert "content-type" not in get.headers
    assert create.headers["content-type"] == "application/json"
    assert json.loads(create.body) == CREATE.model_dump()
    assert server.connections == 1, "the connection is kept alive"


@pytest.mark.parametrize(
    ("experiment_id", "segment"),
    [
        ("RXhwOjE=", "RXhwOjE%3D"),
        ("a/b+c", "a%2Fb%2Bc"),
        ("../datasets", "..%2Fdatasets"),
        ("%2e%2e", "%252e%252e"),
        ("a?x=1#y", "a%3Fx%3D1%23y"),
        ("é", "%C3%A9"),
    ],
)
async def test_an_id_is_one_path_segment(experiment_id: str, segment: str):
    page = json.dumps({"experiment_runs": []})
    async with raw_server(answer(page)) as server, server.api() as api:
        await api.list_runs(ListExperimentRunsRequest(experiment_id=experiment_id))
    assert server.requests[0].target == f"/v2/experiments/{segment}/runs"


async def test_absent_options_are_not_sent_and_present_ones_are_encoded():
    body = json.dumps({"experiments": []})
    async with raw_server(answer(body)) as server, server.api() as api:
        await api.list(ListExperimentsRequest())
        await api.list(ListExperimentsRequest(dataset_id="a=b", name="x&limit=3", limit=5, cursor="c+/="))
    assert [request.target for request in server.requests] == [
        "/v2/experiments",
        "/v2/experiments?dataset_id=a%3Db&name=x%26limit%3D3&limit=5&cursor=c%2B%2F%3D",
    ]


async def test_an_answer_is_passed_on_as_sent():
    sent = (
        '{"id":"x","created_at":"2024-01-01T12:00:00.123456789+02:00","big":12345678901234567,"huge":1e300,'
        '"float":1.0,"null":null,"new":{"a":[{}]},"text":"\u2028\u00e9\U0001f600"}'
    )
    received = await get_answer(sent)
    assert json.dumps(received, ensure_ascii=False, separators=(",", ":")).replace("1e+300", "1e300") == sent


@pytest.mark.parametrize("body", ['{"id":"x"}', '\ufeff{"id":"x"}', ' {"id":"x"}\n', '{"id":"y","id":"x"}'])
async def test_odd_but_readable_json_is_read(body: str):
    assert await get_answer(body) == {"id": "x"}


async def test_a_gzipped_answer_is_unpacked():
    packed = answer(gzip.compress(b'{"id":"x"}'), headers=["Content-Encoding: gzip"])
    async with raw_server(packed) as server, server.api() as api:
        assert await api.get(GetExperimentRequest(experiment_id="x")) == {"id": "x"}


PROBLEM = {
    "type": "https://arize.com/docs/ax/rest-reference/errors#x",
    "title": "T",
    "status": 418,
    "detail": "D",
    "instance": "/i",
    "request_id": "req_1",
    "error_code": "CODE",
    "entitlement": "SPACES",
    "nested": {"a": [1, None]},
}


@every_call
async def test_the_apis_problem_is_passed_on_whole(call: Call):
    body = answer(json.dumps(PROBLEM), status="418 Teapot", content_type="application/problem+json")
    problem, server = await problem_of(call, body)
    assert problem == PROBLEM
    assert len(server.requests) == 1


@every_call
@pytest.mark.parametrize("status", ["400 Bad Request", "401 Unauthorized", "403 Forbidden", "404 Not Found"])
async def test_a_documented_error_gets_the_next_step(call: Call, status: str):
    sent = {name: value for name, value in PROBLEM.items() if name != "entitlement"}
    body = answer(json.dumps(sent), status=status, content_type="application/problem+json")
    problem, _ = await problem_of(call, body)
    hint = problem.pop("hint")
    assert "region" in hint or status.startswith("400"), "Arize refuses a key of another region in these ways"
    assert problem == sent


async def test_a_json_error_that_is_no_problem_keeps_its_members_and_gets_title_and_status():
    problem, _ = await problem_of(CALLS["get"], answer('{"message":"no"}', status="400 Bad Request"))
    del problem["hint"]
    assert problem == {
        "type": URN + "http-error",
        "message": "no",
        "detail": "no",
        "title": "Bad Request",
        "status": 400,
    }


@every_call
@pytest.mark.parametrize("member", ["required_plan", "entitlement"])
async def test_a_403_of_the_plan_does_not_speak_of_the_region(call: Call, member: str):
    body = json.dumps({"title": "Access forbidden", "status": 403, member: "PRO"})
    problem, _ = await problem_of(call, answer(body, status="403 Forbidden", content_type="application/problem+json"))
    assert "plan" in problem["hint"]
    assert "egion" not in problem["hint"]


FROM_BETWEEN = {
    "HTML": ("<html><h1>Blocked</h1></html>", "text/html", "Blocked"),
    "text": ("no route", "text/plain", "no route"),
    "nothing": ("", None, "empty"),
    "a message": ('{"message": "Forbidden"}', "application/json", "Forbidden"),
    "a capital Message": ('{"Message": "Forbidden"}', "application/json", "Forbidden"),
    "an error": ('{"error": "rate\\nlimit"}', "application/json", "rate\nlimit"),
    "an error object": ('{"error": {"code": 5, "message": "no such"}}', "application/json", "no such"),
    "errors": ('{"errors": ["one", {"message": "two"}, 3]}', "application/json", "one; two"),
    "OAuth's words": ('{"error_description": "no token"}', "application/json", "no token"),
    "a null message": ('{"message": null, "error": true, "reason": "why"}', "application/json", "why"),
    "JSON:API": ('{"errors": [{"detail": "as such"}]}', "application/json", "as such"),
    "a code alone": ('{"code": 5}', "application/json", "without a problem description"),
    "an array": ("[1]", "application/json", "[1]"),
}
"""What gateways, proxies and firewalls answer in the API's place, and what of it is told."""


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 422, 429, 500, 503])
@pytest.mark.parametrize(("body", "content_type", "says"), FROM_BETWEEN.values(), ids=FROM_BETWEEN)
async def test_an_answer_that_is_no_problem_is_said_to_come_from_something_between(
    body: str, content_type: str | None, says: str, status: int
):
    problem, _ = await problem_of(CALLS["list"], answer(body, status=f"{status} X", content_type=content_type))
    assert problem["type"] == URN + "http-error"
    assert (says in problem["detail"], problem["status"]) == (True, status)
    assert "gateway, proxy or firewall" in problem["hint"]
    assert "experiments_list" not in problem["hint"]
    assert "key may not" not in problem["hint"]
    if "without a problem" in problem["detail"]:
        assert "arguments" not in problem["hint"], "nothing is said of them"


@pytest.mark.parametrize("empty", ["null", '""'])
async def test_an_empty_detail_gives_way_to_a_message(empty: str):
    body = answer(f'{{"detail": {empty}, "message": "M", "required_plan": null}}', status="403 Forbidden")
    problem, _ = await problem_of(CALLS["get"], body)
    assert (problem["detail"], "ARIZE_REGION" in problem["hint"]) == ("M", True)


@pytest.mark.parametrize("body", ['{"detail": "D"}', '{"title": "T"}', '{"type": "about:blank"}'])
async def test_a_problem_is_not_said_to_come_from_anything_between(body: str):
    problem, _ = await problem_of(CALLS["list"], answer(body, status="404 Not Found"))
    assert "gateway" not in problem["hint"]


@pytest.mark.parametrize(
    ("filters", "words"),
    [
        ({"dataset_id": "support-questions"}, ("Check dataset_id", "Arize UI", "SDK", "(dataset_id)")),
        ({"space_id": "main", "name": "n"}, ("Check space_id", "Arize UI", "(space_id)")),
        ({}, ("Check the id with experiments_list",)),
    ],
)
async def test_a_list_of_what_is_not_found_says_how_such_an_id_is(filters: dict[str, str], words: tuple[str, ...]):
    async with raw_server(answer('{"title": "T"}', status="404 Not Found")) as server, server.api() as api:
        with pytest.raises(ProblemError) as caught:
            await api.list(ListExperimentsRequest.model_validate(filters))
    hint = caught.value.problem.get("hint", "")
    assert all(each in hint for each in words), hint
    assert ("experiments_list" in hint) == (not filters)


@every_call
@pytest.mark.parametrize("status", [402, 405, 407, 408, 413, 415, 451])
async def test_every_status_that_may_come_has_a_next_step(call: Call, status: int):
    body = answer(json.dumps({"title": "T", "message": "M"}), status=f"{status} X")
    problem, server = await problem_of(call, body)
    assert problem["hint"]
    if call is CALLS["create"] and status == 413:
        assert "fewer runs" in problem["hint"]
    if not (call is CALLS["create"] and status == 408):
        assert problem["detail"] == "M"
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("body", "content_type", "says"),
    [
        ("<html><style>p{}</style><h1>502 Bad Gateway</h1><hr>nginx", "text/html", "is HTML: 502 Bad Gateway nginx"),
        ("upstream\x1b[31m gone\x07", "text/plain", "is text: upstream gone"),
        ("", None, "Its body is empty."),
        ("[1]", "application/json", "is text: [1]"),
        ("{}", "application/json", "is text: {}"),
        ("null", "application/problem+json", "is text: null"),
        ("\xff", "text/plain; charset=latin-1", "Its body is text: \ufffd"),
    ],
)
async def test_any_other_error_body_becomes_a_problem(body: str, content_type: str | None, says: str):
    problem, _ = await problem_of(
        CALLS["get"], answer(body.encode("latin-1"), status="418 Teapot", content_type=content_type)
    )
    assert problem["type"] == URN + "http-error"
    assert problem["status"] == 418
    assert says in problem["detail"]


@pytest.mark.parametrize(
    ("header", "seconds"), [("7", 7), ("0", 0), ("soon", None), ("", None), ("-1", None), ("1.5", 2)]
)
async def test_retry_after_is_told_in_whole_seconds(header: str, seconds: int | None):
    body = answer("{}", status="429 Too Many Requests", headers=[f"Retry-After: {header}", "X-Request-Id: req_9"])
    problem, _ = await problem_of(CALLS["create"], body)
    assert problem.get("retry_after") == seconds
    assert problem["request_id"] == "req_9"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("", "is empty"),
        ("<!DOCTYPE html><p>Sign in", "is HTML: Sign in"),
        ('{"id":', "is not JSON"),
        ('{"id":"x",}', "is not JSON"),
        ("[]", "doesn't have the expected shape"),
        ('"x"', "doesn't have the expected shape"),
        ('{"name":"x"}', "/id: Field required"),
        ('{"id":5}', "/id: Input should be a valid string"),
        ("[" * 5000, "is not JSON"),
    ],
)
async def test_a_success_with_a_wrong_body_is_a_problem(body: str, says: str):
    problem, _ = await problem_of(CALLS["get"], answer(body))
    assert problem["type"] == URN + "unexpected-response"
    assert says in problem["detail"]
    assert ("ARIZE_API_HOST" in problem["hint"]) == (body[:1] in ("", "<"))


@pytest.mark.parametrize(
    ("call", "body"),
    [
        ("list", '{"experiments":{}}'),
        ("list", '{"experiments":[1]}'),
        ("list", '{"experiments":[{"id":null}]}'),
        ("list", '{"experiments":[],"pagination":[]}'),
        ("list", '{"experiments":[],"pagination":{"has_more":"yes"}}'),
        ("list_runs", '{"experiments":[]}'),
        ("list_runs", '{"experiment_runs":["x"]}'),
    ],
)
async def test_a_page_of_the_wrong_shape_is_a_problem(call: str, body: str):
    problem, _ = await problem_of(CALLS[call], answer(body))
    assert problem["type"] == URN + "unexpected-response"


@pytest.mark.parametrize(
    ("call", "body"),
    [
        ("get", '{"id":"x","name":null,"created_at":5,"dataset_id":null}'),
        ("list", '{"experiments":[]}'),
        ("list", '{"experiments":[],"pagination":{"has_more":true,"next_cursor":null,"total":3}}'),
        ("list_runs", '{"experiment_runs":[{},{"id":null,"output":null,"annotations":null}]}'),
    ],
)
async def test_only_what_cant_be_done_without_is_required(call: str, body: str):
    async with raw_server(answer(body)) as server, server.api() as api:
        assert await CALLS[call](api) == json.loads(body)


@every_call
@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"])
async def test_a_redirect_is_not_followed(call: Call, status: str):
    async with raw_server(answer()) as elsewhere:
        problem, server = await problem_of(
            call, answer(status=status, headers=[f"Location: {elsewhere.base_url}/v2/experiments"])
        )
    assert problem["type"] == URN + "redirect"
    assert (len(server.requests), elsewhere.connections) == (1, 0)


@every_call
@pytest.mark.parametrize(
    ("step", "name"),
    [
        (reset, "broken-response"),
        (close, "broken-response"),
        (answer('{"id"', length=100) + b"", "timeout"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "broken-response"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "broken-response"),
        (answer(b"not gzip", headers=["Content-Encoding: gzip"]), "broken-response"),
        (hang, "timeout"),
    ],
    ids=["reset", "closed", "stalled-body", "bad-length", "not-http", "bad-gzip", "no-answer"],
)
async def test_a_broken_exchange_is_a_problem_with_a_next_step(call: Call, step: bytes | Step, name: str):
    problem, server = await problem_of(call, step, read_timeout_s=0.3)
    assert problem["hint"]
    if server.requests[0].method == "POST":
        assert problem["type"] == URN + "outcome-unknown"
        problem = problem["cause"]
    assert problem["type"] == URN + name


@every_call
async def test_a_refused_connection_is_a_problem(call: Call):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    async with ExperimentsAPI(Settings(base_url=f"http://127.0.0.1:{port}", api_key="k"), jitter=lambda: 0.0) as api:
        with pytest.raises(ProblemError) as caught:
            await call(api)
    assert caught.value.problem.get("type") == URN + "connection-failed"
    assert "Nothing was sent" in caught.value.problem.get("hint", "")


@contextmanager
def unaccepting() -> Generator[str]:
    """The base URL of a listener with a full backlog, which leaves the handshake unanswered."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        address = listener.getsockname()
        fillers = [socket.socket() for _ in range(4)]
        try:
            for filler in fillers:
                filler.setblocking(False)
                filler.connect_ex(address)
            yield f"http://127.0.0.1:{address[1]}"
        finally:
            for filler in fillers:
                filler.close()


async def test_a_connection_that_nobody_accepts_is_a_timeout():
    with unaccepting() as base_url:
        settings = Settings(base_url=base_url, api_key="k", connect_timeout_s=0.3)
        async with ExperimentsAPI(settings, jitter=lambda: 0.0) as api:
            with anyio.fail_after(10), pytest.raises(ProblemError) as caught:
                await api.list(ListExperimentsRequest())
    assert caught.value.problem.get("type") == URN + "timeout"


@pytest.mark.parametrize("name", ["create", "delete"])
@pytest.mark.parametrize("connect_timeout_s", [0.2, 30.0])
async def test_a_write_at_whose_deadline_no_connection_had_been_made_says_that_nothing_was_sent(
    name: str, connect_timeout_s: float
):
    with unaccepting() as base_url:
        settings = Settings(base_url=base_url, api_key="k", connect_timeout_s=connect_timeout_s, deadline_s=0.5)
        async with ExperimentsAPI(settings, jitter=lambda: 0.0) as api:
            with anyio.fail_after(10), pytest.raises(ProblemError) as caught:
                await CALLS[name](api)
    assert caught.value.problem.get("type") == URN + "deadline-exceeded"
    assert caught.value.problem.get("hint", "").startswith("Nothing was sent")


async def test_a_create_behind_a_proxy_that_never_connects_says_that_nothing_was_sent():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        proxy_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        settings = Settings(base_url="https://arize.test", api_key="k", proxy_url=proxy_url, deadline_s=0.5)
        async with ExperimentsAPI(settings) as api:
            with anyio.fail_after(10), pytest.raises(ProblemError) as caught:
                await CALLS["create"](api)
    assert caught.value.problem.get("type") == URN + "deadline-exceeded"


async def test_a_delete_that_was_sent_at_its_deadline_may_have_been_done():
    problem, _ = await problem_of(CALLS["delete"], hang, deadline_s=0.5)
    assert problem["type"] == URN + "deadline-exceeded"
    assert "may have been deleted" in problem["hint"]


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a..b", f"{'a' * 64}.invalid"])
async def test_an_unknown_host_is_a_problem(host: str):
    async with ExperimentsAPI(Settings(base_url=f"http://{host}", api_key="k-of-the-test"), jitter=lambda: 0.0) as api:
        with pytest.raises(ProblemError) as caught:
            await api.list(ListExperimentsRequest())
    assert caught.value.problem.get("type") == URN + "dns-failed"
    assert host in caught.value.problem.get("detail", "")


async def test_a_server_that_speaks_no_tls_is_a_tls_problem():
    async def speak(stream: ByteStream) -> None:
        async with stream:
            await stream.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener:
        base_url = f"https://127.0.0.1:{listener.extra(SocketAttribute.local_port)}"
        async with anyio.create_task_group() as tasks, ExperimentsAPI(Settings(base_url=base_url, api_key="k")) as api:
            tasks.start_soon(listener.serve, speak)
            with anyio.fail_after(10), pytest.raises(ProblemError) as caught:
                await api.list(ListExperimentsRequest())
            assert caught.value.problem.get("type") == URN + "tls-failed"
            assert str(caught.value).startswith(f"No TLS connection to {base_url}: ")
            assert "ARIZE_API_SCHEME" in caught.value.problem.get("hint", "")
            assert "CA" not in caught.value.problem.get("hint", "")
            tasks.cancel_scope.cancel()


@every_call
async def test_without_a_key_nothing_is_sent(call: Call):
    async with raw_server(answer()) as server, server.api(api_key=None) as api:
        with pytest.raises(ProblemError) as caught:
            await call(api)
    assert caught.value.problem.get("type") == URN + "missing-api-key"
    assert server.connections == 0


async def test_a_key_that_the_server_echoes_is_taken_out():
    echo = json.dumps({"title": "no", "status": 401, "key-of-the-test": ["Bearer key-of-the-test"]})
    problem, _ = await problem_of(CALLS["get"], answer(echo, status="401 Unauthorized"))
    assert "key-of-the-test" not in json.dumps(problem)
    problem, _ = await problem_of(CALLS["get"], answer("bad key-of-the-test", status="401 Unauthorized"))
    assert "key-of-the-test" not in json.dumps(problem)
    problem, _ = await problem_of(CALLS["get"], answer("your key-of-the-test", content_type="text/html"))
    assert "key-of-the-test" not in json.dumps(problem)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800", 10**5000], ids=["nan", "inf", "half", "long"])
async def test_what_json_cant_carry_is_refused_before_it_is_sent_and_told_where_it_is(value: object):
    request = CreateExperimentRequest.model_validate(
        {"name": "n", "dataset_id": "d", "experiment_runs": [{"example_id": "e", "output": "o", "x": value}]}
    )
    problem, server = await problem_of(lambda api: api.create(request), answer())
    assert problem["type"] == URN + "bad-arguments"
    assert [error["pointer"] for error in problem["errors"]] == ["#/experiment_runs/0/x"]
    assert not server.requests


@pytest.mark.parametrize("cursor", ["\ud800", "c" * 70_000], ids=["broken", "long"])
async def test_what_no_url_can_carry_is_refused_before_it_is_sent_and_told_where_it_is(cursor: str):
    request = ListExperimentsRequest(limit=1).model_copy(update={"cursor": cursor})
    problem, server = await problem_of(lambda api: api.list(request), answer())
    assert problem["type"] == URN + "bad-arguments"
    assert [error["pointer"] for error in problem["errors"]] == ["#/cursor"]
    assert not server.requests


async def test_an_id_that_no_url_can_hold_is_refused_before_it_is_sent():
    problem, server = await problem_of(lambda api: api.get(GetExperimentRequest(experiment_id="e" * 70_000)), answer())
    assert problem["type"] == URN + "bad-arguments"
    assert not server.requests


async def test_many_calls_share_the_pool_and_all_end(sandbox: Sandbox):
    results: list[dict[str, Any]] = []
    async with sandbox.api() as api:

        async def call() -> None:
            results.append(await api.list(ListExperimentsRequest(limit=1)))

        with anyio.fail_after(30):
            async with anyio.create_task_group() as tasks:
                for _ in range(100):
                    tasks.start_soon(call)
    assert len(results) == 100


def test_nothing_shows_the_key():
    settings = Settings(api_key="very-secret", proxy_url="http://u:very-secret@p")
    assert "very-secret" not in repr(settings) + str(settings) + repr(ExperimentsAPI(settings))
