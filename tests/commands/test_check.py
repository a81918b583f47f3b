"""The preflight, as a person and as a machine run it."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import trustme

from arize_mcp.commands.check import run_check
from tests.conftest import NO_HOME, Sandbox, sitecustomize
from tests.stdio_process import INHERITED

HOSTS = {
    "no region": "api.arize.com",
    "us-central-1a": "api.us-central-1a.arize.com",
    "us-east-1b": "api.us-east-1b.arize.com",
    "eu-west-1a": "api.eu-west-1a.arize.com",
    "ca-central-1a": "api.ca-central-1a.arize.com",
}
NO_NAMES = """\
import socket

def getaddrinfo(*arguments, **options):
    raise socket.gaierror(socket.EAI_NONAME, "no names")

socket.getaddrinfo = getaddrinfo
"""
A_CLOCK_THAT_SEES_IMPORTS = """\
import sys, time

time.perf_counter = lambda: 5.0 if "httpcore" in sys.modules else 0.0
"""


def check(tmp_path: Path, *options: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "arize_mcp", "check", *options],
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        env={"PATH": f"{sys.prefix}/bin", "HOME": str(tmp_path), **INHERITED, **environ},
        check=False,
    )


def endpoint(sandbox: Sandbox) -> dict[str, str]:
    return {"ARIZE_API_SCHEME": "http", "ARIZE_API_HOST": sandbox.base_url.removeprefix("http://")}


@contextmanager
def arize(answers: dict[str, int], tmp_path: Path, together: int = 1) -> Generator[dict[str, str]]:
    """A proxy with Arize's hosts behind it, as far as they have answers; yields the environment that leads there.

    The region ``eu-west-1a`` answers at once, the others when as many as ``together`` have been asked.
    """
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert(*HOSTS.values()).configure_cert(tls)  # pyright: ignore[reportUnknownMemberType] - also takes another
    all_asked = threading.Barrier(together, timeout=10)

    class Proxy(BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            host = self.path.removesuffix(":443")
            self.send_response(200 if host in answers else 502)
            self.end_headers()
            if host not in answers:
                return
            with tls.wrap_socket(self.connection, server_side=True) as connection:
                connection.recv(65_536)
                if host != HOSTS["eu-west-1a"]:
                    all_asked.wait()
                body = b'{"experiments":[]}' if answers[host] == 200 else b'{"detail":"unknown key"}'
                head = f"HTTP/1.1 {answers[host]} -\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
                connection.sendall(head.encode() + b"\r\n\r\n" + body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, args=(0.05,))
        thread.start()
        try:
            proxy = f"http://127.0.0.1:{httpd.server_address[1]}"
            yield {"HTTPS_PROXY": proxy, "ARIZE_SSL_CA_CERT": str(tmp_path / "ca.pem"), "ARIZE_API_KEY": "some-key"}
        finally:
            httpd.shutdown()
            thread.join()


def test_all_is_well(sandbox: Sandbox, tmp_path: Path):
    done = check(tmp_path, **endpoint(sandbox), ARIZE_API_KEY="sandbox-key")
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split()[:2] for line in done.stdout.splitlines()[:4]] == [
        ["ok", "settings"],
        ["ok", "host"],
        ["ok", "connection"],
        ["ok", "key"],
    ]
    assert done.stdout.endswith("Ready.\n")
    assert "sandbox-key" not in done.stdout


def test_machines_get_json(sandbox: Sandbox, tmp_path: Path):
    done = check(tmp_path, "--json", **endpoint(sandbox), ARIZE_API_KEY="sandbox-key")
    report = json.loads(done.stdout)
    assert report["ok"] is True
    assert {step["name"]: step["outcome"] for step in report["steps"]} == dict.fromkeys(
        ["settings", "host", "connection", "key"], "ok"
    )
    assert [step["name"] for step in report["steps"] if isinstance(step["ms"], int)] == ["connection"]


def test_the_time_that_is_told_is_the_networks(sandbox: Sandbox, tmp_path: Path):
    environ = {**endpoint(sandbox), "ARIZE_API_KEY": "sandbox-key"}
    done = check(tmp_path, **environ, **sitecustomize(tmp_path, A_CLOCK_THAT_SEES_IMPORTS))
    assert "ok    connection answered in 0 ms" in done.stdout


def test_a_wrong_key_is_told_and_masked(sandbox: Sandbox, tmp_path: Path):
    key = "ak-1234567890-secret"
    done = check(tmp_path, **endpoint(sandbox), ARIZE_API_KEY=key)
    assert done.returncode == 1
    assert "FAIL  key        401" in done.stdout
    assert "ARIZE_REGION" in done.stdout
    assert "ak-1..." in done.stdout
    assert key not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        ({}, "FAIL  key        ARIZE_API_KEY is not set."),
        ({"ARIZE_API_KEY": "${ARIZE_API_KEY}"}, "FAIL  settings   ARIZE_API_KEY holds an unfilled placeholder"),
        ({"ARIZE_API_KEY": "some-key", "ARIZE_REGION": "EU"}, "FAIL  settings   ARIZE_REGION must be one of"),
        ({"ARIZE_API_KEY": "some-key", "ARIZE_API_HOST": "no-host.invalid"}, "FAIL  host       no-host.invalid"),
        ({"ARIZE_API_KEY": "some-key", "ARIZE_API_HOST": "127.0.0.1:1"}, "FAIL  TLS        No connection"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, environ: dict[str, str], says: str):
    done = check(tmp_path, **environ)
    assert done.returncode == 1
    assert says in done.stdout
    assert done.stdout.endswith("Not ready.\n")
    assert "Traceback" not in done.stderr


def test_profiles_are_mentioned_unopened(sandbox: Sandbox, tmp_path: Path):
    (tmp_path / ".arize" / "profiles" / "work.toml").mkdir(parents=True)
    done = check(tmp_path, **endpoint(sandbox), ARIZE_API_KEY="sandbox-key")
    assert "note  profiles   ax has work. ARIZE_PROFILE=<name> uses one." in done.stdout
    assert done.returncode == 0


@pytest.mark.parametrize("options", [[], ["--json"]])
@pytest.mark.parametrize(
    ("environ", "shown"),
    [
        ({"PYTHONIOENCODING": "latin-1"}, "\\u2026"),
        ({"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, "\\udce2\\udc80\\udca6"),
    ],
    ids=["latin-1", "C"],
)
def test_what_stdout_cant_show_is_escaped(tmp_path: Path, options: list[str], environ: dict[str, str], shown: str):
    ca = tmp_path / "ca \u2026"
    ca.mkdir()
    environ |= {"ARIZE_API_KEY": "ak-1234567890-secret", "ARIZE_SSL_CA_CERT": str(ca), "ARIZE_API_HOST": "127.0.0.1:1"}
    done = check(tmp_path, *options, **environ)
    assert (done.returncode, done.stderr) == (1, "")
    assert f"https://127.0.0.1:1, key ak-1..., CA {tmp_path}/ca {shown}" in done.stdout


@pytest.mark.posix(reason="an account whose home directory can't be found")
def test_no_home_is_no_profiles(sandbox: Sandbox, tmp_path: Path):
    environ = {**endpoint(sandbox), **sitecustomize(tmp_path, NO_HOME), "ARIZE_API_KEY": "sandbox-key"}
    done = check(tmp_path, **environ)
    assert (done.returncode, done.stderr) == (0, "")
    done = check(tmp_path, **environ, ARIZE_PROFILE="work")
    assert done.stdout.startswith("FAIL  settings   ARIZE_PROFILE can't be looked up: there is no home directory")
    assert (done.returncode, done.stderr) == (1, "")


def test_a_home_that_cant_be_read_is_no_profiles(sandbox: Sandbox, tmp_path: Path):
    # Its name is too long to be one: nobody, root included, can look into it.
    environ = {**endpoint(sandbox), "HOME": "/" + "x" * 300, "ARIZE_API_KEY": "sandbox-key"}
    done = check(tmp_path, **environ)
    assert (done.returncode, done.stderr) == (0, "")
    done = check(tmp_path, **environ, ARIZE_PROFILE="work")
    assert done.stdout.startswith("FAIL  settings   ARIZE_PROFILE can't be looked up in ~/.arize/profiles: ")
    assert (done.returncode, done.stderr) == (1, "")


def test_a_profile_in_use_is_told(sandbox: Sandbox, tmp_path: Path):
    (tmp_path / ".arize" / "profiles").mkdir(parents=True)
    profile = tmp_path / ".arize" / "profiles" / "work.toml"
    profile.write_text('[auth]\napi_key = "sandbox-key"\n', encoding="utf-8")
    done = check(tmp_path, **endpoint(sandbox), ARIZE_PROFILE="work")
    assert done.stdout.splitlines()[0].endswith(", key set, from profile work")
    assert done.returncode == 0


def test_every_setting_that_is_set_is_told(sandbox: Sandbox, tmp_path: Path):
    given = {
        "ARIZE_MCP_CONNECT_TIMEOUT_S": "1.5",
        "ARIZE_MCP_READ_TIMEOUT_S": "2",
        "ARIZE_MCP_DEADLINE_S": "3",
        "ARIZE_MCP_MAX_RESPONSE_BYTES": "4000000",
        "ARIZE_MCP_MAX_CONNECTIONS": "5",
        "ARIZE_MCP_MAX_RESULT_CHARS": "0",
        "ARIZE_MCP_MAX_RUNS": "7",
        "ARIZE_MCP_CONFIRM_DELETE": "never",
        "ARIZE_MCP_CONFIRM_TIMEOUT_S": "6",
        "ARIZE_MCP_READ_ONLY": "True",
        "ARIZE_MCP_TOOLSETS": "analysis,datasets",
        "ARIZE_MCP_VIEW": "True",
        "ARIZE_MCP_LOG_LEVEL": "DEBUG",
    }
    done = check(tmp_path, **endpoint(sandbox), **given, ARIZE_API_KEY="sandbox-key", ARIZE_REQUEST_VERIFY="0")
    told = done.stdout.splitlines()[0].split(", ")[2:]
    assert told == ["TLS certificates are NOT checked", *(f"{name}={value}" for name, value in given.items())]


def test_a_variable_that_means_nothing_is_noted(sandbox: Sandbox, tmp_path: Path):
    environ = {
        **endpoint(sandbox),
        "ARIZE_API_KEY": "sandbox-key",
        "ARIZE_MCP_READONLY": "1",
        "ARIZE_MCP_ALLOW_HTTP": "",
    }
    done = check(tmp_path, **environ)
    note = "note  settings   ARIZE_MCP_READONLY is no setting of arize-mcp.\n"
    assert note + f"{'':<17}Did you mean ARIZE_MCP_READ_ONLY?\n" in done.stdout
    assert done.stdout.count("note") == 1
    assert done.returncode == 0


def test_a_certificate_that_cant_be_loaded_is_a_matter_of_the_settings(tmp_path: Path):
    ca = tmp_path / "ca.pem"
    ca.write_text("-----BEGIN CERTIFICATE-----\nbroken\n", encoding="ascii")
    done = check(tmp_path, ARIZE_API_KEY="some-key", ARIZE_API_HOST="127.0.0.1:1", ARIZE_SSL_CA_CERT=str(ca))
    assert "FAIL  settings   " in done.stdout
    assert done.returncode == 1


def test_each_step_is_shown_before_the_next_one_waits(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        environ = {"ARIZE_API_HOST": f"127.0.0.1:{silent.getsockname()[1]}", "ARIZE_API_KEY": "some-key"}
        process = subprocess.Popen(
            [sys.executable, "-m", "arize_mcp", "check"],
            stdout=subprocess.PIPE,
            encoding="utf-8",
            env={"PATH": "", "HOME": str(tmp_path), "ARIZE_API_SCHEME": "http", **INHERITED, **environ},
        )
        silent.settimeout(20)
        connection, _ = silent.accept()
        assert process.stdout
        # The request has no answer yet, and gets none until these lines are read.
        assert [process.stdout.readline()[:16] for _ in range(2)] == ["ok    settings  ", "ok    host      "]
        connection.recv(65_536)
        body = '{"experiments":[]}'
        connection.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
        stdout, _ = process.communicate(timeout=20)
        connection.close()
    assert stdout.endswith("Ready.\n")


def test_a_limit_of_its_own_is_not_blamed_on_a_setting(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr("arize_mcp.commands.check._LIMIT_S", 0.2)
    monkeypatch.setenv("ARIZE_API_KEY", "some-key")
    monkeypatch.setenv("ARIZE_API_SCHEME", "http")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("ARIZE_API_HOST", f"127.0.0.1:{silent.getsockname()[1]}")
        assert run_check(regions=False, as_json=False) == 1
        assert "FAIL  connection The call did not end within 0.2 s.\n" in capsys.readouterr().out
        monkeypatch.setenv("ARIZE_MCP_DEADLINE_S", "0.1")
        assert run_check(regions=False, as_json=False) == 1
        assert "within 0.1 s (ARIZE_MCP_DEADLINE_S)." in capsys.readouterr().out


def test_other_regions_are_asked_all_at_once_and_only_when_told_to(tmp_path: Path):
    answers = {HOSTS["no region"]: 200, HOSTS["us-central-1a"]: 401, HOSTS["us-east-1b"]: 403, HOSTS["eu-west-1a"]: 401}
    with arize(answers, tmp_path, together=3) as environ:
        assert "us-central-1a" not in check(tmp_path, **environ, ARIZE_REGION="eu-west-1a").stdout
        done = check(tmp_path, "--regions", **environ, ARIZE_REGION="eu-west-1a")
    assert done.stdout.split("FAIL  key        ")[1].splitlines()[2:-2] == [
        "note  no region  knows the key: unset ARIZE_REGION",
        "note  us-central-1a doesn't take the key: unknown key",
        "note  us-east-1b doesn't take the key: unknown key",
        "note  ca-central-1a could not be asked: The proxy refused to connect to https://api.ca-central-1a.arize.com: "
        "502 Bad Gateway",
    ]
    assert done.returncode == 1


def test_the_region_that_knows_the_key_is_found_from_none(tmp_path: Path):
    answers = dict.fromkeys(HOSTS.values(), 401) | {HOSTS["eu-west-1a"]: 200}
    with arize(answers, tmp_path) as environ:
        done = check(tmp_path, "--regions", **environ)
    assert "note  eu-west-1a knows the key: set ARIZE_REGION to it\n" in done.stdout
    assert "no region" not in done.stdout
    assert done.stdout.count("note  ") == 4


def test_other_regions_are_asked_even_if_the_own_host_is_not_found(tmp_path: Path):
    environ = {**sitecustomize(tmp_path, NO_NAMES), "ARIZE_API_KEY": "some-key", "ARIZE_REGION": "us-east-1b"}
    done = check(tmp_path, "--regions", **environ)
    assert "FAIL  host       api.us-east-1b.arize.com can't be resolved." in done.stdout
    assert done.stdout.count("could not be asked: The host of https://api.") == 4


@pytest.mark.parametrize(
    "private",
    [
        {"ARIZE_SINGLE_HOST": "on.prem"},
        {"ARIZE_BASE_DOMAIN": "corp.example"},
        {"ARIZE_API_HOST": "api.arize.com.example"},
        {"ARIZE_API_HOST": "api.arize.com", "ARIZE_API_SCHEME": "http", "ARIZE_MCP_ALLOW_HTTP": "1"},
    ],
)
def test_the_key_of_a_private_installation_does_not_go_to_arize(tmp_path: Path, private: dict[str, str]):
    environ = {**sitecustomize(tmp_path, NO_NAMES), "ARIZE_API_KEY": "some-key", **private}
    done = check(tmp_path, "--regions", **environ)
    assert "-     regions    not asked: " in done.stdout
    assert "asked: The host" not in done.stdout


def test_the_key_of_a_server_on_loopback_does_not_go_to_arize(sandbox: Sandbox, tmp_path: Path):
    answers = dict.fromkeys(HOSTS.values(), 200)
    with arize(answers, tmp_path) as environ:
        done = check(tmp_path, "--regions", **environ | {**endpoint(sandbox), "ARIZE_API_KEY": "sandbox-key"})
    assert "-     regions    not asked: " in done.stdout
    assert "note" not in done.stdout
    assert done.returncode == 0


def test_a_toolset_without_its_folder_is_a_fault_and_not_left_out(tmp_path: Path):
    done = check(tmp_path, ARIZE_MCP_TOOLSETS="analysis,files")
    assert "ARIZE_MCP_FILES_DIR must be set" in done.stdout
    assert "left out" not in done.stdout


def test_a_toolset_that_is_left_out_is_noted(tmp_path: Path):
    done = check(tmp_path, "--json", ARIZE_MCP_TOOLSETS="all")
    notes = [step for step in json.loads(done.stdout)["steps"] if step["outcome"] == "note"]
    assert [note["detail"] for note in notes] == ["The toolset files is left out: ARIZE_MCP_FILES_DIR is not set."]
    (tmp_path / "files").mkdir()
    done = check(tmp_path, "--json", ARIZE_MCP_TOOLSETS="all", ARIZE_MCP_FILES_DIR=str(tmp_path / "files"))
    assert "left out" not in done.stdout


def test_variables_of_other_clients_and_unfilled_placeholders_are_noted(sandbox: Sandbox, tmp_path: Path):
    foreign = dict.fromkeys(
        (
            *("ARIZE_HOST", "ARIZE_ENDPOINT", "ARIZE_SPACE_ID", "ARIZE_SPACE_KEY", "ARIZE_DEVELOPER_KEY"),
            *("ARIZE_URL", "ARIZE_API_URL", "ARIZE_API_BASE_URL", "ARIZE_API_ENDPOINT", "ARIZE_TOKEN"),
        ),
        "x-of-theirs",
    )
    environ = {**endpoint(sandbox), "ARIZE_API_KEY": "sandbox-key", **foreign, "ARIZE_REGION": "${user_config.region}"}
    done = check(tmp_path, **environ)
    assert done.returncode == 0
    for name in foreign:
        assert f"note  settings   {name} is not read by arize-mcp." in done.stdout
    assert "note  settings   ARIZE_REGION holds an unfilled placeholder and counts as not set." in done.stdout
    assert "x-of-theirs" not in done.stdout


def checked_against_a_403(tmp_path: Path, content_type: str, body: str) -> subprocess.CompletedProcess[str]:
    """What check says where a 403 with this body is the answer."""
    head = f"HTTP/1.1 403 X\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall((head + body).encode())

        thread = threading.Thread(target=answer)
        thread.start()
        port = str(listener.getsockname()[1])
        environ = {"ARIZE_API_HOST": "127.0.0.1", "ARIZE_API_PORT": port, "ARIZE_API_SCHEME": "http"}
        done = check(tmp_path, **environ, ARIZE_API_KEY="some-key")
        thread.join()
    return done


def test_what_the_api_says_stays_on_one_line(tmp_path: Path):
    body = json.dumps({"title": "T", "detail": "no\nok    key        accepted\n\nReady."})
    done = checked_against_a_403(tmp_path, "application/problem+json", body)
    assert done.returncode == 1
    assert [line for line in done.stdout.splitlines() if line.startswith("ok    key")] == []


def test_a_firewalls_403_is_not_laid_at_the_keys_door(tmp_path: Path):
    done = checked_against_a_403(tmp_path, "text/html", "<html><h1>Request blocked</h1></html>")
    assert done.returncode == 1
    assert "FAIL  API        403: " in done.stdout
    assert "gateway, proxy or firewall" in done.stdout
    assert "key may not" not in done.stdout
