"""OpenAI Agents SDK: an agent on arize-mcp's tools, and what its model reads when a call fails.

    pip install "openai-agents>=0.24,<0.25"
    python openai_agents.py

A scripted model stands in for a real one, and the server runs on its own sandbox: no key, no account, no network. Leave
`model=` out to use OpenAI's. ARIZE_MCP_COMMAND is the path of the arize-mcp command, where it is not on PATH. Exit code
0 means that the model got the problem whole.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from typing import Any

from agents import Agent, Model, ModelResponse, Runner, Usage, set_tracing_disabled
from agents.items import TResponseOutputItem, TResponseStreamEvent
from agents.mcp import MCPServerStdio, MCPServerStdioParams
from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage, ResponseOutputText

SERVER: MCPServerStdioParams = {
    "command": os.environ.get("ARIZE_MCP_COMMAND", "arize-mcp"),
    "args": ["--sandbox"],  # for your account: leave it out, and add "env": {"ARIZE_API_KEY": "..."}
}
CALLS = [("experiments_list", {"limit": 2}), ("experiments_get", {"experiment_id": "nope"})]


def text_of(output: str | list[dict[str, Any]]) -> str:
    """The text of a tool's output, which the SDK hands to the model as text or as a list of parts."""
    return output if isinstance(output, str) else "".join(part.get("text", "") for part in output)


class ScriptedModel(Model):
    """Asks for the calls one after the other, then answers; keeps and prints what each turn brings it."""

    def __init__(self) -> None:
        self.read: list[str] = []

    async def get_response(self, *_: Any, **turn: Any) -> ModelResponse:
        history = [] if isinstance(turn["input"], str) else turn["input"]
        self.read = [text_of(item["output"]) for item in history if item.get("type") == "function_call_output"]
        if self.read:
            print(f"The model reads from {CALLS[len(self.read) - 1][0]}: {self.read[-1]}")
        else:
            print("Tools:", ", ".join(tool.name for tool in turn["tools"]))
        return ModelResponse(output=[self.reply()], usage=Usage(), response_id=None)

    def reply(self) -> TResponseOutputItem:
        turn = len(self.read)
        if turn == len(CALLS):
            text = ResponseOutputText(type="output_text", text="Done.", annotations=[])
            return ResponseOutputMessage(id="1", type="message", role="assistant", status="completed", content=[text])
        name, arguments = CALLS[turn]
        return ResponseFunctionToolCall(
            type="function_call", call_id=f"call-{turn}", name=name, arguments=json.dumps(arguments)
        )

    def stream_response(self, *_: Any, **__: Any) -> AsyncIterator[TResponseStreamEvent]:
        raise NotImplementedError("The runner of this example does not stream.")


async def main() -> int:
    set_tracing_disabled(True)  # traces would go to OpenAI, and need a key
    model = ScriptedModel()
    # The SDK waits 5 seconds for an answer unless told otherwise. arize-mcp tries for up to 50 where Arize is slow, and
    # its problem then says what happened: give it the time to.
    async with MCPServerStdio(SERVER, name="arize", client_session_timeout_seconds=60) as server:
        agent = Agent(name="analyst", model=model, mcp_servers=[server])
        await Runner.run(agent, "Which experiments are there?")

    works, fails = model.read
    arrived = (
        '"experiments":[{' in works
        and "No experiment has this id." in fails
        and "Check the id with experiments_list" in fails
    )
    print("The model got the problem whole." if arrived else "The model did not get the problem whole.")
    return 0 if arrived else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
