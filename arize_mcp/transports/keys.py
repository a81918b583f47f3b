"""Whose request it is: the caller's key, and what belongs to it."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any, Final

from mcp.server.context import ServerRequestContext
from starlette.datastructures import Headers

from arize_mcp.api.client import ExperimentsAPI
from arize_mcp.api.pool import Pool
from arize_mcp.settings.settings import Settings
from arize_mcp.settings.variables import is_placeholder, key_fault
from arize_mcp.transports.refusals import RefusalError

KEY: Final[ContextVar[str | None]] = ContextVar("key", default=None)
"""The key of the request under way, which no log may show."""

API: Final = "arize_mcp.api"
"""The entry in a request's ASGI scope that holds the caller's API."""

MAX_KEYS: Final = 1_000
MAX_CALLS: Final = 256
_MAX_CHARS: Final = 4_096
_RETRY_AFTER_S: Final = 1


@dataclass
class Caller:
    """What belongs to a key: its API, with its hold-backs and its slots, and how many of its calls are under way."""

    api: ExperimentsAPI
    calls: int = 0

    @contextmanager
    def call(self) -> Generator[None]:
        """Count a call while it is under way.

        Raises:
            RefusalError: 503, where too many are under way.
        """
        if self.calls >= MAX_CALLS:
            raise RefusalError(
                503,
                "too-many-calls",
                f"{MAX_CALLS} calls with this key are under way.",
                "Call again when some have ended.",
                {"Retry-After": str(_RETRY_AFTER_S)},
            )
        self.calls += 1
        try:
            yield
        finally:
            self.calls -= 1


class Callers:
    """The latest callers, at most MAX_KEYS. A forgotten one loses only what Arize will say again.

    Args:
        settings: of every caller's calls, without a key.
        pool: carries the requests of all callers.
    """

    def __init__(self, settings: Settings, pool: Pool) -> None:
        self._settings = settings
        self._pool = pool
        self._callers: OrderedDict[bytes, Caller] = OrderedDict()

    def __len__(self) -> int:
        return len(self._callers)

    def of_key(self, key: str) -> Caller:
        """The caller with a key."""
        digest = hashlib.sha256(key.encode()).digest()
        caller = self._callers.get(digest)
        if caller is None:
            caller = Caller(ExperimentsAPI(replace(self._settings, api_key=key), pool=self._pool))
            self._callers[digest] = caller
            if len(self._callers) > MAX_KEYS:
                self._callers.popitem(last=False)
        self._callers.move_to_end(digest)
        return caller


def api_of(context: ServerRequestContext[Any]) -> ExperimentsAPI:
    """The API for the key of the caller whose request it is."""
    request: Any = context.request
    return request.scope[API]


def key_of(headers: Headers) -> str:
    """The key that a request comes with: X-Arize-API-Key, else Authorization: Bearer.

    Raises:
        RefusalError: 401 without a key, or with what can't be one.
    """
    own, authorization = headers.getlist("x-arize-api-key"), headers.getlist("authorization")
    if max(len(own), len(authorization)) > 1:
        raise _unauthorized("A header that carries a key came more than once.")
    if own:
        key = own[0].strip()
    else:
        scheme, _, key = (authorization or [""])[0].strip().partition(" ")
        key = key.strip()
        if scheme.lower() != "bearer":
            raise _unauthorized("The request carries no API key.")
    if is_placeholder(key):
        raise _unauthorized("The key is an unfilled placeholder.")
    if len(key) > _MAX_CHARS:
        raise _unauthorized(f"The key has more than {_MAX_CHARS} characters.")
    if fault := key_fault(key) if key else "is empty.":
        raise _unauthorized(f"The key {fault}")
    return key


def _unauthorized(detail: str) -> RefusalError:
    return RefusalError(
        401,
        "unauthorized",
        detail,
        "Have your MCP host send your Arize API key as 'Authorization: Bearer <key>' or 'X-Arize-API-Key: <key>'.",
        {"WWW-Authenticate": 'Bearer realm="arize-mcp"'},
    )
