"""docs/hosts.md, docs/troubleshooting.md and the README's install links say what works and what is really said."""

from __future__ import annotations

import base64
import json
import re
import socket
import ssl
import sys
import threading
import tomllib
from collections.abc import Callable, Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import pytest
import trustme

from tests.stdio_process import Session
from tests.test_documents import README, ROOT, variables

HOSTS = (ROOT / "docs" / "hosts.md").read_text(encoding="utf-8")
TROUBLES = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
API = "https://api.arize.com"
KEY = "a-key-of-no-account"


def sections(text: str) -> dict[str, str]:
    """What stands under each heading of the second level."""
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def configurations() -> list[Any]:
    """Each block of docs/hosts.md, parsed, by its host."""
    found: list[Any] = []
    for host, text in sections(HOSTS).items():
        for language, block in re.findall(r"```(\w+)\n(.*?)```", text, re.DOTALL):
            parse: Callable[[str], dict[str, Any]] = {"json": json.loads, "toml": tomllib.loads}[language]
            found.append(pytest.param(parse(block), id=host))
    return found


def links() -> dict[str, str]:
    """The README's install links, by host."""
    line = next(line for line in README.splitlines() if line.startswith("**One click**"))
    return dict(re.findall(r"\[([^\]]+)\]\((https://[^)]+)\)", line))


def server(value: Any) -> dict[str, Any]:
    """The server in a configuration, however deep it lies; there is one."""
    if isinstance(value, dict):
        found = cast("dict[str, Any]", value)
        if "command" in found:
            return found
        for inner in found.values():
            if entry := server(inner):
                return entry
    return {}


def check(configuration: dict[str, Any]) -> None:
    """It starts uvx arize-mcp, with variables that exist, and what it asks for is hidden and used."""
    entry = server(configuration)
    assert [entry["command"], *entry["args"]][:2] == ["uvx", "arize-mcp"]
    environ: dict[str, str] = entry.get("env", {})
    assert {*environ, *entry.get("env_vars", [])} <= variables()
    asked = {f"${{input:{question['id']}}}": question for question in configuration.get("inputs", [])}
    assert set(asked) == {value for value in environ.values() if value.startswith("${input:")}
    for question in asked.values():
        assert (question["type"], question["password"]) == ("promptString", True)


def start(configuration: dict[str, Any]) -> None:
    """Start its command, with this clone in place of `uvx arize-mcp`, on the sandbox."""
    entry = server(configuration)
    session = Session(
        *entry["args"][1:],
        command=[sys.executable, "-m", "arize_mcp", "--sandbox"],
        environ=entry.get("env", {}),
    )
    assert session.initialize()["serverInfo"]["name"] == "arize-mcp"
    assert session.end() == (0, b"", "")


def test_every_host_has_one_configuration_and_the_sandbox():
    assert list(sections(HOSTS)) == [
        "Claude Desktop",
        "Claude Code",
        "Cursor",
        "VS Code",
        "Windsurf",
        "Zed",
        "Codex CLI",
    ]
    for text in sections(HOSTS).values():
        assert text.count("```") == 2
        assert '["arize-mcp", "--sandbox"]' in text
        assert all(system in text for system in ("macOS", "Windows", "Linux"))


@pytest.mark.parametrize("configuration", configurations())
def test_every_configuration_starts_the_server(configuration: dict[str, Any]):
    check(configuration)
    start(configuration)


def test_vs_codes_install_link_asks_for_the_key():
    url = urlsplit(links()["VS Code"])
    query = parse_qs(url.query, strict_parsing=True)
    assert f"{url.scheme}://{url.netloc}{url.path}" == "https://vscode.dev/redirect/mcp/install"
    assert query["name"] == ["arize"]
    configuration = {"inputs": json.loads(query["inputs"][0]), "servers": {"arize": json.loads(query["config"][0])}}
    assert configuration["inputs"]
    check(configuration)
    start(configuration)


