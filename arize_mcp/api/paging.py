"""Pages of the API's lists: one, or all, one after the other."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, Final

from arize_mcp.api import problems
from arize_mcp.api.answers import JSONObject
from arize_mcp.api.calls import Call, Calls
from arize_mcp.api.models import ExperimentRunsPage, ExperimentsPage, ListExperimentRunsRequest, ListExperimentsRequest
from arize_mcp.api.problems import URN, ProblemError

_MAX_PAGES: Final = 100

PAGE_RUNS: Final = 500
"""The most runs that the API gives at once."""


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
    """All pages, until one has no cursor to a further page, or one that came before.

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


async def run_pages(
    experiment_id: str, fetch: Callable[[ListExperimentRunsRequest], Awaitable[JSONObject]]
) -> AsyncGenerator[JSONObject]:
    """All runs of an experiment in order, page by page; a page that would be too large is asked for in smaller ones.

    Args:
        experiment_id: the experiment's id.
        fetch: gets a page.

    Raises:
        ProblemError: what fetch raises; ``runs-cut-off``, where there may be more and the API doesn't give the way to
            it; ``repeated-cursor``.
    """
    request = ListExperimentRunsRequest(experiment_id=experiment_id, limit=PAGE_RUNS)
    seen: set[str] = set()
    read = 0
    while True:
        limit = request.limit or PAGE_RUNS
        try:
            page = await fetch(request)
        except ProblemError as error:
            if error.problem.get("type") != URN + "response-too-large" or error.status != 200 or limit == 1:
                raise
            request = request.model_copy(update={"limit": limit // 2})
            continue
        count = len(page["experiment_runs"])
        read += count
        yield page
        cursor = next_cursor(page)
        if cursor is None or not count:
            has_more: Any = page.get("pagination", {}).get("has_more")
            # An API that has cursors says of every page whether it is the last; one that says nothing gives one page.
            is_only = has_more is not True and request.cursor is None and count < limit
            if cursor is None and (has_more is False or is_only):
                return
            raise problems.own(
                "runs-cut-off",
                "Runs cut off",
                f"There may be more than the {read:,} runs that were read, but the API gave no cursor to them.",
                "Read what can be had with experiments_runs_list; the rest is in Arize's user interface.",
            )
        if cursor in seen:
            raise problems.own(
                "repeated-cursor",
                "Repeated cursor",
                "The API gave the same cursor twice, so its pages would go round for ever.",
                "The API itself failed: call again in a moment.",
            )
        seen.add(cursor)
        request = request.model_copy(update={"cursor": cursor})


def next_cursor(page: JSONObject) -> str | None:
    """The cursor of the page behind this one; None where there is none, or no way to it."""
    pagination: JSONObject = page.get("pagination", {})
    cursor: Any = pagination.get("next_cursor")
    return cursor if isinstance(cursor, str) and cursor and pagination.get("has_more") is not False else None
