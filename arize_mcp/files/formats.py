"""The formats of files, by the endings of their names."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import PurePath
from typing import BinaryIO, Final

from arize_mcp.files.csvrows import Csv
from arize_mcp.files.jsonrows import JsonArray, JsonLines
from arize_mcp.files.parquetrows import Parquet
from arize_mcp.files.rows import Rows

ENDINGS: Final = (".jsonl", ".ndjson", ".json", ".csv", ".parquet")


def ending(path: str) -> str:
    """The ending that says a file's format, in lower case."""
    return PurePath(path).suffix.lower()


def rows(path: str, file: BinaryIO, *, text: Collection[str], sparse: str | None) -> Rows:
    """The rows of a file in the format that its path says; ``text`` and ``sparse`` are Csv's."""
    match ending(path):
        case ".csv":
            return Csv(file, text, sparse)
        case ".parquet":
            return Parquet(file)
        case ".json":
            return JsonArray(file)
        case _:
            return JsonLines(file)
