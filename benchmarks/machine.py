"""The machine: what it is, and whether it has the peace to measure."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

_IDLE_AT_LEAST: Final = 0.9
_SLOWED_AT_MOST: Final = 1.25
_WATCHED_S: Final = 1.0
_SPINS: Final = 40
_LOOKS: Final = 25


def facts() -> dict[str, Any]:
    """What figures depend on, and nothing that tells whose machine it is."""
    return {
        "architecture": platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "node": subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip(),
    }


def busy() -> list[str]:
    """Why nothing should be measured, half a minute long: a sentence each, and none as soon as there is peace."""
    best_ms = _spin_ms()
    reasons: list[str] = []
    for _ in range(_LOOKS):
        reasons.clear()
        before = _cpu_times()
        time.sleep(_WATCHED_S)
        total, used = _spent_since(before)
        idle = 1 - used / total
        if idle < _IDLE_AT_LEAST:
            reasons.append(f"the processors are idle only {idle:.0%} of the time, not {_IDLE_AT_LEAST:.0%}")
        # A virtual machine's neighbour on the same core shows nowhere else. Its short visits hit all servers alike, and
        # medians pass over them.
        spins_ms = [_spin_ms() for _ in range(_SPINS)]
        best_ms = min(best_ms, *spins_ms)
        slowed = statistics.median(spins_ms) / best_ms
        if slowed > _SLOWED_AT_MOST:
            reasons.append(f"the same loop mostly takes {slowed:.2f} times as long as at best, not {_SLOWED_AT_MOST}")
        if not reasons:
            break
    return reasons


@contextmanager
def watched() -> Generator[list[float]]:
    """How much of the machine went to others meanwhile, from 0 to 1: told when all children have ended."""
    found: list[float] = []
    before, own_before = _cpu_times(), sum(os.times()[:4])
    yield found
    total, used = _spent_since(before)
    own = (sum(os.times()[:4]) - own_before) * os.sysconf("SC_CLK_TCK")
    found.append(round(max(0.0, (used - own) / total), 3))


def _spent_since(before: list[int]) -> tuple[int, int]:
    """Ticks of all processors since then, and how many of them were not idle."""
    spent = [after - earlier for after, earlier in zip(_cpu_times(), before, strict=True)]
    return max(1, sum(spent)), sum(spent) - spent[3] - spent[4]


def _cpu_times() -> list[int]:
    """user, nice, system, idle, iowait, irq, softirq, steal."""
    return [int(field) for field in Path("/proc/stat").read_text(encoding="utf-8").split("\n", 1)[0].split()[1:9]]


def _spin_ms() -> float:
    started = time.perf_counter()
    total = 0
    for number in range(200_000):
        total += number
    return (time.perf_counter() - started) * 1000
