"""The Arize Experiments API, one coroutine per endpoint; nothing is done twice, nothing waits for ever."""

from __future__ import annotations

import math
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self, cast

import anyio
from pydantic import BaseModel

from arize_mcp.api import problems, retry
from arize_mcp.api.answers import JSONObject, checked, unexpected
from arize_mcp.api.models import (
    CreateExperimentRequest,
    DeletedExperiment,
    DeleteExperimentRequest,
    Experiment,
    ExperimentRunsPage,
    ExperimentsPage,
    GetExperimentRequest,
    ListExperimentRunsRequest,
    ListExperimentsRequest,
)
from arize_mcp.api.problems import ProblemError
from arize_mcp.settings import Settings

if TYPE_CHECKING:
    from arize_mcp.api.http import ASGIApp, Connections

OnWait = Callable[[str], Awaitable[None]]
"""Is told, in a sentence, what a call waits for."""

_MAX_LOOKUP_PAGES: Final = 100


class Clock:
    """The event loop's clock, in seconds."""

    def now(self) -> float:
        """The present."""
        return anyio.current_time()

    async def sleep(self, delay_s: float) -> None:
        """Wait."""
        await anyio.sleep(delay_s)


@dataclass
class _Call:
    """One call of an endpoint: until when, and what is known of it so far.

    ``deadline`` is in seconds on the API's clock. ``may_have_acted`` says that a request was sent whose effect isn't
    known.
    """

    on_wait: OnWait | None
    deadline: float
    may_have_acted: bool = False
    last: ProblemError | None = None


class _LostCreateError(Exception):
    """A create whose answer was lost, how, and what came of looking for it."""

    def __init__(self, error: ProblemError, lookup: str = "There was no time to look for it.") -> None:
        self.error = error
        self.lookup = lookup


