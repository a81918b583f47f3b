"""The process under fire: signals, ends, malformed lines, stray prints. Real pipes, real signals."""

from __future__ import annotations

import asyncio
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp.shared.message import SessionMessage
from mcp.types import JSONRPCResponse

from arize_mcp.transports.files import files
from arize_mcp.transports.lines import MAX_LINE_BYTES
from arize_mcp.transports.pipes import pipes
from arize_mcp.transports.wire import Wire
from tests.conftest import sitecustomize
from tests.stdio_process import ENVIRON, Session

pytestmark = pytest.mark.posix(reason="POSIX signals, terminals, and select() on pipes")

INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 0,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
}


class Upstream:
    """An API that takes requests and never answers."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(20)

    def environ(self) -> dict[str, str]:
        port = str(self.listener.getsockname()[1])
        return {
            "ARIZE_API_HOST": "127.0.0.1",
            "ARIZE_API_PORT": port,
            "ARIZE_API_SCHEME": "http",
            "ARIZE_API_KEY": "some-key",
        }

    def take(self) -> socket.socket:
        """The next connection, once its request is there."""
        connection, _ = self.listener.accept()
        connection.settimeout(20)
        assert connection.recv(65_536).startswith(b"GET /v2/experiments")
        return connection


@pytest.fixture
def upstream():
    upstream = Upstream()
    yield upstream
    upstream.listener.close()


def with_a_call_in_flight(upstream: Upstream) -> tuple[Session, socket.socket]:
    session = Session(environ=upstream.environ())
    session.initialize()
    session.send(
        {
            "jsonrpc": "2.0",
            "id": "call",
            "method": "tools/call",
            "params": {"name": "experiments_list", "arguments": {}},
        }
    )
    return session, upstream.take()


def is_closed(connection: socket.socket) -> bool:
    with connection:
        try:
            return connection.recv(1) == b""
        except ConnectionResetError:
            return True


def test_the_end_of_input_cancels_calls_closes_connections_and_exits_0(upstream: Upstream):
    session, connection = with_a_call_in_flight(upstream)
    code, stdout, stderr = session.end()
    assert (code, json.loads(stdout)["error"]["message"], stderr) == (0, "Connection closed", "")
    assert is_closed(connection)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order_with_a_call_in_flight(upstream: Upstream, number: signal.Signals):
    session, connection = with_a_call_in_flight(upstream)
    session.process.send_signal(number)
    assert session.process.wait(timeout=20) == 0
    assert is_closed(connection)
    code, stdout, stderr = session.end()
    assert (code, json.loads(stdout)["error"]["message"], stderr) == (0, "Connection closed", "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_an_idle_server_in_order(number: signal.Signals):
    session = Session("--sandbox")
    session.initialize()
    session.process.send_signal(number)
    assert session.process.wait(timeout=20) == 0
    assert session.end() == (0, b"", "")


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs pidfd_open (Linux)")
def test_no_orphan_outlives_a_killed_host():
    host = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import subprocess, sys, time\n"
            "server = subprocess.Popen([sys.executable, '-m', 'arize_mcp', '--sandbox'], "
            "stdin=subprocess.PIPE, stdout=subprocess.PIPE)\n"
            f"server.stdin.write({json.dumps(INITIALIZE).encode()!r} + b'\\n'); server.stdin.flush()\n"
            "server.stdout.readline(); print(server.pid, flush=True); time.sleep(60)",
        ],
        stdout=subprocess.PIPE,
    )
    assert host.stdout
    with host.stdout:
        pid = int(host.stdout.readline())
        server = os.pidfd_open(pid)
        host.kill()
        host.wait()
    readable, _, _ = select.select([server], [], [], 20)
    os.close(server)
    assert readable


def test_a_closed_stdout_is_a_quiet_end():
    session = Session("--sandbox")
    session.initialize()
    assert session.process.stdout
    session.process.stdout.close()
    session.send({"jsonrpc": "2.0", "id": 9, "method": "tools/list"})
    assert session.process.wait(timeout=20) == 0
    assert session.process.stdin
    session.process.stdin.close()
    assert session.process.stderr
    with session.process.stderr as stderr:
        assert stderr.read() == b""


def test_a_stdout_that_is_closed_within_a_long_answer_is_a_quiet_end(upstream: Upstream):
    host = Session(environ={**upstream.environ(), "ARIZE_MCP_MAX_RESULT_CHARS": "0"})
    host.initialize()
    params = {"name": "experiments_get", "arguments": {"experiment_id": "x"}}
    host.send({"jsonrpc": "2.0", "id": 9, "method": "tools/call", "params": params})
    body = json.dumps({"id": "x", "metadata": {"long": "x" * 4_000_000}}).encode()
    with upstream.take() as connection:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        assert host.process.stdout
        assert host.process.stderr
        assert host.process.stdin
        with host.process.stdout as stdout:
            assert stdout.read(100_000).startswith(b'{"jsonrpc"')
        assert host.process.wait(timeout=20) == 0
        with host.process.stderr as stderr:
            assert stderr.read() == b""
        host.process.stdin.close()


def test_a_cancelled_call_closes_its_request_and_the_server_goes_on(upstream: Upstream):
    session, connection = with_a_call_in_flight(upstream)
    session.send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "call"}})
    assert is_closed(connection)
    assert session.request("ping", {})["result"] == {}
    assert session.end() == (0, b"", "")


BAD_LINES: list[tuple[bytes, int | None, object]] = [
    (b"not json", -32700, None),
    (b'{"jsonrpc":"2.0","id":1,', -32700, None),
    (b'{"jsonrpc":"2.0","id":1,"method":"ping\xff"}', -32600, 1),
    (b"[" * 100_000, -32700, None),
    (b'[{"jsonrpc":"2.0","id":1,"method":"ping"}]', -32600, None),
    (b"[]", -32600, None),
    (b'"x"', -32600, None),
    (b"null", -32600, None),
    (b"{}", -32600, None),
    (b'{"jsonrpc":"1.0","id":7,"method":"ping"}', -32600, 7),
    (b'{"jsonrpc":"2.0","id":"s","method":5}', -32600, "s"),
    (b'{"jsonrpc":"2.0","id":null,"method":"ping"}', -32600, None),
    (b'{"jsonrpc":"2.0","id":1.5,"method":"ping"}', -32600, 1.5),
    (b'{"jsonrpc":"2.0","id":{},"method":"ping"}', -32600, None),
    (b'{"jsonrpc":"2.0","id":true,"method":"ping"}', -32600, None),
    (b'{"jsonrpc":"2.0","id":3,"method":"ping","params":[1]}', -32600, 3),
    (b'{"jsonrpc":"2.0","method":7}', None, None),
    (b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":{}}}', None, None),
    (b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":[]}', None, None),
    (b"", None, None),
    (b"   ", None, None),
    (b"\r", None, None),
]


def test_a_bad_line_gets_an_error_reply_where_there_is_one_and_the_server_lives():
    session = Session("--sandbox")
    session.initialize()
    assert session.process.stdin
    for line, code, request_id in BAD_LINES:
        session.process.stdin.write(line + b"\n")
        if code is not None:
            reply = session.read()
            assert (reply["error"]["code"], reply["id"]) == (code, request_id), line[:100]
        assert session.request("ping", {})["result"] == {}
    assert session.end()[:2] == (0, b"")


@pytest.mark.parametrize("levels", [150, 250, 600, 5000])
def test_deeply_nested_arguments_are_answered(levels: int):
    session = Session("--sandbox")
    session.initialize()
    assert session.process.stdin
    call = '{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"experiments_create","arguments":{"name":'
    session.process.stdin.write(call.encode() + b'{"a":' * levels + b"1" + b"}" * levels + b"}}}\n")
    reply = session.read()
    assert "error" in reply or reply["result"]["isError"]
    assert session.request("ping", {})["result"] == {}
    assert session.end()[:2] == (0, b"")


def test_crlf_line_ends_are_read():
    session = Session("--sandbox")
    assert session.process.stdin
    session.process.stdin.write(json.dumps(INITIALIZE).encode() + b"\r\n")
    assert session.read()["id"] == 0
    assert session.end() == (0, b"", "")


def test_a_request_before_initialize_gets_an_error_reply():
    session = Session("--sandbox")
    assert session.request("tools/list", {})["error"]["code"] == -32602
    assert session.initialize()["serverInfo"]["name"] == "arize-mcp"
    refused = "WARNING arize_mcp.transports.requests: refused tools/list: Send initialize first.\n"
    assert session.end() == (0, b"", refused)


def peak_memory_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc (Linux)")
def test_a_line_over_the_cap_is_refused_and_not_kept():
    session = Session("--sandbox")
    session.initialize()
    before = peak_memory_mib(session.process.pid)
    assert session.process.stdin
    for _ in range(10):
        session.process.stdin.write(b"x" * MAX_LINE_BYTES)
    session.process.stdin.write(b"\n")
    reply = session.read()
    assert (reply["error"]["code"], reply["id"]) == (-32600, None)
    assert str(MAX_LINE_BYTES) in reply["error"]["message"]
    assert peak_memory_mib(session.process.pid) - before < 100
    assert session.request("ping", {})["result"] == {}
    assert session.end() == (0, b"", "")


def test_line_separators_in_an_output_never_break_the_framing():
    session = Session("--sandbox")
    session.initialize()
    output = "a\u2028b\u2029c\nd\r\ne\x85f\x0bg"
    page = session.request("tools/call", {"name": "experiments_list", "arguments": {"limit": 1}})["result"]
    dataset_id = page["structuredContent"]["experiments"][0]["dataset_id"]
    new: dict[str, Any] = {
        "name": "lines\u2028",
        "dataset_id": dataset_id,
        "experiment_runs": [{"example_id": "e", "output": output}],
    }
    created = session.request("tools/call", {"name": "experiments_create", "arguments": new})["result"]
    by_id = {"experiment_id": created["structuredContent"]["id"]}
    runs = session.request("tools/call", {"name": "experiments_runs_list", "arguments": by_id})["result"]
    assert runs["structuredContent"]["experiment_runs"][0]["output"] == output
    assert session.end() == (0, b"", "")


STRAY = """\
import atexit, os, sys

