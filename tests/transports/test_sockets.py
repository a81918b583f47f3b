"""Hosts that hand out sockets: pairs whose unused half is shut, one socket for both, a peer that goes away."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.stdio_process import ENVIRON
from tests.transports.test_process import INITIALIZE

pytestmark = pytest.mark.posix(reason="sockets as stdin and stdout")

LIST: dict[str, Any] = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "tools/call",
    "params": {"name": "experiments_list", "arguments": {}},
}
PING = {"jsonrpc": "2.0", "id": 2, "method": "ping"}


def pair(kind: str) -> tuple[socket.socket, socket.socket]:
    """Two ends of a connection, over which a host would speak."""
    if kind == "unix":
        return socket.socketpair()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ours = socket.create_connection(listener.getsockname())
        return ours, listener.accept()[0]


class Host:
    """What holds the other ends of the server's stdin and stdout."""

    def __init__(self, process: subprocess.Popen[bytes], stdin: socket.socket, stdout: socket.socket) -> None:
        self.process = process
        self.stdin = stdin
        self.stdout = stdout
        stdout.settimeout(20)
        self._lines = stdout.makefile("rb")

    def send(self, *messages: dict[str, Any]) -> None:
        self.stdin.sendall(b"".join(json.dumps(message).encode() + b"\n" for message in messages))

    def read(self) -> dict[str, Any]:
        return json.loads(self._lines.readline())

    def close(self) -> None:
        self._lines.close()
        self.stdout.close()

    def ends(self) -> tuple[int, bytes]:
        """The exit code, once the server has ended by itself, and what it said on stderr."""
        assert self.process.stderr
        with self.process.stderr as stderr:
            return self.process.wait(20), stderr.read()


@contextmanager
def started(stdin: socket.socket, stdout: socket.socket) -> Generator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "arize_mcp", "--sandbox"],
        stdin=stdin.fileno(),
        stdout=stdout.fileno(),
        stderr=subprocess.PIPE,
        env=ENVIRON,
    )
    stdin.close()
    stdout.close()
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@contextmanager
def with_two_sockets(*, shut: bool = True) -> Generator[Host]:
    ours_in, stdin = socket.socketpair()
    ours_out, stdout = socket.socketpair()
    if shut:
        ours_in.shutdown(socket.SHUT_RD)
        ours_out.shutdown(socket.SHUT_WR)
    with started(stdin, stdout) as process, ours_in, ours_out:
        yield Host(process, ours_in, ours_out)


@contextmanager
def with_one_socket(kind: str = "unix") -> Generator[Host]:
    ours, both = pair(kind)
    with started(both, both.dup()) as process, ours:
        yield Host(process, ours, ours)


def works(host: Host) -> None:
    host.send(INITIALIZE)
    assert host.read()["result"]["serverInfo"]["name"] == "arize-mcp"
    for _ in range(3):  # the second answer is the one that didn't come
        host.send(LIST)
        assert len(host.read()["result"]["structuredContent"]["experiments"]) == 2


@pytest.mark.parametrize("shut", [True, False])
def test_a_pair_of_sockets_serves_also_where_the_unused_halves_are_shut(shut: bool):
    with with_two_sockets(shut=shut) as host:
        works(host)
        host.stdin.shutdown(socket.SHUT_WR)
        assert host.ends() == (0, b"")
        assert host.stdout.recv(1) == b""


@pytest.mark.parametrize("kind", ["unix", "tcp"])
def test_one_socket_may_be_both_stdin_and_stdout(kind: str):
    with with_one_socket(kind) as host:
        works(host)
        host.send(PING)
        host.stdin.shutdown(socket.SHUT_WR)
        assert host.read()["id"] == 2  # asked before the end of input
        assert host.ends() == (0, b"")


def test_a_host_that_closes_its_only_socket_is_a_quiet_end():
    with with_one_socket() as host:
        works(host)
        host.stdout.shutdown(socket.SHUT_RDWR)
        assert host.ends() == (0, b"")


@pytest.mark.parametrize("kind", ["unix", "tcp"])
def test_a_reset_is_a_quiet_end(kind: str):
    with with_one_socket(kind) as host:
        host.send(INITIALIZE)
        host.stdout.recv(1, socket.MSG_PEEK)
        host.close()  # with the answer unread, which the kernel makes a reset
        assert host.ends() == (0, b"")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order_and_leaves_the_socket_blocking(number: signal.Signals):
    ours, both = socket.socketpair()
    theirs = both.dup()
    with started(both, both.dup()) as process, ours, theirs:
        host = Host(process, ours, ours)
        works(host)
        process.send_signal(number)
        assert host.ends() == (0, b"")
        assert os.get_blocking(theirs.fileno()), "who handed it out has it still"


def test_a_stdout_that_the_host_closed_is_found_at_the_next_answer():
    with with_two_sockets() as host:
        works(host)
        host.stdout.shutdown(socket.SHUT_RD)
        host.send(PING)
        assert host.ends() == (0, b"")


def test_a_long_answer_waits_for_a_host_that_reads_slowly():
    with with_two_sockets() as host:
        works(host)
        host.stdout.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        host.send(*({**LIST, "id": number, "method": "tools/list"} for number in range(50)))
        host.stdin.shutdown(socket.SHUT_WR)
        assert sorted(host.read()["id"] for _ in range(50)) == list(range(50))
        assert host.ends() == (0, b"")
