"""The demo, as a person runs it."""

from __future__ import annotations

import subprocess
import sys


def test_the_demo_calls_all_five_tools_and_shows_the_problems():
    command = [sys.executable, "-m", "arize_mcp", "demo"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=60, check=False)
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