def hook(event, arguments):
    if event == "import" and "arize_mcp.transports.wire" in sys.modules and "mcp" in sys.modules:
        print("stray and flushed, at an import", flush=True)
        os.write(1, b"stray, past Python\\n")
    elif event in ("import", "open", "socket.connect", "sqlite3.connect"):
        print("stray, not flushed", event)

sys.addaudithook(hook)
atexit.register(print, "stray at exit")
"""


def test_nothing_that_any_library_prints_reaches_the_wire(tmp_path: Path):
    session = Session("--sandbox", environ=sitecustomize(tmp_path, STRAY))
    session.initialize()
    assert session.request("tools/call", {"name": "experiments_list", "arguments": {}})["result"]["isError"] is False
    code, stdout, stderr = session.end()
    assert (code, stdout) == (0, b"")
    for words in ("stray and flushed, at an import", "stray, past Python", "stray, not flushed", "stray at exit"):
        assert words in stderr


EARLY = """\
import os, signal, sys

def hook(event, arguments):
    if event == "import" and arguments[0] == "mcp":
        os.kill(os.getpid(), signal.{name})

sys.addaudithook(hook)
"""


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_signal_while_it_starts_ends_it_in_order(tmp_path: Path, name: str):
    session = Session("--sandbox", environ=sitecustomize(tmp_path, EARLY.replace("{name}", name)))
    assert session.end() == (0, b"", "")


IMPORTED = """\
import atexit, pathlib, sys

