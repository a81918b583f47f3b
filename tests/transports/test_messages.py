"""What people really send, over the real process, on every transport: each is answered under its own id."""

from __future__ import annotations

import json
import sys
from collections.abc import Generator
from typing import Any

import pytest

from arize_mcp.transports.lines import MAX_LINE_BYTES
from arize_mcp.transports.outline import Outline
from tests.stdio_process import COMMANDS, MODERN_META, Session
from tests.transports.test_platforms import AS_ON_WINDOWS

TRANSPORTS = {"pipes": [*COMMANDS[0], "--sandbox"], "files": [sys.executable, "-c", AS_ON_WINDOWS]}


@pytest.fixture(scope="module", params=TRANSPORTS)
def host(request: pytest.FixtureRequest) -> Generator[Session]:
    session = Session(command=TRANSPORTS[request.param])
    session.initialize()
    yield session
    assert session.request("ping", {})["result"] == {}
    assert session.end()[:2] == (0, b"")


@pytest.fixture(scope="module")
def modern() -> Generator[Session]:
    """Of the era in which each request stands for itself: they may share a process."""
    session = Session("--sandbox")
    yield session
    assert session.end() == (0, b"", "")


def answer(host: Session, line: bytes) -> dict[str, Any]:
    assert host.process.stdin
    host.process.stdin.write(line + b"\n")
    return host.read()


def create(run: bytes) -> bytes:
    return b'{"name":"experiments_create","arguments":{"name":"n","dataset_id":"d","experiment_runs":[{},%s]}}' % run


LONG = b'"' + b"x" * MAX_LINE_BYTES + b'"'
PAIR = "Holds half of a surrogate pair: the text was cut inside a character; cut it one character earlier."
FAULTY: list[tuple[str, bytes, list[tuple[str, str]]]] = [
    ("half an emoji", b'{"output":"a\\ud83d"}', [("#/experiment_runs/1/output", PAIR)]),
    ("the other half", b'{"output":"\\uDE00a"}', [("#/experiment_runs/1/output", PAIR)]),
    ("in a field's name", b'{"\\ud83d":1}', [("#/experiment_runs/1/%EF%BF%BD", "Its name")]),
    ("bytes cut", b'{"output":"a\xf0\x9f"}', [("#/experiment_runs/1/output", "not UTF-8")]),
    ("Latin-1", b'{"output":"caf\xe9"}', [("#/experiment_runs/1/output", "not UTF-8")]),
    ("CESU-8", b'{"output":"\xed\xa0\xbd\xed\xb8\x80"}', [("#/experiment_runs/1/output", "not UTF-8")]),
    ("200 deep", b'{"t":%s}' % (b"[" * 200 + b"]" * 200), [("#/experiment_runs/1/t", "100 levels")]),
    ("900 deep", b'{"t":%s}' % (b'{"a":' * 900 + b"1" + b"}" * 900), [("#/experiment_runs/1/t", "100 levels")]),
    ("50,000 deep", b'{"t":%s}' % (b"[" * 50_000 + b"]" * 50_000), [("#/experiment_runs/1/t", "100 levels")]),
    ("4,301 digits", b'{"n":%s}' % (b"9" * 4301), [("#/experiment_runs/1/n", "4300 digits")]),
    ("90,000 digits", b'{"n":[0,-%s]}' % (b"9" * 90_000), [("#/experiment_runs/1/n/1", "4300 digits")]),
    (
        "several",
        b'{"a":NaN,"b":"\\ud800","c":1e400,"d":%s}' % (b"9" * 5000),
        [(f"#/experiment_runs/1/{name}", "") for name in "abcd"],
    ),
    ("17 MiB", b'{"output":%s}' % LONG, [("#", "bytes long, and at most 16777216 are taken: send fewer runs")]),
    ("17 MiB of short ones", b'{"o":[%s0]}' % (b'"","",' * 2_900_000), [("#", "send fewer runs a call, or record")]),
]
ORDERS = {
    "id before": b'{"jsonrpc":"2.0","id":"mine","method":"tools/call","params":%s}',
    "id behind": b'{"params":%s,"method":"tools/call","jsonrpc":"2.0","id":"mine"}',
}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(("run", "errors"), [case[1:] for case in FAULTY], ids=[case[0] for case in FAULTY])
def test_a_call_that_cant_be_sent_on_is_refused_as_the_tool_would(
    host: Session, order: str, run: bytes, errors: list[tuple[str, str]]
):
    reply = answer(host, ORDERS[order] % create(run))
    assert reply["id"] == "mine"
    assert reply["result"]["isError"] is True
    problem = reply["result"]["structuredContent"]
    assert json.loads(reply["result"]["content"][0]["text"]) == problem
    assert problem["type"] == "urn:arize-mcp:problem:bad-arguments"
    assert [error["pointer"] for error in problem["errors"]] == [pointer for pointer, _ in errors]
    assert all(words in error["detail"] for error, (_, words) in zip(problem["errors"], errors, strict=True))


