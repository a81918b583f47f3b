"""The page in a real browser, shown by a host that plays the specification's part, over a real server."""

from __future__ import annotations

import json
import random
import re
from collections import defaultdict
from statistics import fmean
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from tests.conftest import Sandbox
from tests.view.conftest import Show
from tests.view.host import Host

pytestmark = pytest.mark.view

BASELINE_ID = "RXhwZXJpbWVudDoxOmFCM2Q="
CANDIDATE_ID = "RXhwZXJpbWVudDoyOmVGNmc="
RUNS = "experiments_runs_list"

Run = dict[str, Any]


def record(sandbox: Sandbox, name: str, runs: list[Run]) -> str:
    """Record an experiment; returns its id."""
    texts = [json.dumps({"output": "o", **run}) for run in runs]
    return sandbox.store.create_experiment(name, sandbox.dataset_id, None, texts)["id"]


def scored(count: int) -> list[Run]:
    return [
        {"example_id": f"e{index}", "output": f"output {index}", "eval.quality.score": index % 7}
        for index in range(count)
    ]


def cells(host: Host, title: str) -> list[str]:
    """What stands in a column, row by row."""
    heads = [head.strip(" ↑↓") for head in host.view.locator("thead th").all_inner_texts()]
    nth = heads.index(title) + 1
    return [text.lstrip("▸▾ ") for text in host.view.locator(f"tbody tr > :nth-child({nth})").all_inner_texts()]


def pick(host: Host, option: str) -> None:
    host.view.get_by_label("Show").select_option(label=option)


def compare(host: Host, baseline: str) -> None:
    host.button("Compare with …").click()
    options = host.view.get_by_label("Baseline")
    expect(options).to_be_focused()
    label = next(text for text in options.locator("option").all_inner_texts() if text.startswith(baseline))
    options.select_option(label=label)
    host.view.get_by_role("button", name="Compare", exact=True).click()
    expect(host.title).to_contain_text("compared with")


def colour(locator: Locator, name: str) -> str:
    return locator.evaluate("(node, name) => getComputedStyle(node).getPropertyValue(name)", name)


def test_it_shows_the_runs_that_the_answer_holds(show: Show):
    host = show()
    runs = host.call(RUNS, {"experiment_id": CANDIDATE_ID})["structuredContent"]["experiment_runs"]
    expect(host.title).to_have_text("Runs: 18 · failed: 1 · correctness 1 on average")
    assert cells(host, "output") == [run["output"] or "" for run in runs]
    assert cells(host, "latency_ms") == [str(run["latency_ms"]) for run in runs]
    assert cells(host, "correctness") == ["" if run["error"] else "1" for run in runs]
    assert cells(host, "correctness label") == [run.get("eval.correctness.label", "") for run in runs]
    assert [text for text in cells(host, "error") if text] == ["APITimeoutError: the model did not answer within 30 s"]
    assert (host.calls, host.requested, host.trouble) == ([], [], [])


def test_it_says_who_it_is_and_nothing_before_it_was_answered(show: Show):
    host = show()
    (hello,) = host.sent("ui/initialize")
    assert hello["protocolVersion"] == "2026-01-26"
    assert hello["appInfo"]["name"] == "arize-mcp"
    expect(host.status).to_have_text("Waiting for the result …")


def test_a_row_unfolds_to_all_of_a_run(show: Show, sandbox: Sandbox, environ: dict[str, str]):
    long = "A long answer. " * 60
    run = {"example_id": "e", "output": long, "eval.q.score": 0.5, "eval.q.explanation": long[::-1], "more": {"a": [1]}}
    host = show(environ)
    host.call(RUNS, {"experiment_id": record(sandbox, "long", [run])})
    expect(host.view.locator("td", has_text="A long answer")).not_to_have_text(long)
    fold = host.button("1")
    fold.click()
    expect(fold).to_have_attribute("aria-expanded", "true")
    shown = host.view.locator("td[colspan] p").all_inner_texts()
    assert shown[:2] == [f"output\n{long}", f"eval.q.explanation\n{long[::-1]}"]
    assert 'more\n{"a":[1]}' in shown
    fold.click()
    expect(host.view.locator("td[colspan]")).to_have_count(0)


