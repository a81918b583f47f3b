"""The preflight of a server over HTTP: whether it answers, and takes the caller's key."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncGenerator
from functools import partial
from typing import Any, Final, cast
from urllib.parse import urlsplit

import anyio

from arize_mcp.api.http import Answer, Connections
from arize_mcp.api.problems import ProblemError, plain, quoted, redact
from arize_mcp.commands.steps import Step, show
from arize_mcp.settings import settings
from arize_mcp.settings.settings import Settings, SettingsError

_PROTOCOL: Final = "2026-07-28"
_META: Final[dict[str, Any]] = {
    "io.modelcontextprotocol/protocolVersion": _PROTOCOL,
    "io.modelcontextprotocol/clientInfo": {"name": "arize-mcp check", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
_OTHER: Final = "Is it the URL that arize-mcp http printed, with /mcp, or the one that your balancer has for it?"


def run_check_http(url: str, *, as_json: bool) -> int:
    """Check a server over HTTP, with the key in the environment, and print what was found.

    Args:
        url: the server's, with its path.
        as_json: print one JSON object instead of lines.

    Returns:
        0 if the tools would work, else 1.
    """
    return anyio.run(partial(show, _steps(url), as_json=as_json))


async def _steps(url: str) -> AsyncGenerator[Step]:
    try:
        found = settings.load(other_url=url)
    except SettingsError as error:
        for name, detail in error.errors:
            yield Step("settings", "failed", f"{name} {detail}")
        return
    if found.api_key is None:
        yield Step("key", "failed", "ARIZE_API_KEY is not set.", "Set it here: the server has none of its own.")
        return
    yield Step("settings", "ok", f"{url}, key {settings.masked(found.api_key)}")
    connections = Connections(found, None)
    try:
        started_s = time.perf_counter()
        result = await _ask(connections, found, url, "server/discover", {})
        ms = round((time.perf_counter() - started_s) * 1000)
        meta: dict[str, Any] = result.get("_meta") or {}
        info: dict[str, Any] = meta.get("io.modelcontextprotocol/serverInfo") or {}
        if info.get("name") != "arize-mcp":
            yield Step("server", "failed", f"is another MCP server: {quoted(info.get('name') or 'unnamed')}.", _OTHER)
            return
        yield Step("server", "ok", f"arize-mcp {plain(str(info.get('version')), 50)} answered in {ms} ms", ms=ms)
        called = {"name": "experiments_list", "arguments": {"limit": 1}}
        result = await _ask(connections, found, url, "tools/call", called)
        if result.get("isError"):
            problem = cast("dict[str, Any]", result.get("structuredContent") or {})
            name = "key" if problem.get("status") in (401, 403) else "API"
            detail = f"{problem.get('status') or problem.get('title')}: {problem.get('detail')}"
            yield Step(name, "failed", plain(detail, 500), plain(str(problem.get("hint") or ""), 500))
        else:
            yield Step("key", "ok", "accepted")
    except ProblemError as error:
        hint = "" if error.status is None else error.problem.get("hint", "")
        yield Step("server", "failed", str(error), hint)
    finally:
        await connections.aclose()


async def _ask(
    connections: Connections, found: Settings, url: str, method: str, params: dict[str, Any]
) -> dict[str, Any]:
    """The result of a request.

    Raises:
        ProblemError: there is none.
    """
    headers = {
        "Authorization": f"Bearer {found.api_key}",
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": _PROTOCOL,
        "Mcp-Method": method,
    }
    if "name" in params:
        headers["Mcp-Name"] = params["name"]
    message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params | {"_meta": _META}}
    answer = await connections.post(urlsplit(url).path or "/", headers, message)
    reply = redact(_reply(answer), found.api_key)
    if isinstance(reply.get("result"), dict):
        return reply["result"]
    said = cast("dict[str, Any]", reply.get("error") if isinstance(reply.get("error"), dict) else reply)
    detail = f"{answer.status}: {said.get('detail') or said.get('message') or 'no answer of an MCP server.'}"
    hint = plain(str(said.get("hint") or _OTHER), 500)
    raise ProblemError({"detail": plain(detail, 500), "hint": hint}, status=answer.status)


def _reply(answer: Answer) -> dict[str, Any]:
    """The last message of an answer, be it JSON or events; empty where there is none."""
    text = answer.content.decode("utf-8", "replace")
    if answer.headers.get("content-type", "").startswith("text/event-stream"):
        text = next((line[5:] for line in reversed(text.splitlines()) if line.startswith("data:")), "")
    try:
        value: Any = json.loads(text)
    except ValueError:
        return {}
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}
