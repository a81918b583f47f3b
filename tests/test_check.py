"""The preflight, as a person and as a machine run it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Sandbox


def check(tmp_path: Path, *options: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "arize_mcp", "check", *options],
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        env={"PATH": f"{sys.prefix}/bin", "HOME": str(tmp_path), **environ},
        check=False,
    )


def endpoint(sandbox: Sandbox) -> dict[str, str]:
    return {"ARIZE_API_SCHEME": "http", "ARIZE_API_HOST": sandbox.base_url.removeprefix("http://")}


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


def test_a_wrong_key_is_told_and_masked(sandbox: Sandbox, tmp_path: Path):
    key = "ak-1234567890-secret"
    done = check(tmp_path, **endpoint(sandbox), ARIZE_API_KEY=key)
    assert done.returncode == 1
    assert "FAIL  key        401" in done.stdout
    assert "ARIZE_REGION" in done.stdout
    assert "ak-1…" in done.stdout
    assert key not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        ({}, "FAIL  key        ARIZE_API_KEY is not set."),
        ({"ARIZE_API_KEY": "${ARIZE_API_KEY}"}, "FAIL  settings   ARIZE_API_KEY holds an unfilled placeholder"),
        ({"ARIZE_API_KEY": "k", "ARIZE_REGION": "EU"}, "FAIL  settings   ARIZE_REGION must be one of"),
        ({"ARIZE_API_KEY": "k", "ARIZE_API_HOST": "no-such-host.invalid"}, "FAIL  host       no-such-host.invalid"),
        ({"ARIZE_API_KEY": "k", "ARIZE_API_HOST": "127.0.0.1:1"}, "FAIL  TLS        No connection"),
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
    assert "note  profiles   ax has work; ARIZE_PROFILE=<name> uses one." in done.stdout
    assert done.returncode == 0


def test_other_regions_are_asked_only_when_told_to(sandbox: Sandbox, tmp_path: Path):
    environ = {**endpoint(sandbox), "ARIZE_API_KEY": "sandbox-key"}
    assert "us-central-1a" not in check(tmp_path, **environ).stdout
    # None of them can be reached from a test; what matters is that each is asked, and told as a note.
    environ |= {"HTTPS_PROXY": "http://127.0.0.1:1"}
    done = check(tmp_path, "--regions", **environ)
    assert done.stdout.count("note  ") == 4
    assert done.returncode == 0
