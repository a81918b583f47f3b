"""The servers that are compared: what each is, where it runs and how it is started."""

from __future__ import annotations

from dataclasses import dataclass, field

from environments import PEERS, Environments


@dataclass(frozen=True)
class Server:
    """A server, by the key that results have it under."""

    key: str
    title: str
    command: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict[str, str])


TITLES = {
    "ours": "arize-mcp",
    "ours_unlimited": "arize-mcp, limit off",
    "ours_analysis": "arize-mcp, toolset analysis",
    "fastmcp": "FastMCP from_openapi",
    "fastmcp_new": "FastMCP from_openapi, newest",
    "ten_minutes": "mcp SDK + httpx, ten minutes",
    "typescript": "TypeScript SDK, text only",
    "typescript_2": "TypeScript SDK 2, text only",
    "typescript_both": "TypeScript SDK, text and structured",
    "bare": "mcp SDK, tools that do nothing",
    "bare_empty": "mcp SDK, no tools",
    "bare_page": "mcp SDK, a canned page",
    "noop_ours": "our transport, tools that do nothing",
    "raw_request": "our transport, a raw request, nothing checked",
    "bare_httpx": "one bare httpx request",
    "bare_httpx_loop": "one bare httpx request of many in a loop",
    "raw_socket": "one request on a raw socket",
}


def servers(environments: Environments, port: int) -> dict[str, Server]:
    """All of them, on the upstream at that port."""
    ours = {
        "ARIZE_API_HOST": "127.0.0.1",
        "ARIZE_API_PORT": str(port),
        "ARIZE_API_SCHEME": "http",
        "ARIZE_API_KEY": "key-of-the-benchmark",
    }
    upstream = {"UPSTREAM_URL": f"http://127.0.0.1:{port}"}
    arize_mcp = (str(environments.ours.folder / "bin" / "arize-mcp"),)
    sdk, fastmcp, node = environments.sdk.python, environments.fastmcp.python, environments.typescript.folder
    bare = (sdk, str(PEERS / "bare.py"))
    typescript = ("node", str(node / "server.mjs"))
    commands: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
        "ours": (arize_mcp, ours),
        "ours_unlimited": (arize_mcp, {**ours, "ARIZE_MCP_MAX_RESULT_CHARS": "0"}),
        "ours_analysis": (arize_mcp, {**ours, "ARIZE_MCP_TOOLSETS": "analysis"}),
        "fastmcp": ((fastmcp, str(PEERS / "fastmcp_openapi.py")), upstream),
        "fastmcp_new": ((environments.fastmcp_new.python, str(PEERS / "fastmcp_openapi.py")), upstream),
        "ten_minutes": ((sdk, str(PEERS / "ten_minutes.py")), upstream),
        "typescript": (typescript, upstream),
        "typescript_2": (("node", str(environments.typescript_2.folder / "server.mjs")), upstream),
        "typescript_both": (typescript, {**upstream, "PEER_STRUCTURED": "1"}),
        "bare": ((*bare, "noop"), {}),
        "bare_empty": ((*bare, "none"), {}),
        "bare_page": ((*bare, "page"), {}),
        "noop_ours": ((environments.ours.python, str(PEERS / "noop_ours.py")), {}),
        "raw_request": ((environments.ours.python, str(PEERS / "raw_request.py")), upstream),
    }
    return {key: Server(key, TITLES[key], *command) for key, command in commands.items()}
