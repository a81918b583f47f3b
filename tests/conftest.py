"""Fixtures: the sandbox over real HTTP on loopback, and an environment without anybody's settings."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn
from starlette.applications import Starlette

from arize_mcp.api.client import ExperimentsAPI
from arize_mcp.sandbox.app import create_app
from arize_mcp.sandbox.seed import API_KEY
from arize_mcp.sandbox.store import Store
from arize_mcp.settings.settings import Settings

NO_HOME = """\
import os, pwd

def getpwuid(uid):
    raise KeyError(uid)

pwd.getpwuid = getpwuid
os.environ.pop("HOME", None)
"""
"""For sitecustomize: a process whose user has no home directory."""

_TURN_S = 0.005
_FOREIGN = {"REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"}


def sitecustomize(folder: Path, text: str) -> dict[str, str]:
    """The environment of a process that runs a text before anything else."""
    (folder / "sitecustomize.py").write_text(text, encoding="utf-8")
    return {"PYTHONPATH": str(folder)}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is marked ``posix`` is skipped on Windows, with the mark's reason."""
    for item in items:
        if mark := item.get_closest_marker("posix"):
            item.add_marker(pytest.mark.skipif(os.name == "nt", reason=mark.kwargs["reason"]))


@pytest.hookimpl(wrapper=True, optionalhook=True)
def pytest_xdist_auto_num_workers() -> Generator[None, int, int]:
    """Many tests wait for a deadline, or for a process to start: two share a core."""
    return 2 * (yield)


@pytest.fixture(autouse=True)
def clean_environ(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    for home in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(home, str(tmp_path_factory.getbasetemp()))
    for name in list(os.environ):
        if name.startswith("ARIZE_") or name.lower().endswith("_proxy") or name in _FOREIGN:
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def chromium() -> str:
    """A browser of the machine's: CI must have one."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    message = "no Chromium on the PATH (Debian: apt-get install chromium)"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@dataclass(frozen=True)
class Sandbox:
    """A sandbox that listens on loopback."""

    base_url: str
    store: Store

    @property
    def dataset_id(self) -> str:
        return self.store.datasets()[0]["id"]

    @property
    def space_id(self) -> str:
        return self.store.spaces()[0]["id"]

    def settings(self, api_key: str | None = API_KEY) -> Settings:
        return Settings(base_url=self.base_url, api_key=api_key)

    def api(self) -> ExperimentsAPI:
        return ExperimentsAPI(self.settings())


@pytest.fixture
def sandbox() -> Generator[Sandbox]:
    app = create_app()
    with served(app) as base_url:
        yield Sandbox(base_url, app.state.store)
    app.state.store.close()


class _Server(uvicorn.Server):
    """Ends when it is told: uvicorn's own looks every 100 ms whether it should, and then waits 100 ms more."""

    async def main_loop(self) -> None:
        while not await self.on_tick(0):  # noqa: ASYNC110 - uvicorn has a flag, no event
            await asyncio.sleep(_TURN_S)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        while self.server_state.connections or self.server_state.tasks:  # noqa: ASYNC110 - as above
            await asyncio.sleep(_TURN_S)


@contextmanager
def served(app: Starlette) -> Generator[str]:
    """Serve an ASGI application on loopback; yields its base URL."""
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        server = _Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
