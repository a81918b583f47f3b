"""Profiles of the ax command line tool: read only when asked for, as far as its package shows how they are laid out."""

from __future__ import annotations

from pathlib import Path

import pytest

from arize_mcp.settings import profiles, settings
from arize_mcp.settings.settings import SettingsError

PROFILE = """\
[profile]
name = "work"
[auth]
auth_method = "api-key"
api_key = "ak-of-the-profile"
[routing]
region = "EU"
"""
KEY = """\
[auth]
api_key = "ak-of-the-profile"
[routing]
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    (tmp_path / ".arize" / "profiles").mkdir(parents=True)
    return tmp_path


def write(home: Path, name: str, text: str) -> None:
    (home / ".arize" / "profiles" / f"{name}.toml").write_text(text, encoding="utf-8")


def test_a_profile_gives_key_and_region(home: Path, monkeypatch: pytest.MonkeyPatch):
    write(home, "work", PROFILE)
    monkeypatch.setenv("ARIZE_PROFILE", "work")
    found = settings.load()
    assert (found.api_key, found.base_url) == ("ak-of-the-profile", "https://api.eu-west-1a.arize.com")


def test_nothing_is_read_unasked(home: Path):
    write(home, "work", PROFILE)
    assert settings.load().api_key is None
    assert settings.unused_profiles() == ["work"]


def test_the_environment_goes_before_the_profile(home: Path, monkeypatch: pytest.MonkeyPatch):
    write(home, "work", PROFILE)
    for name, value in {"ARIZE_PROFILE": "work", "ARIZE_API_KEY": "own-own-own", "ARIZE_BASE_DOMAIN": "corp"}.items():
        monkeypatch.setenv(name, value)
    found = settings.load()
    assert (found.api_key, found.base_url) == ("own-own-own", "https://api.corp")
    assert settings.unused_profiles() == []


def test_references_to_the_environment_are_filled_in(home: Path, monkeypatch: pytest.MonkeyPatch):
    write(
        home,
        "work",
        '[auth]\napi_key = "${MY_KEY}"\n[routing]\nsingle_host = "${MY_HOST:on.prem}"\nsingle_port = "8443"\n',
    )
    monkeypatch.setenv("ARIZE_PROFILE", "work")
    monkeypatch.setenv("MY_KEY", "from-elsewhere")
    found = settings.load()
    assert (found.api_key, found.base_url) == ("from-elsewhere", "https://on.prem:8443")


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("nope", "", "names no profile of the ax command line tool (work)."),
        ("../work", "", "names no profile of the ax command line tool (work)."),
        ("work", "not toml", "names the profile 'work', which can't be read"),
        ("work", "", "names the profile 'work', which has no api_key"),
        ("work", '[auth]\nauth_method = "oauth"\n[auth.oauth]\naccess_token = "t0ken"\n', "which has no api_key"),
        ("work", "auth = 5\n", "which has no api_key"),
        ("work", '[auth]\napi_key = "${EMPTY_VARIABLE}"\n', "which has no api_key"),
        ("work", '[auth]\napi_key = "${MY_KEY}"\n', "names the profile 'work', whose api_key refers to MY_KEY, which"),
        ("work", '[auth]\napi_key = "Bearer t0ken"\n', "names the profile 'work', whose api_key must be the key alone"),
        ("work", KEY + 'region = "nowhere"\n', "names the profile 'work', whose region must be one of us-central-1a"),
        ("work", KEY + 'api_host = "https://h"\n', "names the profile 'work', whose api_host must be a host name"),
        ("work", KEY + 'single_host = "h"\nsingle_port = "x"\n', "whose single_port must be a whole number"),
        ("work", KEY + 'base_domain = "d"\nsingle_host = "h"\n', "whose single_host can't be combined with"),
    ],
)
def test_a_profile_that_cant_be_used_is_an_error_that_names_it(
    home: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str, says: str
):
    write(home, "work", text)
    monkeypatch.setenv("ARIZE_PROFILE", name)
    monkeypatch.setenv("EMPTY_VARIABLE", "")
    with pytest.raises(SettingsError) as caught:
        settings.load()
    ((variable, detail),) = caught.value.errors
    assert variable == "ARIZE_PROFILE"
    assert says in detail
    assert "t0ken" not in detail


@pytest.mark.parametrize(
    "auth", ['[auth]\nauth_method = "oauth"\n', '[auth]\napi_key = "${NOT_SET}"\n', '[auth]\napi_key = "<fill-in>"\n']
)
def test_a_profile_needs_no_usable_key_where_the_environment_has_one(
    home: Path, monkeypatch: pytest.MonkeyPatch, auth: str
):
    write(home, "work", auth + '[routing]\nregion = "eu"\n')
    monkeypatch.setenv("ARIZE_PROFILE", "work")
    monkeypatch.setenv("ARIZE_API_KEY", "own-own-own")
    found = settings.load()
    assert (found.api_key, found.base_url, found.profile) == ("own-own-own", "https://api.eu-west-1a.arize.com", "work")


def test_a_profile_needs_no_usable_endpoint_where_the_environment_has_one(home: Path, monkeypatch: pytest.MonkeyPatch):
    write(home, "work", KEY + 'single_host = "${NOT_SET}"\n')
    monkeypatch.setenv("ARIZE_PROFILE", "work")
    monkeypatch.setenv("ARIZE_API_HOST", "h")
    found = settings.load()
    assert (found.api_key, found.base_url, found.profile) == ("ak-of-the-profile", "https://h", "work")


def test_a_profile_of_which_nothing_is_taken_is_not_in_use(home: Path, monkeypatch: pytest.MonkeyPatch):
    write(home, "work", PROFILE)
    for name, value in {"ARIZE_PROFILE": "work", "ARIZE_API_KEY": "own-own-own", "ARIZE_API_HOST": "h"}.items():
        monkeypatch.setenv(name, value)
    assert settings.load().profile is None


def test_names_are_told_without_opening_a_file(home: Path):
    (home / ".arize" / "profiles" / "unreadable.toml").mkdir()
    assert profiles.names(home) == ["unreadable"]
