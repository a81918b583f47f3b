"""Environment variables into Settings, or into everything that is wrong with them."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import pytest

from arize_mcp.settings import endpoint, settings
from arize_mcp.settings.settings import Settings, SettingsError


class Load(Protocol):
    """Loads the settings from an environment of just these variables."""

    def __call__(self, **environ: str) -> Settings: ...


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Load:
    def load(**environ: str) -> Settings:
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        return settings.load()

    return load


def fails(load: Load, **environ: str) -> dict[str, str]:
    with pytest.raises(SettingsError) as caught:
        load(**environ)
    return dict(caught.value.errors)


def test_an_empty_environment_gives_the_defaults(load: Load):
    assert load() == Settings()


@pytest.mark.parametrize(
    ("environ", "base_url"),
    [
        ({}, "https://api.arize.com"),
        ({"ARIZE_API_HOST": "h.example/"}, "https://h.example"),
        ({"ARIZE_API_HOST": "h.example:1"}, "https://h.example:1"),
        ({"ARIZE_API_HOST": "h.example:1", "ARIZE_API_PORT": "2"}, "https://h.example:2"),
        ({"ARIZE_API_HOST": "127.0.0.1", "ARIZE_API_SCHEME": "HTTP"}, "http://127.0.0.1"),
        ({"ARIZE_API_HOST": "[::1]:80", "ARIZE_API_SCHEME": "http"}, "http://[::1]:80"),
        ({"ARIZE_API_HOST": "h", "ARIZE_API_SCHEME": "http", "ARIZE_MCP_ALLOW_HTTP": "1"}, "http://h"),
        ({"ARIZE_REGION": "eu-west-1a"}, "https://api.eu-west-1a.arize.com"),
        ({"ARIZE_REGION": " EU-West-1A "}, "https://api.eu-west-1a.arize.com"),
        ({"ARIZE_REGION": "ca-central-1a", "ARIZE_API_HOST": "ignored"}, "https://api.ca-central-1a.arize.com"),
        ({"ARIZE_REGION": "us-east-1b", "ARIZE_API_PORT": "81"}, "https://api.us-east-1b.arize.com:81"),
        ({"ARIZE_SINGLE_HOST": "on.prem", "ARIZE_SINGLE_PORT": "8443"}, "https://on.prem:8443"),
        ({"ARIZE_SINGLE_HOST": "on.prem", "ARIZE_SINGLE_PORT": "1", "ARIZE_API_PORT": "2"}, "https://on.prem:2"),
        ({"ARIZE_SINGLE_PORT": "8443"}, "https://api.arize.com:8443"),
        ({"ARIZE_BASE_DOMAIN": "corp.example"}, "https://api.corp.example"),
        ({"ARIZE_API_PORT": ""}, "https://api.arize.com"),
    ],
)
def test_the_endpoint_variables_have_the_official_clients_precedence(
    load: Load, environ: dict[str, str], base_url: str
):
    assert load(**environ).base_url == base_url


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ARIZE_REGION", "US"),
        ("ARIZE_REGION", "us-west"),
        ("ARIZE_API_HOST", "https://api.arize.com"),
        ("ARIZE_API_HOST", "api.arize.com/v2"),
        ("ARIZE_API_HOST", "user@host"),
        ("ARIZE_API_HOST", "h:99999"),
        ("ARIZE_API_HOST", "a b"),
        ("ARIZE_API_HOST", "[1:2:3]"),
        ("ARIZE_SSL_CA_CERT", "-----BEGIN CERTIFICATE-----" + "x" * 5000),
        ("ALL_PROXY", "socks5://p:1"),
        ("ARIZE_SINGLE_HOST", "http://x"),
        ("ARIZE_BASE_DOMAIN", "x/y"),
        ("ARIZE_API_SCHEME", "ftp"),
        ("ARIZE_API_SCHEME", "http"),
        ("ARIZE_API_PORT", "65536"),
        ("ARIZE_API_PORT", "x"),
        ("ARIZE_SINGLE_PORT", "-1"),
        ("ARIZE_REQUEST_VERIFY", ""),
        ("ARIZE_REQUEST_VERIFY", "ture"),
        ("ARIZE_SSL_CA_CERT", "/no/such/file.pem"),
        ("ARIZE_SSL_CA_CERT", settings.__file__),
        ("SSL_CERT_FILE", settings.__file__),
        ("SSL_CERT_FILE", "/no/such/file.pem"),
        ("REQUESTS_CA_BUNDLE", "/no/such/file.pem"),
        ("ARIZE_PROXY_URL", "socks5://p:1"),
        ("ARIZE_PROXY_URL", "p:1"),
        ("ARIZE_PROXY_URL", "http://p:x"),
        ("HTTPS_PROXY", "ftp://p"),
        ("ARIZE_API_KEY", "${ARIZE_API_KEY}"),
        ("ARIZE_API_KEY", "$ARIZE_API_KEY"),
        ("ARIZE_API_KEY", "%ARIZE_API_KEY%"),
        ("ARIZE_API_KEY", "$env:ARIZE_API_KEY"),
        ("ARIZE_API_KEY", "<your-key>"),
        ("ARIZE_API_KEY", "your-key"),
        ("ARIZE_API_KEY", "YOUR_ARIZE_API_KEY"),
        ("ARIZE_API_KEY", "..."),
        ("ARIZE_API_KEY", "Bearer abc"),
        ("ARIZE_API_KEY", '"abc"'),
        ("ARIZE_API_KEY", "'abc"),
        ("ARIZE_API_KEY", "abc\u201d"),
        ("ARIZE_API_KEY", "a\nb"),
        ("ARIZE_API_KEY", "kéy"),
        ("ARIZE_API_KEY", "None"),
        ("ARIZE_API_KEY", "null"),
        ("ARIZE_API_KEY", "undefined"),
        ("ARIZE_API_KEY", "changeme"),
        ("ARIZE_API_KEY", "CHANGE_ME"),
        ("ARIZE_API_KEY", "seven-7"),
        ("ARIZE_BASE_URL", "https://arize.example.com"),
        ("ARIZE_BASE_URL", "${ARIZE_BASE_URL}"),
        ("ARIZE_API_HOST", "${user_config.host}"),
        ("ARIZE_SINGLE_HOST", "null"),
        ("ARIZE_BASE_DOMAIN", "undefined"),
        ("ARIZE_API_SCHEME", "${SCHEME}"),
        ("ARIZE_REQUEST_VERIFY", "%VERIFY%"),
        ("ARIZE_SSL_CA_CERT", "<path>"),
        ("ARIZE_PROXY_URL", "None"),
        ("ARIZE_MCP_READ_ONLY", "${user_config.read_only}"),
        ("ARIZE_MCP_CONFIRM_DELETE", "${user_config.confirm_delete}"),
        ("ARIZE_MCP_CONNECT_TIMEOUT_S", "0"),
        ("ARIZE_MCP_READ_TIMEOUT_S", "nan"),
        ("ARIZE_MCP_READ_TIMEOUT_S", "inf"),
        ("ARIZE_MCP_DEADLINE_S", "-1"),
        ("ARIZE_MCP_MAX_RESPONSE_BYTES", "0"),
        ("ARIZE_MCP_MAX_CONNECTIONS", "1.5"),
        ("ARIZE_MCP_MAX_RESULT_CHARS", "many"),
        ("ARIZE_MCP_CONFIRM_DELETE", "yes"),
        ("ARIZE_MCP_CONFIRM_TIMEOUT_S", "x"),
        ("ARIZE_MCP_READ_ONLY", "maybe"),
        ("ARIZE_MCP_VIEW", "maybe"),
        ("ARIZE_MCP_ALLOW_HTTP", "maybe"),
        ("ARIZE_MCP_LOG_LEVEL", "LOUD"),
    ],
)
def test_an_unusable_value_is_an_error_that_names_its_variable(load: Load, name: str, value: str):
    assert list(fails(load, **{name: value})) == [name]


def test_all_errors_come_at_once(load: Load):
    assert list(fails(load, ARIZE_REGION="US", ARIZE_MCP_DEADLINE_S="x", ARIZE_API_KEY="<k>")) == [
        "ARIZE_REGION",
        "ARIZE_API_KEY",
        "ARIZE_MCP_DEADLINE_S",
    ]


def test_the_endpoint_overrides_exclude_each_other(load: Load):
    errors = fails(load, ARIZE_REGION="eu-west-1a", ARIZE_SINGLE_HOST="h", ARIZE_BASE_DOMAIN="d")
    assert "ARIZE_SINGLE_HOST/ARIZE_SINGLE_PORT and ARIZE_BASE_DOMAIN" in errors["ARIZE_REGION"]


def test_no_error_shows_a_value(load: Load):
    with pytest.raises(SettingsError) as caught:
        load(ARIZE_API_KEY="Bearer s3cret", ARIZE_PROXY_URL="ftp://user:s3cret@p", ARIZE_REGION="s3cret")
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("ARIZE_API_KEY", "your-api-key", "holds an unfilled placeholder"),
        ("ARIZE_API_KEY", "%KEY%", "holds an unfilled placeholder"),
        ("ARIZE_API_KEY", "ARIZE_API_KEY", "holds an unfilled placeholder"),
        ("ARIZE_API_KEY", "your-key-here", "holds an unfilled placeholder"),
        ("ARIZE_API_KEY", "put_your_arize_api_token_here", "holds an unfilled placeholder"),
        ("ARIZE_API_KEY", "insert-key-here", "holds an unfilled placeholder"),
        ("ARIZE_API_KEY", "replace-me", "holds an unfilled placeholder"),
        ("ARIZE_API_KEY", "************", "holds an unfilled placeholder"),
        ("ARIZE_API_KEY", "op://vault/arize/key", "holds an unfilled placeholder"),
        ("ARIZE_API_KEY", "#{arize-key}", "holds an unfilled placeholder"),
        ("HTTPS_PROXY", "${user_config.proxy}", "holds an unfilled placeholder"),
        ("HTTPS_PROXY", "null", "holds an unfilled placeholder"),
        ("ARIZE_REGION", '"eu-west-1a"', "must be the region alone, without quotation marks."),
        ("ARIZE_REGION", "eu-west", f"must be one of {', '.join(endpoint.REGIONS)}."),
        ("ARIZE_REGION", "us", "ca-central-1a. What the ax command line tool calls US is us-east-1b."),
        ("ARIZE_SSL_CA_CERT", settings.__file__, "names a file that holds no PEM certificate"),
        ("ARIZE_SSL_CA_CERT", "/no/such.pem", "names a file that doesn't exist"),
        ("ARIZE_SSL_CA_CERT", "x" * 5000, "names a file that can't be read"),
    ],
)
def test_an_error_says_what_is_wrong(load: Load, name: str, value: str, says: str):
    assert says in fails(load, **{name: value})[name]


@pytest.mark.parametrize("key", ["your-own-key-is-not-here", "ak-%20%x", "100-per-cent%", "eight-88", "nonesuch"])
def test_what_only_resembles_a_placeholder_is_a_key(load: Load, key: str):
    assert load(ARIZE_API_KEY=key).api_key == key


@pytest.mark.parametrize("text", ["${user_config.x}", "$X", "%X%", "{{x}}", "<x>", "None", "null", "undefined", "..."])
@pytest.mark.parametrize(
    "name",
    [
        "ARIZE_REGION",
        "ARIZE_API_PORT",
        "ARIZE_SINGLE_PORT",
        "ARIZE_PROFILE",
        "ARIZE_MCP_DEADLINE_S",
        "ARIZE_MCP_MAX_RESULT_CHARS",
        "ARIZE_MCP_ALLOW_HTTP",
        "ARIZE_MCP_TOOLSETS",
        "ARIZE_MCP_LOG_LEVEL",
        "SSL_CERT_FILE",
    ],
)
def test_an_unfilled_placeholder_of_an_optional_setting_counts_as_not_set(load: Load, name: str, text: str):
    assert load(**{name: text}) == Settings(unfilled=(name,))


def test_an_unfilled_region_leaves_the_endpoint_to_the_profile(load: Load, tmp_path: Path):
    folder = Path.home() / ".arize" / "profiles"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "mine.toml"
    path.write_text('[auth]\napi_key = "the-key-of-mine"\n[routing]\nregion = "eu-west-1a"\n', encoding="utf-8")
    try:
        found = load(ARIZE_PROFILE="mine", ARIZE_REGION="${ARIZE_REGION}")
    finally:
        path.unlink()
    assert found.base_url == "https://api.eu-west-1a.arize.com"


@pytest.mark.parametrize("host", ["h/api", "https://h/api", "h/", "h//x", "http://h:8080/v2/experiments"])
def test_a_path_in_a_host_is_told_in_words_about_paths(load: Load, host: str):
    if host == "h/":
        assert load(ARIZE_API_HOST=host).base_url == "https://h"
    else:
        assert "A path can't be part of it" in fails(load, ARIZE_API_HOST=host)["ARIZE_API_HOST"]


def test_a_scheme_in_a_host_is_not_told_as_a_path(load: Load):
    assert "path" not in fails(load, ARIZE_API_HOST="https://h")["ARIZE_API_HOST"]


def test_the_variable_of_the_typescript_client_is_refused_with_those_that_say_the_same(load: Load):
    detail = fails(load, ARIZE_BASE_URL="http://s3cret.example:8080")["ARIZE_BASE_URL"]
    for name in ("ARIZE_API_HOST", "ARIZE_API_PORT", "ARIZE_API_SCHEME", "ARIZE_REGION"):
        assert name in detail
    assert "s3cret" not in detail


def test_every_setting_can_be_set(load: Load, tmp_path: Path):
    ca = tmp_path / "ca.pem"
    ca.write_text("-----BEGIN CERTIFICATE-----", encoding="ascii")
    assert load(
        ARIZE_API_KEY=" the-api-key ",
        ARIZE_REQUEST_VERIFY="Off",
        ARIZE_SSL_CA_CERT=str(ca),
        ARIZE_PROXY_URL="http://u:p@proxy:8080",
        ARIZE_MCP_CONNECT_TIMEOUT_S="1.5",
        ARIZE_MCP_READ_TIMEOUT_S="2",
        ARIZE_MCP_DEADLINE_S="3",
        ARIZE_MCP_MAX_RESPONSE_BYTES="4",
        ARIZE_MCP_MAX_CONNECTIONS="5",
        ARIZE_MCP_MAX_RESULT_CHARS="0",
        ARIZE_MCP_CONFIRM_DELETE="never",
        ARIZE_MCP_CONFIRM_TIMEOUT_S="6",
        ARIZE_MCP_READ_ONLY="yes",
        ARIZE_MCP_VIEW="1",
        ARIZE_MCP_LOG_LEVEL="debug",
    ) == Settings(
        api_key="the-api-key",
        verify_tls=False,
        ca_path=str(ca),
        proxy_url="http://u:p@proxy:8080",
        connect_timeout_s=1.5,
        read_timeout_s=2,
        deadline_s=3,
        max_response_bytes=4,
        max_connections=5,
        max_result_chars=0,
        confirm_delete="never",
        confirm_timeout_s=6,
        read_only=True,
        view=True,
        log_level="DEBUG",
    )


def test_the_first_ca_variable_counts(load: Load, tmp_path: Path):
    for name in ("a", "b", "c"):
        (tmp_path / name).write_text("-----BEGIN CERTIFICATE-----", encoding="ascii")
    assert load(SSL_CERT_FILE=str(tmp_path / "c")).ca_path == str(tmp_path / "c")
    assert load(REQUESTS_CA_BUNDLE=str(tmp_path / "b")).ca_path == str(tmp_path / "b")
    assert load(ARIZE_SSL_CA_CERT=str(tmp_path / "a")).ca_path == str(tmp_path / "a")


@pytest.mark.parametrize(
    ("environ", "proxy_url"),
    [
        ({"HTTPS_PROXY": "http://p:1"}, "http://p:1"),
        ({"https_proxy": "p:1"}, "http://p:1"),
        ({"HTTP_PROXY": "http://p:1"}, None),
        ({"ALL_PROXY": "http://p:1"}, "http://p:1"),
        ({"HTTPS_PROXY": "http://p:1", "ARIZE_PROXY_URL": "http://q:2"}, "http://q:2"),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "arize.com"}, None),
        ({"ARIZE_PROXY_URL": "http://p:1", "NO_PROXY": ".arize.com"}, None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "other.com"}, "http://p:1"),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "*"}, None),
        ({"ARIZE_PROXY_URL": "http://p:1", "ARIZE_API_HOST": "127.0.0.1:9", "ARIZE_API_SCHEME": "http"}, None),
        ({"HTTP_PROXY": "http://p:1", "ARIZE_API_HOST": "localhost", "ARIZE_API_SCHEME": "http"}, None),
    ],
)
def test_proxies_come_from_our_variable_or_the_standard_ones(
    load: Load, environ: dict[str, str], proxy_url: str | None
):
    assert load(**environ).proxy_url == proxy_url


def test_the_sandbox_ignores_where_arize_is_but_not_the_rest(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ARIZE_API_KEY", "${ARIZE_API_KEY}")
    monkeypatch.setenv("ARIZE_REGION", "nowhere")
    monkeypatch.setenv("ARIZE_MCP_READ_ONLY", "1")
    found = settings.load(sandbox_key="k")
    assert (found.api_key, found.base_url, found.read_only) == ("k", "http://sandbox", True)
    monkeypatch.setenv("ARIZE_MCP_READ_ONLY", "x")
    with pytest.raises(SettingsError):
        settings.load(sandbox_key="k")


def test_the_log_level_is_known_even_when_nothing_else_is(monkeypatch: pytest.MonkeyPatch):
    assert settings.log_level() == "WARNING"
    monkeypatch.setenv("ARIZE_MCP_LOG_LEVEL", "debug")
    assert settings.log_level() == "DEBUG"
    for other, meant in (("warn", "WARNING"), ("Warn", "WARNING"), ("FATAL", "CRITICAL")):
        monkeypatch.setenv("ARIZE_MCP_LOG_LEVEL", other)
        assert settings.log_level() == meant
    monkeypatch.setenv("ARIZE_MCP_LOG_LEVEL", "loud")
    assert settings.log_level() == "WARNING"


@pytest.mark.parametrize(
    ("environ", "read_only"),
    [({}, False), ({"ARIZE_MCP_READ_ONLY": "off"}, False), ({"ARIZE_MCP_READ_ONLY": "on"}, True)],
)
def test_reading_only_is_known_even_when_nothing_else_is(
    monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], read_only: bool
):
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert settings.read_only() is read_only


@pytest.mark.parametrize(("value", "view"), [("", False), ("on", True), ("off", False), ("maybe", False)])
def test_whether_there_is_a_view_is_known_even_when_nothing_else_is(
    monkeypatch: pytest.MonkeyPatch, value: str, view: bool
):
    monkeypatch.setenv("ARIZE_MCP_VIEW", value)
    assert settings.view() is view


def test_what_looks_like_ours_and_is_not_is_known(monkeypatch: pytest.MonkeyPatch):
    for name in ("ARIZE_MCP_READ_ONLY", "ARIZE_LOG_LEVEL"):
        monkeypatch.setenv(name, "x")
    meant = {
        "ARIZE_MCP_READONLY": "ARIZE_MCP_READ_ONLY",
        "ARIZE_MCP_REGION": "ARIZE_REGION",
        "ARIZE_MCP_TIMEOUT_S": "ARIZE_MCP_READ_TIMEOUT_S",
        "ARIZE_MCP_VEIW": "ARIZE_MCP_VIEW",
        "ARIZE_MCP_X": None,
    }
    for name in meant:
        monkeypatch.setenv(name, "x")
    assert settings.unknown_variables() == meant


@pytest.mark.parametrize(
    ("given", "toolsets"),
    [
        ("", ()),
        (" , ", ()),
        ("analysis", ("analysis",)),
        (" DATASETS,analysis , analysis", ("analysis", "datasets")),
        ("All", tuple(name for name in settings.TOOLSETS if name != "files")),
    ],
)
def test_toolsets_are_names_in_any_case_and_come_in_a_fixed_order(
    monkeypatch: pytest.MonkeyPatch, given: str, toolsets: tuple[str, ...]
):
    monkeypatch.setenv("ARIZE_MCP_TOOLSETS", given)
    assert settings.load().toolsets == toolsets


@pytest.mark.parametrize("given", ["files", " Files ,", "all"])
def test_files_are_offered_with_their_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, given: str):
    monkeypatch.setenv("ARIZE_MCP_TOOLSETS", given)
    monkeypatch.setenv("ARIZE_MCP_FILES_DIR", str(tmp_path))
    found = settings.load()
    assert "files" in found.toolsets
    assert (found.files_dir, found.max_file_bytes, found.max_runs) == (str(tmp_path), 268_435_456, 20_000)
    assert not settings.without_files()


@pytest.mark.parametrize(
    ("environ", "name", "said"),
    [
        ({"ARIZE_MCP_TOOLSETS": "files"}, "ARIZE_MCP_FILES_DIR", "must be set"),
        ({"ARIZE_MCP_TOOLSETS": "all,files"}, "ARIZE_MCP_FILES_DIR", "must be set"),
        ({"ARIZE_MCP_FILES_DIR": "{tmp}"}, "ARIZE_MCP_TOOLSETS", "must name files"),
        ({"ARIZE_MCP_FILES_DIR": "{tmp}", "ARIZE_MCP_TOOLSETS": "analysis"}, "ARIZE_MCP_TOOLSETS", "must name files"),
        ({"ARIZE_MCP_FILES_DIR": "results", "ARIZE_MCP_TOOLSETS": "files"}, "ARIZE_MCP_FILES_DIR", "absolute"),
        ({"ARIZE_MCP_FILES_DIR": "{tmp}/none", "ARIZE_MCP_TOOLSETS": "all"}, "ARIZE_MCP_FILES_DIR", "exists"),
        ({"ARIZE_MCP_FILES_DIR": "{tmp}/file", "ARIZE_MCP_TOOLSETS": "files"}, "ARIZE_MCP_FILES_DIR", "exists"),
        ({"ARIZE_MCP_MAX_FILE_BYTES": "0"}, "ARIZE_MCP_MAX_FILE_BYTES", "whole number"),
        ({"ARIZE_MCP_MAX_RUNS": "many"}, "ARIZE_MCP_MAX_RUNS", "whole number"),
    ],
)
def test_files_without_their_folder_or_the_other_way_round_can_not_be_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, environ: dict[str, str], name: str, said: str
):
    (tmp_path / "file").touch()
    for variable, value in environ.items():
        monkeypatch.setenv(variable, value.replace("{tmp}", str(tmp_path)))
    with pytest.raises(SettingsError) as caught:
        settings.load()
    [(variable, detail)] = caught.value.errors
    assert variable == name
    assert said in detail


@pytest.mark.parametrize(
    "environ",
    [
        {"ARIZE_MCP_TOOLSETS": "all"},
        {"ARIZE_MCP_TOOLSETS": "files", "ARIZE_MCP_FILES_DIR": ""},
        {"ARIZE_MCP_TOOLSETS": "files", "ARIZE_MCP_FILES_DIR": "${user_config.files_dir}"},
    ],
)
def test_files_are_left_out_where_the_folder_is_not_chosen(monkeypatch: pytest.MonkeyPatch, environ: dict[str, str]):
    for variable, value in environ.items():
        monkeypatch.setenv(variable, value)
    assert "files" not in settings.load().toolsets
    assert settings.without_files()


def test_an_unknown_toolset_is_an_error_that_names_the_nearest(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ARIZE_MCP_TOOLSETS", "analysis,dataset")
    with pytest.raises(SettingsError) as caught:
        settings.load()
    [(name, detail)] = caught.value.errors
    assert name == "ARIZE_MCP_TOOLSETS"
    assert detail.endswith("Did you mean datasets?")
