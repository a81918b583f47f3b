"""Answers that the server computes: it reads experiments whole, and makes numbers that fit a context window."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final, cast

import anyio

from arize_mcp.analysis import comparison, summary
from arize_mcp.analysis.comparison import Comparison
from arize_mcp.analysis.fields import UnknownNameError
from arize_mcp.analysis.query import Condition, Query
from arize_mcp.analysis.runs import Runs
from arize_mcp.analysis.summary import Summary
from arize_mcp.api import problems
from arize_mcp.api.calls import OnWait
from arize_mcp.api.client import ExperimentsAPI
from arize_mcp.api.models import GetExperimentRequest
from arize_mcp.api.problems import ProblemError
from arize_mcp.server.analysis_models import CompareExperimentsRequest, QueryRunsRequest, SummarizeExperimentRequest
from arize_mcp.server.listing import fit_lists, fit_rows
from arize_mcp.server.shortening import Result

_SUMMARY_LIMIT: Final = 5
_COMPARISON_LIMIT: Final = 10
_ROWS_LIMIT: Final = 100


class Reading:
    """Reads experiments and computes answers from them.

    Args:
        api: the API.
        max_chars: how long the JSON text of an answer may be; 0 is no limit.
        on_wait: is told what the call waits for.
        deadline_s: how long all of it may take, in seconds; None takes the settings' deadline.
    """

    def __init__(
        self,
        api: ExperimentsAPI,
        max_chars: int,
        on_wait: OnWait | None = None,
        deadline_s: float | None = None,
    ) -> None:
        self._api = api
        self._max_chars = max_chars
        self._on_wait = on_wait
        self._deadline_s = deadline_s

    async def summary(self, request: SummarizeExperimentRequest) -> Result:
        """One experiment in numbers.

        Raises:
            ProblemError: it can't be read whole; or bad-arguments, for a name that no run has.
        """
        runs = Runs(summary.EXCERPT_CHARS)
        await self._fill((request.experiment_id, "the experiment", runs))
        try:
            found = Summary(runs, group_by=request.group_by, lower_is_better=request.lower_is_better or ())
        except UnknownNameError as error:
            raise _unknown(error) from error
        lists = ("scores", "labels", "measures", "groups", "fields", "lowest")
        return fit_lists(
            found.answer,
            limit=request.limit,
            default_limit=_SUMMARY_LIMIT,
            excerpt_chars=summary.EXCERPT_CHARS,
            whole_lists=lists,
            max_chars=self._max_chars,
        )

    async def comparison(self, request: CompareExperimentsRequest) -> Result:
        """What changed from one experiment to another.

        Raises:
            ProblemError: one of them can't be read whole; or bad-arguments, for the same id twice or a name that no
                run has.
        """
        if request.baseline_id == request.candidate_id:
            detail = "Is the baseline itself: give the id of the experiment to compare with it."
            raise problems.bad_arguments([{"pointer": "#/candidate_id", "detail": detail}])
        baseline, candidate = Runs(comparison.EXCERPT_CHARS), Runs(comparison.EXCERPT_CHARS)
        await self._fill(
            (request.baseline_id, "the baseline", baseline), (request.candidate_id, "the candidate", candidate)
        )
        try:
            found = Comparison(
                baseline,
                candidate,
                score=request.score,
                change=request.change or "worse",
                lower_is_better=request.lower_is_better or (),
            )
        except UnknownNameError as error:
            raise _unknown(error) from error
        lists = ("scores", "labels", "measures", "changed")
        return fit_lists(
            found.answer,
            limit=request.limit,
            default_limit=_COMPARISON_LIMIT,
            excerpt_chars=comparison.EXCERPT_CHARS,
            whole_lists=lists,
            max_chars=self._max_chars,
        )

    async def table(self, request: QueryRunsRequest) -> Result:
        """A table of runs.

        Raises:
            ProblemError: they can't be read whole; or bad-arguments, for a field that no run has.
        """
        query = Query(
            fields=request.fields or (),
            where=[Condition(where.field, where.op, where.value or "") for where in request.where or ()],
            sort=request.sort,
            offset=request.offset or 0,
            limit=request.limit or _ROWS_LIMIT,
        )
        runs = self._api.all_runs(request.experiment_id, self._on_wait, deadline_s=self._deadline_s)
        async for run in runs:
            query.add(run)
        query.read_notes = runs.notes("the experiment")
        try:
            content = query.answer()
        except UnknownNameError as error:
            raise _unknown(error) from error
        return fit_rows(content, self._max_chars, query.notes)

    async def _fill(self, *wanted: tuple[str, str, Runs]) -> None:
        """Read experiments at the same time, each with all its runs: (id, whose they are, what takes them in)."""
        failed: list[ProblemError] = []

        async def until_one_fails(experiment_id: str, work: Callable[[], Awaitable[None]]) -> None:
            try:
                await work()
            except ProblemError as error:
                cast("dict[str, Any]", error.problem).setdefault("experiment_id", experiment_id)
                failed.append(error)
                tasks.cancel_scope.cancel()

        async with anyio.create_task_group() as tasks:
            for experiment_id, whose, runs in wanted:
                tasks.start_soon(until_one_fails, experiment_id, partial(self._describe, experiment_id, runs))
                tasks.start_soon(until_one_fails, experiment_id, partial(self._read, experiment_id, whose, runs))
        if failed:
            raise failed[0]

    async def _describe(self, experiment_id: str, runs: Runs) -> None:
        request = GetExperimentRequest(experiment_id=experiment_id)
        runs.experiment = await self._api.get(request, self._on_wait, deadline_s=self._deadline_s)

    async def _read(self, experiment_id: str, whose: str, runs: Runs) -> None:
        async def on_wait(words: str) -> None:
            if self._on_wait is not None:
                await self._on_wait(f"{whose}: {words}")

        every = self._api.all_runs(experiment_id, on_wait, deadline_s=self._deadline_s)
        async for run in every:
            runs.add(run)
        runs.read_notes = every.notes(whose)


def _unknown(error: UnknownNameError) -> ProblemError:
    fault = problems.ArgumentError(pointer=f"#{error.argument}", detail=error.detail)
    return problems.bad_arguments([fault], effect="the runs were read and don't have it")