def test_too_large_says_how_large(host: Session):
    line = ORDERS["id behind"] % create(b'{"output":%s}' % LONG)
    assert f"is {len(line)} bytes long" in answer(host, line)["result"]["structuredContent"]["detail"]


BESIDE: list[tuple[bytes, object, str]] = [
    (b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"\\ud83d"}}', 1, "#/params/name"),
    (b'{"jsonrpc":"2.0","id":"\\ud83d","method":"ping"}', "\ud83d", "#/id"),
    (b'{"jsonrpc":"2.0","id":1,"method":"\\ud83d"}', 1, "#/method"),
    (b'{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{"progressToken":"\\ud83d"}}}', 1, "#/params"),
    (b'{"method":"prompts/get","params":{"name":"p","arguments":{"a":"\xff"}},"id":1,"jsonrpc":"2.0"}', 1, "#/params"),
    (b'{"jsonrpc":"2.0","id":%s,"method":"ping"}' % (b"9" * 5000), None, "#/id"),
    (b'{"params":{"x":%s},"method":"ping","id":1,"jsonrpc":"2.0"}' % LONG, 1, "bytes long"),
    (b'{"params":%s,"method":"tools/call","id":{},"jsonrpc":"2.0"}' % LONG, None, "bytes long"),
    (b'{"params":{},%s"method":"ping","id":1,"jsonrpc":"2.0"}' % (b" " * MAX_LINE_BYTES), 1, "bytes long"),
    # Under another id it would be the answer to another call.
    (b'{"params":{"name":%s},"method":"tools/call","id":"%s","jsonrpc":"2.0"}' % (LONG, b"i" * 5000), None, "long"),
    (b'{"params":{"_meta":{"x":%s}},"method":"ping","id":1,"jsonrpc":"2.0"}' % (b"[" * 9000 + b"]" * 9000), 1, "_meta"),
]


@pytest.mark.parametrize(("line", "request_id", "words"), BESIDE)
def test_what_is_wrong_beside_a_calls_arguments_is_an_error_under_its_id(
    host: Session, line: bytes, request_id: object, words: str
):
    reply = answer(host, line)
    assert (reply["id"], reply["error"]["code"]) == (request_id, -32600)
    assert words in reply["error"]["message"]


def test_an_unknown_tool_stays_one(host: Session):
    line = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"nope","arguments":{"a":"\\ud83d"}}}'
    assert answer(host, line)["error"]["code"] == -32602


def test_a_broken_character_in_what_wants_no_answer_changes_nothing(host: Session):
    assert host.process.stdin
    host.process.stdin.write(
        b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":5,"reason":"\\ud83d"}}\n'
    )
    host.process.stdin.write(b'{"jsonrpc":"2.0","id":5,"result":{"action":"\\ud83d"}}\n')
    assert host.request("ping", {})["result"] == {}


@pytest.mark.parametrize(
    "run", [b'{"example_id":"e","output":"tab\there"}', b'{"example_id":"e","output":"\\ud83d\\ude00"}']
)
def test_what_python_reads_and_others_dont_is_no_fault(host: Session, run: bytes):
    params = b'{"name":"experiments_create","arguments":{"name":"n","dataset_id":"d","experiment_runs":[%s]}}' % run
    problem = answer(host, ORDERS["id before"] % params)["result"]["structuredContent"]
    assert problem["detail"] == "No dataset has this 'dataset_id'."


@pytest.mark.parametrize("command", TRANSPORTS.values(), ids=TRANSPORTS)
def test_in_the_modern_era_too(command: list[str]):
    session = Session(command=command)
    meta = json.dumps(MODERN_META).encode()
    for value, pointer in ((b'"\\ud83d"', "#/experiment_id"), (LONG, "#")):
        params = b'{"arguments":{"experiment_id":%s},"_meta":%s,"name":"experiments_get"}' % (value, meta)
        result = answer(session, ORDERS["id behind"] % params)["result"]
        assert result["resultType"] == "complete"
        assert [error["pointer"] for error in result["structuredContent"]["errors"]] == [pointer]
    assert session.end() == (0, b"", "")


