"""Runs written in one of the formats, a run at a time."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from pydantic_core import to_json

from arize_mcp.files.folder import NewFile
from arize_mcp.files.formats import ending
from arize_mcp.files.parquetrows import pyarrow

Write = Callable[[bytes], object]
"""Takes the next bytes of the file."""


class Writer(Protocol):
    """A file that is being written."""

    def add(self, run: dict[str, Any]) -> None:
        """Take the next run."""
        ...

    def finish(self, columns: Sequence[str]) -> None:
        """Write what is still to be written; ``columns`` are the names of all fields, in order."""
        ...


def writer(path: str, write: Write, spool: NewFile) -> Writer:
    """The writer for the format that a path says.

    Args:
        path: of the file.
        write: takes its bytes.
        spool: an empty file for what can be written only when the last run is known.

    Raises:
        ProblemError: bad-file, where what Parquet needs is not installed.
    """
    match ending(path):
        case ".csv":
            return _Csv(write, spool)
        case ".parquet":
            return _Parquet(write)
        case ".json":
            return _JsonArray(write)
        case _:
            return _JsonLines(write)


class _JsonLines:
    def __init__(self, write: Write) -> None:
        self._write = write

    def add(self, run: dict[str, Any]) -> None:
        self._write(to_json(run) + b"\n")

    def finish(self, columns: Sequence[str]) -> None:
        pass


class _JsonArray:
    def __init__(self, write: Write) -> None:
        self._write = write
        self._before = b"[\n"

    def add(self, run: dict[str, Any]) -> None:
        self._write(self._before + to_json(run))
        self._before = b",\n"

    def finish(self, columns: Sequence[str]) -> None:
        self._write(b"\n]\n")


class _Csv:
    """CSV. Its header names the fields of all runs, so the runs wait in the spool until the last one is known."""

    def __init__(self, write: Write, spool: NewFile) -> None:
        self._write = write
        self._spool = spool

    def add(self, run: dict[str, Any]) -> None:
        self._spool.write(to_json(run) + b"\n")

    def finish(self, columns: Sequence[str]) -> None:
        self._write(_record(columns))
        for line in self._spool.lines():
            run: dict[str, Any] = json.loads(line)
            self._write(_record([_cell(run.get(column)) for column in columns]))


class _Parquet:
    """Parquet. A column whose values have no type in common, or are nested, is text."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self._arrow, self._parquet = pyarrow("pyarrow"), pyarrow("pyarrow.parquet")
        self._runs: list[dict[str, Any]] = []

    def add(self, run: dict[str, Any]) -> None:
        self._runs.append(run)

    def finish(self, columns: Sequence[str]) -> None:
        arrays = [self._array([run.get(column) for run in self._runs]) for column in columns]
        sink = self._arrow.BufferOutputStream()
        self._parquet.write_table(self._arrow.Table.from_arrays(arrays, names=list(columns)), sink)
        self._write(sink.getvalue().to_pybytes())

    def _array(self, values: list[Any]) -> Any:
        if not any(isinstance(value, list | dict) for value in values):
            try:
                return self._arrow.array(values)
            except (self._arrow.ArrowException, OverflowError):
                pass
        return self._arrow.array([None if value is None else _cell(value) for value in values])


def _cell(value: Any) -> str:
    """A value as text: a string as it is, nothing for null, JSON for anything else."""
    return "" if value is None else value if isinstance(value, str) else to_json(value).decode()


def _record(cells: Sequence[str]) -> bytes:
    """A record of RFC 4180."""
    if list(cells) == [""]:
        return b'""\r\n'  # else the line would be empty
    quoted = ('"' + cell.replace('"', '""') + '"' if _needs_quotes(cell) else cell for cell in cells)
    return (",".join(quoted) + "\r\n").encode()


def _needs_quotes(cell: str) -> bool:
    return any(sign in cell for sign in ',"\r\n')
