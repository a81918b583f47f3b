"""A one-shot pipe: what was asked before the end of input is answered, where no network is needed."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.stdio_process import COMMANDS, ENVIRON, MODERN_META
from tests.transports.test_messages import TRANSPORTS
from tests.transports.test_process import INITIALIZE, Upstream, is_closed


def ask(number: int, method: str, **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}


def call(number: int, name: str, **arguments: Any) -> dict[str, Any]:
    return ask(number, "tools/call", name=name, arguments=arguments)


def answers(
    messages: list[dict[str, Any]],
    *,
    command: list[str] = TRANSPORTS["pipes"],
    environ: dict[str, str] | None = None,
    end: bytes = b"",
) -> dict[int, dict[str, Any]]:
    """What comes of lines of which the last one has no end, by id."""
    text = b"\n".join(json.dumps(message).encode() for message in messages) + end
    done = subprocess.run(
        command, input=text, capture_output=True, env={**ENVIRON, **(environ or {})}, timeout=30, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")
    return {reply["id"]: reply for reply in map(json.loads, done.stdout.splitlines())}


LOCAL = [
    INITIALIZE,
    ask(1, "ping"),
    ask(2, "tools/list"),
    ask(3, "prompts/list"),
    ask(4, "prompts/get", name="review_experiment", arguments={"experiment_id": "x"}),
    ask(5, "resources/list"),
    ask(6, "resources/templates/list"),
    ask(7, "nope/nope"),
    call(8, "nope"),
    call(9, "experiments_get"),
]


@pytest.mark.parametrize("command", TRANSPORTS.values(), ids=TRANSPORTS)
@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_a_single_line_is_answered_with_or_without_its_end(command: list[str], end: bytes):
    assert answers([ask(1, "ping")], command=command, end=end)[1]["result"] == {}


@pytest.mark.parametrize("command", TRANSPORTS.values(), ids=TRANSPORTS)
def test_everything_on_the_sandbox_is_answered(command: list[str]):
    calls = [call(number, "experiments_list", limit=1) for number in range(20, 50)]
    replies = answers([*LOCAL, *calls], command=command)
    assert set(replies) == {*range(10), *range(20, 50)}
    assert all(replies[number]["result"]["isError"] is False for number in range(20, 50))
    assert replies[9]["result"]["structuredContent"]["errors"][0]["pointer"] == "#/experiment_id"


def test_everything_on_the_sandbox_is_answered_in_the_modern_era():
    messages = [ask(1, "server/discover"), ask(2, "tools/list"), call(3, "experiments_list")]
    for message in messages:
        message["params"]["_meta"] = MODERN_META
    replies = answers(messages)
    assert set(replies) == {1, 2, 3}
    assert replies[3]["result"]["isError"] is False


def test_what_needs_no_network_is_answered_without_a_sandbox():
    replies = answers([*LOCAL, call(10, "experiments_list")], command=COMMANDS[0])
    assert set(replies) == set(range(11))
    assert replies[10]["result"]["structuredContent"]["type"].endswith(":missing-api-key")


def test_a_call_over_the_network_is_cancelled_and_the_others_are_answered():
    upstream = Upstream()
    messages = [*LOCAL, call(10, "experiments_list")]
    replies = answers(messages, command=COMMANDS[0], environ=upstream.environ())
    upstream.listener.setblocking(False)
    try:
        connection, _ = upstream.listener.accept()
    except BlockingIOError:
        pass  # it was cancelled before it connected
    else:
        connection.settimeout(20)
        connection.recv(65_536)
        assert is_closed(connection)
    upstream.listener.close()
    assert set(replies) == set(range(11))
    assert replies[10]["error"]["message"] == "Connection closed"
    assert "error" not in replies[2]


def test_a_request_that_was_cancelled_keeps_nothing_waiting():
    cancelled = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}
    replies = answers([INITIALIZE, call(1, "experiments_list"), cancelled, ask(2, "ping")])
    assert {0, 2} <= set(replies)


def test_a_file_as_stdin_is_answered_into_a_file(tmp_path: Path):
    asked, answered = tmp_path / "asked.jsonl", tmp_path / "answered.jsonl"
    asked.write_text("\n".join(json.dumps(m) for m in [*LOCAL, call(10, "experiments_list")]), encoding="utf-8-sig")
    with asked.open("rb") as stdin, answered.open("wb") as stdout:
        subprocess.run(TRANSPORTS["pipes"], stdin=stdin, stdout=stdout, env=ENVIRON, timeout=30, check=True)
    replies = [json.loads(line) for line in answered.read_text(encoding="utf-8").splitlines()]
    assert {reply["id"] for reply in replies} == set(range(11))
