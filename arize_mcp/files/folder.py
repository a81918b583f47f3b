"""The one folder in which files are read and written. A path that leads out is refused with a list of its files."""

from __future__ import annotations

import difflib
import hashlib
import os
import re
import secrets
import stat
import tempfile
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from itertools import islice
from pathlib import PurePath
from typing import IO, Any, BinaryIO, Final, NamedTuple

from arize_mcp.api import problems
from arize_mcp.api.problems import ProblemError
from arize_mcp.files.beneath import OutsideError, Place, find_place, parts_below
from arize_mcp.files.formats import ENDINGS, ending

TEMPORARY: Final = ".arize-mcp-"
"""How the name of an unfinished file begins."""

_SPOOL_FACTOR: Final = 4
"""How many times larger than the CSV file its spool may be: there, every row has the names of its columns."""

_MAX_FILES: Final = 20
_MAX_ENTRIES: Final = 20_000
_NO_NAME: Final = re.compile('[\x00-\x1f\x7f-\x9f<>:"|?*\\\\\ud800-\udfff]')
_RESERVED: Final = re.compile(r"(?:CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(?:COM|LPT)[0-9\u00b9\u00b2\u00b3])", re.IGNORECASE)

FindPlace = Callable[[str, Sequence[str]], AbstractContextManager[Place]]
"""Finds the place of a path's parts beneath a root."""


class Identity(NamedTuple):
    """Which file it is, and which version of it: device, number, size in bytes, last change in nanoseconds."""

    device: int
    number: int
    size_bytes: int
    changed_ns: int


class Written(NamedTuple):
    """The size and the digest of a finished file."""

    size_bytes: int
    sha256: str


class NewFile:
    """A file that is being written.

    Args:
        file: the open file.
        max_bytes: how large it may be.
        name: what a problem about its size calls it.
    """

    def __init__(self, file: IO[bytes], max_bytes: int, name: str = "The file") -> None:
        self._file = file
        self._max_bytes = max_bytes
        self._name = name
        self._sha256 = hashlib.sha256()
        self._size_bytes = 0

    def write(self, content: bytes) -> None:
        """Write the next bytes.

        Raises:
            ProblemError: bad-path, where the file would be too large.
        """
        self._size_bytes += len(content)
        if self._size_bytes > self._max_bytes:
            raise _bad_path(
                f"{self._name} would have more than {self._max_bytes:,} bytes (ARIZE_MCP_MAX_FILE_BYTES); it was "
                "not kept.",
                "Write fewer fields, or raise ARIZE_MCP_MAX_FILE_BYTES.",
            )
        self._sha256.update(content)
        self._file.write(content)

    def lines(self) -> Iterator[bytes]:
        """What has been written, line by line."""
        self._file.seek(0)
        return iter(self._file)

    def written(self) -> Written:
        """What has been written so far."""
        return Written(self._size_bytes, self._sha256.hexdigest())


