"""A file that is being recorded, and must stay the same from its check to its last part."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any, BinaryIO

from arize_mcp.api import problems
from arize_mcp.api.problems import ProblemError
from arize_mcp.files.folder import identity
from arize_mcp.files.formats import rows
from arize_mcp.files.rows import Fault
from arize_mcp.files.runs import Columns, Run, Runs, parts


class RunFile:
    """The runs of an open file: all are checked first, then read again in order.

    Args:
        file: the file.
        path: its path, whose ending says the format.
        columns: what becomes of its columns.
        max_rows: how many it may have.
        expected: the version that it must have; None for any.

    Attributes:
        checked: what the file holds.
        version: its size and the time of its last change, in one word.

    Raises:
        ProblemError: bad-file, file-changed.
    """

    def __init__(self, file: BinaryIO, path: str, columns: Columns, max_rows: int, expected: str | None = None) -> None:
        self._file = file
        self._identity = identity(file)
        self.version = f"{self._identity.size_bytes}-{self._identity.changed_ns}"
        if expected not in (None, self.version):
            raise file_changed("Restore the file as it was, then call again; or record it under another name.")
        error = columns.column_of("error")
        text = (columns.example_id, columns.output, error)
        self._runs = Runs(rows(path, file, text=text, sparse=error), columns)
        try:
            self.checked = self._runs.check(max_rows)
        finally:
            # A file that somebody is still writing has faults that aren't its own: that it changes is what counts.
            self._make_sure()
        self._unread = self._read()

    def take(self, count: int) -> list[dict[str, Any]]:
        """The next runs, fewer where the file ends.

        Raises:
            ProblemError: file-changed.
        """
        taken = [run.fields for run in islice(self._unread, count)]
        self._make_sure()
        return taken

    def parts(self, first_envelope_bytes: int, envelope_bytes: int) -> Iterator[list[dict[str, Any]]]:
        """The runs that were not taken, in the parts in which they are sent; the arguments are those of ``parts``.

        Raises:
            ProblemError: file-changed.
        """
        for part in parts(self._unread, first_envelope_bytes, envelope_bytes):
            self._make_sure()
            yield part

    def _read(self) -> Iterator[Run]:
        for run in self._runs.read():
            if isinstance(run, Fault):
                raise file_changed()
            yield run

    def _make_sure(self) -> None:
        if identity(self._file) != self._identity:
            raise file_changed()


def file_changed(
    hint: str = "Make sure that nothing writes to it any more, then call again.",
) -> ProblemError:
    """The problem that a file is not the one that was checked, or that an earlier call recorded."""
    return problems.own(
        "file-changed",
        "File changed",
        "The file has changed since it was checked.",
        hint,
    )
