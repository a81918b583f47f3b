"""The environments that servers run in: pinned, compiled, under one folder that can be deleted at any time."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
import venv
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path
from typing import Any, Final

HERE: Final = Path(__file__).resolve().parent
ROOT: Final = HERE.parent
PEERS: Final = HERE / "peers"
INSTALL_TIMEOUT_S: Final = 600

_MARK: Final = ".installed"
_NOT_COUNTED: Final = ("pip", "setuptools", "_distutils_hack", "distutils-precedence")


class UnfitError(Exception):
    """An environment that can't be made, or can't be measured with."""


@dataclass(frozen=True)
class PythonEnvironment:
    """A virtual environment; ``imports`` are the modules that its servers start with."""

    folder: Path
    packages: tuple[str, ...]
    imports: tuple[str, ...] = ()

    @property
    def python(self) -> str:
        return str(self.folder / "bin" / "python")

    @property
    def site_packages(self) -> Path:
        return next((self.folder / "lib").glob("python3.*")) / "site-packages"

    def install(self) -> None:
        """Make it, where it isn't there with just these packages."""
        mark = self.folder / _MARK
        wanted = "\n".join((sys.version, *self.packages, (PEERS / "constraints.txt").read_text(encoding="utf-8")))
        if mark.exists() and mark.read_text(encoding="utf-8") == wanted:
            return
        print(f"making the environment {self.folder.name}", file=sys.stderr, flush=True)
        venv.create(self.folder, clear=True, with_pip=True)
        self.pip("--constraint", str(PEERS / "constraints.txt"), *self.packages)
        self.compile(self.site_packages)
        mark.write_text(wanted, encoding="utf-8")

    def pip(self, *arguments: str) -> None:
        run([self.python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *arguments])

    def compile(self, folder: Path) -> None:
        # Not left to pip and the first start: PYTHONDONTWRITEBYTECODE may be set. Some packages bring templates that
        # don't compile, so the exit code says nothing; stale() does.
        command = [self.python, "-m", "compileall", "-q", "-j", "0", str(folder)]
        subprocess.run(command, stdout=subprocess.DEVNULL, timeout=INSTALL_TIMEOUT_S, check=False)

    def stale(self) -> list[str]:
        """What its servers import that isn't compiled."""
        command = [self.python, "-B", str(HERE / "bytecode.py"), *self.imports]
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_TIMEOUT_S, check=False)
        if done.returncode and not done.stdout:
            raise UnfitError(done.stderr)
        return done.stdout.splitlines()

    def versions(self) -> dict[str, str]:
        found = {each.name.lower(): each.version for each in distributions(path=[str(self.site_packages)])}
        return {name: version for name, version in sorted(found.items()) if name not in _NOT_COUNTED}

    def size_bytes(self) -> int:
        return sum(
            _size_bytes(entry) for entry in self.site_packages.iterdir() if not entry.name.startswith(_NOT_COUNTED)
        )


@dataclass(frozen=True)
class NodeEnvironment:
    """A copy of the TypeScript peer with its packages beside it, where Node looks for them.

    ``sdk`` holds what differs between the SDK's major versions: the packages, and where they have what the peer needs.
    """

    folder: Path
    sdk: Path

    def install(self) -> None:
        """Make it, where it isn't there with just these packages."""
        manifest = (self.sdk / "package.json").read_text(encoding="utf-8")
        mark = self.folder / _MARK
        self.folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(PEERS / "typescript" / "server.mjs", self.folder)
        shutil.copy(self.sdk / "sdk.mjs", self.folder)
        if mark.exists() and mark.read_text(encoding="utf-8") == manifest:
            return
        print(f"making the environment {self.folder.name}", file=sys.stderr, flush=True)
        shutil.copy(self.sdk / "package.json", self.folder)
        run(["npm", "install", "--silent", "--no-audit", "--no-fund"], cwd=self.folder)
        mark.write_text(manifest, encoding="utf-8")

    def versions(self) -> dict[str, str]:
        lock: dict[str, Any] = json.loads(
            (self.folder / "node_modules" / ".package-lock.json").read_text(encoding="utf-8")
        )
        return {
            name.removeprefix("node_modules/"): package["version"] for name, package in sorted(lock["packages"].items())
        }

    def size_bytes(self) -> int:
        return _size_bytes(self.folder / "node_modules")


