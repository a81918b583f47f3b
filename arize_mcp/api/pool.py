"""What all keys share on the way to the API: its connections, and how many requests they carry at a time."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from arize_mcp.api.slots import KeySlots, Slots
from arize_mcp.settings.settings import Settings

if TYPE_CHECKING:
    from arize_mcp.api.http import ASGIApp, Connections


class Pool:
    """The connections to the API, for any number of keys.

    Args:
        settings: where the API is and how to reach it. Their key is not used.
        app: an ASGI application to call in process instead of a server, such as the sandbox.
        max_requests: how many requests may be under way at a time, for all keys together; None leaves it to the limit
            of each key.
    """

    def __init__(self, settings: Settings, app: ASGIApp | None = None, max_requests: int | None = None) -> None:
        self._settings = settings
        self._app = app
        self._slots = Slots(max_requests or settings.max_connections)

    @cached_property
    def connections(self) -> Connections:
        """The connections, opened when they are first used."""
        from arize_mcp.api.http import Connections  # noqa: PLC0415 - httpx takes a while, a host that starts us waits

        return Connections(self._settings, self._app)

    def slots(self) -> KeySlots:
        """The slots of one more key."""
        return KeySlots(self._slots, self._settings.max_connections)

    async def aclose(self) -> None:
        """Close the connections."""
        if "connections" in vars(self):
            await self.connections.aclose()
