"""What is measured: each scenario once a round for each of its servers, so that a drift of the machine hits all."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from canned import Upstream, bare_httpx, requests_ms
from driver import DriverError, Session, session, text_of
from environments import Environments
from servers import servers
from targets import judged_growth, judged_scenarios, summary, undecided

_T = TypeVar("_T")

MEASURED: Final = ("ours", "fastmcp", "fastmcp_new", "typescript", "typescript_2", "ten_minutes", "bare")
WITH_PAGES: Final = (
    "ours_unlimited",
    "fastmcp",
    "fastmcp_new",
    "typescript",
    "typescript_2",
    "typescript_both",
    "ten_minutes",
)
WITH_SMALL_PAGES: Final = ("ours_unlimited", "typescript", "typescript_2")
WARM: Final = ("ours", "typescript", "typescript_2", "raw_request")
FLOORS: Final = ("noop_ours", "raw_request")
GROWTH: Final = ("ours_unlimited", "fastmcp", "typescript")

GET: Final = ("experiments_get", {"experiment_id": "experiment-1"})
PAGE: Final = ("experiments_runs_list", {"experiment_id": "runs-500-2000", "limit": 500})
PAGE_TO_FIT: Final = ("experiments_runs_list", {"experiment_id": "runs-500-10000", "limit": 500})
OUTPUT: Final = "A thousand runs of three hundred characters. " * 7
RUNS: Final = [
    {"example_id": f"example_{number:06}", "output": OUTPUT[:300], "model": "gpt-4o-mini", "latency_ms": number}
    for number in range(1000)
]
CREATE: Final = ("experiments_create", {"name": "n", "dataset_id": "RGF0YXNldDoxOmFCY0Q=", "experiment_runs": RUNS})
# What a model gets that names no limit: 50 experiments, and 50 runs of 2,000 characters.
ANSWERS: Final[dict[str, dict[str, Any]]] = {
    "experiments_create": {**CREATE[1], "experiment_runs": RUNS[:3]},
    "experiments_delete": {"experiment_id": "experiment-1"},
    "experiments_get": GET[1],
    "experiments_list": {},
    "experiments_runs_list": {"experiment_id": "runs-500-2000"},
}

IN_FLIGHT: Final = 64
MEMORY_CALLS: Final = 100
SMALL_PAGES: Final = {"page_1_ms": 1, "page_5_ms": 5, "page_50_ms": 50}
# From the first that is much more than what a call costs at all, targets.py compares what the steps cost.
GROWTH_IN_FLIGHT: Final = (1, 4, 16, 64, 128, 192, 256)
GROWTH_RUNS: Final = (1, 5, 50, 100, 200, 300, 400, 500)
GROWTH_CHARS: Final = (100, 1_000, 10_000, 100_000, 200_000, 300_000, 400_000, 1_000_000)
# Where the rounds don't decide a target, more are added.
MOST_ROUNDS: Final = 25


@dataclass(frozen=True)
class Plan:
    """How much of everything."""

    rounds: int
    adds_rounds: bool
    warm_calls: int
    get_calls: int
    load_s: float
    page_calls: int
    create_calls: int
    memory_rounds: int
    growth_rounds: int
    growth_calls: int
    growth_load_s: float
    growth_servers: tuple[str, ...]
    install_times: bool
    task_rounds: int
    delay_rounds: int
    over_http_rounds: int
    over_http_load_s: float


QUICK: Final = Plan(
    rounds=3,
    adds_rounds=False,
    warm_calls=1_000,
    get_calls=150,
    load_s=0.6,
    page_calls=6,
    create_calls=4,
    memory_rounds=1,
    growth_rounds=1,
    growth_calls=8,
    growth_load_s=0.3,
    growth_servers=("ours_unlimited",),
    install_times=False,
    task_rounds=1,
    delay_rounds=1,
    over_http_rounds=1,
    over_http_load_s=1.0,
)
FULL: Final = Plan(
    rounds=9,
    adds_rounds=True,
    warm_calls=3_000,
    get_calls=300,
    load_s=1.0,
    page_calls=10,
    create_calls=6,
    memory_rounds=3,
    growth_rounds=7,
    growth_calls=12,
    growth_load_s=1.0,
    growth_servers=GROWTH,
    install_times=True,
    task_rounds=3,
    delay_rounds=5,
    over_http_rounds=5,
    over_http_load_s=2.0,
)

# At 20 ms a call, as many calls as the others make would take most of the time.
_SLOW: Final = "ten_minutes"
_GET_PASSES: Final = 4
_WARM_UP: Final = 30
# What a server still does when it has answered shall not slow the start of the next.
_PAUSE_S: Final = 0.1


@dataclass
class Results:
    """The value of each round, by scenario and server; and, by dimension, server and size, those of growth."""

    rounds: defaultdict[str, defaultdict[str, list[float]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )
    growth: defaultdict[str, defaultdict[str, defaultdict[int, list[float]]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    )
    model_pays: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])

    def scenarios(self) -> dict[str, Any]:
        """The summaries by scenario and server."""
        return {
            scenario: {server: summary(values) for server, values in by_server.items()}
            for scenario, by_server in self.rounds.items()
        }

    def memory(self) -> dict[str, Any]:
        """Those of memory."""
        return {scenario: by for scenario, by in self.scenarios().items() if scenario.startswith("memory_")}

    def sizes(self) -> dict[str, Any]:
        """The summaries of growth, by dimension, server and size."""
        return {
            dimension: {
                server: {str(size): summary(values) for size, values in sorted(by_size.items())}
                for server, by_size in by_server.items()
            }
            for dimension, by_server in self.growth.items()
        }


class Run:
    """One run of all scenarios according to a plan."""

    def __init__(self, environments: Environments, canned: Upstream, plan: Plan) -> None:
        self._environments = environments
        self._upstream = canned
        self._plan = plan
        self._servers = servers(environments, canned.port)
        self.results = Results()

    def measure(self) -> Results:
        plan = self._plan
        rounds("calls", plan.rounds, self._round, lambda: judged_scenarios(self.results.scenarios()), plan)
        rounds("memory", plan.memory_rounds, self._memory, lambda: judged_scenarios(self.results.memory()), plan)
        rounds("growth", plan.growth_rounds, self._growth, lambda: judged_growth(self.results.sizes()), plan)
        return self.results

    def _round(self, number: int) -> None:
        rounds = self.results.rounds
        with ExitStack() as stack:
            # The servers of a round live side by side: idle, they cost nothing.
            running: dict[str, Session] = {}
            for key in turned(("bare_empty", *MEASURED, "ours_unlimited", "typescript_both", *FLOORS), number):
                time.sleep(_PAUSE_S)
                running[key] = stack.enter_context(self._session(key))
            for key in ("bare_empty", *MEASURED):
                rounds["cold_start_ms"][key].append(running[key].cold_start_ms)
            for key in turned(MEASURED, number):
                first_ms = running[key].cold_start_ms + running[key].latencies_ms(*GET, 1)[0]
                rounds["first_answer_ms"][key].append(first_ms)
            if number == 0:
                for key in ("ours", "fastmcp", "fastmcp_new", "typescript", "typescript_2", "ten_minutes"):
                    self._check_answers(key, running[key])
            httpx = stack.enter_context(bare_httpx(self._environments, self._upstream.port))
            self._get(running, httpx, number)
            self._load(running, number)
            self._get_warm(running, number)
            self._pages(running, number)
            self._create(running, number)
            self._fitted(running["ours"])

    def _check_answers(self, key: str, running: Session) -> None:
        """All five tools really do what they say; and what a model pays for their answers."""
        without = [{name: part for name, part in tool.items() if name != "outputSchema"} for tool in running.tools]
        pays: dict[str, Any] = {
            "tools": _compact(running.tools),
            "tools_without_output": _compact(without),
            "tools_line": running.tools_line_chars,
        }
        for tool, arguments in ANSWERS.items():
            before = self._upstream.requests()
            reply = running.call(tool, arguments)
            requests = self._upstream.requests() - before
            text = text_of(reply)
            expected = {
                "experiments_create": "RXhwZXJpbWVudDoxOm5ldw==",
                "experiments_delete": "",  # the API answers with nothing, and so do some servers
                "experiments_get": "experiment-1",
                "experiments_list": "experiment-0",
                "experiments_runs_list": "run_000000",
            }[tool]
            if expected not in text or not requests:
                raise DriverError(f"{key}: {tool} sent {requests} requests and answered {text[:300]}")
            pays[tool] = {"text": len(text), "line": len(reply.decode()), "requests": requests}
        self.results.model_pays[key] = pays

    def _get(self, running: dict[str, Session], httpx: subprocess.Popen[str], number: int) -> None:
        latencies_ms: defaultdict[str, list[float]] = defaultdict(list)
        order = turned((*MEASURED, *FLOORS, "bare_httpx", "bare_httpx_loop", "raw_socket"), number)
        for each_pass in range(_GET_PASSES + 1):
            for key in order:
                calls = self._plan.get_calls // _GET_PASSES if each_pass else _WARM_UP
                if key == _SLOW:
                    calls //= 8
                match key:
                    case "bare_httpx":
                        # Woken for each request, as a server is.
                        taken = [latency_ms for _ in range(calls) for latency_ms in requests_ms(httpx, 1)]
                    case "bare_httpx_loop":
                        taken = requests_ms(httpx, calls)
                    case "raw_socket":
                        taken = self._upstream.latencies_ms(calls)
                    case _:
                        taken = running[key].latencies_ms(*GET, calls)
                if each_pass:
                    latencies_ms[key] += taken
        self._keep("get_ms", latencies_ms)

    def _get_warm(self, running: dict[str, Session], number: int) -> None:
        """After so many calls a server that compiles what runs often has done so; few sessions make as many."""
        for key in WARM:
            running[key].latencies_ms(*GET, self._plan.warm_calls)
        latencies_ms: defaultdict[str, list[float]] = defaultdict(list)
        for _ in range(_GET_PASSES):
            for key in turned(WARM, number):
                latencies_ms[key] += running[key].latencies_ms(*GET, self._plan.get_calls // _GET_PASSES)
        self._keep("get_warm_ms", latencies_ms)

    def _load(self, running: dict[str, Session], number: int) -> None:
        for key in turned((*MEASURED, *FLOORS), number):
            calls_per_s = running[key].load(*GET, IN_FLIGHT, duration_s=self._plan.load_s)
            self.results.rounds["load_per_s"][key].append(calls_per_s)

    def _pages(self, running: dict[str, Session], number: int) -> None:
        for key in turned(("ours", *WITH_PAGES), number):
            running[key].latencies_ms(*PAGE, 2)
            self._keep("page_ms", {key: running[key].latencies_ms(*PAGE, self._plan.page_calls)})

        for scenario, runs in SMALL_PAGES.items():
            latencies_ms: defaultdict[str, list[float]] = defaultdict(list)
            page = ("experiments_runs_list", {**PAGE[1], "limit": runs})
            for key in WITH_SMALL_PAGES:
                running[key].latencies_ms(*page, _WARM_UP)
            for _ in range(_GET_PASSES):
                for key in turned(WITH_SMALL_PAGES, number):
                    latencies_ms[key] += running[key].latencies_ms(*page, self._plan.page_calls)
            self._keep(scenario, latencies_ms)

    def _create(self, running: dict[str, Session], number: int) -> None:
        for key in turned(("ours", "fastmcp", "typescript", "typescript_2", "ten_minutes"), number):
            running[key].latencies_ms(*CREATE, 2)
            self._keep("create_ms", {key: running[key].latencies_ms(*CREATE, self._plan.create_calls)})

    def _fitted(self, ours: Session) -> None:
        ours.latencies_ms(*PAGE_TO_FIT, 1)
        before = self._upstream.requests()
        latencies_ms = ours.latencies_ms(*PAGE_TO_FIT, self._plan.page_calls)
        requests = (self._upstream.requests() - before) / len(latencies_ms)
        self._keep("fitted_ms", {"ours": latencies_ms})
        self.results.rounds["fitted_requests"]["ours"].append(requests)

    def _memory(self, number: int) -> None:
        """Peaks are of a process's whole life, so each takes one of its own."""
        rounds = self.results.rounds
        for key in turned((*WITH_PAGES, "bare", "bare_page"), number):
            with self._session(key) as running:
                running.latencies_ms(*PAGE, MEMORY_CALLS // 5)
                rounds["memory_after_20_mib"][key].append(running.peak_memory_mib())
                running.latencies_ms(*PAGE, MEMORY_CALLS - MEMORY_CALLS // 5)
                rounds["memory_mib"][key].append(running.peak_memory_mib())
        for key in turned((*WITH_PAGES, "bare_page"), number):
            with self._session(key) as running:
                running.load(*PAGE, IN_FLIGHT, calls=2 * IN_FLIGHT)
                rounds["memory_in_flight_mib"][key].append(running.peak_memory_mib())

    def _growth(self, number: int) -> None:
        growth, plan = self.results.growth, self._plan
        with ExitStack() as stack:
            running = {key: stack.enter_context(self._session(key)) for key in plan.growth_servers}
            for session_ in running.values():
                session_.latencies_ms(*GET, _WARM_UP)
                session_.latencies_ms(*PAGE, 2)
            for in_flight in turned(GROWTH_IN_FLIGHT, number):
                for key in turned(plan.growth_servers, number):
                    calls_per_s = running[key].load(*GET, in_flight, duration_s=plan.growth_load_s)
                    growth["in_flight"][key][in_flight].append(in_flight / calls_per_s * 1000)
            for dimension, sizes in (("runs", GROWTH_RUNS), ("chars", GROWTH_CHARS)):
                for size in turned(sizes, number):
                    experiment_id = "runs-500-2000" if dimension == "runs" else f"runs-1-{size}"
                    arguments = {"experiment_id": experiment_id, "limit": size if dimension == "runs" else 1}
                    for key in turned(plan.growth_servers, number):
                        running[key].latencies_ms("experiments_runs_list", arguments, 2)
                        taken = running[key].latencies_ms("experiments_runs_list", arguments, plan.growth_calls)
                        growth[dimension][key][size].append(statistics.median(taken))

    def _session(self, key: str) -> AbstractContextManager[Session]:
        server = self._servers[key]
        return session(server.command, server.environment)

    def _keep(self, scenario: str, latencies_ms: dict[str, list[float]]) -> None:
        for key, taken in latencies_ms.items():
            self.results.rounds[scenario][key].append(statistics.median(taken))


def rounds(
    what: str, planned: int, measure: Callable[[int], None], judge: Callable[[], list[dict[str, Any]]], plan: Plan
) -> None:
    """As many rounds as are planned, and more for as long as they don't decide each target."""
    for number in range(MOST_ROUNDS if plan.adds_rounds else planned):
        if number >= planned:
            open_ = undecided(judge())
            if not open_:
                break
            _say(f"{what}: not decided yet: {'; '.join(open_)}")
        _say(f"{what}, round {number + 1} of {max(planned, number + 1)}")
        measure(number)


def turned(keys: Iterable[_T], number: int) -> list[_T]:
    """The same order, begun elsewhere each round: nobody always goes first."""
    keys = list(keys)
    start = number % len(keys)
    return keys[start:] + keys[:start]


def _compact(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