def test_it_counts_the_runs_by_score(show: Show):
    host = show()
    host.call(RUNS, {"experiment_id": BASELINE_ID})
    expect(host.view.get_by_role("img")).to_have_accessible_name("correctness, 0 to 1, in equal steps: 4, 6, 8 runs")


def test_a_header_sorts_and_what_is_absent_comes_last(show: Show):
    host = show()
    host.call(RUNS, {"experiment_id": BASELINE_ID})
    head = host.view.get_by_role("columnheader", name="latency_ms")
    head.get_by_role("button").press("Enter")
    expect(head).to_have_attribute("aria-sort", "ascending")
    expect(head.get_by_role("button")).to_be_focused()
    numbers = [int(text) for text in cells(host, "latency_ms")]
    assert numbers == sorted(numbers)
    head.get_by_role("button").press("Enter")
    expect(head).to_have_attribute("aria-sort", "descending")
    assert [int(text) for text in cells(host, "latency_ms")] == numbers[::-1]
    host.call(RUNS, {"experiment_id": CANDIDATE_ID})
    for _ in range(2):
        host.view.get_by_role("button", name="correctness", exact=True).click()
        assert cells(host, "correctness")[-1] == ""


def test_it_filters_by_failure_by_lowest_score_and_by_text(show: Show):
    host = show()
    runs = host.call(RUNS, {"experiment_id": CANDIDATE_ID})["structuredContent"]["experiment_runs"]
    pick(host, "failed runs")
    expect(host.status).to_have_text("1 of 18 runs")
    assert cells(host, "run") == [str(1 + next(index for index, run in enumerate(runs) if run["error"]))]
    pick(host, "all runs")
    host.view.get_by_label("Text").fill("SETTINGS >")
    found = [run["output"] for run in runs if "settings >" in (run["output"] or "").lower()]
    expect(host.status).to_have_text(f"{len(found)} of 18 runs")
    assert cells(host, "output") == found
    host.call(RUNS, {"experiment_id": BASELINE_ID})
    pick(host, "the lowest ten of correctness")
    assert cells(host, "correctness") == ["0"] * 4 + ["0.5"] * 6


def test_what_stands_below_the_table_stays_when_it_is_filtered(show: Show):
    host = show()
    host.call(RUNS, {"experiment_id": CANDIDATE_ID})
    table = host.view.get_by_role("region", name="Runs")
    before = table.bounding_box()
    pick(host, "failed runs")
    expect(host.status).to_have_text("1 of 18 runs")
    assert table.bounding_box() == before


def test_a_problem_is_told(show: Show):
    host = show()
    host.call(RUNS, {"experiment_id": "nope"})
    expect(host.title).to_have_text("There are no runs to show")
    expect(host.view.get_by_role("main")).to_contain_text("No experiment has this id.")


@pytest.mark.parametrize("environ", [{"ARIZE_API_KEY": ""}, {"ARIZE_API_KEY": "k", "ARIZE_REGION": "nowhere"}])
def test_it_shows_why_there_is_no_answer_at_all(show: Show, environ: dict[str, str]):
    host = show(environ)
    problem = host.call(RUNS, {"experiment_id": CANDIDATE_ID})["structuredContent"]
    expect(host.view.get_by_role("main")).to_contain_text(problem["detail"])


def test_a_result_without_structured_content_is_read_from_its_text(show: Show):
    host = show()
    host.tell("tool-input", {"arguments": {}})
    host.tell(
        "tool-result", {"content": [{"type": "text", "text": '{"experiment_runs": [{"id": "r", "output": "o"}]}'}]}
    )
    expect(host.title).to_have_text("Runs: 1 · failed: 0")
    host.tell("tool-result", {"content": [{"type": "text", "text": "No JSON at all"}], "isError": True})
    expect(host.view.get_by_role("main")).to_contain_text("No JSON at all")


