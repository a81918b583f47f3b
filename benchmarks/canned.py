"""What a run brings beside the servers: the canned upstream and a bare httpx client, each in a process of its own."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager

from environments import HERE, PEERS, Environments, local

GET_TARGET = "/v2/experiments/experiment-1"


class Upstream:
    """The canned upstream, in a process of its own."""

    def __init__(self, port: int) -> None:
        self.port = port

    def requests(self) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", "/count")
            return int(connection.getresponse().read())
        finally:
            connection.close()

    def latencies_ms(self, calls: int) -> list[float]:
        """Requests on a raw socket: what no client can be faster than."""
        request = f"GET {GET_TARGET} HTTP/1.1\r\nHost: upstream\r\n\r\n".encode()
        latencies: list[float] = []
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for _ in range(calls):
                started = time.perf_counter()
                connection.sendall(request)
                connection.recv(65_536)  # the upstream answers in one write
                latencies.append((time.perf_counter() - started) * 1000)
        return latencies


@contextmanager
def upstream(delay_ms: int = 0) -> Generator[Upstream]:
    command = [sys.executable, str(HERE / "upstream.py"), str(delay_ms)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield Upstream(int(process.stdout.readline()))
    finally:
        process.stdin.close()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


@contextmanager
def bare_httpx(environments: Environments, port: int) -> Generator[subprocess.Popen[str]]:
    url = f"http://127.0.0.1:{port}{GET_TARGET}"
    command = [environments.ours.python, str(PEERS / "bare_httpx.py"), url]
    with subprocess.Popen(command, env=local(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.terminate()


def requests_ms(httpx: subprocess.Popen[str], calls: int) -> list[float]:
    """What so many requests of the bare client took."""
    assert httpx.stdin is not None
    assert httpx.stdout is not None
    httpx.stdin.write(f"{calls}\n")
    httpx.stdin.flush()
    return json.loads(httpx.stdout.readline())
