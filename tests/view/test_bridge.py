"""The page in the reference host: AppBridge of @modelcontextprotocol/ext-apps, which knows every schema."""

from __future__ import annotations

from pathlib import Path
from subprocess import run
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.view.conftest import Show, npm
from tests.view.test_page import CANDIDATE_ID, RUNS, cells, compare

pytestmark = pytest.mark.view

PACKAGES = ["@modelcontextprotocol/ext-apps@2.0.4", "@modelcontextprotocol/client@2.4.0", "zod@4.6.7", "esbuild@0.28.2"]


@pytest.fixture(scope="module")
def bridge(tmp_path_factory: pytest.TempPathFactory) -> str:
    """bridge.mjs and what it imports, as one script."""
    folder = npm(tmp_path_factory.mktemp("bridge"), *PACKAGES)
    source = folder / "bridge.mjs"
    source.write_bytes((Path(__file__).parent / "bridge.mjs").read_bytes())
    bundled = folder / "bridge.js"
    esbuild = folder / "node_modules" / ".bin" / "esbuild"
    run(
        [esbuild, source, "--bundle", "--format=iife", f"--outfile={bundled}", "--log-level=error"],
        check=True,
        timeout=60,
    )
    return bundled.read_text(encoding="utf-8").replace("</script", "<\\/script")


def test_it_shows_loads_and_compares(show: Show, bridge: str):
    host = show(script=bridge)
    host.call(RUNS, {"experiment_id": CANDIDATE_ID, "limit": 5})
    expect(host.title).to_contain_text("First runs: 5")
    host.button("Load all").click()
    expect(host.title).to_have_text("Runs: 18 · failed: 1 · correctness 1 on average")
    assert len(cells(host, "run")) == 18
    compare(host, "support-baseline-short-prompt")
    expect(host.view.get_by_role("listitem").first).to_contain_text("10 better, 0 worse, 7 the same")
    assert (host.requested, host.trouble) == ([], [])


def test_it_is_told_of_problems_cancelling_refusals_and_themes(show: Show, bridge: str):
    def refuse(params: dict[str, Any]) -> dict[str, Any]:
        return {"code": -32000, "message": f"no {params['name']} here"}

    host = show(script=bridge, refuse=refuse)
    host.call(RUNS, {"experiment_id": "nope"})
    expect(host.view.get_by_role("main")).to_contain_text("No experiment has this id.")
    host.call(RUNS, {"experiment_id": CANDIDATE_ID, "limit": 5})
    host.button("Load all").click()
    expect(host.status).to_contain_text("no experiments_runs_list here")
    host.tell("host-context-changed", {"theme": "dark"})
    expect(host.view.locator("html")).to_have_css("color-scheme", "dark")
    host.tell("tool-cancelled", {"reason": "stopped"})
    expect(host.title).to_have_text("The call was cancelled")
    assert host.ask("ui/resource-teardown") == {"result": {}}
    assert (host.requested, host.trouble) == ([], [])


def test_a_further_page_is_one_line(show: Show, bridge: str):
    host = show(script=bridge)
    first = host.call(RUNS, {"experiment_id": CANDIDATE_ID, "limit": 5})["structuredContent"]
    host.call(RUNS, {"experiment_id": CANDIDATE_ID, "limit": 5, "cursor": first["pagination"]["next_cursor"]})
    expect(host.title).to_have_text("Further runs: 5")
    host.page.wait_for_function("document.querySelector('iframe').offsetHeight < 60")
    assert host.trouble == []
