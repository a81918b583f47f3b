"""Environment variables, read once, into Settings."""

from __future__ import annotations

import difflib
import os
import re
import urllib.request
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Literal, cast
from urllib.parse import urlsplit

from arize_mcp import profiles
from arize_mcp.variables import Reader, is_quoted

REGIONS = ("us-central-1a", "us-east-1b", "eu-west-1a", "ca-central-1a")
HOSTS: dict[str | None, str] = {None: "api.arize.com"} | {region: f"api.{region}.arize.com" for region in REGIONS}
"""Arize's own hosts, by region; the first is that of none."""

CONFIRM_DELETE = ("auto", "always", "never")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?")
_CERTIFICATE = re.compile(rb"-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----")
_OURS = re.compile(r"ARIZE_MCP_\w+")
_ENDPOINT = (
    "ARIZE_REGION",
    "ARIZE_SINGLE_HOST",
    "ARIZE_SINGLE_PORT",
    "ARIZE_BASE_DOMAIN",
    "ARIZE_API_HOST",
    "ARIZE_API_SCHEME",
)
_PROXY_SCHEMES = ("http", "https")


class SettingsError(ValueError):
    """Settings that can't be used, all of them at once.

    Attributes:
        errors: pairs of (environment variable, what is wrong and what to do). No text holds a secret.
    """

    def __init__(self, errors: list[tuple[str, str]]) -> None:
        self.errors = errors
        super().__init__("; ".join(f"{name} {detail}" for name, detail in errors))


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the environment says. Names and defaults: the README's table; ``repr`` shows no secret."""

    base_url: str = f"https://{HOSTS[None]}"
    api_key: str | None = field(default=None, repr=False)
    verify_tls: bool = True
    ca_path: str | None = None
    proxy_url: str | None = field(default=None, repr=False)
    connect_timeout_s: float = 5.0
    read_timeout_s: float = 30.0
    deadline_s: float = 50.0
    max_response_bytes: int = 33_554_432
    max_connections: int = 8
    max_result_chars: int = 40_000
    confirm_delete: Literal["auto", "always", "never"] = "auto"
    confirm_timeout_s: float = 120.0
    read_only: bool = False
    log_level: str = "WARNING"
    profile: str | None = None


def load(*, sandbox_key: str | None = None) -> Settings:
    """Turn the process's environment variables into Settings.

    The endpoint variables follow the official Python client (contract, 4.2): one of region, single host and base domain
    overrides the API host; a port replaces one inside the host.

    Args:
        sandbox_key: the key of the embedded sandbox; then the variables that say where Arize is and how to reach it are
            not read.

    Raises:
        SettingsError: with every variable that can't be used.
    """
    read = Reader(os.environ)
    settings = _read(read, sandbox_key)
    if read.errors:
        raise SettingsError(read.errors)
    return settings


def _read(read: Reader, sandbox_key: str | None) -> Settings:
    remote = sandbox_key is None
    if remote:
        _use_profile(read)
    base_url = _base_url(read) if remote else "http://sandbox"
    return Settings(
        base_url=base_url,
        api_key=_api_key(read) if remote else sandbox_key,
        verify_tls=read.switch("ARIZE_REQUEST_VERIFY", default=True, empty_is_default=False) if remote else True,
        ca_path=_ca_path(read) if remote else None,
        proxy_url=_proxy_url(read, base_url) if remote else None,
        connect_timeout_s=read.seconds("ARIZE_MCP_CONNECT_TIMEOUT_S", 5.0),
        read_timeout_s=read.seconds("ARIZE_MCP_READ_TIMEOUT_S", 30.0),
        deadline_s=read.seconds("ARIZE_MCP_DEADLINE_S", 50.0),
        max_response_bytes=read.whole("ARIZE_MCP_MAX_RESPONSE_BYTES", 33_554_432, minimum=1),
        max_connections=read.whole("ARIZE_MCP_MAX_CONNECTIONS", 8, minimum=1, maximum=1000),
        max_result_chars=_max_result_chars(read),
        confirm_delete=cast(
            "Literal['auto', 'always', 'never']", read.choice("ARIZE_MCP_CONFIRM_DELETE", CONFIRM_DELETE, "auto")
        ),
        confirm_timeout_s=read.seconds("ARIZE_MCP_CONFIRM_TIMEOUT_S", 120.0),
        read_only=read.switch("ARIZE_MCP_READ_ONLY", default=False),
        log_level=read.choice("ARIZE_MCP_LOG_LEVEL", LOG_LEVELS, "WARNING", fold=str.upper),
        profile=read.profile,
    )


