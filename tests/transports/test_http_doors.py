"""Who is let in over HTTP: hosts, origins, keys, bodies; every refusal is a problem."""

from __future__ import annotations

import json
import socket
from collections.abc import AsyncGenerator, Generator
from typing import Any

import anyio
import httpx
import pytest

from arize_mcp.sandbox.seed import API_KEY
from arize_mcp.settings.settings import SettingsError
from arize_mcp.transports.http import create_app
from tests.http_process import (
    ERAS,
    MODERN,
    Served,
    client,
    headers,
    refused_start,
    replies,
    served_http,
    tool_call,
    upstream,
)
from tests.raw_server import answer, hang, raw_server

PAGE = "https://app.example.com"
HOSTS = "mcp.example.com, Other.Example:8443"


@pytest.fixture(scope="module")
def guarded() -> Generator[Served]:
    environ = {
        "ARIZE_MCP_ALLOWED_HOSTS": HOSTS,
        "ARIZE_MCP_ALLOWED_ORIGINS": PAGE,
        "ARIZE_MCP_MAX_BODY_BYTES": "20000",
        "ARIZE_MCP_READ_TIMEOUT_S": "1",
    }
    with served_http("--sandbox", environ=environ) as served:
        yield served
        assert served.terminate() == 0


@pytest.fixture(scope="module")
def plain() -> Generator[Served]:
    with served_http("--sandbox") as served:
        yield served
        assert served.terminate() == 0


async def post(served: Served, era: str = MODERN, key: str | None = API_KEY, **changed: Any) -> httpx.Response:
    """A good call with other headers."""
    sent = tool_call(era, "experiments_list")
    fields = headers(era, sent, key) | {name.replace("_", "-"): value for name, value in changed.items()}
    async with client() as http:
        return await http.post(served.url, json=sent, headers=fields)


def refused(response: httpx.Response, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert (problem["status"], problem["type"].startswith("urn:arize-mcp:problem:")) == (status, True)
    assert problem["hint"]
    return problem


@pytest.mark.parametrize(
    "host",
    [
        "localhost", "LOCALHOST:1", "127.0.0.1", "127.0.0.1:65000", "[::1]", "[::1]:80", "127.8.8.8", "localhost.",
        "mcp.example.com", "MCP.Example.COM", "mcp.example.com:443", "mcp.example.com:8000", "mcp.example.com.",
        "other.example:8443", "OTHER.EXAMPLE:8443",
    ],
)  # fmt: skip
async def test_a_host_that_is_allowed_is_served_however_it_is_spelled(guarded: Served, host: str):
    assert (await post(guarded, Host=host)).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example", "mcp.example.com.evil.example", "xmcp.example.com", "other.example", "other.example:443",
        "10.0.0.1", "0.0.0.0", "localhost.evil.example", "localhost:x", "mcp.example.com:999999", "a@localhost",
        "[::2]", "", "mcp.example.com, localhost", "*", "127.0.0.1.evil.example",
    ],
)  # fmt: skip
@pytest.mark.parametrize("era", ERAS)
async def test_any_other_host_is_421(guarded: Served, host: str, era: str):
    problem = refused(await post(guarded, era, Host=host), 421)
    assert "ARIZE_MCP_ALLOWED_HOSTS" in problem["hint"]


async def test_the_host_is_checked_on_every_path_but_the_probes(guarded: Served):
    async with client() as http:
        for path in ("/mcp", "/nothing", "/"):
            response = await http.get(httpx.URL(guarded.url).join(path), headers={"Host": "evil.example"})
            refused(response, 421)


async def test_a_star_allows_every_host():
    with served_http("--sandbox", environ={"ARIZE_MCP_ALLOWED_HOSTS": "*"}) as served:
        assert (await post(served, Host="anything.example:1")).status_code == 200


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://mcp.example.com", "mcp.example.com"),
        ("https://mcp.example.com", "mcp.example.com"),
        ("https://mcp.example.com", "mcp.example.com:443"),
        ("https://mcp.example.com:443", "MCP.example.com"),
        ("http://localhost:8000", "localhost:8000"),
        ("HTTPS://APP.example.com", "localhost"),
        (PAGE, "mcp.example.com"),
    ],
)
async def test_the_servers_own_origin_and_those_allowed_may_call(guarded: Served, origin: str, host: str):
    assert (await post(guarded, Origin=origin, Host=host)).status_code == 200


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "http://localhost:6274", "https://app.example.com.evil.example", "mcp.example.com",
     "http://app.example.com", "https://app.example.com:8443", "file://", "https://mcp.example.com:8443", ""],
)  # fmt: skip
@pytest.mark.parametrize("era", ERAS)
async def test_any_other_origin_is_403(guarded: Served, origin: str, era: str):
    refused(await post(guarded, era, Origin=origin, Host="mcp.example.com"), 403)


