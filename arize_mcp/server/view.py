"""The view: a page that hosts with MCP Apps show beside the answer of a tool.

Source: MCP Apps (SEP-1865), 2026-01-26.
"""

from __future__ import annotations

from collections.abc import Collection
from importlib.resources import files
from typing import Any, Final

from mcp import types
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.lowlevel import Server

from arize_mcp.server.tools.tool import Tool

URI: Final = "ui://arize-mcp/runs.html"
MIME_TYPE: Final = "text/html;profile=mcp-app"
EXTENSION: Final = "io.modelcontextprotocol/ui"
COMPARES: Final = "experiments_compare"
SHOWN: Final = frozenset({"experiments_runs_list", COMPARES})
"""The tools whose answers it shows."""


def declare(server: Server[Any]) -> None:
    """Make a server say that it has a view, to every client: some show it without having said that they can."""
    server.extensions[EXTENSION] = {}

    async def declared(ctx: ServerRequestContext[Any], call_next: CallNext) -> HandlerResult:
        result = await call_next(ctx)
        # The SDK (2.3) drops them from the answer to initialize, and hosts then show nothing.
        if ctx.method == "initialize" and isinstance(result, dict):
            result["capabilities"]["extensions"] = server.extensions
        return result

    server.middleware.append(declared)


def marked(tool: Tool[Any]) -> types.Tool:
    """A tool's definition that says whether its answers are shown, and whether the view may call it."""
    ui: dict[str, Any] = {"visibility": ["model", "app"] if tool.read_only else ["model"]}
    meta: dict[str, Any] = {"ui": ui}
    if tool.name in SHOWN:
        # Hosts look for it in either place.
        ui["resourceUri"] = meta["ui/resourceUri"] = URI
    return tool.definition().model_copy(update={"meta": meta})


def read(offered: Collection[str]) -> types.ReadResourceResult:
    """The page.

    Args:
        offered: the names of the offered tools: if one of them compares, the page calls it instead of comparing itself.
    """
    text = files("arize_mcp.server").joinpath("runs.html").read_text(encoding="utf-8")
    if COMPARES in offered:
        text = text.replace('data-compare=""', 'data-compare="server"', 1)
    # The page may connect to no address, load from none, and use no permission.
    ui: dict[str, Any] = {"csp": {}, "prefersBorder": True}
    return types.ReadResourceResult(
        contents=[types.TextResourceContents(uri=URI, mime_type=MIME_TYPE, text=text, _meta={"ui": ui})]
    )
