"""Turns a file's rows into runs to record, or into a list of what is wrong with them."""

from __future__ import annotations

import difflib
import json
import math
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, cast

from pydantic_core import PydanticSerializationError, to_json

from arize_mcp.api import problems
from arize_mcp.files.rows import MAX_RUN_BYTES, Fault, Row, Rows, bad_file

MAX_PART_RUNS: Final = 1000
"""How many runs a request may carry."""

MAX_FAULTS: Final = 20
"""How many faults one problem lists."""

SYSTEM_FIELDS: Final = ("id", "annotations")
"""The fields that Arize itself sets in a run."""

_MAX_DEPTH: Final = 97
"""How deep a value may be nested: with the body around it, as deep as a request may be."""


@dataclass(frozen=True, kw_only=True)
class Columns:
    """What becomes of a file's columns: which are the example's id and the output, what the others are called.

    ``rename`` gives a column's new name; ``omit`` leaves columns out. Every other one keeps its name.
    """

    example_id: str = "example_id"
    output: str = "output"
    rename: Mapping[str, str] = field(default_factory=dict[str, str])
    omit: frozenset[str] = frozenset()

    def field_of(self, column: str) -> str | None:
        """The field of a run that a column becomes; None where it is left out."""
        if column == self.example_id:
            return "example_id"
        if column == self.output:
            return "output"
        if column in self.omit or (column in SYSTEM_FIELDS and column not in self.rename):
            return None
        return self.rename.get(column, column)

    def column_of(self, name: str) -> str:
        """The column that becomes a field, if it is there at all."""
        return next((column for column, new in self.rename.items() if new == name), name)


class Run(NamedTuple):
    """A run as it is recorded, and how many bytes its JSON has."""

    fields: dict[str, Any]
    json_bytes: int


@dataclass(frozen=True)
class Checked:
    """What a file holds that can be recorded.

    Attributes:
        rows: how many runs.
        types: the fields' names in order, each with the JSON type of its values, ``mixed`` where they differ.
        first: the first two runs.
        notes: what is recorded differently from the file.
    """

    rows: int
    types: dict[str, str]
    first: list[dict[str, Any]]
    notes: list[str]


