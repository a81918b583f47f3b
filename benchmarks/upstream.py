"""The canned Arize upstream: five endpoints whose answers are made once and then only sent, so that it isn't measured.

Run: python benchmarks/upstream.py [DELAY_MS]. It prints its port on loopback, and ends when its stdin does. DELAY_MS is
what each answer takes.

The id of an experiment says what its runs are: ``runs-500-2000`` has 500 of them with an output of 2,000 characters
each; ``evaluated-1000-1`` has 1,000 of 2 kB with scores, labels, explanations and failures, and other ones than
``evaluated-1000-2``; every other one has three short ones. GET /count answers with the number of requests so far,
itself not counted.
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
import sys
from typing import Any, Final, cast
from urllib.parse import parse_qs, unquote, urlsplit

_LISTED: Final = 200
_MAX_KEPT: Final = 2_000
_RUNS_ID: Final = re.compile(r"runs-(\d+)-(\d+)")
_EVALUATED_ID: Final = re.compile(r"evaluated-(\d+)-(\d+)")
_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_SENTENCE: Final = 'The customer asks where the parcel is; the agent says "it left on Monday" and gives the number.\n'


def experiment(experiment_id: str) -> dict[str, Any]:
    """An Experiment as the API sends it."""
    return {
        "id": experiment_id,
        "name": f"Support prompt, {experiment_id}",
        "space_id": "U3BhY2U6MTphQmNE",
        "dataset_id": "RGF0YXNldDoxOmFCY0Q=",
        "dataset_version_id": "RGF0YXNldFZlcnNpb246MTphQmNE",
        "created_at": "2026-02-13T21:27:19.055Z",
        "updated_at": "2026-02-13T21:27:19.055Z",
        "experiment_traces_project_id": "TW9kZWw6MTphQmNE",
        "integration_id": None,
    }


def output(chars: int) -> str:
    """Prose of that length, with the quotes and line breaks that models write and JSON has to escape."""
    return (_SENTENCE * (chars // len(_SENTENCE) + 1))[:chars]


def run(number: int, text: str) -> dict[str, Any]:
    """An ExperimentRun as the API sends it."""
    return {
        "id": f"run_{number:06}",
        "example_id": f"example_{number:06}",
        "output": text,
        "error": None,
        "model": "gpt-4o-mini",
        "latency_ms": 100 + number % 900,
        "eval.correctness.score": 0.5,
        "eval.correctness.label": "partly",
    }


def evaluated_run(number: int, variant: int) -> dict[str, Any]:
    """A run of 2 kB as an evaluation makes it: two scores with labels and explanations; one in 31 has failed."""
    failed = (number + 7 * variant) % 31 == 0
    evaluated: dict[str, Any] = {
        "id": f"018f0000-0000-7000-8{variant:03}-{number:012}",
        "example_id": f"fb900548-04b1-5528-b17b-{number:012}",
        "output": None if failed else output(1_100),
        "error": f"APITimeoutError: no answer within {20 + number % 9} s" if failed else None,
        "model": ("gpt-4.1", "gpt-4.1-mini", "gpt-4.1-nano")[number % 3],
        "latency_ms": 100 + number * 37 % 900,
        "token_count": 40 + number * 11 % 300,
    }
    for name, factor in {"correctness": 3, "helpfulness": 5}.items() if not failed else ():
        score = (number * factor + number // 7 * variant) % 5 / 4
        evaluated[f"eval.{name}.score"] = score
        evaluated[f"eval.{name}.label"] = "good" if score > 0.5 else "bad"
        evaluated[f"eval.{name}.explanation"] = output(250)
    return evaluated


class Answers:
    """The bytes of an answer to each request line, made when it is first asked for."""

    def __init__(self) -> None:
        self._kept: dict[bytes, bytes] = {}
        self._created = _answer("201 Created", experiment("RXhwZXJpbWVudDoxOm5ldw=="))
        self._deleted = b"HTTP/1.1 204 No Content\r\n\r\n"
        self._not_found = _answer("404 Not Found", {"title": "Resource not found", "status": 404})

    def to(self, request_line: bytes) -> bytes:
        answer = self._kept.get(request_line)
        if answer is None:
            answer = self._made(request_line.decode("ascii"))
            if len(self._kept) < _MAX_KEPT:
                self._kept[request_line] = answer
        return answer

    def _made(self, request_line: str) -> bytes:
        method, target, _ = request_line.split(" ")
        url = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        match (method, *(unquote(part) for part in url.path.split("/")[1:])):
            case ("POST", "v2", "experiments"):
                return self._created
            case ("DELETE", "v2", "experiments", _):
                return self._deleted
            case ("GET", "v2", "experiments"):
                items = [experiment(f"experiment-{number}") for number in range(_LISTED)]
                return _page("experiments", items, query, max_limit=100)
            case ("GET", "v2", "experiments", experiment_id):
                return _answer("200 OK", experiment(experiment_id))
            case ("GET", "v2", "experiments", experiment_id, "runs"):
                if match := _EVALUATED_ID.fullmatch(experiment_id):
                    runs = [evaluated_run(number, int(match[2])) for number in range(int(match[1]))]
                    return _page("experiment_runs", runs, query, max_limit=500)
                match = _RUNS_ID.fullmatch(experiment_id)
                total, chars = (int(match[1]), int(match[2])) if match else (3, 20)
                text = output(chars)
                return _page("experiment_runs", [run(number, text) for number in range(total)], query, max_limit=500)
            case _:
                return self._not_found


def _page(name: str, items: list[dict[str, Any]], query: dict[str, str], *, max_limit: int) -> bytes:
    start = int(query.get("cursor", "at-0").removeprefix("at-"))
    end = start + min(int(query.get("limit", 50)), max_limit)
    pagination: dict[str, Any] = {"has_more": end < len(items)}
    if end < len(items):
        pagination["next_cursor"] = f"at-{end}"
    return _answer("200 OK", {name: items[start:end], "pagination": pagination})


def _answer(status: str, body: dict[str, Any]) -> bytes:
    content = json.dumps(body, separators=(",", ":")).encode()
    return _head(status, "application/json", len(content)) + content


def _head(status: str, content_type: str, length: int) -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\r\n".encode()


class Connection(asyncio.Protocol):
    """Answers the requests of one connection, in one write each."""

    requests = 0

    def __init__(self, answers: Answers, delay_s: float) -> None:
        self._answers = answers
        self._delay_s = delay_s
        self._received = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (head_end := self._received.find(b"\r\n\r\n")) >= 0:
            length = _LENGTH.search(self._received, 0, head_end)
            end = head_end + 4 + (int(length[1]) if length else 0)
            if len(self._received) < end:
                return
            request_line = bytes(self._received[: self._received.find(b"\r\n")])
            del self._received[:end]
            if request_line.startswith(b"GET /count "):
                content = str(Connection.requests).encode()
                self._transport.write(_head("200 OK", "text/plain", len(content)) + content)
            else:
                Connection.requests += 1
                answer = self._answers.to(request_line)
                if self._delay_s:
                    asyncio.get_running_loop().call_later(self._delay_s, self._transport.write, answer)
                else:
                    self._transport.write(answer)


async def serve(delay_s: float) -> None:
    """Serve until stdin ends; each answer takes that long."""
    answers = Answers()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(answers, delay_s), "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    ended = asyncio.Event()
    loop.add_reader(sys.stdin.fileno(), ended.set)
    async with server:
        await ended.wait()


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1]) / 1000 if len(sys.argv) > 1 else 0.0))
