"""Which hosts a request may be for, and which web pages it may come from.

Source: MCP, Transports, streamable HTTP, security warning. This keeps DNS rebinding out.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import Final

from starlette.datastructures import Headers

from arize_mcp.settings.http import HTTPSettings, Name, name_of
from arize_mcp.transports.refusals import RefusalError

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


def check(headers: Headers, settings: HTTPSettings) -> str | None:
    """Let a request in, or refuse it.

    Returns:
        The origin whose pages the browser has to let read the answer (CORS); None where there is none.

    Raises:
        RefusalError: 421 for another host, 403 for another origin.
    """
    host = name_of(headers.get("host", ""))
    if host is None or not (settings.any_host or is_loopback(host[0]) or _is_allowed(host, settings)):
        raise RefusalError(
            421,
            "misdirected-request",
            "This server doesn't serve the host that the request names.",
            "If the name is right, ask whoever runs this server to add it to ARIZE_MCP_ALLOWED_HOSTS.",
        )
    origin = headers.get("origin")
    if origin is None or _is_own(origin, host):
        return None
    if origin.lower() in settings.allowed_origins:
        return origin
    raise RefusalError(
        403,
        "forbidden-origin",
        "Web pages of this origin may not call this server.",
        "If they should, ask whoever runs this server to add the origin to ARIZE_MCP_ALLOWED_ORIGINS.",
    )


def is_loopback(name: str) -> bool:
    """Whether a host's name means this machine itself, whatever somebody's DNS says."""
    try:
        return name == "localhost" or ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


def _is_allowed(host: Name, settings: HTTPSettings) -> bool:
    return host in settings.allowed_hosts or (host[0], None) in settings.allowed_hosts


def _is_own(origin: str, host: Name) -> bool:
    scheme, _, authority = origin.lower().partition("://")
    named = name_of(authority)
    if named is None or scheme not in _DEFAULT_PORTS:
        return False
    default = _DEFAULT_PORTS[scheme]
    return (named[0], named[1] or default) == (host[0], host[1] or default)
