"""Pages of the API's lists: one, or all, one after the other."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Final

from arize_mcp.api.answers import JSONObject
from arize_mcp.api.calls import Call, Calls
from arize_mcp.api.models import ExperimentRunsPage, ExperimentsPage, ListExperimentRunsRequest, ListExperimentsRequest

_MAX_PAGES: Final = 100


async def experiments_page(calls: Calls, call: Call, request: ListExperimentsRequest) -> JSONObject:
    """One page of experiments: an ExperimentsPage."""
    query = request.model_dump(exclude_none=True)
    return await calls.request(call, ExperimentsPage, "GET", "experiments", query=query)


async def runs_page(calls: Calls, call: Call, request: ListExperimentRunsRequest) -> JSONObject:
    """One page of an experiment's runs: an ExperimentRunsPage."""
    query = request.model_dump(exclude_none=True, exclude={"experiment_id"})
    segments = ("experiments", request.experiment_id, "runs")
    return await calls.request(call, ExperimentRunsPage, "GET", *segments, query=query)


async def pages(fetch: Callable[[str | None], Awaitable[JSONObject]]) -> AsyncGenerator[JSONObject]:
    """All pages, as long as each gives a new cursor to the next.

    Args:
        fetch: gets the page of a cursor, the first one for None.
    """
    seen: set[str | None] = set()
    cursor: str | None = None
    while cursor not in seen and len(seen) < _MAX_PAGES:
        seen.add(cursor)
        page = await fetch(cursor)
        yield page
        cursor = page.get("pagination", {}).get("next_cursor")
        if not isinstance(cursor, str) or not cursor:
            return
