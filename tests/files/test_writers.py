"""Runs that are written and read again are the same, as far as the format can carry them."""

from __future__ import annotations

import csv
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arize_mcp.files.folder import Folder
from arize_mcp.files.formats import rows
from arize_mcp.files.rows import Row
from arize_mcp.files.writers import writer


def written(runs: list[dict[str, Any]], name: str) -> bytes:
    with tempfile.TemporaryDirectory() as root:
        folder = Folder(root, 100_000_000)
        with folder.writing(name, None) as file, folder.spool() as spool:
            out = writer(name, file.write, spool)
            for run in runs:
                out.add(run)
            out.finish(list(dict.fromkeys(column for run in runs for column in run)))
        return (Path(root) / name).read_bytes()


def read(content: bytes, name: str) -> Iterator[dict[str, Any]]:
    with tempfile.TemporaryFile() as file:
        file.write(content)
        for row in rows(name, file, text=("output",), sparse=None).read():
            assert isinstance(row, Row)
            yield row.fields


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NUMBERS = st.integers(-(10**40), 10**40) | st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.none() | st.booleans() | NUMBERS | TEXT
VALUES = st.recursive(SCALARS, lambda value: st.lists(value, max_size=3) | st.dictionaries(TEXT, value, max_size=3))


@pytest.mark.parametrize("name", ["r.jsonl", "r.json"])
@settings(max_examples=60, deadline=None)
@given(runs=st.lists(st.dictionaries(TEXT, VALUES, max_size=4), min_size=1, max_size=5))
def test_json_carries_every_run_exactly(name: str, runs: list[dict[str, Any]]):
    back = list(read(written(runs, name), name))
    assert json.dumps(back) == json.dumps(runs)


def is_text(value: str) -> bool:
    """Not a JSON number, true or false, and nothing that no text file holds."""
    try:
        return not isinstance(json.loads(value), int | float) and "\0" not in value
    except ValueError:
        return "\0" not in value


@st.composite
def tables(draw: st.DrawFn) -> list[dict[str, Any]]:
    """What CSV can carry: columns of text that isn't all numbers, of numbers, of booleans."""
    names = draw(st.lists(TEXT.filter(lambda name: "\0" not in name), min_size=2, max_size=4, unique=True))
    kinds = {name: draw(st.sampled_from([TEXT.filter(is_text), NUMBERS, st.booleans()])) for name in names}
    count = draw(st.integers(1, 4))
    runs: list[dict[str, Any]] = [{name: draw(kind) for name, kind in kinds.items()} for _ in range(count)]
    # A column of empty cells only is none.
    return [{**{name: value or "x" if value == "" else value for name, value in run.items()}} for run in runs]


@settings(max_examples=150, deadline=None)
@given(runs=tables())
def test_csv_carries_text_numbers_and_booleans(runs: list[dict[str, Any]]):
    back = list(read(written(runs, "r.csv"), "r.csv"))
    assert json.dumps(back) == json.dumps(runs)


def test_csv_is_what_every_reader_takes():
    runs: list[dict[str, Any]] = [
        {"output": 'a,"b"\r\nc', "n": 1, "x": {"y": [1, None]}, "none": None},
        {"output": "", "late": True, "n": 12345678901234567},
    ]
    content = written(runs, "r.csv")
    assert content == (
        b'output,n,x,none,late\r\n"a,""b""\r\nc",1,"{""y"":[1,null]}",,\r\n,12345678901234567,,,true\r\n'
    )
    assert list(csv.DictReader(content.decode().splitlines(keepends=True), strict=True))[1]["late"] == "true"
    assert written([{"output": ""}], "r.csv") == b'output\r\n""\r\n'


def test_parquet_has_types_and_text_where_there_is_none_in_common():
    runs: list[dict[str, Any]] = [
        {"output": "a", "n": 1, "f": 0.5, "b": True, "mixed": 1, "nested": {"x": [1]}, "big": 10**30, "none": None},
        {"output": "b", "n": 2, "f": None, "b": False, "mixed": "x", "late": "y"},
    ]
    assert list(read(written(runs, "r.parquet"), "r.parquet")) == [
        {
            "output": "a", "n": 1, "f": 0.5, "b": True, "mixed": "1", "nested": '{"x":[1]}', "big": str(10**30),
            "none": None, "late": None,
        },
        {
            "output": "b", "n": 2, "f": None, "b": False, "mixed": "x", "nested": None, "big": None, "none": None,
            "late": "y",
        },
    ]  # fmt: skip


def test_json_is_written_a_run_a_line():
    runs: list[dict[str, Any]] = [{"output": "é\n", "n": 1}, {"output": "b"}]
    lines = [b'{"output":"\xc3\xa9\\n","n":1}', b'{"output":"b"}']
    assert written(runs, "r.jsonl") == b"".join(line + b"\n" for line in lines)
    assert written(runs, "r.json") == b"[\n" + b",\n".join(lines) + b"\n]\n"


def test_only_cells_of_csv_that_need_them_have_quotation_marks():
    cells = ["plain; text", "a,b", 'say "x"', "c\nd", "e\rf", "X'"]
    record = b'plain; text,"a,b","say ""x""","c\nd","e\rf",X\'\r\n'
    assert written([{str(n): cell for n, cell in enumerate(cells)}], "r.csv") == b"0,1,2,3,4,5\r\n" + record
