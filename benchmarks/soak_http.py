"""Mixed calls of 2,000 keys over HTTP, one in five failing: after 10,000, half as many more change nothing.

Run: python benchmarks/soak_http.py [calls, 10,000 if not told]. Linux only (/proc). Exit code 1 where resident memory
has grown by more than a twentieth, or descriptors by more than the server and its callers keep connections.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

import anyio

sys.path.insert(0, str(Path(__file__).parent.parent))

from soak import CALLS, GROWTH_ALLOWED, TOTAL, route_of, usage

from arize_mcp.settings.http import HTTPSettings
from tests.http_process import ERAS, ask, client, served_http, tool_call, upstream
from tests.raw_server import answer, raw_server

KEYS = 2_000
WORKERS = 20


async def soak(total: int) -> bool:
    """Make the calls; whether the process stayed as it was."""
    dice = random.Random(1)
    outcomes = {True: 0, False: 0}
    async with raw_server(answer(), route=route_of(dice)) as arize, client() as http:
        with served_http(environ=upstream(arize.base_url)) as served:

            async def calls(count: int) -> None:
                for _ in range(count):
                    tool, arguments = dice.choice(CALLS)
                    era, key = dice.choice(ERAS), f"key-of-caller-{dice.randrange(KEYS)}"
                    result = await ask(http, served.url, era, tool_call(era, tool, **arguments), key=key)
                    outcomes[result["isError"]] += 1

            async def rounds(count: int) -> None:
                async with anyio.create_task_group() as tasks:
                    for _ in range(WORKERS):
                        tasks.start_soon(calls, count // WORKERS)

            await rounds(total)
            before = usage(served.process.pid)
            await rounds(total // 2)
            after = usage(served.process.pid)
    print(f"{outcomes[False]} worked, {outcomes[True]} failed")
    print(f"after {total}: {before[0]} KiB, {before[1]} descriptors; at the end: {after[0]} KiB, {after[1]}")
    kept = HTTPSettings.max_requests + WORKERS
    return after[0] <= before[0] * GROWTH_ALLOWED and after[1] <= before[1] + kept


if __name__ == "__main__":
    sys.exit(0 if anyio.run(soak, int(sys.argv[1]) if len(sys.argv) > 1 else TOTAL) else 1)
