"""The sandbox as a process of its own: what it announces, how it ends, what it refuses."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Timer
from typing import Any

import httpx
import pytest

COMMAND = [sys.executable, "-m", "arize_mcp", "sandbox"]


class Process:
    """A sandbox that has said that it listens."""

    def __init__(self, *arguments: str) -> None:
        # Into a pipe Python holds output back, as long as nobody's settings tell it not to.
        environ = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
        self.popen = subprocess.Popen(
            [*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", env=environ
        )
        assert self.popen.stdout
        silence = Timer(20, self.popen.kill)
        silence.start()
        line = self.popen.stdout.readline()
        silence.cancel()
        self.announcement: dict[str, Any] = json.loads(line)
        self.base_url: str = self.announcement["base_url"]
        self.dataset_id: str = self.announcement["datasets"][0]["id"]

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.announcement['api_key']}"}
        return httpx.request(method, f"{self.base_url}/v2{path}", headers=headers, trust_env=False, **options)

    def end(self) -> tuple[int, str, str]:
        """Wait for its end; returns the exit code, what else stood on stdout, and stderr."""
        stdout, stderr = self.popen.communicate(timeout=20)
        return self.popen.returncode, stdout, stderr


@contextmanager
def running(*arguments: str) -> Generator[Process]:
    process = Process(*arguments)
    try:
        yield process
    finally:
        process.popen.kill()
        process.popen.communicate()


def refused(*arguments: str) -> str:
    """The one sentence with which a sandbox refuses to start."""
    done = subprocess.run([*COMMAND, *arguments], capture_output=True, encoding="utf-8", timeout=20, check=False)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert done.stderr.startswith("arize-mcp sandbox: ")
    assert done.stderr.endswith(".\n")
    assert done.stderr.count("\n") == 1, "one line, no traceback"
    return done.stderr


@pytest.mark.parametrize("arguments", [["--port", "0"], ["--host", "localhost"]])
def test_the_first_line_tells_all_a_client_needs(arguments: list[str]):
    with running(*arguments) as sandbox:
        assert set(sandbox.announcement) == {"base_url", "api_key", "spaces", "datasets"}
        space, *others = sandbox.announcement["spaces"]
        assert (set(space), others) == ({"id", "name"}, [])
        assert len(sandbox.announcement["datasets"]) >= 2
        for dataset in sandbox.announcement["datasets"]:
            assert set(dataset) == {"id", "name", "space_id"}
            assert dataset["space_id"] == space["id"]
        assert sandbox.base_url.startswith("http://127.0.0.1:")
        page = sandbox.request("GET", "/experiments", params={"dataset_id": sandbox.dataset_id}).json()
        assert len(page["experiments"]) == 2
        assert httpx.get(f"{sandbox.base_url}/v2/experiments").status_code == 401


@pytest.mark.posix(reason="signals")
def test_sigterm_ends_it_without_a_word():
    with running() as sandbox:
        assert sandbox.request("GET", "/experiments").status_code == 200
        sandbox.popen.send_signal(signal.SIGTERM)
        # Ended by the signal, or in order because of it.
        code, stdout, stderr = sandbox.end()
        assert code in (0, -signal.SIGTERM)
        assert (stdout, stderr) == ("", "")


@pytest.mark.posix(reason="signals")
def test_ctrl_c_ends_it_in_order():
    with running() as sandbox:
        assert sandbox.request("GET", "/experiments").status_code == 200
        sandbox.popen.send_signal(signal.SIGINT)
        assert sandbox.end() == (0, "", "")


@pytest.mark.posix(reason="signals")
def test_data_in_a_file_survives_sigkill(tmp_path: Path):
    db = str(tmp_path / "sandbox.db")
    with running("--db", db) as sandbox:
        runs = [{"example_id": str(index), "output": "o"} for index in range(1000)]
        body = {"name": "kept", "dataset_id": sandbox.dataset_id, "experiment_runs": runs}
        created = sandbox.request("POST", "/experiments", json=body).json()
        sandbox.popen.kill()
        assert sandbox.end() == (-signal.SIGKILL, "", "")
    with running("--db", db) as sandbox:
        assert sandbox.dataset_id == created["dataset_id"]
        assert sandbox.request("GET", f"/experiments/{created['id']}").json() == created
        stored = sandbox.request("GET", f"/experiments/{created['id']}/runs", params={"limit": "500"}).json()
        assert [run["example_id"] for run in stored["experiment_runs"]] == [run["example_id"] for run in runs[:500]]
        listed = sandbox.request("GET", "/experiments").json()["experiments"]
        assert listed[0]["name"] == "kept"
        assert len(listed) == 3, "seeded once"


def test_data_in_memory_ends_with_the_process():
    for _ in range(2):
        with running() as sandbox:
            body = {
                "name": "forgotten",
                "dataset_id": sandbox.dataset_id,
                "experiment_runs": [{"example_id": "e", "output": ""}],
            }
            assert sandbox.request("POST", "/experiments", json=body).status_code == 201


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com", "localhost.", ""])
def test_it_listens_on_loopback_only(host: str):
    assert f"--host {host} is not a loopback address" in refused("--host", host)


def test_a_port_in_use_is_refused():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"can't listen on 127.0.0.1 port {port}" in refused("--port", str(port))


@pytest.mark.parametrize("name", ["folder", "garbage.db", "foreign.db", "folder/none/x.db", "garbage.db/x.db"])
def test_a_file_that_cant_be_the_database_is_refused(tmp_path: Path, name: str):
    (tmp_path / "folder").mkdir()
    (tmp_path / "garbage.db").write_text("garbage" * 1000, encoding="utf-8")
    with closing(sqlite3.connect(tmp_path / "foreign.db")) as connection:
        connection.execute("CREATE TABLE t (a)")
    assert f"sandbox: {tmp_path / name} can't be used as a sandbox database" in refused("--db", str(tmp_path / name))


def test_a_database_needs_a_name():
    assert "--db needs the name of a file" in refused("--db", "")
