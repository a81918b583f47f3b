"""A result as Markdown: the targets first, then the tables that they come from.

Run: python benchmarks/report.py RESULT.json [DOCUMENT.md]. With a document it takes the place of what stands there
between the two marks.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final

from servers import TITLES

_COLUMNS: Final = {
    "cold_start_ms": "cold start to tools/list, ms",
    "first_answer_ms": "cold start and first `experiments_get`, ms",
    "get_ms": "`experiments_get` p50 after 30 calls, ms",
    "get_warm_ms": "after 3,000 calls, ms",
    "load_per_s": "64 in flight, calls/s",
    "page_ms": "page of 500 runs x 2 kB p50, ms",
    "page_1_ms": "of 1 run",
    "page_5_ms": "of 5",
    "page_50_ms": "of 50",
    "create_ms": "create with 1,000 runs p50, ms",
}
_MEMORY_COLUMNS: Final = {
    "memory_after_20_mib": "after 20 pages",
    "memory_mib": "after 100 pages, one at a time",
    "memory_in_flight_mib": "after 128 pages, 64 in flight",
}
_GROWTH: Final = {
    "in_flight": "calls in flight, divided by calls/s, in ms",
    "runs": "runs of 2 kB a page, and p50 in ms",
    "chars": "characters of one run's output, and p50 in ms",
}
_TOOLS: Final = (
    "experiments_create",
    "experiments_delete",
    "experiments_get",
    "experiments_list",
    "experiments_runs_list",
)
_UVX_COLUMNS: Final = {"cold": "empty cache, once", "warm": "again", "offline": "offline"}
_FOREIGN_LOAD_TOLD: Final = 0.05
_BEGIN: Final = "<!-- written by make bench -->"
_END: Final = "<!-- end of what make bench writes -->"

Rows = list[list[str]]


def markdown(result: dict[str, Any]) -> str:
    """All tables of a result."""
    parts = [
        _about(result),
        "### Targets",
        _targets(result["targets"]),
        "### Time",
        _scenarios(result["scenarios"], _COLUMNS),
        "### Peak memory, MiB",
        _scenarios(result["scenarios"], _MEMORY_COLUMNS),
        "### A page of 5 MB, fitted to 40,000 characters",
        _fitted(result["scenarios"]),
        "### Growth",
        *(f"{title}:\n\n{_growth(result['growth'][dimension])}" for dimension, title in _GROWTH.items()),
        *(("### Tasks, with an API that takes 100 ms", tasks(result["tasks"])) if "tasks" in result else ()),
        *(("### Over HTTP", over_http(result["over_http"])) if "over_http" in result else ()),
        *(
            (
                "### An API that takes its time",
                delays(result["delays"]),
                "What `ARIZE_MCP_MAX_CONNECTIONS` decides, 64 in flight:",
                connections(result["delays"]),
            )
            if "delays" in result
            else ()
        ),
        "### What a model pays, characters",
        _model_pays(result["model_pays"]),
        "### Installation",
        _install(result["install"]),
    ]
    return "\n\n".join(parts)


def _about(result: dict[str, Any]) -> str:
    where, versions = result["machine"], ", ".join(f"{name} {version}" for name, version in result["versions"].items())
    scenarios, growth = result["scenarios"], result["growth"]["runs"]["ours_unlimited"]["1"]
    rounds, of_memory, of_growth = (
        len(each["rounds"])
        for each in (scenarios["page_ms"]["ours"], scenarios["memory_mib"]["ours_unlimited"], growth)
    )
    forced = f" **Measured although the machine was busy: {'; '.join(result['busy'])}.**" if result["forced"] else ""
    if result["foreign_load"] > _FOREIGN_LOAD_TOLD:
        forced += f" **Meanwhile others took {result['foreign_load']:.0%} of the machine: measure again in peace.**"
    return (
        f"{result['date']}, {'quick' if result['quick'] else 'full'} run: medians of {rounds} interleaved rounds "
        f"(memory {of_memory}, growth {of_growth}), and in brackets the least and the most; with targets, "
        f"where the median is with 95 % confidence. {where['cores']} cores, "
        f"Linux, Python {where['python']}, Node {where['node']}; {versions}.{forced}"
    )


def _targets(targets: list[dict[str, Any]]) -> str:
    rows = [
        [
            target["name"],
            _with_interval(target),
            f"{'at most' if target['at_most'] else 'at least'} {target['limit']:,}",
            target["verdict"] if target["verdict"] == "met" else f"**{target['verdict']}**",
        ]
        for target in targets
    ]
    return _table(["target", "measured", "limit", ""], rows)


def _scenarios(scenarios: dict[str, Any], columns: dict[str, str]) -> str:
    columns = {column: title for column, title in columns.items() if column in scenarios}
    keys = [key for key in TITLES if any(key in scenarios[column] for column in columns)]
    rows = [[TITLES[key], *(_with_spread(scenarios[column].get(key)) for column in columns)] for key in keys]
    return _table(["", *columns.values()], rows)


def _fitted(scenarios: dict[str, Any]) -> str:
    row = [_with_spread(scenarios["fitted_ms"]["ours"]), _number(scenarios["fitted_requests"]["ours"]["median"])]
    return _table(["p50, ms", "requests a call"], [row])


def _growth(by_server: dict[str, Any]) -> str:
    sizes = list(next(iter(by_server.values())))
    rows = [[TITLES[key], *(_with_spread(by_size[size]) for size in sizes)] for key, by_size in by_server.items()]
    return _table(["", *(f"{int(size):,}" for size in sizes)], rows)


def tasks(measured: dict[str, Any]) -> str:
    """What each task costs by each way."""
    ways = {"ours_analysis": "in one call", "ours": "reading all runs", "fastmcp": "reading all runs"}
    rows = [
        [
            task["title"],
            f"{TITLES[server]}, {ways[server]}",
            *(f"{costs[cost]['median']:,.0f}" for cost in ("calls", "chars", "requests")),
            _with_spread(costs["seconds"]),
        ]
        for task in measured["tasks"].values()
        for server, costs in task["servers"].items()
    ]
    return _table(["task", "by", "calls", "characters read by the model", "requests", "seconds"], rows)


def delays(measured: dict[str, Any]) -> str:
    """What calls cost, by how long the API takes."""
    columns = {
        "get_ms": "`experiments_get` p50, ms",
        "per_s_16": "16 in flight, calls/s",
        "per_s_64": "64 in flight, calls/s",
        "paging_s": "paging through 1,000 runs of 1 kB, s",
        "requests_a_page": "requests a page",
    }
    rows = [
        [f"{delay} ms", TITLES[server], *(_with_spread(costs[column]) for column in columns)]
        for delay, by_server in measured["servers"].items()
        for server, costs in by_server.items()
    ]
    return _table(["the API takes", "", *columns.values()], rows)


def connections(measured: dict[str, Any]) -> str:
    """Calls a second and memory, by the number of connections."""
    columns = {
        "per_s_20": "20 ms, calls/s",
        "per_s_100": "100 ms, calls/s",
        "memory_20_mib": "20 ms, peak with pages of 1 MB, MiB",
        "memory_100_mib": "100 ms, peak with pages of 1 MB, MiB",
    }
    rows = [
        [
            f"arize-mcp, {server} connections" if server.isdecimal() else TITLES[server],
            *(_with_spread(costs[column]) for column in columns),
        ]
        for server, costs in measured["connections"].items()
    ]
    return _table(["", *columns.values()], rows)


def over_http(measured: dict[str, Any]) -> str:
    """Calls of `experiments_get` a second and the median of one, by connections."""
    connections = list(next(iter(measured.values())))
    header = ["`experiments_get` over HTTP, by connections"]
    header += [f"{number}: calls/s" for number in connections] + [f"{number}: p50, ms" for number in connections]
    rows = [
        [TITLES[server], *(_with_spread(by[n]["per_s"]) for n in by), *(_with_spread(by[n]["p50_ms"]) for n in by)]
        for server, by in measured.items()
    ]
    return _table(header, rows)


def _model_pays(model_pays: dict[str, Any]) -> str:
    rows = [
        [
            TITLES[key],
            f"{pays['tools']:,}",
            f"{pays['tools_without_output']:,}" if "tools_without_output" in pays else "-",
            *(f"{pays[tool]['text']:,} ({pays[tool]['line']:,})" for tool in _TOOLS),
        ]
        for key, pays in model_pays.items()
    ]
    header = [
        "text shown to the model (whole reply)",
        "tools/list",
        "without output schemas",
        *(f"`{tool}`" for tool in _TOOLS),
    ]
    return _table(header, rows)


def _install(installed: dict[str, Any]) -> str:
    header, times = ["", "size, MB", "packages"], installed["uvx_s"] or {}
    if times:
        header += [f"`uvx` to tools/list, s: {column}" for column in _UVX_COLUMNS.values()]
    rows = [
        [
            TITLES[key],
            f"{entry['size_bytes'] / 1e6:.0f}",
            str(entry["packages"]),
            *(_number(times[key][column]) if key in times else "-" for column in _UVX_COLUMNS if times),
        ]
        for key, entry in installed["environments"].items()
    ]
    return _table(header, rows)


def _with_spread(entry: dict[str, Any] | None) -> str:
    if entry is None:
        return "-"
    median, least, most = (_number(entry[name]) for name in ("median", "min", "max"))
    return median if least == most else f"{median} ({least}-{most})"


def _with_interval(row: dict[str, Any]) -> str:
    median, low, high = (_number(row[name]) for name in ("median", "low", "high"))
    return median if low == high else f"{median} ({low}-{high})"


def _number(value: float) -> str:
    """Three digits that mean something."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _table(header: list[str], rows: Rows) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    tables = markdown(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    if len(sys.argv) < 3:
        print(tables)
        return
    document = Path(sys.argv[2])
    before, after = document.read_text(encoding="utf-8").split(_BEGIN)[0], document.read_text("utf-8").split(_END)[1]
    document.write_text(f"{before}{_BEGIN}\n\n{tables}\n\n{_END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
