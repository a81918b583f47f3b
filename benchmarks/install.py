"""What an installation costs: packages, bytes, and the time of uvx, cold and warm."""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import Sequence
from typing import Any, Final

from driver import DriverError, session
from environments import INSTALL_TIMEOUT_S, PEERS, Environments, PythonEnvironment, inherited

_WARM_TIMES: Final = 3


def sizes(environments: Environments) -> dict[str, dict[str, int]]:
    """Bytes, compiled, and packages of each server's environment; Python, Node and pip aren't counted."""
    each = {
        "ours": environments.ours,
        "fastmcp": environments.fastmcp,
        "ten_minutes": environments.sdk,
        "typescript": environments.typescript,
    }
    return {
        key: {"size_bytes": environment.size_bytes(), "packages": len(environment.versions())}
        for key, environment in each.items()
    }


def uvx_s(environments: Environments) -> dict[str, dict[str, float]]:
    """Seconds from ``uvx`` to the reply to tools/list: with an empty cache, again, and without asking the registry."""
    uvx = [str(environments.tools.folder / "bin" / "uv"), "tool", "run", "--quiet"]
    uvx += ["--constraints", str(PEERS / "constraints.txt")]

    def script(environment: PythonEnvironment, name: str) -> list[str]:
        first, *others = environment.packages
        return ["--from", first, *(f"--with={other}" for other in others), "python", str(PEERS / name)]

    commands = {
        "ours": ["--from", str(environments.wheel), "arize-mcp"],
        "fastmcp": script(environments.fastmcp, "fastmcp_openapi.py"),
        "ten_minutes": script(environments.sdk, "ten_minutes.py"),
    }
    return {key: _starts_s([*uvx, *command]) for key, command in commands.items()}


def _starts_s(command: Sequence[str]) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **inherited(),
            "UPSTREAM_URL": "http://127.0.0.1:9",  # no tool is called
            "UV_CACHE_DIR": f"{folder}/cache",
            "UV_TOOL_DIR": f"{folder}/tools",
            "UV_PYTHON": sys.executable,
            "UV_PYTHON_DOWNLOADS": "never",
        }

        def start_s(**more: str) -> float:
            with session(command, {**environment, **more}, start_timeout_s=INSTALL_TIMEOUT_S) as started:
                return started.cold_start_ms / 1000

        cold = start_s()
        return {
            "cold": cold,
            "warm": statistics.median(start_s() for _ in range(_WARM_TIMES)),
            "offline": statistics.median(start_s(UV_OFFLINE="1") for _ in range(_WARM_TIMES)),
        }


def measure(environments: Environments, *, with_times: bool) -> dict[str, Any]:
    """Sizes, and the times of uvx where they are wanted and a registry answers."""
    times = None
    if with_times:
        try:
            times = uvx_s(environments)
        except DriverError as error:  # without a registry the rest of the run stands
            print(error, file=sys.stderr)
    return {"environments": sizes(environments), "uvx_s": times}