def test_cursors_install_link_takes_the_key_from_the_environment():
    url = urlsplit(links()["Cursor"])
    query = parse_qs(url.query, strict_parsing=True)
    assert f"{url.scheme}://{url.netloc}{url.path}" == "https://cursor.com/en/install-mcp"
    assert query["name"] == ["arize"]
    configuration = json.loads(base64.b64decode(query["config"][0], validate=True))
    assert configuration["env"] == {"ARIZE_API_KEY": "${env:ARIZE_API_KEY}"}
    check(configuration)
    start(configuration)


def test_the_readme_points_to_both_documents():
    for name in ("hosts", "troubleshooting"):
        assert f"(docs/{name}.md)" in README


@contextmanager
def answering(status: int, tls: ssl.SSLContext | None = None) -> Generator[str]:
    """A server on loopback that answers everything, CONNECT too, with a status; yields its host and port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            body = b'{"title":"T"}'
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_CONNECT = do_GET  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        if tls:
            httpd.socket = tls.wrap_socket(httpd.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=httpd.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"127.0.0.1:{httpd.server_address[1]}"
        finally:
            httpd.shutdown()
            thread.join()


def called(session: Session, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
    return session.request("tools/call", {"name": tool, "arguments": arguments})["result"]["structuredContent"]


def said(tool: str = "experiments_list", arguments: dict[str, Any] | None = None, **environ: str) -> str:
    """All that the server says to one call and to its log, with the API's usual address."""
    session = Session(environ=environ)
    session.initialize()
    answer = json.dumps(called(session, tool, arguments or {}), ensure_ascii=False)
    _, _, log = session.end()
    text = answer + "\n" + log
    for scheme in ("http", "https"):
        text = text.replace(f"{scheme}://{environ.get('ARIZE_API_HOST', 'api.arize.com')}", API)
    return text


def refused(status: int, tool: str = "experiments_list", **arguments: str) -> str:
    with answering(status) as host:
        return said(tool, arguments, ARIZE_API_KEY=KEY, ARIZE_API_HOST=host, ARIZE_API_SCHEME="http")


def no_key() -> str:
    return said()


def proxies() -> str:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    texts = said(ARIZE_API_KEY=KEY, ARIZE_PROXY_URL=f"http://127.0.0.1:{port}")
    texts += said(ARIZE_API_KEY=KEY, ARIZE_PROXY_URL="http://proxy.invalid:3128")
    with answering(407) as host:
        texts += said(ARIZE_API_KEY=KEY, ARIZE_PROXY_URL=f"http://{host}")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate = trustme.CA().issue_cert("127.0.0.1")
    certificate.configure_cert(tls)  # pyright: ignore[reportUnknownMemberType] - it also takes a pyOpenSSL one
    with answering(200, tls) as host:
        texts += said(ARIZE_API_KEY=KEY, ARIZE_API_HOST=host)
    with answering(200) as host:
        texts += said(ARIZE_API_KEY=KEY, ARIZE_API_HOST=host)
    return texts + said(ARIZE_API_KEY=KEY, ARIZE_SSL_CA_CERT=__file__)


def placeholder() -> str:
    return said(ARIZE_API_KEY="${ARIZE_API_KEY}")


def regions() -> str:
    texts = [refused(401), refused(403), refused(404, "experiments_get", experiment_id="RXhwZXJpbWVudDox")]
    values = ("eu", '"eu-west-1a"')
    return "\n".join([*texts, *(said(ARIZE_API_KEY=KEY, ARIZE_REGION=value) for value in values)])


def quotes() -> str:
    return said(ARIZE_API_KEY=f'"{KEY}"') + said(ARIZE_API_KEY=f"{KEY} {KEY}")


def a_slow_api() -> str:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        host = f"127.0.0.1:{silent.getsockname()[1]}"
        return said(ARIZE_API_KEY=KEY, ARIZE_API_HOST=host, ARIZE_API_SCHEME="http", ARIZE_MCP_DEADLINE_S="0.5")


