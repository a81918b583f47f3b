"""README, server.json, CHANGELOG and the code agree."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from arize_mcp.server import analysis_models
from arize_mcp.server.tools.toolsets import offered
from arize_mcp.settings import endpoint, settings
from tests.stdio_process import Session

TOOLS = offered(())

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
SERVER: dict[str, Any] = json.loads((ROOT / "server.json").read_text(encoding="utf-8"))
PACKAGE: dict[str, Any] = SERVER["packages"][0]
MANIFEST: dict[str, Any] = json.loads((ROOT / "bundle" / "manifest.json").read_text(encoding="utf-8"))
VERSION = version("arize-mcp")


def rows(heading: str) -> list[list[str]]:
    """The rows of the README's table under a heading, without the head."""
    section = README.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def variables() -> set[str]:
    """The ARIZE_ variables that the settings read."""
    texts = {
        node.value
        for name in ("settings", "endpoint")
        for node in ast.walk(ast.parse((ROOT / "arize_mcp" / "settings" / f"{name}.py").read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return {text for text in texts if re.fullmatch(r"ARIZE_[A-Z_]+", text)}


def test_server_json_is_valid():
    schema = json.loads((ROOT / "tests" / "server.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft7Validator(schema).validate(SERVER)  # pyright: ignore[reportUnknownMemberType] - untyped there
    assert len(SERVER["description"]) <= 100


def test_the_versions_agree():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.search(r"^## \[(\d+\.\d+\.\d+)\]", changelog, re.MULTILINE)
    assert newest
    assert {SERVER["version"], PACKAGE["version"], MANIFEST["version"], newest[1], VERSION} == {project["version"]}
    assert PACKAGE["identifier"] == project["name"]
    for path in ("deploy/kubernetes.yaml", ".github/ISSUE_TEMPLATE/bug.yml"):
        text = (ROOT / path).read_text(encoding="utf-8")
        assert set(re.findall(r"arize-mcp[: ](\d+\.\d+\.\d+)", text)) == {project["version"]}, path


def test_the_readme_carries_the_registrys_marker():
    assert f"<!-- mcp-name: {SERVER['name']} -->" in README


def test_the_readme_says_first_how_to_run_and_test_it():
    assert blocks("sh")[0].splitlines()[0].startswith("make demo")
    assert blocks("sh")[0].splitlines()[1].startswith("make test")
    assert "independent project" in README.split("\n## ")[0]


def test_the_readmes_tools_are_the_tools():
    table = {name.strip("`"): writes for name, _, writes in rows("The tools")}
    assert table == {
        tool.name: "no" if tool.read_only else "yes, destructive" if tool.destructive else "yes"
        for tool in TOOLS.values()
    }


def test_the_readmes_toolsets_are_the_toolsets():
    table = {
        name.strip("`"): (toolset.strip("`"), writes)
        for toolset, name, _, writes in rows("More tools, when you want them")
    }
    assert table == {
        name: (toolset, "no" if tool.read_only else "yes, destructive" if tool.destructive else "yes")
        for toolset in {toolset for toolset, _ in table.values()}
        for name, tool in offered((toolset,)).items()
        if name not in TOOLS
    }


def test_the_readmes_section_on_more_tools_stays_short():
    section = README.split("\n## More tools, when you want them\n")[1].split("\n## ")[0]
    assert len([line for line in section.splitlines() if line]) <= 15


def test_the_document_on_numbers_names_every_member_of_an_answer():
    document = (ROOT / "docs" / "analysis.md").read_text(encoding="utf-8")
    members = {
        name
        for model in (analysis_models.Summary, analysis_models.Comparison, analysis_models.Table)
        for name in model.model_fields
    }
    assert sorted(name for name in members if f"`{name}`" not in document) == []


def test_the_readmes_settings_are_the_settings_and_server_jsons():
    table = {name.strip("`"): default.strip("`") for name, default, _ in rows("Settings")}
    listed = {entry["name"]: entry.get("default", "") for entry in PACKAGE["environmentVariables"]}
    assert set(table) == variables()
    assert table == listed


def test_server_jsons_choices_and_arguments_are_the_ones_that_are_taken():
    choices = {entry["name"]: entry["choices"] for entry in PACKAGE["environmentVariables"] if "choices" in entry}
    assert choices["ARIZE_REGION"] == list(endpoint.REGIONS)
    assert choices["ARIZE_MCP_CONFIRM_DELETE"] == list(settings.CONFIRM_DELETE)
    assert choices["ARIZE_MCP_LOG_LEVEL"] == list(settings.LOG_LEVELS)
    assert PACKAGE["runtimeHint"] == "uvx"
    for argument in PACKAGE["packageArguments"]:
        for value in argument["choices"]:
            session = Session(f"{argument['name']}={value}")
            assert session.initialize()["serverInfo"]["version"] == VERSION
            assert session.end()[:2] == (0, b"")


def test_the_dockerfile_copies_what_there_is_and_starts_the_console_script():
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    copied = [name for line in re.findall(r"^COPY (?!--)(.+) \S+$", dockerfile, re.MULTILINE) for name in line.split()]
    let_in = (ROOT / ".dockerignore").read_text(encoding="utf-8")
    assert all((ROOT / name).exists() and f"!{name}\n" in let_in for name in copied)
    assert len(copied) == 4
    assert 'ENTRYPOINT ["/app/bin/arize-mcp"]' in dockerfile


def test_the_key_is_a_secret():
    secret = [entry["name"] for entry in PACKAGE["environmentVariables"] if entry.get("isSecret")]
    assert secret == ["ARIZE_API_KEY", "ARIZE_PROXY_URL"]


def test_the_bundles_manifest_says_what_the_code_does():
    assert MANIFEST["tools"] == [{"name": tool.name, "description": tool.title} for tool in TOOLS.values()]
    environ: dict[str, str] = dict(MANIFEST["server"]["mcp_config"]["env"])
    asked: dict[str, dict[str, Any]] = MANIFEST["user_config"]
    assert set(environ) <= variables()
    # One choice says both whether there are tools for files and where: an empty folder leaves the toolset out.
    assert asked["files_dir"]["type"] == "directory"
    environ["ARIZE_MCP_TOOLSETS"] = environ["ARIZE_MCP_TOOLSETS"].removesuffix(",files")
    assert [f"${{user_config.{name}}}" for name in asked] == list(environ.values())
    # What is left out arrives as an unfilled placeholder where there is no default.
    assert [name for name, field in asked.items() if "default" not in field] == ["api_key"]
    assert (asked["api_key"]["sensitive"], asked["api_key"]["required"]) == (True, True)
    assert all(region in asked["region"]["description"] for region in endpoint.REGIONS)
    assert all(word in asked["confirm_delete"]["description"] for word in settings.CONFIRM_DELETE)
    assert all(word in asked["toolsets"]["description"] for word in settings.TOOLSETS)
    assert (ROOT / MANIFEST["server"]["entry_point"]).is_file()


def test_the_views_document_has_its_pictures_and_whole_configurations():
    text = (ROOT / "docs" / "view.md").read_text(encoding="utf-8")
    pictures = re.findall(r"!\[[^]]+\]\(([^)]+)\)", text)
    assert {f"docs/{name}" for name in pictures} > {*re.findall(r"!\[[^]]+\]\((docs/view[^)]+)\)", README)}
    assert all((ROOT / "docs" / name).read_bytes().startswith(b"\x89PNG") for name in pictures)
    configurations = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", text, re.DOTALL)]
    for configuration in configurations:
        (server,) = (configuration.get("mcpServers") or configuration["servers"]).values()
        assert [server["command"], *server["args"]] == ["uvx", "arize-mcp"]
        assert server["env"].keys() == {"ARIZE_API_KEY", "ARIZE_MCP_VIEW"}
    assert len(configurations) == 2


@pytest.mark.parametrize("block", blocks("json"))
def test_every_json_block_is_a_whole_object(block: str):
    value = json.loads(block)
    for server in value.get("mcpServers", {}).values():
        assert [server["command"], *server["args"]] == ["uvx", "arize-mcp"]
        assert set(server["env"]) <= variables()


def test_every_dependency_is_bounded_and_has_its_reason():
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    assert all(re.fullmatch(r"[a-z0-9-]+>=[\d.]+,<\d+", requirement) for requirement in declared)
    table = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    reasons = re.findall(r"^\| `([a-z0-9-]+)` \| \S", table, re.MULTILINE)
    assert sorted(reasons) == sorted(requirement.split(">=")[0] for requirement in declared)


def test_every_example_says_everywhere_the_same_how_to_install_it():
    runner = (ROOT / "examples" / "run_all.py").read_text(encoding="utf-8")
    table = (ROOT / "examples" / "README.md").read_text(encoding="utf-8")
    for path in (ROOT / "examples").glob("*.py"):
        if path.name != "run_all.py":
            assert path.name in runner
            assert path.name in table
            requirements = re.findall(r'"([a-z][a-z-]*(?:\[[a-z]+\])?[<>=~][^"\s]*)"', path.read_text(encoding="utf-8"))
            assert requirements
            for requirement in requirements:
                assert requirement in runner
                assert requirement in table


def test_the_performance_document_shows_the_results_that_lie_beside_it(tmp_path: Path):
    results = ROOT / "benchmarks" / "results.json"
    measured = json.loads(results.read_text(encoding="utf-8"))
    assert not measured["quick"], "make bench has not measured it"
    assert not measured["forced"]
    shown = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8").split("make bench -->")[1].split("<!--")[0]
    tables = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / "report.py", results], check=True, capture_output=True, encoding="utf-8"
    )
    assert shown.strip() == tables.stdout.strip()
    plot = tmp_path / "plot.svg"
    subprocess.run([sys.executable, ROOT / "benchmarks" / "plot.py", results, plot], check=True, capture_output=True)
    assert plot.read_text(encoding="utf-8") == (ROOT / "docs" / "performance.svg").read_text(encoding="utf-8")


def test_the_python_block_compiles():
    for block in blocks("python"):
        compile(block, "README.md", "exec")


def test_the_readme_says_how_much_context_the_tools_take():
    claimed = re.search(r"less than ([\d,]+) characters", README)
    assert claimed
    definitions = [
        tool.definition().model_dump(by_alias=True, exclude_none=True, mode="json") for tool in TOOLS.values()
    ]
    assert len(json.dumps(definitions, separators=(",", ":"))) < int(claimed[1].replace(",", ""))