@pytest.mark.parametrize("command", TRANSPORTS.values(), ids=TRANSPORTS)
def test_a_byte_order_mark_before_the_first_line_is_none_of_it(command: list[str]):
    session = Session(command=command)
    assert answer(session, b'\xef\xbb\xbf{"jsonrpc":"2.0","id":1,"method":"ping"}')["result"] == {}
    assert session.end() == (0, b"", "")


def test_an_empty_array_where_an_object_belongs_is_an_empty_object(host: Session):
    call = host.request("tools/call", {"name": "experiments_list", "arguments": [], "_meta": []})
    assert len(call["result"]["structuredContent"]["experiments"]) == 2
    assert len(answer(host, b'{"jsonrpc":"2.0","id":1,"method":"tools/list","params":[]}')["result"]["tools"]) == 5
    missing = host.request("tools/call", {"name": "experiments_get", "arguments": []})["result"]["structuredContent"]
    assert missing["errors"] == [{"pointer": "#/experiment_id", "detail": "Required, but missing."}]


@pytest.mark.parametrize(
    "capabilities",
    [
        [],
        {"roots": [], "elicitation": []},
        {"experimental": {"x": []}, "elicitation": {"form": []}},
        {"extensions": {"io.modelcontextprotocol/ui": []}},
    ],
)
def test_capabilities_may_be_empty_arrays(modern: Session, capabilities: object):
    session = Session("--sandbox")
    client = {"name": "t", "version": "1"}
    params = {"protocolVersion": "2025-11-25", "capabilities": capabilities, "clientInfo": client}
    assert session.request("initialize", params)["result"]["serverInfo"]["name"] == "arize-mcp"
    assert session.end() == (0, b"", "")
    meta = {**MODERN_META, "io.modelcontextprotocol/clientCapabilities": capabilities}
    assert len(modern.request("tools/list", {"_meta": meta})["result"]["tools"]) == 5


CLIENT = {"name": "t", "version": "1"}
REFUSED: list[tuple[str, dict[str, Any], list[str], str]] = [
    ("initialize", {"protocolVersion": "x", "capabilities": {}, "clientInfo": {"name": "t"}}, ["#/clientInfo/version"],
     "Required, but missing."),
    ("initialize", {"protocolVersion": "x", "clientInfo": CLIENT}, ["#/capabilities"], "Required, but missing."),
    ("initialize", {"protocolVersion": "x", "capabilities": {"experimental": {"x": True}}, "clientInfo": CLIENT},
     ["#/capabilities/experimental/x"], "Must be an object."),
    ("initialize", {"protocolVersion": 5, "capabilities": {}, "clientInfo": "me"},
     ["#/clientInfo", "#/protocolVersion"], "Must be a string."),
    ("initialize", {"_meta": MODERN_META, "protocolVersion": "x", "clientInfo": CLIENT}, ["#/capabilities"],
     "Required, but missing."),
    ("initialize", {}, ["#/capabilities", "#/clientInfo", "#/protocolVersion"], "Required, but missing."),
    ("tools/call", {"arguments": {}}, ["#/name"], "Required, but missing."),
    ("tools/call", {"name": "experiments_list", "arguments": "x"}, ["#/arguments"], "Must be an object."),
    ("initialize", {"protocolVersion": "x", "capabilities": {}, "clientInfo": CLIENT, "_meta": {"progressToken": {}}},
     ["#/_meta/progressToken"], "Must be a string."),
]  # fmt: skip


@pytest.mark.parametrize(("method", "params", "pointers", "words"), REFUSED)
def test_wrong_params_are_told_member_by_member(method: str, params: dict[str, Any], pointers: list[str], words: str):
    session = Session("--sandbox")
    error = session.request(method, params)["error"]
    assert (error["code"], error["message"]) == (-32602, "Invalid request parameters")
    assert sorted(wrong["pointer"] for wrong in error["data"]["errors"]) == pointers
    assert words in error["data"]["detail"]
    assert session.initialize()["serverInfo"]["name"] == "arize-mcp"
    logged = f"WARNING arize_mcp.transports.requests: refused {method}: {error['data']['detail']}\n"
    assert session.end() == (0, b"", logged)