def test_a_cancelled_call_is_told(show: Show):
    host = show()
    host.tell("tool-input", {"arguments": {"experiment_id": CANDIDATE_ID}})
    host.tell("tool-cancelled", {"reason": "The user stopped it"})
    expect(host.title).to_have_text("The call was cancelled")


def test_without_the_hosts_tools_it_offers_none(show: Show):
    host = show(server_tools=False)
    host.call(RUNS, {"experiment_id": CANDIDATE_ID, "limit": 5})
    expect(host.title).to_contain_text("First runs: 5")
    expect(host.view.get_by_role("listitem")).to_have_text("There are more runs, but this host loads none.")
    expect(host.button("Load all")).to_have_count(0)
    expect(host.button("Compare")).to_have_count(0)


def test_it_loads_all_with_the_first_calls_arguments(show: Show, sandbox: Sandbox, environ: dict[str, str]):
    experiment_id = record(sandbox, "many", scored(120))
    host = show(environ)
    host.call(RUNS, {"experiment_id": experiment_id, "limit": 50})
    expect(host.title).to_contain_text("First runs: 50")
    assert host.calls == []
    host.button("Load all").click()
    expect(host.title).to_contain_text(
        f"Runs: 120 · failed: 0 · quality {fmean(i % 7 for i in range(120)):.4g} on average"
    )
    expect(host.title).not_to_contain_text("First")
    expect(host.status).to_have_text("120 runs loaded")
    assert [(name, {**arguments, "cursor": "…"}) for name, arguments in host.calls] == [
        (RUNS, {"experiment_id": experiment_id, "limit": 50, "cursor": "…"})
    ] * 2
    assert cells(host, "output") == [f"output {index}" for index in range(120)]


def test_it_holds_a_thousand_runs_and_draws_two_hundred(show: Show, sandbox: Sandbox, environ: dict[str, str]):
    host = show(environ)
    host.call(RUNS, {"experiment_id": record(sandbox, "huge", scored(1_100)), "limit": 300})
    host.button("Load all").click()
    expect(host.status).to_have_text("1000 runs loaded")
    expect(host.view.get_by_role("listitem")).to_have_text("There are more runs, but this view stops at 1000.")
    expect(host.button("Load all")).to_have_count(0)
    for start in (1, 201, 401, 601, 801, 1):
        turn = host.button(f"{start} to {start + 199} of 1000: show the next")
        expect(turn).to_be_visible()
        assert cells(host, "run") == [str(number) for number in range(start, start + 200)]
        turn.click()


def test_a_refusal_is_told_and_the_table_stays(show: Show):
    def refuse(params: dict[str, Any]) -> dict[str, Any]:
        return {"code": -32000, "message": f"{params['name']} needs approval"}

    host = show(refuse=refuse)
    host.call(RUNS, {"experiment_id": CANDIDATE_ID, "limit": 5})
    host.button("Load all").click()
    expect(host.status).to_have_text("The host refused: experiments_runs_list needs approval")
    assert len(cells(host, "run")) == 5
    host.button("Compare with …").click()
    expect(host.status).to_have_text("The host refused: experiments_get needs approval")
    expect(host.button("Compare with …")).to_be_visible()


def test_a_problem_while_loading_is_told_and_the_table_stays(show: Show, sandbox: Sandbox, environ: dict[str, str]):
    experiment_id = record(sandbox, "gone", scored(20))
    host = show(environ)
    host.call(RUNS, {"experiment_id": experiment_id, "limit": 5})
    expect(host.title).to_contain_text("First runs: 5")
    sandbox.store.delete_experiment(experiment_id)
    host.button("Load all").click()
    expect(host.status).to_contain_text("No experiment has this id.")
    assert len(cells(host, "run")) == 5


def test_a_further_page_is_one_line_until_it_is_asked_for(show: Show):
    for width in (800, 320):
        host = show(width=width)
        first = host.call(RUNS, {"experiment_id": CANDIDATE_ID, "limit": 5})["structuredContent"]
        expect(host.title).to_contain_text("First runs: 5")
        cursor = first["pagination"]["next_cursor"]
        host.call(RUNS, {"experiment_id": CANDIDATE_ID, "limit": 5, "cursor": cursor})
        expect(host.title).to_have_text("Further runs: 5")
        expect(host.view.get_by_role("table")).to_have_count(0)
        host.page.wait_for_function("document.querySelector('iframe').offsetHeight < 60")
        assert host.sent("ui/notifications/size-changed")[-1]["height"] < 60
        host.button("Show the table").click()
        assert len(cells(host, "run")) == 5