async def test_without_a_setting_no_foreign_origin_may_call_nor_ask(plain: Served):
    refused(await post(plain, Origin=PAGE), 403)
    async with client() as http:
        response = await http.options(plain.url, headers={"Origin": PAGE, "Access-Control-Request-Method": "POST"})
    refused(response, 403)
    assert "access-control-allow-origin" not in response.headers


async def test_a_page_of_an_allowed_origin_asks_without_a_key_and_may_read_every_answer(guarded: Served):
    async with client() as http:
        asked = {
            "Origin": PAGE,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,mcp-protocol-version",
        }
        preflight = await http.options(guarded.url, headers=asked)
        unknown = await http.get(httpx.URL(guarded.url).join("/nothing"), headers={"Origin": PAGE})
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-methods"] == "POST"
    assert preflight.headers["access-control-allow-headers"] == "authorization,mcp-protocol-version"
    for response in (preflight, unknown, await post(guarded, Origin=PAGE), await post(guarded, key=None, Origin=PAGE)):
        assert response.headers["access-control-allow-origin"] == PAGE
        assert "Origin" in response.headers["vary"]
    assert "WWW-Authenticate" in response.headers["access-control-expose-headers"]


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({}, "carries no API key"),
        ({"Authorization": ""}, "carries no API key"),
        ({"Authorization": "Bearer"}, "is empty"),
        ({"Authorization": "Bearer short"}, "too short"),
        ({"Authorization": "Basic c2FuZGJveC1rZXk="}, "carries no API key"),
        ({"Authorization": API_KEY}, "carries no API key"),
        ({"Authorization": "Bearer ${ARIZE_API_KEY}"}, "placeholder"),
        ({"Authorization": "Bearer <your-key>"}, "placeholder"),
        ({"Authorization": "Bearer your-api-key"}, "placeholder"),
        ({"Authorization": f"Bearer Bearer {API_KEY}"}, "without 'Bearer '"),
        ({"Authorization": f'Bearer "{API_KEY}"'}, "quotation marks"),
        ({"Authorization": "Bearer two words and more"}, "no API key has"),
        ({"Authorization": "Bearer ключ-как-ключ".encode()}, "no API key has"),
        ({"Authorization": "Bearer " + "x" * 5000}, "more than 4096"),
        ({"X-Arize-API-Key": ""}, "is empty"),
        ({"X-Arize-API-Key": f"Bearer {API_KEY}"}, "without 'Bearer '"),
        ({"X-Arize-API-Key": "short", "Authorization": f"Bearer {API_KEY}"}, "too short"),
    ],
)
@pytest.mark.parametrize("era", ERAS)
async def test_without_what_can_be_a_key_it_is_401(plain: Served, given: dict[str, Any], why: str, era: str):
    problem = refused(response := await post(plain, era, None, **given), 401)
    assert why in problem["detail"]
    assert response.headers["www-authenticate"].startswith("Bearer")
    # No OAuth is claimed.
    assert "resource_metadata" not in response.headers["www-authenticate"]


@pytest.mark.parametrize("name", ["Authorization", "X-Arize-API-Key"])
async def test_a_key_that_comes_twice_is_401(plain: Served, name: str):
    sent = tool_call(MODERN, "experiments_list")
    value = f"Bearer {API_KEY}" if name == "Authorization" else API_KEY
    fields = [*headers(MODERN, sent, None).items(), (name, value), (name, value)]
    async with client() as http:
        problem = refused(await http.post(plain.url, json=sent, headers=fields), 401)
    assert "more than once" in problem["detail"]


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_a_key_is_taken_from_either_header_and_our_own_goes_first(scheme: str):
    async with raw_server(answer('{"experiments":[]}')) as server:
        with served_http(environ=upstream(server.base_url)) as served:
            for given in (
                {"Authorization": f"{scheme} key-of-alice"},
                {"X-Arize-API-Key": "key-of-alice"},
                {"X-Arize-API-Key": "key-of-alice", "Authorization": f"{scheme} token-of-a-gateway"},
                {"X-Arize-API-Key": "key-of-alice", "Authorization": "Basic Z2F0ZXdheTp4"},
            ):
                assert (await post(served, key=None, **given)).status_code == 200
    assert {request.headers["authorization"] for request in server.requests} == {"Bearer key-of-alice"}
    assert "token-of-a-gateway" not in str(server.requests)


def raw(served: Served, *lines: str, body: bytes = b"") -> socket.socket:
    """A connection on which the head of a request, and what there is of its body, was sent."""
    host, port = served.url.removeprefix("http://").removesuffix("/mcp").split(":")
    connection = socket.create_connection((host, int(port)), timeout=30)
    head = "\r\n".join(("POST /mcp HTTP/1.1", "Host: localhost", "Content-Type: application/json", *lines))
    connection.sendall(head.encode() + b"\r\n\r\n" + body)
    return connection


def test_the_401_comes_before_the_body_is_read(plain: Served):
    with raw(plain, "Content-Length: 1000000") as connection:
        assert connection.recv(12) == b"HTTP/1.1 401"


@pytest.mark.parametrize("era", ERAS)
async def test_a_body_up_to_the_limit_is_read_and_one_byte_more_is_413(guarded: Served, era: str):
    sent = tool_call(era, "experiments_list")
    fields = headers(era, sent)
    text = json.dumps(sent)
    async with client() as http:
        for length, status in ((20_000, 200), (20_001, 413)):
            padded = text + " " * (length - len(text))
            announced = await http.post(guarded.url, content=padded, headers=fields)

            async def chunks(padded: str = padded) -> AsyncGenerator[bytes]:
                yield padded[:5000].encode()
                yield padded[5000:].encode()

            chunked = await http.post(guarded.url, content=chunks(), headers=fields)
            assert (announced.status_code, chunked.status_code) == (status, status)
        assert "ARIZE_MCP_MAX_BODY_BYTES" in refused(announced, 413)["hint"]


def test_a_large_body_that_is_announced_is_refused_before_it_comes(guarded: Served):
    with raw(guarded, f"Authorization: Bearer {API_KEY}", "Content-Length: 1000000000") as connection:
        assert connection.recv(12) == b"HTTP/1.1 413"


@pytest.mark.parametrize("lines", ["Content-Length: 100", "Transfer-Encoding: chunked"])
def test_a_body_that_takes_too_long_is_408_and_the_connection_is_closed(guarded: Served, lines: str):
    body = b'{"jsonrpc"' if "Length" in lines else b"2\r\n{}\r\n"
    with raw(guarded, f"Authorization: Bearer {API_KEY}", lines, body=body) as connection:
        told = b""
        while part := connection.recv(65_536):  # up to the end of the connection
            told += part
    assert told.startswith(b"HTTP/1.1 408")
    assert b"slow-body" in told


def test_a_client_that_leaves_in_mid_body_is_no_error(guarded: Served):
    with raw(guarded, f"Authorization: Bearer {API_KEY}", "Content-Length: 100", body=b"{"):
        pass
    with raw(guarded, "Content-Length: 0") as connection:
        assert connection.recv(12) == b"HTTP/1.1 401"
    assert "Traceback" not in guarded.logged()


async def test_of_the_calls_of_a_key_beyond_256_the_next_is_503_at_once_and_another_keys_is_not():
    async with raw_server(hang) as server, client() as http:
        with served_http(environ=upstream(server.base_url)) as served:
            sent = tool_call(MODERN, "experiments_list")
            refusals: list[httpx.Response] = []

            async def call() -> None:
                response = await http.post(served.url, json=sent, headers=headers(MODERN, sent, "key-of-alice"))
                refusals.append(response)
                tasks.cancel_scope.cancel()

            async with anyio.create_task_group() as tasks:
                with anyio.fail_after(60):
                    for _ in range(257):
                        tasks.start_soon(call)
                    await anyio.sleep_forever()
            (refusal,) = refusals
            refused(refusal, 503)
            assert int(refusal.headers["retry-after"]) >= 1
            listed = tool_call(MODERN, "nope")
            other = await http.post(served.url, json=listed, headers=headers(MODERN, listed, "key-of-bob"))
            assert replies(other)[0]["error"]["code"] == -32602