class ExperimentsAPI:
    """The five endpoints over one pool of HTTP connections.

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
        ready: is awaited before a request is sent: who can't take more answers makes it wait.
        clock: tells the time and waits.
        jitter: a random number from 0 to 1.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        app: ASGIApp | None = None,
        ready: Callable[[], Awaitable[object]] | None = None,
        clock: Clock | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._settings = settings
        self._app = app
        self._ready = ready
        self._slots = anyio.Semaphore(settings.max_connections, fast_acquire=True)
        self._clock = clock or Clock()
        self._jitter = jitter
        self._held_until: dict[tuple[str, int], float] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if "_connections" in vars(self):
            await self._connections.aclose()

    @cached_property
    def _connections(self) -> Connections:
        from arize_mcp.api.http import Connections  # noqa: PLC0415 - httpx takes a while, a host that starts us waits

        return Connections(self._settings, self._app)

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

        async def work(call: _Call) -> JSONObject:
            started = datetime.now(UTC)
            try:
                return await self._request(call, Experiment, "POST", body=request.model_dump())
            except _LostCreateError as lost:
                return await self._look_up(call, request, started, lost)

        try:
            return await self._within_deadline("POST", on_wait, deadline_s, work)
        except _LostCreateError as lost:
            unknown = problems.outcome_unknown(request.dataset_id, request.name, lost.error, lost.lookup)
            raise self._clean(unknown) from lost.error

    async def delete(
        self, request: DeleteExperimentRequest, on_wait: OnWait | None = None, *, deadline_s: float | None = None
    ) -> JSONObject:
        """Delete an experiment and its runs for good (the API document, experiments_delete).

        Returns:
            A DeletedExperiment.

        Raises:
            ProblemError: whatever else happened.
        """

        async def work(call: _Call) -> JSONObject:
            deleted = DeletedExperiment(experiment_id=request.experiment_id, deleted=True).model_dump()
            return deleted | await self._request(call, None, "DELETE", request.experiment_id)

        return await self._within_deadline("DELETE", on_wait, deadline_s, work)

    async def get(
        self, request: GetExperimentRequest, on_wait: OnWait | None = None, *, deadline_s: float | None = None
    ) -> JSONObject:
        """Get an experiment (the API document, experiments_get).

        Returns:
            The Experiment, without its runs.

        Raises:
            ProblemError: whatever else happened.
        """
        return await self._within_deadline(
            "GET", on_wait, deadline_s, lambda call: self._request(call, Experiment, "GET", request.experiment_id)
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
        return await self._within_deadline("GET", on_wait, deadline_s, lambda call: self._list(call, request))

    async def list_runs(
        self, request: ListExperimentRunsRequest, on_wait: OnWait | None = None, *, deadline_s: float | None = None
    ) -> JSONObject:
        """List an experiment's runs in the order they were recorded (the API document, experiments_runs_list).

        Returns:
            An ExperimentRunsPage.

        Raises:
            ProblemError: whatever else happened.
        """
        return await self._within_deadline("GET", on_wait, deadline_s, lambda call: self._list_runs(call, request))

    async def _list(self, call: _Call, request: ListExperimentsRequest) -> JSONObject:
        return await self._request(call, ExperimentsPage, "GET", query=request.model_dump(exclude_none=True))

    async def _list_runs(self, call: _Call, request: ListExperimentRunsRequest) -> JSONObject:
        query = request.model_dump(exclude_none=True, exclude={"experiment_id"})
        return await self._request(call, ExperimentRunsPage, "GET", request.experiment_id, "runs", query=query)

    async def _within_deadline(
        self,
        method: str,
        on_wait: OnWait | None,
        deadline_s: float | None,
        work: Callable[[_Call], Awaitable[JSONObject]],
    ) -> JSONObject:
        """Do the work of a call until its deadline."""
        limit_s = self._settings.deadline_s if deadline_s is None else min(deadline_s, self._settings.deadline_s)
        call = _Call(on_wait, self._clock.now() + limit_s)
        with anyio.move_on_after(limit_s):
            try:
                return await work(call)
            except ProblemError as error:
                raise self._clean(error) from error.__cause__
        hint = problems.MAYBE_DONE[method] if call.may_have_acted else None
        late = problems.deadline_exceeded(limit_s, call.last, hint)
        if method == "POST" and call.may_have_acted:
            raise _LostCreateError(late)
        raise self._clean(late)

    def _clean(self, error: ProblemError) -> ProblemError:
        """The same error; whatever it quotes from an answer may echo the key, which goes."""
        error.problem = problems.redact(error.problem, self._settings.api_key)
        return error

    async def _request(
        self,
        call: _Call,
        model: type[BaseModel] | None,
        method: str,
        *segments: str,
        query: Mapping[str, str | int] | None = None,
        body: JSONObject | None = None,
    ) -> JSONObject:
        """Send a request, again where it may be, and check the answer: against model, or, without one, to be a 204.

        Raises:
            ProblemError: the last answer, when all sends failed.
            _LostCreateError: a POST may have taken effect all the same.
        """
        endpoint = (method, len(segments))
        lost_before = False
        sends = 0
        while True:
            try:
                await self._hold_back(call, endpoint)
                async with self._slots:
                    if self._ready is not None:
                        await self._ready()
                    sends += 1
                    call.may_have_acted = call.may_have_acted or method != "GET"
                    answer = await self._connections.send(method, segments, query, body)
                if model is not None:
                    return checked(method, answer, model, self._settings.api_key)
                if answer.status != 204:
                    raise unexpected(method, answer, "should be absent, with status 204.")
                return {}
            except ProblemError as error:
                call.last = error
                lost_before = lost_before or retry.is_lost(error)
                if method != "GET":
                    call.may_have_acted = lost_before
                if method == "POST" and (retry.is_lost(error) or (error.status == 409 and sends > 1)):
                    raise _LostCreateError(error) from error
                if method == "DELETE" and error.status == 404 and lost_before:
                    return {"notes": ["The answer to an earlier send was lost; the experiment is gone now."]}
                if sends > 1:
                    cast("JSONObject", error.problem)["sends"] = sends
                if method == "DELETE" and lost_before:
                    error.problem["hint"] = problems.MAYBE_DELETED
                wait_s = retry.wait_s(sends, error.retry_after_s, self._jitter())
                if error.status == 429:
                    until = self._clock.now() + min(retry.MAX_HOLD_S, error.retry_after_s or wait_s or 0.0)
                    self._held_until[endpoint] = max(until, self._held_until.get(endpoint, until))
                if not retry.may_send_again(method, error) or wait_s is None or self._is_past(call, wait_s):
                    raise
                # Not the API's own words, which may echo anything.
                reason = f"answered {error.status}" if error.status else error.problem.get("title", "").lower()
                reason = "rate limited" if error.status == 429 else reason
            await self._wait(call, wait_s, f"{reason}, sending again in {math.ceil(wait_s)} s")

    async def _hold_back(self, call: _Call, endpoint: tuple[str, int]) -> None:
        """After a 429 the other calls of the endpoint wait as well."""
        while (wait_s := self._held_until.get(endpoint, 0.0) - self._clock.now()) > 0:
            if wait_s > retry.MAX_RETRY_AFTER_S or self._is_past(call, wait_s):
                raise problems.own(
                    "rate-limited",
                    "Rate limited",
                    "The API has just refused another call of this endpoint as one too many; this one was held back.",
                    "Call again after `retry_after` seconds.",
                    retry_after=math.ceil(wait_s),
                )
            await self._wait(call, wait_s, f"rate limited, sending in {math.ceil(wait_s)} s")

    def _is_past(self, call: _Call, wait_s: float) -> bool:
        return self._clock.now() + wait_s >= call.deadline

    async def _wait(self, call: _Call, wait_s: float, words: str) -> None:
        if call.on_wait is not None:
            await call.on_wait(words)
        await self._clock.sleep(wait_s)

    async def _look_up(
        self, call: _Call, request: CreateExperimentRequest, started: datetime, lost: _LostCreateError
    ) -> JSONObject:
        """Find out what became of a create whose answer was lost.

        Returns:
            The Experiment, where this call stored it.

        Raises:
            ProblemError: the 409 that it would have been.
            _LostCreateError: it can't be found, so that it may still be on its way.
        """
        try:
            found = await self._find(call, request)
            if found is None:
                raise _LostCreateError(lost.error, "Its name is not in the dataset so far.")
            if await self._is_of_this_call(call, request, found, started):
                return found
        except ProblemError as error:
            raise _LostCreateError(lost.error, f"Looking for it failed: {error}") from error
        raise problems.name_taken(request.name, found)

    async def _find(self, call: _Call, request: CreateExperimentRequest) -> JSONObject | None:
        """The experiment of that very name in that dataset, if there is one."""
        query = ListExperimentsRequest(dataset_id=request.dataset_id, name=request.name, limit=100)
        async for page in _pages(lambda cursor: self._list(call, query.model_copy(update={"cursor": cursor}))):
            for experiment in page["experiments"]:
                identity = (experiment.get("name"), experiment.get("dataset_id"))
                if identity == (request.name, request.dataset_id) and experiment["id"]:
                    return experiment
        return None

    async def _is_of_this_call(
        self, call: _Call, request: CreateExperimentRequest, found: JSONObject, started: datetime
    ) -> bool:
        """Whether an experiment was created since then, on the server's clock, and its runs are those that were sent.

        Clocks are compared to the second, so the time alone can't tell this call's from one just before it.
        """
        try:
            created = datetime.fromisoformat(str(found.get("created_at")))
        except ValueError:
            return False
        # The timestamp may be in whole seconds.
        if created.tzinfo is None or created < (started + self._connections.clock_skew).replace(microsecond=0):
            return False
        query = ListExperimentRunsRequest(experiment_id=found["id"], limit=500)
        stored: list[tuple[object, object]] = []
        async for page in _pages(lambda cursor: self._list_runs(call, query.model_copy(update={"cursor": cursor}))):
            stored += [(run.get("example_id"), run.get("output")) for run in page["experiment_runs"]]
        return stored == [(run.example_id, run.output) for run in request.experiment_runs]


async def _pages(fetch: Callable[[str | None], Awaitable[JSONObject]]) -> AsyncGenerator[JSONObject]:
    """All pages, as long as each gives a new cursor to the next."""
    seen: set[str | None] = set()
    cursor: str | None = None
    while cursor not in seen and len(seen) < _MAX_LOOKUP_PAGES:
        seen.add(cursor)
        page = await fetch(cursor)
        yield page
        cursor = page.get("pagination", {}).get("next_cursor")
        if not isinstance(cursor, str) or not cursor:
            return
