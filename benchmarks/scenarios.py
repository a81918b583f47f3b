"""What is measured: each scenario once a round for each of its servers, so that a drift of the machine hits all."""

from __future__ import annotations

import json
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections import defaultdict
from collections.abc import Generator, Iterable
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from driver import DriverError, Session, session, text_of
from environments import HERE, PEERS, Environments
from servers import servers

_T = TypeVar("_T")

MEASURED: Final = ("ours", "fastmcp", "typescript", "ten_minutes", "bare")
WITH_PAGES: Final = ("ours_unlimited", "fastmcp", "typescript", "typescript_both", "ten_minutes")
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
GROWTH_IN_FLIGHT: Final = (1, 4, 16, 64, 256)
GROWTH_RUNS: Final = (1, 5, 50, 500)
GROWTH_CHARS: Final = (100, 1_000, 10_000, 100_000, 1_000_000)


@dataclass(frozen=True)
class Plan:
    """How much of everything."""

    rounds: int
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


QUICK: Final = Plan(
    rounds=3,
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
)
FULL: Final = Plan(
    rounds=9,
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


class Upstream:
    """The canned upstream, in a process of its own."""

    def __init__(self, port: int) -> None:
        self.port = port

    def requests(self) -> int:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/count", timeout=10) as answer:
            return int(answer.read())

    def latencies_ms(self, calls: int) -> list[float]:
        """Requests on a raw socket: what no client can be faster than."""
        request = b"GET /v2/experiments/experiment-1 HTTP/1.1\r\nHost: upstream\r\n\r\n"
        latencies: list[float] = []
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for _ in range(calls):
                started = time.perf_counter()
                connection.sendall(request)
                connection.recv(65_536)  # the upstream answers in one write
                latencies.append((time.perf_counter() - started) * 1000)
        return latencies


@contextmanager
def upstream(delay_ms: int = 0) -> Generator[Upstream]:
    command = [sys.executable, str(HERE / "upstream.py"), str(delay_ms)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield Upstream(int(process.stdout.readline()))
    finally:
        process.stdin.close()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


@contextmanager
def bare_httpx(environments: Environments, port: int) -> Generator[subprocess.Popen[str]]:
    url = f"http://127.0.0.1:{port}/v2/experiments/experiment-1"
    command = [environments.ours.python, str(PEERS / "bare_httpx.py"), url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.terminate()


class Run:
    """One run of all scenarios according to a plan."""

    def __init__(self, environments: Environments, canned: Upstream, plan: Plan) -> None:
        self._environments = environments
        self._upstream = canned
        self._plan = plan
        self._servers = servers(environments, canned.port)
        self.results = Results()

    def measure(self) -> Results:
        for number in range(self._plan.rounds):
            _say(f"round {number + 1} of {self._plan.rounds}")
            self._round(number)
        for number in range(self._plan.memory_rounds):
            _say(f"memory, round {number + 1} of {self._plan.memory_rounds}")
            self._memory(number)
        for number in range(self._plan.growth_rounds):
            _say(f"growth, round {number + 1} of {self._plan.growth_rounds}")
            self._growth(number)
        return self.results

    def _round(self, number: int) -> None:
        rounds = self.results.rounds
        with ExitStack() as stack:
            # The servers of a round live side by side: idle, they cost nothing.
            running: dict[str, Session] = {}
            for key in _turned(("bare_empty", *MEASURED, "ours_unlimited", "typescript_both", "noop_ours"), number):
                time.sleep(_PAUSE_S)
                running[key] = stack.enter_context(self._session(key))
            for key in ("bare_empty", *MEASURED):
                rounds["cold_start_ms"][key].append(running[key].cold_start_ms)
            for key in _turned(MEASURED, number):
                first_ms = running[key].cold_start_ms + running[key].latencies_ms(*GET, 1)[0]
                rounds["first_answer_ms"][key].append(first_ms)
            if number == 0:
                for key in ("ours", "fastmcp", "typescript", "ten_minutes"):
                    self._check_answers(key, running[key])
            httpx = stack.enter_context(bare_httpx(self._environments, self._upstream.port))
            self._get(running, httpx, number)
            self._load(running, number)
            self._get_after_load(running, number)
            self._pages(running, number)
            self._create(running, number)
            self._fitted(running["ours"])

    def _check_answers(self, key: str, running: Session) -> None:
        """All five tools really do what they say; and what a model pays for their answers."""
        pays: dict[str, Any] = {"tools": _compact(running.tools), "tools_line": running.tools_line_chars}
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
        order = _turned((*MEASURED, "noop_ours", "bare_httpx", "bare_httpx_loop", "raw_socket"), number)
        for each_pass in range(_GET_PASSES + 1):
            for key in order:
                calls = self._plan.get_calls // _GET_PASSES if each_pass else _WARM_UP
                if key == _SLOW:
                    calls //= 8
                match key:
                    case "bare_httpx":
                        # Woken for each request, as a server is.
                        taken = [latency_ms for _ in range(calls) for latency_ms in _requests_ms(httpx, 1)]
                    case "bare_httpx_loop":
                        taken = _requests_ms(httpx, calls)
                    case "raw_socket":
                        taken = self._upstream.latencies_ms(calls)
                    case _:
                        taken = running[key].latencies_ms(*GET, calls)
                if each_pass:
                    latencies_ms[key] += taken
        self._keep("get_ms", latencies_ms)

    def _get_after_load(self, running: dict[str, Session], number: int) -> None:
        """A server that compiles what runs often has done so by now; few sessions make as many as the load."""
        for key in _turned(("ours", "fastmcp", "typescript"), number):
            self._keep("get_after_load_ms", {key: running[key].latencies_ms(*GET, self._plan.get_calls)})

    def _load(self, running: dict[str, Session], number: int) -> None:
        for key in _turned((*MEASURED, "noop_ours"), number):
            calls_per_s = running[key].load(*GET, IN_FLIGHT, duration_s=self._plan.load_s)
            self.results.rounds["load_per_s"][key].append(calls_per_s)

    def _pages(self, running: dict[str, Session], number: int) -> None:
        for key in _turned(("ours", *WITH_PAGES), number):
            running[key].latencies_ms(*PAGE, 2)
            self._keep("page_ms", {key: running[key].latencies_ms(*PAGE, self._plan.page_calls)})

    def _create(self, running: dict[str, Session], number: int) -> None:
        for key in _turned(("ours", "fastmcp", "typescript", "ten_minutes"), number):
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
        for key in _turned((*WITH_PAGES, "bare", "bare_page"), number):
            with self._session(key) as running:
                running.latencies_ms(*PAGE, MEMORY_CALLS // 5)
                rounds["memory_after_20_mib"][key].append(running.peak_memory_mib())
                running.latencies_ms(*PAGE, MEMORY_CALLS - MEMORY_CALLS // 5)
                rounds["memory_mib"][key].append(running.peak_memory_mib())
        for key in _turned((*WITH_PAGES, "bare_page"), number):
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
            for in_flight in _turned(GROWTH_IN_FLIGHT, number):
                for key in _turned(plan.growth_servers, number):
                    calls_per_s = running[key].load(*GET, in_flight, duration_s=plan.growth_load_s)
                    growth["in_flight"][key][in_flight].append(in_flight / calls_per_s * 1000)
            for dimension, sizes in (("runs", GROWTH_RUNS), ("chars", GROWTH_CHARS)):
                for size in _turned(sizes, number):
                    experiment_id = "runs-500-2000" if dimension == "runs" else f"runs-1-{size}"
                    arguments = {"experiment_id": experiment_id, "limit": size if dimension == "runs" else 1}
                    for key in _turned(plan.growth_servers, number):
                        running[key].latencies_ms("experiments_runs_list", arguments, 2)
                        taken = running[key].latencies_ms("experiments_runs_list", arguments, plan.growth_calls)
                        growth[dimension][key][size].append(statistics.median(taken))

    def _session(self, key: str) -> AbstractContextManager[Session]:
        server = self._servers[key]
        return session(server.command, server.environment)

    def _keep(self, scenario: str, latencies_ms: dict[str, list[float]]) -> None:
        for key, taken in latencies_ms.items():
            self.results.rounds[scenario][key].append(statistics.median(taken))


def _requests_ms(httpx: subprocess.Popen[str], calls: int) -> list[float]:
    assert httpx.stdin is not None
    assert httpx.stdout is not None
    httpx.stdin.write(f"{calls}\n")
    httpx.stdin.flush()
    return json.loads(httpx.stdout.readline())


def _turned(keys: Iterable[_T], number: int) -> list[_T]:
    """The same order, begun elsewhere each round: nobody always goes first."""
    keys = list(keys)
    start = number % len(keys)
    return keys[start:] + keys[:start]


def _compact(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
