"""The process's stdin and stdout, taken out of everybody else's hands."""

from __future__ import annotations

import os


class Wire:
    """Private descriptors for the host's pipes.

    As soon as it is made, descriptor 0 reads as empty and descriptor 1 is stderr: whatever any library prints, now, at
    exit, or in a child process, stays off the wire. Make it before importing anything that might print.

    Raises:
        OSError: where stdin or stdout is closed.
    """

    def __init__(self) -> None:
        for fd in (0, 1):
            os.fstat(fd)  # before a duplicate takes the place of a closed one
        null = os.open(os.devnull, os.O_RDWR)
        while null <= 2:
            # stderr is closed: a duplicate that took its number would get what is printed to it.
            null = os.dup(null)
        self.stdin_fd = os.dup(0)
        self.stdout_fd = os.dup(1)
        os.dup2(null, 0)
        os.dup2(2, 1)
        os.close(null)
