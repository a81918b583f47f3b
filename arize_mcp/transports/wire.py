"""The process's stdin and stdout, taken out of everybody else's hands."""

from __future__ import annotations

import os


class Wire:
    """Private descriptors for the host's pipes.

    From its making on, descriptor 0 reads as empty and descriptor 1 is stderr: whatever any library prints, now, at
    exit, or in a child process, stays off the wire. To be made before anything is imported that might print.

    Raises:
        OSError: where stdin or stdout is closed.
    """

    def __init__(self) -> None:
        for fd in (0, 1):
            os.fstat(fd)  # before a duplicate takes the place of a closed one
        self.stdin_fd = os.dup(0)
        self.stdout_fd = os.dup(1)
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, 0)
        try:
            os.dup2(2, 1)
        except OSError:
            os.dup2(null, 1)
        os.close(null)
