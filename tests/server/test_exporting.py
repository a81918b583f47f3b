"""Runs exported into a file: all or nothing, and never over a file that the human wants to keep."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import anyio
import pytest
from anyio import to_thread
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcp import Client, types

from arize_mcp.api.jsontext import dumps
from arize_mcp.api.problems import URN
from arize_mcp.server.app import create_server
from tests.api.test_lost_creates import Relay, pass_on
from tests.conftest import Sandbox
from tests.raw_server import Request, Step, answer, hang, raw_server, reset
from tests.server.test_recording import bare, hosted
from tests.transports.test_stdio import Session

TOOL = "experiments_export"


@dataclass
class Upstream:
    """An API that has these runs, in pages as large as asked for; what it answers to a page may be something else."""

    runs: list[dict[str, Any]]
    faults: dict[int, bytes | Step | None]
    pages: int = 0

    async def route(self, request: Request) -> bytes | Step:
        self.pages += 1
        if (fault := self.faults.get(self.pages)) is not None:
            return fault
        query = parse_qs(urlsplit(request.target).query)
        start, limit = int(query.get("cursor", ["0"])[0]), int(query["limit"][0])
        pagination: dict[str, Any] = {"has_more": start + limit < len(self.runs)}
        if pagination["has_more"]:
            pagination["next_cursor"] = str(start + limit)
        return answer(dumps({"experiment_runs": self.runs[start : start + limit], "pagination": pagination}))


@asynccontextmanager
async def exporting(
    folder: Path, runs: list[dict[str, Any]], faults: dict[int, bytes | Step | None] | None = None, **changes: Any
) -> AsyncGenerator[Client]:
    upstream = Upstream(runs, faults or {})
    async with raw_server(answer(), route=upstream.route) as server:
        wanted = {"toolsets": ("files",), "files_dir": str(folder), **changes}
        async with Client(create_server(server.api(**wanted), server.settings(**wanted))) as client:
            with anyio.fail_after(60):
                yield client


async def export(client: Client, path: str = "r.jsonl", **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(TOOL, {"experiment_id": "x", "path": path, **arguments})
    return dict(result.structured_content or {})


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


RUNS: list[dict[str, Any]] = [
    {"id": "1", "example_id": "e1", "output": "o\r\n,", "eval.q.score": 1.0, "error": None, "annotations": []},
    {"id": "2", "example_id": "e2", "output": None, "error": "E", "big": 12345678901234567, "x": {"é": [None]}},
]


async def test_json_lines_are_exactly_what_the_api_sent(tmp_path: Path):
    async with exporting(tmp_path, RUNS) as client:
        content = await export(client)
    written = (tmp_path / "r.jsonl").read_bytes()
    assert written == b"".join(dumps(run).encode() + b"\n" for run in RUNS)
    assert content == {
        "path": "r.jsonl",
        "rows": 2,
        "bytes": len(written),
        "sha256": hashlib.sha256(written).hexdigest(),
        "columns": ["id", "example_id", "output", "eval.q.score", "error", "annotations", "big", "x"],
    }
    assert names(tmp_path) == ["r.jsonl"]


async def test_csv_has_the_columns_of_all_runs_in_order_of_appearance(tmp_path: Path):
    async with exporting(tmp_path, RUNS) as client:
        await export(client, "r.csv")
    assert (tmp_path / "r.csv").read_bytes().decode() == (
        "id,example_id,output,eval.q.score,error,annotations,big,x\r\n"
        '1,e1,"o\r\n,",1.0,,[],,\r\n2,e2,,,E,,12345678901234567,"{""é"":[null]}"\r\n'
    )


async def test_a_value_that_can_not_be_passed_on_is_noted(tmp_path: Path):
    page = answer('{"experiment_runs":[{"output":"o","n":1e999}],"pagination":{"has_more":false}}')
    async with exporting(tmp_path, [], {1: page}) as client:
        content = await export(client)
    assert content["notes"] == ["1 values are not as the API sent them, because JSON has no form for those."]


@pytest.mark.parametrize(("name", "text"), [("r.csv", 'output,id\r\n"o\r\n,",1\r\n,2\r\n'), ("r.jsonl", None)])
async def test_fields_are_written_in_the_order_asked_for(tmp_path: Path, name: str, text: str | None):
    async with exporting(tmp_path, RUNS) as client:
        content = await export(client, name, fields=["output", "id"])
        assert content["columns"] == ["output", "id"]
        unknown = await export(client, "n" + name, fields=["ouptut", "zzz", "id"])
    assert (tmp_path / name).read_bytes().decode() == (
        text or '{"output":"o\\r\\n,","id":"1"}\n{"output":null,"id":"2"}\n'
    )
    assert unknown["type"] == URN + "bad-arguments"
    assert "no file was written" in unknown["detail"]
    assert [error["pointer"] for error in unknown["errors"]] == ["#/fields/0", "#/fields/1"]
    assert "output" in unknown["errors"][0]["detail"]
    assert not (tmp_path / ("n" + name)).exists()


@pytest.mark.parametrize("name", ["r.jsonl", "r.json", "r.csv", "r.parquet"])
async def test_all_pages_are_in_it_in_order(tmp_path: Path, name: str):
    runs = [{"id": str(n), "example_id": "e", "output": f"o{n}"} for n in range(1234)]
    async with exporting(tmp_path, runs) as client:
        content = await export(client, name)
    assert content["rows"] == 1234
    assert content["bytes"] == (tmp_path / name).stat().st_size
    if name == "r.json":
        assert json.loads((tmp_path / name).read_bytes()) == runs


@pytest.mark.parametrize(
    ("fault", "type_"),
    [
        (reset, "broken-response"),
        (answer('{"title":"T"}', status="500 Oops", content_type="application/problem+json"), None),
        (answer('{"experiment_runs":[{}],"pagination":{"has_more":true}}'), "runs-cut-off"),
        (answer('{"experiment_runs":[{}],"pagination":{"has_more":true,"next_cursor":"500"}}'), "repeated-cursor"),
        (answer('{"experiment_runs":[],"pagination":{"has_more":true,"next_cursor":"9"}}'), "runs-cut-off"),
    ],
)
@pytest.mark.parametrize("name", ["r.jsonl", "r.csv"])
@pytest.mark.parametrize("replaced", [False, True])
async def test_an_export_that_breaks_leaves_everything_as_it_was(
    tmp_path: Path, fault: bytes | Step, type_: str | None, name: str, replaced: bool
):
    runs = [{"id": str(n)} for n in range(1200)]
    if replaced:
        (tmp_path / name).write_text("before")
    async with exporting(tmp_path, runs, dict.fromkeys(range(2, 9), fault), confirm_delete="never") as client:
        problem = await export(client, name, overwrite=replaced)
    assert problem["title"]
    assert problem.get("type") == (type_ and URN + type_)
    assert names(tmp_path) == ([name] if replaced else [])
    assert not replaced or (tmp_path / name).read_text() == "before"


async def test_pages_that_are_too_large_are_asked_for_in_smaller_ones(tmp_path: Path):
    runs = [{"id": str(n), "output": "x" * 2000} for n in range(900)]
    async with exporting(tmp_path, runs, max_response_bytes=300_000) as client:
        assert (await export(client))["rows"] == 900
    assert [json.loads(line) for line in (tmp_path / "r.jsonl").read_text().splitlines()] == runs


async def test_more_runs_than_allowed_are_not_exported(tmp_path: Path):
    async with exporting(tmp_path, [{"id": str(n)} for n in range(600)], max_runs=599) as client:
        problem = await export(client)
    assert problem["type"] == URN + "too-many-runs"
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "size", "said"),
    [
        ("r.jsonl", 1000, "The file would have more than 1,000 bytes"),
        ("r.csv", 1000, "The file would have more than 1,000 bytes"),
        ("r.csv", 4000, "The temporary file for CSV"),
    ],
)
async def test_a_file_over_the_limit_is_not_left(tmp_path: Path, name: str, size: int, said: str):
    async with exporting(tmp_path, [{"output": "x" * size}], max_file_bytes=1000) as client:
        problem = await export(client, name)
    assert said in problem["detail"]
    assert "ARIZE_MCP_MAX_FILE_BYTES" in problem["detail"]
    assert names(tmp_path) == []


async def test_an_existing_file_is_refused_without_overwrite_before_anything_is_read(tmp_path: Path):
    (tmp_path / "r.jsonl").write_text("before")
    async with exporting(tmp_path, RUNS) as client:
        problem = await export(client)
        assert problem["type"] == URN + "file-exists"
        assert "overwrite" in problem["hint"]
        assert (await export(client, "../r.jsonl"))["type"] == URN + "bad-path"
    assert (tmp_path / "r.jsonl").read_text() == "before"


@pytest.mark.parametrize("mode", ["legacy", "auto"])
@pytest.mark.parametrize("reply", ["yes", "no", "changed"])
async def test_the_human_is_asked_before_a_file_is_replaced(tmp_path: Path, mode: str, reply: str):
    path = tmp_path / "r.jsonl"
    path.write_text("before")
    questions: list[str] = []

    async def on_elicit(context: Any, params: types.ElicitRequestParams) -> types.ElicitResult:
        assert isinstance(params, types.ElicitRequestFormParams)
        questions.append(params.message)
        if reply == "changed":
            path.write_text("changed")
        action = "decline" if reply == "no" else "accept"
        return types.ElicitResult(action=action, content={"confirm": True} if action == "accept" else None)

    upstream = Upstream(RUNS, {})
    async with raw_server(answer(), route=upstream.route) as server:
        wanted = {"toolsets": ("files",), "files_dir": str(tmp_path)}
        mcp = create_server(server.api(**wanted), server.settings(**wanted))
        async with Client(mcp, mode=mode, elicitation_callback=on_elicit) as client:
            with anyio.fail_after(20):
                content = await export(client, overwrite=True)
                await export(client, "new.jsonl", overwrite=True)
    (question,) = questions
    assert "r.jsonl" in question
    assert 'Bytes: "6"' in question
    if reply == "yes":
        assert content["rows"] == 2
        assert path.read_text() != "before"
    else:
        assert content["type"] == URN + "not-confirmed"
        assert "Nothing was written." in content["hint"]
        assert path.read_text() == ("changed" if reply == "changed" else "before")


async def test_a_client_that_can_not_ask_replaces_where_the_setting_leaves_it_to_the_host(tmp_path: Path):
    (tmp_path / "r.jsonl").write_text("before")
    async with exporting(tmp_path, RUNS, confirm_delete="always") as client:
        assert (await export(client, overwrite=True))["type"] == URN + "not-confirmed"
    async with exporting(tmp_path, RUNS) as client:
        assert (await export(client, overwrite=True))["rows"] == 2


async def test_a_cancelled_export_leaves_nothing(tmp_path: Path):
    reading = anyio.Event()

    async def hold(stream: Any) -> None:
        reading.set()
        await anyio.sleep_forever()

    async with exporting(tmp_path, [{"id": str(n)} for n in range(1200)], {2: hold}) as client:
        with anyio.CancelScope() as scope:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(export, client)
                await reading.wait()
                assert len(names(tmp_path)) == 1
                scope.cancel()
    assert names(tmp_path) == []


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda value: st.lists(value, max_size=3) | st.dictionaries(st.text(min_size=1), value, max_size=3),
    max_leaves=6,
)
FIELDS = st.dictionaries(
    st.text(min_size=1).filter(lambda name: name not in ("id", "annotations", "example_id", "output", "error")),
    JSON,
    max_size=4,
)


@st.composite
def recorded(draw: st.DrawFn) -> dict[str, Any]:
    """A run as it can be recorded."""
    run: dict[str, Any] = {"example_id": draw(st.text(min_size=1).filter(lambda text: bool(text.strip())))}
    run["output"] = draw(st.text())
    if draw(st.booleans()):
        run |= {"output": "", "error": draw(st.text(min_size=1))}
    return run | draw(FIELDS)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(runs=st.lists(recorded(), min_size=1, max_size=4))
def test_what_was_exported_as_json_lines_and_recorded_again_is_the_same(
    sandbox: Sandbox, tmp_path: Path, runs: list[dict[str, Any]]
):
    async def as_arize_answers(relay: Relay, request: Request) -> bytes | Step:
        """Null where a run failed, and what humans have said."""
        response = await relay.store(request)
        body = response.json()
        for run in body.get("experiment_runs", []):
            run |= {"output": None if run.get("error") else run["output"], "annotations": [{"name": "a"}]}
        return answer(dumps(body), status=f"{response.status_code} X")

    async def there_and_back() -> None:
        async with hosted(sandbox, tmp_path, Relay(sandbox, pass_on, as_arize_answers)) as host:
            (tmp_path / "exported.jsonl").unlink(missing_ok=True)
            host.write(runs)
            first = await host.record()
            try:
                exported = await host.call(TOOL, experiment_id=first["id"], path="exported.jsonl")
                assert exported["rows"] == len(runs)
                second = await host.record(path="exported.jsonl", name="again")
                stored = [bare(sandbox.store.runs(e["id"], 100, 0)[0]) for e in (first, second)]
                sandbox.store.delete_experiment(second["id"])
                assert json.dumps(stored[0]) == json.dumps(stored[1])
            finally:
                sandbox.store.delete_experiment(first["id"])

    anyio.run(there_and_back)


async def test_a_killed_export_leaves_at_most_a_name_that_says_so(tmp_path: Path):
    reading = anyio.Event()

    async def hold(stream: Any) -> None:
        reading.set()
        await hang(stream)

    upstream = Upstream([{"id": str(n)} for n in range(1200)], {2: hold})
    async with raw_server(answer(), route=upstream.route) as server:
        environ = {
            "ARIZE_API_HOST": server.base_url.removeprefix("http://"),
            "ARIZE_API_SCHEME": "http",
            "ARIZE_API_KEY": "key-of-the-test",
            "ARIZE_MCP_TOOLSETS": "files",
            "ARIZE_MCP_FILES_DIR": str(tmp_path),
        }
        session = await to_thread.run_sync(lambda: Session(environ=environ))
        await to_thread.run_sync(session.initialize)
        arguments = {"experiment_id": "x", "path": "r.jsonl"}
        session.send(
            {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": TOOL, "arguments": arguments}}
        )
        with anyio.fail_after(30):
            await reading.wait()
        session.process.kill()
        await to_thread.run_sync(session.process.communicate)
    assert all(name.startswith(".arize-mcp-") for name in names(tmp_path))
    async with exporting(tmp_path, RUNS) as client:
        assert (await export(client))["rows"] == 2
        assert (await export(client, "none.jsonl/x.jsonl"))["files"] == ["r.jsonl"]