def test_notes_and_what_was_cut_are_told(show: Show, sandbox: Sandbox, environ: dict[str, str]):
    runs: list[Run] = [{"example_id": "e", "output": "short"}, {"example_id": "e", "output": "x" * 5_000}]
    host = show({**environ, "ARIZE_MCP_MAX_RESULT_CHARS": "1000"})
    page = host.call(RUNS, {"experiment_id": record(sandbox, "cut", runs)})["structuredContent"]
    expect(host.view.get_by_role("listitem")).to_have_text(page["notes"])
    host.button("Load all").click()
    expect(host.view.get_by_role("listitem")).to_have_text(["Run 2: output is cut from 5000 characters."])


def test_it_follows_the_hosts_theme_and_its_variables(show: Show):
    pages: list[str] = []
    for theme in ("light", "dark"):
        host = show(theme=theme)
        host.call(RUNS, {"experiment_id": CANDIDATE_ID})
        expect(host.title).to_contain_text("Runs: 18")
        pages.append(colour(host.view.locator("body"), "background-color"))
    assert pages == ["rgb(255, 255, 255)", "rgb(31, 31, 31)"]
    host = show(context={"styles": {"variables": {"--color-text-primary": "rgb(1, 2, 3)"}}})
    expect(host.title).to_have_css("color", "rgb(1, 2, 3)")
    changed = {"--color-background-primary": "rgb(9, 8, 7)"}
    host.tell("host-context-changed", {"theme": "dark", "styles": {"variables": changed}})
    expect(host.view.locator("body")).to_have_css("background-color", "rgb(9, 8, 7)")
    expect(host.view.locator("html")).to_have_css("color-scheme", "dark")
    expect(host.title).to_have_css("color", "rgb(1, 2, 3)")


@pytest.mark.parametrize("width", [320, 1200])
def test_nothing_but_the_table_scrolls_sideways(show: Show, width: int):
    host = show(width=width)
    host.call(RUNS, {"experiment_id": CANDIDATE_ID})
    host.button("1").first.click()
    assert host.view.locator("html").evaluate("(node) => node.scrollWidth <= innerWidth")
    compare(host, "support-baseline-short-prompt")
    assert host.view.locator("html").evaluate("(node) => node.scrollWidth <= innerWidth")


def test_it_answers_the_hosts_requests(show: Show):
    host = show()
    assert host.ask("ui/resource-teardown")["result"] == {}
    assert host.ask("ping")["result"] == {}
    assert host.ask("ui/something-new")["error"]["code"] == -32601


def test_it_does_not_listen_to_other_windows(show: Show):
    host = show()
    host.call(RUNS, {"experiment_id": CANDIDATE_ID})
    expect(host.title).to_contain_text("Runs: 18")
    host.view.locator("body").evaluate(
        """() => new Promise((heard) => {
            addEventListener("message", heard);
            postMessage({ jsonrpc: "2.0", method: "ui/notifications/tool-cancelled", params: {} }, "*");
        })"""
    )
    expect(host.title).to_contain_text("Runs: 18")


# As VS Code does (chatMcpAppModel.ts): the view meets stand-ins for its parent and for what listens.
STAND_INS = """
const real = window.parent, listen = window.addEventListener;
const stand_in = { postMessage: (message, target) => real.postMessage(message, target) };
window.parent = stand_in;
window.addEventListener = (type, heard) => listen.call(window, type, ({ data }) => heard({ source: stand_in, data }));
document.currentScript.remove();
"""


def test_it_speaks_with_a_stand_in_for_its_parent(show: Show):
    host = show(prelude=STAND_INS)
    host.call(RUNS, {"experiment_id": CANDIDATE_ID, "limit": 5})
    host.button("Load all").click()
    expect(host.title).to_contain_text("Runs: 18")


