"""Pydantic AI: an agent on arize-mcp's tools, and what its model reads when a call fails.

    pip install "pydantic-ai-slim[mcp]>=2.68,<3"
    python pydantic_ai_agent.py

A scripted model stands in for a real one, and the server runs on its own sandbox: no key, no account, no network. Put
"anthropic:<model>" or any other model in its place. ARIZE_MCP_COMMAND is the path of the arize-mcp command, where it is
not on PATH. Exit code 0 means that the model got the problem whole.
"""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

from fastmcp.client.transports import StdioTransport
from pydantic_ai import Agent
from pydantic_ai.mcp import MCPToolset
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart, ToolReturnPart
from pydantic_ai.models.function import AgentInfo, FunctionModel

# For your account, leave --sandbox out and add env={"ARIZE_API_KEY": os.environ["ARIZE_API_KEY"]}.
SERVER = StdioTransport(os.environ.get("ARIZE_MCP_COMMAND", "arize-mcp"), ["--sandbox"])
CALLS: list[tuple[str, dict[str, Any]]] = [
    ("experiments_list", {"limit": 2}),
    ("experiments_get", {"experiment_id": "nope"}),
]


def answer(messages: list[ModelMessage], _: AgentInfo) -> ModelResponse:
    """The scripted model: asks for the calls one after the other, then answers; prints what each turn brings it."""
    read = returns(messages)
    if read:
        print(f"The model reads from {read[-1].tool_name}, {read[-1].outcome}: {read[-1].model_response_str()}")
    if len(read) == len(CALLS):
        return ModelResponse([TextPart("Done.")])
    return ModelResponse([ToolCallPart(*CALLS[len(read)])])


def returns(messages: list[ModelMessage]) -> list[ToolReturnPart]:
    return [part for message in messages for part in message.parts if isinstance(part, ToolReturnPart)]


async def main() -> int:
    # "failed" gives the model the problem and lets it decide. The default, "retry", gives it the problem too, but ends
    # the whole run with UnexpectedModelBehavior when the same tool fails a second time.
    async with MCPToolset(SERVER, tool_error_behavior="failed") as arize:
        print("Tools:", ", ".join(tool.name for tool in await arize.list_tools()))
        agent = Agent(FunctionModel(answer), toolsets=[arize])
        run = await agent.run("Which experiments are there?")

    works, fails = returns(run.all_messages())
    arrived = (
        works.outcome == "success"
        and '"experiments":[{' in works.model_response_str()
        and fails.outcome == "failed"
        and "No experiment has this id." in fails.model_response_str()
        and "Check the id with experiments_list" in fails.model_response_str()
    )
    print("The model got the problem whole." if arrived else "The model did not get the problem whole.")
    return 0 if arrived else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
