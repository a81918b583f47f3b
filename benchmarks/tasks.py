"""What a model's question costs: two experiments compared and one looked through, in one call, or by reading all runs.

Run: python benchmarks/tasks.py [--quick] [--environments FOLDER], for these tables alone. The API takes 100 ms for each
answer.
"""

from __future__ import annotations

import json
import sys
import time
from collections import defaultdict
from dataclasses import dataclass
from typing import Any, Final

from alone import alone
from canned import Upstream, upstream
from driver import Session, pages, session, text_of
from environments import HERE, Environments, run
from report import tasks as table
from scenarios import Plan, rounds
from servers import servers
from targets import judged_tasks, summary

API_MS: Final = 100
PAGE_RUNS: Final = 500
READERS: Final = ("ours", "fastmcp")


@dataclass(frozen=True)
class Task:
    """A question about one or two experiments of so many runs, and the call that answers it."""

    title: str
    runs: int
    experiments: int

    @property
    def ids(self) -> list[str]:
        return [f"evaluated-{self.runs}-{variant + 1}" for variant in range(self.experiments)]

    @property
    def call(self) -> tuple[str, dict[str, Any]]:
        if self.experiments == 1:
            return "experiments_summarize", {"experiment_id": self.ids[0], "group_by": "model"}
        return "experiments_compare", {"baseline_id": self.ids[0], "candidate_id": self.ids[1]}

    @property
    def requests(self) -> int:
        """As many as it takes: the pages, and one for each experiment."""
        return self.experiments * (1 + -(-self.runs // PAGE_RUNS))

    @property
    def api_s(self) -> float:
        """What the API takes for them, two experiments side by side."""
        return self.requests / self.experiments * API_MS / 1000


TASKS: Final = {
    "compare_300": Task("compare two experiments of 300 runs", 300, 2),
    "compare_1000": Task("compare two experiments of 1,000 runs", 1000, 2),
    "triage_1000": Task("triage 1,000 runs", 1000, 1),
}


def measure(environments: Environments, plan: Plan) -> dict[str, Any]:
    """By task and server: calls, characters that the model reads, requests, and seconds; and what computing takes."""
    taken: dict[str, dict[str, defaultdict[str, list[float]]]] = {
        key: {server: defaultdict(list) for server in ("ours_analysis", *READERS)} for key in TASKS
    }
    with upstream(API_MS) as canned:
        by_key = servers(environments, canned.port)
        computing_ms: list[float] = []

        def measured(number: int) -> None:
            # Who reads takes a hundred times as long: once is enough.
            for server in ("ours_analysis", *(() if number else READERS)):
                with session(by_key[server].command, by_key[server].environment) as running:
                    for key, task in TASKS.items():
                        for cost, value in _cost(canned, running, server, task).items():
                            taken[key][server][cost].append(value)
            computing_ms.extend(json.loads(run([environments.ours.python, str(HERE / "computing.py")])))

        def result() -> dict[str, Any]:
            return {
                "computing_ms": summary(computing_ms),
                "tasks": {
                    key: {
                        "title": TASKS[key].title,
                        "requests": TASKS[key].requests,
                        "api_s": TASKS[key].api_s,
                        "servers": {
                            server: {cost: summary(values) for cost, values in costs.items()}
                            for server, costs in by_server.items()
                        },
                    }
                    for key, by_server in taken.items()
                },
            }

        with session(by_key["ours_analysis"].command, by_key["ours_analysis"].environment) as running:
            for task in TASKS.values():
                _asked(running, task)  # the upstream makes its answers now
        rounds("tasks", plan.task_rounds, measured, lambda: judged_tasks(result()), plan)
        return result()


def _cost(canned: Upstream, running: Session, server: str, task: Task) -> dict[str, float]:
    before, started = canned.requests(), time.perf_counter()
    texts = (_read if server in READERS else _asked)(running, task)
    seconds = time.perf_counter() - started
    return {
        "calls": len(texts),
        "chars": sum(map(len, texts)),
        "requests": canned.requests() - before,
        "seconds": seconds,
    }


def _asked(running: Session, task: Task) -> list[str]:
    return [text_of(running.call(*task.call))]


def _read(running: Session, task: Task) -> list[str]:
    """What a model reads that counts for itself: each experiment, and every page of its runs."""
    texts: list[str] = []
    for experiment_id in task.ids:
        texts.append(text_of(running.call("experiments_get", {"experiment_id": experiment_id})))
        texts += pages(running, experiment_id, PAGE_RUNS)
    return texts


def _show(measured: dict[str, Any]) -> None:
    print(table(measured))
    for target in judged_tasks(measured):
        print(f"{target['name']}: {target['median']} (limit {target['limit']}), {target['verdict']}")


if __name__ == "__main__":
    sys.exit(alone("Measure what a model's question costs.", measure, _show))
