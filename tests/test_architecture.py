"""The arrows between the modules: a table, compared with the imports; docs/architecture.svg is drawn from it."""

from __future__ import annotations

import ast
import re
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tests import architecture

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "arize_mcp"

OURS: dict[str, set[str]] = {
    "__init__": set(),
    "__main__": {"cli"},
    "settings.__init__": set(),
    "settings.profiles": set(),
    "settings.variables": {"settings.profiles"},
    "settings.endpoint": {"settings.profiles", "settings.variables"},
    "settings.foreign": {"settings.variables"},
    "settings.settings": {"settings.profiles", "settings.variables", "settings.endpoint", "settings.foreign"},
    "settings.http": {"settings.variables", "settings.settings"},
    "api.__init__": set(),
    "api.ids": set(),
    "api.models": {"api.ids"},
    "api.dataset_models": {"api.ids", "api.models"},
    "api.jsontext": set(),
    "api.html": set(),
    "api.problems": set(),
    "api.refusals": {"api.ids", "api.jsontext", "api.html", "api.problems"},
    "api.retry": {"api.problems"},
    "api.lanes": set(),
    "api.http": {
        "api.jsontext", "api.lanes", "api.problems", "api.refusals", "api.retry", "settings.settings",
    },
    "api.reading": {"api.jsontext"},
    "api.answers": {"api.reading", "api.problems", "api.refusals", "api.http"},
    "api.slots": set(),
    "api.pool": {"api.slots", "api.http", "settings.settings"},
    "api.calls": {"api.problems", "api.retry", "api.http", "api.answers", "api.pool", "settings.settings"},
    "api.paging": {"api.models", "api.answers", "api.calls", "api.problems"},
    "api.lost_appends": {"api.models", "api.problems", "api.answers", "api.calls", "api.paging"},
    "api.all_runs": {"api.models", "api.problems", "api.answers", "api.calls", "api.paging"},
    "api.lost_creates": {"api.models", "api.problems", "api.answers", "api.calls", "api.paging"},
    "api.client": {
        "api.models", "api.dataset_models", "api.problems", "api.http", "api.answers", "api.calls", "api.paging",
        "api.lost_creates", "api.lost_appends", "api.all_runs", "api.pool", "settings.settings",
    },
    "analysis.__init__": set(),
    "analysis.numbers": set(),
    "analysis.fields": set(),
    "analysis.errors": {"analysis.fields"},
    "analysis.runs": {"analysis.errors", "analysis.fields", "analysis.numbers"},
    "analysis.summary": {"analysis.errors", "analysis.fields", "analysis.numbers", "analysis.runs"},
    "analysis.comparison": {"analysis.fields", "analysis.numbers", "analysis.runs", "analysis.summary"},
    "analysis.query": {"analysis.fields", "analysis.numbers"},
    "files.__init__": set(),
    "files.beneath": set(),
    "files.rows": {"api.problems"},
    "files.lines": {"files.rows"},
    "files.jsonrows": {"files.lines", "files.rows"},
    "files.csvrows": {"files.lines", "files.rows"},
    "files.parquetrows": {"files.rows"},
    "files.formats": {"files.rows", "files.jsonrows", "files.csvrows", "files.parquetrows"},
    "files.runs": {"api.problems", "files.rows"},
    "files.folder": {"api.problems", "files.beneath", "files.formats"},
    "files.runfile": {"api.problems", "files.folder", "files.formats", "files.rows", "files.runs"},
    "files.writers": {"files.folder", "files.formats", "files.parquetrows"},
    "server.__init__": set(),
    "server.schemas": set(),
    "server.argument_text": {"api.jsontext"},
    "server.arguments": {
        "api.ids", "api.jsontext", "api.models", "api.problems", "server.argument_text", "server.schemas",
    },
    "server.shortening": {"api.answers", "api.jsontext", "api.problems"},
    "server.fitting": {"api.answers", "api.jsontext", "server.shortening"},
    "server.confirming": {"api.problems", "settings.settings"},
    "server.scores": {"api.problems"},
    "server.listing": {"api.answers", "api.jsontext", "server.shortening"},
    "server.analysis_models": {"api.models"},
    "server.computing": {
        "analysis.comparison", "analysis.fields", "analysis.query", "analysis.runs", "analysis.summary", "api.calls",
        "api.client", "api.models", "api.problems", "server.analysis_models", "server.listing", "server.shortening",
    },
    "server.prompts": {
        "api.client", "api.problems", "settings.settings", "server.arguments", "server.analysis_models",
        "server.computing", "server.shortening",
    },
    "server.resources": {
        "api.answers", "api.client", "api.models", "api.problems", "server.arguments", "server.analysis_models",
        "server.computing", "server.fitting", "server.shortening",
    },
    "server.tools.__init__": set(),
    "server.tools.tool": {
        "api.answers", "api.calls", "api.client", "api.models", "api.problems", "settings.settings", "server.schemas",
        "server.fitting", "server.shortening", "server.confirming",
    },
    "server.tools.experiments": {
        "api.answers", "api.calls", "api.models", "api.client", "server.confirming", "server.scores",
        "server.shortening", "server.tools.tool",
    },
    "server.tools.datasets": {"api.dataset_models", "api.client", "server.shortening", "server.tools.tool"},
    "server.tools.dataset_advice": {
        "api.answers", "api.dataset_models", "api.paging", "api.problems", "server.tools.tool",
    },
    "server.recording": {
        "api.answers", "api.calls", "api.client", "api.ids", "api.jsontext", "api.lost_appends", "api.models",
        "api.paging", "api.problems", "files.folder", "files.runfile", "files.runs",
    },
    "server.exporting": {
        "api.answers", "api.calls", "api.client", "api.models", "api.paging", "api.problems", "files.folder",
        "files.writers",
    },
    "server.tools.files": {
        "api.problems", "files.folder", "server.confirming", "server.exporting", "server.recording",
        "server.shortening", "server.tools.tool",
    },
    "server.tools.analysis": {
        "server.analysis_models", "server.computing", "server.shortening", "server.tools.tool",
    },
    "server.tools.toolsets": {"settings.settings", "server.tools.tool", "server.tools.experiments"},
    "server.view": {"server.tools.tool"},
    "server.app": {
        "api.calls", "api.client", "api.problems", "settings.settings", "server.arguments", "server.confirming",
        "server.shortening", "server.prompts", "server.resources", "server.schemas", "server.tools.tool",
        "server.tools.toolsets", "server.view",
    },
    "transports.__init__": set(),
    "transports.wire": set(),
    "transports.stderr": set(),
    "transports.outline": set(),
    "transports.lines": {"transports.outline"},
    "transports.messages": {"api.jsontext", "api.problems", "transports.lines", "transports.outline"},
    "transports.requests": {"api.jsontext", "transports.messages"},
    "transports.streams": {"transports.lines", "transports.messages", "transports.requests"},
    "transports.pipes": {"transports.lines", "transports.streams", "transports.wire"},
    "transports.files": {"transports.lines", "transports.streams", "transports.wire"},
    "transports.stdio": {"transports.pipes", "transports.files", "transports.wire"},
    "transports.refusals": {"api.problems"},
    "transports.doors": {"settings.http", "transports.refusals"},
    "transports.keys": {"api.client", "api.pool", "settings.settings", "settings.variables", "transports.refusals"},
    "transports.call_log": {"api.http", "api.problems", "transports.keys"},
    "transports.http": {
        "api.pool", "server.app", "settings.http", "transports.call_log", "transports.doors",
        "transports.keys", "transports.refusals",
    },
    "transports.listening": {"settings.http", "settings.settings", "transports.doors", "transports.http"},
    "sandbox.__init__": set(),
    "sandbox.problems": set(),
    "sandbox.cursors": {"sandbox.problems"},
    "sandbox.rules": {"sandbox.problems"},
    "sandbox.store": {"sandbox.problems"},
    "sandbox.seed": {"sandbox.store"},
    "sandbox.app": {"sandbox.problems", "sandbox.cursors", "sandbox.rules", "sandbox.store", "sandbox.seed"},
    "sandbox.serve": {"sandbox.app", "sandbox.store", "sandbox.seed"},
    "commands.__init__": set(),
    "commands.steps": set(),
    "commands.check": {
        "settings.settings", "settings.http", "settings.endpoint", "api.calls", "api.client", "api.models",
        "api.problems", "commands.steps",
    },
    "commands.check_http": {"settings.settings", "api.http", "api.problems", "commands.steps"},
    "commands.demo": set(),
    "cli": {
        "settings.settings", "commands.demo", "commands.check", "commands.check_http", "api.client", "api.problems",
        "server.app", "transports.stderr", "transports.stdio", "transports.streams", "transports.wire",
        "settings.http", "transports.http",
        "transports.keys", "transports.listening", "sandbox.app", "sandbox.seed", "sandbox.serve",
    },
}  # fmt: skip
"""What each module imports of ours."""

