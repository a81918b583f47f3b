"""What became of a create whose answer was lost: names are unique in their dataset, so it can be looked up."""

from __future__ import annotations

from datetime import datetime, timedelta
from math import isclose
from typing import Final

import anyio

from arize_mcp.api import problems
from arize_mcp.api.answers import JSONObject
from arize_mcp.api.calls import Call, Calls, LostAnswerError
from arize_mcp.api.models import CreateExperimentRequest, ListExperimentRunsRequest, ListExperimentsRequest
from arize_mcp.api.paging import experiments_page, pages, runs_page
from arize_mcp.api.problems import ProblemError

_TOLERANCE: Final = timedelta(seconds=10)
_LOOKUP_SHARE: Final = 0.8


async def look_up(
    calls: Calls, call: Call, request: CreateExperimentRequest, started: datetime, lost: LostAnswerError
) -> JSONObject:
    """Find out what became of a create whose answer was lost.

    Returns:
        The Experiment, where this call stored it.

    Raises:
        ProblemError: the 409 that it would have been.
        LostAnswerError: it can't be found, but may still be on its way.
    """
    try:
        found = await find(calls, call, request)
        if found is None:
            raise LostAnswerError(lost.error, "Its name is not in the dataset so far.")
        if await _is_of_this_call(calls, call, request, found, started):
            return found
    except ProblemError as error:
        raise LostAnswerError(lost.error, f"Looking for it failed: {error}") from error
    raise problems.name_taken(request.name, found)


async def tell_existing(calls: Calls, call: Call, request: CreateExperimentRequest, conflict: ProblemError) -> None:
    """Tell in a 409 which experiment has the name, where it can be found, so that nobody has to look for it."""
    # At the call's deadline the 409 itself would be lost.
    with anyio.move_on_after(calls.left_s(call) * _LOOKUP_SHARE):
        try:
            found = await find(calls, call, request)
        except ProblemError:
            return
        if found is not None:
            problems.add_existing(conflict.problem, found)


async def find(calls: Calls, call: Call, request: CreateExperimentRequest) -> JSONObject | None:
    """The experiment of that very name in that dataset, if there is one."""
    query = ListExperimentsRequest(dataset_id=request.dataset_id, name=request.name, limit=100)
    async for page in pages(lambda cursor: experiments_page(calls, call, query.model_copy(update={"cursor": cursor}))):
        for experiment in page["experiments"]:
            identity = (experiment.get("name"), experiment.get("dataset_id"))
            if identity == (request.name, request.dataset_id) and experiment["id"]:
                return experiment
    return None


async def _is_of_this_call(
    calls: Calls, call: Call, request: CreateExperimentRequest, found: JSONObject, started: datetime
) -> bool:
    """Whether an experiment was created since then, on the server's clock, and its runs are those that were sent.

    The clocks are compared by a header that tells whole seconds and may come late, so the time alone can't tell this
    call's from one just before it. The very same runs a moment before are as good as this call's.
    """
    try:
        created = datetime.fromisoformat(str(found.get("created_at")))
    except ValueError:
        return False
    earliest = started + calls.connections.clock_skew - _TOLERANCE
    if created.tzinfo is None or created < earliest:
        return False
    query = ListExperimentRunsRequest(experiment_id=found["id"], limit=500)
    stored: list[JSONObject] = []
    async for page in pages(lambda cursor: runs_page(calls, call, query.model_copy(update={"cursor": cursor}))):
        stored += page["experiment_runs"]
    sent = [run.model_dump() for run in request.experiment_runs]
    return len(stored) == len(sent) and all(map(_may_be, stored, sent))


def _may_be(stored: JSONObject, sent: JSONObject) -> bool:
    """Whether a run is stored as it was sent. The API may change a further field's form, but no text, no number."""
    # The output of a run whose task failed comes back as null.
    if (stored.get("example_id"), stored.get("output") or "") != (sent["example_id"], sent["output"]):
        return False
    pairs = [(stored[name], value) for name, value in sent.items() if name in stored]
    texts = [pair for pair in pairs if all(isinstance(value, str) for value in pair)]
    numbers = [pair for pair in pairs if all(isinstance(value, int | float) for value in pair)]
    return all(one == other for one, other in texts) and all(isclose(*pair) for pair in numbers)
