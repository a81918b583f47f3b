"""docs/tools.md: a call and an answer of every tool, as the sandbox gives them; UPDATE_DOCS=1 rewrites it."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

from mcp import Client

from arize_mcp.api.client import ExperimentsAPI
from arize_mcp.api.jsontext import dumps
from arize_mcp.api.models import ListExperimentRunsRequest
from arize_mcp.sandbox.app import create_app
from arize_mcp.sandbox.seed import API_KEY
from arize_mcp.sandbox.store import Store
from arize_mcp.server.app import create_server
from arize_mcp.server.tools.toolsets import offered
from arize_mcp.settings.settings import Settings

TOOLSETS = ("analysis", "datasets")
TOOLS = offered(TOOLSETS)
DOCUMENT = Path(__file__).parent.parent / "docs" / "tools.md"
HEAD = """\
# The tools, by example

A call and its answer for each tool, from the sandbox. Ids, cursors, times and request ids are different every time.
"""
ANALYSIS = """\
## The toolset `analysis`

With `ARIZE_MCP_TOOLSETS=analysis` there are further tools, which read all runs. [analysis.md](analysis.md) says what
each number is.
"""
DATASETS = """\
## The toolset `datasets`

With `ARIZE_MCP_TOOLSETS=datasets` there are further tools, and a problem with a `dataset_id` tells how to find it.
"""
FITTED = """\
## A page of 5 MB, before and after

An experiment of 100 runs, asked for at once. Without a limit (`ARIZE_MCP_MAX_RESULT_CHARS=0`) the host gets all of it,
and most refuse it. With the default of 40,000 characters the page ends where it is full, and its cursor goes on at the
next run; a run that is too large alone is shortened, and `shortened` says where and by how much. Following the cursors
gives every run once, in order.
"""


def steady(text: str) -> str:
    """The text with everything that differs from run to run made the same."""
    text = re.sub(r"req_[0-9a-f]{16}", "req_0123456789abcdef", text)
    text = re.sub(r"RXhwZXJpbWVudDozO[A-Za-z0-9=]+", "RXhwZXJpbWVudDozOmFCY0Q=", text)
    text = re.sub(r"RXhwZXJpbWVudDo0O[A-Za-z0-9=]+", "RXhwZXJpbWVudDo0OmFCY0Q=", text)
    text = re.sub(r"RXhwZXJpbWVudDo1O[A-Za-z0-9=]+", "RXhwZXJpbWVudDo1OmFCY0Q=", text)
    text = re.sub(r"202\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", "2026-06-04T10:00:00.000Z", text)
    text = re.sub(r'("next_cursor": )"[^"]+"', r'\1"7QOVPvcU8jneMNToMjA"', text)
    return re.sub(r'"id": "0[0-9a-f-]{35}"', '"id": "019e8cd1-7dc0-7000-8000-000000000002"', text)


def block(value: Any) -> str:
    return f"```json\n{json.dumps(value, indent=2, ensure_ascii=False)}\n```"


async def generated() -> str:
    store = Store()
    api = ExperimentsAPI(Settings(base_url="http://sandbox", api_key=API_KEY), app=create_app(store))
    parts = [HEAD]
    async with Client(create_server(api, Settings(toolsets=TOOLSETS))) as client:

        async def call(tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
            return dict((await client.call_tool(tool, arguments)).structured_content or {})

        async def show(tool: str, arguments: dict[str, Any], words: str = "") -> dict[str, Any]:
            content = await call(tool, arguments)
            heading = words or f"{'###' if ANALYSIS in parts else '##'} {tool}\n\n{TOOLS[tool].description}"
            parts.append(f"{heading}\n\n{block(arguments)}\n\n{block(content)}\n")
            return content

        page = await show("experiments_list", {"name": "support", "limit": 1})
        newest = page["experiments"][0]
        await show("experiments_get", {"experiment_id": newest["id"]})
        runs = await show("experiments_runs_list", {"experiment_id": newest["id"], "limit": 1})
        new: dict[str, Any] = {
            "name": "support-third-prompt",
            "dataset_id": newest["dataset_id"],
            "experiment_runs": [
                {
                    "example_id": runs["experiment_runs"][0]["example_id"],
                    "output": "Use 'Forgot password'; the link is valid for 30 minutes.",
                    "model": "gpt-4.1",
                    "latency_ms": 412,
                    "eval.correctness.score": 1.0,
                }
            ],
        }
        created = await show("experiments_create", new)
        await show("experiments_create", {**new, "datasetId": "x", "name": ""}, "Wrong arguments, all at once:")
        await show("experiments_delete", {"experiment_id": created["id"]})
        await show("experiments_delete", {"experiment_id": created["id"]}, "Once more:")

        parts.append(ANALYSIS)
        by_id = {"experiment_id": newest["id"]}
        await show("experiments_summarize", {**by_id, "group_by": "model", "limit": 1})
        page = await call("experiments_list", {"name": "support-baseline"})
        compared = {"baseline_id": page["experiments"][0]["id"], "candidate_id": newest["id"]}
        await show("experiments_compare", {**compared, "change": "better", "limit": 1})
        where = [{"field": "latency_ms", "op": ">=", "value": "400"}]
        fields = ["example_id", "latency_ms", "error"]
        await show("experiments_runs_query", {**by_id, "fields": fields, "where": where, "sort": "-latency_ms"})

        parts.append(DATASETS)
        await show("datasets_list", {"name": "support"})
        await show("datasets_examples_list", {"dataset_id": newest["dataset_id"], "limit": 2})
        await show(
            "experiments_create", {**new, "dataset_id": "support-questions"}, "A dataset's name where its id belongs:"
        )

        parts.append(FITTED)
        for chars in (50_000, 4_000):
            many = [json.dumps({"example_id": f"e{n:03}", "output": "x" * chars}) for n in range(100)]
            by_id = {"experiment_id": store.create_experiment(f"{chars}", newest["dataset_id"], None, many)["id"]}
            whole = dumps(await api.list_runs(ListExperimentRunsRequest(**by_id, limit=100)))
            fitted = await call("experiments_runs_list", {**by_id, "limit": 100})
            assert len(dumps(fitted)) <= 40_000
            count = len(fitted["experiment_runs"])
            rest = {key: value for key, value in fitted.items() if key != "experiment_runs"}
            parts.append(
                f"Outputs of {chars:,} characters. Before: {round(len(whole) / 1e6, 1)} million characters. "
                f"After: {count} of 100 runs, {round(len(dumps(fitted)), -3):,} characters, and\n\n{block(rest)}\n"
            )
    store.close()
    return steady("\n".join(parts))


async def test_the_document_is_what_the_sandbox_gives():
    text = await generated()
    if "UPDATE_DOCS" in os.environ:
        DOCUMENT.write_text(text, encoding="utf-8")
    assert DOCUMENT.read_text(encoding="utf-8") == text


def test_every_tool_has_its_section():
    text = DOCUMENT.read_text(encoding="utf-8")
    headings = {line.lstrip("# ") for line in text.splitlines() if line.startswith("##")}
    assert [name for name in TOOLS if name not in headings] == []
