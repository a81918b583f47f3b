"""Finds what a path names beneath a folder. It reaches nothing outside, even if somebody swaps in a link meanwhile."""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePath
from typing import Final

_MAX_LINKS: Final = 40
"""As many as Linux follows in one path."""


class OutsideError(Exception):
    """The path leads out of the folder."""


@dataclass(frozen=True)
class Place:
    """A folder beneath the root, and a name in it. There may be nothing of that name, but it is no link.

    ``dir_fd`` is the folder's descriptor, and ``folder`` is empty. Where the system opens nothing relative to a
    descriptor, ``dir_fd`` is None, and ``folder`` is the folder's path.
    """

    dir_fd: int | None
    folder: str
    name: str

    def path(self, name: str) -> str:
        """A name in the folder, as the functions of ``os`` take it together with ``dir_fd``."""
        return os.path.join(self.folder, name)

    def status(self) -> os.stat_result | None:
        """The status of what has the name; None where nothing has."""
        try:
            return os.stat(self.path(self.name), dir_fd=self.dir_fd, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def open(self, flags: int, name: str | None = None) -> int:
        """Open the name, or another in the same folder, without following a link or waiting for a peer.

        Raises:
            OutsideError: somebody changed the path to it meanwhile.
        """
        if sys.platform == "win32":
            flags |= os.O_BINARY
        else:
            flags |= os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        path = self.path(name or self.name)
        descriptor = os.open(path, flags, 0o666, dir_fd=self.dir_fd)
        if self.dir_fd is None:
            is_there = os.path.realpath(path) == path and os.path.samestat(os.fstat(descriptor), os.lstat(path))
            if not is_there:
                os.close(descriptor)
                raise OutsideError
        return descriptor


def parts_below(root: str, path: str) -> list[str] | None:
    """The parts of an absolute path below the root, as configured or resolved; None where it is not below."""
    for known in (root, os.path.realpath(root)):
        try:
            return list(PurePath(path).relative_to(known).parts)
        except ValueError:
            continue
    return None


@contextmanager
def by_path(root: str, parts: Sequence[str]) -> Generator[Place]:
    """Find the place by resolving its path first: for systems without anything better.

    Raises:
        OutsideError: it is not beneath the root.
        OSError: a folder on the way is not there or can't be opened.
    """
    real = os.path.realpath(os.path.join(root, *parts))
    below = parts_below(root, real)
    if below is None:
        raise OutsideError
    if not below:
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    folder, name = os.path.split(real)
    os.stat(folder)  # raises what is wrong with it
    yield Place(None, folder, name)


@contextmanager
def by_descriptor(root: str, parts: Sequence[str]) -> Generator[Place]:
    """Find the place part by part, each opened relative to the one before.

    A link is read and its target walked in the same way, so that it may lead anywhere but out.

    Raises:
        OutsideError: it is not beneath the root.
        OSError: a folder on the way is not there, can't be opened, or was swapped meanwhile.
    """
    if sys.platform == "win32":
        raise NotImplementedError
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
    folders = [os.open(root, flags)]
    try:
        ahead = list(reversed(parts))
        links = 0
        while ahead:
            name = ahead.pop()
            if name == "..":
                if len(folders) == 1:
                    raise OutsideError
                os.close(folders.pop())
                continue
            place = Place(folders[-1], "", name)
            status = place.status()
            if status is not None and stat.S_ISLNK(status.st_mode):
                links += 1
                if links > _MAX_LINKS:
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
                ahead += reversed(_link(root, folders, os.readlink(name, dir_fd=folders[-1])))
            elif ahead:
                folders.append(os.open(name, flags | os.O_NOFOLLOW, dir_fd=folders[-1]))
            else:
                yield place
                return
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    finally:
        for folder in folders:
            os.close(folder)


def _link(root: str, folders: list[int], target: str) -> list[str]:
    """The parts of a link's target, from the last of the folders; an absolute one closes all but the root."""
    if not target.startswith("/"):
        return [part for part in target.split("/") if part not in ("", ".")]
    below = parts_below(root, target)
    if below is None:
        raise OutsideError
    while len(folders) > 1:
        os.close(folders.pop())
    return below


find_place = by_path if sys.platform == "win32" else by_descriptor
"""The safer of the two that this system has."""
