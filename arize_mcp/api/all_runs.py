"""All runs of an experiment, page by page: whole, or a problem that says how many were read."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from typing import cast

from arize_mcp.api import problems
from arize_mcp.api.answers import JSONObject
from arize_mcp.api.calls import Call, Calls, OnWait
from arize_mcp.api.models import ListExperimentRunsRequest
from arize_mcp.api.paging import next_cursor, run_pages, runs_page
from arize_mcp.api.problems import URN, ProblemError


class AllRuns(AsyncIterator[JSONObject]):
    """Every run of an experiment, as sent and in the order of recording; to be iterated once.

    A page over the cap on bytes is asked for again in halves. Each page is read within the deadline of the whole.

    Attributes:
        read: how many runs have been read.
        may_have_more: at the end, whether there may be runs that can't be had: the API, as it first was, gives the
            first 500 and no cursor to go on with.
        altered: how many values are not as the API sent them, because they can't be passed on.

    Raises:
        ProblemError: not all runs could be read; ``runs_read`` says how many were.
    """

    def __init__(
        self, calls: Calls, experiment_id: str, on_wait: OnWait | None, deadline_s: float | None, max_runs: int
    ) -> None:
        self.read = 0
        self.may_have_more = False
        self.altered = 0
        self._calls = calls
        self._experiment_id = experiment_id
        self._call = calls.begin(on_wait, deadline_s)
        self._max_runs = max_runs
        self._runs = self._all()

    async def __anext__(self) -> JSONObject:
        return await anext(self._runs)

    def notes(self, whose: str) -> list[str]:
        """What has to be said of the runs once all of them are read.

        Args:
            whose: what the runs are of, such as ``the baseline``.
        """
        notes: list[str] = []
        if self.may_have_more:
            notes.append(
                f"There may be more runs in {whose} than these {self.read}: the API says so, or gave a page of the "
                "largest size, but it gave no cursor to go on with."
            )
        if self.altered:
            notes.append(
                f"Values in {whose} that can't be passed on as the API sent them (numbers too large, or nested too "
                f"deep), and were not counted: {self.altered}."
            )
        return notes

    async def _all(self) -> AsyncGenerator[JSONObject]:
        try:
            async for page in run_pages(self._experiment_id, self._page):
                runs: list[JSONObject] = page["experiment_runs"]
                self.read += len(runs)
                self.altered += len(page.get("shortened", []))
                if self.read > self._max_runs or (self.read == self._max_runs and next_cursor(page) is not None):
                    raise self._too_many()
                if self._call.on_wait is not None:
                    await self._call.on_wait(f"{self.read} {'run' if self.read == 1 else 'runs'} read")
                for run in runs:
                    yield run
        except ProblemError as error:
            if error.problem.get("type") != URN + "runs-cut-off":
                raise self._partial(error) from error.__cause__
            self.may_have_more = True

    async def _page(self, request: ListExperimentRunsRequest) -> JSONObject:
        async def work(call: Call) -> JSONObject:
            return await runs_page(self._calls, call, request)

        page = await self._calls.until_deadline("GET", self._call, work)
        self._call.last = None
        return page

    def _too_many(self) -> ProblemError:
        return problems.own(
            "too-many-runs",
            "Too many runs",
            f"The experiment has more than {self._max_runs} runs (ARIZE_MCP_MAX_RUNS).",
            "Raise ARIZE_MCP_MAX_RUNS in the host's configuration, or read single pages with experiments_runs_list.",
        )

    def _partial(self, error: ProblemError) -> ProblemError:
        """The same error, which says how many runs were read before it."""
        if self.read:
            detail = f"{error} Runs read by then: {self.read}. No answer is made from a part."
            error.problem["detail"] = detail
            error.args = (detail,)
        cast("JSONObject", error.problem)["runs_read"] = self.read
        return error
