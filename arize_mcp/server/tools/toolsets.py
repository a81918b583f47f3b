"""Which tools there are: the five, then those of the toolsets that are switched on."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from importlib import import_module
from typing import Any

from arize_mcp.server.tools import experiments
from arize_mcp.server.tools.tool import Tool
from arize_mcp.settings.settings import TOOLSETS


def offered(toolsets: Collection[str]) -> dict[str, Tool[Any]]:
    """The tools by name, in the order in which they are listed.

    With datasets, the problems of every tool that takes a dataset_id tell how to find one.

    Args:
        toolsets: the names of those that are switched on. The module of one that is off is not imported.
    """
    tools = experiments.TOOLS
    for name in TOOLSETS:
        if name in toolsets:
            tools += import_module(f"arize_mcp.server.tools.{name}").TOOLS
    if "datasets" in toolsets:
        advise = import_module("arize_mcp.server.tools.dataset_advice").advise
        tools = tuple(
            replace(tool, advise=advise) if "dataset_id" in tool.request.model_fields else tool for tool in tools
        )
    return {tool.name: tool for tool in tools}
