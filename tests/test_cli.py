"""The command line: help, wrong usage, what stdin, stdout and the sandbox's switch may be."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.conftest import NO_HOME, sitecustomize
from tests.stdio_process import Session


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "arize_mcp", *arguments],
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        stdin=subprocess.DEVNULL,
        check=False,
    )


def test_help_tells_the_commands_the_key_and_examples():
    done = run("--help")
    assert done.returncode == 0
    for words in ("--sandbox", "demo", "sandbox", "ARIZE_API_KEY", "claude mcp add"):
        assert words in done.stdout
    assert "--port" in run("sandbox", "--help").stdout


def test_version_is_the_packages():
    assert run("--version").stdout == f"arize-mcp {version('arize-mcp')}\n"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--sandbx"], "unrecognized arguments: --sandbx"),
        (["serve"], "invalid choice: 'serve'"),
        (["sandbox", "--port", "x"], "must be a number from 0 to 65535"),
        (["sandbox", "--port", "70000"], "must be a number from 0 to 65535"),
        (
            ["--sandbox", "check"],
            "argument --sandbox: takes true or false, or nothing; commands such as check go without",
        ),
        (["--sandbox=true", "demo"], "argument --sandbox: can't be used with the command demo"),
        (["--sandbox=on"], "argument --sandbox: takes true or false, or nothing; commands such as check go without it"),
        (["demo", "now"], "unrecognized arguments: now"),
    ],
)
def test_wrong_usage_exits_2_with_a_sentence(arguments: list[str], says: str):
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr


@pytest.mark.posix(reason="a shell that closes descriptors")
@pytest.mark.parametrize("closed", ["<&-", "</dev/null >&-"])
def test_a_closed_stdin_or_stdout_is_told_in_a_sentence(closed: str):
    command = f'exec "$0" -m arize_mcp --sandbox {closed}'
    done = subprocess.run(
        ["sh", "-c", command, sys.executable], capture_output=True, encoding="utf-8", timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "stdin and stdout must be open" in done.stderr
    assert "Traceback" not in done.stderr


PRINTING = [["--version"], ["check"], ["check", "--json"], ["demo"]]


@pytest.mark.parametrize("arguments", PRINTING)
def test_a_reader_who_leaves_is_told_nothing(arguments: list[str]):
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "arize_mcp", *arguments]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, encoding="utf-8", timeout=60, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a disk that is full")
@pytest.mark.parametrize("arguments", PRINTING)
def test_a_full_disk_is_told_in_a_line(arguments: list[str]):
    command = [sys.executable, "-m", "arize_mcp", *arguments]
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, encoding="utf-8", timeout=60, check=False)
    assert (done.returncode, done.stderr) == (1, "arize-mcp: No space left on device.\n")


@pytest.mark.posix(reason="a shell that closes descriptors")
@pytest.mark.parametrize("arguments", PRINTING)
def test_a_closed_stdout_is_told_in_a_line(arguments: list[str]):
    command = ["sh", "-c", 'exec "$0" -m arize_mcp "$@" >&-', sys.executable, *arguments]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=60, check=False)
    assert (done.returncode, done.stderr) == (1, "arize-mcp: stdout is closed.\n")


@pytest.mark.posix(reason="a terminal")
def test_who_starts_it_in_a_terminal_is_told_what_it_waits_for():
    master, terminal = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "arize_mcp"], stdin=terminal, stdout=terminal, stderr=subprocess.PIPE, bufsize=0
    )
    assert process.stderr
    assert select.select([process.stderr], [], [], 20)[0], "it says nothing"
    said = process.stderr.readline()
    process.terminate()
    process.communicate(timeout=20)
    os.close(master)
    os.close(terminal)
    assert said == b"arize-mcp: waiting for an MCP host on stdin; to look around: arize-mcp demo\n"


@pytest.mark.parametrize(
    ("environ", "count"),
    [
        ({"ARIZE_MCP_READ_ONLY": "1", "ARIZE_REGION": "nowhere"}, 3),
        ({"ARIZE_MCP_READ_ONLY": "maybe"}, 3),
        ({"ARIZE_MCP_READ_ONLY": "${user_config.read_only}"}, 3),
        ({"ARIZE_MCP_READ_ONLY": "0", "ARIZE_REGION": "nowhere"}, 5),
    ],
)
def test_reading_only_holds_where_the_settings_cant_be_used(environ: dict[str, str], count: int):
    session = Session(environ=environ)
    session.initialize()
    assert len(session.request("tools/list", {})["result"]["tools"]) == count
    result = session.request("tools/call", {"name": "experiments_list", "arguments": {}})["result"]
    assert result["structuredContent"]["type"].endswith(":unusable-settings")
    assert session.end()[:2] == (0, b"")


@pytest.mark.posix(reason="an account whose home directory can't be found")
@pytest.mark.parametrize("home", [None, "/" + "x" * 300], ids=["no home", "a home that can't be read"])
def test_a_server_that_cant_look_for_its_profile_starts_and_says_why(tmp_path: Path, home: str | None):
    environ = {"ARIZE_PROFILE": "work", "ARIZE_API_KEY": "some-key"}
    if home is None:
        environ |= sitecustomize(tmp_path, NO_HOME)
    else:
        environ["HOME"] = home
    session = Session(environ=environ)
    session.initialize()
    result = session.request("tools/call", {"name": "experiments_list", "arguments": {}})["result"]
    assert "ARIZE_PROFILE can't be looked up" in result["structuredContent"]["detail"]
    code, stdout, stderr = session.end()
    assert (code, stdout) == (0, b"")
    assert "Traceback" not in stderr


def test_no_input_ends_the_server_in_order():
    done = run("--sandbox")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("arguments", "has_data"),
    [(["--sandbox"], True), (["--sandbox=true"], True), (["--sandbox", "false"], False), ([], False)],
)
def test_the_sandbox_is_a_flag_or_a_switch(arguments: list[str], has_data: bool):
    session = Session(*arguments)
    session.initialize()
    result = session.request("tools/call", {"name": "experiments_list", "arguments": {}})["result"]
    assert ("experiments" in result["structuredContent"]) is has_data
    assert session.end()[:2] == (0, b"")
