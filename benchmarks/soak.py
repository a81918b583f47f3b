"""Mixed calls over one process, one in five failing: memory and descriptors end about where they were half-way.

Run: python benchmarks/soak.py [calls, 10,000 if not told]. Linux only (/proc). Exit code 1 where resident
memory has grown by more than a twentieth, or descriptors by more than calls are under way.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio
from mcp import Client
from mcp.client.stdio import StdioServerParameters

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.raw_server import Request, Step, answer, close, raw_server, reset

# Memory takes some thousand calls to settle.
TOTAL = 10_000
GROWTH_ALLOWED = 1.05
# So many calls are under way, each with a connection; a failure may have closed it just before either look.
UNDER_WAY = 10
RUN = {"id": "r", "example_id": "e", "output": "x" * 2000, "eval.c.score": 0.5}
BODIES = {
    "GET": json.dumps(
        {
            "id": "x",
            "experiments": [{"id": "x"}] * 20,
            "experiment_runs": [RUN] * 50,
            "pagination": {"has_more": False},
        }
    ),
    "POST": '{"id":"x"}',
}
FAULTS: list[bytes | Step] = [
    reset,
    close,
    answer("<p>", status="502 Bad Gateway", content_type="text/html"),
    answer("{}", status="429 Too Many Requests", headers=["Retry-After: 0"]),
    answer('{"title":"no"}', status="404 Not Found"),
    answer('{"id":'),
]
CALLS = [
    ("experiments_list", {"limit": 20}),
    ("experiments_get", {"experiment_id": "x"}),
    ("experiments_runs_list", {"experiment_id": "x", "limit": 50}),
    ("experiments_create", {"name": "n", "dataset_id": "d", "experiment_runs": [{"example_id": "e", "output": "o"}]}),
    ("experiments_delete", {"experiment_id": "x"}),
    ("experiments_get", {"experiment": "x"}),
]


def usage(pid: int) -> tuple[int, int]:
    """Resident memory in KiB, and open descriptors."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(status.split("VmRSS:")[1].split()[0]), len(list(Path(f"/proc/{pid}/fd").iterdir()))


def server_pid() -> int:
    """The one child of this process that is the server."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
            parent = int((path.parent / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue
        if b"arize_mcp" in words and parent == int(Path("/proc/self").resolve().name):
            return int(path.parent.name)
    raise SystemExit("the server's process is not found")


def route_of(dice: random.Random) -> Callable[[Request], Awaitable[bytes | Step]]:
    """An API that fails at one request in ten."""

    async def route(request: Request) -> bytes | Step:
        if dice.random() < 0.1:
            return dice.choice(FAULTS)
        if request.method == "DELETE":
            return answer(status="204 No Content", content_type=None)
        return answer(BODIES[request.method])

    return route


async def soak(total: int) -> bool:
    """Make the calls; whether the process stayed as it was."""
    dice = random.Random(1)
    outcomes = {True: 0, False: 0}
    async with raw_server(answer(), route=route_of(dice)) as upstream:
        host, _, port = upstream.base_url.removeprefix("http://").partition(":")
        env = {
            "ARIZE_API_HOST": host,
            "ARIZE_API_PORT": port,
            "ARIZE_API_SCHEME": "http",
            "ARIZE_API_KEY": "key-of-the-soak",
        }
        parameters = StdioServerParameters(command=sys.executable, args=["-m", "arize_mcp"], env=env)
        async with Client(parameters) as client:

            async def calls(count: int) -> None:
                for _ in range(count):
                    tool, arguments = dice.choice(CALLS)
                    result = await client.call_tool(tool, dict(arguments), read_timeout_seconds=60)
                    outcomes[result.is_error] += 1

            async def rounds(count: int) -> None:
                async with anyio.create_task_group() as tasks:
                    for _ in range(UNDER_WAY):
                        tasks.start_soon(calls, count // UNDER_WAY)

            await rounds(total // 2)
            before = usage(server_pid())
            await rounds(total // 2)
            after = usage(server_pid())
    print(f"{outcomes[False]} worked, {outcomes[True]} failed")
    print(f"half-way: {before[0]} KiB, {before[1]} descriptors; at the end: {after[0]} KiB, {after[1]}")
    return after[0] <= before[0] * GROWTH_ALLOWED and after[1] <= before[1] + UNDER_WAY


if __name__ == "__main__":
    sys.exit(0 if anyio.run(soak, int(sys.argv[1]) if len(sys.argv) > 1 else TOTAL) else 1)
