"""The built package, installed in each way that the documents name, from a local index folder."""

from __future__ import annotations

import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.packaging.conftest import ENVIRON, environment, run
from tests.stdio_process import Session
from tests.test_documents import ROOT, VERSION

pytestmark = pytest.mark.packaging

SAYS = f"arize-mcp {VERSION}\n"


def test_wheel_and_sdist_are_complete(dist: Path):
    with zipfile.ZipFile(next(dist.glob("*.whl"))) as wheel:
        names = {name.removeprefix(f"arize_mcp-{VERSION}.dist-info/") for name in wheel.namelist()}
    assert {
        "arize_mcp/py.typed",
        "arize_mcp/server/runs.html",
        "arize_mcp/sandbox/app.py",
        "licenses/LICENSE",
        "entry_points.txt",
    } <= names
    assert not [name for name in names if name.startswith("tests")]
    with tarfile.open(next(dist.glob("*.tar.gz"))) as sdist:
        names = {name.removeprefix(f"arize_mcp-{VERSION}/") for name in sdist.getnames()}
    assert {
        "LICENSE",
        "README.md",
        "CHANGELOG.md",
        "arize_mcp/py.typed",
        "arize_mcp/server/runs.html",
        "tests/conftest.py",
        "server.json",
    } <= names


def test_pip_installs_the_wheel_and_it_works(dist: Path, tmp_path: Path):
    programs = environment(tmp_path / "env")
    run(programs / "python", "-m", "pip", "install", "--quiet", next(dist.glob("*.whl")), cwd=tmp_path)
    assert run(programs / "arize-mcp", "--version", cwd=tmp_path) == SAYS
    # From an empty folder, so that only what was installed can be found.
    assert "All five tools work." in run(programs / "arize-mcp", "demo", cwd=tmp_path)


def test_uvx_runs_it(dist: Path, tools: Path, tmp_path: Path):
    # A cache of its own: the user's may hold an earlier build of this version.
    environ = {"UV_CACHE_DIR": str(tmp_path / "cache")}
    command = [str(tools / "uvx"), "--find-links", str(dist), "arize-mcp"]
    assert run(*command, "--version", cwd=tmp_path, **environ) == SAYS
    session = Session("--sandbox", command=command, environ=environ, inherited=ENVIRON)
    assert session.initialize()["serverInfo"]["version"] == VERSION
    assert session.end()[:2] == (0, b"")


def test_pipx_runs_it(dist: Path, tools: Path, base_python: str, tmp_path: Path):
    command = [tools / "pipx", "run", "--python", base_python, "--pip-args", f"--find-links {dist}", "arize-mcp"]
    assert run(*command, "--version", cwd=tmp_path, PIPX_HOME=str(tmp_path / "pipx")) == SAYS


def test_hadolint_finds_no_fault_in_the_dockerfile(hadolint: Path):
    assert run(hadolint, "Dockerfile", cwd=ROOT) == ""
