"""Takes the pictures of docs/view.md: the sandbox's data in both themes.

python -m tests.view.pictures FOLDER
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Final

from playwright.sync_api import expect, sync_playwright

from tests.stdio_process import Session
from tests.view.host import Host
from tests.view.test_page import BASELINE_ID, CANDIDATE_ID, RUNS, compare, pick

_WIDTH: Final = 860


def main(folder: Path) -> None:
    session = Session("--sandbox", environ={"ARIZE_MCP_VIEW": "true"})
    session.initialize()
    with sync_playwright() as playwright:
        path = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        context = browser.new_context(viewport={"width": _WIDTH, "height": 700})

        light = Host(context.new_page(), session, theme="light")
        light.call(RUNS, {"experiment_id": BASELINE_ID})
        pick(light, "the lowest ten of correctness")
        expect(light.status).to_have_text("10 of 18 runs")
        light.page.locator("iframe").screenshot(path=folder / "view-light.png")

        dark = Host(context.new_page(), session, theme="dark")
        dark.call(RUNS, {"experiment_id": CANDIDATE_ID})
        compare(dark, "support-baseline-short-prompt")
        dark.page.locator("iframe").screenshot(path=folder / "view-dark.png")
        browser.close()
    session.end()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
