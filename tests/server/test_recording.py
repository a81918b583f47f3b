"""A file recorded in parts, in front of a real sandbox: whatever goes wrong, each row is there once, in order."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio import to_thread
from mcp import Client

from arize_mcp.api.jsontext import dumps
from arize_mcp.api.problems import URN
from arize_mcp.server.app import create_server
from tests.api.faults import sending
from tests.api.test_lost_creates import Relay, pass_on
from tests.conftest import Sandbox
from tests.raw_server import RawServer, Request, SkippingClock, Step, answer, close, hang, raw_server, reset
from tests.transports.test_stdio import Session

TOOL = "experiments_create_from_file"
NAME = "from a file"
ROWS = 2_001
"""Three requests: 1,000, 1,000 and 1."""


@dataclass
class Host:
    """A host whose server records from a folder, and the API behind it."""

    sandbox: Sandbox
    server: RawServer
    folder: Path
    client: Client
    progress: list[str] = field(default_factory=list[str])

    def write(self, rows: list[dict[str, Any]], name: str = "r.jsonl") -> None:
        write(self.folder / name, rows)

    async def call(self, tool: str = TOOL, **arguments: Any) -> dict[str, Any]:
        """The result of a call; a problem has a title."""

        async def on_progress(progress: float, total: float | None, message: str | None) -> None:
            self.progress.append(message or "")

        result = await self.client.call_tool(tool, arguments, progress_callback=on_progress)
        content = dict(result.structured_content or {})
        assert result.is_error == ("title" in content)
        return content

    async def record(self, **arguments: Any) -> dict[str, Any]:
        return await self.call(**{"path": "r.jsonl", "name": NAME, "dataset_id": self.sandbox.dataset_id, **arguments})

    async def go_on(self, problem: dict[str, Any]) -> dict[str, Any]:
        return await self.call(problem["next"]["tool"], **problem["next"]["arguments"])

    def stored(self) -> list[dict[str, Any]]:
        """The runs of the one experiment of that name, without their ids."""
        page, _ = self.sandbox.store.experiments(self.sandbox.dataset_id, None, NAME, 100, None)
        if not page:
            return []
        (experiment,) = page
        runs, _ = self.sandbox.store.runs(experiment["id"], 100_000, 0)
        return [{name: run[name] for name in run if name not in ("id", "error") or run[name]} for run in bare(runs)]

    def posts(self) -> list[Request]:
        return [request for request in self.server.requests if request.method == "POST"]


def bare(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in run.items() if name != "id"} for run in runs]


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def rows(count: int = ROWS) -> list[dict[str, Any]]:
    # Parts that look the same in part, so that nothing but their place tells them from each other.
    return [{"example_id": f"e{n % 1000}", "output": f"o{n % 7}", "n": n} for n in range(count)]


@asynccontextmanager
async def hosted(sandbox: Sandbox, folder: Path, relay: Relay | None = None, **settings: Any) -> AsyncGenerator[Host]:
    relay = relay or Relay(sandbox, pass_on, pass_on)
    async with raw_server(answer(), route=relay.route) as server:
        wanted = {"api_key": "sandbox-key", "toolsets": ("files",), "files_dir": str(folder), **settings}
        mcp = create_server(server.api(**wanted), server.settings(**wanted))
        async with Client(mcp) as client:
            with anyio.fail_after(60):
                yield Host(sandbox, server, folder, client)


@dataclass
class Faulty:
    """What becomes of one request that writes, the create being 0; ``stores`` says when it is stored all the same."""

    request: int
    fault: bytes | Step
    stores: str = "never"
    seen: int = 0
    late: list[Request] = field(default_factory=list[Request])

    async def on_write(self, relay: Relay, request: Request) -> bytes | Step:
        self.seen += 1
        if self.seen != self.request + 1:
            return await relay.passed_on(request)
        if self.stores == "before the answer":
            await relay.store(request)
        elif self.stores == "after it was given up":
            self.late.append(request)
        return self.fault


PROBLEM = "application/problem+json"


def refusal(status: str, *headers: str) -> bytes:
    return answer('{"title":"T"}', status=status, content_type=PROBLEM, headers=headers)


LOST: dict[str, bytes | Step] = {
    "reset": reset,
    "closed": close,
    "half an answer": sending(answer('{"id":', length=99), then=close),
    "500": refusal("500 Oops"),
    "503": refusal("503 Unavailable", "Retry-After: 1"),
    "201 of a login page": answer("<p>Sign in", status="201 Created", content_type="text/html"),
}
STORED = ("never", "before the answer", "after it was given up")


@pytest.mark.parametrize("request_number", [0, 1, 2])
@pytest.mark.parametrize("stores", STORED)
@pytest.mark.parametrize("fault", LOST)
async def test_a_lost_answer_loses_and_repeats_nothing(
    sandbox: Sandbox, tmp_path: Path, request_number: int, stores: str, fault: str
):
    faulty = Faulty(request_number, LOST[fault], stores)
    relay = Relay(sandbox, faulty.on_write, pass_on)
    async with hosted(sandbox, tmp_path, relay) as host:
        host.write(rows())
        content = await host.record()
        certain = request_number * 1000
        if stores == "before the answer":
            assert content["runs"] == content["added"] == ROWS
        else:
            assert host.stored() == rows()[:certain]
            if request_number:
                assert content["type"] == URN + "partly-recorded"
                assert content["recorded"] == content["next"]["arguments"]["first_row"] == certain
                assert content["next"]["arguments"]["experiment_id"] == content["experiment_id"]
            else:
                assert content["type"] == URN + "outcome-unknown"
            for request in faulty.late:
                await relay.store(request)
            content = await host.go_on(content)
            if "title" in content:
                # The create that came late has the name: the very experiment to go on with.
                assert (request_number, stores, content["status"]) == (0, "after it was given up", 409)
                content = await host.go_on(content)
            assert content["runs"] == ROWS
            # Of the last part there is only one row.
            came_late = {0: 1000, 1: 1000, 2: 1}[request_number] if faulty.late else 0
            assert content["added"] == ROWS - certain - came_late
        assert host.stored() == rows()


@pytest.mark.parametrize("request_number", [0, 1, 2])
@pytest.mark.parametrize("stores", ["never", "before the answer"])
async def test_a_deadline_holds_for_each_part(sandbox: Sandbox, tmp_path: Path, request_number: int, stores: str):
    relay = Relay(sandbox, Faulty(request_number, hang, stores).on_write, pass_on)
    async with hosted(sandbox, tmp_path, relay, deadline_s=3.0) as host:
        host.write(rows())
        content = await host.record()
        while "title" in content:
            content = await host.go_on(content)
        assert host.stored() == rows()


@pytest.mark.parametrize("request_number", [0, 1, 2])
@pytest.mark.parametrize("stores", STORED)
async def test_a_timeout_of_the_servers_is_no_refusal_of_an_append(
    sandbox: Sandbox, tmp_path: Path, request_number: int, stores: str
):
    faulty = Faulty(request_number, refusal("408 Request Timeout"), stores)
    relay = Relay(sandbox, faulty.on_write, pass_on)
    async with hosted(sandbox, tmp_path, relay) as host:
        host.write(rows())
        content = await host.record()
        if request_number and stores == "before the answer":
            assert content["added"] == ROWS
        for request in faulty.late:
            await relay.store(request)
        calls = 0
        while "title" in content and calls < 3:
            content = await (host.go_on(content) if "next" in content else host.record())
            calls += 1
        assert host.stored() == rows()


class Front:
    """A port that passes connections on, as long as it is open."""

    def __init__(self, base_url: str) -> None:
        self._target = int(base_url.rpartition(":")[2])
        self._server: asyncio.Server | None = None
        self.port = 0

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._pass_on, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def close(self) -> None:
        assert self._server
        self._server.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_target, to_target = await asyncio.open_connection("127.0.0.1", self._target)

        async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            while data := await source.read(65_536):
                sink.write(data)
            sink.close()

        await asyncio.gather(pump(reader, to_target), pump(from_target, writer))


class OpeningClock(SkippingClock):
    """Opens the front instead of waiting."""

    def __init__(self, front: Front) -> None:
        super().__init__()
        self._front = front

    async def sleep(self, delay_s: float) -> None:
        await self._front.open()
        await super().sleep(delay_s)


@pytest.mark.parametrize("request_number", [0, 1])
@pytest.mark.parametrize("opens", [True, False])
async def test_a_part_that_finds_no_connection_is_sent_again_or_told(
    sandbox: Sandbox, tmp_path: Path, request_number: int, opens: bool
):
    async def on_write(relay: Relay, request: Request) -> bytes | Step:
        stored = await relay.passed_on(request)
        if len([seen for seen in server.requests if seen.method == "POST"]) == request_number + 1:
            front.close()
            return sending(stored.replace(b"Date:", b"Connection: close\r\nDate:"), then=close)
        return stored

    async with raw_server(answer(), route=Relay(sandbox, on_write, pass_on).route) as server:
        front = Front(server.base_url)
        await front.open()
        if opens:
            server.clock = OpeningClock(front)
        wanted = {"api_key": "sandbox-key", "toolsets": ("files",), "files_dir": str(tmp_path)}
        wanted["base_url"] = f"http://127.0.0.1:{front.port}"
        async with Client(create_server(server.api(**wanted), server.settings(**wanted))) as client:
            host = Host(sandbox, server, tmp_path, client)
            host.write(rows())
            with anyio.fail_after(30):
                content = await host.record()
            certain = (request_number + 1) * 1000
            if opens:
                assert content["added"] == ROWS
            else:
                assert (content["type"], content["recorded"]) == (URN + "partly-recorded", certain)
                assert content["cause"]["type"] == URN + "connection-failed"
                assert len(host.posts()) == request_number + 1
                await front.open()
                assert (await host.go_on(content))["added"] == ROWS - certain
            assert host.stored() == rows()
        front.close()


@pytest.mark.parametrize("request_number", [0, 1, 2])
async def test_a_part_refused_as_one_too_many_is_sent_again_within_its_wait(
    sandbox: Sandbox, tmp_path: Path, request_number: int
):
    relay = Relay(sandbox, Faulty(request_number, refusal("429 Slow", "Retry-After: 7")).on_write, pass_on)
    async with hosted(sandbox, tmp_path, relay) as host:
        host.write(rows())
        content = await host.record()
        assert content["added"] == ROWS
        assert host.server.clock.waits_s == [7.0]
        assert any("rate limited" in words for words in host.progress)
        assert host.stored() == rows()


@pytest.mark.parametrize("request_number", [1, 2])
@pytest.mark.parametrize(
    ("status", "headers"),
    [("429 Slow", ("Retry-After: 77",)), ("422 Unprocessable", ()), ("401 Unauthorized", ()), ("413 Large", ())],
)
async def test_a_part_that_is_refused_ends_it_with_the_call_that_goes_on(
    sandbox: Sandbox, tmp_path: Path, request_number: int, status: str, headers: tuple[str, ...]
):
    relay = Relay(sandbox, Faulty(request_number, refusal(status, *headers)).on_write, pass_on)
    async with hosted(sandbox, tmp_path, relay, max_connections=1) as host:
        host.write(rows())
        problem = await host.record()
        assert problem["type"] == URN + "partly-recorded"
        assert problem["recorded"] == request_number * 1000
        assert problem.get("retry_after") == (77 if headers else None)
        assert problem["cause"]["status"] == int(status[:3])
        assert "hint" not in problem["cause"]
        assert len(host.posts()) == request_number + 1
    async with hosted(sandbox, tmp_path) as host:  # another process: nothing but the arguments tells it
        content = await host.go_on(problem)
        assert content["added"] == ROWS - request_number * 1000
        assert host.stored() == rows()
        again = await host.go_on(problem)
        assert (again["runs"], again["added"]) == (ROWS, 0)
        assert host.stored() == rows()


@pytest.mark.parametrize("status", ["401 Unauthorized", "409 Conflict", "422 Unprocessable"])
async def test_a_create_that_is_refused_is_told_as_it_came(sandbox: Sandbox, tmp_path: Path, status: str):
    relay = Relay(sandbox, Faulty(0, refusal(status)).on_write, pass_on)
    async with hosted(sandbox, tmp_path, relay) as host:
        host.write(rows())
        problem = await host.record()
        assert problem["status"] == int(status[:3])
        assert "next" not in problem
        assert len(host.posts()) == 1
        assert host.stored() == []


async def test_what_was_recorded_is_told_however_short_an_answer_must_be(sandbox: Sandbox, tmp_path: Path):
    async with hosted(sandbox, tmp_path, max_result_chars=50) as host:
        host.write(rows(3))
        assert (await host.record(dry_run=True))["type"] == URN + "result-too-large"
        assert (await host.record())["added"] == 3
        assert host.stored() == rows(3)


async def test_a_redirect_does_not_say_that_a_part_was_not_stored(sandbox: Sandbox, tmp_path: Path):
    moved = answer("", status="302 Found", headers=["Location: https://example.com/"])
    relay = Relay(sandbox, Faulty(1, moved, "before the answer").on_write, pass_on)
    async with hosted(sandbox, tmp_path, relay) as host:
        host.write(rows())
        assert (await host.record())["added"] == ROWS
        assert host.stored() == rows()


async def test_after_a_killed_process_the_next_call_goes_on(sandbox: Sandbox, tmp_path: Path):
    storing = anyio.Event()

    async def on_write(relay: Relay, request: Request) -> bytes | Step:
        if len([seen for seen in server.requests if seen.method == "POST"]) < 2:
            return await relay.passed_on(request)
        await relay.store(request)
        storing.set()
        return hang

    write(tmp_path / "r.jsonl", rows())
    arguments = {"path": "r.jsonl", "name": NAME, "dataset_id": sandbox.dataset_id}
    async with raw_server(answer(), route=Relay(sandbox, on_write, pass_on).route) as server:
        environ = {
            "ARIZE_API_HOST": server.base_url.removeprefix("http://"),
            "ARIZE_API_SCHEME": "http",
            "ARIZE_API_KEY": "sandbox-key",
            "ARIZE_MCP_TOOLSETS": "files",
            "ARIZE_MCP_FILES_DIR": str(tmp_path),
        }
        session = await to_thread.run_sync(lambda: Session(environ=environ))
        await to_thread.run_sync(session.initialize)
        session.send(
            {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": TOOL, "arguments": arguments}}
        )
        with anyio.fail_after(30):
            await storing.wait()
        session.process.kill()
        await to_thread.run_sync(session.process.communicate)
    async with hosted(sandbox, tmp_path) as host:
        assert host.stored() == rows()[:2000]
        taken = await host.record()
        assert (taken["status"], taken["next"]["arguments"]["first_row"]) == (409, 0)
        content = await host.go_on(taken)
        assert (content["runs"], content["added"]) == (ROWS, 1)
        assert host.stored() == rows()


async def test_two_calls_at_once_do_not_record_the_same_rows(sandbox: Sandbox, tmp_path: Path):
    appending, going_on = anyio.Event(), anyio.Event()

    async def on_write(relay: Relay, request: Request) -> bytes | Step:
        if "/runs" in request.target:
            appending.set()
            await going_on.wait()
        return await relay.passed_on(request)

    async with hosted(sandbox, tmp_path, Relay(sandbox, on_write, pass_on)) as host:
        host.write(rows())
        contents: list[dict[str, Any]] = []

        async def first() -> None:
            contents.append(await host.record())

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(first)
            await appending.wait()
            taken = await host.record()
            contents.append(await host.go_on(taken))
            going_on.set()
        assert contents[0]["type"] == URN + "being-recorded"
        assert contents[1]["added"] == ROWS
        assert (await host.go_on(await host.record()))["added"] == 0
        assert host.stored() == rows()


async def test_ten_thousand_rows_are_recorded_in_one_call(sandbox: Sandbox, tmp_path: Path):
    async with hosted(sandbox, tmp_path) as host:
        host.write(rows(10_000))
        content = await host.record()
        assert content["runs"] == content["added"] == 10_000
        assert content["name"] == NAME
        assert content["id"]
        assert "run_ids" not in content
        assert len(host.posts()) == 10
        assert host.stored() == rows(10_000)
        assert [words for words in host.progress if "rows recorded" in words][-1] == "9,000 of 10,000 rows recorded"


async def test_a_part_has_fewer_runs_where_the_bytes_demand_it(sandbox: Sandbox, tmp_path: Path):
    async with hosted(sandbox, tmp_path) as host:
        large = [{"example_id": f"e{n}", "output": "é" * 1_500_000} for n in range(5)]
        host.write(large)
        assert (await host.record())["added"] == 5
        assert [len(json.loads(post.body)["experiment_runs"]) for post in host.posts()] == [2, 2, 1]
        assert all(len(post.body) <= 8_000_000 for post in host.posts())
        assert host.stored() == large


async def test_what_was_sent_is_what_the_file_holds(sandbox: Sandbox, tmp_path: Path):
    async with hosted(sandbox, tmp_path) as host:
        held = [
            {"example_id": " e ", "output": "\u2028 o\t", "n": 12345678901234567, "_fields_set": 1, "model_config": 1}
        ]
        host.write(held)
        content = await host.record(rename=[{"from": "n", "to": "eval.n.score"}])
        assert content["added"] == 1
        (run,) = json.loads(host.posts()[0].body)["experiment_runs"]
        assert run == {**{k: v for k, v in held[0].items() if k != "n"}, "eval.n.score": 12345678901234567}


async def test_a_column_renamed_to_example_id_or_output_is_taken_for_it(sandbox: Sandbox, tmp_path: Path):
    async with hosted(sandbox, tmp_path) as host:
        host.write([{"id": "x", "answer": "o", "n": 1}])
        renamed = [{"from": "id", "to": "example_id"}, {"from": "answer", "to": "output"}]
        assert (await host.record(rename=renamed))["added"] == 1
        assert host.stored() == [{"example_id": "x", "output": "o", "n": 1}]


async def test_a_dry_run_checks_the_file_and_asks_for_the_name_alone(sandbox: Sandbox, tmp_path: Path):
    async with hosted(sandbox, tmp_path) as host:
        host.write([{"id": "x", **row} for row in rows(3)])
        content = await host.record(dry_run=True)
        assert content == {
            "rows": 3,
            "fields": [
                {"name": "example_id", "type": "string"},
                {"name": "output", "type": "string"},
                {"name": "n", "type": "number"},
            ],
            "first": rows(2),
            "notes": ["Left out, because Arize sets them itself: id."],
        }
        assert [request.method for request in host.server.requests] == ["GET"]
        unknown = await host.record(dry_run=True, dataset_id="RGF0YXNldDo5Ong=")
        assert unknown["status"] == 404
        assert "dataset_id" in unknown["hint"]
        assert (await host.record())["added"] == 3
        taken = await host.record(dry_run=True)
        assert taken["status"] == 409
        assert taken["experiment_id"]
        host.write(rows(5))
        taken = await host.record(dry_run=True)
        assert (await host.go_on(taken))["added"] == 2, "what goes on is no dry run"


async def test_a_dry_run_of_many_long_fields_fits(sandbox: Sandbox, tmp_path: Path):
    async with hosted(sandbox, tmp_path, max_result_chars=20_000) as host:
        host.write([{"example_id": "e", "output": "x" * 100_000, **{f"f{n}": n for n in range(5_000)}}])
        content = await host.record(dry_run=True)
        assert content["rows"] == 1
        assert len(dumps(content)) <= 20_000
        assert len(content["fields"]) <= 200


async def test_nothing_is_sent_of_a_file_with_a_fault(sandbox: Sandbox, tmp_path: Path):
    async with hosted(sandbox, tmp_path) as host:
        host.write([*rows(1500), {"example_id": "e"}])
        problem = await host.record()
        assert problem["type"] == URN + "bad-file"
        assert problem["errors"][0]["line"] == 1501
        assert host.server.requests == []


async def test_contradicting_arguments_are_refused(sandbox: Sandbox, tmp_path: Path):
    async with hosted(sandbox, tmp_path) as host:
        host.write(rows(1))
        for arguments, pointer in [
            ({"first_row": 1}, "#/first_row"),
            ({"experiment_id": "x", "dry_run": True}, "#/dry_run"),
            ({"example_id_field": "n", "omit": ["n"]}, "#/omit/0"),
            ({"rename": [{"from": "n", "to": "a"}, {"from": "n", "to": "b"}]}, "#/rename/1/from"),
            ({"rename": [{"from": "n", "to": "a"}], "omit": ["n"]}, "#/omit/0"),
            ({"example_id_field": "n", "output_field": "n"}, "#/output_field"),
            ({"rename": [{"from": "n", "to": "example_id"}], "omit": ["n"]}, "#/omit/0"),
            ({"example_id_field": "example_id", "rename": [{"from": "example_id", "to": "a"}]}, "#/rename/0/from"),
            ({"rename": [{"from": "n", "too": "a"}]}, "#/rename/0/to"),
            ({"name": 'a"b'}, "#/name"),
            ({"first_row": -1}, "#/first_row"),
            ({"first_row": True}, "#/first_row"),
            ({"experiment_id": ".."}, "#/experiment_id"),
            ({"experiment_id": "my experiment"}, "#/experiment_id"),
        ]:
            problem = await host.record(**arguments)
            assert problem["type"] == URN + "bad-arguments"
            assert pointer in [error["pointer"] for error in problem["errors"]]
        assert host.server.requests == []


Change = Callable[[Path], object]


def grow(path: Path) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(rows(1)[0]) + "\n")


def shrink(path: Path) -> None:
    os.truncate(path, 100)


def rewrite(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("o1", "p1"), encoding="utf-8")


@pytest.mark.parametrize("change", [grow, shrink, rewrite])
async def test_a_file_that_changes_while_it_is_recorded_ends_it(sandbox: Sandbox, tmp_path: Path, change: Change):
    path = tmp_path / "r.jsonl"

    changes = [change]

    async def on_write(relay: Relay, request: Request) -> bytes | Step:
        stored = await relay.passed_on(request)
        if changes:
            changes.pop()(path)
        return stored

    async with hosted(sandbox, tmp_path, Relay(sandbox, on_write, pass_on)) as host:
        host.write(rows())
        before = path.read_bytes()
        problem = await host.record()
        assert problem["type"] == URN + "partly-recorded"
        assert problem["recorded"] == 1000
        assert problem["cause"]["type"] == URN + "file-changed"
        refused = await host.go_on(problem)
        assert refused["type"] == URN + "file-changed"
        assert "another name" in refused["hint"]
        assert host.stored() == rows()[:1000]
        path.write_bytes(before)
        del problem["next"]["arguments"]["file_version"]  # written anew, it has another time
        content = await host.go_on(problem)
        assert content["added"] == ROWS - 1000
        assert host.stored() == rows()


async def test_a_file_that_vanishes_while_it_is_recorded_is_recorded_to_its_end(sandbox: Sandbox, tmp_path: Path):
    async def on_write(relay: Relay, request: Request) -> bytes | Step:
        (tmp_path / "r.jsonl").unlink(missing_ok=True)
        return await relay.passed_on(request)

    async with hosted(sandbox, tmp_path, Relay(sandbox, on_write, pass_on)) as host:
        host.write(rows())
        assert (await host.record())["added"] == ROWS
        assert host.stored() == rows()


async def test_going_on_is_refused_where_the_experiment_is_not_the_files(sandbox: Sandbox, tmp_path: Path):
    async with hosted(sandbox, tmp_path) as host:
        host.write(rows(1500))
        experiment = await host.record()
        for change, first_row, said in [
            (rows(1400), 0, "more runs than the 1,400 rows"),
            ([{**row, "output": "x"} for row in rows(1600)], 0, "run 0 (from 0)"),
            ([*rows(1499), *rows(100)], 0, "run 1,499 (from 0)"),
            (rows(1600), 1550, "only 1,500 runs"),
        ]:
            host.write(change)
            problem = await host.record(experiment_id=experiment["id"], first_row=first_row)
            assert problem["type"] == URN + "other-runs"
            assert said in problem["detail"]
        host.write(rows(1600))
        other = sandbox.store.experiments(None, None, None, 100, None)[0][-1]["id"]
        assert (await host.record(experiment_id=other, first_row=0))["type"] == URN + "other-runs"
        assert (await host.record(experiment_id="nope", first_row=0))["status"] == 404
        renamed = await host.record(experiment_id=experiment["id"], first_row=0, name="another")
        assert (renamed["type"], "another name" in renamed["detail"]) == (URN + "other-runs", True)
        assert host.stored() == rows(1500)


async def test_a_name_that_is_taken_by_another_experiment_stays_its(sandbox: Sandbox, tmp_path: Path):
    async with hosted(sandbox, tmp_path) as host:
        host.write([{"example_id": "other", "output": "o"}])
        await host.record()
        host.write(rows(3))
        taken = await host.record()
        assert taken["status"] == 409
        assert (await host.go_on(taken))["type"] == URN + "other-runs"
        assert host.stored() == [{"example_id": "other", "output": "o"}]


async def test_an_api_that_shows_no_more_than_its_first_runs_leaves_a_lost_part_unknown(
    sandbox: Sandbox, tmp_path: Path
):
    async def cut_off(relay: Relay, request: Request) -> bytes | Step:
        response = await relay.store(request)
        body = response.json()
        body.get("pagination", {}).pop("next_cursor", None)
        return answer(json.dumps(body), status=f"{response.status_code} X")

    relay = Relay(sandbox, Faulty(1, reset, "before the answer").on_write, cut_off)
    async with hosted(sandbox, tmp_path, relay) as host:
        host.write(rows())
        problem = await host.record()
        assert (problem["type"], problem["recorded"]) == (URN + "partly-recorded", 1000)
        assert "gave no cursor" in problem["detail"]
    async with hosted(sandbox, tmp_path) as host:
        assert (await host.go_on(problem))["added"] == 1
        assert host.stored() == rows()


async def test_outputs_of_failed_runs_that_the_api_gives_as_null_are_the_files(sandbox: Sandbox, tmp_path: Path):
    async def with_nulls(relay: Relay, request: Request) -> bytes | Step:
        response = await relay.store(request)
        body = response.json()
        for run in body.get("experiment_runs", []):
            run["output"] = run["output"] or None
        return answer(json.dumps(body), status=f"{response.status_code} X")

    relay = Relay(sandbox, Faulty(1, reset, "before the answer").on_write, with_nulls)
    async with hosted(sandbox, tmp_path, relay) as host:
        host.write([{"example_id": f"e{n}", "output": None, "error": "E"} for n in range(1500)])
        assert (await host.record())["added"] == 1500


async def test_a_read_only_server_has_neither_tool(sandbox: Sandbox, tmp_path: Path):
    async with hosted(sandbox, tmp_path, read_only=True) as host:
        names = [tool.name for tool in (await host.client.list_tools()).tools]
        assert names == ["experiments_get", "experiments_list", "experiments_runs_list"]
        assert (await host.record())["type"] == URN + "read-only"


@pytest.mark.parametrize("name", ["r.csv", "r.json", "r.parquet", "r.ndjson"])
async def test_every_format_is_recorded(sandbox: Sandbox, tmp_path: Path, name: str):
    async with hosted(sandbox, tmp_path) as host:
        host.write(rows(30))
        await host.record()
        (experiment,), _ = sandbox.store.experiments(sandbox.dataset_id, None, NAME, 100, None)
        written = await host.call("experiments_export", experiment_id=experiment["id"], path=name)
        assert written["rows"] == 30
        sandbox.store.delete_experiment(experiment["id"])
        assert (await host.record(path=name))["added"] == 30
        assert host.stored() == rows(30)
