"""Records a file's runs as an experiment, part by part: nothing twice, nothing lost."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from typing import Annotated, Final, cast

from anyio import to_thread
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from arize_mcp.api import problems
from arize_mcp.api.answers import JSONObject
from arize_mcp.api.calls import OnWait
from arize_mcp.api.client import ExperimentsAPI
from arize_mcp.api.ids import id_of
from arize_mcp.api.jsontext import dumps
from arize_mcp.api.lost_appends import key_of
from arize_mcp.api.models import (
    AppendExperimentRunsRequest,
    CreateExperimentRequest,
    ExperimentRunInput,
    GetExperimentRequest,
    ListExperimentsRequest,
    NewExperiment,
    Response,
    not_a_switch,
)
from arize_mcp.api.paging import pages, run_pages
from arize_mcp.api.problems import URN, ArgumentError, ProblemError
from arize_mcp.files.folder import Folder
from arize_mcp.files.runfile import RunFile, file_changed
from arize_mcp.files.runs import Columns

TOOL: Final = "experiments_create_from_file"
_GO_ON: Final = "Make the call in `next`: it goes on where this one ended and records nothing twice."
_CHECK_DATASET: Final = "Check dataset_id: the dataset doesn't exist, or the key can't see it."
_MAX_FIELDS: Final = 200
_under_way: Final[set[str]] = set()
"""The experiments that this process is appending to: two calls at once would record the same rows."""


class Rename(BaseModel):
    """A column that gets another name."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    old: Annotated[str, Field(alias="from", description="Column.")]
    new: Annotated[str, Field(alias="to", min_length=1, description="Field.")]


class CreateFromFileRequest(NewExperiment):
    """Which file is recorded, and how."""

    dataset_id: Annotated[str, Field(min_length=1, description="Its id."), id_of("Dataset")]
    path: Annotated[str, Field(min_length=1, description="File in the folder: .jsonl, .json, .csv or .parquet.")]
    example_id_field: Annotated[str | None, Field(description="Column; default example_id.")] = None
    output_field: Annotated[str | None, Field(description="Column; default output.")] = None
    rename: Annotated[tuple[Rename, ...], Field(description="Such as judge_score to eval.judge.score.")] = ()
    omit: Annotated[tuple[str, ...], Field(description="Columns.")] = ()
    dry_run: Annotated[bool, Field(description="Only check; record nothing.")] = False
    experiment_id: Annotated[
        str | None,
        Field(min_length=1, description="As `next` gives it."),
        id_of("Experiment"),
    ] = None
    first_row: Annotated[
        int | None,
        Field(ge=0, description="As `next` gives it."),
        BeforeValidator(not_a_switch),
    ] = None
    file_version: Annotated[str | None, Field(description="As `next` gives it.")] = None

    def columns(self) -> Columns:
        """What becomes of the file's columns.

        Raises:
            ProblemError: bad-arguments, where they contradict each other.
        """
        # Renaming a column to one of these two means the same as the argument for it.
        renamed = {rename.new: rename.old for rename in self.rename}
        example_id = self.example_id_field or renamed.get("example_id", "example_id")
        output = self.output_field or renamed.get("output", "output")
        errors: list[ArgumentError] = []
        used = {example_id: "example_id_field"}
        named = [("output_field", output)] if output != "output" else []
        named += [
            (f"rename/{index}/from", rename.old)
            for index, rename in enumerate(self.rename)
            if (rename.new, rename.old) not in (("example_id", example_id), ("output", output))
        ]
        named += [(f"omit/{index}", column) for index, column in enumerate(self.omit)]
        for pointer, column in named:
            if column in used:
                errors.append(ArgumentError(pointer=f"#/{pointer}", detail=f"Is also the column of {used[column]}."))
            used.setdefault(column, pointer)
        if self.experiment_id is None and self.first_row is not None:
            errors.append(ArgumentError(pointer="#/first_row", detail="Needs experiment_id as well."))
        if self.experiment_id is not None and self.dry_run:
            errors.append(ArgumentError(pointer="#/dry_run", detail="Can't be given with experiment_id."))
        if errors:
            raise problems.bad_arguments(errors)
        rename = {rename.old: rename.new for rename in self.rename}
        return Columns(example_id=example_id, output=output, rename=rename, omit=frozenset(self.omit))

    def next_call(self, file: RunFile, experiment_id: str | None, first_row: int) -> JSONObject:
        """The call that goes on behind the rows that are recorded."""
        arguments = self.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude={"dry_run"})
        arguments["file_version"] = file.version
        if experiment_id is not None:
            arguments |= {"experiment_id": experiment_id, "first_row": first_row}
        return {"tool": TOOL, "arguments": arguments}