class Folder:
    """A folder in which files of the known formats are read and written; nothing outside of it is.

    A path is relative to it, or absolute and inside. Symbolic links may lead anywhere but out.

    Args:
        path: the folder's, absolute.
        max_bytes: how large a file may be.
        find: finds the place of a path beneath it.
    """

    def __init__(self, path: str, max_bytes: int, find: FindPlace = find_place) -> None:
        self._root = path
        self._max_bytes = max_bytes
        self._find = find

    @contextmanager
    def reading(self, path: str) -> Generator[BinaryIO]:
        """Open a file to read.

        Raises:
            ProblemError: bad-path.
        """
        with self._place(path) as place:
            status = place.status()
            if status is None:
                raise self._refused(path, "doesn't exist")
            self._check_is_file(path, status)
            descriptor = place.open(os.O_RDONLY)
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            self._check_is_file(path, status)
            if status.st_size > self._max_bytes:
                raise _bad_path(
                    f"{_quoted(path)} has {status.st_size:,} bytes; at most {self._max_bytes:,} are read "
                    "(ARIZE_MCP_MAX_FILE_BYTES).",
                    "Divide the file, or raise ARIZE_MCP_MAX_FILE_BYTES.",
                )
            yield file

    def existing(self, path: str) -> Identity | None:
        """The file that a path names; None where there is none yet.

        Raises:
            ProblemError: bad-path, where it can't name one.
        """
        with self._place(path) as place:
            return self._existing(path, place)

    @contextmanager
    def writing(self, path: str, replaced: Identity | None) -> Generator[NewFile]:
        """Write a file under a temporary name and give it its own at the end; a failure leaves nothing behind.

        Args:
            path: where it will be.
            replaced: the file that is there and will be replaced; None where there must be none.

        Raises:
            ProblemError: bad-path; file-exists, where another file than that is there.
        """
        with self._place(path) as place:
            temporary = TEMPORARY + secrets.token_hex(8)
            descriptor = place.open(os.O_WRONLY | os.O_CREAT | os.O_EXCL, temporary)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    yield NewFile(file, self._max_bytes)
                    file.flush()
                    os.fsync(descriptor)
                if self._existing(path, place) != replaced:
                    raise file_exists(path)
                _move(place, temporary, replaces=replaced is not None)
            except FileExistsError:
                raise file_exists(path) from None
            finally:
                with suppress(FileNotFoundError):
                    os.unlink(place.path(temporary), dir_fd=place.dir_fd)

    @contextmanager
    def spool(self) -> Generator[NewFile]:
        """A temporary file without a name; it is gone when it is closed."""
        with tempfile.TemporaryFile(prefix=TEMPORARY, dir=self._root) as file:
            name = f"The temporary file for CSV, which may be {_SPOOL_FACTOR} times as large as the CSV file,"
            yield NewFile(file, _SPOOL_FACTOR * self._max_bytes, name)

    @contextmanager
    def _place(self, path: str) -> Generator[Place]:
        """The place that a path leads to. A path that can't be used raises a problem that lists the files there are."""
        try:
            with self._find(self._root, self._parts(path)) as place:
                yield place
        except OutsideError:
            raise self._refused(path, "leads out of the folder") from None
        except FileNotFoundError:
            raise self._refused(path, "is in a folder that doesn't exist") from None
        except OSError as error:
            raise self._refused(
                path, f"can't be used: {(error.strerror or 'an error of the system').lower()}"
            ) from None

    def _existing(self, path: str, place: Place) -> Identity | None:
        status = place.status()
        if status is None:
            return None
        self._check_is_file(path, status)
        return _identity(status)

    def _check_is_file(self, path: str, status: os.stat_result) -> None:
        if not stat.S_ISREG(status.st_mode):
            kind = "a folder" if stat.S_ISDIR(status.st_mode) else "no regular file"
            raise self._refused(path, f"is {kind}")

    def _parts(self, path: str) -> list[str]:
        """The parts of a path beneath the folder, each of them a name that every system allows."""
        pure = PurePath(path)
        parts = list(pure.parts)
        if pure.is_absolute():
            below = parts_below(self._root, path)
            if below is None:
                raise self._refused(path, "is outside of the folder")
            parts = below
        for part in parts:
            if fault := _fault(part):
                raise self._refused(path, fault)
        if not parts or ending(parts[-1]) not in ENDINGS:
            raise self._refused(path, f"doesn't end in one of {', '.join(ENDINGS)}")
        return parts

    def _refused(self, path: str, what: str) -> ProblemError:
        files = self._files(path)
        hint = (
            "`files` lists what is there, the nearest names first. Paths are relative to the folder, and folders in "
            "them must exist."
            if files
            else "The folder has no such file."
        )
        return _bad_path(f"{_quoted(path)} {what}. Only files in {self._root} can be used.", hint, files=files)

    def _files(self, path: str) -> list[str]:
        """The files there are, those with the nearest names first."""

        def distance(name: str) -> tuple[float, str]:
            near = difflib.SequenceMatcher(None, PurePath(path[-200:]).name.lower(), PurePath(name).name.lower())
            return -near.ratio(), name

        return list(islice(filter(self._is_file, sorted(_entries(self._root), key=distance)), _MAX_FILES))

    def _is_file(self, name: str) -> bool:
        """Whether a path leads to a file in the folder: a link may lead out, and a folder may have a file's name."""
        try:
            with self._find(self._root, PurePath(name).parts) as place:
                status = place.status()
        except (OutsideError, OSError):
            return False
        return status is not None and stat.S_ISREG(status.st_mode)


def _fault(name: str) -> str | None:
    """What is wrong with a path that has this name in it; None where nothing is."""
    if name == "..":
        return "goes up with .."
    if name.startswith("."):
        return "has a name that begins with a dot"
    if _NO_NAME.search(name) or name.endswith((".", " ")) or _RESERVED.fullmatch(name.partition(".")[0].rstrip()):
        return "has a name that not every system allows"
    return None


def identity(file: BinaryIO) -> Identity:
    """The identity of an open file."""
    return _identity(os.fstat(file.fileno()))


def file_exists(path: str) -> ProblemError:
    """The problem that a file is there already."""
    return problems.own(
        "file-exists",
        "File exists",
        f"{_quoted(path)} exists, or was changed meanwhile; it was left as it is.",
        "Choose another path, or pass overwrite: true if the user wants the file replaced.",
    )


def _bad_path(detail: str, hint: str, **members: Any) -> ProblemError:
    return problems.own("bad-path", "Bad path", detail, hint, **members)


def _quoted(path: str) -> str:
    return f"'{problems.plain(path, 300)}'"


def _identity(status: os.stat_result) -> Identity:
    return Identity(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


def _move(place: Place, temporary: str, *, replaces: bool) -> None:
    """Give the finished file its name.

    Raises:
        FileExistsError: the name has been taken meanwhile.
    """
    source, target = place.path(temporary), place.path(place.name)
    if replaces:
        os.replace(source, target, src_dir_fd=place.dir_fd, dst_dir_fd=place.dir_fd)
        return
    try:
        # Unlike a move, a link never replaces anything.
        os.link(source, target, src_dir_fd=place.dir_fd, dst_dir_fd=place.dir_fd)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if place.status() is not None:
            raise FileExistsError from None
        os.replace(source, target, src_dir_fd=place.dir_fd, dst_dir_fd=place.dir_fd)


def _entries(root: str) -> Iterator[str]:
    """The paths of the files with our endings, relative and with slashes, among the first _MAX_ENTRIES entries."""
    left = _MAX_ENTRIES
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not _fault(name))
        for name in sorted(names):
            left -= 1
            if ending(name) in ENDINGS and not _fault(name):
                yield PurePath(os.path.relpath(os.path.join(folder, name), root)).as_posix()
        if left <= 0:
            return