class Environments:
    """All of them, under one folder.

    Attributes:
        wheel: the wheel of this checkout, built anew.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.fastmcp = PythonEnvironment(folder / "fastmcp", ("fastmcp==4.1.6",), ("fastmcp", "mcp.server.stdio"))
        self.fastmcp_new = PythonEnvironment(
            folder / "fastmcp-new", ("fastmcp==4.2.3",), ("fastmcp", "mcp.server.stdio")
        )
        self.sdk = PythonEnvironment(
            folder / "sdk", ("mcp==2.3.0", "httpx==0.28.1"), ("httpx", "mcp.server.lowlevel", "mcp.server.stdio")
        )
        self.ours = PythonEnvironment(
            folder / "ours", _our_dependencies(), ("arize_mcp.cli", "arize_mcp.server.app", "httpx")
        )
        self.typescript = NodeEnvironment(folder / "typescript", PEERS / "typescript" / "1")
        self.typescript_2 = NodeEnvironment(folder / "typescript-2", PEERS / "typescript" / "2")
        self.tools = PythonEnvironment(
            folder / "tools", ("hatchling==1.33.0", "hatch-fancy-pypi-readme==25.1.0", "uv==0.13.9")
        )

    def install(self) -> None:
        """Make what is missing, and install arize-mcp as it stands in the checkout.

        Raises:
            UnfitError: something can't be made.
        """
        missing = [program for program in ("node", "npm") if shutil.which(program) is None]
        if missing:
            raise UnfitError(
                f"{' and '.join(missing)} can't be found, and without them there is no TypeScript server to compare "
                "with. Install Node.js 20 or newer, which brings both."
            )
        self.folder.mkdir(parents=True, exist_ok=True)
        for environment in (
            self.fastmcp,
            self.fastmcp_new,
            self.sdk,
            self.ours,
            self.typescript,
            self.typescript_2,
            self.tools,
        ):
            environment.install()
        wheels = self.folder / "wheels"
        shutil.rmtree(wheels, ignore_errors=True)
        run([self.tools.python, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(wheels)], cwd=ROOT)
        (self.wheel,) = wheels.glob("*.whl")
        self.ours.pip("--no-deps", "--force-reinstall", str(self.wheel))
        self.ours.compile(self.ours.site_packages / "arize_mcp")

    def stale(self) -> list[str]:
        """What would be compiled anew at each start."""
        return [
            file
            for environment in (self.fastmcp, self.fastmcp_new, self.sdk, self.ours)
            for file in environment.stale()
        ]


def inherited() -> dict[str, str]:
    """Our environment variables, proxies and certificates among them, but for the one that forbids to compile."""
    return {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def local() -> dict[str, str]:
    """Those of a process that talks over loopback alone: none that would lead its requests through a proxy."""
    return {name: text for name, text in inherited().items() if not name.lower().endswith("_proxy")}


def run(command: Sequence[str], *, cwd: Path | None = None) -> str:
    """Run a command that has to work; its stdout.

    Raises:
        UnfitError: it didn't.
    """
    done = subprocess.run(
        command,
        cwd=cwd,
        env=inherited(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=INSTALL_TIMEOUT_S,
        check=False,
    )
    if done.returncode:
        raise UnfitError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def _our_dependencies() -> tuple[str, ...]:
    with (ROOT / "pyproject.toml").open("rb") as file:
        return tuple(tomllib.load(file)["project"]["dependencies"])


def _size_bytes(path: Path) -> int:
    if path.is_dir():
        return sum(_size_bytes(entry) for entry in path.iterdir() if not entry.is_symlink())
    return path.stat().st_size
