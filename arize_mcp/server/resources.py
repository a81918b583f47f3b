"""Resources under ``arize://experiments/``: an experiment, its first runs, its summary, its comparison with another."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import unquote

from mcp import types
from mcp.shared.exceptions import MCPError

from arize_mcp.api.answers import JSONObject
from arize_mcp.api.client import ExperimentsAPI
from arize_mcp.api.models import DEFAULT_LIMIT, GetExperimentRequest, ListExperimentRunsRequest
from arize_mcp.api.problems import ProblemError
from arize_mcp.server.arguments import parse
from arize_mcp.server.fitting import fit_page
from arize_mcp.server.shortening import Result, shorten

_PREFIX: Final = "arize://experiments/"
_MIME_TYPE: Final = "application/json"
_REST: Final = (
    "These are not all runs: the tool experiments_runs_list reads the next ones, with pagination.next_cursor as "
    "cursor, and the resource .../summary has the numbers of all."
)
_TEMPLATES: Final = (
    ("{experiment_id}", "experiment", "Experiment", "An experiment and the first page of its runs."),
    (
        "{experiment_id}/summary",
        "experiment_summary",
        "Summary of an experiment",
        "Failures by kind, scores, labels, measures and the lowest scores, computed from all its runs.",
    ),
    (
        "{baseline_id}/comparison/{candidate_id}",
        "experiment_comparison",
        "Comparison of two experiments",
        "What changed from a baseline to a candidate, computed from all runs of both.",
    ),
)


async def list_resources(_: Any, __: types.PaginatedRequestParams | None) -> types.ListResourcesResult:
    """No resources: experiments are found with experiments_list."""
    return types.ListResourcesResult(resources=[])


async def list_resource_templates(_: Any, __: types.PaginatedRequestParams | None) -> types.ListResourceTemplatesResult:
    """All templates."""
    templates = [
        types.ResourceTemplate(
            uri_template=_PREFIX + path, name=name, title=title, description=description, mime_type=_MIME_TYPE
        )
        for path, name, title, description in _TEMPLATES
    ]
    return types.ListResourceTemplatesResult(resource_templates=templates)


async def read_resource(api: ExperimentsAPI, uri: str, max_chars: int) -> types.ReadResourceResult:
    """Read the resource of a URI: what a template describes, or only the runs of an experiment (``/runs``).

    Args:
        api: the API.
        uri: with the experiments' ids, percent-encoded or not.
        max_chars: how long each text may be; 0 is no limit.

    Raises:
        MCPError: -32602 for any other URI; and for every problem, with the problem as its data. Either names the URI.
    """
    segments = [unquote(part) for part in uri.removeprefix(_PREFIX).split("/")]
    try:
        match segments if uri.startswith(_PREFIX) else []:
            case [experiment_id]:
                experiment = await _experiment(api, experiment_id, max_chars)
                parts = {uri: experiment, uri + "/runs": await _runs(api, experiment_id, max_chars)}
            case [experiment_id, "runs"]:
                parts = {uri: await _runs(api, experiment_id, max_chars)}
            case [experiment_id, "summary"]:
                parts = {uri: await _summary(api, experiment_id, max_chars)}
            case [baseline_id, "comparison", candidate_id]:
                parts = {uri: await _comparison(api, baseline_id, candidate_id, max_chars)}
            case _:
                known = ", ".join(_PREFIX + path for path, *_ in _TEMPLATES)
                message = f"Unknown resource. Known: {known}"
                raise MCPError(code=types.INVALID_PARAMS, message=message, data={"uri": uri})
    except ProblemError as error:
        raise resource_error(error, uri) from error
    contents: list[types.TextResourceContents | types.BlobResourceContents] = [
        types.TextResourceContents(uri=part, mime_type=_MIME_TYPE, text=result.text) for part, result in parts.items()
    ]
    return types.ReadResourceResult(contents=contents)


def resource_error(error: ProblemError, uri: str) -> MCPError:
    """The protocol error for a problem: reading a resource has no other way to fail. It names the URI (SEP-2164)."""
    return MCPError(code=types.INVALID_PARAMS, message=str(error), data={**error.problem, "uri": uri})


async def _experiment(api: ExperimentsAPI, experiment_id: str, max_chars: int) -> Result:
    request = parse(GetExperimentRequest, {"experiment_id": experiment_id})
    return shorten(await api.get(request), max_chars)


async def _runs(api: ExperimentsAPI, experiment_id: str, max_chars: int) -> Result:
    first = parse(ListExperimentRunsRequest, {"experiment_id": experiment_id})

    async def fetch(limit: int | None) -> JSONObject:
        page = await api.list_runs(first.model_copy(update={"limit": limit}))
        return {**page, "notes": [_REST]} if page.get("pagination", {}).get("next_cursor") else page

    return await fit_page(
        await fetch(None),
        "experiment_runs",
        DEFAULT_LIMIT,
        max_chars,
        fetch,
        way_on=lambda _: "They are the first runs.",
    )


# The computing is imported when it is asked for: most who start a server read no resource.
async def _summary(api: ExperimentsAPI, experiment_id: str, max_chars: int) -> Result:
    from arize_mcp.server.analysis_models import SummarizeExperimentRequest  # noqa: PLC0415 - see above
    from arize_mcp.server.computing import Reading  # noqa: PLC0415

    return await Reading(api, max_chars).summary(parse(SummarizeExperimentRequest, {"experiment_id": experiment_id}))


async def _comparison(api: ExperimentsAPI, baseline_id: str, candidate_id: str, max_chars: int) -> Result:
    from arize_mcp.server.analysis_models import CompareExperimentsRequest  # noqa: PLC0415 - see above
    from arize_mcp.server.computing import Reading  # noqa: PLC0415

    ids = {"baseline_id": baseline_id, "candidate_id": candidate_id}
    return await Reading(api, max_chars).comparison(parse(CompareExperimentsRequest, ids))
