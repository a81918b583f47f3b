"""Where the Arize API is, and the way to it: host, proxy, certificates."""

from __future__ import annotations

import re
import urllib.request
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from arize_mcp.settings import profiles
from arize_mcp.settings.variables import Reader, is_placeholder, is_quoted

REGIONS = ("us-central-1a", "us-east-1b", "eu-west-1a", "ca-central-1a")
HOSTS: dict[str | None, str] = {None: "api.arize.com"} | {region: f"api.{region}.arize.com" for region in REGIONS}
"""Arize's own hosts by region; None is for accounts without a region."""

VARIABLES = (
    "ARIZE_REGION",
    "ARIZE_SINGLE_HOST",
    "ARIZE_SINGLE_PORT",
    "ARIZE_BASE_DOMAIN",
    "ARIZE_API_HOST",
    "ARIZE_API_SCHEME",
)
"""The variables that say where the API is; a profile sets all of them or none."""

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?")
_CERTIFICATE = re.compile(rb"-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----")
_PROXY_SCHEMES = ("http", "https")


def base_url(read: Reader) -> str:
    """Where the API is. Region, single host or base domain override the API host; a port replaces one in the host."""
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
        rule = "must be a host name, optionally with :port; the scheme goes into ARIZE_API_SCHEME."
        if "/" in host.partition("://")[2] or ("/" in host and "://" not in host):
            rule += " A path can't be part of it: the API has to be at the root of its host."
        read.fail(source, rule)
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


def other_url(read: Reader, url: str) -> str:
    """The origin of a URL that gets the key in Arize's place; http only to loopback, or where that is allowed."""
    scheme, _, rest = url.partition("://")
    host = rest.partition("/")[0]
    match = _HOST.fullmatch(host)
    if scheme not in ("http", "https") or match is None or int((match[2] or ":0")[1:]) > 65_535:
        read.fail("--http", "takes the URL that arize-mcp http prints, such as https://mcp.example.com/mcp.")
        return f"https://{HOSTS[None]}"
    if scheme == "http" and not _is_loopback(match[1]) and not read.switch("ARIZE_MCP_ALLOW_HTTP", default=False):
        read.fail(
            "--http",
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


def ca_path(read: Reader) -> str | None:
    """The file or folder of the certificates to trust beside the system's, None without one."""
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


def proxy_url(read: Reader, base_url: str) -> str | None:
    """The proxy for base_url: ARIZE_PROXY_URL, else the standard variables; none for loopback and NO_PROXY's hosts."""
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
        proxy = standard.get(scheme, "").strip()
        if is_placeholder(proxy):
            read.fail(name, "holds an unfilled placeholder: put the proxy's URL in its place, or unset it.")
            return None
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
