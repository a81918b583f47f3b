"""What computing takes without reading: two experiments of 1,000 runs of 2 kB compared, in ms, as a JSON array.

Run by tasks.py in the environment of arize-mcp.
"""

from __future__ import annotations

import json
import sys
import time

from upstream import evaluated_run

from arize_mcp.analysis.comparison import EXCERPT_CHARS, Comparison
from arize_mcp.analysis.runs import Runs

RUNS = 1000
TIMES = 15


def main() -> None:
    variants = [[evaluated_run(number, variant) for number in range(RUNS)] for variant in (1, 2)]
    taken_ms: list[float] = []
    for _ in range(TIMES):
        started = time.perf_counter()
        both: list[Runs] = []
        for runs in variants:
            both.append(Runs(EXCERPT_CHARS))
            for run in runs:
                both[-1].add(run)
        Comparison(*both).answer(10)
        taken_ms.append((time.perf_counter() - started) * 1000)
    json.dump(taken_ms, sys.stdout)


if __name__ == "__main__":
    main()
