"""The preflight: what a person runs when it doesn't work."""

from __future__ import annotations

import json
import socket
import sys
import time
from dataclasses import asdict, dataclass, replace
from typing import Final, Literal
from urllib.parse import urlsplit

import anyio

from arize_mcp import settings
from arize_mcp.api.client import ExperimentsAPI
from arize_mcp.api.models import ListExperimentsRequest
from arize_mcp.api.problems import ProblemError
from arize_mcp.settings import REGIONS, Settings, SettingsError

_MARKS: Final = {"ok": "ok  ", "failed": "FAIL", "skipped": "-   ", "note": "note"}


@dataclass(frozen=True)
class Step:
    """One thing that was checked, what came of it, and what to do."""

    name: str
    outcome: Literal["ok", "failed", "skipped", "note"]
    detail: str
    hint: str = ""


def run_check(*, regions: bool, as_json: bool) -> int:
    """Check the settings, the way to the API and the key, and print what was found.

    Args:
        regions: also ask the other regions whether they know the key.
        as_json: print one JSON object instead of lines.

    Returns:
        0 if the tools would work, else 1.
    """
    steps = anyio.run(_steps, regions)
    works = all(step.outcome != "failed" for step in steps)
    if as_json:
        report = {"ok": works, "steps": [asdict(step) for step in steps]}
        sys.stdout.write(json.dumps(report, indent=2, ensure_ascii=False) + "\n")
        return 0 if works else 1
    for step in steps:
        sys.stdout.write(f"{_MARKS[step.outcome]}  {step.name:<10} {step.detail}\n")
        if step.hint:
            sys.stdout.write(f"{'':<17}{step.hint}\n")
    sys.stdout.write("\nReady.\n" if works else "\nNot ready.\n")
    return 0 if works else 1


async def _steps(regions: bool) -> list[Step]:
    profiles = settings.unused_profiles()
    notes = (
        [Step("profiles", "note", f"ax has {', '.join(profiles)}; ARIZE_PROFILE=<name> uses one.")] if profiles else []
    )
    try:
        found = settings.load()
    except SettingsError as error:
        return [Step("settings", "failed", f"{name} {detail}") for name, detail in error.errors] + notes
    steps = [Step("settings", "ok", _described(found)), *notes]
    if found.api_key is None:
        steps.append(
            Step("key", "failed", "ARIZE_API_KEY is not set.", "Set it here, and in the host's configuration too.")
        )
        return steps
    steps.append(await _host(found))
    if steps[-1].outcome == "failed":
        return steps
    steps += await _key(found)
    if regions:
        steps += await _regions(found)
    return steps


def _described(found: Settings) -> str:
    key = "no key" if found.api_key is None else f"key {settings.masked(found.api_key)}"
    parts = [found.base_url, key]
    if found.proxy_url:
        parts.append(f"proxy {urlsplit(found.proxy_url).hostname}")
    if found.ca_path:
        parts.append(f"CA {found.ca_path}")
    if not found.verify_tls:
        parts.append("TLS certificates are NOT checked")
    if found.read_only:
        parts.append("read only")
    return ", ".join(parts)


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
    """The connection, TLS and the key, by one request: GET /v2/experiments?limit=1."""
    started_s = time.perf_counter()
    problem = await _refusal(found)
    took = f"{(time.perf_counter() - started_s) * 1000:.0f} ms"
    way = "TLS" if found.base_url.startswith("https") else "connection"
    if problem is None:
        return [Step(way, "ok", f"answered in {took}"), Step("key", "ok", "accepted")]
    detail, hint = str(problem), problem.problem.get("hint", "")
    if problem.status is None:
        return [Step(way, "failed", detail, hint)]
    name = "key" if problem.status in (401, 403) else "API"
    return [Step(way, "ok", f"answered in {took}"), Step(name, "failed", f"{problem.status}: {detail}", hint)]


async def _regions(found: Settings) -> list[Step]:
    steps: list[Step] = []
    for region in REGIONS:
        base_url = f"https://api.{region}.arize.com"
        if base_url != found.base_url:
            problem = await _refusal(replace(found, base_url=base_url))
            detail = "knows the key: set ARIZE_REGION to it" if problem is None else f"doesn't take the key: {problem}"
            steps.append(Step(region, "note", detail))
    return steps


async def _refusal(found: Settings) -> ProblemError | None:
    async with ExperimentsAPI(found) as api:
        try:
            await api.list(ListExperimentsRequest(limit=1), deadline_s=15)
        except ProblemError as error:
            return error
    return None
