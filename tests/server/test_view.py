"""The view on the wire: what hosts are told of it, in both eras, and the page's file."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from arize_mcp.server import view
from tests.conftest import sitecustomize
from tests.stdio_process import MODERN_META, Session
from tests.transports.test_process import IMPORTED

PAGE = (Path(view.__file__).parent / "runs.html").read_text(encoding="utf-8")
ON = {"ARIZE_MCP_VIEW": "on"}
READING = {"visibility": ["model", "app"]}
EXTENSION: dict[str, Any] = {"io.modelcontextprotocol/ui": {}}


def handshake(session: Session, version: str) -> dict[str, Any]:
    """The result of initialize, as it stands on the wire."""
    client = {"name": "test", "version": "1"}
    params = {"protocolVersion": version, "capabilities": {}, "clientInfo": client}
    result = session.request("initialize", params)["result"]
    session.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
    return result


def page_of(session: Session, meta: dict[str, Any]) -> str:
    """The page that a session serves; checks what is told beside it."""
    read = session.request("resources/read", {"uri": view.URI, **meta})["result"]
    (content,) = read["contents"]
    assert content["uri"] == "ui://arize-mcp/runs.html"
    assert content["mimeType"] == "text/html;profile=mcp-app"
    assert content["_meta"] == {"ui": {"csp": {}, "prefersBorder": True}}
    return content["text"]


def metas(session: Session, meta: dict[str, Any]) -> dict[str, Any]:
    tools = session.request("tools/list", meta)["result"]["tools"]
    return {tool["name"]: tool.get("_meta") for tool in tools}


SHOWN = {
    "ui": {**READING, "resourceUri": "ui://arize-mcp/runs.html"},
    "ui/resourceUri": "ui://arize-mcp/runs.html",
}
METAS: dict[str, Any] = {
    "experiments_create": {"ui": {"visibility": ["model"]}},
    "experiments_delete": {"ui": {"visibility": ["model"]}},
    "experiments_get": {"ui": READING},
    "experiments_list": {"ui": READING},
    "experiments_runs_list": SHOWN,
}


@pytest.mark.parametrize("version", ["2024-11-05", "2025-06-18", "2025-11-25"])
def test_it_is_declared_at_the_handshake_on_raw_bytes(version: str):
    session = Session("--sandbox", environ=ON)
    assert handshake(session, version)["capabilities"]["extensions"] == EXTENSION
    assert metas(session, {}) == METAS
    assert page_of(session, {}) == PAGE
    assert session.request("resources/list", {})["result"]["resources"] == []
    assert session.end() == (0, b"", "")


def test_it_is_declared_in_2026():
    session = Session("--sandbox", environ=ON)
    meta = {"_meta": MODERN_META}
    assert session.request("server/discover", meta)["result"]["capabilities"]["extensions"] == EXTENSION
    assert metas(session, meta) == METAS
    assert page_of(session, meta) == PAGE
    assert session.request("resources/list", meta)["result"]["resources"] == []
    assert session.end() == (0, b"", "")


def test_read_only_leaves_the_reading_tools_and_their_view():
    session = Session("--sandbox", environ={**ON, "ARIZE_MCP_READ_ONLY": "1"})
    session.initialize()
    assert metas(session, {}) == {name: meta for name, meta in METAS.items() if "app" in meta["ui"]["visibility"]}
    session.end()


@pytest.mark.parametrize(
    "environ", [{}, {"ARIZE_API_KEY": "key", "ARIZE_REGION": "nowhere"}, {"ARIZE_API_KEY": "${KEY}"}]
)
def test_the_page_can_be_read_where_no_call_can_be_answered(environ: dict[str, str]):
    session = Session(environ={**ON, **environ})
    assert session.initialize()["capabilities"]["extensions"] == EXTENSION
    assert metas(session, {}) == METAS
    assert page_of(session, {}) == PAGE
    assert session.request("resources/read", {"uri": "arize://experiments/x"})["error"]["data"]["hint"]
    session.end()


@pytest.mark.parametrize("value", ["maybe", "", "${VIEW}"])
def test_a_switch_that_says_nothing_leaves_it_off(value: str):
    session = Session("--sandbox", environ={"ARIZE_MCP_VIEW": value})
    assert "extensions" not in session.initialize()["capabilities"]
    session.end()


@pytest.mark.parametrize("meta", [{}, {"_meta": MODERN_META}], ids=["handshake", "2026"])
def test_off_nothing_on_the_wire_tells_of_it(meta: dict[str, Any]):
    said: list[str] = []
    for environ in ({}, {"ARIZE_MCP_VIEW": "false"}, ON):
        session = Session("--sandbox", environ=environ)
        first = session.request("server/discover", meta) if meta else session.initialize()
        answers = [
            session.request(method, meta) for method in ("tools/list", "resources/list", "resources/templates/list")
        ]
        read = session.request("resources/read", {"uri": view.URI, **meta})
        said.append(json.dumps([first, *answers, read]))
        session.end()
    assert said[0] == said[1]
    words = ("io.modelcontextprotocol/ui", '"extensions"', "resourceUri", "visibility", "mcp-app")
    assert [word for word in words if word in said[0]] == []
    assert [word for word in words if word in said[2]] == list(words)
    assert "Unknown resource" in said[0]


@pytest.mark.parametrize("value", ["off", "on"])
def test_off_nothing_of_it_is_imported(tmp_path: Path, value: str):
    report = tmp_path / "imported"
    environ = sitecustomize(tmp_path, IMPORTED.format(path=str(report)))
    session = Session("--sandbox", environ={**environ, "ARIZE_MCP_VIEW": value})
    session.initialize()
    session.request("tools/list", {})
    session.end()
    imported = set(report.read_text(encoding="utf-8").splitlines())
    assert ("arize_mcp.server.view" in imported) is (value == "on")


def test_the_file_is_small_and_whole():
    assert len(PAGE.encode()) < 20_000
    assert PAGE.startswith("<!doctype html>\n<html lang=")
    # Some hosts put their own script behind it.
    assert PAGE.count("<head>") == 1
    assert '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; ' in PAGE


def test_the_file_fetches_nothing_and_parses_no_text():
    assert not re.search(r"://|\.src\b|src=|href|url\(|@import|\bimport\b|fetch|XMLHttp|WebSocket|Storage", PAGE)
    assert not re.search(r"innerHTML|outerHTML|insertAdjacent|\beval\(|Function\(|document\.write|DOMParser", PAGE)
    assert not re.search(r"ui/message|update-model-context|open-link", PAGE)


def test_the_file_calls_reading_tools_only():
    assert set(re.findall(r"\bexperiments_\w+", PAGE)) == {
        "experiments_compare",
        "experiments_get",
        "experiments_list",
        "experiments_runs_list",
    }


def test_with_the_toolset_analysis_comparisons_are_shown_too():
    session = Session("--sandbox", environ={**ON, "ARIZE_MCP_TOOLSETS": "analysis"})
    session.initialize()
    shown = [name for name, meta in metas(session, {}).items() if meta == SHOWN]
    assert shown == ["experiments_runs_list", "experiments_compare"]
    assert page_of(session, {}) == PAGE.replace('data-compare=""', 'data-compare="server"')
    session.end()
