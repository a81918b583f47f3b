"""FastMCP's from_openapi over the five endpoints, as its documentation shows it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import httpx2
from fastmcp import FastMCP

client = httpx2.AsyncClient(base_url=os.environ["UPSTREAM_URL"], headers={"Authorization": "Bearer k"}, timeout=30)
document = json.loads(Path(__file__).with_name("openapi.json").read_text(encoding="utf-8"))
mcp = FastMCP.from_openapi(document, client=client, name="Arize experiments")

if __name__ == "__main__":
    # The banner asks a registry for updates.
    if port := os.environ.get("HTTP_PORT"):
        mcp.run(transport="http", port=int(port), show_banner=False, log_level="warning")
    else:
        mcp.run(show_banner=False)
