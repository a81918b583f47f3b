"""The variables of the HTTP server: where it listens, who may call it, how much at a time."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from typing import Final

from arize_mcp.settings.settings import Settings, SettingsError, read_settings
from arize_mcp.settings.variables import Reader

VARIABLES: Final = (
    "ARIZE_MCP_HTTP_HOST",
    "ARIZE_MCP_HTTP_PORT",
    "ARIZE_MCP_ALLOWED_HOSTS",
    "ARIZE_MCP_ALLOWED_ORIGINS",
    "ARIZE_MCP_MAX_REQUESTS",
    "ARIZE_MCP_MAX_BODY_BYTES",
)
"""Our own variables; PORT is set by platforms."""

KEY_CONNECTIONS: Final = 8
"""How many requests a key may have under way where nothing else is set: no key takes all of ARIZE_MCP_MAX_REQUESTS."""

Name = tuple[str, int | None]
"""A host's name in lower case, and its port; None is any."""

_AUTHORITY: Final = re.compile(r"(\[[0-9a-f:.]+\]|[^\s\[\]:/@,*]+)(?::([0-9]{1,5}))?")


@dataclass(frozen=True, kw_only=True)
class HTTPSettings:
    """What the environment says of the HTTP server. Names and defaults: the table in docs/http.md.

    ``calls`` are the settings of every caller's calls; there is no key in them.
    """

    calls: Settings
    host: str = "127.0.0.1"
    port: int = 8000
    allowed_hosts: frozenset[Name] = frozenset()
    any_host: bool = False
    allowed_origins: frozenset[str] = frozenset()
    max_requests: int = 64
    max_body_bytes: int = 16_777_216


def load(*, sandbox_key: str | None = None) -> HTTPSettings:
    """Turn the process's environment variables into HTTPSettings.

    Args:
        sandbox_key: the key of the embedded sandbox; then the variables that say where Arize is, how to reach it and
            with which key are not read.

    Raises:
        SettingsError: with every variable that can't be used, or may not be set in a server for many.
    """
    read = Reader(os.environ)
    if sandbox_key is None:
        _refuse_own_key(read)
    if "files" in read.named("ARIZE_MCP_TOOLSETS") or read.is_set("ARIZE_MCP_FILES_DIR"):
        told = "can't be used over HTTP: the folder of the toolset files would be the server's, not the caller's."
        # Whatever else this toolset needs would only mislead.
        raise SettingsError([*read.errors, ("ARIZE_MCP_TOOLSETS=files and ARIZE_MCP_FILES_DIR", told)])
    calls = replace(read_settings(read, sandbox_key), api_key=None, shared=True)
    if not read.is_set("ARIZE_MCP_MAX_CONNECTIONS"):
        calls = replace(calls, max_connections=KEY_CONNECTIONS)
    any_host, allowed_hosts = _allowed_hosts(read)
    found = HTTPSettings(
        calls=calls,
        host=read.text("ARIZE_MCP_HTTP_HOST") or "127.0.0.1",
        port=read.whole(
            "ARIZE_MCP_HTTP_PORT" if read.is_set("ARIZE_MCP_HTTP_PORT") else "PORT", 8000, minimum=0, maximum=65_535
        ),
        allowed_hosts=allowed_hosts,
        any_host=any_host,
        allowed_origins=_allowed_origins(read),
        max_requests=read.whole("ARIZE_MCP_MAX_REQUESTS", 64, minimum=1, maximum=10_000),
        max_body_bytes=read.whole("ARIZE_MCP_MAX_BODY_BYTES", 16_777_216, minimum=1),
    )
    if read.errors:
        raise SettingsError(read.errors)
    return found


def name_of(authority: str) -> Name | None:
    """A Host header's name and port, or those of an entry of ARIZE_MCP_ALLOWED_HOSTS; None for anything else."""
    match = _AUTHORITY.fullmatch(authority.lower())
    if match is None:
        return None
    return match[1].rstrip("."), int(match[2]) if match[2] else None


def _refuse_own_key(read: Reader) -> None:
    for name, holds in (("ARIZE_API_KEY", "a key"), ("ARIZE_PROFILE", "a profile with a key")):
        if read.is_set(name):
            read.fail(
                name,
                f"is set, but over HTTP every caller sends a key of their own: with {holds} here, whoever reaches the "
                "port would act as its owner. Unset it.",
            )


def _allowed_hosts(read: Reader) -> tuple[bool, frozenset[Name]]:
    name = "ARIZE_MCP_ALLOWED_HOSTS"
    entries = _entries(read.text(name))
    names = {entry: name_of(entry) for entry in entries if entry != "*"}
    if None in names.values():
        read.fail(name, "takes host names separated by commas, each with or without :port, without a scheme; or *.")
    return "*" in entries, frozenset(known for known in names.values() if known is not None)


def _allowed_origins(read: Reader) -> frozenset[str]:
    name = "ARIZE_MCP_ALLOWED_ORIGINS"
    origins = frozenset(entry.lower().rstrip("/") for entry in _entries(read.text(name)))
    for origin in origins:
        scheme, _, authority = origin.partition("://")
        if scheme not in ("http", "https") or name_of(authority) is None:
            read.fail(name, "takes origins separated by commas, such as https://app.example.com, without a path.")
            break
    return origins


def _entries(text: str) -> list[str]:
    return [entry for part in text.split(",") if (entry := part.strip())]
