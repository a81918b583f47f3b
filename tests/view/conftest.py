"""Fixtures: a headless browser, and hosts that show the view in it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import Sandbox
from tests.stdio_process import Session
from tests.view.host import Host

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# make test does without it, make view-check installs it.
collect_ignore_glob = [] if find_spec("playwright") else ["test_*.py"]

VIEW = {"ARIZE_MCP_VIEW": "true"}

Show = Callable[..., Host]
"""Opens a host: the server's environment (without a key: on the sandbox), then what the host is to be (host.Host)."""


def npm(folder: Path, *packages: str) -> Path:
    """Install packages into a folder, none of whose scripts are run; returns it."""
    options = ["--silent", "--no-audit", "--no-fund", "--ignore-scripts"]
    subprocess.run(["npm", "install", *options, "--prefix", str(folder), *packages], check=True, timeout=300)
    return folder


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - see above

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def show(browser: Browser) -> Iterator[Show]:
    sessions: list[Session] = []
    context = browser.new_context(viewport={"width": 800, "height": 900})
    context.set_default_timeout(10_000)

    def opened(environ: dict[str, str] | None = None, *, width: int = 800, **options: Any) -> Host:
        environ = {**VIEW, **(environ or {})}
        session = Session(*([] if "ARIZE_API_KEY" in environ else ["--sandbox"]), environ=environ)
        sessions.append(session)
        session.initialize()
        page = context.new_page()
        page.set_viewport_size({"width": width, "height": 900})
        return Host(page, session, **options)

    yield opened
    context.close()
    for session in sessions:
        assert session.end()[:2] == (0, b"")


@pytest.fixture
def environ(sandbox: Sandbox) -> dict[str, str]:
    """The environment of a server of the sandbox's."""
    host, port = sandbox.base_url.removeprefix("http://").split(":")
    return {
        "ARIZE_API_SCHEME": "http",
        "ARIZE_API_HOST": host,
        "ARIZE_API_PORT": port,
        "ARIZE_API_KEY": "sandbox-key",
    }