def unused_profiles() -> list[str]:
    """The profiles of the ax command line tool, by name and unopened, where none is in use."""
    if os.environ.get("ARIZE_PROFILE", "").strip():
        return []
    try:
        return profiles.names(_home())
    except profiles.ProfileError:
        return []


def unknown_variables() -> dict[str, str | None]:
    """The variables that look like ours and mean nothing, each with the one that may be meant."""
    read = Reader(os.environ)
    _read(read, None)
    unknown = [name for name in os.environ if _OURS.fullmatch(name) and name not in read.known]
    return {name: next(iter(difflib.get_close_matches(name, read.known, 1, 0.8)), None) for name in sorted(unknown)}


def masked(secret: str) -> str:
    """A secret as it may be shown: its first four characters, if it has many more."""
    return f"{secret[:4]}..." if len(secret) >= 16 else "set"


def log_level() -> str:
    """The log level alone, for a process whose other settings can't be used; WARNING where it is itself unusable."""
    return Reader(os.environ).choice("ARIZE_MCP_LOG_LEVEL", LOG_LEVELS, "WARNING", fold=str.upper)


def read_only() -> bool:
    """Whether it may only read, for a process whose other settings can't be used; so too where this one can't be."""
    read = Reader(os.environ)
    return read.switch("ARIZE_MCP_READ_ONLY", default=False) or bool(read.errors)


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:
        raise profiles.ProfileError("can't be looked up: there is no home directory, set HOME.") from None


def _use_profile(read: Reader) -> None:
    """Take from ARIZE_PROFILE what the environment doesn't say itself."""
    name = read.text("ARIZE_PROFILE")
    if not name:
        return
    # Where to is one decision: half of it from each would be neither.
    wanted: list[str] = [] if any(read.is_set(variable) for variable in _ENDPOINT) else list(_ENDPOINT)
    if not read.is_set("ARIZE_API_KEY"):
        wanted.append("ARIZE_API_KEY")
    try:
        read.use_profile(name, profiles.load(_home(), name, os.environ, wanted))
    except profiles.ProfileError as error:
        read.fail("ARIZE_PROFILE", str(error))


def _max_result_chars(read: Reader) -> int:
    rule = "0, for no limit, or a whole number from 1000"
    return read.number("ARIZE_MCP_MAX_RESULT_CHARS", int, 40_000, rule, lambda value: value == 0 or value >= 1000)


def _api_key(read: Reader) -> str | None:
    name = "ARIZE_API_KEY"
    key = read.text(name)
    if key.lower().startswith("bearer "):
        read.fail(name, "must be the key alone, without 'Bearer '.")
    elif is_quoted(key):
        read.fail(name, "must be the key alone, without quotation marks.")
    elif not all("!" <= character <= "~" for character in key):
        read.fail(
            name, "holds a character that no API key has (a space, a line break or a non-ASCII one): copy it again."
        )
    else:
        return key or None
    return None


