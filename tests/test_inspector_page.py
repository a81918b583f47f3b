"""The MCP Inspector's web page on the sandbox, in a real browser: what `make inspect` shows a person."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.inspector

PACKAGES = ["@modelcontextprotocol/inspector@2.12.0", "playwright-core@1.65.1"]
DRIVER = Path(__file__).parent / "inspector_page" / "drive.mjs"


@pytest.fixture(scope="module")
def folder(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Inspector and what drives the browser, installed from npm."""
    folder = tmp_path_factory.mktemp("inspector-page")
    command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), *PACKAGES]
    subprocess.run(command, check=True, timeout=300)
    return folder


@contextlib.contextmanager
def running(command: list[str], **options: Any) -> Generator[subprocess.Popen[str]]:
    """A program at the head of a process group, of which nothing is left afterwards."""
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, encoding="utf-8", start_new_session=True, **options
    ) as process:
        try:
            yield process
        finally:
            for number in (signal.SIGTERM, signal.SIGKILL):
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, number)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(10)


def free_ports(count: int) -> list[str]:
    """Ports of loopback that nobody listens on, all different."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [str(each.getsockname()[1]) for each in sockets]


@contextlib.contextmanager
def page_of(folder: Path, *arguments: str) -> Generator[str]:
    """The Inspector's page; yields the address that it prints, token and all.

    Args:
        folder: has the Inspector in its node_modules.
        arguments: go before the server's command.
    """
    page, apps, origin = free_ports(3)
    environment = {
        "CLIENT_PORT": page,
        "MCP_SANDBOX_PORT": apps,
        "MCP_APP_ORIGIN_PORT": origin,
        "MCP_AUTO_OPEN_ENABLED": "false",
        "MCP_INSPECTOR_SECRET_STORE": "memory",
        "MCP_STORAGE_DIR": str(folder / "storage"),
    }
    inspector = str(folder / "node_modules" / ".bin" / "mcp-inspector")
    command = [inspector, *arguments, sys.executable, "-m", "arize_mcp", "--sandbox"]
    found: queue.Queue[str | None] = queue.Queue()
    printed: list[str] = []

    def read(lines: Iterator[str]) -> None:
        for line in lines:
            printed.append(line)
            if match := re.search(r"http://\S+\?MCP_INSPECTOR_API_TOKEN=\w+", line):
                found.put(match[0])
        found.put(None)

    with running(command, stderr=subprocess.STDOUT, env={**os.environ, **environment}) as process:
        assert process.stdout
        reader = threading.Thread(target=read, args=(process.stdout,))
        reader.start()
        try:
            url = found.get(timeout=60)
        except queue.Empty:
            url = None
        if url is None:
            pytest.fail(f"the Inspector printed no address: {''.join(printed)}")
        yield url
    reader.join(10)


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    with page_of(folder) as url:
        yield url


@pytest.fixture(scope="module")
def seen(address: str, chromium: str, folder: Path) -> dict[str, Any]:
    """What the page showed, step by step; see drive.mjs."""
    command = ["node", str(DRIVER), address, chromium, str(folder)]
    with running(command, stderr=subprocess.PIPE) as process:
        output, trouble = process.communicate(timeout=240)
    assert process.returncode == 0, trouble
    return json.loads(output)


def test_the_page_lists_the_five_tools(seen: dict[str, Any]):
    assert seen["names"] == [
        "experiments_create",
        "experiments_delete",
        "experiments_get",
        "experiments_list",
        "experiments_runs_list",
    ]


def test_the_page_finds_no_error_in_their_schemas(seen: dict[str, Any]):
    assert [each for each in seen["lint"] if "error" in each] == []


def test_the_page_shows_the_experiments_as_text_and_as_structured_content(seen: dict[str, Any]):
    text, structured = seen["listed"]
    assert "support-detailed-prompt" in text
    assert text.split() == structured.split()


def test_the_page_shows_a_problem_rather_than_a_schema_error(seen: dict[str, Any]):
    title, body = seen["problem"].split("\n", 1)
    assert title == "Tool Error"
    assert json.loads(body)["detail"] == "No experiment has this id."


def test_the_page_logs_no_error(seen: dict[str, Any]):
    assert seen["errors"] == []
