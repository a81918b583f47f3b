"""Rows of CSV (RFC 4180), with the types that its cells show."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from typing import Any, BinaryIO, Final, Literal

from arize_mcp.files.lines import at_any_end, lines
from arize_mcp.files.rows import MAX_ROW_BYTES, Fault, Row, add_columns, bad_file, decoded, too_long

_CELL: Final = re.compile(r'(?:"([^"]*(?:""[^"]*)*)"|([^",\r\n]*))(,|\Z)')
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_MAX_NUMBER_CHARS: Final = 4300
"""Python reads no longer whole number."""

_Kind = Literal["empty", "number", "boolean", "text"]


class Csv:
    """A CSV file: the first record is the header, every other one a row.

    A column that holds only numbers, or only ``true`` and ``false``, has that type, and its empty cells are absent. A
    column that holds only empty cells is left out. Empty lines are passed over.

    Args:
        file: the file.
        text: columns that are text whatever they hold.
        sparse: the one of these whose empty cells are absent, if there is one.
    """

    def __init__(self, file: BinaryIO, text: Collection[str] = (), sparse: str | None = None) -> None:
        self._file = file
        self._text = text
        self._sparse = sparse
        self._kinds: dict[str, _Kind] | None = None
        self.columns: dict[str, None] = {}
        self.has_header = True

    def read(self) -> Iterator[Row | Fault]:
        """See Rows."""
        if self._kinds is None:
            self._kinds = self._find_kinds()
        kinds = list(self._kinds.items())
        records = self._checked()
        next(records, None)
        for line, record in records:
            if isinstance(record, Fault):
                yield record
                continue
            fields: dict[str, Any] = {}
            for (name, kind), cell in zip(kinds, record, strict=True):
                if kind == "text":
                    if cell or name != self._sparse:
                        fields[name] = cell
                elif cell:
                    fields[name] = json.loads(cell)
            yield Row(line, fields)

    def _find_kinds(self) -> dict[str, _Kind]:
        records = self._checked()
        line, header = next(records, (1, list[str]()))
        if isinstance(header, Fault):
            raise bad_file("The header can't be read.", errors=[{"line": line, "detail": header.detail}])
        if len(header) == 1 and re.search("[;\t|]", header[0]):
            raise bad_file("The cells of the file's header are not separated by commas.")
        names = dict.fromkeys(header)
        if len(names) < len(header):
            twice = next(name for name in names if header.count(name) > 1)
            errors = [{"line": line, "field": twice, "detail": "Stands twice in the header."}]
            raise bad_file(f"Two columns of the file are named {twice[:100]}.", errors=errors)
        kinds: list[_Kind] = ["text" if name in self._text else "empty" for name in header]
        for _, record in records:
            if isinstance(record, list):
                for index, cell in enumerate(record):
                    if cell and kinds[index] != "text":
                        kinds[index] = _kind(cell, kinds[index])
        add_columns(self.columns, iter(header))
        return dict(zip(header, kinds, strict=True))

    def _checked(self) -> Iterator[tuple[int, list[str] | Fault]]:
        """The records with the numbers of their first lines, the header's included."""
        width = 0
        for line, record in _records(self._file):
            if isinstance(record, list):
                if not width:
                    width = len(record)
                    # Before each name is compared with all others.
                    add_columns({}, iter(record))
                if len(record) != width:
                    yield line, Fault(line, f"Has {len(record)} cells, where the header has {width}.")
                    continue
            yield line, record


def _records(file: BinaryIO) -> Iterator[tuple[int, list[str] | Fault]]:
    begun: list[str] = []
    first = chars = quotes = 0
    for number, raw in lines(file, at_any_end):
        if raw is None:
            yield number, too_long(number)
            begun, chars, quotes = [], 0, 0
            continue
        text = decoded(raw, number)
        first = first if begun else number
        begun.append(text)
        chars += len(text)
        quotes += text.count('"')
        if chars > MAX_ROW_BYTES:
            yield first, Fault(first, "Opens a quotation mark that is not closed.")
            return
        if quotes % 2:
            continue
        text = "".join(begun).removesuffix("\n").removesuffix("\r")
        begun, chars = [], 0
        if "\0" in text:
            yield first, Fault(first, "Holds a NUL character, which no text has: is it a text file in UTF-8?")
        elif quotes:
            yield (
                first,
                _quoted(text) or Fault(first, 'Has a quotation mark in a cell not begun with one; write "" in ".'),
            )
        elif text:
            yield first, text.split(",")
        quotes = 0
    if begun:
        yield first, Fault(first, "Opens a quotation mark that is not closed.")


def _quoted(text: str) -> list[str] | None:
    """The cells of a record with quotation marks; None where these don't enclose whole cells."""
    cells: list[str] = []
    position = 0
    while match := _CELL.match(text, position):
        cells.append(match[2] if match[1] is None else match[1].replace('""', '"'))
        if not match[3]:
            return cells
        position = match.end()
    return None


def _kind(cell: str, kind: _Kind) -> _Kind:
    """The kind of a column so far, with a further cell."""
    if cell in ("true", "false"):
        found: _Kind = "boolean"
    elif len(cell) <= _MAX_NUMBER_CHARS and _NUMBER.fullmatch(cell):
        found = "number"
    else:
        return "text"
    return found if kind in ("empty", found) else "text"
