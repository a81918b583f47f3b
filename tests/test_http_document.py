"""docs/http.md and deploy/ say what works and what is really there."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from arize_mcp.sandbox.seed import API_KEY
from arize_mcp.settings.http import VARIABLES, HTTPSettings
from arize_mcp.settings.settings import Settings
from tests.http_process import MODERN, client, headers, replies, served_http, tool_call
from tests.test_documents import ROOT, variables

DOCUMENT = (ROOT / "docs" / "http.md").read_text("utf-8")
COMPOSE = (ROOT / "deploy" / "compose.yaml").read_text("utf-8")
KUBERNETES = (ROOT / "deploy" / "kubernetes.yaml").read_text("utf-8")
URL = "https://mcp.example.com/mcp"


def table(heading: str) -> list[list[str]]:
    section = DOCUMENT.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def configurations() -> list[Any]:
    """Each host's block: its URL and the headers that come of it."""
    found: list[Any] = []
    for language, block in re.findall(r"```(json|toml)\n(.*?)```", DOCUMENT, re.DOTALL):
        value: dict[str, Any] = (json.loads if language == "json" else tomllib.loads)(block)
        servers = value.get("mcpServers") or value.get("servers") or value.get("mcp_servers")
        found.append(cast("dict[str, Any]", servers)["arize"])
    return found


def test_its_settings_are_the_settings():
    told = {name.strip("`"): default.strip("`") for name, default, _ in table("Settings")}
    assert list(told) == list(VARIABLES)
    defaults = {field.name: field.default for field in fields(HTTPSettings)}
    for name in ("host", "port"):
        assert told[f"ARIZE_MCP_HTTP_{name.upper()}"] == str(defaults[name])
    for name in ("max_requests", "max_body_bytes"):
        assert told[f"ARIZE_MCP_{name.upper()}"] == str(defaults[name])


def test_its_statuses_are_those_that_the_front_answers():
    told = [int(status) for status, _, _ in table("Answers that are not MCP's")]
    source = "".join(path.read_text("utf-8") for path in (ROOT / "arize_mcp" / "transports").glob("*.py"))
    assert told == sorted({int(status) for status in re.findall(r"RefusalError\(\s*(\d+),", source)})


def test_every_variable_in_it_and_in_deploy_exists():
    known = variables() | set(VARIABLES)
    for text in (DOCUMENT, COMPOSE, KUBERNETES):
        # Kubernetes' own, which the file keeps away.
        named = set(re.findall(r"\bARIZE_[A-Z_]+\b", text)) - {"ARIZE_MCP_PORT"}
        assert named <= known


def test_there_is_a_configuration_for_each_host_it_names():
    for host in ("Claude Code", "Cursor", "VS Code", "Codex", "Inspector"):
        assert host in DOCUMENT
    assert len(configurations()) == 4


@pytest.mark.parametrize("configuration", configurations())
async def test_every_configuration_reaches_the_server(configuration: dict[str, Any]):
    assert configuration["url"] == URL
    if variable := configuration.get("bearer_token_env_var"):
        assert variable == "ARIZE_API_KEY"
        sent = {"Authorization": f"Bearer {API_KEY}"}
    else:
        # The host puts the key where the placeholder stands.
        placeholder = r"\$\{(env:|input:)?[A-Za-z_-]+\}"
        sent = {name: re.sub(placeholder, API_KEY, value) for name, value in configuration["headers"].items()}
    call = tool_call(MODERN, "experiments_list")
    with served_http("--sandbox", environ={"ARIZE_MCP_ALLOWED_HOSTS": "mcp.example.com"}) as served:
        async with client() as http:
            fields = headers(MODERN, call, None) | sent | {"Host": httpx.URL(URL).host}
            response = await http.post(served.url, json=call, headers=fields)
    assert replies(response)[0]["result"]["isError"] is False


def test_its_curl_line_works_as_it_stands(tmp_path: Path):
    if shutil.which("curl") is None:
        pytest.skip("there is no curl")
    line = next(block for block in re.findall(r"```sh\n(.*?)```", DOCUMENT, re.DOTALL) if block.startswith("curl"))
    with served_http("--sandbox") as served:
        command = shlex.split(line.replace("\\\n", " ").replace("http://127.0.0.1:8000/mcp", served.url))
        done = subprocess.run([*command, "--noproxy", "*"], capture_output=True, cwd=tmp_path, check=True, timeout=30)
    assert b'"experiments"' in done.stdout


def test_the_grace_periods_are_longer_than_what_the_server_takes():
    most_s = Settings().deadline_s + 5
    compose = re.search(r"stop_grace_period: (\d+)s", COMPOSE)
    kubernetes = re.search(r"terminationGracePeriodSeconds: (\d+)", KUBERNETES)
    sleep = re.search(r"sleep:\n\s+seconds: (\d+)", KUBERNETES)
    assert compose
    assert kubernetes
    assert sleep
    assert int(compose[1]) > most_s
    assert int(kubernetes[1]) > most_s + int(sleep[1])
    assert DOCUMENT.count(f"{most_s:g} s") >= 1


def test_both_files_start_what_the_image_has():
    for text in (COMPOSE, KUBERNETES):
        assert '["http", "--host", "0.0.0.0", "--port", "8000"]' in text
        assert "/healthz" in text or "caddy" in text
