"""What became of an append whose answer was lost: the last runs of the experiment tell."""

from __future__ import annotations

from arize_mcp.api import problems
from arize_mcp.api.answers import JSONObject
from arize_mcp.api.calls import Call, Calls, LostAnswerError
from arize_mcp.api.models import AppendExperimentRunsRequest, Experiment
from arize_mcp.api.paging import run_pages, runs_page
from arize_mcp.api.problems import ProblemError


def key_of(run: JSONObject) -> tuple[object, object]:
    """What tells one run from another: its example and its output, which the API makes null where the task failed."""
    return run.get("example_id"), run.get("output") or ""


async def look_behind(
    calls: Calls, call: Call, request: AppendExperimentRunsRequest, recorded: int, lost: ProblemError
) -> JSONObject:
    """Find out what became of an append whose answer was lost.

    Args:
        calls: the API's.
        call: the call that this look is part of.
        request: the append.
        recorded: how many runs were there before.
        lost: how its answer was lost.

    Returns:
        The Experiment, where the runs are stored.

    Raises:
        LostAnswerError: they are not there, but may still come.
    """
    stored: list[tuple[object, object]] = []
    position = 0
    try:
        async for page in run_pages(request.experiment_id, lambda runs: runs_page(calls, call, runs)):
            stored += [key_of(run) for run in page["experiment_runs"][max(recorded - position, 0) :]]
            position += len(page["experiment_runs"])
            if len(stored) > len(request.experiment_runs):
                break
        if stored == [(run.example_id, run.output) for run in request.experiment_runs]:
            return await calls.request(call, Experiment, "GET", "experiments", request.experiment_id)
        found = "They are not there so far." if not stored else "Other runs than these follow the earlier ones."
    except ProblemError as error:
        found = f"Looking for them failed: {error}"
    raise LostAnswerError(lost, found)


def unknown(request: AppendExperimentRunsRequest, lost: LostAnswerError) -> ProblemError:
    """An append whose runs may or may not have been stored."""
    return problems.own(
        "outcome-unknown",
        "Outcome unknown",
        f"{len(request.experiment_runs):,} runs may or may not have been appended: the answer was lost. {lost.lookup} "
        f"{lost.error}",
        "Look with experiments_runs_list whether they are there before you append them again.",
        was_sent=True,
        cause=lost.error.problem,
    )
