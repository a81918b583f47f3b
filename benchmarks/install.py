"""What an installation costs: packages, bytes, and the time of uvx from a wheel, cold and warm."""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from typing import Any, Final

from environments import Environments, UnfitError, run

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


def uvx_s(environments: Environments) -> dict[str, float]:
    """Seconds of ``uvx --from WHEEL arize-mcp --version`` with an empty cache, network included, and once more."""
    uv = str(environments.tools.folder / "bin" / "uv")
    command = [uv, "tool", "run", "--quiet", "--from", str(environments.wheel), "arize-mcp", "--version"]
    times: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            "UV_CACHE_DIR": f"{folder}/cache",
            "UV_TOOL_DIR": f"{folder}/tools",
            "UV_PYTHON": sys.executable,
            "UV_PYTHON_DOWNLOADS": "never",
        }
        if "PIP_CERT" in os.environ:
            environment["SSL_CERT_FILE"] = os.environ["PIP_CERT"]
        for _ in range(1 + _WARM_TIMES):
            started = time.perf_counter()
            run(command, environment=environment)
            times.append(time.perf_counter() - started)
    return {"cold": round(times[0], 2), "warm": round(statistics.median(times[1:]), 2)}


def measure(environments: Environments, *, with_times: bool) -> dict[str, Any]:
    times = None
    if with_times:
        try:
            times = uvx_s(environments)
        except UnfitError as error:  # without a registry the rest of the run stands
            print(error, file=sys.stderr)
    return {"environments": sizes(environments), "uvx_s": times}
