"""The plain MCP Python client: lists the tools, makes one call that works and one that fails, and reads the problem.

There is no model here. It is the program to start from when your own code decides what to call, or when you want to see
what an agent framework is given before it passes it on.

    pip install "mcp>=2.3,<3"
    python python_client.py

The server runs on its own sandbox: no account, no key, no network. ARIZE_MCP_COMMAND is the path of the arize-mcp
command, where it is not on PATH. Exit code 0 means that the problem arrived whole.
"""

from __future__ import annotations

import os
import sys

import anyio
from mcp import Client, types
from mcp.client.stdio import StdioServerParameters

# For your account, leave --sandbox out and add env={"ARIZE_API_KEY": os.environ["ARIZE_API_KEY"]}: a server over stdio
# is given only a handful of variables, such as PATH and HOME, unless you name more.
SERVER = StdioServerParameters(command=os.environ.get("ARIZE_MCP_COMMAND", "arize-mcp"), args=["--sandbox"])


def text_of(result: types.CallToolResult) -> str:
    """The text of a result: arize-mcp sends one block of text, the same JSON as the structured content."""
    return "".join(block.text for block in result.content if isinstance(block, types.TextContent))


async def main() -> int:
    async with Client(SERVER) as client:
        tools = (await client.list_tools()).tools
        print("Tools:", ", ".join(tool.name for tool in tools))

        works = await client.call_tool("experiments_list", {"limit": 2})
        names = [experiment["name"] for experiment in (works.structured_content or {}).get("experiments", [])]
        print("experiments_list found:", ", ".join(names))

        # A call that fails raises nothing: it is a result with is_error, so that a model can read it and go on.
        fails = await client.call_tool("experiments_get", {"experiment_id": "nope"})
        problem = fails.structured_content or {}
        print("experiments_get failed:", text_of(fails))
        print("  detail:", problem.get("detail"))
        print("  hint:  ", problem.get("hint"))

    arrived = (
        not works.is_error
        and len(names) > 0
        and fails.is_error
        and problem.get("detail") == "No experiment has this id."
        and "Check the id with experiments_list" in problem.get("hint", "")
        and problem["detail"] in text_of(fails)
    )
    print("The problem arrived whole." if arrived else "The problem did not arrive whole.")
    return 0 if arrived else 1


if __name__ == "__main__":
    sys.exit(anyio.run(main))