def test_what_a_host_gets_wrong_does_not_leave_it_blank(show: Show):
    host = show()
    host.tell("tool-input", {"arguments": None})
    for text in ("null", "5", "[]", '"text"', '{"experiments": []}', ""):
        host.tell("tool-result", {"content": [{"type": "text", "text": text}, {"type": "image"}]})
        expect(host.title).to_have_text("There are no runs to show")
    host.tell("tool-result", {})
    host.tell("tool-result", {"structuredContent": {"experiment_runs": [], "pagination": None}})
    expect(host.title).to_have_text("Runs: 0 · failed: 0")
    host.tell("something-new", {"x": 1})
    host.page.evaluate("post({ id: 'never-asked', result: {} })")
    result = host.answer(RUNS, {"experiment_id": CANDIDATE_ID})
    host.tell("tool-result", {"structuredContent": result["structuredContent"]})
    expect(host.title).to_contain_text("Runs: 18")
    assert host.trouble == []


HOSTILE = [
    "</script><script>document.title = 'owned'</script>",
    "<img src=x onerror=\"parent.postMessage('owned', '*')\">",
    "<svg onload=alert(1)>",
    "javascript:alert(1)",
    "[click](https://evil.example/?q=1)",
    "\u202egnp.exe \u2066\u0000\u001b[31m",
    "{{constructor.constructor('alert(1)')()}}",
    "y" * 50_000,
]
NAMES = ["__proto__", "constructor", "toString", "<b>x</b>", "a\"b'c", "a.b/c~d", "▲ better", "\n"]


def test_hostile_runs_are_text_and_no_more(show: Show, sandbox: Sandbox, environ: dict[str, str]):
    runs: list[Run] = [
        {
            "example_id": text,
            "output": text,
            "error": text,
            "annotations": [{"name": text, "score": 1, "label": text}, None, "text", {}],
            **{f"eval.{name}.score": 0.5 for name in NAMES},
            **{f"eval.{name}.label": text for name in NAMES},
            **{f"eval.{name}.explanation": text for name in NAMES},
            "latency_ms": {"html": text},
            "__proto__": {"run": text},
            text[:100]: text,
        }
        for text in HOSTILE
    ]
    host = show({**environ, "ARIZE_MCP_MAX_RESULT_CHARS": "0"})
    experiment_id = record(sandbox, HOSTILE[0], runs)
    record(sandbox, HOSTILE[1], runs[1:])
    host.call(RUNS, {"experiment_id": experiment_id})
    expect(host.title).to_contain_text("Runs: 8 · failed: 8")
    for name in NAMES:
        assert cells(host, name.strip())[0] == "0.5"
    for index in range(len(runs)):
        host.view.locator("tbody [aria-expanded=false]").nth(0).click()
        expect(host.view.locator("[aria-expanded=true]")).to_have_count(index + 1)
    pick(host, "the lowest ten of constructor")
    compare(host, HOSTILE[1])
    expect(host.title).to_have_text(f"{HOSTILE[0]} compared with {HOSTILE[1]}")
    host.view.locator("tbody [aria-expanded=false]").nth(0).click()
    found = host.view.locator("html").evaluate(
        """(node) => ({
            scripts: node.querySelectorAll("script").length,
            strangers: node.querySelectorAll("img, svg, a, iframe, object, embed, link, form, [src], [href]").length,
            title: document.title,
        })"""
    )
    assert found == {"scripts": 1, "strangers": 0, "title": "Experiment runs"}
    assert (host.requested, host.trouble) == ([], [])
    methods = {message.get("method") for message in host.page.evaluate("sent")}
    assert methods == {"ui/initialize", "ui/notifications/initialized", "ui/notifications/size-changed", "tools/call"}
    assert {name for name, _ in host.calls} <= {RUNS, "experiments_get", "experiments_list"}


