"""An API that takes its time: calls in front of one that takes 0, 20 or 100 ms for each answer.

Run: python benchmarks/delays.py [--quick] [--environments FOLDER], for these tables alone. The second table is what
decides ARIZE_MCP_MAX_CONNECTIONS: calls a second and memory, by its value.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections import defaultdict
from contextlib import ExitStack
from dataclasses import replace
from typing import Any, Final

from alone import alone
from canned import Upstream, upstream
from driver import Session, pages, session
from environments import Environments
from report import connections as connections_table
from report import delays as delays_table
from scenarios import GET, IN_FLIGHT, PAGE, Plan, rounds, turned
from servers import Server, servers
from targets import judged_delays, summary

DELAYS_MS: Final = (0, 20, 100)
SERVERS: Final = ("ours", "fastmcp", "fastmcp_new", "typescript", "typescript_2")
CONNECTIONS: Final = (8, 16, 32, 64)
MEMORY: Final = ("fastmcp", "typescript")
PAGING: Final = ("runs-1000-1000", 500)
_WARM_UP: Final = 30
_Taken = defaultdict[str, defaultdict[str, defaultdict[str, list[float]]]]


def measure(environments: Environments, plan: Plan) -> dict[str, Any]:
    """By delay and server what calls cost, and what the number of connections decides."""
    taken: _Taken = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))

    def measured(number: int) -> None:
        for delay_ms in DELAYS_MS:
            with upstream(delay_ms) as canned, ExitStack() as stack:
                by_key = servers(environments, canned.port)
                running = {
                    key: stack.enter_context(session(by_key[key].command, by_key[key].environment)) for key in SERVERS
                }
                for key in turned(SERVERS, number):
                    for cost, value in _costs(canned, running[key], plan, delay_ms).items():
                        taken[str(delay_ms)][key][cost].append(value)

    def result() -> dict[str, Any]:
        return {"servers": {delay: _summaries(by_server) for delay, by_server in taken.items()}}

    rounds("an API that takes its time", plan.delay_rounds, measured, lambda: judged_delays(result()), plan)
    return {**result(), "connections": _by_connections(environments, plan)}


def _costs(canned: Upstream, running: Session, plan: Plan, delay_ms: int) -> dict[str, float]:
    # Hundreds of calls take long enough where one takes none.
    calls = min(plan.get_calls, 2_000 // max(1, delay_ms))
    running.load(*GET, IN_FLIGHT, calls=2 * IN_FLIGHT)
    costs = {"get_ms": statistics.median(running.latencies_ms(*GET, calls))}
    for in_flight in (16, IN_FLIGHT):
        costs[f"per_s_{in_flight}"] = running.load(*GET, in_flight, duration_s=plan.load_s)
    before, started = canned.requests(), time.perf_counter()
    count = sum(1 for _ in pages(running, *PAGING))
    costs["paging_s"] = time.perf_counter() - started
    costs["requests_a_page"] = (canned.requests() - before) / count
    return costs


def _by_connections(environments: Environments, plan: Plan) -> dict[str, Any]:
    taken: _Taken = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    for number in range(plan.memory_rounds):
        for delay_ms in DELAYS_MS[1:]:
            with upstream(delay_ms) as canned:
                by_key = servers(environments, canned.port)
                for key, server in turned(_with_connections(by_key).items(), number):
                    with session(server.command, server.environment) as running:
                        running.latencies_ms(*GET, _WARM_UP)
                        running.load(*GET, IN_FLIGHT, calls=2 * IN_FLIGHT)
                        per_s = running.load(*GET, IN_FLIGHT, duration_s=plan.load_s)
                    taken["all"][key][f"per_s_{delay_ms}"].append(per_s)
                    with session(server.command, server.environment) as running:
                        running.load(*PAGE, IN_FLIGHT, calls=2 * IN_FLIGHT)
                        taken["all"][key][f"memory_{delay_ms}_mib"].append(running.peak_memory_mib())
    return _summaries(taken["all"])


def _with_connections(by_key: dict[str, Server]) -> dict[str, Server]:
    """arize-mcp with each number of connections, and those that have no limit."""
    ours = by_key["ours_unlimited"]
    return {
        str(number): replace(ours, environment={**ours.environment, "ARIZE_MCP_MAX_CONNECTIONS": str(number)})
        for number in CONNECTIONS
    } | {key: by_key[key] for key in MEMORY}


def _summaries(by_server: dict[str, defaultdict[str, list[float]]]) -> dict[str, Any]:
    return {server: {cost: summary(values) for cost, values in costs.items()} for server, costs in by_server.items()}


def _show(measured: dict[str, Any]) -> None:
    print(delays_table(measured), connections_table(measured), sep="\n\n")
    for row in judged_delays(measured):
        print(f"{row['name']}: {row['median']} ({row['low']} to {row['high']}), limit {row['limit']}: {row['verdict']}")


if __name__ == "__main__":
    sys.exit(alone("Measure calls in front of an API that takes its time.", measure, _show))
