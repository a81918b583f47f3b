"""Spaces, datasets, examples, experiments and runs in SQLite."""

from __future__ import annotations

import base64
import json
import secrets
import sqlite3
import threading
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

from arize_mcp.sandbox.problems import RequestError

Row = dict[str, Any]

_APPLICATION_ID = 0x41727A65  # "Arze": what makes a file ours, not just any with user_version 1
_SCHEMA_VERSION = 1
_SCHEMA = """
CREATE TABLE secret (value BLOB NOT NULL);
CREATE TABLE space (n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, created_at TEXT NOT NULL);
CREATE TABLE dataset (
    n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, version_id TEXT NOT NULL,
    space_id TEXT NOT NULL REFERENCES space (id), name TEXT NOT NULL, created_at TEXT NOT NULL
);
CREATE TABLE experiment (
    n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE, name TEXT NOT NULL,
    space_id TEXT NOT NULL REFERENCES space (id), dataset_id TEXT REFERENCES dataset (id), dataset_version_id TEXT,
    created_at TEXT NOT NULL, updated_at TEXT NOT NULL
);
CREATE UNIQUE INDEX experiment_name ON experiment (ifnull(dataset_id, space_id), name);
CREATE TABLE run (
    n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL,
    experiment_id TEXT NOT NULL REFERENCES experiment (id) ON DELETE CASCADE, fields TEXT NOT NULL
);
CREATE INDEX run_experiment ON run (experiment_id, n);
"""
_EXAMPLES = """
CREATE TABLE IF NOT EXISTS example (
    dataset_id TEXT NOT NULL REFERENCES dataset (id), created_at TEXT NOT NULL, id TEXT NOT NULL, fields TEXT NOT NULL,
    PRIMARY KEY (dataset_id, created_at, id)
)
"""
"""A table that came after version 1. It changes no other, so either release can use a file of the other one."""


class StoreError(Exception):
    """A database file that can't be used."""


