"""Every fault that docs/reliability.md lists, as what the server does instead of its answer."""

from __future__ import annotations

import gzip
import json
import string
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import anyio
from anyio.abc import ByteStream

from tests.raw_server import Step, answer, close, hang, reset

PROBLEM = json.dumps({"type": "t", "title": "T", "detail": "D"})
JSON = "application/problem+json"
HTML = "<html><body><h1>Bad gateway</h1></body></html>"
ANY = '{"id":"x","experiments":[],"experiment_runs":[]'
"""An answer that every tool takes, but for its end."""


@dataclass(frozen=True)
class Fault:
    """What goes wrong.

    ``answers`` come in turn, the last again and again; None is the right answer. ``settings`` make waiting short.
    """

    name: str
    answers: tuple[bytes | Step | None, ...]
    settings: dict[str, object] = field(default_factory=dict[str, object])


def sending(*parts: bytes, then: Step = hang) -> Step:
    """Sends the parts, then does the other."""

    async def step(stream: ByteStream) -> None:
        for part in parts:
            await stream.send(part)
        await then(stream)

    return step


def trickling(data: bytes) -> Step:
    """A byte at a time, each in good time, but without an end in sight."""

    async def step(stream: ByteStream) -> None:
        for byte in data * 1000:
            await stream.send(bytes([byte]))
            await anyio.sleep(0.05)

    return step


def error(status: str, *headers: str, body: str | bytes = PROBLEM, content_type: str | None = JSON) -> bytes:
    return answer(body, status=status, content_type=content_type, headers=headers)


def html(status: str) -> bytes:
    return error(status, body=HTML, content_type="text/html")


def chunked(*chunks: bytes) -> bytes:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)


def in_two_seconds() -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)


BIG = "y" * 1_000_000
LONG = gzip.compress(f'{ANY},"n":"{string.ascii_letters}"}}'.encode())
GZIP = "Content-Encoding: gzip"
TWICE = "Content-Encoding: gzip, gzip"
SHORT: dict[str, object] = {"read_timeout_s": 0.5}
SMALL: dict[str, object] = {"max_response_bytes": 10_000}
HURRIED: dict[str, object] = {"deadline_s": 5.0}
LATE: dict[str, object] = {"deadline_s": 1.0}