@pytest.mark.parametrize("version", ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"])
def test_wrong_params_are_told_in_every_version(version: str):
    session = Session("--sandbox")
    session.request("initialize", {"protocolVersion": version, "capabilities": {}, "clientInfo": CLIENT})
    error = session.request("tools/call", {"name": 5, "_meta": {"progressToken": []}})["error"]
    assert {wrong["pointer"] for wrong in error["data"]["errors"]} == {"#/name", "#/_meta/progressToken"}
    session.end()


@pytest.mark.parametrize(
    ("line", "request_id", "pointers"),
    [
        (b'{"jsonrpc":"2.0","id":3,"method":"tools/list","params":"x"}', 3, ["#/params"]),
        (b'{"jsonrpc":"2.0","id":3,"method":"tools/list","params":[1]}', 3, ["#/params"]),
        (b'{"id":"a","method":"tools/list"}', "a", ["#/jsonrpc"]),
        (b'{"jsonrpc":"1.0","id":3,"method":5}', 3, ["#/jsonrpc", "#/method"]),
        (b'{"jsonrpc":"2.0","id":1.5,"method":"tools/list"}', 1.5, ["#/id"]),
        (b'{"jsonrpc":"2.0","id":null,"method":"tools/list"}', None, ["#/id"]),
        (b'{"jsonrpc":"2.0","id":NaN,"method":"tools/list"}', None, ["#/id"]),
        (b'{"jsonrpc":"2.0","id":true,"method":"tools/list"}', None, ["#/id"]),
        (b'{"jsonrpc":"2.0","id":3}', 3, ["#/method"]),
    ],
)
def test_a_message_of_a_wrong_form_is_told_member_by_member_under_its_id(
    host: Session, line: bytes, request_id: object, pointers: list[str]
):
    reply = answer(host, line)
    assert (reply["id"], reply["error"]["code"]) == (request_id, -32600)
    assert [wrong["pointer"] for wrong in reply["error"]["data"]["errors"]] == pointers


def test_a_progress_token_of_null_is_none(host: Session):
    call = {"name": "experiments_list", "arguments": {}, "_meta": {"progressToken": None}}
    assert len(host.request("tools/call", call)["result"]["structuredContent"]["experiments"]) == 2


def test_a_request_before_initialize_is_told_so():
    session = Session("--sandbox")
    error = session.request("tools/call", {"name": "experiments_list", "arguments": {}})["error"]
    assert error["data"] == {"detail": "Send initialize first."}
    assert session.end()[2].endswith("refused tools/call: Send initialize first.\n")


@pytest.fixture(scope="module", params=[True, False], ids=["modern", "legacy"])
def held(request: pytest.FixtureRequest) -> Generator[tuple[Session, dict[str, Any]]]:
    """A server at whose API nothing listens, so that calls are sent again and tell of each wait; its clients' _meta."""
    environ = {"ARIZE_API_KEY": "key-of-the-test", "ARIZE_API_HOST": "127.0.0.1", "ARIZE_API_PORT": "9"}
    session = Session(environ={**environ, "ARIZE_API_SCHEME": "http", "ARIZE_MCP_DEADLINE_S": "3"})
    if not request.param:
        session.initialize()
    yield session, MODERN_META if request.param else {}
    session.end()


@pytest.mark.parametrize("token", [1.5, 2.0, -1e300])
def test_a_progress_token_may_be_any_number(held: tuple[Session, dict[str, Any]], token: float):
    session, meta = held
    params = {"name": "experiments_list", "arguments": {}, "_meta": {**meta, "progressToken": token}}
    session.send({"jsonrpc": "2.0", "id": f"call {token}", "method": "tools/call", "params": params})
    message = session.read()
    # Calls of the tests before may still be under way.
    while message.get("params", {}).get("progressToken") != token:
        message = session.read()
    assert message["method"] == "notifications/progress"


@pytest.mark.parametrize("piece_bytes", [1, 2, 7, 4096])
def test_an_outline_is_the_same_however_the_text_is_cut(piece_bytes: int):
    value: dict[str, Any] = {
        "id": "a\\\"{[\\",
        "params": {
            "arguments": {"deep": [{"_meta": 1}], "_meta": {"x": [[]]}},
            "long": "\\\"" * 5000,
            "_meta": {"a": {"b": [1, "]}"]}},
            "name": "_meta",
            "list": [1, [2]],
        },
        "jsonrpc": "2.0",
    }  # fmt: skip
    text = json.dumps(value, indent=1).encode()
    outline = Outline(2, 10_000)
    for start in range(0, len(text), piece_bytes):
        outline.feed(text[start : start + piece_bytes])
    assert json.loads(outline.text) == {
        "id": "a\\\"{[\\",
        "params": {
            "arguments": {},
            "long": "",
            "_meta": {"a": {"b": [1, "]}"]}},
            "name": "_meta",
            "list": [],
        },
        "jsonrpc": "2.0",
    }  # fmt: skip


def test_an_outline_that_grows_too_long_is_none():
    outline = Outline(2, 100)
    for _ in range(100):
        outline.feed(b'"key":1,')
    assert outline.text == b""