THEIRS: dict[str, set[str]] = {
    "httpx": {"api.http", "api.lanes"},
    "httptools": {"api.lanes"},
    "truststore": {"api.http"},
    "mcp": {
        "server.tools.tool",
        "server.app",
        "server.confirming",
        "server.prompts",
        "server.resources",
        "server.view",
        "transports.messages",
        "transports.requests",
        "transports.stdio",
        "transports.streams",
        "transports.http",
        "transports.call_log",
        "transports.keys",
        "commands.demo",
    },
    "starlette": {
        "sandbox.app",
        "sandbox.rules",
        "sandbox.problems",
        "transports.refusals",
        "transports.doors",
        "transports.keys",
        "transports.http",
        "transports.listening",
    },
    "sse_starlette": {"transports.http"},
    "uvicorn": {"sandbox.serve", "transports.listening"},
    "sqlite3": {"sandbox.store"},
    "argparse": {"cli"},
}
"""Who imports what of others'."""

MODULES = {".".join(path.relative_to(PACKAGE).with_suffix("").parts): path for path in PACKAGE.rglob("*.py")}


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: a relative import"
            found |= {node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def test_every_module_is_on_the_map():
    assert set(MODULES) == set(OURS)


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_what_its_arrows_lead_to(module: str):
    ours = {name.removeprefix("arize_mcp.") for name in imports(MODULES[module])} & set(MODULES)
    assert ours == OURS[module]


def test_no_way_along_the_arrows_leads_back():
    TopologicalSorter(OURS).prepare()
    TopologicalSorter(architecture.rooms(OURS)).prepare()


@pytest.mark.parametrize("library", THEIRS)
def test_a_library_is_imported_only_where_it_belongs(library: str):
    users = {module for module, path in MODULES.items() if library in {name.split(".")[0] for name in imports(path)}}
    assert users == THEIRS[library]


@pytest.mark.parametrize("module", [module for module in MODULES if module.startswith("analysis.")])
def test_what_computes_imports_nothing_but_the_standard_library_and_its_own_room(module: str):
    others = {name.split(".")[0] for name in imports(MODULES[module])} - {"arize_mcp"}
    assert others <= sys.stdlib_module_names
    assert all(name.startswith("analysis.") for name in OURS[module])


def test_only_the_settings_read_the_environment():
    readers: set[str] = set()
    for module, path in MODULES.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv", "argv"):
                readers.add(module)
    assert readers == {"settings.settings", "settings.http"}


@pytest.mark.parametrize("module", MODULES)
def test_a_module_stays_small(module: str):
    assert len(MODULES[module].read_text(encoding="utf-8").splitlines()) <= 400


def test_the_picture_is_drawn_from_this_table(tmp_path: Path):
    picture = tmp_path / "architecture.svg"
    architecture.main([str(picture)])
    assert picture.read_text(encoding="utf-8") == (ROOT / "docs" / "architecture.svg").read_text(encoding="utf-8")


def test_every_file_that_the_document_names_is_there():
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([\w./-]+(?:\.(?:py|md|json|toml|html|svg|yaml)|/))`", text))
    assert len(named) > 40
    assert sorted(name for name in named if not (ROOT / name).exists()) == []


def test_the_document_names_every_room():
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert [
        room for room in sorted(architecture.rooms(OURS)) if f"`arize_mcp/{architecture.path_of(room)}`" not in text
    ] == []
