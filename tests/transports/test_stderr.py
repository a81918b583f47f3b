"""A stderr that nobody reads, that is full, slow or closed: the server never waits for it."""

from __future__ import annotations

import os
import re
import socket
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from tests.stdio_process import Session

pytestmark = pytest.mark.posix(reason="terminals, sockets and full devices as stderr")

LINES = 10_000


class Unread(Session):
    """A host that passes some stderr on."""

    def __init__(self, stderr: Any, *, level: str = "WARNING", closed: bool = False) -> None:
        super().__init__("--sandbox", environ={"ARIZE_MCP_LOG_LEVEL": level}, stderr=stderr, closes_stderr=closed)


def log(session: Session, lines: int = LINES) -> None:
    """Have the server log some lines, and answer after them."""
    assert session.process.stdin
    session.process.stdin.write(b'{"jsonrpc":"2.0","method":5}\n' * lines)
    assert session.request("ping", {})["result"] == {}


def read_until_told(read: Callable[[], bytes]) -> tuple[int, int]:
    """How many lines arrived, and how many are said to be missing."""
    text = b""
    while not (told := re.search(rb"(\d+) lines are missing here: stderr didn't take them\n", text)):
        text += read()
    return text.count(b"ignored a malformed notification"), int(told[1])


def test_what_nobody_read_is_dropped_and_counted_when_it_flows_again():
    session = Unread(subprocess.PIPE)
    session.initialize()
    log(session)
    assert session.process.stderr
    fd = session.process.stderr.fileno()
    arrived, missing = read_until_told(lambda: os.read(fd, 65_536))
    assert missing > 0
    assert arrived + missing == LINES
    log(session, 1)
    assert b"ignored" in os.read(fd, 65_536)
    assert session.end() == (0, b"", "")


def test_a_hundred_calls_at_debug_are_answered_though_nobody_reads_stderr():
    session = Unread(subprocess.PIPE, level="DEBUG")
    session.initialize()
    for _ in range(100):
        assert "result" in session.request("tools/call", {"name": "experiments_list", "arguments": {}})
    code, stdout, stderr = session.end()
    assert (code, stdout) == (0, b"")
    assert "DEBUG" in stderr


@pytest.mark.parametrize("is_read", [True, False])
def test_a_terminal_that_is_slow_or_stopped_holds_nothing_up(is_read: bool):
    master, terminal = os.openpty()
    session = Unread(terminal)
    os.close(terminal)
    session.initialize()
    log(session)
    if is_read:
        arrived, missing = read_until_told(lambda: os.read(master, 65_536).replace(b"\r\n", b"\n"))
        assert arrived + missing == LINES
    assert session.end()[:2] == (0, b"")
    os.close(master)


def test_a_socket_that_nobody_reads_holds_nothing_up():
    ours, theirs = socket.socketpair()
    with ours:
        session = Unread(theirs)
        theirs.close()
        session.initialize()
        log(session)
        arrived, missing = read_until_told(lambda: ours.recv(65_536))
        assert arrived + missing == LINES
        assert session.end()[:2] == (0, b"")


@pytest.mark.parametrize("kind", ["closed", "no reader", "full disk", "never read", "shared, not blocking"])
def test_a_stderr_that_takes_nothing_changes_nothing(kind: str):
    read_end, write_end = os.pipe()
    if kind == "no reader":
        os.close(read_end)
    elif kind == "shared, not blocking":
        os.set_blocking(write_end, False)
    elif kind == "full disk":
        os.close(write_end)
        write_end = os.open("/dev/full", os.O_WRONLY)
    session = Unread(write_end, closed=kind == "closed")
    session.initialize()
    log(session)
    assert session.request("tools/call", {"name": "experiments_list", "arguments": {}})["result"]["isError"] is False
    assert session.end()[:2] == (0, b"")
    if kind == "shared, not blocking":
        assert not os.get_blocking(write_end), "the flag is the parent's too"
    os.close(write_end)
    if kind != "no reader":
        os.close(read_end)


def test_the_last_lines_before_the_end_come_out():
    session = Unread(subprocess.PIPE)
    session.initialize()
    assert session.process.stdin
    session.process.stdin.write(b'{"jsonrpc":"2.0","method":5}\n' * 100)
    code, stdout, stderr = session.end()
    assert (code, stdout, stderr.count("ignored a malformed notification")) == (0, b"", 100)


def test_a_broken_character_in_a_log_line_is_written_as_an_escape():
    session = Unread(subprocess.PIPE, level="DEBUG")
    session.initialize()
    assert session.process.stdin
    session.process.stdin.write(b'{"jsonrpc":"2.0","method":"notifications/\\ud83d"}\n')
    assert session.request("ping", {})["result"] == {}
    assert "notifications/\\ud83d" in session.end()[2]