def examples(count: int, seed: int) -> list[Run]:
    """Runs with repetitions, missing scores and failures, shuffled."""
    chance = random.Random(seed)
    runs: list[Run] = []
    for index in range(count):
        if chance.random() < 0.1:
            continue
        fails = chance.random() < 0.15
        for _ in range(chance.choice([1, 1, 2, 3])):
            run: Run = {"example_id": f"e{index}", "output": f"{seed}"}
            if fails:
                run["error"] = "it failed"
            if chance.random() < 0.9:
                run["eval.a.score"] = chance.choice([0, 0.1, 0.2, 0.3, 1])
            if chance.random() < 0.5:
                run["annotations"] = [{"name": "b", "score": chance.choice([1, 2])}]
            runs.append(run)
    chance.shuffle(runs)
    return runs


def by_example(runs: list[Run]) -> dict[str, list[Run]]:
    found: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        found[run["example_id"]].append(run)
    return found


def score_of(runs: list[Run], score: str) -> float | None:
    values = [run[f"eval.{score}.score"] for run in runs if f"eval.{score}.score" in run]
    values += [
        each["score"] for run in runs for each in run.get("annotations", []) if f"annotation.{each['name']}" == score
    ]
    return round(fmean(values), 9) if values else None


def shown(value: float) -> str:
    return f"{value:.4g}"


def test_a_comparison_is_the_one_that_python_computes(show: Show, sandbox: Sandbox, environ: dict[str, str]):
    baseline, candidate = examples(150, seed=1), examples(150, seed=2)
    record(sandbox, "before", baseline)
    host = show(environ)
    host.call(RUNS, {"experiment_id": record(sandbox, "after", candidate), "limit": 20})
    compare(host, "before")
    expect(host.title).to_have_text("after compared with before")

    before, after = by_example(baseline), by_example(candidate)
    both = before.keys() & after.keys()
    failed = [{example for example in both if all("error" in run for run in side[example])} for side in (before, after)]
    wanted: set[tuple[str, str, str, str, str]] = set()
    wanted |= {(example, "only in baseline", "", "", "") for example in before.keys() - both}
    wanted |= {(example, "only in candidate", "", "", "") for example in after.keys() - both}
    wanted |= {(example, "▼ newly failed", "", "", "") for example in failed[1] - failed[0]}
    wanted |= {(example, "▲ fixed", "", "", "") for example in failed[0] - failed[1]}
    facts: list[str] = []
    for score in ("a", "annotation.b"):
        counts = {"better": 0, "worse": 0, "same": 0}
        pairs: list[tuple[float, float]] = []
        for example in both:
            old, new = score_of(before[example], score), score_of(after[example], score)
            if old is None or new is None:
                continue
            change = "▲ better" if new > old else "▼ worse" if new < old else "= same"
            counts[change[2:]] += 1
            pairs.append((old, new))
            wanted.add((example, change, score, shown(old), shown(new)))
        means = [shown(fmean(side)) for side in zip(*pairs, strict=True)]
        facts.append(
            f"{score}: {means[0]} → {means[1]} on average over {len(pairs)} examples; {counts['better']} better, "
            f"{counts['worse']} worse, {counts['same']} the same"
        )
    facts.append(
        f"matched: {len(both)}, only in baseline: {len(before.keys() - both)}, "
        f"only in candidate: {len(after.keys() - both)}, ▼ newly failed: {len(failed[1] - failed[0])}, "
        f"▲ fixed: {len(failed[0] - failed[1])}"
    )
    found: list[tuple[str, ...]] = []
    while True:
        columns = [cells(host, title) for title in ("example_id", "change", "score", "baseline", "candidate")]
        found += zip(*columns, strict=True)
        turn = host.view.get_by_role("button", name=re.compile("show the next"))
        if len(found) >= len(wanted):
            break
        turn.click()
    assert set(found) == wanted
    assert len(found) == len(wanted)
    assert sorted(host.view.get_by_role("listitem").all_inner_texts()) == sorted([*facts, "Higher is better."])
    for change in ("▼ worse", "▲ fixed"):
        pick(host, f"{change}: {sum(row[1] == change for row in wanted)}")
        assert set(cells(host, "change")) == {change}
    host.button("Back to the runs").click()
    expect(host.title).to_contain_text(f"Runs: {len(candidate)}")


