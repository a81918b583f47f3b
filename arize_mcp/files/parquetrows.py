"""Rows of Parquet, where pyarrow is installed."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from datetime import date, time
from decimal import Decimal
from typing import Any, BinaryIO, Final, cast

from arize_mcp.files.rows import Fault, Row, add_columns, bad_file

_BATCH_ROWS: Final = 64


def pyarrow(module: str) -> Any:
    """A module of pyarrow, which is an extra of this package.

    Raises:
        ProblemError: it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError:
        raise bad_file(
            "Parquet files need pyarrow, which is not installed.",
            "Install arize-mcp[parquet], or use JSON Lines or CSV.",
        ) from None


class Parquet:
    """A Parquet file."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.columns: dict[str, None] = {}
        self.has_header = False

    def read(self) -> Iterator[Row | Fault]:
        """See Rows."""
        parquet, error = pyarrow("pyarrow.parquet"), pyarrow("pyarrow").ArrowException
        try:
            source = parquet.ParquetFile(self._file)
            names = cast("list[str]", source.schema_arrow.names)
            if len(set(names)) < len(names):
                raise bad_file("Two columns of the file have the same name.")
            add_columns(self.columns, iter(names))
            number = 0
            for batch in source.iter_batches(batch_size=_BATCH_ROWS):
                for fields in cast("list[dict[str, Any]]", batch.to_pylist()):
                    number += 1
                    yield _row(number, fields)
        except (error, OSError, ValueError) as fault:
            raise bad_file(f"The file can't be read as Parquet ({type(fault).__name__}).") from None


def _row(number: int, fields: dict[str, Any]) -> Row | Fault:
    values: dict[str, Any] = {}
    for name, value in fields.items():
        try:
            values[name] = _json(value)
        except TypeError:
            return Fault(number, "Holds a value that JSON has no form for, such as bytes or a duration.", name)
    return Row(number, values)


def _json(value: Any) -> Any:
    """The JSON value of a cell."""
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, list | tuple):
        return [_json(item) for item in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {name: _json(item) for name, item in cast("dict[str, Any]", value).items()}
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError
