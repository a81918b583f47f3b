"""TLS and proxies: a real certificate authority, a real forward proxy, on loopback."""

from __future__ import annotations

import base64
import json
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import pytest
import trustme
from anyio.abc import ByteStream, SocketAttribute
from anyio.streams.buffered import BufferedByteReceiveStream
from anyio.streams.tls import TLSAttribute, TLSStream

from arize_mcp.api.client import ExperimentsAPI
from arize_mcp.api.models import CreateExperimentRequest, ListExperimentRunsRequest, ListExperimentsRequest
from arize_mcp.api.problems import URN, ProblemError
from arize_mcp.settings import settings as settings_module
from arize_mcp.settings.settings import Settings
from tests.raw_server import RawServer, Step, answer, close, hang, raw_server, reset

HOST = "api.arize.test"
"""A host that only the proxy can find: loopback is never reached through one."""
PAGE = '{"experiments":[]}'


def context(ca: trustme.CA, host: str = "localhost") -> ssl.SSLContext:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert(host).configure_cert(tls)  # pyright: ignore[reportUnknownMemberType] - it also takes a pyOpenSSL one
    return tls


async def list_with(settings: Settings) -> dict[str, Any]:
    """The page, or the problem."""
    async with ExperimentsAPI(settings) as api:
        with anyio.fail_after(10):
            try:
                return await api.list(ListExperimentsRequest())
            except ProblemError as error:
                return dict(error.problem)


@pytest.fixture
def ca(tmp_path: Path) -> trustme.CA:
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return ca


async def test_a_given_ca_is_trusted_as_a_file_or_a_folder(ca: trustme.CA, tmp_path: Path):
    async with raw_server(answer(PAGE), tls=context(ca)) as server:
        assert await list_with(server.settings(ca_path=str(tmp_path / "ca.pem"))) == {"experiments": []}


async def test_a_host_that_would_rather_speak_http_2_is_spoken_to_in_1_1(ca: trustme.CA, tmp_path: Path):
    agreed: list[str | None] = []

    async def told(stream: ByteStream) -> None:
        agreed.append(stream.extra(TLSAttribute.alpn_protocol))
        await stream.send(answer(PAGE))

    tls = context(ca)
    tls.set_alpn_protocols(["h2", "http/1.1"])
    async with raw_server(told, tls=tls) as server:
        assert await list_with(server.settings(ca_path=str(tmp_path / "ca.pem"))) == {"experiments": []}
    assert agreed == ["http/1.1"]


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_megabytes_come_through_as_they_were_sent(ca: trustme.CA, tmp_path: Path, scheme: str):
    output = "".join(f"{number:08}" for number in range(500_000))
    page = json.dumps({"experiment_runs": [{"id": "r", "example_id": "e", "output": output}]})
    async with (
        raw_server(answer(page), tls=context(ca) if scheme == "https" else None) as server,
        server.api(ca_path=str(tmp_path / "ca.pem")) as api,
    ):
        for _ in range(3):
            found = await api.list_runs(ListExperimentRunsRequest(experiment_id="x"))
            assert found["experiment_runs"][0]["output"] == output


async def test_a_self_signed_server_is_a_problem_that_names_the_trouble_and_the_setting(ca: trustme.CA):
    async with raw_server(answer(PAGE), tls=context(ca)) as server:
        problem = await list_with(server.settings())
    assert problem["type"] == URN + "tls-failed"
    assert "certificate" in problem["detail"]
    assert "ARIZE_SSL_CA_CERT" in problem["hint"]
    assert not server.requests


async def test_a_certificate_for_another_host_is_refused(ca: trustme.CA, tmp_path: Path):
    async with raw_server(answer(PAGE), tls=context(ca, "elsewhere.example")) as server:
        problem = await list_with(server.settings(ca_path=str(tmp_path / "ca.pem")))
    assert "localhost" in problem["detail"]
    assert problem["detail"].endswith("'localhost'.")
    assert not server.requests


async def test_a_certificate_for_another_address_is_told_with_one_full_stop(ca: trustme.CA, tmp_path: Path):
    async with raw_server(answer(PAGE), tls=context(ca, "elsewhere.example")) as server:
        base_url = server.base_url.replace("localhost", "127.0.0.1")
        problem = await list_with(Settings(base_url=base_url, api_key="k", ca_path=str(tmp_path / "ca.pem")))
    assert problem["detail"].endswith("not valid for '127.0.0.1'.")


async def test_a_broken_certificate_names_all_variables_that_it_may_come_from(tmp_path: Path):
    broken = tmp_path / "ca.pem"
    broken.write_text("-----BEGIN CERTIFICATE-----\nbroken\n-----END CERTIFICATE-----\n", encoding="utf-8")
    problem = await list_with(Settings(base_url="https://localhost", api_key="k", ca_path=str(broken)))
    assert problem["errors"] == [
        {
            "variable": "ARIZE_SSL_CA_CERT/REQUESTS_CA_BUNDLE/SSL_CERT_FILE",
            "detail": "names a file that holds no PEM certificate.",
        }
    ]


async def test_a_create_whose_answer_breaks_in_tls_is_looked_up(ca: trustme.CA, tmp_path: Path):
    async def broken_record(stream: ByteStream) -> None:
        assert isinstance(stream, TLSStream)
        await stream.transport_stream.send(b"\x17\x03\x03\x00\x20" + b"x" * 32)

    request = CreateExperimentRequest.model_validate(
        {"name": "n", "dataset_id": "d", "experiment_runs": [{"example_id": "e", "output": "o"}]}
    )
    async with (
        raw_server(broken_record, answer(PAGE), tls=context(ca)) as server,
        server.api(ca_path=str(tmp_path / "ca.pem")) as api,
    ):
        with pytest.raises(ProblemError) as caught:
            await api.create(request)
    assert caught.value.problem.get("type") == URN + "outcome-unknown"
    assert [request.method for request in server.requests] == ["POST", "GET"]


@pytest.mark.parametrize("way", ["cancelled", "deadline"])
async def test_a_call_that_ends_in_the_middle_of_the_handshake_closes_its_connection(way: str):
    gone, came = anyio.Event(), anyio.Event()

    async def mute(stream: ByteStream) -> None:
        async with stream:
            while True:
                try:
                    await stream.receive()
                except (anyio.EndOfStream, anyio.BrokenResourceError):
                    gone.set()
                    return
                came.set()

    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, mute)
        settings = Settings(
            base_url=f"https://127.0.0.1:{listener.extra(SocketAttribute.local_port)}",
            api_key="k",
            connect_timeout_s=60,
            deadline_s=0.2 if way == "deadline" else 60,
        )
        async with ExperimentsAPI(settings) as api, anyio.create_task_group() as calls:

            async def call() -> None:
                with suppress(ProblemError):
                    await api.list(ListExperimentsRequest())

            calls.start_soon(call)
            with anyio.fail_after(10):
                await came.wait()
            if way == "cancelled":
                calls.cancel_scope.cancel()
            # The pool is still open: it is the call's end that closes.
            with anyio.fail_after(10, shield=True):
                await gone.wait()
        tasks.cancel_scope.cancel()


async def test_verification_can_be_switched_off(ca: trustme.CA):
    async with raw_server(answer(PAGE), tls=context(ca)) as server:
        assert await list_with(server.settings(verify_tls=False)) == {"experiments": []}


async def test_a_create_that_failed_at_tls_was_not_sent(ca: trustme.CA):
    request = CreateExperimentRequest.model_validate(
        {"name": "n", "dataset_id": "d", "experiment_runs": [{"example_id": "e", "output": "o"}]}
    )
    async with raw_server(answer(PAGE), tls=context(ca)) as server, ExperimentsAPI(server.settings()) as api:
        with pytest.raises(ProblemError) as caught:
            await api.create(request)
    assert caught.value.problem.get("type") == URN + "tls-failed"


@dataclass
class Proxy:
    """A forward proxy: CONNECT for https, whole URLs for http."""

    url: str = ""
    heads: list[str] = field(default_factory=list[str])


@asynccontextmanager
async def forward_proxy(refusal: bytes | None = None) -> AsyncGenerator[Proxy]:
    proxy = Proxy()

    async def serve(stream: ByteStream) -> None:
        async with stream:
            head = await BufferedByteReceiveStream(stream).receive_until(b"\r\n\r\n", 65_536)
            proxy.heads.append(head.decode())
            method, target, _ = proxy.heads[-1].split("\r\n")[0].split(" ")
            if refusal:
                await stream.send(refusal)
                return
            address = target if method == "CONNECT" else target.removeprefix("http://").split("/")[0]
            host, port = address.split(":")
            assert host == HOST
            async with await anyio.connect_tcp("127.0.0.1", int(port)) as upstream, anyio.create_task_group() as tasks:
                if method == "CONNECT":
                    await stream.send(b"HTTP/1.1 200 OK\r\n\r\n")
                else:
                    await upstream.send(head.replace(f"http://{address}".encode(), b"") + b"\r\n\r\n")
                tasks.start_soon(pump, stream, upstream)
                await pump(upstream, stream)
                tasks.cancel_scope.cancel()

    async def pump(source: ByteStream, sink: ByteStream) -> None:
        try:
            async for data in source:
                await sink.send(data)
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            pass  # one side went away

    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener:
        proxy.url = f"http://user:pass@127.0.0.1:{listener.extra(SocketAttribute.local_port)}"
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(listener.serve, serve)
            yield proxy
            tasks.cancel_scope.cancel()


def from_environment(server: RawServer, monkeypatch: pytest.MonkeyPatch, **environ: str) -> Settings:
    """The settings that an environment gives for this server."""
    scheme, _, port = server.base_url.replace("://", ":").split(":")
    given = {"ARIZE_API_KEY": "some-key", "ARIZE_API_SCHEME": scheme, "ARIZE_API_HOST": f"{HOST}:{port}", **environ}
    given["ARIZE_MCP_ALLOW_HTTP"] = "1"
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    return settings_module.load()


@pytest.mark.parametrize("variable", ["ARIZE_PROXY_URL", "HTTPS_PROXY"])
async def test_https_goes_through_a_proxys_tunnel(
    ca: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
):
    async with raw_server(answer(PAGE), tls=context(ca, HOST)) as server, forward_proxy() as proxy:
        environ = {variable: proxy.url, "ARIZE_SSL_CA_CERT": str(tmp_path / "ca.pem")}
        assert await list_with(from_environment(server, monkeypatch, **environ)) == {"experiments": []}
    assert len(server.requests) == 1
    assert proxy.heads[0].startswith(f"CONNECT {HOST}:")
    assert base64.b64encode(b"user:pass").decode() in proxy.heads[0]
    assert "Bearer" not in "".join(proxy.heads), "the key goes through the tunnel"
    assert "proxy-authorization" not in server.requests[0].headers


@pytest.mark.parametrize("variable", ["ARIZE_PROXY_URL", "HTTP_PROXY"])
async def test_http_goes_through_a_proxy(monkeypatch: pytest.MonkeyPatch, variable: str):
    async with raw_server(answer(PAGE)) as server, forward_proxy() as proxy:
        assert await list_with(from_environment(server, monkeypatch, **{variable: proxy.url})) == {"experiments": []}
    assert (len(server.requests), len(proxy.heads)) == (1, 1)


@pytest.mark.parametrize("variable", ["ARIZE_PROXY_URL", "HTTP_PROXY"])
async def test_no_proxy_spares_the_proxy(monkeypatch: pytest.MonkeyPatch, variable: str):
    async with raw_server(answer(PAGE)) as server, forward_proxy() as proxy:
        problem = await list_with(from_environment(server, monkeypatch, **{variable: proxy.url, "NO_PROXY": HOST}))
    assert problem["type"] == URN + "dns-failed"
    assert not proxy.heads


async def test_loopback_is_reached_without_a_proxy(monkeypatch: pytest.MonkeyPatch):
    async with raw_server(answer(PAGE)) as server, forward_proxy() as proxy:
        address = server.base_url.removeprefix("http://")
        environ = {"ARIZE_API_HOST": address, "HTTP_PROXY": proxy.url, "ARIZE_PROXY_URL": proxy.url}
        assert await list_with(from_environment(server, monkeypatch, **environ)) == {"experiments": []}
    assert not proxy.heads


@pytest.mark.parametrize("base_url", ["https://api.arize.test", "http://api.arize.test"])
async def test_a_proxy_that_is_not_found_is_told_as_the_proxy(base_url: str):
    settings = Settings(base_url=base_url, api_key="k", proxy_url="http://user:s3cret@no-such-proxy.invalid:8080")
    problem = await list_with(settings)
    assert problem["type"] == URN + "dns-failed"
    assert problem["detail"] == "The proxy's host, no-such-proxy.invalid, can't be resolved."
    assert "proxy settings" in problem["hint"]


async def test_a_proxy_that_refuses_is_a_problem_without_its_password(ca: trustme.CA, monkeypatch: pytest.MonkeyPatch):
    refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
    async with raw_server(answer(PAGE), tls=context(ca, HOST)) as server, forward_proxy(refusal) as proxy:
        problem = await list_with(from_environment(server, monkeypatch, ARIZE_PROXY_URL=proxy.url))
    assert problem["type"] == URN + "proxy-failed"
    assert "407" in problem["detail"]
    assert "pass" not in str(problem)
    assert not server.requests


@pytest.mark.parametrize(
    ("step", "name"),
    [(hang, "timeout"), (close, "proxy-failed"), (reset, "proxy-failed"), (b"no HTTP\r\n\r\n", "proxy-failed")],
)
async def test_a_create_for_which_a_proxy_opened_no_way_was_not_sent(step: bytes | Step, name: str):
    async with raw_server(step) as proxy:
        way = {"base_url": "https://api.arize.test", "proxy_url": proxy.base_url}
        async with proxy.api(**way, read_timeout_s=0.2, connect_timeout_s=0.2) as api:
            with pytest.raises(ProblemError) as caught:
                await api.create(
                    CreateExperimentRequest.model_validate(
                        {"name": "n", "dataset_id": "d", "experiment_runs": [{"example_id": "e", "output": "o"}]}
                    )
                )
    problem = caught.value.problem
    assert problem.get("type") == URN + name
    assert "The proxy opened no connection" in problem.get("detail", "")
    assert "Nothing was sent." in problem.get("hint", "")
    assert {request.method for request in proxy.requests} == {"CONNECT"}
    assert len(proxy.requests) == 4
