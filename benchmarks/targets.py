"""What is to be reached: ratios of what one run measured, against a limit each."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Final

Measure = tuple[str, str]
"""A scenario and a server."""


@dataclass(frozen=True)
class Target:
    """A ratio: the sum of some measures over that of others, and where it should be."""

    name: str
    above: tuple[Measure, ...]
    below: tuple[Measure, ...]
    limit: float
    at_most: bool = True


TARGETS: Final = (
    Target(
        "cold start, over the bare SDK server without tools",
        (("cold_start_ms", "ours"),),
        (("cold_start_ms", "bare_empty"),),
        0.95,
    ),
    Target(
        "cold start and first answer, over FastMCP",
        (("first_answer_ms", "ours"),),
        (("first_answer_ms", "fastmcp"),),
        0.5,
    ),
    Target("cold start, over FastMCP", (("cold_start_ms", "ours"),), (("cold_start_ms", "fastmcp"),), 0.45),
    Target(
        "experiments_get, over a no-op call and a bare httpx request",
        (("get_ms", "ours"),),
        (("get_ms", "noop_ours"), ("get_ms", "bare_httpx")),
        1.15,
    ),
    Target(
        "experiments_get, over a no-op call and a bare httpx request of many in a loop",
        (("get_ms", "ours"),),
        (("get_ms", "noop_ours"), ("get_ms", "bare_httpx_loop")),
        1.15,
    ),
    Target("experiments_get, over FastMCP", (("get_ms", "ours"),), (("get_ms", "fastmcp"),), 0.5),
    Target("experiments_get, over TypeScript", (("get_ms", "ours"),), (("get_ms", "typescript"),), 1.4),
    Target(
        "64 in flight, calls/s over FastMCP",
        (("load_per_s", "ours"),),
        (("load_per_s", "fastmcp"),),
        2.5,
        at_most=False,
    ),
    Target(
        "page of 500 runs, over TypeScript (text only)",
        (("page_ms", "ours_unlimited"),),
        (("page_ms", "typescript"),),
        0.9,
    ),
    Target(
        "peak memory after 100 pages, over the bare SDK server",
        (("memory_mib", "ours_unlimited"),),
        (("memory_mib", "bare"),),
        1.4,
    ),
    Target(
        "peak memory after 100 pages, over that after 20",
        (("memory_mib", "ours_unlimited"),),
        (("memory_after_20_mib", "ours_unlimited"),),
        1.05,
    ),
    Target(
        "peak memory with 64 pages in flight, over FastMCP",
        (("memory_in_flight_mib", "ours_unlimited"),),
        (("memory_in_flight_mib", "fastmcp"),),
        0.6,
    ),
    Target("requests for a 5 MB page that is fitted", (("fitted_requests", "ours"),), (), 2),
    Target(
        "experiments_create of 1,000 runs, over FastMCP", (("create_ms", "ours"),), (("create_ms", "fastmcp"),), 0.8
    ),
)
# A cost that grows no faster than its cause; a tenth is allowed for what the machine does meanwhile.
GROWTH_LIMIT: Final = 1.1
GROWTH_TARGETS: Final = {
    "in_flight": "calls in flight: cost of a call, over that at a smaller size",
    "runs": "runs a page: cost of a run, over that at a smaller size",
    "chars": "characters an output: cost of a character, over that at a smaller size",
}
TOOLS_CHARS_LIMIT: Final = 10_000
TASK_LIMITS: Final = {"calls": 1, "chars": 6_000, "requests": 1, "seconds": 1.2}
COMPUTING_MS_LIMIT: Final = 60


def summary(values: list[float]) -> dict[str, Any]:
    """The median of the rounds, and how far they are apart."""
    kept = [round(value, 4) for value in values]
    return {"median": round(statistics.median(values), 4), "min": min(kept), "max": max(kept), "rounds": kept}


def judged(result: dict[str, Any]) -> list[dict[str, Any]]:
    """Each target with what was measured, and whether it is met."""
    rows = [_judged(target, result["scenarios"]) for target in TARGETS]
    for dimension, name in GROWTH_TARGETS.items():
        worst = _worst_growth(result["growth"][dimension]["ours_unlimited"])
        rows.append(_row(name, worst, GROWTH_LIMIT, at_most=True))
    tools = float(result["model_pays"]["ours"]["tools"])
    rows.append(_row("characters of tools/list", [tools], TOOLS_CHARS_LIMIT, at_most=True))
    return [*rows, *judged_tasks(result["tasks"]), *judged_over_http(result["over_http"])]


def judged_over_http(measured: dict[str, Any]) -> list[dict[str, Any]]:
    """Calls over HTTP against FastMCP's."""

    def ratios(connections: int, cost: str) -> list[float]:
        ours, theirs = (measured[server][str(connections)][cost]["rounds"] for server in ("ours", "fastmcp"))
        return [mine / others for mine, others in zip(ours, theirs, strict=True)]

    return [
        _row("over HTTP, calls/s at 16 connections over FastMCP", ratios(16, "per_s"), 2.0, at_most=False),
        _row("over HTTP, p50 at 1 connection over FastMCP", ratios(1, "p50_ms"), 1.0, at_most=True),
    ]


def judged_tasks(measured: dict[str, Any]) -> list[dict[str, Any]]:
    """The targets of what a model's question costs, where the server computes the answer."""
    rows: list[dict[str, Any]] = []
    for task in measured["tasks"].values():
        costs = task["servers"]["ours_analysis"]
        least = {"calls": 1, "chars": 1, "requests": task["requests"], "seconds": task["api_s"]}
        names = {
            "calls": "calls",
            "chars": "characters",
            "requests": "requests over pages and one for each experiment",
            "seconds": "seconds over the API's own, in sequence",
        }
        for cost, limit in TASK_LIMITS.items():
            ratios = [value / least[cost] for value in costs[cost]["rounds"]]
            rows.append(_row(f"{task['title']}: {names[cost]}", ratios, limit, at_most=True))
    computing_ms = measured["computing_ms"]["rounds"]
    return [*rows, _row("computing 2 x 1,000 runs of 2 kB, ms", computing_ms, COMPUTING_MS_LIMIT, at_most=True)]


def _judged(target: Target, scenarios: dict[str, Any]) -> dict[str, Any]:
    above = _sums(target.above, scenarios)
    below = _sums(target.below, scenarios) if target.below else [1.0] * len(above)
    # Round by round: what both sides suffered together cancels out.
    return _row(target.name, [a / b for a, b in zip(above, below, strict=True)], target.limit, at_most=target.at_most)


def _sums(measures: tuple[Measure, ...], scenarios: dict[str, Any]) -> list[float]:
    rounds = [scenarios[scenario][server]["rounds"] for scenario, server in measures]
    return [sum(values) for values in zip(*rounds, strict=True)]


def _worst_growth(by_size: dict[str, Any]) -> list[float]:
    """Round by round, what a unit costs over what it costs at a smaller size, for the two sizes where that is most."""
    unit_costs = [[value / int(size) for value in entry["rounds"]] for size, entry in by_size.items()]
    ratios = [
        [after / before for before, after in zip(smaller, larger, strict=True)]
        for smaller, larger in combinations(unit_costs, 2)
    ]
    return max(ratios, key=statistics.median)


def _row(name: str, ratios: list[float], limit: float, *, at_most: bool) -> dict[str, Any]:
    measured = summary(ratios)
    met = measured["median"] <= limit if at_most else measured["median"] >= limit
    return {"name": name, **measured, "limit": limit, "at_most": at_most, "met": met}