class Runs:
    """The runs of a file.

    Args:
        rows: the file's.
        columns: what becomes of its columns.
    """

    def __init__(self, rows: Rows, columns: Columns) -> None:
        self._rows = rows
        self._columns = columns
        self._not_finite: Counter[str] = Counter()

    def read(self) -> Iterator[Run | Fault]:
        """The runs in the file's order, one at a time, with a Fault for each row that can't be one.

        Raises:
            ProblemError: bad-file.
        """
        for row in self._rows.read():
            yield row if isinstance(row, Fault) else self._run(row)

    def check(self, max_rows: int) -> Checked:
        """Read the whole file.

        Args:
            max_rows: how many rows it may have.

        Raises:
            ProblemError: bad-file, with the first MAX_FAULTS faults and how many more there are.
        """
        rows = faulty = 0
        faults: list[Fault] = []
        types: dict[str, set[str]] = {}
        first: list[dict[str, Any]] = []
        for run in self.read():
            rows += 1
            if rows > max_rows:
                raise bad_file(
                    f"The file has more than {max_rows:,} rows (ARIZE_MCP_MAX_RUNS).",
                    "Record it in several files as several experiments, or raise ARIZE_MCP_MAX_RUNS.",
                )
            if isinstance(run, Fault):
                faulty += 1
                faults += [run] if len(faults) < MAX_FAULTS else []
                continue
            for name, value in run.fields.items():
                types.setdefault(name, set()).add(_json_type(value))
            if len(first) < 2:
                first.append(run.fields)
        if not rows:
            raise bad_file("The file has no rows.")
        self._refuse(self._wrong_columns(types) if self._rows.columns else [], faults, faulty, rows)
        return Checked(rows, {name: _type(found) for name, found in types.items()}, first, self._notes())

    def _run(self, row: Row) -> Run | Fault:
        fields: dict[str, Any] = {}
        for column, value in row.fields.items():
            name = self._columns.field_of(column)
            if name is None or (name == "error" and value is None):
                continue
            if isinstance(value, str | int) or value is None:
                fields[name] = value
                continue
            try:
                fields[name], not_finite = _finite(value, _MAX_DEPTH)
            except RecursionError:
                return Fault(row.line, "Is nested too deep.", column)
            if not_finite:
                self._not_finite[column] += not_finite
                if name == "output" and isinstance(value, float):
                    return Fault(row.line, "Must not be NaN or infinite.", column)
        fault = self._settle_example_id(row.line, fields) or self._settle_output(row.line, fields)
        if fault:
            return fault
        try:
            json_bytes = len(to_json(fields))
        except PydanticSerializationError:
            wrong = next((name for name, value in fields.items() if not _is_text({name: value})), None)
            return Fault(row.line, "Holds half of a surrogate pair, which is no Unicode text.", wrong)
        if json_bytes > MAX_RUN_BYTES:
            return Fault(row.line, f"Has {json_bytes:,} bytes as JSON; a run may have {MAX_RUN_BYTES:,}.")
        return Run(fields, json_bytes)

    def _settle_example_id(self, line: int, fields: dict[str, Any]) -> Fault | None:
        value = fields.get("example_id")
        if isinstance(value, int) and not isinstance(value, bool):
            fields["example_id"] = str(value)
        elif not isinstance(value, str):
            said = "Required, but missing." if value is None else "Must be text or a whole number."
            return Fault(line, said, self._columns.example_id)
        elif not value.strip():
            return Fault(line, "Must not be blank.", self._columns.example_id)
        return None

    def _settle_output(self, line: int, fields: dict[str, Any]) -> Fault | None:
        error, value = fields.get("error"), fields.get("output")
        if error is not None and not isinstance(error, str):
            return Fault(line, "Must be text: the error of a run is a text.", self._columns.column_of("error"))
        if value is None:
            if not error:
                said = "Required, but missing or null; only a row with an error may have none."
                return Fault(line, said, self._columns.output)
            fields["output"] = ""
        elif not isinstance(value, str):
            fields["output"] = json.dumps(value)
        return None

    def _wrong_columns(self, recorded: Collection[str]) -> list[dict[str, Any]]:
        """What is wrong with the columns as such; ``recorded`` are the fields that they gave."""
        known, wanted = self._rows.columns, self._columns
        named = [("example_id_field", wanted.example_id), ("output_field", wanted.output)]
        named += [("rename", column) for column in wanted.rename] + [("omit", column) for column in wanted.omit]
        errors: list[dict[str, Any]] = []
        for argument, column in named:
            # A file whose runs all failed may have no outputs.
            is_spared = argument == "output_field" and column == "output" and wanted.column_of("error") in known
            if column not in known and not is_spared:
                errors.append(
                    {"field": column, "detail": f"{argument}: no column has this name. {_near(column, known)}"}
                )
        becoming: dict[str, str] = {}
        for column in known:
            name = wanted.field_of(column)
            if name is None:
                continue
            # In JSON an empty name is meant. In CSV, a column without a name counts only if it has values.
            if not name and (column or (self._rows.has_header and "" in recorded)):
                said = 'This column has no name: leave it out with omit [""], or give it one with rename.'
                errors.append({"field": column, "detail": said})
            elif name in SYSTEM_FIELDS:
                said = f"{name} is Arize's own field: choose another name."
                errors.append({"field": column, "detail": said})
            elif name in becoming:
                other = problems.plain(becoming[name], 100)
                said = f"Would get the same name as {other}: rename one of them, or leave it out with omit."
                errors.append({"field": column, "detail": said})
            becoming.setdefault(name, column)
        return errors

    def _refuse(self, wrong_columns: list[dict[str, Any]], faults: list[Fault], faulty: int, rows: int) -> None:
        """Raise a problem that lists all of these, if there are any."""
        left = len(wrong_columns) + faulty
        if wrong_columns:
            # A row's fault that follows from a wrong name says nothing more.
            names = {error["field"] for error in wrong_columns}
            told = [fault for fault in faults if fault.field not in names]
            faults, left = told, left - (len(faults) - len(told))
        errors = wrong_columns[:MAX_FAULTS]
        for fault in faults[: MAX_FAULTS - len(errors)]:
            where = {} if fault.field is None else {"field": problems.plain(fault.field, 200)}
            errors.append({"line": fault.line, **where, "detail": fault.detail})
        if not errors:
            return
        parts = [f"{faulty:,} of {rows:,} rows can't be recorded"] if faulty else []
        parts += [f"{len(wrong_columns):,} of its columns are wrong"] if wrong_columns else []
        detail = f"Nothing was sent: {' and '.join(parts)}."
        hint = "Correct what `errors` lists, in the file or in the arguments, then call again."
        raise bad_file(detail, hint, errors=errors, **({"more_errors": more} if (more := left - len(errors)) else {}))

    def _notes(self) -> list[str]:
        notes: list[str] = []
        if left_out := [name for name in SYSTEM_FIELDS if name in self._rows.columns and name not in self._named()]:
            notes.append(f"Left out, because Arize sets them itself: {', '.join(left_out)}.")
        if self._not_finite:
            counted = ", ".join(f"{name[:100]} {count}" for name, count in self._not_finite.most_common(MAX_FAULTS))
            notes.append(f"NaN and infinities are recorded as null: {counted}.")
        return notes

    def _named(self) -> set[str]:
        wanted = self._columns
        return {wanted.example_id, wanted.output, *wanted.rename, *wanted.omit}


