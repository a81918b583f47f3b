"""A server on the mcp SDK and httpx, written in ten minutes: a client for every call, no schema for the answer."""

from __future__ import annotations

import os
from typing import Any

import httpx
from mcp.server import MCPServer

BASE_URL = os.environ["UPSTREAM_URL"] + "/v2/experiments"
HEADERS = {"Authorization": "Bearer k"}

mcp = MCPServer("Arize experiments")


async def request(method: str, path: str = "", **arguments: Any) -> Any:
    async with httpx.AsyncClient(headers=HEADERS, timeout=30) as client:
        response = await client.request(method, BASE_URL + path, **arguments)
        response.raise_for_status()
        return response.json() if response.content else {"deleted": True}


@mcp.tool()
async def experiments_list(
    dataset_id: str | None = None, name: str | None = None, limit: int = 50, cursor: str | None = None
) -> dict:
    """List experiments, a page at a time."""
    params = {"dataset_id": dataset_id, "name": name, "limit": limit, "cursor": cursor}
    return await request("GET", params={key: value for key, value in params.items() if value is not None})


@mcp.tool()
async def experiments_get(experiment_id: str) -> dict:
    """Get an experiment by its id."""
    return await request("GET", f"/{experiment_id}")


@mcp.tool()
async def experiments_runs_list(experiment_id: str, limit: int = 50, cursor: str | None = None) -> dict:
    """List the runs of an experiment, a page at a time."""
    params = {"limit": limit} | ({"cursor": cursor} if cursor else {})
    return await request("GET", f"/{experiment_id}/runs", params=params)


@mcp.tool()
async def experiments_create(name: str, dataset_id: str, experiment_runs: list[dict[str, Any]]) -> dict:
    """Create an experiment. Each run needs an example_id and an output."""
    return await request("POST", json={"name": name, "dataset_id": dataset_id, "experiment_runs": experiment_runs})


@mcp.tool()
async def experiments_delete(experiment_id: str) -> dict:
    """Delete an experiment and its runs."""
    return await request("DELETE", f"/{experiment_id}")


if __name__ == "__main__":
    mcp.run()
