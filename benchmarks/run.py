"""One run of the benchmark: measures arize-mcp and what people would use instead, side by side, and judges the ratios.

Run: python benchmarks/run.py [--quick] [--check] [--force] [--output FILE] [--environments FOLDER]. Linux only (/proc).
The first run makes the peers' environments under .venv-bench/, for which it needs npm, and takes some minutes longer.
Traffic stays on loopback; only installing, and the full run's uvx, ask the registries. Exit code 0; with --check 1
where a target is missed or not decided; 2 where nothing could be measured.
"""

from __future__ import annotations

import argparse
import gc
import json
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any, Final

import delays
import install
import machine
import over_http
import tasks
from canned import upstream
from driver import DriverError
from environments import ROOT, Environments, UnfitError
from report import markdown
from scenarios import FULL, QUICK, Results, Run
from targets import MET, judged

RUN_TIMEOUT_S: Final = 7200


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure arize-mcp beside what people would use instead.")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, and none added: some minutes")
    parser.add_argument("--check", action="store_true", help="exit code 1 where a target isn't met")
    parser.add_argument("--force", action="store_true", help="measure although the machine is busy, and say so")
    parser.add_argument("--output", type=Path, help="where the result goes, as JSON")
    parser.add_argument("--environments", type=Path, default=ROOT / ".venv-bench", help="folder for the environments")
    options = parser.parse_args()
    output: Path = options.output or (options.environments / ("quick.json" if options.quick else "full.json"))

    try:
        environments = Environments(options.environments.absolute())
        environments.install()
        stale = environments.stale()
        if stale:
            raise UnfitError(
                f"{len(stale)} modules aren't compiled, such as {stale[0]}. Delete {options.environments}, and the "
                "next run makes the environments anew."
            )
        reasons = machine.busy()
        if reasons and not options.force:
            raise UnfitError(f"{'; '.join(reasons)}. Measure later, or with --force.")
        result = measure(environments, quick=options.quick, reasons=reasons)
    except (DriverError, UnfitError) as error:
        print(f"nothing measured: {error}", file=sys.stderr)
        return 2
    output.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(markdown(result))
    print(f"{result['took_s']:.0f} s; the result is in {output.name}", file=sys.stderr)
    return 1 if options.check and not all(target["verdict"] == MET for target in result["targets"]) else 0


def measure(environments: Environments, *, quick: bool, reasons: list[str]) -> dict[str, Any]:
    """All that a run finds out, ready for JSON."""
    plan = QUICK if quick else FULL
    signal.signal(signal.SIGALRM, _too_long)
    signal.alarm(RUN_TIMEOUT_S)
    started = time.monotonic()
    gc.disable()  # a collection in the driver would look like a slow server
    with machine.watched() as foreign, upstream() as canned:
        results = Run(environments, canned, plan).measure()
    gc.enable()
    measured_delays = delays.measure(environments, plan)
    measured_tasks = tasks.measure(environments, plan)
    measured_over_http = over_http.measure(environments, plan)
    installed = install.measure(environments, with_times=plan.install_times)
    signal.alarm(0)
    result: dict[str, Any] = {
        "date": datetime.now(UTC).date().isoformat(),
        "quick": quick,
        "forced": bool(reasons),
        "busy": reasons,
        "foreign_load": foreign[0],
        "took_s": round(time.monotonic() - started, 1),
        "machine": machine.facts(),
        "versions": _versions(environments),
        **_measured(results),
        "delays": measured_delays,
        "tasks": measured_tasks,
        "over_http": measured_over_http,
        "install": installed,
    }
    result["targets"] = judged(result)
    return result


def _measured(results: Results) -> dict[str, Any]:
    return {
        "scenarios": results.scenarios(),
        "growth": results.sizes(),
        "model_pays": results.model_pays,
    }


def _versions(environments: Environments) -> dict[str, Any]:
    shared = ("anyio", "httpx", "httpx2", "mcp", "pydantic", "pydantic-core")
    ours = environments.ours.versions()
    return {
        "arize-mcp": ours["arize-mcp"],
        "fastmcp": environments.fastmcp.versions()["fastmcp"],
        "fastmcp, newest": environments.fastmcp_new.versions()["fastmcp"],
        "@modelcontextprotocol/sdk": environments.typescript.versions()["@modelcontextprotocol/sdk"],
        "@modelcontextprotocol/server": environments.typescript_2.versions()["@modelcontextprotocol/server"],
        **{name: version for name, version in ours.items() if name.replace("_", "-") in shared},
    }


def _too_long(_: int, __: FrameType | None) -> None:
    raise UnfitError(f"it took longer than {RUN_TIMEOUT_S} s")


if __name__ == "__main__":
    sys.exit(main())
