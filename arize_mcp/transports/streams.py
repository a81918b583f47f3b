"""The two streams that the SDK wants of a transport: the messages of the host, and those to it."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import AsyncGenerator, Callable, Mapping
from functools import partial
from types import TracebackType
from typing import Any, Final, Self

import anyio
from mcp import types
from mcp.shared.message import SessionMessage
from pydantic_core import to_json

from arize_mcp.transports import messages
from arize_mcp.transports.lines import TooLong
from arize_mcp.transports.requests import Requests

Line = list[bytes | memoryview]
"""A line in parts, which are written one after the other."""

AS_TEXT: Final[Mapping[str, Any]] = {"urn:arize-mcp:as-text": True}
"""Stands for a structured content of which the result's text is the JSON."""

_DUMP: Final = types.jsonrpc_message_adapter.dump_json
_STRUCTURED: Final = b'"structuredContent":'
_STANDING_IN: Final = _STRUCTURED + to_json(AS_TEXT)
# Each part wakes the host, and joining them copies them.
_JOINED_BYTES: Final = 64 * 1024
_TURNS: Final = 300
_TURN_S: Final = 0.001


class _Stream:
    """What the SDK wants of both streams beside their messages."""

    async def aclose(self) -> None:
        """Do nothing: whoever opened the descriptors closes them."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None:
        await self.aclose()


class Outgoing(_Stream):
    """The messages to the host, no faster than it reads.

    Args:
        drained: is cleared while there are messages that the host has not read.
    """

    def __init__(self, drained: asyncio.Event) -> None:
        self.drained = drained
        self.requests = Requests()

    async def send(self, item: SessionMessage) -> None:
        """Write a message."""
        await self.write(partial(_line, self.requests.goes(item.message)))

    @abstractmethod
    async def write(self, made: Callable[[], Line]) -> None:
        """Write a line that is made only when it can be written: many of a megabyte may be waiting."""


def _line(message: types.JSONRPCMessage) -> Line:
    """The line of a message. What AS_TEXT stands for is not written a second time: its JSON is there, as the text."""
    line = _DUMP(message, by_alias=True, exclude_unset=True)
    if not isinstance(message, types.JSONRPCResponse) or message.result.get("structuredContent") != AS_TEXT:
        return [line + b"\n"]
    # Never inside a string, whose quotation marks are escaped.
    at = line.rindex(_STANDING_IN)
    view, text = memoryview(line), message.result["content"][0]["text"].encode()
    parts: Line = [view[:at], _STRUCTURED, text, view[at + len(_STANDING_IN) :], b"\n"]
    return [b"".join(parts)] if len(line) < _JOINED_BYTES else parts


class Incoming(_Stream):
    """The messages of the host. A line that is no message is answered right here.

    Args:
        lines: the host's lines.
        outgoing: where the answers go.
        is_local: whether no call needs the network.
    """

    def __init__(self, lines: AsyncGenerator[bytes | TooLong], outgoing: Outgoing, *, is_local: bool) -> None:
        self._lines = lines
        self._outgoing = outgoing
        self._is_local = is_local

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SessionMessage:
        while True:
            try:
                line = await anext(self._lines)
            except StopAsyncIteration:
                await self._settled()
                raise
            message = messages.read(line, self._outgoing.requests.asked)
            if isinstance(message, bytes):
                await self._outgoing.write(lambda reply=message: [reply + b"\n"])
            elif message is not None:
                self._outgoing.requests.came(message.message)
                return message

    async def receive(self) -> SessionMessage:
        """The next message.

        Raises:
            anyio.EndOfStream: the host closed stdin.
        """
        try:
            return await anext(self)
        except StopAsyncIteration:
            raise anyio.EndOfStream from None

    async def _settled(self) -> None:
        """Give the requests that came before the end of input time to be answered.

        A request that needs no network takes some turns of the loop. One that does is still open after those, and the
        SDK, which then learns of the end, cancels it. Turns are counted, not seconds: an import may hold the loop for
        longer.
        """
        requests, drained = self._outgoing.requests, self._outgoing.drained
        left = _TURNS
        while left and (requests.open or not drained.is_set()):
            before = requests.answered
            await asyncio.sleep(_TURN_S if self._is_local or not drained.is_set() else 0)
            left = left - 1 if requests.answered == before else _TURNS
