"""Rows that are JSON objects: one a line, or the items of one array."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, BinaryIO, Final, cast

from arize_mcp.files.lines import at_newlines, lines
from arize_mcp.files.rows import MAX_ROW_BYTES, Fault, Row, add_columns, bad_file, begin, decoded, too_long

_CHUNK_BYTES: Final = 1_048_576
_SPACE: Final = b" \t\r\n"
_STRUCTURE: Final = re.compile(rb'["\[\]{},]')
_IN_STRING: Final = re.compile(rb'["\\]')


class JsonLines:
    """JSON Lines: every line an object, blank lines passed over."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.columns: dict[str, None] = {}
        self.has_header = False

    def read(self) -> Iterator[Row | Fault]:
        """See Rows."""
        for number, line in lines(self._file, at_newlines):
            if line is None:
                yield too_long(number)
            elif line.strip(_SPACE):
                yield _row(number, line, self.columns, "Must be one JSON object; a file of one array is named .json.")


class JsonArray:
    """One JSON array of objects."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.columns: dict[str, None] = {}
        self.has_header = False

    def read(self) -> Iterator[Row | Fault]:
        """See Rows. What follows a broken item is not read: nobody can tell where the next one begins."""
        for number, item in enumerate(_items(self._file), 1):
            if item is None:
                yield too_long(number)
                continue
            row = _row(number, item, self.columns, "Must be a JSON object.")
            yield row
            if isinstance(row, Fault) and row.is_broken:
                return


def _row(number: int, text: bytes, columns: dict[str, None], rule: str) -> Row | Fault:
    try:
        value: Any = json.loads(decoded(text, number), object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        return Fault(number, f"Broken JSON at character {error.pos + 1}: {error.msg}.", is_broken=True)
    except RecursionError:
        return Fault(number, "Is nested too deep.")
    except _TwiceError as error:
        return Fault(number, "Stands twice in one object.", error.name)
    except ValueError:
        return Fault(number, "Holds a whole number of thousands of digits.")
    if not isinstance(value, dict):
        return Fault(number, rule)
    fields = cast("dict[str, Any]", value)
    add_columns(columns, fields)
    return Row(number, fields)


class _TwiceError(Exception):
    def __init__(self, name: str) -> None:
        self.name = name


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        raise _TwiceError(next(name for name in names if names.count(name) > 1))
    return members


def _items(file: BinaryIO) -> Iterator[bytes | None]:  # noqa: PLR0912 - a scanner's states
    """The texts of an array's items; None for one that is longer than MAX_ROW_BYTES.

    Raises:
        ProblemError: the file holds no array, or something after it.
    """
    begin(file)
    item: list[bytes] = []
    item_bytes = items = depth = 0
    is_string = is_escaped = False
    while chunk := file.read(_CHUNK_BYTES):
        position = start = 0
        if depth == 0:
            opening = _opening(chunk, is_over=items > 0)
            if opening is None:
                continue
            position = start = opening
            depth = 1
        while depth and position < len(chunk):
            if is_escaped:
                is_escaped = False
                position += 1
                continue
            match = (_IN_STRING if is_string else _STRUCTURE).search(chunk, position)
            if match is None:
                break
            position = match.end()
            sign = match[0]
            if sign == b"\\":
                is_escaped = True
            elif sign == b'"':
                is_string = not is_string
            elif sign in b"[{":
                depth += 1
            elif sign in b"]}":
                depth -= 1
            if (sign == b"," and depth == 1) or depth == 0:
                item.append(chunk[start : match.start()])
                item_bytes += match.start() - start
                text = b"".join(item)
                if depth or items or text.strip(_SPACE):
                    yield None if item_bytes > MAX_ROW_BYTES else text
                items += 1
                item, item_bytes, start = [], 0, position
        if depth == 0:
            _opening(chunk[start:], is_over=items > 0)
            continue
        item.append(chunk[start:])
        item_bytes += len(chunk) - start
        if item_bytes > MAX_ROW_BYTES:
            item = []
    if depth:
        raise bad_file(f"The file ends inside its row {items + 1}: a bracket, brace or quotation mark isn't closed.")
    if not items:
        raise bad_file("The file is empty.")


def _opening(text: bytes, *, is_over: bool) -> int | None:
    """The position behind the bracket that opens the array; None where there is only white space."""
    stripped = text.lstrip(_SPACE)
    if not stripped:
        return None
    if is_over:
        raise bad_file("Something follows the array with which the file begins.")
    if not stripped.startswith(b"["):
        hint = "Make it an array of objects, or name it .jsonl where every line is an object of its own."
        raise bad_file("The file doesn't hold an array.", hint)
    return len(text) - len(stripped) + 1