class RecordedExperiment(Response):
    """The experiment, and how much of the file is recorded in it; for a dry run, what would be."""

    id: str = ""
    runs: Annotated[int, Field(description="Rows recorded.")] = 0
    added: Annotated[int, Field(description="By this call.")] = 0
    notes: Annotated[tuple[str, ...], Field(description="What differs from the file.")] = ()
    rows: Annotated[int, Field(description="Of a dry run.")] = 0


async def create_from_file(
    api: ExperimentsAPI, folder: Folder, request: CreateFromFileRequest, max_runs: int, on_wait: OnWait
) -> JSONObject:
    """Record a file as an experiment; or, with its experiment_id, go on where an earlier call ended.

    Args:
        api: the API.
        folder: where the file is.
        request: which file, and how.
        max_runs: how many rows it may have.
        on_wait: is told how far the recording is.

    Returns:
        A RecordedExperiment.

    Raises:
        ProblemError: nothing was recorded, or nobody knows; ``partly-recorded`` where a part was.
    """
    columns = request.columns()
    with ExitStack() as stack:

        def opened() -> RunFile:
            file = stack.enter_context(folder.reading(request.path))
            return RunFile(file, request.path, columns, max_runs, request.file_version)

        recording = _Recording(api, request, await to_thread.run_sync(opened), on_wait)
        return await (recording.dry_run() if request.dry_run else recording.record())


class _Recording:
    """One file on its way into an experiment."""

    def __init__(self, api: ExperimentsAPI, request: CreateFromFileRequest, file: RunFile, on_wait: OnWait) -> None:
        self._api = api
        self._request = request
        self._file = file
        self._on_wait = on_wait

    async def dry_run(self) -> JSONObject:
        try:
            found = await self._of_that_name()
        except ProblemError as error:
            raise (_with(error, _CHECK_DATASET) if error.status == 404 else error) from error
        if found is not None:
            raise self._taken(problems.name_taken(self._request.name, found), found["id"])
        checked = self._file.checked
        fields = [{"name": name, "type": kind} for name, kind in checked.types.items()]
        notes = checked.notes
        if len(fields) > _MAX_FIELDS:
            notes = [*notes, f"Of {len(fields):,} fields the first {_MAX_FIELDS} are listed."]
        return {"rows": checked.rows, "fields": fields[:_MAX_FIELDS], "first": checked.first, "notes": notes}

    async def record(self) -> JSONObject:
        envelope = len(dumps({"experiment_runs": []}))
        if self._request.experiment_id is None:
            new: JSONObject = {"name": self._request.name, "dataset_id": self._request.dataset_id}
            parts = self._file.parts(len(dumps({**new, "experiment_runs": []}).encode()), envelope)
            first = await _next(parts)
            experiment, recorded = await self._create(first), len(first)
            with _alone(experiment["id"]):
                return await self._append(experiment, recorded, parts, recorded)
        with _alone(self._request.experiment_id):
            experiment = await self._earlier(self._request.experiment_id)
            recorded = await self._compared(self._request.experiment_id)
            return await self._append(experiment, recorded, self._file.parts(envelope, envelope), 0)

    async def _append(
        self, experiment: JSONObject, recorded: int, parts: Iterator[list[JSONObject]], added: int
    ) -> JSONObject:
        rows = self._file.checked.rows
        while recorded < rows:
            await self._on_wait(f"{recorded:,} of {rows:,} rows recorded")
            try:
                part = await _next(parts)
                append = AppendExperimentRunsRequest.model_construct(
                    experiment_id=experiment["id"], experiment_runs=[_as_it_is(run) for run in part]
                )
                experiment = await self._api.append_runs(append, recorded, self._on_wait)
            except ProblemError as error:
                raise self._partly(experiment["id"], recorded, error) from error
            recorded += len(part)
            added += len(part)
        experiment.pop("run_ids", None)
        return {**experiment, "runs": recorded, "added": added, "notes": self._file.checked.notes}

    async def _create(self, part: list[JSONObject]) -> JSONObject:
        create = CreateExperimentRequest.model_construct(
            name=self._request.name,
            dataset_id=self._request.dataset_id,
            experiment_runs=[_as_it_is(run) for run in part],
        )
        try:
            return await self._api.create(create, self._on_wait)
        except ProblemError as error:
            if error.problem.get("type") == URN + "outcome-unknown":
                raise _with(error, _GO_ON, next=self._request.next_call(self._file, None, 0)) from error
            experiment_id = cast("JSONObject", error.problem).get("experiment_id")
            if error.status == 409 and experiment_id:
                raise self._taken(error, experiment_id) from error
            raise

    async def _of_that_name(self) -> JSONObject | None:
        """The experiment of that very name in that dataset, if there is one."""
        wanted = (self._request.name, self._request.dataset_id)
        query = ListExperimentsRequest(dataset_id=wanted[1], name=wanted[0], limit=100)
        async for page in pages(lambda at: self._api.list(query.model_copy(update={"cursor": at}), self._on_wait)):
            for experiment in page["experiments"]:
                if (experiment.get("name"), experiment.get("dataset_id")) == wanted:
                    return experiment
        return None

    def _taken(self, error: ProblemError, experiment_id: str) -> ProblemError:
        hint = (
            "The experiment with this name is `experiment_id`. If an earlier call recorded this file into it and ended "
            "without an answer, make the call in `next`, which goes on; if not, choose another name."
        )
        return _with(error, hint, next=self._request.next_call(self._file, experiment_id, 0))

    async def _earlier(self, experiment_id: str) -> JSONObject:
        """The experiment that an earlier call has begun to record this file into."""
        experiment = await self._api.get(GetExperimentRequest(experiment_id=experiment_id), self._on_wait)
        found = (experiment.get("name"), experiment.get("dataset_id"))
        if found != (self._request.name, self._request.dataset_id):
            raise _other_runs("The experiment has another name or is in another dataset.")
        return experiment

    async def _compared(self, experiment_id: str) -> int:
        """How many runs are there already: they must be the file's first."""
        there = 0
        async for page in run_pages(experiment_id, lambda runs: self._api.list_runs(runs, self._on_wait)):
            runs: list[JSONObject] = page["experiment_runs"]
            taken = await to_thread.run_sync(self._file.take, len(runs))
            for index, run in enumerate(runs):
                if index == len(taken):
                    raise _other_runs(f"The experiment has more runs than the {there + index:,} rows of the file.")
                if key_of(run) != key_of(taken[index]):
                    raise _other_runs(f"The experiment's run {there + index:,} (from 0) is not that row of the file.")
            there += len(runs)
            await self._on_wait(f"{there:,} recorded runs compared")
        if there < (self._request.first_row or 0):
            raise _other_runs(f"The experiment has only {there:,} runs, fewer than first_row.")
        return there

    def _partly(self, experiment_id: str, recorded: int, error: ProblemError) -> ProblemError:
        hint = _GO_ON
        if error.problem.get("type") == URN + "outcome-unknown":
            hint = f"Wait a moment: further rows may still arrive. {_GO_ON}"
        elif error.problem.get("type") == URN + "file-changed":
            hint = f"Restore the file as it was. {_GO_ON}"
        cause: JSONObject = {name: value for name, value in error.problem.items() if name != "hint"}
        retry_after = {"retry_after": cause["retry_after"]} if "retry_after" in cause else {}
        return problems.own(
            "partly-recorded",
            "Partly recorded",
            f"{recorded:,} of {self._file.checked.rows:,} rows are certainly recorded; then the call ended: {error}",
            hint,
            was_sent=True,
            experiment_id=experiment_id,
            recorded=recorded,
            next=self._request.next_call(self._file, experiment_id, recorded),
            cause=cause,
            **retry_after,
        )


