"""The log on stderr. The server never waits for it, because many hosts don't read it."""

from __future__ import annotations

import logging
import os
import select
import threading
from collections import deque
from typing import Final

_STDERR_FD: Final = 2
_MAX_HELD_BYTES: Final = 256 * 1024
_FLUSH_WITHIN_S: Final = 0.2


class StderrHandler(logging.Handler):
    """Hands lines to a thread that writes them. While it can't, lines beyond 256 KiB are dropped, and counted."""

    def __init__(self) -> None:
        super().__init__()
        self._changed = threading.Condition()
        # A number stands for that many missing lines.
        self._held: deque[bytes | int] = deque()
        self._held_bytes = 0
        self._dropped = 0
        self._is_writing = False
        self._thread: threading.Thread | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Hold a record's text until the thread has written it."""
        try:
            line = (self.format(record) + "\n").encode(errors="backslashreplace")
        except Exception:  # noqa: BLE001 - logging's way: a record that can't be written is told of, and never raises
            self.handleError(record)
            return
        with self._changed:
            if self._held_bytes + len(line) > _MAX_HELD_BYTES:
                self._dropped += 1
                return
            self._hold_count()
            self._held.append(line)
            self._held_bytes += len(line)
            if self._thread is None:
                self._thread = threading.Thread(target=self._write_all, name="stderr", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def flush(self) -> None:
        """Wait until all is written, but not for long: at the end of the process nobody may be reading."""
        with self._changed:
            self._changed.wait_for(lambda: not (self._held or self._is_writing), _FLUSH_WITHIN_S)

    def _hold_count(self) -> None:
        if self._dropped:
            self._held.append(self._dropped)
            self._dropped = 0

    def _write_all(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._held)
                line = self._held.popleft()
                self._is_writing = True
            if isinstance(line, int):
                missing, held_bytes = line, 0
                line = f"WARNING {__name__}: {missing} lines are missing here: stderr didn't take them\n".encode()
            else:
                missing, held_bytes = 1, len(line)
            is_written = _is_written(line)
            with self._changed:
                self._is_writing = False
                self._held_bytes -= held_bytes
                if not is_written:
                    self._dropped += missing
                elif not self._held:
                    self._hold_count()
                self._changed.notify_all()


def _is_written(line: bytes) -> bool:
    rest = memoryview(line)
    while rest:
        try:
            rest = rest[os.write(_STDERR_FD, rest) :]
        except BlockingIOError:
            # Another process has made it non-blocking; this thread can wait.
            select.select([], [_STDERR_FD], [])
        except OSError:
            return False
    return True
