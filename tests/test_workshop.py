"""The workflows, the Makefile, the metadata and .ci/run agree; the README's links work where PyPI shows it."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.test_documents import README, ROOT, SERVER

PYPROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT: dict[str, Any] = PYPROJECT["project"]
HOME: str = PROJECT["urls"]["Homepage"]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
WORKFLOWS: dict[str, dict[str, Any]] = {
    path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in (ROOT / ".github" / "workflows").iterdir()
}
JOBS: dict[str, dict[str, Any]] = {
    f"{name}/{job}": WORKFLOWS[name]["jobs"][job] for name in WORKFLOWS for job in WORKFLOWS[name]["jobs"]
}


def steps(job: str) -> list[dict[str, Any]]:
    return JOBS[job].get("steps", [])


def commands(job: str) -> str:
    return "\n".join(step.get("run", "") for step in steps(job))


def targets(text: str) -> set[str]:
    """The targets of the calls of make in a text."""
    calls = re.findall(r"\bmake((?: +[\w=-]+)+)", text)
    words = {word for call in calls for word in call.split()}
    return {word for word in words if "=" not in word and not word.startswith("-")}


def phony() -> set[str]:
    declared = re.search(r"^\.PHONY: ((?:.*\\\n)*.*)$", MAKEFILE, re.MULTILINE)
    assert declared
    return set(declared[1].replace("\\\n", " ").split())


@pytest.mark.parametrize("job", JOBS)
def test_a_job_calls_targets_that_exist(job: str):
    assert targets(commands(job)) <= phony()


def test_every_phony_target_exists_and_contributing_names_those_a_person_runs():
    defined = set(re.findall(r"^([a-z-]+):(?!=)", MAKEFILE, re.MULTILINE))
    assert defined == phony()
    contributing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert defined - targets(contributing) == {"bench-quick", "clean", "test-wheel", "version"}


def test_ci_on_linux_runs_what_everybody_runs():
    assert ".ci/run" in [step.get("run") for step in steps("ci/everything")]
    run = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert {"lint", "lint-workflows", "test", "release-check", "test-packaging"} <= targets(run) <= phony()


def test_ci_on_linux_has_the_programs_that_ci_run_installs_as_root():
    run = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    packages = set(re.findall(r"apt-get install -y --no-install-recommends ([\w-]+)", run))
    installed = re.findall(r"apt-get install --yes --no-install-recommends (.*)", commands("ci/everything"))
    assert packages - {"chromium"} == set(installed[0].split()), "Ubuntu's chromium is a snap; GitHub's images have one"


def test_the_tests_run_on_three_systems_with_every_python_that_is_claimed():
    matrix = JOBS["ci/test"]["strategy"]["matrix"]
    assert [system.split("-")[0] for system in matrix["os"]] == ["ubuntu", "macos", "windows"]
    claimed = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["classifiers"]))
    assert matrix["python"][: len(claimed)] == claimed
    assert PROJECT["requires-python"] == f">={matrix['python'][0]}"
    tried = JOBS["release/test-wheel"]["strategy"]["matrix"]["python"]
    assert (tried[0], tried[-1]) == (matrix["python"][0], matrix["python"][-1])
    assert "make test PYTHON=python" in commands("ci/test")


def test_no_statement_numbers_its_parameters_which_python_3_14_refuses():
    sandbox = (ROOT / "arize_mcp" / "sandbox").glob("*.py")
    assert not [path.name for path in sandbox if re.search(r"\?\d", path.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("name", WORKFLOWS)
def test_every_action_is_pinned_by_a_commit_with_its_version_beside_it(name: str):
    text = (ROOT / ".github" / "workflows" / f"{name}.yml").read_text(encoding="utf-8")
    used = re.findall(r"uses: (.*)", text)
    assert used
    for action in used:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+|\./\.github/workflows/ci\.yml # .*", action)


def test_one_action_is_pinned_to_one_commit_everywhere():
    pins = {step["uses"] for job in JOBS for step in steps(job) if "uses" in step}
    assert len(pins) == len({pin.split("@")[0] for pin in pins})


@pytest.mark.parametrize("job", JOBS)
def test_a_job_may_do_no_more_than_it_must(job: str):
    assert WORKFLOWS[job.partition("/")[0]]["permissions"] == {}
    more = {
        "release/pypi": {"id-token": "write"},
        "release/github": {"contents": "write", "id-token": "write", "attestations": "write"},
        "release/registry": {"contents": "read", "id-token": "write"},
    }
    assert JOBS[job]["permissions"] == more.get(job, {"contents": "read"})
    for step in steps(job):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False
    # A job that may sign or write runs nothing of the project's or of its dependencies.
    if job in more:
        assert not targets(commands(job))
        assert not re.search(r"\b(pip|npm|npx|python)\b", commands(job))


def test_a_release_publishes_only_what_was_built_once_and_tested():
    needs = {job: JOBS[f"release/{job}"].get("needs") for job in WORKFLOWS["release"]["jobs"]}
    assert needs == {
        "ci": None,
        "build": None,
        "test-wheel": "build",
        "pypi": ["ci", "test-wheel"],
        "github": "pypi",
        "registry": "github",
    }
    assert [job for job in JOBS if "release-check" in commands(job)] == ["release/build"]
    assert "make test-wheel" in commands("release/test-wheel")
    # Nothing from a cache, which another run may have filled, goes into what is published.
    assert not [
        step for job in JOBS if job.startswith("release/") for step in steps(job) if "cache" in step.get("with", {})
    ]


@pytest.mark.parametrize("job", [job for job in JOBS if "uses" not in JOBS[job]])
def test_a_job_that_hangs_is_ended(job: str):
    assert JOBS[job]["timeout-minutes"] <= 90


@pytest.mark.parametrize("name", ["ISSUE_TEMPLATE/bug.yml", "PULL_REQUEST_TEMPLATE.md"])
def test_who_reports_is_asked_for_the_preflight_and_not_for_the_key(name: str):
    text = (ROOT / ".github" / name).read_text(encoding="utf-8")
    assert "arize-mcp check --json" in text
    assert re.search(r"never the key|holds no key", text)


@pytest.mark.parametrize("path", sorted((ROOT / ".github").glob("**/*.yml")), ids=lambda path: path.name)
def test_every_form_and_configuration_is_yaml(path: Path):
    assert isinstance(yaml.safe_load(path.read_text(encoding="utf-8")), dict)


@pytest.fixture(scope="module")
def on_pypi() -> str:
    """The README as the build puts it into the wheel."""
    command = [sys.executable, "-m", "hatch_fancy_pypi_readme", "pyproject.toml"]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, encoding="utf-8").stdout


def test_every_link_works_on_pypi(on_pypi: str):
    links = re.findall(r"\]\(([^)\s]+)", on_pypi)
    assert len(links) == len(re.findall(r"\]\(", README))
    assert not [link for link in links if not link.startswith("https://")]
    # Run alone, the plugin doesn't know the version.
    ours = [re.sub(rf"^{HOME}/(blob|raw)/v[^/]+/|#.*", "", link) for link in links if link.startswith(HOME)]
    assert ours
    assert not [name for name in ours if not (ROOT / name).is_file()]


def test_a_picture_on_pypi_is_the_file_and_not_githubs_page_of_it(on_pypi: str):
    pictures = re.findall(r"!\[[^\]]*\]\(([^)\s]+)", on_pypi)
    assert pictures
    assert not [link for link in pictures if not link.startswith(f"{HOME}/raw/v")]


def test_pypi_shows_the_readme_and_the_registrys_marker(on_pypi: str):
    assert f"<!-- mcp-name: {SERVER['name']} -->" in on_pypi
    assert re.sub(r"\]\([^)]*\)", "", on_pypi).strip() == re.sub(r"\]\([^)]*\)", "", README).strip()


def test_the_projects_address_stands_in_pyproject_alone():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert set(re.findall(r"https://github\.com/[\w-]+/[\w-]+", text)) == {HOME}
    files = [ROOT / "bundle" / "manifest.json", *ROOT.glob("[!.]*.*"), *ROOT.glob("arize_mcp/**/*.py")]
    files += [*ROOT.glob("docs/*.md"), *ROOT.glob(".github/**/*.*"), *ROOT.glob("examples/*.*")]
    texts = {path: path.read_text(encoding="utf-8") for path in files if path.is_file()}
    assert [path.name for path in texts if HOME in texts[path]] == ["pyproject.toml"]


def test_what_is_left_out_of_the_coverage_has_its_reason_beside_it():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    left_out = text.partition("exclude_also = [\n")[2].partition("\n]")[0].splitlines()
    assert left_out
    assert all(re.search(r"#.{10,}", line) for line in left_out)
    assert not [path for path in ROOT.glob("arize_mcp/**/*.py") if "pragma: no" in path.read_text(encoding="utf-8")]


def test_the_list_of_documents_names_every_one():
    links = re.findall(r"\]\(([^)]+)\)", (ROOT / "docs" / "README.md").read_text(encoding="utf-8"))
    assert {path.name for path in (ROOT / "docs").glob("*.md")} - {"README.md"} <= set(links)
    assert not [link for link in links if not (ROOT / "docs" / link).is_file()]


def test_a_test_that_windows_cant_run_says_why_and_nine_in_ten_can_run():
    texts = [path.read_text(encoding="utf-8") for path in ROOT.glob("tests/**/test_*.py") if path != Path(__file__)]
    marks = [mark for text in texts for mark in re.findall(r"(pytestmark = |@)pytest\.mark\.posix(.*)", text)]
    assert all(re.fullmatch(r'\(reason="[^"]+"\)', reason) for _, reason in marks)
    tests = [text.count("def test_") for text in texts]
    whole = [text.count("def test_") for text in texts if "pytestmark = pytest.mark.posix" in text]
    assert sum(whole) + sum(kind == "@" for kind, _ in marks) < sum(tests) / 10
