"""What every format is read into: rows, and faults where a row can't be one."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, Final, Protocol

from arize_mcp.api import problems
from arize_mcp.api.problems import ProblemError

MAX_RUN_BYTES: Final = 8_000_000
"""How large a run's JSON and a request's body may be: for more than that, Arize's own clients don't use REST."""

MAX_ROW_BYTES: Final = 3 * MAX_RUN_BYTES
"""A row as it stands in a file: JSON's escapes take at most three times the bytes of what they stand for."""

MAX_COLUMNS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Row:
    """A row: its values by column, and its line in the file, from 1 (in an array or Parquet its number, from 1)."""

    line: int
    fields: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a row can't be recorded: a sentence about the row, or about its field.

    ``is_broken`` says that it isn't even JSON.
    """

    line: int
    detail: str
    field: str | None = None
    is_broken: bool = False


class Rows(Protocol):
    """A file in one of the formats.

    Attributes:
        columns: the names of its columns, in order, as far as it has been read.
        has_header: whether the names stand in a line above the rows, where a name may be empty.
    """

    columns: dict[str, None]
    has_header: bool

    def read(self) -> Iterator[Row | Fault]:
        """Read the file from its beginning, holding a row at a time.

        Raises:
            ProblemError: bad-file, where the whole file can't be read in this format.
        """
        ...


def bad_file(detail: str, hint: str = "Correct the file, then call again.", **members: Any) -> ProblemError:
    """The problem that a file can't be recorded; ``detail`` says why. Nothing has been sent."""
    return problems.own("bad-file", "Bad file", detail, hint, **members)


def begin(file: BinaryIO) -> None:
    """Go to where a file's text begins, behind a byte order mark.

    Raises:
        ProblemError: it is UTF-16 or UTF-32.
    """
    file.seek(0)
    head = file.read(4)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)):
        raise bad_file("The file is UTF-16 or UTF-32, not UTF-8.", "Save it as UTF-8, then call again.")
    file.seek(len(codecs.BOM_UTF8) if head.startswith(codecs.BOM_UTF8) else 0)


def decoded(text: bytes, line: int) -> str:
    """Text of a line (or row) as UTF-8.

    Raises:
        ProblemError: it is not.
    """
    try:
        return text.decode()
    except UnicodeDecodeError:
        raise bad_file(
            f"The file is not UTF-8: see its line (or row) {line}.", "Save it as UTF-8, then call again."
        ) from None


def too_long(line: int) -> Fault:
    """The fault of a row that is too long to read."""
    return Fault(line, f"Is longer than {MAX_ROW_BYTES:,} bytes, which no run is.")


def add_columns(columns: dict[str, None], names: Iterator[str] | dict[str, Any]) -> None:
    """Add names to the columns.

    Raises:
        ProblemError: there are too many.
    """
    columns.update(dict.fromkeys(names))
    if len(columns) > MAX_COLUMNS:
        raise bad_file(f"The file has more than {MAX_COLUMNS:,} columns.")
