"""Following cursors ends: with the last page, or with a problem that says why not."""

from __future__ import annotations

from typing import Any

import pytest

from arize_mcp.api.models import ListExperimentRunsRequest
from arize_mcp.api.paging import next_cursor, pages, run_pages
from arize_mcp.api.problems import URN, ProblemError, own


async def followed(cursors: list[Any]) -> list[str | None]:
    """The cursors that are asked for where the pages give these in turn."""
    asked: list[str | None] = []

    async def fetch(cursor: str | None) -> dict[str, Any]:
        asked.append(cursor)
        return {"pagination": {"next_cursor": cursors[len(asked) - 1]}}

    async for _ in pages(fetch):
        pass
    return asked


@pytest.mark.parametrize(
    ("cursors", "asked"),
    [
        ([None], [None]),
        (["a", "b", None], [None, "a", "b"]),
        (["a", ""], [None, "a"]),
        (["a", 5], [None, "a"]),
        (["a", "a", None], [None, "a"]),
        (["a", "b", "a", None], [None, "a", "b"]),
    ],
)
async def test_pages_end_where_no_new_cursor_comes(cursors: list[Any], asked: list[str | None]):
    assert await followed(cursors) == asked


async def test_pages_end_after_a_hundred():
    assert len(await followed([str(n) for n in range(200)])) == 100


def page(count: int, **pagination: Any) -> dict[str, Any]:
    return {"experiment_runs": [{}] * count, "pagination": pagination}


async def read(answers: list[dict[str, Any] | ProblemError]) -> list[int | None]:
    """The limits that are asked for where the answers come in turn."""
    limits: list[int | None] = []

    async def fetch(request: ListExperimentRunsRequest) -> dict[str, Any]:
        limits.append(request.limit)
        answer = answers[len(limits) - 1]
        if isinstance(answer, ProblemError):
            raise answer
        return answer

    async for _ in run_pages("x", fetch):
        pass
    return limits


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ([page(3, has_more=True)], "the 3 runs"),
        ([page(500)], "the 500 runs"),
        ([page(500, next_cursor="a"), page(500, next_cursor="b"), page(1)], "the 1,001 runs"),
        ([page(0, next_cursor="a")], "the 0 runs"),
        ([page(0, has_more=True, next_cursor="a")], "the 0 runs"),
        ([page(3, has_more=True, next_cursor=5)], "the 3 runs"),
    ],
)
async def test_where_there_may_be_more_runs_without_a_way_to_them_it_is_said_how_many_were_read(
    answers: list[dict[str, Any] | ProblemError], said: str
):
    with pytest.raises(ProblemError, match=said) as caught:
        await read(answers)
    assert caught.value.problem.get("type") == URN + "runs-cut-off"


@pytest.mark.parametrize("last", [page(3), page(0), page(3, has_more=False), page(3, has_more=False, next_cursor="a")])
async def test_one_page_that_is_not_full_is_the_whole(last: dict[str, Any]):
    assert await read([last]) == [500]


@pytest.mark.parametrize(("name", "status"), [("response-too-large", 500), ("broken-response", 200)])
async def test_only_an_answer_that_is_too_large_is_asked_for_in_smaller_pages(name: str, status: int):
    error = own(name, "T", "d", "h")
    error.status = status
    with pytest.raises(ProblemError) as caught:
        await read([error, page(1)])
    assert caught.value is error


def test_a_cursor_is_a_text_that_is_not_empty():
    assert [next_cursor(page(1, next_cursor=cursor)) for cursor in ("a", "", None, 5)] == ["a", None, None, None]
