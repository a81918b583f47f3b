"""The resource template ``arize://experiments/{experiment_id}``: an experiment, then its first page of runs."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import unquote

from mcp import types
from mcp.shared.exceptions import MCPError

from arize_mcp.api.client import ExperimentsAPI
from arize_mcp.api.models import DEFAULT_LIMIT, GetExperimentRequest, ListExperimentRunsRequest
from arize_mcp.api.problems import ProblemError
from arize_mcp.server.arguments import parse
from arize_mcp.server.fitting import fit_page
from arize_mcp.server.shortening import shorten

_PREFIX: Final = "arize://experiments/"
_MIME_TYPE: Final = "application/json"


async def list_resources(_: Any, __: types.PaginatedRequestParams | None) -> types.ListResourcesResult:
    """None: experiments are found with experiments_list."""
    return types.ListResourcesResult(resources=[])


async def list_resource_templates(_: Any, __: types.PaginatedRequestParams | None) -> types.ListResourceTemplatesResult:
    """The one template."""
    template = types.ResourceTemplate(
        uri_template=_PREFIX + "{experiment_id}",
        name="experiment",
        title="Experiment",
        description="An experiment and the first page of its runs.",
        mime_type=_MIME_TYPE,
    )
    return types.ListResourceTemplatesResult(resource_templates=[template])


async def read_resource(api: ExperimentsAPI, uri: str, max_chars: int) -> types.ReadResourceResult:
    """Read the experiment of a URI of the template.

    Args:
        api: where from.
        uri: with the experiment's id, percent-encoded or not.
        max_chars: how long each of the two texts may be; 0 is no limit.

    Raises:
        MCPError: -32602 for any other URI; and for every problem, with the problem as its data. Either names the URI.
    """
    if not uri.startswith(_PREFIX):
        message = f"Unknown resource. Known: {_PREFIX}<experiment_id>"
        raise MCPError(code=types.INVALID_PARAMS, message=message, data={"uri": uri})
    experiment_id = unquote(uri.removeprefix(_PREFIX))
    try:
        request = parse(GetExperimentRequest, {"experiment_id": experiment_id})
        experiment = shorten(await api.get(request), max_chars)
        first = ListExperimentRunsRequest(experiment_id=request.experiment_id)
        runs = await fit_page(
            await api.list_runs(first),
            "experiment_runs",
            DEFAULT_LIMIT,
            max_chars,
            lambda limit: api.list_runs(first.model_copy(update={"limit": limit})),
        )
    except ProblemError as error:
        raise resource_error(error, uri) from error
    contents: list[types.TextResourceContents | types.BlobResourceContents] = [
        types.TextResourceContents(uri=uri, mime_type=_MIME_TYPE, text=experiment.text),
        types.TextResourceContents(uri=uri + "/runs", mime_type=_MIME_TYPE, text=runs.text),
    ]
    return types.ReadResourceResult(contents=contents)


def resource_error(error: ProblemError, uri: str) -> MCPError:
    """The protocol error for a problem: reading a resource has no other way to fail. It names the URI (SEP-2164)."""
    return MCPError(code=types.INVALID_PARAMS, message=str(error), data={**error.problem, "uri": uri})