class Store:
    """The sandbox's data. Its methods block; call them from a worker thread.

    One connection behind a lock: SQLite has one writer at a time anyway, and no statement here reads more than a page.

    Args:
        path: the database file; None keeps the data in memory.

    Raises:
        StoreError: where the file can't be opened or is no sandbox database.
    """

    def __init__(self, path: str | None = None) -> None:
        self._lock = threading.RLock()
        try:
            self._connection = sqlite3.connect(
                ":memory:" if path is None else path, isolation_level=None, check_same_thread=False, timeout=10
            )
        except sqlite3.Error as error:
            raise StoreError(f"{path} can't be used as a sandbox database: {error}.") from error
        try:
            self._connection.row_factory = sqlite3.Row
            self._connection.execute("PRAGMA foreign_keys = ON")
            self._connection.create_function("fold", 1, str.casefold, deterministic=True)
            self._create_schema()
        except sqlite3.Error as error:
            self._connection.close()
            raise StoreError(f"{path} can't be used as a sandbox database: {error}.") from error
        self.cursor_secret = cast("bytes", self._connection.execute("SELECT value FROM secret").fetchone()[0])

    def _create_schema(self) -> None:
        with self.transaction() as connection:
            application, version = (
                connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")
            )
            if (application, version) == (_APPLICATION_ID, _SCHEMA_VERSION):
                connection.execute(_EXAMPLES)
                return
            if application or version or connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
                raise sqlite3.DatabaseError("it holds something else")
            for statement in (*_SCHEMA.split(";"), _EXAMPLES):
                connection.execute(statement)
            connection.execute("INSERT INTO secret VALUES (?)", (secrets.token_bytes(32),))
            connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")

    @contextmanager
    def transaction(self) -> Generator[sqlite3.Connection]:
        """All or nothing; a transaction inside another is part of it."""
        with self._lock:
            if self._connection.in_transaction:
                yield self._connection
                return
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def _rows(self, statement: str, *parameters: Any) -> list[Row]:
        with self._lock:
            return [dict(row) for row in self._connection.execute(statement, parameters)]

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._connection.close()

    def add_space(self, name: str, created_at: str) -> str:
        """Add a space and return its id."""
        with self.transaction() as connection:
            count = connection.execute("SELECT count(*) FROM space").fetchone()[0]
            space_id = _entity_id("Space", count + 1, "main")
            connection.execute("INSERT INTO space VALUES (?, ?, ?, ?)", (count + 1, space_id, name, created_at))
        return space_id

    def add_dataset(self, space_id: str, name: str, created_at: str) -> str:
        """Add a dataset with one version and return its id."""
        with self.transaction() as connection:
            n = connection.execute("SELECT count(*) FROM dataset").fetchone()[0] + 1
            dataset_id = _entity_id("Dataset", n, "data")
            version_id = _entity_id("DatasetVersion", n, "ver1")
            connection.execute(
                "INSERT INTO dataset VALUES (?, ?, ?, ?, ?, ?)", (n, dataset_id, version_id, space_id, name, created_at)
            )
        return dataset_id

    def add_examples(self, dataset_id: str, examples: Iterable[tuple[str, str, str]]) -> None:
        """Add examples to a dataset's only version, each as (created_at, id, fields as JSON)."""
        with self.transaction() as connection:
            connection.executemany(
                "INSERT INTO example (dataset_id, created_at, id, fields) VALUES (?, ?, ?, ?)",
                ((dataset_id, *example) for example in examples),
            )

    def create_experiment(
        self,
        name: str,
        dataset_id: str | None,
        space_id: str | None,
        runs: Iterable[str],
        *,
        created_at: datetime | None = None,
        suffix: str | None = None,
    ) -> Row:
        """Add an experiment with its runs, all or nothing.

        Args:
            name: unique in its dataset, or, without a dataset, in its space.
            dataset_id: its dataset; then its space is the dataset's.
            space_id: its space, where it has no dataset.
            runs: each a JSON object as text.
            created_at: now, if None.
            suffix: the last part of its id; random, if None.

        Raises:
            RequestError: 404 for an unknown dataset or space, 409 for a name that is taken.
        """
        timestamp = _timestamp(created_at or datetime.now(UTC))
        with self.transaction() as connection:
            version_id = None
            if dataset_id is not None:
                dataset = connection.execute("SELECT * FROM dataset WHERE id = ?", (dataset_id,)).fetchone()
                if dataset is None:
                    raise RequestError(404, "No dataset has this 'dataset_id'.")
                space_id, version_id = dataset["space_id"], dataset["version_id"]
            elif not connection.execute("SELECT 1 FROM space WHERE id = ?", (space_id,)).fetchone():
                raise RequestError(404, "No space has this 'space_id'.")
            try:
                cursor = connection.execute(
                    "INSERT INTO experiment (name, space_id, dataset_id, dataset_version_id, created_at, updated_at) "
                    "VALUES (?, ?, ?, ?, ?, ?)",
                    (name, space_id, dataset_id, version_id, timestamp, timestamp),
                )
            except sqlite3.IntegrityError:
                where = "dataset" if dataset_id else "space"
                raise RequestError(409, f"An experiment named '{name}' already exists in this {where}.") from None
            n = cast("int", cursor.lastrowid)
            experiment_id = _entity_id("Experiment", n, suffix or secrets.token_hex(2))
            connection.execute("UPDATE experiment SET id = ? WHERE n = ?", (experiment_id, n))
            row = connection.execute("SELECT * FROM experiment WHERE n = ?", (n,)).fetchone()
            _add_runs(connection, row, runs)
        return _experiment(dict(row))

    def append_runs(self, experiment_id: str, runs: Iterable[str]) -> Row:
        """Add runs behind those of an experiment, all or nothing.

        Args:
            experiment_id: the experiment, which is updated now.
            runs: each a JSON object as text.

        Returns:
            The experiment, with ``run_ids`` in the order of the runs.

        Raises:
            RequestError: 404.
        """
        with self.transaction() as connection:
            connection.execute(
                "UPDATE experiment SET updated_at = ? WHERE id = ?", (_timestamp(datetime.now(UTC)), experiment_id)
            )
            row = connection.execute("SELECT * FROM experiment WHERE id = ?", (experiment_id,)).fetchone()
            if row is None:
                raise _no_experiment()
            run_ids = _add_runs(connection, row, runs)
        return {**_experiment(dict(row)), "run_ids": run_ids}

    def delete_experiment(self, experiment_id: str) -> None:
        """Delete an experiment and its runs.

        Raises:
            RequestError: 404.
        """
        with self.transaction() as connection:
            if connection.execute("DELETE FROM experiment WHERE id = ?", (experiment_id,)).rowcount == 0:
                raise _no_experiment()

    def experiment(self, experiment_id: str) -> Row:
        """One experiment.

        Raises:
            RequestError: 404.
        """
        rows = self._rows("SELECT * FROM experiment WHERE id = ?", experiment_id)
        if not rows:
            raise _no_experiment()
        return _experiment(rows[0])

    def experiments(
        self, dataset_id: str | None, space_id: str | None, name: str | None, limit: int, before: int | None
    ) -> tuple[list[Row], int | None]:
        """A page of experiments, newest first, and the position to go on from.

        Raises:
            RequestError: 404 for an unknown dataset or space.
        """
        for table, entity_id in (("dataset", dataset_id), ("space", space_id)):
            if entity_id is not None and not self._rows(f"SELECT 1 FROM {table} WHERE id = ?", entity_id):  # noqa: S608
                raise RequestError(404, f"No {table} has this '{table}_id'.")
        rows = self._rows(
            "SELECT * FROM experiment WHERE dataset_id IS coalesce(?, dataset_id) "
            "AND space_id IS coalesce(?, space_id) AND instr(fold(name), fold(coalesce(?, ''))) "
            "AND n < coalesce(?, n + 1) ORDER BY n DESC LIMIT ?",
            dataset_id,
            space_id,
            name,
            before,
            limit + 1,
        )
        page, position = _page(rows, limit)
        return [_experiment(row) for row in page], position

    def runs(self, experiment_id: str, limit: int, after: int | None) -> tuple[list[Row], int | None]:
        """A page of runs in insertion order, and the position to go on from.

        Raises:
            RequestError: 404.
        """
        self.experiment(experiment_id)
        rows = self._rows(
            "SELECT n, id, fields FROM run WHERE experiment_id = ? AND n > ? ORDER BY n LIMIT ?",
            experiment_id,
            after or 0,
            limit + 1,
        )
        page, position = _page(rows, limit)
        return [{"id": row["id"], "error": None, **json.loads(row["fields"])} for row in page], position

    def spaces(self) -> list[Row]:
        """All spaces, oldest first."""
        return self._rows("SELECT id, name, created_at FROM space ORDER BY n")

    def datasets(self) -> list[Row]:
        """All datasets, oldest first."""
        return self._rows("SELECT id, name, space_id, created_at, created_at AS updated_at FROM dataset ORDER BY n")

    def dataset(self, dataset_id: str) -> Row:
        """One dataset, with its versions.

        Raises:
            RequestError: 404.
        """
        rows = self._rows("SELECT * FROM dataset WHERE id = ?", dataset_id)
        if not rows:
            raise RequestError(404, "No dataset has this id.")
        row = rows[0]
        times = {"created_at": row["created_at"], "updated_at": row["created_at"]}
        version = {"id": row["version_id"], "name": "Version 1", "dataset_id": row["id"], **times}
        return {**{key: row[key] for key in ("id", "name", "space_id")}, **times, "versions": [version]}

    def examples(
        self, dataset_id: str, version_id: str | None, limit: int, after: int | None
    ) -> tuple[list[Row], int | None]:
        """A page of a dataset's examples in the order of created_at and id, and the position to go on from.

        Raises:
            RequestError: 404 for an unknown dataset, or a version that isn't this dataset's.
        """
        versions = self.dataset(dataset_id)["versions"]
        if version_id is not None and version_id not in [version["id"] for version in versions]:
            raise RequestError(404, "No version of this dataset has this 'dataset_version_id'.")
        start = after or 0
        rows = self._rows(
            "SELECT id, created_at, fields FROM example WHERE dataset_id = ? ORDER BY created_at, id LIMIT ? OFFSET ?",
            dataset_id,
            limit + 1,
            start,
        )
        page = [
            {"id": row["id"], "created_at": row["created_at"], "updated_at": row["created_at"]}
            | json.loads(row["fields"])
            for row in rows[:limit]
        ]
        return page, start + limit if len(rows) > limit else None


