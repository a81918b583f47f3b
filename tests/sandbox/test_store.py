"""The sandbox's data in a file: it lasts, it is whole, and nobody else's file is touched."""

from __future__ import annotations

import base64
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from arize_mcp.sandbox.app import create_app
from arize_mcp.sandbox.problems import RequestError
from arize_mcp.sandbox.seed import seed
from arize_mcp.sandbox.store import Store, StoreError

RUN = '{"example_id":"e","output":"o"}'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sandbox.db"


def contents(store: Store) -> dict[str, Any]:
    """Everything that can be read from a store."""
    experiments, _ = store.experiments(None, None, None, 100, None)
    return {
        "spaces": store.spaces(),
        "datasets": store.datasets(),
        "experiments": experiments,
        "runs": [store.runs(experiment["id"], 500, None)[0] for experiment in experiments],
        "examples": [store.examples(dataset["id"], None, 500, None)[0] for dataset in store.datasets()],
    }


def count_runs(path: Path) -> int:
    """The rows in the file itself: runs without their experiment are invisible otherwise."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT count(*) FROM run").fetchone()[0]


def seeded(path: Path | None = None) -> Store:
    return create_app(Store(None if path is None else str(path))).state.store


def test_data_and_cursors_outlive_the_process(path: Path):
    first = seeded(path)
    first.create_experiment("new", first.datasets()[0]["id"], None, [RUN, RUN])
    before, secret = contents(first), first.cursor_secret
    first.close()
    second = seeded(path)
    assert contents(second) == before
    assert second.cursor_secret == secret
    assert [len(runs) for runs in before["runs"]] == [2, 18, 18]
    second.close()


def test_a_file_is_seeded_only_once(path: Path):
    store = seeded(path)
    for experiment in contents(store)["experiments"]:
        store.delete_experiment(experiment["id"])
    store.close()
    store = seeded(path)
    assert contents(store)["experiments"] == []
    assert len(store.datasets()) == 2
    store.close()


def test_a_file_from_before_there_were_examples_keeps_its_data_gets_them_and_takes_more_runs(path: Path):
    store = seeded(path)
    created = store.create_experiment("new", store.datasets()[0]["id"], None, [RUN, RUN])
    before = contents(store)
    store.close()
    # What 0.1.0 wrote: the same but for this table.
    write_database(path, "DROP TABLE example")
    for _ in range(2):
        store = seeded(path)
        assert contents(store) == before
        examples, _ = store.examples(store.datasets()[0]["id"], None, 500, None)
        assert [example["id"] for example in examples] == [run["example_id"] for run in before["runs"][-1]]
        store.close()
    store = seeded(path)
    appended = store.append_runs(created["id"], [RUN])["run_ids"]
    assert [run["id"] for run in store.runs(created["id"], 500, None)[0]] == [
        *(run["id"] for run in before["runs"][0]),
        *appended,
    ]
    store.close()


def test_a_store_with_datasets_of_its_own_gets_no_examples():
    store = Store()
    dataset_id = store.add_dataset(store.add_space("s", "2026-06-01T08:00:00.000Z"), "d", "2026-06-01T08:00:00.000Z")
    seed(store)
    assert store.examples(dataset_id, None, 500, None) == ([], None)
    store.close()


def test_an_append_that_breaks_off_leaves_nothing(path: Path):
    store = seeded(path)
    before = contents(store)

    def runs() -> Iterator[str]:
        yield RUN
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.append_runs(before["experiments"][0]["id"], runs())
    assert contents(store) == before
    assert count_runs(path) == 36
    store.close()


def test_two_new_stores_hold_the_same_seed():
    stores = [seeded(), seeded()]
    first, second = (contents(store) for store in stores)
    assert first == second
    assert [experiment["name"] for experiment in first["experiments"]] == [
        "support-detailed-prompt",
        "support-baseline-short-prompt",
    ]
    short, detailed = sorted(first["runs"], key=lambda runs: sum(len(run["output"] or "") for run in runs))
    assert [run["example_id"] for run in short] == [run["example_id"] for run in detailed], "they can be compared"
    failed = [run for run in detailed if run["output"] is None]
    assert len(failed) == 1, "one run shows what a failure looks like"
    assert failed[0]["error"]
    assert stores[0].cursor_secret != stores[1].cursor_secret
    for store in stores:
        store.close()


def test_ids_look_like_arizes_own():
    store = seeded()
    found = contents(store)
    for key, kind in (("spaces", "Space"), ("datasets", "Dataset"), ("experiments", "Experiment")):
        for row in found[key]:
            assert base64.b64decode(row["id"], validate=True).decode().split(":")[0] == kind
    run_ids = [run["id"] for runs in found["runs"] for run in runs]
    assert {UUID(run_id).version for run_id in run_ids} == {7}
    assert len(set(run_ids)) == len(run_ids)
    store.close()


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_create_that_breaks_off_leaves_nothing(path: Path, error: type[BaseException]):
    store = seeded(path)
    dataset_id = store.datasets()[0]["id"]
    before = contents(store)

    def runs() -> Iterator[str]:
        yield RUN
        raise error

    with pytest.raises(error):
        store.create_experiment("new", dataset_id, None, runs())
    assert contents(store) == before
    assert count_runs(path) == 36
    created = store.create_experiment("new", dataset_id, None, [RUN])
    assert store.experiment(created["id"]) == created
    store.close()


def test_a_refused_create_leaves_nothing(path: Path):
    store = seeded(path)
    before = contents(store)
    for name, dataset_id, status in (
        ("new", "nope", 404),
        (before["experiments"][0]["name"], store.datasets()[0]["id"], 409),
    ):
        with pytest.raises(RequestError) as caught:
            store.create_experiment(name, dataset_id, None, [RUN])
        assert caught.value.status == status
    assert contents(store) == before
    assert count_runs(path) == 36
    store.close()


def test_runs_are_deleted_with_their_experiment(path: Path):
    store = seeded(path)
    store.delete_experiment(contents(store)["experiments"][0]["id"])
    assert count_runs(path) == 18
    store.close()


def test_an_empty_file_becomes_a_database(path: Path):
    path.touch()
    store = seeded(path)
    assert len(store.spaces()) == 1
    store.close()


def write_database(path: Path, script: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)


@pytest.mark.parametrize(
    "script",
    [
        "CREATE TABLE t (a); INSERT INTO t VALUES (1)",
        "CREATE TABLE t (a); PRAGMA user_version = 2",
        "PRAGMA user_version = 7",
        "PRAGMA application_id = 7",
        "CREATE TABLE t (a); PRAGMA user_version = 1",
    ],
)
def test_another_programs_database_is_refused_and_left_alone(path: Path, script: str):
    write_database(path, script)
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"^\S+sandbox\.db can't be used as a sandbox database: "):
        Store(str(path))
    assert path.read_bytes() == before


def test_a_refused_database_is_closed(path: Path):
    write_database(path, "PRAGMA journal_mode = WAL; CREATE TABLE t (a)")
    with pytest.raises(StoreError):
        Store(str(path))
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("content", [b"hello", b"not a database, " * 1000, b"SQLite format 3\x00" + b"\xff" * 4096])
def test_a_file_that_is_no_database_is_refused_and_left_alone(path: Path, content: bytes):
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"^\S+sandbox\.db can't be used"):
        Store(str(path))
    assert path.read_bytes() == content
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("name", ["", "nope/x.db", "file/x.db"])
def test_a_path_where_no_file_can_be_is_refused(tmp_path: Path, name: str):
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "file").touch()
    with pytest.raises(StoreError, match=f"^{re.escape(str(folder / name))} can't be used"):
        Store(str(folder / name))


def test_the_seed_needs_no_more_than_a_store():
    store = Store()
    seed(store)
    assert len(contents(store)["experiments"]) == 2
    store.close()


def test_runs_can_no_longer_be_appended_to_an_experiment_that_was_deleted():
    with closing(create_app().state.store) as store:
        experiment_id = contents(store)["experiments"][0]["id"]
        store.delete_experiment(experiment_id)
        with pytest.raises(RequestError) as caught:
            store.append_runs(experiment_id, [RUN])
    assert caught.value.status == 404
