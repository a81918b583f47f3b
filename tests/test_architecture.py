"""The arrows between the modules: read from the imports, compared with what is allowed."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "arize_mcp"

OURS: dict[str, set[str]] = {
    "__init__": set(),
    "__main__": {"cli"},
    "settings.__init__": set(),
    "settings.profiles": set(),
    "settings.variables": {"settings.profiles"},
    "settings.endpoint": {"settings.profiles", "settings.variables"},
    "settings.foreign": {"settings.variables"},
    "settings.settings": {"settings.profiles", "settings.variables", "settings.endpoint", "settings.foreign"},
    "api.__init__": set(),
    "api.ids": set(),
    "api.models": {"api.ids"},
    "api.dataset_models": {"api.ids", "api.models"},
    "api.jsontext": set(),
    "api.html": set(),
    "api.problems": set(),
    "api.refusals": {"api.ids", "api.jsontext", "api.html", "api.problems"},
    "api.retry": {"api.problems", "api.models"},
    "api.http": {"api.jsontext", "api.problems", "api.refusals", "api.retry", "settings.settings"},
    "api.reading": {"api.jsontext"},
    "api.answers": {"api.reading", "api.problems", "api.refusals", "api.http"},
    "api.calls": {"api.problems", "api.retry", "api.http", "api.answers", "settings.settings"},
    "api.paging": {"api.models", "api.answers", "api.calls"},
    "api.lost_creates": {"api.models", "api.problems", "api.answers", "api.calls", "api.paging"},
    "api.client": {
        "api.models", "api.dataset_models", "api.problems", "api.http", "api.answers", "api.calls", "api.paging",
        "api.lost_creates", "settings.settings",
    },
    "server.__init__": set(),
    "server.schemas": set(),
    "server.argument_text": {"api.jsontext"},
    "server.arguments": {
        "api.ids", "api.jsontext", "api.models", "api.problems", "server.argument_text", "server.schemas",
    },
    "server.shortening": {"api.answers", "api.jsontext", "api.problems"},
    "server.fitting": {"api.answers", "api.jsontext", "server.shortening"},
    "server.confirming": {"api.answers", "api.problems", "settings.settings"},
    "server.prompts": set(),
    "server.resources": {
        "api.client", "api.models", "api.problems", "server.arguments", "server.fitting", "server.shortening",
    },
    "server.tools.__init__": set(),
    "server.tools.tool": {
        "api.answers", "api.calls", "api.client", "api.models", "api.problems", "settings.settings", "server.schemas",
        "server.fitting", "server.shortening",
    },
    "server.scores": {"api.problems"},
    "server.tools.experiments": {
        "api.answers", "api.calls", "api.models", "api.client", "server.confirming", "server.scores",
        "server.shortening", "server.tools.tool",
    },
    "server.tools.datasets": {"api.dataset_models", "api.client", "server.shortening", "server.tools.tool"},
    "server.tools.dataset_advice": {
        "api.answers", "api.dataset_models", "api.paging", "api.problems", "server.tools.tool",
    },
    "server.tools.toolsets": {"settings.settings", "server.tools.tool", "server.tools.experiments"},
    "server.app": {
        "api.calls", "api.client", "api.problems", "settings.settings", "server.arguments", "server.confirming",
        "server.shortening",
        "server.prompts", "server.resources", "server.tools.tool", "server.tools.toolsets",
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
    "sandbox.__init__": set(),
    "sandbox.problems": set(),
    "sandbox.cursors": {"sandbox.problems"},
    "sandbox.rules": {"sandbox.problems"},
    "sandbox.store": {"sandbox.problems"},
    "sandbox.seed": {"sandbox.store"},
    "sandbox.app": {"sandbox.problems", "sandbox.cursors", "sandbox.rules", "sandbox.store", "sandbox.seed"},
    "sandbox.serve": {"sandbox.app", "sandbox.store", "sandbox.seed"},
    "commands.__init__": set(),
    "commands.check": {"settings.settings", "settings.endpoint", "api.client", "api.models", "api.problems"},
    "commands.demo": set(),
    "cli": {
        "settings.settings", "commands.demo", "commands.check", "api.client", "api.problems", "server.app",
        "transports.stderr", "transports.stdio", "transports.wire", "sandbox.app", "sandbox.seed", "sandbox.serve",
    },
}  # fmt: skip
"""What each module may import of ours."""

THEIRS: dict[str, set[str]] = {
    "httpx": {"api.http"},
    "truststore": {"api.http"},
    "mcp": {
        "server.tools.tool",
        "server.app",
        "server.confirming",
        "server.prompts",
        "server.resources",
        "transports.messages",
        "transports.requests",
        "transports.stdio",
        "transports.streams",
        "commands.demo",
    },
    "starlette": {"sandbox.app", "sandbox.rules", "sandbox.problems"},
    "uvicorn": {"sandbox.serve"},
    "sqlite3": {"sandbox.store"},
    "argparse": {"cli"},
}
"""Who may import what of others'."""

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
def test_a_module_imports_only_along_the_arrows(module: str):
    ours = {name.removeprefix("arize_mcp.") for name in imports(MODULES[module])} & set(MODULES)
    assert ours <= OURS[module]


@pytest.mark.parametrize("module", MODULES)
def test_a_library_is_imported_only_where_it_belongs(module: str):
    theirs = {name.split(".")[0] for name in imports(MODULES[module])} & set(THEIRS)
    assert [name for name in sorted(theirs) if module not in THEIRS[name]] == []


def test_only_the_settings_read_the_environment():
    readers: set[str] = set()
    for module, path in MODULES.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv", "argv"):
                readers.add(module)
    assert readers == {"settings.settings"}


@pytest.mark.parametrize("module", MODULES)
def test_a_module_stays_small(module: str):
    assert len(MODULES[module].read_text(encoding="utf-8").splitlines()) <= 400
