"""One call of an endpoint: its sends, its waits and its deadline. Nothing is done twice, nothing waits for ever."""

from __future__ import annotations

import math
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Final, cast

import anyio
from pydantic import BaseModel

from arize_mcp.api import problems, retry
from arize_mcp.api.answers import JSONObject, checked, unexpected
from arize_mcp.api.pool import Pool
from arize_mcp.api.problems import ProblemError
from arize_mcp.settings.settings import Settings

if TYPE_CHECKING:
    from arize_mcp.api.http import Connections

# At most so many answers are read into memory at a time. Reading one takes milliseconds, waiting for one hundreds.
_READ_AT_A_TIME: Final = 8

OnWait = Callable[[str], Awaitable[None]]
"""Is called with a sentence that says what a call waits for."""


class Clock:
    """A monotonic clock, in seconds."""

    def now(self) -> float:
        """The present."""
        return time.monotonic()

    async def sleep(self, delay_s: float) -> None:
        """Wait."""
        await anyio.sleep(delay_s)


@dataclass
class Call:
    """One call of an endpoint: its deadline, and what is known of its effect so far.

    ``limit_s`` is how many seconds it may take, ``deadline`` when it has to end, in seconds on the API's clock.
    ``may_have_acted`` says that a request was sent whose effect isn't known.
    """

    on_wait: OnWait | None
    limit_s: float
    deadline: float
    may_have_acted: bool = False
    last: ProblemError | None = None

    def acts(self) -> None:
        """Note that from now on a request may take effect."""
        self.may_have_acted = True


class LostAnswerError(Exception):
    """A POST whose answer was lost: how it was lost, and what a look for its effect has found."""

    def __init__(self, error: ProblemError, lookup: str = "There was no time to look for it.") -> None:
        self.error = error
        self.lookup = lookup


class _Reading:
    """Waits until there is room for an answer. One that isn't read yet waits in the network, and takes no memory.

    Args:
        ready: waits until the caller takes answers at all.
    """

    def __init__(self, ready: Callable[[], Awaitable[object]] | None) -> None:
        self._turns = anyio.Semaphore(_READ_AT_A_TIME, fast_acquire=True)
        self._ready = ready

    async def __aenter__(self) -> None:
        await self._turns.acquire()
        if self._ready is not None:
            try:
                await self._ready()
            except BaseException:
                self._turns.release()
                raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._turns.release()