def test_experiments_are_looked_for_only_when_it_is_asked(show: Show):
    host = show()
    host.call(RUNS, {"experiment_id": CANDIDATE_ID})
    expect(host.title).to_contain_text("Runs: 18")
    assert host.calls == []
    host.button("Compare with …").click()
    expect(host.view.get_by_label("Baseline")).to_be_focused()
    assert [name for name, _ in host.calls] == ["experiments_get", "experiments_list"]


def test_an_experiment_alone_in_its_dataset_can_not_be_compared(show: Show, sandbox: Sandbox, environ: dict[str, str]):
    other = sandbox.store.datasets()[1]["id"]
    alone = [
        sandbox.store.create_experiment("alone", other, None, ['{"example_id": "e", "output": "o"}'])["id"],
        sandbox.store.create_experiment("no dataset", None, sandbox.space_id, ['{"output": "o"}'])["id"],
    ]
    for experiment_id in alone:
        host = show(environ)
        host.call(RUNS, {"experiment_id": experiment_id})
        host.button("Compare with …").click()
        expect(host.status).to_have_text("Its dataset has no other experiment.")


ANALYSIS = {"ARIZE_MCP_TOOLSETS": "analysis"}


def test_with_the_toolset_analysis_it_is_the_server_that_compares(
    show: Show, sandbox: Sandbox, environ: dict[str, str]
):
    record(sandbox, "before", examples(150, seed=1))
    host = show({**environ, **ANALYSIS})
    host.call(RUNS, {"experiment_id": record(sandbox, "after", examples(150, seed=2)), "limit": 20})
    compare(host, "before")
    assert [name for name, _ in host.calls] == ["experiments_get", "experiments_list", "experiments_compare"]
    asked = host.calls[-1][1]
    answer = host.answer("experiments_compare", asked)["structuredContent"]
    assert (asked["change"], asked["limit"]) == ("all", 500)
    told = host.view.get_by_role("listitem").all_inner_texts()
    for score in answer["scores"]:
        means = f"{shown(score['baseline_mean'])} → {shown(score['candidate_mean'])}"
        counts = f"{score['better']} better, {score['worse']} worse, {score['same']} the same"
        assert f"{score['name']}: {means} on average over {score['n']} examples; {counts}" in told
    changed = {(each["example_id"], "▲ better" if each["delta"] > 0 else "▼ worse") for each in answer["changed"]}
    failures = {(each, "▼ newly failed") for each in answer["failures"]["newly_failed"]}
    failures |= {(each, "▲ fixed") for each in answer["failures"]["fixed"]}
    rows = set(zip(cells(host, "example_id"), cells(host, "change"), strict=True))
    assert rows == changed | failures
    assert set(answer["notes"]) <= set(told)


def test_what_the_model_compared_is_shown(show: Show):
    host = show(ANALYSIS)
    arguments = {"baseline_id": BASELINE_ID, "candidate_id": CANDIDATE_ID, "change": "better", "limit": 3}
    answer = host.call("experiments_compare", arguments)["structuredContent"]
    expect(host.title).to_have_text("support-detailed-prompt compared with support-baseline-short-prompt")
    assert cells(host, "change") == ["▼ newly failed", "▲ better", "▲ better", "▲ better"]
    told = host.view.get_by_role("listitem").all_inner_texts()
    assert "correctness: 6 from incomplete to correct" in told
    assert "latency_ms: 258 → 375.5 in the median" in told
    assert set(answer["notes"]) <= set(told)
    expect(host.button("Back to the runs")).to_have_count(0)
    host.call("experiments_compare", {**arguments, "lower_is_better": ["correctness"], "change": "worse"})
    expect(host.view.locator("ul")).to_contain_text("Higher is better, but not for correctness.")
    assert cells(host, "change")[1:] == ["▼ worse"] * 3
    assert host.calls == []
    host.call("experiments_compare", {**arguments, "candidate_id": BASELINE_ID})
    expect(host.view.get_by_role("main")).to_contain_text("baseline")
    expect(host.title).to_have_text("There are no runs to show")
