"""What the benchmark says without measuring: when a target is met, missed or open, and why nothing can be measured."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.test_documents import ROOT

BENCHMARKS = ROOT / "benchmarks"
TARGETS = runpy.run_path(str(BENCHMARKS / "targets.py"))


def verdict(rounds: list[float]) -> str:
    """Of FastMCP's calls and ours, where at most half of its time is allowed."""
    calls = {server: {"rounds": values} for server, values in (("ours", rounds), ("fastmcp", [1.0] * len(rounds)))}
    (row,) = [row for row in TARGETS["judged_scenarios"]({"get_ms": calls}) if row["name"].endswith("over FastMCP")]
    return row["verdict"]


def growth(dimension: str, cost: Callable[[int], float], step: int) -> list[dict[str, Any]]:
    sizes = [step // 100, *(step * number for number in (1, 2, 3, 4, 10))]
    by_size = {str(size): {"rounds": [cost(size)] * 9} for size in sizes}
    judged = TARGETS["_worst_growth"](by_size, dimension)
    return [TARGETS["_row"](dimension, judged, TARGETS["GROWTH_LIMIT"], at_most=True)]


def test_a_target_is_met_or_missed_where_the_interval_of_the_rounds_says_so():
    assert verdict([0.3] * 8 + [0.9]) == "met", "one round of nine is no reason"
    assert verdict([0.9] * 8 + [0.3]) == "missed"


def test_a_target_is_open_where_the_interval_spans_the_limit():
    assert verdict([0.4] * 5 + [0.6] * 4) == "not decided"
    assert verdict([0.4] * 3 + [0.6]) == "not decided"
    assert verdict([0.4] * 18 + [0.6] * 7) == "met", "more rounds decide it"


@pytest.mark.parametrize("rounds", range(1, 26))
def test_the_interval_holds_the_median_and_narrows_with_the_rounds(rounds: int):
    values = [float(number) for number in range(rounds)]
    low, high = TARGETS["interval"](values)
    assert low <= (rounds - 1) / 2 <= high
    if rounds >= 9:
        assert (low, high) != (values[0], values[-1])


@pytest.mark.parametrize(("dimension", "step"), [("in_flight", 64), ("runs", 100), ("chars", 100_000)])
def test_growth_is_met_where_it_is_linear_and_missed_where_it_is_square(dimension: str, step: int):
    assert [row["verdict"] for row in growth(dimension, lambda size: 0.5 + size, step)] == ["met"]
    assert [row["verdict"] for row in growth(dimension, lambda size: size**2, step)] == ["missed"]


@pytest.mark.skipif(sys.platform != "linux", reason="the benchmark is Linux's")
@pytest.mark.parametrize("script", ["run.py", "delays.py", "tasks.py", "over_http.py"])
def test_without_node_nothing_is_measured_and_a_sentence_says_so(script: str, tmp_path: Path):
    done = subprocess.run(
        [sys.executable, BENCHMARKS / script, "--environments", tmp_path / "environments"],
        env={**os.environ, "PATH": str(tmp_path)},
        capture_output=True,
        check=False,
        encoding="utf-8",
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "nothing measured: node and npm can't be found, and without them there is no TypeScript server to compare "
        "with. Install Node.js 20 or newer, which brings both.\n"
    )


@pytest.mark.skipif(sys.platform != "linux", reason="the benchmark is Linux's")
def test_modules_frozen_into_the_interpreter_count_as_compiled():
    done = subprocess.run(
        [sys.executable, "-B", BENCHMARKS / "bytecode.py", "os", "codecs"],
        capture_output=True,
        check=False,
        encoding="utf-8",
    )
    frozen = [name for name in ("os.py", "codecs.py", "abc.py") if f"/{name}\n" in done.stdout]
    assert not frozen


@pytest.mark.skipif(sys.platform != "linux", reason="the benchmark is Linux's")
def test_what_it_starts_goes_through_no_proxy():
    told = subprocess.run(
        [sys.executable, "-c", "import environments; print(sorted(environments.local()))"],
        cwd=BENCHMARKS,
        env={**os.environ, "http_proxy": "http://127.0.0.1:9", "HTTPS_PROXY": "x", "ALL_PROXY": "x"},
        capture_output=True,
        check=True,
        encoding="utf-8",
    )
    assert "proxy" not in told.stdout.lower()