class Calls:
    """Calls of endpoints for one key; its arguments are those of ``ExperimentsAPI``."""

    def __init__(
        self,
        settings: Settings,
        pool: Pool,
        ready: Callable[[], Awaitable[object]] | None,
        clock: Clock,
        jitter: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._pool = pool
        self._ready = ready
        self._slots = pool.slots()
        self._reading = _Reading(ready)
        self._clock = clock
        self._jitter = jitter
        self._held_until: dict[tuple[str, str, int], float] = {}

    @property
    def connections(self) -> Connections:
        """The connections of the pool."""
        return self._pool.connections

    async def within_deadline(
        self,
        method: str,
        on_wait: OnWait | None,
        deadline_s: float | None,
        work: Callable[[Call], Awaitable[JSONObject]],
    ) -> JSONObject:
        """Do the work of a call until its deadline.

        Args:
            method: the HTTP method of its first request.
            on_wait: is told what the call waits for.
            deadline_s: how long it may take, in seconds, if that is less than the settings' deadline.
            work: what to do.

        Raises:
            ProblemError: what work raises, or deadline-exceeded.
            LostAnswerError: a POST may have taken effect all the same.
        """
        return await self.until_deadline(method, self.begin(on_wait, deadline_s), work)

    def begin(self, on_wait: OnWait | None, deadline_s: float | None) -> Call:
        """A call that begins now; its arguments are those of ``within_deadline``."""
        limit_s = self._settings.deadline_s if deadline_s is None else min(deadline_s, self._settings.deadline_s)
        return Call(on_wait, limit_s, self._clock.now() + limit_s)

    async def until_deadline(
        self, method: str, call: Call, work: Callable[[Call], Awaitable[JSONObject]]
    ) -> JSONObject:
        """Do work, or one part of it, until the deadline of a call that has begun; as ``within_deadline``."""
        with anyio.move_on_after(call.deadline - self._clock.now()):
            try:
                return await work(call)
            except ProblemError as error:
                raise self.clean(error) from error.__cause__
        late = problems.deadline_exceeded(call.limit_s, call.last, method, may_have_acted=call.may_have_acted)
        if method == "POST" and call.may_have_acted:
            raise LostAnswerError(late)
        raise self.clean(late)

    def left_s(self, call: Call) -> float:
        """How many seconds a call has until its deadline."""
        return call.deadline - self._clock.now()

    def clean(self, error: ProblemError) -> ProblemError:
        """The same error without the key, which the answer that it quotes may echo."""
        error.problem = problems.redact(error.problem, self._settings.api_key)
        return error

    async def request(
        self,
        call: Call,
        model: type[BaseModel] | None,
        method: str,
        *segments: str,
        query: Mapping[str, str | int] | None = None,
        body: JSONObject | None = None,
    ) -> JSONObject:
        """Send a request, again where that is safe, and check the answer.

        Args:
            call: the call that the request is part of.
            model: what the answer has to be; None for a 204 without a body.
            method: the HTTP method.
            segments: the path after ``/v2``; each is percent-encoded whole.
            query: query parameters.
            body: a JSON object.

        Raises:
            ProblemError: the last answer, when all sends failed.
            LostAnswerError: a POST may have taken effect all the same.
        """
        endpoint = (method, segments[0], len(segments))
        lost_before = False
        sends = 0
        while True:
            try:
                await self._hold_back(call, endpoint)
                async with self._slots:
                    if self._ready is not None:
                        await self._ready()
                    sends += 1
                    on_sent, reading = (None, self._reading) if method == "GET" else (call.acts, nullcontext())
                    answer = await self.connections.send(
                        self._settings.api_key, method, segments, query, body, on_sent=on_sent, reading=reading
                    )
                if model is not None:
                    return checked(method, answer, model, self._settings.api_key)
                if answer.status != 204:
                    raise unexpected(method, answer, "should be absent, with status 204.", "")
                return {}
            except ProblemError as error:
                call.last = error
                lost_before = lost_before or retry.is_lost(error)
                if method != "GET":
                    call.may_have_acted = lost_before
                if method == "POST" and (retry.is_lost(error) or (error.status == 409 and sends > 1)):
                    raise LostAnswerError(error) from error
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
                # The API's own words may echo anything, so they are not told.
                reason = f"answered {error.status}" if error.status else error.problem.get("title", "").lower()
                reason = "rate limited" if error.status == 429 else reason
            await self._wait(call, wait_s, f"{reason}, sending again in {math.ceil(wait_s)} s")

    async def _hold_back(self, call: Call, endpoint: tuple[str, str, int]) -> None:
        """Wait, if another call of this endpoint has got a 429."""
        while (wait_s := self._held_until.get(endpoint, 0.0) - self._clock.now()) > 0:
            if wait_s > retry.MAX_RETRY_AFTER_S or self._is_past(call, wait_s):
                raise problems.own(
                    "rate-limited",
                    "Rate limited",
                    "The API has just answered another call of this endpoint with 429, so this call was not sent.",
                    "Call again after `retry_after` seconds.",
                    retry_after=math.ceil(wait_s),
                )
            await self._wait(call, wait_s, f"rate limited, sending in {math.ceil(wait_s)} s")

    def _is_past(self, call: Call, wait_s: float) -> bool:
        return self._clock.now() + wait_s >= call.deadline

    async def _wait(self, call: Call, wait_s: float, words: str) -> None:
        if call.on_wait is not None:
            await call.on_wait(words)
        await self._clock.sleep(wait_s)
