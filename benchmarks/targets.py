"""What is to be reached: ratios of what one run measured, against a limit each."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from itertools import pairwise
from math import comb
from typing import Any, Final

MET: Final = "met"
MISSED: Final = "missed"
NOT_DECIDED: Final = "not decided"

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
        0.8,
    ),
    Target(
        "cold start and first answer, over FastMCP",
        (("first_answer_ms", "ours"),),
        (("first_answer_ms", "fastmcp"),),
        0.5,
    ),
    Target("cold start, over FastMCP", (("cold_start_ms", "ours"),), (("cold_start_ms", "fastmcp"),), 0.4),
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
    Target("experiments_get after 30 calls, over TypeScript", (("get_ms", "ours"),), (("get_ms", "typescript"),), 1.0),
    Target(
        "experiments_get after 3,000 calls, over TypeScript",
        (("get_warm_ms", "ours"),),
        (("get_warm_ms", "typescript"),),
        1.1,
    ),
    Target(
        "64 in flight, calls/s over TypeScript",
        (("load_per_s", "ours"),),
        (("load_per_s", "typescript"),),
        1.0,
        at_most=False,
    ),
    Target(
        "64 in flight, calls/s over FastMCP",
        (("load_per_s", "ours"),),
        (("load_per_s", "fastmcp"),),
        2.5,
        at_most=False,
    ),
    *(
        Target(
            f"page of {runs}, over TypeScript (text only)",
            ((scenario, "ours_unlimited"),),
            ((scenario, "typescript"),),
            limit,
        )
        for scenario, runs, limit in (
            ("page_1_ms", "1 run", 1.1),
            ("page_5_ms", "5 runs", 1.1),
            ("page_50_ms", "50 runs", 1.1),
            ("page_ms", "500 runs", 0.8),
        )
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
# What is added costs no more than as much did at first; a tenth is allowed for what the machine does meanwhile.
GROWTH_LIMIT: Final = 1.1
GROWTH_STEPS: Final = {"in_flight": 64, "runs": 100, "chars": 100_000}
GROWTH_TARGETS: Final = {
    "in_flight": "calls in flight: 64 more, over the first 64",
    "runs": "runs a page: 100 more, over the first 100",
    "chars": "characters an output: 100,000 more, over the first 100,000",
}
_CONFIDENCE: Final = 0.95
TOOLS_CHARS_LIMIT: Final = 10_000
TASK_LIMITS: Final = {"calls": 1, "chars": 6_000, "requests": 1, "seconds": 1.2}
COMPUTING_MS_LIMIT: Final = 60
SLOW_API_LIMIT: Final = 0.9
REQUESTS_A_PAGE_LIMIT: Final = 1.05


def summary(values: list[float]) -> dict[str, Any]:
    """The median of the rounds, and how far they are apart."""
    kept = [round(value, 4) for value in values]
    return {"median": round(statistics.median(values), 4), "min": min(kept), "max": max(kept), "rounds": kept}


def interval(values: list[float]) -> tuple[float, float]:
    """Where the median is with 95 % confidence, by the ranks of the rounds; of up to five rounds, all.

    Nothing is supposed of how they are spread: half of all rounds lie on either side of the median, as coins fall.
    """
    ordered, beside = sorted(values), 0
    outside = 2 / 2 ** len(ordered)
    while outside + 2 * comb(len(ordered), beside + 1) / 2 ** len(ordered) <= 1 - _CONFIDENCE:
        beside += 1
        outside += 2 * comb(len(ordered), beside) / 2 ** len(ordered)
    return ordered[beside], ordered[-1 - beside]


def judged(result: dict[str, Any]) -> list[dict[str, Any]]:
    """Each target with what was measured, and its verdict."""
    tools = float(result["model_pays"]["ours"]["tools"])
    return [
        *judged_scenarios(result["scenarios"]),
        *judged_growth(result["growth"]),
        _row("characters of tools/list", [tools], TOOLS_CHARS_LIMIT, at_most=True),
        *judged_delays(result["delays"]),
        *judged_tasks(result["tasks"]),
        *judged_over_http(result["over_http"]),
    ]


def undecided(rows: list[dict[str, Any]]) -> list[str]:
    """The targets that more rounds may decide."""
    return [row["name"] for row in rows if row["verdict"] == NOT_DECIDED]


def judged_scenarios(scenarios: dict[str, Any]) -> list[dict[str, Any]]:
    """The targets whose scenarios have been measured so far."""
    return [
        _judged(target, scenarios)
        for target in TARGETS
        if all(server in scenarios.get(scenario, ()) for scenario, server in (*target.above, *target.below))
    ]


def judged_growth(growth: dict[str, Any]) -> list[dict[str, Any]]:
    """The targets of growth."""
    return [
        _row(name, _worst_growth(growth[dimension]["ours_unlimited"], dimension), GROWTH_LIMIT, at_most=True)
        for dimension, name in GROWTH_TARGETS.items()
    ]


def judged_delays(measured: dict[str, Any]) -> list[dict[str, Any]]:
    """The targets in front of an API that takes 100 ms."""
    slow = measured["servers"]["100"]
    return [
        _row(
            "an API of 100 ms, 64 in flight, calls/s over TypeScript",
            [
                ours / theirs
                for ours, theirs in zip(
                    slow["ours"]["per_s_64"]["rounds"], slow["typescript"]["per_s_64"]["rounds"], strict=True
                )
            ],
            SLOW_API_LIMIT,
            at_most=False,
        ),
        _row(
            "an API of 100 ms, paging as the notes say: requests a page",
            slow["ours"]["requests_a_page"]["rounds"],
            REQUESTS_A_PAGE_LIMIT,
            at_most=True,
        ),
    ]


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


def _worst_growth(by_size: dict[str, Any], dimension: str) -> list[float]:
    """Round by round, what one more step costs over what the first one did, between the sizes where that is most."""
    step = GROWTH_STEPS[dimension]
    costs = {size: by_size[str(size)]["rounds"] for size in sorted(map(int, by_size)) if size >= step}
    ratios = [
        [
            (after - before) / ((larger - smaller) / step) / first
            for first, before, after in zip(costs[step], costs[smaller], costs[larger], strict=True)
        ]
        for smaller, larger in pairwise(costs)
    ]
    return max(ratios, key=statistics.median)


def _row(name: str, ratios: list[float], limit: float, *, at_most: bool) -> dict[str, Any]:
    low, high = interval(ratios)
    within, beyond = (high <= limit, low > limit) if at_most else (low >= limit, high < limit)
    verdict = MET if within else MISSED if beyond else NOT_DECIDED
    return {
        "name": name,
        **summary(ratios),
        "low": round(low, 4),
        "high": round(high, 4),
        "limit": limit,
        "at_most": at_most,
        "verdict": verdict,
    }
