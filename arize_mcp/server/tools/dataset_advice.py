"""Adds to a problem with a dataset's or an example's id how to find the right one."""

from __future__ import annotations

import base64
from typing import Any, Final, cast

from arize_mcp.api.answers import JSONObject
from arize_mcp.api.dataset_models import ListDatasetsRequest
from arize_mcp.api.paging import pages
from arize_mcp.api.problems import ProblemError
from arize_mcp.server.tools.tool import Call

_MAX_LISTED: Final = 20
_MAX_NAME_CHARS: Final = 255
_UNKNOWN: Final = "The dataset doesn't exist, or the key can't see it (another space or region)."
_QUOTES: Final = " \t\r\n\"'`"


async def advise(call: Call, error: ProblemError) -> None:
    """Add to a problem, where the dataset or an example is what is wrong, how to find the right one.

    A dataset_id that is a name is looked up: ``datasets`` then lists the datasets of that very name. None of them is
    chosen.
    """
    problem = cast("JSONObject", error.problem)
    arguments = call.params.arguments or {}
    given = arguments.get("dataset_id")
    text = given.strip(_QUOTES) if isinstance(given, str) else ""
    errors: list[Any] = problem.get("errors", [])
    wrong = {str(fault.get("pointer", fault.get("field", ""))).rpartition("/")[2] for fault in errors}
    # The API may call a name not found, or no id at all; with a true id a 400 or 422 is about something else.
    is_refused = error.status == 404 or (error.status in (400, 422) and not _is_id(text))
    # A recording that goes on looks only for its experiment.
    is_refused = is_refused and not arguments.get("experiment_id")
    hints: list[str] = [problem.get("hint", "")]
    if "dataset_id" in wrong or (text and is_refused):
        found = [] if _is_id(text) else await _of_name(call, text)
        if found:
            problem["datasets"] = found[:_MAX_LISTED]
            hints.append(
                "dataset_id is a name: `datasets` lists the datasets of that very name. Call again with the id of the "
                "one that you mean."
            )
        else:
            hints.append("datasets_list shows the datasets and their ids.")
        if error.status == 404:
            # The hint so far is about ids of experiments.
            hints[0] = "" if found else _UNKNOWN
    if not wrong.isdisjoint({"example_id", arguments.get("example_id_field")}):
        hints.append("datasets_examples_list shows a dataset's examples: example_id is an example's id.")
    if len(hints) > 1:
        problem["hint"] = " ".join(filter(None, hints))


async def _of_name(call: Call, name: str) -> list[JSONObject]:
    """The datasets of that very name; none where they can't be had."""
    if not 1 <= len(name) <= _MAX_NAME_CHARS:
        return []
    query = ListDatasetsRequest(name=name, limit=100)

    async def page(cursor: str | None) -> JSONObject:
        request = query.model_copy(update={"cursor": cursor})
        return await call.api.list_datasets(request, call.on_wait, deadline_s=call.left_s())

    try:
        return [
            {key: dataset[key] for key in ("id", "name", "space_id", "created_at") if key in dataset}
            async for found in pages(page)
            for dataset in found["datasets"]
            if dataset.get("name") == name
        ]
    except ProblemError:
        return []


def _is_id(text: str) -> bool:
    try:
        return base64.b64decode(text, validate=True).startswith(b"Dataset:")
    except ValueError:
        return False
