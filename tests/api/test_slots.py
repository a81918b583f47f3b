"""Slots: so many in all, so many for a key, and the keys take turns."""

from __future__ import annotations

import anyio
import pytest

from arize_mcp.api.client import ExperimentsAPI
from arize_mcp.api.models import GetExperimentRequest, ListExperimentsRequest
from arize_mcp.api.pool import Pool
from arize_mcp.api.problems import ProblemError
from arize_mcp.api.slots import KeySlots, Slots
from tests.raw_server import Request, answer, raw_server


class Line:
    """Requests of keys that hold their slot until they are told to end; in which order they got one."""

    def __init__(self, most: int, most_of_a_key: int, keys: str) -> None:
        slots = Slots(most)
        self.keys = {name: KeySlots(slots, most_of_a_key) for name in keys}
        self.got: list[str] = []
        self.ends: dict[str, anyio.Event] = {}

    async def request(self, name: str) -> None:
        """A request; its first letter is its key's name."""
        self.ends[name] = anyio.Event()
        async with self.keys[name[0]]:
            self.got.append(name)
            await self.ends[name].wait()

    async def start(self, tasks: anyio.abc.TaskGroup, *names: str) -> None:
        for name in names:
            tasks.start_soon(self.request, name)
        await anyio.wait_all_tasks_blocked()

    async def end(self, *names: str) -> None:
        for name in names:
            self.ends[name].set()
        await anyio.wait_all_tasks_blocked()


async def test_a_key_gets_no_more_than_its_own_and_all_no_more_than_all():
    line = Line(5, 2, "abc")
    async with anyio.create_task_group() as tasks:
        await line.start(tasks, "a1", "a2", "a3", "b1", "b2", "b3", "c1", "c2")
        assert line.got == ["a1", "a2", "b1", "b2", "c1"]
        await line.end("b1")
        # The slot goes to whoever has waited for one of all: c2; but b3 has its own back and lines up behind.
        assert line.got[5:] == ["c2"]
        await line.end("a1")
        assert line.got[6:] == ["b3"]
        tasks.cancel_scope.cancel()


async def test_keys_take_turns_however_many_requests_one_has():
    line = Line(1, 8, "abc")
    async with anyio.create_task_group() as tasks:
        await line.start(tasks, "a1", "a2", "a3", "a4", "b1", "c1", "b2")
        for name in ("a1", "a2", "b1", "c1", "a3", "b2"):
            assert line.got[-1] == name
            await line.end(name)
        assert line.got == ["a1", "a2", "b1", "c1", "a3", "b2", "a4"]
        tasks.cancel_scope.cancel()


async def test_whoever_leaves_the_line_leaves_no_slot_behind():
    line = Line(1, 1, "ab")
    async with anyio.create_task_group() as tasks:
        await line.start(tasks, "a1")
        with anyio.CancelScope() as scope:
            async with anyio.create_task_group() as leaving:
                await line.start(leaving, "a2", "b1")
                # They get a slot in the very moment in which they leave.
                line.ends["a1"].set()
                scope.cancel()
        await anyio.wait_all_tasks_blocked()
        await line.start(tasks, "b2")
        assert line.got == ["a1", "b2"]
        await line.end("b2")
        await line.start(tasks, "a3")
        assert line.got == ["a1", "b2", "a3"]
        tasks.cancel_scope.cancel()


async def test_two_keys_share_a_pool_and_neither_waits_for_the_others_429_nor_its_slots():
    slow = anyio.Event()

    async def route(request: Request) -> bytes:
        if request.headers["authorization"] == "Bearer key-of-alice":
            if "slow" in request.target:
                await slow.wait()
            return answer("{}", status="429 Too Many Requests", headers=["Retry-After: 50"])
        return answer('{"experiments":[]}')

    async with raw_server(answer(), route=route) as server, anyio.create_task_group() as tasks:
        pool = Pool(server.settings(max_connections=8), max_requests=64)
        alice = ExperimentsAPI(server.settings(api_key="key-of-alice"), pool=pool)
        bob = ExperimentsAPI(server.settings(api_key="key-of-bob"), pool=pool)
        for _ in range(2):
            with pytest.raises(ProblemError) as caught:
                await alice.list(ListExperimentsRequest())
            assert caught.value.problem.get("retry_after") == 50

        async def blocked() -> None:
            with pytest.raises(ProblemError):
                await alice.get(GetExperimentRequest(experiment_id="slow"))

        for _ in range(9):
            tasks.start_soon(blocked)
        with anyio.fail_after(10):
            while len(server.requests) < 9:
                await anyio.lowlevel.checkpoint()
            assert await bob.list(ListExperimentsRequest()) == {"experiments": []}
        # Of alice's nine, eight were sent.
        assert sum("slow" in request.target for request in server.requests) == 8
        slow.set()
        tasks.cancel_scope.cancel()
        await pool.aclose()
