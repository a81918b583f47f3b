"""A raw MCP host: JSON-RPC lines over a server's pipes, with next to nothing between the clock and the bytes."""

from __future__ import annotations

import json
import os
import re
import select
import subprocess
import tempfile
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

START_TIMEOUT_S: Final = 30.0
CALL_TIMEOUT_S: Final = 60.0
EXIT_TIMEOUT_S: Final = 5.0

_READ_BYTES: Final = 1024 * 1024
# Python servers put the id first, the TypeScript SDK puts it last: megabytes of result need not be parsed to find it.
_HEAD: Final = re.compile(rb'\{"jsonrpc":"2\.0","id":(\d+),"result":')
_TAIL: Final = re.compile(rb'"id":(\d+)\}$')
_LIMIT_THAT_FITS: Final = re.compile(r"as cursor and limit (\d+)")
_FAILED: Final = (b'"isError":true', b'"isError": true')


class DriverError(Exception):
    """A server that died, was silent for too long or said what it shouldn't; with the end of its stderr."""


class Session:
    """A server, started, and past the handshake of protocol 2025-11-25.

    Attributes:
        cold_start_ms: from starting the process to its reply to tools/list.
        tools: what that reply lists.
        tools_line_chars: the length of its line.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], start_timeout_s: float) -> None:
        # A file, not a pipe: nobody would read the pipe, and a full one stops the server.
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the server
        self._name = Path(command[-1]).name
        self._last_id = 0
        self._read: list[bytes] = []
        self._lines: list[bytes] = []
        started = time.perf_counter()
        self._process = subprocess.Popen(
            command,
            env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            bufsize=0,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._stdin, self._stdout = self._process.stdin, self._process.stdout
        os.set_blocking(self._stdin.fileno(), False)
        self._readable, self._writable = select.poll(), select.poll()
        self._readable.register(self._stdout, select.POLLIN)
        self._writable.register(self._stdin, select.POLLOUT)
        try:
            line = self._shake_hands(start_timeout_s)
        except BaseException:
            self.close()
            raise
        self.cold_start_ms = (time.perf_counter() - started) * 1000
        self.tools: list[dict[str, Any]] = json.loads(line)["result"]["tools"]
        self.tools_line_chars = len(line.decode())

    def _shake_hands(self, timeout_s: float) -> bytes:
        client = {"name": "benchmark", "version": "1"}
        params = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client}
        self._exchange("initialize", params, timeout_s)
        self._write(b'{"jsonrpc":"2.0","method":"notifications/initialized"}\n')
        return self._exchange("tools/list", {}, timeout_s)

    def close(self) -> None:
        """End the server as a host does: by closing its stdin."""
        self._stdin.close()
        try:
            self._process.wait(EXIT_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._stdout.close()
        self._stderr.close()

    def call(self, tool: str, arguments: Mapping[str, Any]) -> bytes:
        """Call a tool; the line of its reply.

        Raises:
            DriverError: the call failed.
        """
        return self._checked(self._exchange("tools/call", {"name": tool, "arguments": arguments}, CALL_TIMEOUT_S))

    def latencies_ms(self, tool: str, arguments: Mapping[str, Any], calls: int) -> list[float]:
        """Call a tool one call at a time, and take the time from the request's first byte to the reply's last."""
        latencies: list[float] = []
        for _ in range(calls):
            line, request_id = self._request("tools/call", {"name": tool, "arguments": arguments})
            deadline = time.monotonic() + CALL_TIMEOUT_S
            started = time.perf_counter()
            self._write(line)
            reply = self._reply(deadline)
            latencies.append((time.perf_counter() - started) * 1000)
            if _id_of(self._checked(reply)) != request_id:
                raise self._error("replied to another request")
        return latencies

    def load(
        self, tool: str, arguments: Mapping[str, Any], in_flight: int, *, calls: int = 0, duration_s: float = 0.0
    ) -> float:
        """Keep that many calls in flight until the time is over and the calls are sent; all calls, by the second."""
        waiting: set[int] = set()
        sent = 0

        def send(count: int) -> None:
            nonlocal sent
            lines: list[bytes] = []
            for _ in range(count):
                line, request_id = self._request("tools/call", {"name": tool, "arguments": arguments})
                waiting.add(request_id)
                lines.append(line)
            sent += count
            self._write(b"".join(lines))

        started = time.perf_counter()
        send(in_flight)
        while waiting:
            self._wait(time.monotonic() + CALL_TIMEOUT_S)
            answered = 0
            for reply in self._lines:
                request_id = _id_of(self._checked(reply))
                if request_id is not None:
                    waiting.remove(request_id)
                    answered += 1
            self._lines.clear()
            if sent < calls or time.perf_counter() - started < duration_s:
                send(answered)
        return sent / (time.perf_counter() - started)

    def peak_memory_mib(self) -> float:
        """The most resident memory that the server ever had."""
        status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="utf-8")
        return int(status.split("VmHWM:")[1].split()[0]) / 1024

    def _exchange(self, method: str, params: Mapping[str, Any], timeout_s: float) -> bytes:
        line, request_id = self._request(method, params)
        deadline = time.monotonic() + timeout_s
        self._write(line)
        reply = self._reply(deadline)
        if _id_of(reply) != request_id:
            raise self._error(f"{method} failed: {reply[:500]!r}")
        return reply

    def _request(self, method: str, params: Mapping[str, Any]) -> tuple[bytes, int]:
        self._last_id += 1
        request = {"jsonrpc": "2.0", "id": self._last_id, "method": method, "params": params}
        return json.dumps(request, separators=(",", ":")).encode() + b"\n", self._last_id

    def _write(self, data: bytes) -> None:
        # Reading can wait meanwhile: every server here reads on while it writes, and what is in flight fits the pipe.
        view = memoryview(data)
        while view:
            try:
                view = view[os.write(self._stdin.fileno(), view) :]
            except BlockingIOError:
                if not self._writable.poll(CALL_TIMEOUT_S * 1000):
                    raise self._error("does not read its stdin") from None
            except BrokenPipeError:
                raise self._error("closed its stdin") from None

    def _reply(self, deadline: float) -> bytes:
        """The next line that is a reply; notifications are passed over."""
        while True:
            while not self._lines:
                self._wait(deadline)
            line = self._lines.pop(0)
            if _id_of(line) is not None or b'"method":' not in line[:100]:
                return line

    def _wait(self, deadline: float) -> None:
        """Read on until there is a whole line."""
        while not self._lines:
            if not self._readable.poll(max(0.0, deadline - time.monotonic()) * 1000):
                raise self._error("was silent for too long")
            data = os.read(self._stdout.fileno(), _READ_BYTES)
            if not data:
                raise self._error("closed its stdout")
            first, *rest = data.split(b"\n")
            self._read.append(first)
            for part in rest:
                self._lines.append(b"".join(self._read))
                self._read = [part]

    def _checked(self, reply: bytes) -> bytes:
        # An unescaped quote can't stand inside a string, so no output can look like the flag.
        if any(flag in reply for flag in _FAILED) or b'"result":' not in reply[:60]:
            raise self._error(f"a call failed: {reply[:500]!r}")
        return reply

    def _error(self, message: str) -> DriverError:
        self._stderr.seek(0)
        stderr = self._stderr.read().decode(errors="replace")
        return DriverError(f"{self._name} {message}\n{stderr[-3000:]}")


@contextmanager
def session(
    command: Sequence[str], environment: Mapping[str, str], *, start_timeout_s: float = START_TIMEOUT_S
) -> Generator[Session]:
    """A server that is ended when it is no longer needed."""
    started = Session(command, environment, start_timeout_s)
    try:
        yield started
    finally:
        started.close()


def text_of(reply: bytes) -> str:
    """The text of a tool's answer, which is what frameworks show a model."""
    blocks = json.loads(reply)["result"]["content"]
    return "".join(block["text"] for block in blocks if block["type"] == "text")


def pages(running: Session, experiment_id: str, limit: int) -> Generator[str]:
    """The text of every page of an experiment's runs, each asked for as the note of the one before says."""
    arguments: dict[str, Any] = {"experiment_id": experiment_id, "limit": limit}
    while True:
        text = text_of(running.call("experiments_runs_list", arguments))
        yield text
        cursor = json.loads(text)["pagination"].get("next_cursor")
        if cursor is None:
            return
        fits = _LIMIT_THAT_FITS.search(text)
        arguments |= {"cursor": cursor} | ({"limit": int(fits[1])} if fits else {})


def _id_of(reply: bytes) -> int | None:
    match = _HEAD.match(reply) or _TAIL.search(reply, max(0, len(reply) - 60))
    return int(match[1]) if match else None