FAULTS = [
    # The connection
    Fault("reset before the answer, once", (reset, None)),
    Fault("reset before the answer, always", (reset,)),
    Fault("closed before the answer, once", (close, None)),
    Fault("closed before the answer, always", (close,)),
    Fault("reset inside the headers", (sending(b"HTTP/1.1 200 OK\r\nContent-", then=reset),)),
    Fault("reset inside the body", (sending(answer('{"id"', length=99), then=reset),)),
    Fault("closed inside the body, once", (sending(answer('{"id"', length=99), then=close), None)),
    Fault("closed inside the body, always", (sending(answer('{"id"', length=99), then=close),)),
    Fault("nothing comes", (hang,), SHORT),
    Fault("stalls inside the headers", (sending(b"HTTP/1.1 200 OK\r\nContent-"),), SHORT),
    Fault("stalls inside the body", (sending(answer('{"id"', length=99)),), SHORT),
    Fault("trickles its headers past the deadline", (trickling(b"HTTP/1.1 200 OK\r\nX-A: b\r\n"),), LATE),
    Fault("trickles its body past the deadline", (sending(answer("", length=9999), then=trickling(b" ")),), LATE),
    Fault("Content-Length is no number", (b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",)),
    Fault("speaks another protocol", (b"SSH-2.0-OpenSSH_9.6\r\n\r\n",)),
    Fault("a chunk without a size", (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",)),
    Fault("chunks break off", (sending(chunked(b'{"id":'), then=close),)),
    Fault("says gzip and isn't", (answer("plain", headers=[GZIP]),)),
    Fault("gzip breaks off", (answer(LONG[:60], headers=[GZIP]),)),
    Fault("100 Continue first", (b"HTTP/1.1 100 Continue\r\n\r\n" + error("409 Conflict"),)),
    # Too much
    Fault("a body over the cap", (answer("x" * 20_000),), SMALL),
    Fault("a chunked body over the cap", (sending(chunked(*[b"x" * 999] * 20)),), SMALL),
    Fault("a gzip bomb", (answer(gzip.compress(b" " * 10_000_000), headers=[GZIP]),), SMALL),
    Fault("an error body over the cap", (error("400 Bad Request", body="x" * 20_000),), SMALL),
    Fault("a gzip bomb in gzip", (answer(gzip.compress(gzip.compress(b" " * 50_000_000)), headers=[TWICE]),), SMALL),
    Fault("an encoding that was not asked for", (answer("x", headers=["Content-Encoding: br"]),)),
    # Redirects
    Fault("301", (error("301 Moved Permanently", "Location: http://elsewhere.invalid/"),)),
    Fault("302", (error("302 Found", "Location: /v2/experiments"),)),
    Fault("307", (error("307 Temporary Redirect", "Location: /v2/experiments"),)),
    Fault("303", (error("303 See Other", "Location: /v2/experiments/x"),)),
    Fault("304", (b"HTTP/1.1 304 Not Modified\r\n\r\n",)),
    # Refusals
    Fault("400", (error("400 Bad Request"),)),
    Fault("401", (error("401 Unauthorized"),)),
    Fault("403", (error("403 Forbidden"),)),
    Fault("404", (error("404 Not Found"),)),
    Fault("408", (error("408 Request Timeout"),)),
    Fault("409", (error("409 Conflict"),)),
    Fault("422", (error("422 Unprocessable Entity"),)),
    Fault("404 after a lost answer", (reset, error("404 Not Found"))),
    Fault("401 after a lost answer", (reset, error("401 Unauthorized"))),
    Fault("429 for a minute after a lost answer", (reset, error("429 Too Many Requests", "Retry-After: 60"))),
    Fault("404 after a 429", (error("429 Too Many Requests"), error("404 Not Found"))),
    # Limits
    Fault("429 once, Retry-After: 3", (error("429 Too Many Requests", "Retry-After: 3"), None)),
    Fault("429 always, Retry-After: 3", (error("429 Too Many Requests", "Retry-After: 3"),)),
    Fault("429 once, Retry-After a date", (error("429 Too Many Requests", f"Retry-After: {in_two_seconds()}"), None)),
    Fault("429 once, no Retry-After", (error("429 Too Many Requests"), None)),
    Fault("429 once, Retry-After: 12.5", (error("429 Too Many Requests", "Retry-After: 12.5"), None)),
    Fault("429 once, garbage in Retry-After", (error("429 Too Many Requests", "Retry-After: soon"), None)),
    Fault("429, Retry-After: 21", (error("429 Too Many Requests", "Retry-After: 21"),)),
    Fault("429, Retry-After: six hours", (error("429 Too Many Requests", "Retry-After: 21600"),)),
    Fault("429, Retry-After past the deadline", (error("429 Too Many Requests", "Retry-After: 9"),), HURRIED),
    # Faults of the server
    Fault("500", (error("500 Internal Server Error"),)),
    Fault("502 in HTML, once", (html("502 Bad Gateway"), None)),
    Fault("502 in HTML, always", (html("502 Bad Gateway"),)),
    Fault("503 once, Retry-After: 2", (error("503 Service Unavailable", "Retry-After: 2"), None)),
    Fault("503 always, Retry-After: 30", (error("503 Service Unavailable", "Retry-After: 30"),)),
    Fault("503 always", (error("503 Service Unavailable"),)),
    Fault("503 whose title is null", (error("503 Service Unavailable", body='{"title":null}'),)),
    Fault("504 twice", (html("504 Gateway Timeout"), html("504 Gateway Timeout"), None)),
    Fault("599", (error("599 Odd"),)),
    # Bodies
    Fault("200, empty", (answer(""),)),
    Fault("200, a login page", (answer(HTML, content_type="text/html"),)),
    Fault("200, JSON cut short", (answer('{"id":"x","na'),)),
    Fault("200, NaN", (answer(ANY + ',"n":NaN}'),)),
    Fault("200, a number over all floats", (answer(ANY + ',"n":1e999}'),)),
    Fault("200, an integer of 5,000 digits", (answer(ANY + ',"n":' + "9" * 5000 + "}"),)),
    Fault("200, nested 5,000 deep", (answer(ANY + ',"n":' + '{"a":' * 5000 + "1" + "}" * 5001),)),
    Fault("200, nested 150 deep", (answer(ANY + ',"n":' + "[" * 150 + "]" * 150 + "}"),)),
    Fault("200, a trailing comma", (answer(ANY + ",}"),)),
    Fault("200, Latin-1", (answer('{"id":"é"}'.encode("latin-1"), content_type="application/json; charset=latin-1"),)),
    Fault("200, UTF-16", (answer('{"id":"x"}'.encode("utf-16")),)),
    Fault("200, an array", (answer("[]"),)),
    Fault("200, the wrong object", (answer('{"message":"ok"}'),)),
    Fault("400, a megabyte of text", (error("400 Bad Request", body="x" * 1_000_000, content_type="text/plain"),)),
    Fault("400, a megabyte of JSON", (error("400 Bad Request", body=json.dumps({"title": "T", "x": BIG})),)),
    Fault("400, terminal escapes", (error("400 Bad Request", body="\x1b[2J\x07no", content_type="text/plain"),)),
    Fault("400, NaN in its problem", (error("400 Bad Request", body='{"title":"x","n":NaN}'),)),
    Fault("400, an infinity in its problem", (error("400 Bad Request", body='{"title":"x","n":1e999}'),)),
    Fault("400, nested 5,000 deep", (error("400 Bad Request", body="[" * 5000),)),
]  # fmt: skip
