"""The command line: help, wrong usage, the demo."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version

import pytest

from tests.server.test_stdio import Session


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
        (["--sandbox", "sandbox"], "argument --sandbox: goes without a command"),
        (["--sandbox=true", "demo"], "argument --sandbox: goes without a command"),
        (["--sandbox=on"], "argument --sandbox: goes without a command, or with true or false, not with on"),
        (["demo", "now"], "unrecognized arguments: now"),
    ],
)
def test_wrong_usage_exits_2_with_a_sentence(arguments: list[str], says: str):
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr


def test_the_demo_calls_all_five_tools_and_shows_the_problems():
    done = run("demo")
    assert (done.returncode, done.stderr) == (0, "")
    for words in (
        "experiments_create {",
        "experiments_delete {",
        "experiments_get {",
        "experiments_list {",
        "experiments_runs_list {",
        '"status": 409',
        '"status": 404',
        "Did you mean dataset_id?",
        "All five tools work.",
    ):
        assert words in done.stdout
    assert "\x1b" not in done.stdout, "no colour but on a terminal"


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell that closes descriptors")
@pytest.mark.parametrize("closed", ["<&-", "</dev/null >&-"])
def test_a_closed_stdin_or_stdout_is_told_in_a_sentence(closed: str):
    command = f'exec "$0" -m arize_mcp --sandbox {closed}'
    done = subprocess.run(
        ["sh", "-c", command, sys.executable], capture_output=True, encoding="utf-8", timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "stdin and stdout must be open" in done.stderr
    assert "Traceback" not in done.stderr


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
