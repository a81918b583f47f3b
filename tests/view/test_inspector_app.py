"""The view in the Inspector's page: a host with a sandbox of its own, stricter than the specification's."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, expect

from tests.test_inspector_page import PACKAGES, page_of
from tests.view.conftest import npm
from tests.view.test_page import CANDIDATE_ID

pytestmark = pytest.mark.view


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return npm(tmp_path_factory.mktemp("inspector-app"), *PACKAGES)


def test_its_command_line_finds_the_app(folder: Path):
    command = [
        *[str(folder / "node_modules" / ".bin" / "mcp-inspector"), "--cli", "-e", "ARIZE_MCP_VIEW=true"],
        *[sys.executable, "-m", "arize_mcp", "--sandbox", "--method", "tools/list", "--app-info"],
    ]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    (told,) = [found for line in done.stdout.splitlines() if (found := json.loads(line))["hasApp"]]
    assert told == {
        "hasApp": True,
        "toolName": "experiments_runs_list",
        "resourceUri": "ui://arize-mcp/runs.html",
        "visibility": ["model", "app"],
        "csp": {},
        "prefersBorder": True,
        "resourceMimeType": "text/html;profile=mcp-app",
    }


@pytest.mark.parametrize("era", ["legacy", "modern"])
def test_its_page_shows_the_runs(folder: Path, browser: Browser, era: str):
    with page_of(folder, "--protocol-era", era, "-e", "ARIZE_MCP_VIEW=true") as address:
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        trouble: list[str] = []
        page.on("pageerror", lambda error: trouble.append(str(error)))
        # The page asks for web fonts: an empty stylesheet does as well.
        page.route(lambda url: "//127.0.0.1:" not in url, lambda route: route.fulfill(content_type="text/css", body=""))
        page.goto(address)
        # Just after it first shows the switch, the page exchanges it for a new one: a key in between is lost.
        for _ in range(5):
            page.get_by_role("switch", name="Connect or disconnect").press("Space")
            try:
                page.get_by_text("Disconnected", exact=True).wait_for(state="hidden", timeout=5_000)
                break
            except Error:
                continue
        page.locator("label", has_text="Apps").click()
        page.get_by_text("List experiment runs").first.click()
        page.get_by_role("textbox", name="experiment_id").fill(CANDIDATE_ID)
        page.get_by_test_id("open-app").click()
        page.locator("[data-app-status=ready]").wait_for()
        # The driver may hear later than the page of the inner frame's document: a locator waits for what it finds.
        view = page.frame_locator("iframe").frame_locator("iframe")
        expect(view.get_by_role("heading")).to_have_text("Runs: 18 · failed: 1 · correctness 1 on average")
        view.get_by_role("button", name="Compare with …").click()
        view.get_by_role("button", name="Compare", exact=True).click()
        expect(view.get_by_role("heading")).to_contain_text("compared with support-baseline-short-prompt")
        assert trouble == []
        page.close()