def a_long_page() -> str:
    session = Session("--sandbox")
    session.initialize()
    known = called(session, "experiments_list", {})["experiments"][0]
    run = called(session, "experiments_runs_list", {"experiment_id": known["id"]})["experiment_runs"][0]
    runs = [{"example_id": run["example_id"], "output": "x" * 3000}] * 50
    long = {"name": "long", "dataset_id": known["dataset_id"], "experiment_runs": runs}
    created = called(session, "experiments_create", long)
    page = called(session, "experiments_runs_list", {"experiment_id": created["id"]})
    session.end()
    return json.dumps(page)


def unread_logs() -> str:
    session = Session("--sandbox")
    session.initialize()
    assert session.process.stdin
    session.process.stdin.write(b'{"jsonrpc":"2.0","method":5}\n' * 10_000)
    session.request("ping", {})
    return placeholder() + session.end()[2]


def misunderstandings() -> str:
    session = Session("--sandbox")
    client = {"name": "without a version"}
    session.request("initialize", {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client})
    session.request("tools/call", {"name": "experiments_list"})
    session.initialize()
    told = [called(session, "experiments_get", {"experiment_id": text}) for text in ("\ud83d", "x" * 2**24)]
    return json.dumps(told) + session.end()[2]


def nobody_asked() -> str:
    told: list[str] = []
    for reply in ({"result": {"action": "decline"}}, {"error": {"code": -32601, "message": "Method not found"}}):
        session = Session("--sandbox")
        client = {"name": "test", "version": "1"}
        capabilities: dict[str, Any] = {"elicitation": {}}
        params = {"protocolVersion": "2025-11-25", "capabilities": capabilities, "clientInfo": client}
        session.request("initialize", params)
        experiment = called(session, "experiments_list", {})["experiments"][0]
        call = {"name": "experiments_delete", "arguments": {"experiment_id": experiment["id"]}}
        session.send({"jsonrpc": "2.0", "id": "delete", "method": "tools/call", "params": call})
        session.send({"jsonrpc": "2.0", "id": session.read()["id"], **reply})
        told.append(json.dumps(session.read()))
        session.end()
    return " ".join(told)


SAID: dict[str, Callable[[], str]] = {
    "1": no_key,
    "3": proxies,
    "4": placeholder,
    "5": regions,
    "7": quotes,
    "8": a_slow_api,
    "9": a_long_page,
    "10": unread_logs,
    "11": nobody_asked,
    "12": misunderstandings,
}
"""What brings about each of the troubles that arize-mcp has words for."""


def quoted(section: str) -> list[str]:
    """The texts in a section's boxes, each on one line."""
    return [" ".join(box.split()) for box in re.findall(r"```text\n(.*?)```", section, re.DOTALL)]


def numbered() -> dict[str, str]:
    return {heading.split(".")[0]: text for heading, text in sections(TROUBLES).items()}


def test_the_troubles_are_numbered():
    assert list(numbered()) == [str(number) for number in range(1, len(numbered()) + 1)]
    assert {number for number, text in numbered().items() if quoted(text)} == set(SAID)


@pytest.mark.parametrize("number", SAID)
def test_every_quoted_text_is_what_the_server_says(number: str):
    texts = SAID[number]()
    for text in quoted(numbered()[number]):
        pattern = ".+".join(re.escape(part) for part in text.split("…"))
        assert re.search(pattern, texts), f"{text}\nis not in\n{texts}"


def test_every_variable_that_the_documents_name_exists():
    named = set(re.findall(r"ARIZE_[A-Z_]+", HOSTS + TROUBLES))
    assert named <= variables()


@pytest.mark.parametrize("path", ["hosts.md", "troubleshooting.md"])
def test_every_link_between_the_documents_leads_somewhere(path: str):
    text = (ROOT / "docs" / path).read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https://)([^)#]+)", text):
        assert (Path(ROOT, "docs") / target).exists()