@atexit.register
def report():
    pathlib.Path({path!r}).write_text("\\n".join(sys.modules), encoding="utf-8")
"""


@pytest.mark.parametrize("calls", [False, True])
def test_nothing_is_imported_before_it_is_needed(tmp_path: Path, upstream: Upstream, calls: bool):
    report = tmp_path / "imported"
    environ = sitecustomize(tmp_path, IMPORTED.format(path=str(report)))
    # What make coverage imports is none of ours.
    plain = {name: value for name, value in ENVIRON.items() if name != "COVERAGE_PROCESS_CONFIG"}
    session = Session(environ={**upstream.environ(), **environ}, inherited=plain)
    session.initialize()
    assert session.request("tools/list", {})["result"]["tools"]
    if calls:
        call: dict[str, Any] = {"name": "experiments_list", "arguments": {}}
        session.send({"jsonrpc": "2.0", "id": "call", "method": "tools/call", "params": call})
        upstream.take().close()
    session.end()
    imported = set(report.read_text(encoding="utf-8").splitlines())
    assert "arize_mcp.server.app" in imported
    assert ("httpx" in imported) is calls
    assert not imported & {
        "arize_mcp.sandbox",
        "arize_mcp.commands.demo",
        "arize_mcp.commands.check",
        "sqlite3",
        "html.parser",
        "tomllib",
    }


HANGING_RESOLVER = """\
import socket, time

def getaddrinfo(*arguments, **options):
    time.sleep(600)

socket.getaddrinfo = getaddrinfo
"""


def test_a_name_look_up_that_hangs_does_not_keep_the_process(tmp_path: Path):
    environ = {"ARIZE_API_KEY": "some-key", "ARIZE_API_HOST": "slow.example"}
    session = Session(environ={**environ, **sitecustomize(tmp_path, HANGING_RESOLVER)})
    session.initialize()
    call: dict[str, Any] = {"name": "experiments_list", "arguments": {}}
    session.send({"jsonrpc": "2.0", "id": "call", "method": "tools/call", "params": call})
    assert session.request("ping", {})["result"] == {}
    assert session.end()[0] == 0


def test_a_terminal_is_left_as_it_was():
    master, terminal = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "arize_mcp", "--sandbox"], stdin=terminal, stdout=terminal, stderr=subprocess.DEVNULL
    )
    os.write(master, json.dumps(INITIALIZE).encode() + b"\n")
    seen = b""
    while b'"result"' not in seen:
        assert select.select([master], [], [], 20)[0]
        seen += os.read(master, 65_536)
    assert not os.get_blocking(terminal), "it was switched, so that there is something to switch back"
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=20) == 0
    assert os.get_blocking(terminal)
    os.close(master)
    os.close(terminal)


@contextmanager
def ends(kind: str) -> Generator[tuple[Wire, BufferedReader]]:
    """A server's wire, and the end from which its host reads."""
    wire = object.__new__(Wire)
    wire.stdin_fd, stdin = os.pipe()
    if kind == "socket":
        stdout, wire.stdout_fd = (end.detach() for end in socket.socketpair())
    else:
        stdout, wire.stdout_fd = os.pipe()
    with os.fdopen(stdout, "rb") as host:
        yield wire, host
    for fd in (stdin, wire.stdin_fd, wire.stdout_fd):
        os.close(fd)