def _page(rows: list[Row], limit: int) -> tuple[list[Row], int | None]:
    page = rows[:limit]
    return page, page[-1]["n"] if len(rows) > limit else None


def _experiment(row: Row) -> Row:
    del row["n"]
    return {**row, "integration_id": None}


def _no_experiment() -> RequestError:
    return RequestError(404, "No experiment has this id.")


def _entity_id(kind: str, n: int, suffix: str) -> str:
    """A base64 id as the contract describes it: kind, number and suffix."""
    return base64.b64encode(f"{kind}:{n}:{suffix}".encode()).decode()


def _timestamp(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _add_runs(connection: sqlite3.Connection, experiment: sqlite3.Row, runs: Iterable[str]) -> list[str]:
    """Store runs behind those that are there; returns their ids in order."""
    created_ms = round(datetime.fromisoformat(experiment["created_at"]).timestamp() * 1000)
    # Runs are only deleted with their experiment, so their number is the position of the next one.
    (count,) = connection.execute("SELECT count(*) FROM run WHERE experiment_id = ?", (experiment["id"],)).fetchone()
    rows = [
        (_run_id(created_ms, position, experiment["n"]), experiment["id"], fields)
        for position, fields in enumerate(runs, count)
    ]
    connection.executemany("INSERT INTO run (id, experiment_id, fields) VALUES (?, ?, ?)", rows)
    return [row[0] for row in rows]


def _run_id(created_ms: int, position: int, experiment_n: int) -> str:
    """A UUIDv7 (RFC 9562, 5.7) whose order is the runs' order, and which is the same for the same data.

    Args:
        created_ms: when the experiment was created; its later runs follow by their position, whatever the clock says.
        position: the number of runs before it in its experiment, below 2**30.
        experiment_n: the experiment's number, below 2**32.
    """
    first = min(position, 0xFFF)
    last = 1 << 63 | (position - first) << 32 | experiment_n
    raw = created_ms.to_bytes(6, "big") + (0x7000 | first).to_bytes(2, "big") + last.to_bytes(8, "big")
    return str(UUID(bytes=raw))
