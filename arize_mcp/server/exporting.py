"""Writes an experiment's runs into a file; a failure leaves nothing of it behind."""

from __future__ import annotations

import difflib
from collections.abc import AsyncGenerator
from contextlib import AbstractContextManager, asynccontextmanager
from typing import Annotated, TypeVar

from anyio import CancelScope, to_thread
from pydantic import BaseModel, ConfigDict, Field

from arize_mcp.api import problems
from arize_mcp.api.answers import JSONObject
from arize_mcp.api.calls import OnWait
from arize_mcp.api.client import ExperimentsAPI
from arize_mcp.api.models import GetExperimentRequest
from arize_mcp.api.paging import run_pages
from arize_mcp.api.problems import ArgumentError
from arize_mcp.files.folder import Folder, Identity
from arize_mcp.files.writers import writer

_T = TypeVar("_T")


class ExportRequest(GetExperimentRequest):
    """Which experiment is exported, and where to."""

    path: Annotated[
        str,
        Field(
            min_length=1,
            description="The new file, relative to the folder: .jsonl, .ndjson, .json, .csv or .parquet. Its folder "
            "must exist.",
        ),
    ]
    overwrite: Annotated[bool, Field(description="Replace the file if it exists. Only if the user wants that.")] = False
    fields: Annotated[
        tuple[str, ...], Field(description="Only these fields of the runs, in this order. Default: all.")
    ] = ()


class ExportedFile(BaseModel):
    """The file that was written."""

    model_config = ConfigDict(extra="allow")

    path: str
    rows: Annotated[int, Field(description="How many runs: all.")]
    bytes: int
    sha256: str
    columns: list[str]
    notes: Annotated[list[str], Field(description="What differs from what the API sent.")] = []


async def export(
    api: ExperimentsAPI,
    folder: Folder,
    request: ExportRequest,
    replaced: Identity | None,
    *,
    max_runs: int,
    on_wait: OnWait,
) -> JSONObject:
    """Write all runs of an experiment, in order, into a file.

    Args:
        api: the API.
        folder: where the file will be.
        request: which experiment, and which file.
        replaced: the file that will be replaced, if there is one.
        max_runs: how many runs it may have.
        on_wait: is told how far the export is.

    Returns:
        An ExportedFile.

    Raises:
        ProblemError: nothing was written; a file that was there is as it was.
    """
    rows = altered = 0
    columns: dict[str, None] = dict.fromkeys(request.fields)
    found: set[str] = set()
    async with _in_thread(folder.writing(request.path, replaced)) as file, _in_thread(folder.spool()) as spool:
        out = writer(request.path, file.write, spool)

        def add(runs: list[JSONObject]) -> None:
            for run in runs:
                if request.fields:
                    found.update(run)
                    out.add({name: run[name] for name in columns if name in run})
                else:
                    columns.update(dict.fromkeys(run))
                    out.add(run)

        async for page in run_pages(request.experiment_id, lambda runs: api.list_runs(runs, on_wait)):
            runs: list[JSONObject] = page["experiment_runs"]
            rows += len(runs)
            altered += len(page.get("shortened", ()))
            if rows > max_runs:
                raise problems.own(
                    "too-many-runs",
                    "Too many runs",
                    f"The experiment has more than {max_runs:,} runs (ARIZE_MCP_MAX_RUNS); no file was written.",
                    "Raise ARIZE_MCP_MAX_RUNS to export it.",
                )
            await to_thread.run_sync(add, runs)
            await on_wait(f"{rows:,} runs read")
        if unknown := [name for name in request.fields if name not in found]:
            faults = [_unknown(request.fields.index(name), name, found) for name in unknown]
            raise problems.bad_arguments(faults, effect="no file was written")
        await to_thread.run_sync(out.finish, list(columns))
        size_bytes, sha256 = file.written()
    content = {"path": request.path, "rows": rows, "bytes": size_bytes, "sha256": sha256, "columns": list(columns)}
    if altered:
        content["notes"] = [f"{altered:,} values are not as the API sent them, because JSON has no form for those."]
    return content


def _unknown(index: int, name: str, found: set[str]) -> ArgumentError:
    near = difflib.get_close_matches(name, found, 1, 0.5)
    known = f"Did you mean {near[0]}?" if near else f"They have {', '.join(sorted(found)[:20])}."
    return ArgumentError(pointer=f"#/fields/{index}", detail=f"No run has this field. {problems.plain(known, 500)}")


@asynccontextmanager
async def _in_thread(manager: AbstractContextManager[_T]) -> AsyncGenerator[_T]:
    """A context that is entered and left in a thread: disks may take their time."""
    value = await to_thread.run_sync(manager.__enter__)
    try:
        yield value
    except BaseException as error:
        with CancelScope(shield=True):
            await to_thread.run_sync(manager.__exit__, type(error), error, error.__traceback__)
        raise
    await to_thread.run_sync(manager.__exit__, None, None, None)
