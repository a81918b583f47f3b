"""What files hold: read into runs exactly, or refused with the line."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest

from arize_mcp.api.problems import ProblemError
from arize_mcp.files.formats import rows
from arize_mcp.files.rows import Fault
from arize_mcp.files.runs import Checked, Columns, Run, Runs, parts

pa: Any = importlib.import_module("pyarrow")
pq: Any = importlib.import_module("pyarrow.parquet")

E1, E2 = '{"example_id":"e1","output":"o1"}', '{"example_id":"e2","output":"o2"}'


def load(path: Path, max_rows: int = 100_000, **columns: Any) -> tuple[Checked, list[dict[str, Any]]]:
    """What the check says of a file, and its runs."""
    wanted = Columns(**columns)
    with path.open("rb") as file:
        texts = {wanted.example_id, wanted.output, wanted.column_of("error")}
        runs = Runs(rows(path.name, file, text=texts, sparse=wanted.column_of("error")), wanted)
        checked = runs.check(max_rows)
        read = list(runs.read())
        assert all(isinstance(run, Run) for run in read)
        return checked, [cast("Run", run).fields for run in read]


def refusal(path: Path, **columns: Any) -> dict[str, Any]:
    with pytest.raises(ProblemError) as caught:
        load(path, **columns)
    problem = dict(caught.value.problem)
    assert problem["type"] == "urn:arize-mcp:problem:bad-file"
    assert problem["hint"]
    return problem


Written = Callable[[str, str | bytes], Path]


@pytest.fixture
def written(tmp_path: Path) -> Written:
    def write(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.mark.parametrize("name", ["r.jsonl", "r.ndjson", "R.JSONL"])
def test_json_lines_keep_every_value_exactly(written: Written, name: str):
    run = {
        "example_id": "  e1 ",
        "output": "a\u2028b\r\n\U0001f600\x00\ttail ",
        "n": 12345678901234567,
        "big": 10**400,
        "small": 5e-324,
        "tenth": 0.1,
        "deep": {"a": [1, {"b": [None, True, ""]}]},
        "eval.judge.score": 1.0,
        "null": None,
        "": "x",
    }
    text = "\ufeff\n" + json.dumps(run, ensure_ascii=False) + "\r\n  \t\n" + json.dumps(run) + "\n\n"
    checked, runs = load(written(name, text), omit=frozenset([""]))
    del run[""]
    assert runs == [run, run]
    assert [type(value) for value in runs[0].values()] == [type(value) for value in run.values()]
    assert checked.rows == 2
    assert checked.types["n"] == "number"
    assert checked.types["deep"] == "object"
    assert checked.types["null"] == "null"
    assert checked.first == [run, run]
    assert checked.notes == []


def test_an_array_of_objects_is_read_item_by_item(written: Written):
    items: list[Any] = [{"example_id": n, "output": '[{"\\', "x": [[], {}]} for n in range(20_000)]
    _, runs = load(written("r.json", "\ufeff  " + json.dumps(items, indent=1) + "\n "))
    assert [run["example_id"] for run in runs] == [str(n) for n in range(20_000)]
    assert all(run["output"] == '[{"\\' and run["x"] == [[], {}] for run in runs)


def test_columns_are_renamed_left_out_or_go_along(written: Written):
    row: dict[str, Any] = {
        "id": "ex1",
        "answer": "o",
        "judge_score": 0.5,
        "secret": "s",
        "model": "m",
        "annotations": [],
        "error": None,
    }
    checked, runs = load(
        written("r.jsonl", json.dumps(row)),
        example_id="id",
        output="answer",
        rename={"judge_score": "eval.judge.score"},
        omit=frozenset(["secret"]),
    )
    assert runs == [{"example_id": "ex1", "output": "o", "eval.judge.score": 0.5, "model": "m"}]
    assert checked.notes == ["Left out, because Arize sets them itself: annotations."]


@pytest.mark.parametrize(
    ("value", "output"),
    [
        ({"a": [1, "é"]}, json.dumps({"a": [1, "é"]})),
        ([1, None], "[1, null]"),
        (12, "12"),
        (1.5, "1.5"),
        (True, "true"),
        ("", ""),
    ],
)
def test_an_output_that_is_no_text_is_json_encoded_as_the_sdk_does(written: Written, value: Any, output: str):
    _, (run,) = load(written("r.jsonl", json.dumps({"example_id": "e", "output": value})))
    assert run["output"] == output


def test_only_a_row_with_an_error_may_lack_an_output(written: Written):
    failed = '{"example_id":"e","output":null,"error":"E"}\n{"example_id":"e","error":"E"}\n'
    _, runs = load(written("r.jsonl", failed))
    assert runs == [{"example_id": "e", "output": "", "error": "E"}] * 2
    problem = refusal(written("r.jsonl", failed + '{"example_id":"e","output":null}\n{"example_id":"e","error":""}'))
    assert [(e["line"], e["field"]) for e in problem["errors"]] == [(3, "output"), (4, "output")]


@pytest.mark.parametrize("value", ["", "  ", None, True, 1.5, [], {}])
def test_an_example_id_is_text_that_is_not_blank_or_a_whole_number(written: Written, value: Any):
    problem = refusal(written("r.jsonl", E1 + "\n" + json.dumps({"example_id": value, "output": "o"})))
    assert [(e["line"], e["field"]) for e in problem["errors"]] == [(2, "example_id")]


def test_nan_becomes_null_and_is_counted_by_column(written: Written):
    text = (
        '{"example_id":"1","output":"o","s":NaN,"d":{"x":[Infinity,-Infinity,1]}}\n'
        '{"example_id":"2","output":{"a":NaN},"s":1e999}'
    )
    checked, runs = load(written("r.jsonl", text))
    assert runs == [
        {"example_id": "1", "output": "o", "s": None, "d": {"x": [None, None, 1]}},
        {"example_id": "2", "output": '{"a": null}', "s": None},
    ]
    assert checked.notes == ["NaN and infinities are recorded as null: s 2, d 2, output 1."]
    problem = refusal(written("r.jsonl", '{"example_id":"1","output":NaN}'))
    assert problem["errors"] == [{"line": 1, "field": "output", "detail": "Must not be NaN or infinite."}]


CSV = (
    'example_id,output,score,ok,mixed,none,code,"a ""name"",\r\nof two lines",error\r\n'
    '007,1.0,0.5,true,1,,007,"x, ""y""\r\nz\rw\n",\r\n'
    "8 ,true,,,x,,1,,boom\r\n"
    "\r\n"
    ' 9,"",-1e3,false,,,2,"",404\r\n'
)


@pytest.mark.parametrize("bom", ["", "\ufeff"])
def test_csv_has_the_types_that_its_cells_show(written: Written, bom: str):
    checked, runs = load(written("r.csv", bom + CSV))
    name = 'a "name",\r\nof two lines'
    assert runs == [
        {
            "example_id": "007", "output": "1.0", "score": 0.5, "ok": True, "mixed": "1", "code": "007",
            name: 'x, "y"\r\nz\rw\n',
        },
        {"example_id": "8 ", "output": "true", "mixed": "x", "code": "1", name: "", "error": "boom"},
        {
            "example_id": " 9", "output": "", "score": -1000.0, "ok": False, "mixed": "", "code": "2", name: "",
            "error": "404",
        },
    ]  # fmt: skip
    assert checked.types["score"] == "number"


def test_a_column_of_csv_with_numbers_and_truth_values_is_text(written: Written):
    _, runs = load(written("r.csv", "example_id,output,x,y,z\na,o,1,true,1e999\nb,o,true,0,2\n"))
    assert [(run["x"], run["y"], run["z"]) for run in runs] == [("1", "true", None), ("true", "0", 2)]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", ["", "end"])
def test_csv_has_any_line_ends(written: Written, end: str, last: str):
    lines = ["example_id,output,n", "e1,o1,12345678901234567", 'e2,"o,2",2']
    _, runs = load(written("r.csv", end.join(lines) + (end if last else "")))
    assert runs == [
        {"example_id": "e1", "output": "o1", "n": 12345678901234567},
        {"example_id": "e2", "output": "o,2", "n": 2},
    ]


@pytest.mark.parametrize("before", range(4))
def test_a_line_end_between_two_reads_of_a_large_file_is_one(written: Written, before: int):
    header, chunk = "example_id,output\r\n", 1_048_576
    filling = chunk - len(header) - len("e,") - before
    _, runs = load(written("r.csv", header + f'e,{"x" * filling}\r\nf,"o\r\n"\r\n'))
    assert [run["example_id"] for run in runs] == ["e", "f"]
    assert (len(runs[0]["output"]), runs[1]["output"]) == (filling, "o\r\n")


@pytest.mark.parametrize(
    ("content", "line", "said"),
    [
        ("example_id,output\ne,o\ne,o,x\n", 3, "Has 3 cells, where the header has 2."),
        ('example_id,output\n"a\n\nb",o\ne\n', 5, "Has 1 cells, where the header has 2."),
        ('example_id,output\ne,o\ne,"o\nf,p\n', 3, "not closed"),
        ('example_id,output\ne,o"p"\n', 2, "quotation mark"),
        ('example_id,output\ne,"o"p\n', 2, "quotation mark"),
        ("example_id,output\ne,o\x00\n", 2, "NUL"),
        ("example_id,output\ne," + "x" * 24_000_000 + "\nf,p\n", 2, "longer than"),
        ("example_id,output\ne," + "x" * 26_000_000 + "\nf,p\n", 2, "longer than"),
        ("example_id,output\ne," + "x" * 26_000_000, 2, "longer than"),
    ],
)
def test_a_row_of_csv_that_is_none_is_refused_with_its_line(written: Written, content: str, line: int, said: str):
    (error,) = refusal(written("r.csv", content))["errors"]
    assert error["line"] == line
    assert said in error["detail"]


def test_a_header_with_a_name_twice_is_refused(written: Written):
    problem = refusal(written("r.csv", "example_id,output,a,a\ne,o,1,2\n"))
    assert problem["errors"] == [{"line": 1, "field": "a", "detail": "Stands twice in the header."}]


def test_a_header_that_cant_be_read_below_an_empty_line_is_refused_with_its_own_line(written: Written):
    problem = refusal(written("r.csv", '\nexample_id,out"put\ne,o\n'))
    assert problem["detail"] == "The header can't be read."
    (error,) = problem["errors"]
    assert error["line"] == 2
    assert "quotation mark" in error["detail"]


def test_a_long_name_that_stands_twice_is_shown_in_part(written: Written):
    detail = refusal(written("r.csv", f"{'n' * 500},{'n' * 500}\n1,2\n"))["detail"]
    assert detail == f"Two columns of the file are named {'n' * 100}."


def test_all_rows_of_csv_that_cant_be_read_are_told(written: Written):
    problem = refusal(written("r.csv", 'example_id,output\ne\ne,o"p"\nf,o\ne,o,x\n,o\n'))
    assert [error["line"] for error in problem["errors"]] == [2, 3, 5, 6]
    assert problem["detail"] == "Nothing was sent: 4 of 5 rows can't be recorded."
    assert "more_errors" not in problem


def test_what_follows_a_line_that_is_too_long_is_read(written: Written):
    problem = refusal(written("r.csv", "example_id,output\ne," + "x" * 26_000_000 + "\nf,p\ng\n"))
    assert [error["line"] for error in problem["errors"]] == [2, 4]


def test_a_number_of_csv_has_at_most_as_many_digits_as_are_read(written: Written):
    _, (run,) = load(written("r.csv", f"example_id,output,n,m\ne,o,{'9' * 4300},{'9' * 4301}\n"))
    assert (run["n"], run["m"]) == (10**4300 - 1, "9" * 4301)


def test_one_column_alone_is_not_taken_for_another_separator(written: Written):
    problem = refusal(written("r.csv", "output\no\n"))
    assert [error["field"] for error in problem["errors"]] == ["example_id"]
    assert problem["errors"][0]["detail"].startswith("example_id_field: no column has this name.")


def test_a_separator_that_is_no_comma_is_said(written: Written):
    assert "commas" in refusal(written("r.csv", "example_id;output\ne;o\n"))["detail"]


def test_parquet_is_read_where_pyarrow_is_installed(tmp_path: Path):
    table = pa.table(
        {
            "example_id": [1, 2],
            "output": ["a", "b"],
            "n": [12345678901234567, None],
            "f": [float("nan"), 0.5],
            "l": [[1, 2], None],
            "o": [{"a": "b"}, None],
            "d": [date(2026, 1, 2), None],
            "price": [Decimal("1.50"), Decimal("2.00")],
        }
    )
    pq.write_table(table, tmp_path / "r.parquet")
    checked, runs = load(tmp_path / "r.parquet")
    first = {"example_id": "1", "output": "a", "n": 12345678901234567, "f": None, "l": [1, 2], "o": {"a": "b"}}
    second = {"example_id": "2", "output": "b", "n": None, "f": 0.5, "l": None, "o": None}
    assert runs == [{**first, "d": "2026-01-02", "price": 1.5}, {**second, "d": None, "price": 2}]
    assert checked.notes == ["NaN and infinities are recorded as null: f 1."]


def test_dates_decimals_and_structs_of_parquet_have_the_form_that_json_has(tmp_path: Path):
    day = datetime(2026, 11, 25, 8, 30, tzinfo=UTC)
    cells = {
        "day": day.date(), "at": day, "time": day.time(), "whole": Decimal("12.00"), "part": Decimal("0.25"),
        "struct": {"a": [day.date(), None], "b": {"c": True}}, "": "no name",
    }  # fmt: skip
    columns = {"example_id": ["e"], "output": ["o"], **{name: [value] for name, value in cells.items()}}
    pq.write_table(pa.table(columns), tmp_path / "r.parquet")
    _, (run,) = load(tmp_path / "r.parquet")
    assert run == {
        "example_id": "e", "output": "o", "day": "2026-11-25", "at": "2026-11-25T08:30:00+00:00", "time": "08:30:00",
        "whole": 12, "part": 0.25, "struct": {"a": ["2026-11-25", None], "b": {"c": True}}, "": "no name",
    }  # fmt: skip
    assert isinstance(run["whole"], int)


def test_two_columns_of_parquet_with_one_name_are_refused(tmp_path: Path):
    table = pa.Table.from_arrays(
        [pa.array(["e"]), pa.array(["o"]), pa.array(["p"])], ["example_id", "output", "output"]
    )
    pq.write_table(table, tmp_path / "r.parquet")
    assert refusal(tmp_path / "r.parquet")["detail"] == "Two columns of the file have the same name."


def test_a_wrong_column_of_parquet_is_named_with_those_that_there_are(tmp_path: Path):
    pq.write_table(pa.table({"example_id": ["e"], "output": ["o"]}), tmp_path / "r.parquet")
    (error,) = refusal(tmp_path / "r.parquet", omit=frozenset(["zzz"]))["errors"]
    assert error["detail"] == "omit: no column has this name. The file has example_id, output."


def test_what_parquet_holds_beyond_json_is_said_with_its_row(tmp_path: Path):
    pq.write_table(
        pa.table({"example_id": ["1", "2"], "output": ["a", "b"], "x": [None, b"\xff"]}), tmp_path / "r.parquet"
    )
    (error,) = refusal(tmp_path / "r.parquet")["errors"]
    assert (error["line"], error["field"]) == (2, "x")


def test_two_columns_of_the_same_name_in_parquet_are_refused(tmp_path: Path):
    pq.write_table(pa.table([["e"], ["o"], ["p"]], names=["example_id", "output", "output"]), tmp_path / "r.parquet")
    assert refusal(tmp_path / "r.parquet")["detail"] == "Two columns of the file have the same name."


def test_without_pyarrow_a_parquet_file_is_refused_with_what_to_install(tmp_path: Path):
    pq.write_table(pa.table({"example_id": ["1"], "output": ["a"]}), tmp_path / "r.parquet")
    script = (
        "import sys; sys.modules['pyarrow'] = None\n"
        "from arize_mcp.files.formats import rows\n"
        "from arize_mcp.api.problems import ProblemError\n"
        f"try: list(rows('r.parquet', open({str(tmp_path / 'r.parquet')!r}, 'rb'), text=(), sparse=None).read())\n"
        "except ProblemError as error: print(error.problem)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "arize-mcp[parquet]" in done.stdout


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("r.jsonl", b"", "no rows"),
        ("r.jsonl", b"\n \n", "no rows"),
        ("r.json", b"", "empty"),
        ("r.json", b" [] ", "no rows"),
        ("r.csv", b"", "no rows"),
        ("r.csv", b"example_id,output\n", "no rows"),
        ("r.json", E1.encode(), "doesn't hold an array"),
        ("r.json", f"X[{E1}]".encode(), "doesn't hold an array"),
        ("r.json", f"[{E1},{E1},{E1},".encode(), "ends inside its row 4"),
        ("r.json", f"[{E1}] x".encode(), "follows the array"),
        ("r.json", f"[{E1},".encode(), "ends inside its row 2"),
        ("r.json", f'[{E1},{{"a": "'.encode(), "ends inside its row 2"),
        ("r.jsonl", E1.encode("utf-16"), "UTF-16"),
        ("r.csv", "example_id,output\n".encode("utf-16"), "UTF-16"),
        ("r.jsonl", f"\ufeff{E1}".encode("utf-32-be"), "UTF-16 or UTF-32"),
        ("r.json", f"[{E1}]".encode("utf-16"), "UTF-16"),
        ("r.jsonl", f'{E1}\n{{"x":"\xff'.encode("latin-1"), "not UTF-8: see its line (or row) 2"),
        ("r.csv", b"example_id,output\ne,\xe9\n", "not UTF-8: see its line (or row) 2"),
        ("r.json", b'[{"x":"\xe9"}]', "not UTF-8: see its line (or row) 1"),
        ("r.parquet", b"PAR1 or not", "can't be read as Parquet"),
        ("r.parquet", b"", "can't be read as Parquet"),
    ],
)
def test_a_fault_of_the_whole_file_is_its_detail(written: Written, name: str, content: bytes, said: str):
    assert said in refusal(written(name, content))["detail"]


OPEN = ("x" * 1_000_000 + "\n") * 25
"""What a quotation mark may open, and no line of which is too long by itself."""


@pytest.mark.parametrize(
    ("content", "said"),
    [("x" * 24_000_001 + ",output\n", "longer than"), ('example_id,"' + OPEN, "not closed")],
    ids=["long", "quotation mark"],
)
def test_a_header_that_cant_be_read_is_refused_with_its_line(written: Written, content: str, said: str):
    problem = refusal(written("r.csv", content))
    assert problem["detail"] == "The header can't be read."
    assert problem["errors"][0]["line"] == 1
    assert said in problem["errors"][0]["detail"]


@pytest.mark.parametrize("file_bytes", [24_000_020, 23 * 2**20, 25 * 2**20])
def test_a_line_too_long_for_a_row_is_passed_over_in_csv(written: Written, file_bytes: int):
    # Of a file that is read by the megabyte, the carriage return may be the last that is seen.
    long = "example_id,output\re,".ljust(file_bytes - 1, "x")
    problem = refusal(written("r.csv", f"{long}\re,o\r"))
    assert [error["line"] for error in problem["errors"]] == [2]
    assert "longer than" in problem["errors"][0]["detail"]
    assert "1 of 2 rows" in problem["detail"]


def test_a_quotation_mark_that_stays_open_is_told_with_the_line_of_its_row(written: Written):
    problem = refusal(written("r.csv", 'example_id,output\ne,o\ne,"' + OPEN))
    assert problem["errors"] == [{"line": 3, "detail": "Opens a quotation mark that is not closed."}]


@pytest.mark.parametrize("chars", [1_048_576, 3_000_000])
def test_space_around_an_array_may_be_as_long_as_one_likes(written: Written, chars: int):
    assert len(load(written("r.json", " " * chars + f"[{E1}]" + "\n" * chars))[1]) == 1


def test_a_million_columns_are_too_many(written: Written):
    for name, content in (
        ("r.csv", ",".join(str(n) for n in range(1_000_000))),
        ("r.jsonl", json.dumps({str(n): n for n in range(1_000_000)})),
    ):
        assert "columns" in refusal(written(name, content))["detail"]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("{", "Broken JSON at character 2"),
        ("{'a': 1}", "Broken JSON"),
        (f"{E1}{E2}", "Broken JSON"),
        ("[1]", "Must be"),
        ('"text"', "Must be"),
        ("null", "Must be"),
        ('{"example_id":"e","output":"o","x":' + "[" * 100_000 + "]" * 100_000 + "}", "nested too deep"),
        ('{"example_id":"e","output":"o","x":' + "[" * 98 + "]" * 98 + "}", "nested too deep"),
        ('{"example_id":"e","output":"o","x":"\\ud800"}', "surrogate"),
        ('{"example_id":"e","output":"o","\\udc00":1}', "surrogate"),
        ('{"example_id":"e","output":"o","x":1,"x":2}', "twice"),
        ('{"example_id":"e","output":"o","x":{"y":1,"y":2}}', "twice"),
        ('{"example_id":"e","output":"o","x":' + "9" * 5000 + "}", "digits"),
        ('{"example_id":"e","output":"o","error":5}', "Must be text"),
        ('{"example_id":"e","output":"' + "x" * 8_000_000 + '"}', "8,000,000"),
        ('{"example_id":"e","output":"' + "x" * 26_000_000 + '"}', "longer than"),
        ('{"x":"a\x00b"}', "Broken JSON"),
    ],
)
@pytest.mark.parametrize("name", ["r.jsonl", "r.json"])
def test_a_row_that_is_no_run_is_refused_with_its_line(written: Written, name: str, row: str, said: str):
    if name == "r.json" and row == "{":
        row = "{]}"
        said = "Broken JSON at character 2"
    content = f"{E1}\n{row}\n{E2}" if name == "r.jsonl" else f"[{E1},{row},{E2}]"
    problem = refusal(written(name, content))
    assert problem["errors"][0]["line"] == 2
    assert said in problem["errors"][0]["detail"]
    assert "1 of 3 rows" in problem["detail"] or (name == "r.json" and "Broken JSON" in said)


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ('"x":"a","y":{"z":"\\ud800"}', "y"),
        ('"x":1,"y":1,"y":2,"z":3', "y"),
        ('"x":1,"y":' + "[" * 98 + "]" * 98, "y"),
        ('"err":5', "err"),
    ],
)
def test_what_is_wrong_with_a_value_is_told_with_its_column(written: Written, members: str, field: str):
    path = written("r.jsonl", f'{{"example_id":"e","output":"o",{members}}}\n{E2[:-1]},"err":null}}')
    errors = refusal(path, rename={"err": "error"})["errors"]
    assert (errors[0]["line"], errors[0]["field"]) == (1, field)


@pytest.mark.parametrize(
    ("value", "said"), [(None, "Required, but missing."), (1.5, "Must be text or a whole number.")]
)
def test_an_example_id_is_told_as_missing_or_as_of_the_wrong_type(written: Written, value: Any, said: str):
    (error,) = refusal(written("r.jsonl", json.dumps({"example_id": value, "output": "o"})))["errors"]
    assert error["detail"] == said


def test_a_run_may_have_exactly_as_many_bytes_as_a_request(written: Written):
    longest = 8_000_000 - len('{"example_id":"e","output":""}')
    _, (run,) = load(written("r.jsonl", json.dumps({"example_id": "e", "output": "x" * longest})))
    assert len(run["output"]) == longest
    refusal(written("r.jsonl", json.dumps({"example_id": "e", "output": "x" * (longest + 1)})))


def test_a_row_whose_escapes_take_three_times_the_bytes_is_read(written: Written):
    _, (run,) = load(written("r.jsonl", '{"example_id":"e","output":"' + "\\u00e9" * 3_900_000 + '"}'))
    assert run["output"] == "é" * 3_900_000


def test_white_space_around_an_array_may_be_longer_than_a_read(written: Written):
    blank = " \n\t\r" * 300_000
    _, runs = load(written("r.json", f"{blank}[{E1},{blank}{E2}{blank}]{blank}"))
    assert [run["example_id"] for run in runs] == ["e1", "e2"]
    assert "follows the array" in refusal(written("r.json", f"[{E1}]{blank}x"))["detail"]


def test_ten_thousand_columns_are_read_and_no_more(written: Written):
    names = [f"c{n}" for n in range(9_998)]
    _, (run,) = load(written("r.csv", f"example_id,output,{','.join(names)}\ne,o{',1' * 9_998}\n"))
    assert len(run) == 10_000
    path = written("r.csv", f"example_id,output,one,{','.join(names)}\ne,o{',1' * 9_999}\n")
    assert "10,000 columns" in refusal(path)["detail"]


def test_a_value_as_deep_as_a_request_may_be_is_taken(written: Written):
    _, (run,) = load(written("r.jsonl", '{"example_id":"e","output":"o","x":' + "[" * 97 + "]" * 97 + "}"))
    assert json.dumps(run["x"]) == "[" * 97 + "]" * 97


def test_a_line_of_a_gigabyte_is_passed_over_in_little_memory(tmp_path: Path):
    path = tmp_path / "r.jsonl"
    with path.open("wb") as file:
        file.write(f"{E1}\n".encode())
        file.seek(1_000_000_000)
        file.write(f"\n{E2}\n{{".encode())
    tracemalloc.start()
    try:
        with path.open("rb") as file:
            read = list(rows(path.name, file, text=(), sparse=None).read())
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert [row.line for row in read] == [1, 2, 3, 4]
    assert "longer than" in cast("Fault", read[1]).detail
    assert peak_bytes < 100_000_000


@pytest.mark.parametrize(("content", "line"), [(f"[,{E1}]", 1), (f"[{E1},]", 2), (f"[{E1},,{E2}]", 2)])
def test_a_comma_too_many_in_an_array_is_told_with_its_row(written: Written, content: str, line: int):
    (error,) = refusal(written("r.json", content))["errors"]
    assert (error["line"], error["detail"][:11]) == (line, "Broken JSON")


def test_the_first_twenty_faults_are_listed_and_how_many_more(written: Written):
    problem = refusal(written("r.jsonl", E1 + "\n" + "{\n" * 30))
    assert len(problem["errors"]) == 20
    assert problem["more_errors"] == 10
    assert "30 of 31 rows" in problem["detail"]


@pytest.mark.parametrize(
    ("columns", "field", "said"),
    [
        ({"example_id": "Example ID"}, "Example ID", "Did you mean example_id?"),
        ({"output": "outptu"}, "outptu", "Did you mean output?"),
        ({"rename": {"scor": "s"}}, "scor", "rename: no column has this name. Did you mean score?"),
        ({"omit": frozenset(["zzz"])}, "zzz", "The file has example_id, output, score."),
        ({"rename": {"score": "output"}}, "score", "Would get the same name as output"),
        ({"rename": {"score": "id"}}, "score", "Arize's own field"),
        ({"rename": {"score": ""}}, "score", "no name"),
    ],
)
@pytest.mark.parametrize("name", ["r.csv", "r.jsonl"])
def test_a_column_that_is_wrong_is_named_with_the_right_one(
    written: Written, name: str, columns: dict[str, Any], field: str, said: str
):
    content = "example_id,output,score\ne,o,1\n" if name == "r.csv" else '{"example_id":"e","output":"o","score":1}\n'
    errors = refusal(written(name, content), **columns)["errors"]
    assert any(error["field"] == field and said in error["detail"] for error in errors)


def test_where_no_row_can_be_read_no_column_is_called_wrong(written: Written):
    problem = refusal(written("r.jsonl", "{\n{\n"), rename={"x": "y"})
    assert [list(error) for error in problem["errors"]] == [["line", "detail"]] * 2
    assert problem["detail"] == "Nothing was sent: 2 of 2 rows can't be recorded."


def test_what_follows_from_a_wrong_name_is_not_told_for_every_row(written: Written):
    problem = refusal(written("r.jsonl", '{"ID":"e","output":"o"}\n' * 2))
    assert [error["field"] for error in problem["errors"]] == ["example_id"]
    said = "Nothing was sent: 2 of 2 rows can't be recorded and 1 of its columns are wrong."
    assert (problem["detail"], "more_errors" in problem) == (said, False)


@pytest.mark.parametrize(("columns", "rows", "more"), [(15, 5, 0), (15, 10, 5), (25, 0, 5), (25, 3, 8), (0, 25, 5)])
def test_columns_and_rows_together_have_twenty_errors_listed(written: Written, columns: int, rows: int, more: int):
    names = frozenset(f"no column {n}" for n in range(columns))
    problem = refusal(written("r.jsonl", f"{E1}\n" + "{\n" * rows), omit=names)
    assert len(problem["errors"]) == 20
    assert problem.get("more_errors", 0) == more


def test_a_file_of_failed_runs_needs_no_outputs(written: Written):
    text = '{"example_id":"e","failure":"E"}'
    assert load(written("r.jsonl", text), rename={"failure": "error"})[1] == [
        {"example_id": "e", "error": "E", "output": ""}
    ]
    for columns in ({"rename": {"failure": "error"}, "output": "answer"}, {}):
        errors = refusal(written("r.jsonl", text), **columns)["errors"]
        assert errors[0]["detail"].startswith("output_field: no column has this name.")


def test_a_wrong_column_is_told_behind_one_that_is_left_out(written: Written):
    path = written("r.csv", "left,example_id,output,score\n1,e,o,1\n")
    problem = refusal(path, omit=frozenset(["left"]), rename={"score": "id"})
    assert [error["field"] for error in problem["errors"]] == ["score"]
    assert problem["detail"] == "Nothing was sent: 1 of its columns are wrong."


def test_a_column_of_arizes_own_goes_along_under_another_name(written: Written):
    checked, runs = load(written("r.jsonl", E1[:-1] + ',"id":"x"}'), rename={"id": "row"})
    assert (runs[0]["row"], checked.notes) == ("x", [])


@pytest.mark.parametrize(("count", "end"), [(18, "c17."), (19, "c17, ….")])
def test_the_first_twenty_columns_are_told_where_none_is_near(written: Written, count: int, end: str):
    path = written("r.csv", f"example_id,output,{','.join(f'c{n}' for n in range(count))}\ne,o{',1' * count}\n")
    (error,) = refusal(path, omit=frozenset(["zzz"]))["errors"]
    assert error["detail"].endswith(end)


def test_a_column_without_a_name_can_be_left_out_or_renamed(written: Written):
    path = written("r.csv", ",example_id,output\n0,e,o\n")
    assert 'omit [""]' in refusal(path)["errors"][0]["detail"]
    assert load(path, omit=frozenset([""]))[1] == [{"example_id": "e", "output": "o"}]
    assert load(path, rename={"": "row"})[1] == [{"row": 0, "example_id": "e", "output": "o"}]


def test_a_column_without_a_name_or_cells_is_left_out(written: Written):
    assert load(written("r.csv", "example_id,output,\ne,o,\n"))[1] == [{"example_id": "e", "output": "o"}]


@pytest.mark.parametrize("name", ["r.jsonl", "r.json"])
def test_an_empty_name_in_json_is_one_like_any_other(written: Written, name: str):
    run = {"example_id": "e", "output": "o", "": {"": 1}}
    text = json.dumps(run)
    assert load(written(name, f"[{text}]" if name == "r.json" else text))[1] == [run]


def test_more_rows_than_allowed_are_refused(written: Written):
    path = written("r.jsonl", f"{E1}\n" * 11)
    assert load(path, max_rows=11)[0].rows == 11
    with pytest.raises(ProblemError, match="ARIZE_MCP_MAX_RUNS"):
        load(path, max_rows=10)


def test_values_of_several_types_in_one_field_are_mixed(written: Written):
    checked, _ = load(written("r.jsonl", E1[:-1] + ',"x":1}\n' + E2[:-1] + ',"x":"a"}'))
    assert checked.types == {"example_id": "string", "output": "string", "x": "mixed"}


def test_the_check_tells_the_types_and_the_first_two_runs(written: Written):
    lines = ['"b":true,"a":[1],"n":null,"o":{},"m":null', '"b":false,"a":[],"n":null,"o":{},"m":1.5', '"b":true']
    checked, runs = load(written("r.jsonl", "\n".join(f"{E1[:-1]},{line}}}" for line in lines)))
    types = {"b": "boolean", "a": "array", "n": "null", "o": "object", "m": "number"}
    assert checked.types == {"example_id": "string", "output": "string", **types}
    assert (checked.rows, checked.first) == (3, runs[:2])


def test_a_part_has_a_thousand_runs_and_fewer_only_where_the_bytes_demand_it():
    small = [Run({"n": n}, 10) for n in range(2500)]
    assert [len(part) for part in parts(small, 100, 50)] == [1000, 1000, 500]
    # Two of these, a comma and the envelope are exactly the limit; one byte more of envelope is too much.
    large = [Run({"n": n}, 3_999_950) for n in range(5)]
    assert [len(part) for part in parts(large, 99, 99)] == [2, 2, 1]
    assert [len(part) for part in parts(large, 100, 99)] == [1, 2, 2]
    assert [len(part) for part in parts([Run({}, 8_000_000)] * 2, 99, 99)] == [1, 1]
    # Three have two commas between them.
    three = [Run({}, 2_666_600)] * 3
    assert [len(part) for part in parts(three, 198, 99)] == [3]
    assert [len(part) for part in parts(three, 199, 99)] == [2, 1]
    assert list(parts([], 99, 99)) == []
