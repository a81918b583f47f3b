"""The toolset ``files``: experiments recorded from files and exported to files, in one folder."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from anyio import to_thread

from arize_mcp.api.problems import ProblemError
from arize_mcp.files.folder import Folder, Identity, file_exists
from arize_mcp.server.confirming import Question
from arize_mcp.server.exporting import ExportedFile, ExportRequest, export
from arize_mcp.server.recording import TOOL, CreateFromFileRequest, RecordedExperiment, create_from_file
from arize_mcp.server.shortening import Fitted, shorten, written
from arize_mcp.server.tools.tool import Call, Outcome, Tool

_NOTHING_WRITTEN: Final = "Nothing was written."


def _folder(call: Call) -> Folder:
    return Folder(call.settings.files_dir, call.settings.max_file_bytes)


async def _create_from_file(call: Call, request: CreateFromFileRequest) -> Outcome:
    content = await create_from_file(call.api, _folder(call), request, call.settings.max_runs, call.on_wait)
    try:
        return shorten(content, call.settings.max_result_chars)
    except ProblemError:
        if request.dry_run:
            raise
        # What was recorded is told as recorded, however long the telling is.
        return written(content)


async def _export(call: Call, request: ExportRequest) -> Outcome:
    folder = _folder(call)
    replaced = await to_thread.run_sync(folder.existing, request.path)
    if replaced is not None:
        if not request.overwrite:
            raise file_exists(request.path)
        if call.needs_asking(_NOTHING_WRITTEN):
            question = _question(request.path, replaced)
            required = await call.ask(question)
            if required is not None:
                return required
            if await to_thread.run_sync(folder.existing, request.path) != replaced:
                raise question.changed()
    max_runs, on_wait = call.settings.max_runs, call.on_wait
    return written(await export(call.api, folder, request, replaced, max_runs=max_runs, on_wait=on_wait))


def _question(path: str, replaced: Identity) -> Question:
    changed = datetime.fromtimestamp(replaced.changed_ns / 1e9, UTC)
    return Question(
        words="Replace this file? This can't be undone.",
        told={"File": path, "Bytes": replaced.size_bytes, "Changed": changed.isoformat()},
        yes="Replace it",
        nothing=_NOTHING_WRITTEN,
    )


CREATE_FROM_FILE: Final = Tool(
    name=TOOL,
    title="Record file",
    description=(
        "Record a file as an experiment: every row is a run. Use it instead of writing runs yourself. If it ends "
        "early, make the call in `next`."
    ),
    request=CreateFromFileRequest,
    response=(RecordedExperiment, Fitted),
    answer=_create_from_file,
    read_only=False,
    destructive=False,
    idempotent=False,
)

EXPORT: Final = Tool(
    name="experiments_export",
    title="Export experiment",
    description=(
        "Write all runs of an experiment, in order, into a file on this machine, for spreadsheets and scripts. The "
        "runs are not read here. An existing file stays as it is unless overwrite is true."
    ),
    request=ExportRequest,
    response=(ExportedFile, Fitted),
    answer=_export,
    read_only=False,
    destructive=True,
    idempotent=True,
)

TOOLS: Final[tuple[Tool[Any], ...]] = (CREATE_FROM_FILE, EXPORT)
