"""What axe finds wrong with the page, in every state and both themes: nothing."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.view.conftest import Show, npm
from tests.view.host import Host
from tests.view.test_page import BASELINE_ID, CANDIDATE_ID, RUNS, compare

pytestmark = pytest.mark.view


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = npm(tmp_path_factory.mktemp("axe"), "axe-core@4.14.1")
    return (folder / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


def findings(host: Host, axe: str) -> list[str]:
    """What axe finds, of any severity, by its rules' names."""
    view = host.page.frames[1]
    view.evaluate(f"() => {{ {axe} }}")
    found: list[dict[str, Any]] = view.evaluate("async () => (await axe.run()).violations")
    return [f"{each['id']}: {each['nodes'][0]['html']}" for each in found]


@pytest.mark.parametrize("width", [320, 1000])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(show: Show, axe: str, theme: str, width: int):
    host = show(theme=theme, width=width)
    expect(host.status).to_have_text("Waiting for the result …")
    assert findings(host, axe) == []
    page = host.call(RUNS, {"experiment_id": CANDIDATE_ID, "limit": 5})["structuredContent"]
    host.button("1").first.click()
    host.view.get_by_role("button", name="latency_ms").click()
    assert findings(host, axe) == []
    host.button("Compare with …").click()
    expect(host.view.get_by_label("Baseline")).to_be_visible()
    assert findings(host, axe) == []
    host.call(RUNS, {"experiment_id": BASELINE_ID})
    compare(host, "support-detailed-prompt")
    assert findings(host, axe) == []
    cursor = page["pagination"]["next_cursor"]
    host.call(RUNS, {"experiment_id": CANDIDATE_ID, "limit": 5, "cursor": cursor})
    expect(host.title).to_have_text("Further runs: 5")
    assert findings(host, axe) == []
    host.call(RUNS, {"experiment_id": "nope"})
    expect(host.title).to_have_text("There are no runs to show")
    assert findings(host, axe) == []