def _base_url(read: Reader) -> str:
    scheme = read.choice("ARIZE_API_SCHEME", ("http", "https"), "https")
    allow_http = read.switch("ARIZE_MCP_ALLOW_HTTP", default=False)
    port = read.whole("ARIZE_API_PORT", 0, minimum=0, maximum=65_535)
    region = read.text("ARIZE_REGION").lower()
    single_host = read.text("ARIZE_SINGLE_HOST")
    single_port = read.whole("ARIZE_SINGLE_PORT", 0, minimum=0, maximum=65_535)
    base_domain = read.text("ARIZE_BASE_DOMAIN")
    overrides = {
        "ARIZE_REGION": bool(region),
        "ARIZE_SINGLE_HOST/ARIZE_SINGLE_PORT": bool(single_host or single_port),
        "ARIZE_BASE_DOMAIN": bool(base_domain),
    }
    given = [name for name, is_given in overrides.items() if is_given]
    if len(given) > 1:
        read.fail(given[0], f"can't be combined with {' and '.join(given[1:])}: set only one of them.")
    if is_quoted(region):
        read.fail("ARIZE_REGION", "must be the region alone, without quotation marks.")
    elif region and region not in REGIONS:
        # The official client refuses ax's short names too.
        meant = profiles.REGION_ALIASES.get(region.upper())
        also = f" What the ax command line tool calls {region.upper()} is {meant}." if meant else ""
        read.fail("ARIZE_REGION", f"must be one of {', '.join(REGIONS)}.{also}")
    if region in REGIONS:
        source, host = "ARIZE_REGION", HOSTS[region]
    elif single_host:
        source, host = "ARIZE_SINGLE_HOST", single_host
    elif base_domain:
        source, host = "ARIZE_BASE_DOMAIN", f"api.{base_domain}"
    else:
        source, host = "ARIZE_API_HOST", read.text("ARIZE_API_HOST") or HOSTS[None]
    host = host.rstrip("/")
    match = _HOST.fullmatch(host)
    if match is None or int((match[2] or ":0")[1:]) > 65_535 or (host[0] == "[" and not _is_address(match[1])):
        read.fail(source, "must be a host name, optionally with :port; the scheme goes into ARIZE_API_SCHEME.")
        return f"https://{HOSTS[None]}"
    if port or single_port:
        host = f"{match[1]}:{port or single_port}"
    if scheme == "http" and not _is_loopback(match[1]) and not allow_http:
        read.fail(
            "ARIZE_API_SCHEME",
            "is http, which would send the key unencrypted: use https, or set ARIZE_MCP_ALLOW_HTTP=1 if the way to the "
            "host is safe.",
        )
    return f"{scheme}://{host}"


def _is_loopback(host: str) -> bool:
    return host.lower() == "localhost" or (_is_address(host) and ip_address(host.strip("[]")).is_loopback)


def _is_address(host: str) -> bool:
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def _ca_path(read: Reader) -> str | None:
    for name in ("ARIZE_SSL_CA_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
        path = read.text(name)
        if path:
            fault = _ca_fault(Path(path))
            if fault:
                read.fail(name, f"{fault}: give a PEM file with the CA's certificate.")
            return path
    return None


def _ca_fault(path: Path) -> str | None:
    try:
        # Loading the certificates takes a while and is left to the first call.
        if path.is_dir() or _CERTIFICATE.search(path.read_bytes()):
            return None
    except FileNotFoundError:
        return "names a file that doesn't exist"
    except OSError:
        return "names a file that can't be read"
    return "names a file that holds no PEM certificate"


def _proxy_url(read: Reader, base_url: str) -> str | None:
    """The proxy for base_url: ARIZE_PROXY_URL, else the standard variables; NO_PROXY and loopback spare either."""
    # urllib knows the standard variables' spellings, NO_PROXY's patterns and the systems' own proxy settings.
    target = urlsplit(base_url)
    if _is_loopback(target.hostname or "") or urllib.request.proxy_bypass(target.netloc):
        return None
    name = "ARIZE_PROXY_URL"
    proxy = read.text(name)
    if not proxy:
        standard = urllib.request.getproxies()
        scheme = target.scheme if standard.get(target.scheme) else "all"
        name = f"{scheme.upper()}_PROXY"
        proxy = standard.get(scheme, "")
        if proxy and "://" not in proxy:
            proxy = f"http://{proxy}"
    if not proxy:
        return None
    try:
        parts = urlsplit(proxy)
        usable = parts.scheme in _PROXY_SCHEMES and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable:
        read.fail(name, "must be an http:// or https:// URL with a host.")
        return None
    return proxy