STARTS: list[tuple[dict[str, str], tuple[str, ...], str]] = [
    ({"ARIZE_API_KEY": "ak-1234567890"}, (), "ARIZE_API_KEY is set"),
    ({"ARIZE_PROFILE": "work"}, (), "ARIZE_PROFILE is set"),
    ({}, ("--host", "0.0.0.0"), "ARIZE_MCP_ALLOWED_HOSTS must be set"),
    ({"ARIZE_MCP_ALLOWED_HOSTS": " , "}, ("--host", "0.0.0.0"), "ARIZE_MCP_ALLOWED_HOSTS must be set"),
    ({"ARIZE_MCP_HTTP_HOST": "0.0.0.0"}, (), "ARIZE_MCP_ALLOWED_HOSTS must be set"),
    ({}, ("--host", "::", "--sandbox"), "ARIZE_MCP_ALLOWED_HOSTS must be set"),
    ({"ARIZE_MCP_ALLOWED_HOSTS": "https://mcp.example.com"}, (), "without a scheme"),
    ({"ARIZE_MCP_ALLOWED_HOSTS": "a b"}, (), "ARIZE_MCP_ALLOWED_HOSTS takes"),
    ({"ARIZE_MCP_ALLOWED_ORIGINS": "app.example.com"}, (), "ARIZE_MCP_ALLOWED_ORIGINS takes"),
    ({"ARIZE_MCP_ALLOWED_ORIGINS": "https://app.example.com/path"}, (), "ARIZE_MCP_ALLOWED_ORIGINS takes"),
    ({"ARIZE_MCP_TOOLSETS": "files"}, (), "can't be used over HTTP"),
    ({"ARIZE_MCP_TOOLSETS": "files", "ARIZE_MCP_FILES_DIR": "/tmp"}, (), "can't be used over HTTP"),
    ({"ARIZE_MCP_TOOLSETS": "all", "ARIZE_MCP_FILES_DIR": "/tmp"}, (), "can't be used over HTTP"),
    ({"ARIZE_MCP_HTTP_PORT": "http"}, (), "ARIZE_MCP_HTTP_PORT must be"),
    ({"PORT": "70000"}, (), "PORT must be"),
    ({"ARIZE_MCP_MAX_REQUESTS": "0"}, (), "ARIZE_MCP_MAX_REQUESTS must be"),
    ({"ARIZE_MCP_MAX_BODY_BYTES": "x"}, (), "ARIZE_MCP_MAX_BODY_BYTES must be"),
    ({"ARIZE_REGION": "mars"}, (), "ARIZE_REGION must be"),
    ({}, ("--host", "no-such-host.invalid"), "can't listen on no-such-host.invalid"),
]  # fmt: skip


@pytest.mark.parametrize(("environ", "arguments", "why"), STARTS, ids=[f"{n}" for n in range(len(STARTS))])
def test_it_refuses_to_start_and_says_why(environ: dict[str, str], arguments: tuple[str, ...], why: str):
    code, stdout, stderr = refused_start(*arguments, environ=environ)
    assert (code, stdout) == (2, "")
    assert why in stderr
    assert "Traceback" not in stderr
    assert "ak-1234567890" not in stderr


@pytest.mark.parametrize(("environ", "why"), [(environ, why) for environ, arguments, why in STARTS if not arguments])
def test_the_asgi_factory_raises_the_same(monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], why: str):
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    if "must be set" in why:
        # It doesn't know where it will listen: without the setting, it answers to loopback's names.
        create_app()
        return
    with pytest.raises(SettingsError) as caught:
        create_app()
    assert why in str(caught.value)


def test_a_port_that_is_taken_is_told():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        code, _, stderr = refused_start("--port", port)
    assert (code, f"can't listen on 127.0.0.1 port {port}" in stderr) == (2, True)


def test_a_flag_goes_before_our_variable_and_that_before_the_platforms():
    def free() -> str:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            return str(listener.getsockname()[1])

    platforms, ours, flag = free(), free(), free()
    environ = {"PORT": platforms, "ARIZE_MCP_HTTP_HOST": "localhost"}
    for more, port in (({}, platforms), ({"ARIZE_MCP_HTTP_PORT": ours}, ours)):
        with served_http(environ=environ | more) as served:
            assert served.url == f"http://127.0.0.1:{port}/mcp"
    with served_http("--port", flag, "--host", "127.0.0.2", environ=environ | {"ARIZE_MCP_HTTP_PORT": ours}) as served:
        assert served.url == f"http://127.0.0.2:{flag}/mcp"


def test_it_listens_elsewhere_once_it_knows_its_names():
    environ = {"ARIZE_MCP_ALLOWED_HOSTS": "mcp.example.com"}
    with served_http("--sandbox", "--host", "0.0.0.0", environ=environ) as served:
        port = httpx.URL(served.url).port
        assert httpx.get(f"http://127.0.0.1:{port}/healthz", trust_env=False).status_code == 200


def test_the_sandbox_needs_no_environment_and_tells_its_key():
    with served_http("--sandbox", environ={"ARIZE_API_KEY": "ak-1234567890"}) as served:
        assert API_KEY in served.logged()
