"""The mcp SDK's low-level server on its own stdio transport, with five tools that do nothing: the floor of the SDK.

Run: python bare.py none | noop | page. ``none`` lists no tools; the tools of ``noop`` answer with one experiment, those
of ``page`` with 500 runs of 2,000 characters, in the same two forms as ours: structured content and its text.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import anyio
from mcp import types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

TOOLS = ("experiments_create", "experiments_delete", "experiments_get", "experiments_list", "experiments_runs_list")
EXPERIMENT = {
    "id": "experiment-1",
    "name": "Support prompt, experiment-1",
    "space_id": "U3BhY2U6MTphQmNE",
    "dataset_id": "RGF0YXNldDoxOmFCY0Q=",
    "dataset_version_id": "RGF0YXNldFZlcnNpb246MTphQmNE",
    "created_at": "2026-02-13T21:27:19.055Z",
    "updated_at": "2026-02-13T21:27:19.055Z",
    "experiment_traces_project_id": "TW9kZWw6MTphQmNE",
    "integration_id": None,
}


def page() -> dict[str, Any]:
    """A page like the upstream's."""
    run = {"example_id": "example_000000", "output": "Words, words. " * 143, "error": None, "model": "gpt-4o-mini"}
    return {"experiment_runs": [{"id": f"run_{n:06}", **run} for n in range(500)], "pagination": {"has_more": False}}


def server(mode: str) -> Server[Any]:
    """The server whose tools answer as the mode says."""
    content = page() if mode == "page" else EXPERIMENT
    text = json.dumps(content, separators=(",", ":"))
    names = () if mode == "none" else TOOLS

    async def list_tools(
        _: ServerRequestContext[Any], __: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[types.Tool(name=name, input_schema={"type": "object"}) for name in names])

    async def call_tool(_: ServerRequestContext[Any], __: types.CallToolRequestParams) -> types.CallToolResult:
        return types.CallToolResult(content=[types.TextContent(text=text)], structured_content=content)

    return Server("bare", version="1", on_list_tools=list_tools, on_call_tool=call_tool)


async def main(mode: str) -> None:
    """Serve."""
    bare = server(mode)
    async with stdio_server() as (read_stream, write_stream):
        await bare.run(read_stream, write_stream, bare.create_initialization_options())


if __name__ == "__main__":
    anyio.run(main, sys.argv[1])
