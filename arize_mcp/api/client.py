"""The Arize API of experiments, one coroutine per endpoint; nothing is done twice, nothing waits for ever."""

from __future__ import annotations

import hashlib
import hmac
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Self

from arize_mcp.api import problems
from arize_mcp.api.all_runs import AllRuns
from arize_mcp.api.answers import JSONObject
from arize_mcp.api.calls import Call, Calls, Clock, LostAnswerError, OnWait
from arize_mcp.api.lost_creates import look_up, tell_existing
from arize_mcp.api.models import (
    AppendExperimentRunsRequest,
    CreateExperimentRequest,
    DeletedExperiment,
    DeleteExperimentRequest,
    Experiment,
    GetExperimentRequest,
    ListExperimentRunsRequest,
    ListExperimentsRequest,
)
from arize_mcp.api.paging import experiments_page, runs_page
from arize_mcp.api.pool import Pool
from arize_mcp.api.problems import ProblemError
from arize_mcp.settings.settings import Settings

if TYPE_CHECKING:
    from arize_mcp.api.dataset_models import ListDatasetExamplesRequest, ListDatasetsRequest
    from arize_mcp.api.http import ASGIApp


class ExperimentsAPI:
    """The five endpoints, and the two that read datasets, for one key.

    Use it as an async context manager::

        async with ExperimentsAPI(settings) as api:
            page = await api.list(ListExperimentsRequest(limit=10))

    Every method returns the API's JSON object as sent, checked against its response model, and raises
    ``ProblemError`` for anything else. A request is sent again where that can do nothing twice (``retry``), and every
    call ends within ``settings.deadline_s``, or ``deadline_s`` where that is less; ``on_wait`` is told what it waits
    for. One instance serves any number of concurrent calls, at most
    ``settings.max_connections`` requests at a time, in order of arrival.

    Args:
        settings: where the API is and how to reach it.
        app: an ASGI application to call in process instead of a server, such as the sandbox.
        pool: connections that are shared with other keys; whoever made them closes them.
        ready: is awaited before a request is sent and before an answer is read: a caller who can't take more answers
            holds it back.
        clock: tells the time and waits.
        jitter: a random number from 0 to 1.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        app: ASGIApp | None = None,
        pool: Pool | None = None,
        ready: Callable[[], Awaitable[object]] | None = None,
        clock: Clock | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._api_key = settings.api_key or ""
        self._owns_pool = pool is None
        self._pool = pool or Pool(settings, app)
        self._calls = Calls(settings, self._pool, ready, clock or Clock(), jitter)
        self._max_runs = settings.max_runs

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._owns_pool:
            await self._pool.aclose()

    @property
    def key_hash(self) -> str:
        """The beginning of the key's SHA-256, in hexadecimal: tells callers apart in a log."""
        return hashlib.sha256(self._api_key.encode()).hexdigest()[:8]

    def signing_key(self, purpose: str) -> bytes:
        """A key to sign what a caller will hand back: 32 bytes derived from the API key, others for each purpose."""
        return hmac.digest(self._api_key.encode(), purpose.encode(), "sha256")

    async def create(
        self, request: CreateExperimentRequest, on_wait: OnWait | None = None, *, deadline_s: float | None = None
    ) -> JSONObject:
        """Create an experiment with its runs (the API document, experiments_create).

        When the answer is lost, the experiment is looked up by its name: what this call stored is a success.

        Returns:
            The Experiment, without its runs.

        Raises:
            ProblemError: whatever else happened; ``outcome-unknown`` where it may have been stored.
        """

        async def work(call: Call) -> JSONObject:
            started = datetime.now(UTC)
            try:
                return await self._calls.request(call, Experiment, "POST", "experiments", body=request.model_dump())
            except LostAnswerError as lost:
                return await look_up(self._calls, call, request, started, lost)
            except ProblemError as error:
                if error.status == 409:
                    await tell_existing(self._calls, call, request, error)
                raise

        try:
            return await self._calls.within_deadline("POST", on_wait, deadline_s, work)
        except LostAnswerError as lost:
            unknown = problems.outcome_unknown(request.dataset_id, request.name, lost.error, lost.lookup)
            raise self._calls.clean(unknown) from lost.error

    async def append_runs(
        self,
        request: AppendExperimentRunsRequest,
        recorded: int,
        on_wait: OnWait | None = None,
        *,
        deadline_s: float | None = None,
    ) -> JSONObject:
        """Append runs to an experiment, behind those that it has (today's API, POST /v2/experiments/{id}/runs).

        When the answer is lost, the runs behind those that were there are read once, which has a deadline of its own:
        what this call stored is a success.

        Args:
            request: the experiment and its further runs.
            recorded: how many runs it has already.
            on_wait: is told what the call waits for.
            deadline_s: as of every method.

        Returns:
            The Experiment, without its runs.

        Raises:
            ProblemError: the runs were refused or never sent; ``outcome-unknown`` where they may be stored.
        """
        from arize_mcp.api.lost_appends import look_behind, unknown  # noqa: PLC0415 - most hosts record no files

        segments = ("experiments", request.experiment_id, "runs")

        async def work(call: Call) -> JSONObject:
            body = request.model_dump(exclude={"experiment_id"})
            try:
                return await self._calls.request(call, Experiment, "POST", *segments, body=body)
            except ProblemError as error:
                # A redirect doesn't say that nothing was done.
                if error.status is not None and error.status < 400:
                    raise LostAnswerError(error) from error
                raise

        try:
            return await self._calls.within_deadline("POST", on_wait, deadline_s, work)
        except LostAnswerError as lost:
            error = lost.error
        try:
            return await self._calls.within_deadline(
                "GET", on_wait, deadline_s, lambda call: look_behind(self._calls, call, request, recorded, error)
            )
        except LostAnswerError as lost:
            raise self._calls.clean(unknown(request, lost)) from error
        except ProblemError as late:
            lost = LostAnswerError(error, f"Looking for them failed: {late}")
            raise self._calls.clean(unknown(request, lost)) from error

    async def delete(
        self, request: DeleteExperimentRequest, on_wait: OnWait | None = None, *, deadline_s: float | None = None
    ) -> JSONObject:
        """Delete an experiment and its runs for good (the API document, experiments_delete).

        Returns:
            A DeletedExperiment.

        Raises:
            ProblemError: whatever else happened.
        """

        async def work(call: Call) -> JSONObject:
            deleted = DeletedExperiment(experiment_id=request.experiment_id, deleted=True).model_dump()
            return deleted | await self._calls.request(call, None, "DELETE", "experiments", request.experiment_id)

        return await self._calls.within_deadline("DELETE", on_wait, deadline_s, work)

    async def get(
        self, request: GetExperimentRequest, on_wait: OnWait | None = None, *, deadline_s: float | None = None
    ) -> JSONObject:
        """Get an experiment (the API document, experiments_get).

        Returns:
            The Experiment, without its runs.

        Raises:
            ProblemError: whatever else happened.
        """
        return await self._calls.within_deadline(
            "GET",
            on_wait,
            deadline_s,
            lambda call: self._calls.request(call, Experiment, "GET", "experiments", request.experiment_id),
        )

    async def list(
        self, request: ListExperimentsRequest, on_wait: OnWait | None = None, *, deadline_s: float | None = None
    ) -> JSONObject:
        """List experiments, a page at a time (the API document, experiments_list).

        Returns:
            An ExperimentsPage.

        Raises:
            ProblemError: whatever else happened.
        """
        return await self._calls.within_deadline(
            "GET", on_wait, deadline_s, lambda call: experiments_page(self._calls, call, request)
        )

    async def list_runs(
        self, request: ListExperimentRunsRequest, on_wait: OnWait | None = None, *, deadline_s: float | None = None
    ) -> JSONObject:
        """List an experiment's runs in the order they were recorded (the API document, experiments_runs_list).

        Returns:
            An ExperimentRunsPage.

        Raises:
            ProblemError: whatever else happened.
        """
        return await self._calls.within_deadline(
            "GET", on_wait, deadline_s, lambda call: runs_page(self._calls, call, request)
        )

    async def list_datasets(
        self, request: ListDatasetsRequest, on_wait: OnWait | None = None, *, deadline_s: float | None = None
    ) -> JSONObject:
        """List datasets, the newest first, a page at a time (contract 3, Datasets).

        Returns:
            A DatasetsPage.

        Raises:
            ProblemError: whatever else happened.
        """
        from arize_mcp.api.dataset_models import DatasetsPage  # noqa: PLC0415 - most hosts don't read datasets

        query = request.model_dump(exclude_none=True)
        return await self._calls.within_deadline(
            "GET",
            on_wait,
            deadline_s,
            lambda call: self._calls.request(call, DatasetsPage, "GET", "datasets", query=query),
        )

    async def list_examples(
        self, request: ListDatasetExamplesRequest, on_wait: OnWait | None = None, *, deadline_s: float | None = None
    ) -> JSONObject:
        """List the examples of a dataset's latest version, a page at a time (contract 3, Datasets).

        Returns:
            A DatasetExamplesPage.

        Raises:
            ProblemError: whatever else happened.
        """
        from arize_mcp.api.dataset_models import DatasetExamplesPage  # noqa: PLC0415 - most hosts don't read datasets

        query = request.model_dump(exclude_none=True, exclude={"dataset_id"})
        segments = ("datasets", request.dataset_id, "examples")
        return await self._calls.within_deadline(
            "GET",
            on_wait,
            deadline_s,
            lambda call: self._calls.request(call, DatasetExamplesPage, "GET", *segments, query=query),
        )

    def all_runs(
        self, experiment_id: str, on_wait: OnWait | None = None, *, deadline_s: float | None = None
    ) -> AllRuns:
        """Read all runs of an experiment, page after page, in the order they were recorded.

        Such as::

            async for run in api.all_runs("RXhwZXJpbWVudDoxOmFCY0Q="):
                ...

        The deadline holds over all pages, from now on. At most ``settings.max_runs`` are read.

        Returns:
            An asynchronous iterator of the runs as sent. It raises ProblemError where it can't read on;
            ``may_have_more`` says at the end whether there may be runs that it couldn't read.
        """
        return AllRuns(self._calls, experiment_id, on_wait, deadline_s, self._max_runs)
