"""A file that changes while it is read is not recorded: not what it was, nor what it becomes."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path

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
