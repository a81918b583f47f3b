"""The preflight: what a person runs when it doesn't work."""

from __future__ import annotations

import importlib
import socket
import time
from collections.abc import AsyncGenerator
from dataclasses import fields, replace
from functools import partial
from typing import Final
from urllib.parse import urlsplit

import anyio

from arize_mcp.api.calls import Clock
from arize_mcp.api.client import ExperimentsAPI
from arize_mcp.api.models import ListExperimentsRequest
from arize_mcp.api.problems import URN, ProblemError
from arize_mcp.commands.steps import Step, show
from arize_mcp.settings import http, settings
from arize_mcp.settings.endpoint import HOSTS
from arize_mcp.settings.settings import Settings, SettingsError

_LIMIT_S: Final = 15
_NO_REGION: Final = "no region"


def run_check(*, regions: bool, as_json: bool) -> int:
    """Check the settings, the way to the API and the key, and print what was found.

    Args:
        regions: also ask the other regions whether they know the key.
        as_json: print one JSON object instead of lines.

    Returns:
        0 if the tools would work, else 1.
    """
    return anyio.run(partial(show, _steps(regions), as_json=as_json))


async def _steps(regions: bool) -> AsyncGenerator[Step]:
    found: Settings | None = None
    try:
        found = settings.load()
        told = [Step("settings", "ok", _described(found))]
        told += [
            Step("settings", "note", f"{name} holds an unfilled placeholder and counts as not set.")
            for name in found.unfilled
        ]
    except SettingsError as error:
        told = [Step("settings", "failed", f"{name} {detail}") for name, detail in error.errors]
    for step in told + _notes():
        yield step
    if found is None:
        return
    if found.api_key is None:
        yield Step("key", "failed", "ARIZE_API_KEY is not set.", "Set it here, and in the host's configuration too.")
        return
    host = await _host(found)
    yield host
    if host.outcome != "failed":
        for step in await _key(found):
            yield step
    if regions:
        for step in await _regions(found):
            yield step


def _described(found: Settings) -> str:
    key = "no key" if found.api_key is None else f"key {settings.masked(found.api_key)}"
    parts = [found.base_url, key]
    if found.profile:
        parts.append(f"from profile {found.profile}")
    if found.proxy_url:
        parts.append(f"proxy {urlsplit(found.proxy_url).hostname}")
    if found.ca_path:
        parts.append(f"CA {found.ca_path}")
    if not found.verify_tls:
        parts.append("TLS certificates are NOT checked")
    told = {"base_url", "api_key", "profile", "proxy_url", "ca_path", "verify_tls", "unfilled"}
    for field in fields(Settings):
        value = ",".join(found.toolsets) if field.name == "toolsets" else getattr(found, field.name)
        if field.name not in told and value not in (field.default, ""):
            shown = f"{value:g}" if isinstance(value, float) else str(value)
            parts.append(f"ARIZE_MCP_{field.name.upper()}={shown}")
    return ", ".join(parts)


def _notes() -> list[Step]:
    notes: list[Step] = []
    for name, meant in settings.unknown_variables(http.VARIABLES).items():
        hint = f"Did you mean {meant}?" if meant else ""
        notes.append(Step("settings", "note", f"{name} is no setting of arize-mcp.", hint))
    if settings.without_files():
        hint = "Set it to the folder in which files may be read and written."
        notes.append(Step("settings", "note", "The toolset files is left out: ARIZE_MCP_FILES_DIR is not set.", hint))
    for name, instead in settings.foreign_variables().items():
        notes.append(Step("settings", "note", f"{name} is not read by arize-mcp.", instead))
    if profiles := settings.unused_profiles():
        notes.append(Step("profiles", "note", f"ax has {', '.join(profiles)}. ARIZE_PROFILE=<name> uses one."))
    return notes


async def _host(found: Settings) -> Step:
    url = urlsplit(found.base_url)
    host = url.hostname or ""
    if found.proxy_url:
        return Step("host", "skipped", "the proxy resolves it")
    try:
        addresses = await anyio.getaddrinfo(host, url.port or 443, type=socket.SOCK_STREAM)
    except OSError:
        return Step(
            "host", "failed", f"{host} can't be resolved.", "Check the network, ARIZE_API_HOST and ARIZE_REGION."
        )
    return Step("host", "ok", f"{host} is {addresses[0][4][0]}")


async def _key(found: Settings) -> list[Step]:
    """The connection, TLS and the key, by one request."""
    problem, ms = await _ask(found)
    way = "TLS" if found.base_url.startswith("https") else "connection"
    answered = Step(way, "ok", f"answered in {ms} ms", ms=ms)
    if problem is None:
        return [answered, Step("key", "ok", "accepted")]
    detail, hint = _told(problem, found), problem.problem.get("hint", "")
    if problem.status is None:
        name = "settings" if problem.problem.get("type") == URN + "unusable-settings" else way
        return [Step(name, "failed", detail, hint)]
    # A proxy or gateway that answers in the API's place says nothing about the key.
    is_the_apis = problem.problem.get("type") != URN + "http-error"
    name = "key" if problem.status in (401, 403) and is_the_apis else "API"
    return [answered, Step(name, "failed", f"{problem.status}: {detail}", hint)]


async def _regions(found: Settings) -> list[Step]:
    own = urlsplit(found.base_url)
    if own.scheme != "https" or own.hostname not in HOSTS.values():
        return [Step("regions", "skipped", f"not asked: {own.netloc} is not Arize's, so its key is sent nowhere else")]
    others = {region or _NO_REGION: host for region, host in HOSTS.items() if host != own.hostname}
    details: dict[str, str] = {}

    async def ask(region: str, host: str) -> None:
        problem, _ = await _ask(replace(found, base_url=f"https://{host}"))
        if problem is None:
            details[region] = "knows the key: " + (
                "unset ARIZE_REGION" if region == _NO_REGION else "set ARIZE_REGION to it"
            )
        elif problem.status in (401, 403):
            details[region] = f"doesn't take the key: {problem}"
        else:
            details[region] = f"could not be asked: {_told(problem, found)}"

    async with anyio.create_task_group() as tasks:
        for region, host in others.items():
            tasks.start_soon(ask, region, host)
    return [Step(region, "note", details[region]) for region in others]


class _Stopwatch(Clock):
    """Starts again with each send, which comes first or after a wait."""

    def __init__(self) -> None:
        self.started_s = time.perf_counter()

    async def sleep(self, delay_s: float) -> None:
        await super().sleep(delay_s)
        self.started_s = time.perf_counter()


async def _ask(found: Settings) -> tuple[ProblemError | None, int]:
    """GET /v2/experiments?limit=1: what is wrong, and how many milliseconds the last send took."""
    # These imports may take longer than the answer, and would count as the network's time.
    for module in ("arize_mcp.api.http", "httpcore"):
        importlib.import_module(module)
    clock = _Stopwatch()
    problem: ProblemError | None = None
    async with ExperimentsAPI(found, clock=clock) as api:
        try:
            await api.list(ListExperimentsRequest(limit=1), deadline_s=_LIMIT_S)
        except ProblemError as error:
            problem = error
        return problem, round((time.perf_counter() - clock.started_s) * 1000)


def _told(problem: ProblemError, found: Settings) -> str:
    # Where the limit is the check's own, the setting can't help.
    return str(problem) if found.deadline_s <= _LIMIT_S else str(problem).replace(" (ARIZE_MCP_DEADLINE_S)", "")
