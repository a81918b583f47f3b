"""docs/files.md: its recipe, carried out."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

from arize_mcp.files.formats import ENDINGS
from arize_mcp.files.rows import MAX_RUN_BYTES
from arize_mcp.settings.settings import Settings
from tests.conftest import Sandbox
from tests.server.test_recording import hosted

ROOT = Path(__file__).parent.parent
DOCUMENT = (ROOT / "docs" / "files.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^ *```{language}\n(.*?)^ *```", DOCUMENT, re.MULTILINE | re.DOTALL)


async def test_the_recipe_records_its_file(sandbox: Sandbox, tmp_path: Path):
    environ, call = (json.loads(block) for block in blocks("json"))
    assert list(environ["env"]) == ["ARIZE_MCP_TOOLSETS", "ARIZE_MCP_FILES_DIR"]
    (lines,) = blocks("jsonl")
    (tmp_path / call["path"]).write_text(lines, encoding="utf-8")
    async with hosted(sandbox, tmp_path) as host:
        content = await host.record(**{**call, "dataset_id": sandbox.dataset_id})
    assert content["added"] == 2
    runs: list[dict[str, Any]] = sandbox.store.runs(content["id"], 10, 0)[0]
    assert [(run["output"], run["error"], run.get("eval.judge.score")) for run in runs] == [
        ("Press F5.", None, 0.9),
        ("", "timed out", None),
    ]


def test_its_numbers_and_names_are_the_codes():
    assert all(f"`{ending}`" in DOCUMENT for ending in ENDINGS)
    assert f"{MAX_RUN_BYTES:,} bytes" in DOCUMENT
    assert Settings().max_file_bytes == 256 * 1024**2
    assert f"{Settings().max_runs:,}" in DOCUMENT
    (codex,) = re.findall(r"`(env = .*?)`", DOCUMENT)
    assert set(tomllib.loads(codex)["env"]) == {"ARIZE_MCP_TOOLSETS", "ARIZE_MCP_FILES_DIR"}
    for target in re.findall(r"\]\((?!https://)([^)#]+)", DOCUMENT):
        assert (ROOT / "docs" / target).exists()


def test_the_readme_points_to_it():
    assert "(docs/files.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