def parts(runs: Iterable[Run], first_envelope_bytes: int, envelope_bytes: int) -> Iterator[list[dict[str, Any]]]:
    """Divide runs into requests: MAX_PART_RUNS to each, fewer where its body would exceed MAX_RUN_BYTES.

    Args:
        runs: all of them, in order.
        first_envelope_bytes: how many bytes the first part's body has beside its runs.
        envelope_bytes: the same of every other part.
    """
    part: list[dict[str, Any]] = []
    body_bytes = first_envelope_bytes
    for run in runs:
        if part and (len(part) == MAX_PART_RUNS or body_bytes + 1 + run.json_bytes > MAX_RUN_BYTES):
            yield part
            part, body_bytes = [], envelope_bytes
        body_bytes += run.json_bytes + (1 if part else 0)
        part.append(run.fields)
    if part:
        yield part


def _finite(value: Any, depth: int) -> tuple[Any, int]:
    """The value with null for NaN and infinities, and how many these were.

    Raises:
        RecursionError: it is nested deeper than ``depth``.
    """
    if isinstance(value, float):
        return (value, 0) if math.isfinite(value) else (None, 1)
    if not isinstance(value, list | dict):
        return value, 0
    if not depth:
        raise RecursionError
    keys = list(cast("dict[str, Any]", value)) if isinstance(value, dict) else None
    inside = list(cast("dict[str, Any]", value).values()) if isinstance(value, dict) else cast("list[Any]", value)
    items = [_finite(item, depth - 1) for item in inside]
    count = sum(found for _, found in items)
    clean = [item for item, _ in items]
    return (clean if keys is None else dict(zip(keys, clean, strict=True))), count


def _is_text(value: Any) -> bool:
    try:
        to_json(value)
    except PydanticSerializationError:
        return False
    return True


def _json_type(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"


def _type(found: set[str]) -> str:
    """One word for the types of a field's values."""
    known = found - {"null"}
    return "null" if not known else known.pop() if len(known) == 1 else "mixed"


def _near(name: str, known: Mapping[str, object]) -> str:
    """The column that may be meant, or all there are."""
    folded = {column.casefold().replace(" ", "_"): column for column in known}
    near = difflib.get_close_matches(name.casefold(), folded, 1, 0.5)
    if near:
        return f"Did you mean {problems.plain(folded[near[0]], 100)}?"
    shown = ", ".join(problems.plain(column, 100) for column in list(known)[:MAX_FAULTS])
    return f"The file has {shown}{', …' if len(known) > MAX_FAULTS else ''}."