def a_message(number: int, chars: int) -> SessionMessage:
    return SessionMessage(JSONRPCResponse(jsonrpc="2.0", id=number, result={"long": "x" * chars}))


def set_event() -> asyncio.Event:
    event = asyncio.Event()
    event.set()
    return event


@pytest.mark.parametrize("kind", ["pipe", "socket", "thread"])
async def test_a_message_that_the_host_has_not_read_is_known(kind: str):
    transport = files if kind == "thread" else pipes
    drained = set_event()
    with anyio.fail_after(20), ends(kind) as (wire, host):
        async with transport(wire, drained) as (_, replies), anyio.create_task_group() as tasks:
            tasks.start_soon(replies.send, a_message(1, 3_000_000))
            while drained.is_set():
                await anyio.lowlevel.checkpoint()
            assert len(await anyio.to_thread.run_sync(host.readline)) > 3_000_000
            await drained.wait()


@pytest.mark.parametrize("kind", ["pipe", "socket"])
async def test_long_messages_come_whole_and_one_after_the_other_also_to_a_host_that_reads_slowly(kind: str):
    sizes = {1: 3_000_000, 2: 1, 3: 900_000, 4: 70_000, 5: 2_100_000}
    lines: list[bytes] = []

    def read(stdout: int) -> None:
        received = b""
        while received.count(b"\n") < len(sizes):
            received += os.read(stdout, 30_011)
        lines.extend(received.splitlines())

    drained = set_event()
    with anyio.fail_after(20), ends(kind) as (wire, host):
        async with pipes(wire, drained) as (_, replies), anyio.create_task_group() as tasks:
            for number, chars in sizes.items():
                tasks.start_soon(replies.send, a_message(number, chars))
            await anyio.to_thread.run_sync(read, host.fileno())
            await drained.wait()
    assert {reply["id"]: len(reply["result"]["long"]) for reply in map(json.loads, lines)} == sizes


@pytest.mark.parametrize("kind", ["pipe", "socket"])
async def test_a_host_that_leaves_while_several_long_lines_wait_is_a_quiet_end(
    kind: str, caplog: pytest.LogCaptureFixture
):
    for read_bytes in range(1_100_000, 2_000_000, 15_000):  # some leave while they are written to
        with anyio.fail_after(20), ends(kind) as (wire, host):
            head = await anyio.open_process(["head", "-c", str(read_bytes)], stdin=host, stdout=subprocess.DEVNULL)
            host.close()
            async with head, pipes(wire, set_event()) as (_, replies), anyio.create_task_group() as tasks:
                for number in range(2):
                    tasks.start_soon(replies.send, a_message(number, 2_000_000))
                await anyio.sleep_forever()
    assert [record.getMessage() for record in caplog.records] == []


def test_nothing_is_fetched_while_the_host_has_not_read_what_came_before(upstream: Upstream):
    host = Session(environ={**upstream.environ(), "ARIZE_MCP_MAX_RESULT_CHARS": "0"})
    host.initialize()
    assert host.process.stdin
    assert host.process.stdout
    assert host.process.stderr

    def call(number: int) -> None:
        params = {"name": "experiments_get", "arguments": {"experiment_id": str(number)}}
        host.send({"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params})

    call(1001)
    body = json.dumps({"id": "x", "metadata": {"long": "x" * 1_000_000}}).encode()
    with upstream.take() as connection:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")
        connection.sendall(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        assert select.select([host.process.stdout], [], [], 20)[0]  # it writes more than the pipe holds
        call(1002)
        for _ in range(50):  # turns enough for a request, which takes about ten
            host.send({"jsonrpc": "2.0", "method": 5})
            assert b"malformed notification" in host.process.stderr.readline()
        connection.setblocking(False)
        upstream.listener.setblocking(False)
        for take in (lambda: connection.recv(1), upstream.listener.accept):
            with pytest.raises(BlockingIOError):
                take()

        connection.settimeout(20)
        assert len(host.process.stdout.readline()) > 2 * 1_000_000  # as text and as structured content
        assert connection.recv(65_536).startswith(b"GET /v2/experiments/1002")
        assert host.end()[0] == 0
