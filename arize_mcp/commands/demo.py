"""The demo: all five tools, called through a real MCP client over stdio."""

from __future__ import annotations

import json
import sys
from typing import Any, Final, cast

import anyio
from mcp import Client, types
from mcp.client.stdio import StdioServerParameters

_NAME: Final = "demo-experiment"


class DemoError(Exception):
    """A step of the demo did not end as it should."""


def run_demo() -> int:
    """Start the server on the sandbox as a host would, call all five tools, print what happened.

    Returns:
        0, or 1 when a step did not end as it should.
    """
    try:
        anyio.run(_demo)
    except DemoError as error:
        _heading(f"The demo failed: {error}")
        return 1
    _heading("Done")
    _print("All five tools work. `arize-mcp --help` says how to use them with your account.")
    _print("ARIZE_MCP_TOOLSETS=analysis adds tools that summarize, compare and query all runs in one call.")
    return 0


async def _demo() -> None:
    server = StdioServerParameters(command=sys.executable, args=["-m", "arize_mcp", "--sandbox"])
    failure: Exception | None = None
    async with Client(server) as client:
        try:
            await _tour(client)
        except (DemoError, OSError) as error:  # raised here, it would leave the client as a group of exceptions
            failure = error
    if failure is not None:
        raise failure


async def _tour(client: Client) -> None:
    _heading("Connected")
    info = client.server_info
    _print(f"{info.name if info else '?'} {info.version if info else ''} over stdio, MCP {client.protocol_version}")

    _heading("The tools")
    for tool in (await client.list_tools()).tools:
        _print(f"  {tool.name:<24}{tool.title}")

    page = await _call(client, "Which experiments are there?", "experiments_list", {})
    dataset_id = page["experiments"][0]["dataset_id"]
    runs = await _call(
        client,
        "What do the runs of the newest one look like?",
        "experiments_runs_list",
        {"experiment_id": page["experiments"][0]["id"], "limit": 2},
    )
    example_ids = [run["example_id"] for run in runs["experiment_runs"]]

    new = {
        "name": _NAME,
        "dataset_id": dataset_id,
        "experiment_runs": [
            {"example_id": example_id, "output": output, "model": "demo-model", "eval.correctness.score": score}
            for example_id, output, score in zip(
                [*example_ids, example_ids[0]],
                ("Choose 'Forgot password'.", "Yes, under Billing.", "Ask support: they answer within a day."),
                (1.0, 1.0, 0.5),
                strict=True,
            )
        ],
    }
    created = await _call(client, "Record a new one with three runs.", "experiments_create", new)
    by_id = {"experiment_id": created["id"]}
    await _call(client, "Get it.", "experiments_get", by_id)

    first = await _call(client, "Page through its runs: two,", "experiments_runs_list", {**by_id, "limit": 2})
    cursor = first["pagination"]["next_cursor"]
    await _call(client, "... and the rest.", "experiments_runs_list", {**by_id, "limit": 2, "cursor": cursor})

    await _call(client, "The same name again is a problem:", "experiments_create", new, fails_with="409")
    wrong = {"name": 'a "quoted" name', "datasetId": dataset_id, "experiment_runs": [{"example_id": "e1"}]}
    await _call(client, "So are wrong arguments, all at once:", "experiments_create", wrong, fails_with="bad-arguments")

    await _call(client, "Delete it.", "experiments_delete", by_id)
    await _call(client, "Now it is gone:", "experiments_get", by_id, fails_with="404")


async def _call(
    client: Client, words: str, tool: str, arguments: dict[str, Any], *, fails_with: str | None = None
) -> dict[str, Any]:
    """Make one call and print it with its answer; check that it fails only as said."""
    _heading(words)
    _print(_coloured("36", f"{tool} {json.dumps(arguments, ensure_ascii=False)}"))
    result = await client.call_tool(tool, arguments)
    content = cast("dict[str, Any]", result.structured_content)
    _print(_coloured("31" if result.is_error else "32", json.dumps(content, indent=2, ensure_ascii=False)))
    outcome = f"{content.get('status', '')} {content.get('type', '')}" if result.is_error else None
    if (outcome is None) != (fails_with is None) or (outcome and str(fails_with) not in outcome):
        raise DemoError(f"{tool} should have {f'failed with {fails_with}' if fails_with else 'worked'}.")
    block = result.content[0]
    if not isinstance(block, types.TextContent) or json.loads(block.text) != content:
        raise DemoError(f"{tool}: the text and the structured content differ.")
    return content


def _heading(words: str) -> None:
    _print("\n" + _coloured("1", words))


def _coloured(code: str, text: str) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if sys.stdout.isatty() else text


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
