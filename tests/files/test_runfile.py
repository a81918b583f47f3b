"""A file that changes while it is read is not recorded: not what it was, nor what it becomes."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest

from arize_mcp.api.problems import URN, ProblemError
from arize_mcp.files.runfile import RunFile
from arize_mcp.files.runs import Columns

LINE = b'{"example_id":"e","output":"o"}\n'


class Watched(io.FileIO):
    """A file to which something happens when it is read for the nth time."""

    def __init__(self, path: Path, read: int, happens: Callable[[Path], object]) -> None:
        super().__init__(path)
        self._path = path
        self._reads_left = read
        self._happens = happens

    def read(self, size: int | None = -1, /) -> bytes:
        self._reads_left -= 1
        if self._reads_left == 0:
            self._happens(self._path)
        return super().read(size)


def grow(path: Path) -> None:
    with path.open("ab") as file:
        file.write(LINE)


def shrink(path: Path) -> None:
    os.truncate(path, len(LINE))


def rewrite(path: Path) -> None:
    path.write_bytes(LINE.replace(b"o", b"p") * 10)


def recorded(file: Watched) -> int:
    with file:
        return sum(len(part) for part in RunFile(file, "r.jsonl", Columns(), 100).parts(0, 0))  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("read", range(1, 7))
@pytest.mark.parametrize("happens", [grow, shrink, rewrite])
def test_a_change_at_any_read_is_found(tmp_path: Path, read: int, happens: Callable[[Path], object]):
    path = tmp_path / "r.jsonl"
    path.write_bytes(LINE * 10)
    with pytest.raises(ProblemError) as caught:
        recorded(Watched(path, read, happens))
    assert caught.value.problem.get("type") == URN + "file-changed"


@pytest.mark.skipif(os.name == "nt", reason="an open file stays there")
@pytest.mark.parametrize("read", range(1, 7))
def test_a_file_that_vanishes_is_read_to_its_end(tmp_path: Path, read: int):
    path = tmp_path / "r.jsonl"
    path.write_bytes(LINE * 10)
    assert recorded(Watched(path, read, Path.unlink)) == 10


def run_file(file: BinaryIO, path: str = "r.jsonl", expected: str | None = None) -> RunFile:
    columns = Columns(rename={"failure": "error"} if path == "r.csv" else {})
    return RunFile(file, path, columns, 100, expected)


def test_a_file_is_recorded_on_only_as_the_version_that_it_was(tmp_path: Path):
    path = tmp_path / "r.jsonl"
    path.write_bytes(LINE * 3)
    with path.open("rb") as file:
        version = run_file(file).version
        assert run_file(file, expected=version).version == version
        grow(path)
        with pytest.raises(ProblemError, match="has changed") as caught:
            run_file(file, expected=version)
    assert "Restore the file" in caught.value.problem.get("hint", "")


def test_the_first_runs_can_be_taken_and_the_parts_have_the_others(tmp_path: Path):
    path = tmp_path / "r.jsonl"
    path.write_bytes(b"".join(LINE.replace(b'"e"', b'"e%d"' % n) for n in range(5)))
    with path.open("rb") as file:
        runs = run_file(file)
        assert [run["example_id"] for run in runs.take(2)] == ["e0", "e1"]
        assert [[run["example_id"] for run in part] for part in runs.parts(0, 0)] == [["e2", "e3", "e4"]]
        assert runs.take(1) == []
        again = run_file(file)
        grow(path)
        with pytest.raises(ProblemError):
            again.take(1)


def test_a_column_that_becomes_the_error_is_text_and_absent_where_it_is_empty(tmp_path: Path):
    path = tmp_path / "r.csv"
    path.write_text("example_id,output,failure\n1e3,1.50,\n2,,404\n")
    with path.open("rb") as file:
        assert run_file(file, "r.csv").take(2) == [
            {"example_id": "1e3", "output": "1.50"},
            {"example_id": "2", "output": "", "error": "404"},
        ]