@contextmanager
def _alone(experiment_id: str) -> Generator[None]:
    """Append to an experiment while no other call does.

    Raises:
        ProblemError: another one does.
    """
    if experiment_id in _under_way:
        raise problems.own(
            "being-recorded",
            "Being recorded",
            "Another call is recording into this experiment; nothing was appended by this one.",
            "Wait until it has ended, then call again with the same arguments.",
        )
    _under_way.add(experiment_id)
    try:
        yield
    finally:
        _under_way.remove(experiment_id)


async def _next(parts: Iterator[list[JSONObject]]) -> list[JSONObject]:
    part = await to_thread.run_sync(next, parts, None)
    if part is None:
        raise file_changed()
    return part


def _as_it_is(fields: JSONObject) -> ExperimentRunInput:
    """A run exactly as it was checked, white space around its example's id included."""
    run = ExperimentRunInput.model_construct(example_id=fields["example_id"], output=fields["output"])
    assert run.model_extra is not None  # noqa: S101 - the model keeps further fields
    run.model_extra.update({name: value for name, value in fields.items() if name not in ("example_id", "output")})
    return run


def _with(error: ProblemError, hint: str, **members: JSONObject) -> ProblemError:
    """The same error, with another next step."""
    return ProblemError(
        error.problem | members | {"hint": hint},  # pyright: ignore[reportArgumentType] - a problem may have more
        status=error.status,
        was_sent=error.was_sent,
        is_transient=error.is_transient,
        retry_after_s=error.retry_after_s,
    )


def _other_runs(detail: str) -> ProblemError:
    """The problem that this file's recording can't go on in an experiment."""
    return problems.own(
        "other-runs",
        "Other runs",
        f"{detail} Nothing was appended.",
        "It wasn't recorded from this file, or the file has changed: record the file under another name.",
    )
