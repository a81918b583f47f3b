"""LangChain: an agent on arize-mcp's tools, and what its model reads when a call fails.

    pip install "langchain>=1.4,<2" "langchain-mcp-adapters>=0.3,<0.4"
    python langchain_agent.py

langchain-mcp-adapters needs mcp<2 and arize-mcp needs mcp>=2.3, so they can't share an environment. They need not: the
server is a program of its own (`pipx install arize-mcp`). ARIZE_MCP_COMMAND is its path, where it is not on PATH.

A scripted model stands in for a real one, and the server runs on its own sandbox: no key, no account, no network. Put
"anthropic:<model>" or any other chat model in its place. Exit code 0 means that the model got the problem whole.
"""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

from langchain.agents import create_agent
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_mcp_adapters.client import MultiServerMCPClient
from langchain_mcp_adapters.tools import load_mcp_tools

SERVERS: dict[str, Any] = {
    "arize": {
        "transport": "stdio",
        "command": os.environ.get("ARIZE_MCP_COMMAND", "arize-mcp"),
        "args": ["--sandbox"],  # for your account: leave it out, and add "env": {"ARIZE_API_KEY": "..."}
    }
}
CALLS = [("experiments_list", {"limit": 2}), ("experiments_get", {"experiment_id": "nope"})]


class ScriptedModel(BaseChatModel):
    """Asks for the calls one after the other, then answers; prints what each turn brings it."""

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Any, **_: Any) -> ScriptedModel:
        return self  # a real model is told of the tools here

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        read = [message for message in messages if isinstance(message, ToolMessage)]
        if read:
            print(f"The model reads from {read[-1].name}, status {read[-1].status}: {read[-1].text}")
        reply = AIMessage("Done.")
        if len(read) < len(CALLS):
            name, arguments = CALLS[len(read)]
            reply = AIMessage("", tool_calls=[{"name": name, "args": arguments, "id": f"call-{len(read)}"}])
        return ChatResult(generations=[ChatGeneration(message=reply)])


async def main() -> int:
    # One session for the whole run. MultiServerMCPClient.get_tools() would start a server for every call: slow, and
    # each would have a sandbox of its own.
    async with MultiServerMCPClient(SERVERS).session("arize") as session:
        tools = await load_mcp_tools(session)
        print("Tools:", ", ".join(tool.name for tool in tools))
        agent = create_agent(ScriptedModel(), tools)
        state = await agent.ainvoke({"messages": [{"role": "user", "content": "Which experiments are there?"}]})

    works, fails = (message for message in state["messages"] if isinstance(message, ToolMessage))
    arrived = (
        works.status == "success"
        and '"experiments":[{' in works.text
        and fails.status == "error"
        and "No experiment has this id." in fails.text
        and "Check the id with experiments_list" in fails.text
    )
    print("The model got the problem whole." if arrived else "The model did not get the problem whole.")
    return 0 if arrived else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
