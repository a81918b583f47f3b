"""Request and response models of the five endpoints: the one source of the tools' schemas.

Requests refuse what they don't know, so that a misspelt filter can't widen a query. Responses keep what they don't know
and require only what can't be done without, because the API grows; a field that may be null has no type.
Source: the API document's sections, and the API as it is today (``name``, ``space_id`` and run cursors came later).
"""

from __future__ import annotations

import base64
import re
from typing import Annotated, Any
from urllib.parse import unquote

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SkipValidation,
    StrictBool,
    StringConstraints,
)
from pydantic_core import PydanticCustomError

DEFAULT_LIMIT = 50
"""How many items the API puts on a page where no limit is given."""


def _not_a_switch(value: object) -> object:
    # To pydantic, true is the integer 1.
    if isinstance(value, bool):
        raise PydanticCustomError("int_type", "Input should be an integer")
    return value


def _path_segment(value: str) -> str:
    # HTTP clients and servers resolve these two even when they are percent-encoded (RFC 3986, 6.2.2.3).
    if value in (".", ".."):
        raise PydanticCustomError("path_segment", "Input can't be an id")
    return value


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class _Response(BaseModel):
    model_config = ConfigDict(extra="allow", hide_input_in_errors=True)


def _id_of(kind: str) -> BeforeValidator:
    """An id without the white space around it, also out of a link to Arize's user interface.

    Ids are base64 of ``<kind>:<number>:<suffix>``; none holds white space, a name may.
    """

    def find(value: object) -> object:
        if not isinstance(value, str):
            return value
        text = value.strip()
        if text.lower().startswith(("http://", "https://")):
            padded = (part + "=" * (-len(part) % 4) for part in re.split(r"[^A-Za-z0-9+]+", unquote(text)))
            text = next((part for part in padded if _kind_of(part) == kind), "")
            if not text:
                raise PydanticCustomError("link", "Input is a link", {"kind": kind.lower()})
        if len(text.split()) > 1:
            raise PydanticCustomError("name_for_id", "Input is a name")
        return text

    return BeforeValidator(find)


def _kind_of(text: str) -> str | None:
    try:
        return base64.b64decode(text, validate=True).decode().partition(":")[0]
    except ValueError:
        return None


_ExperimentId = Annotated[
    str,
    Field(
        min_length=1,
        description="The experiment's id, such as RXhwZXJpbWVudDoxOmFCY0Q=, from experiments_list or _create.",
    ),
    AfterValidator(_path_segment),
    _id_of("Experiment"),
]
_Cursor = Annotated[
    str | None,
    Field(
        min_length=1,
        description="pagination.next_cursor of the previous page, unchanged; keep the other arguments as they were.",
    ),
]


class ExperimentRunInput(BaseModel):
    """One run to record. Source: the API document, experiments_create, Payload Requirements."""

    model_config = ConfigDict(extra="allow", frozen=True, hide_input_in_errors=True)

    example_id: Annotated[
        str,
        Field(
            min_length=1,
            description="The dataset example's own id. The API doesn't check that it exists.",
        ),
        StringConstraints(strip_whitespace=True),
    ]
    output: Annotated[str, Field(description="What the model or prompt answered. JSON-encode anything but text.")]


class NewExperiment(_Request):
    """What a create says of the experiment itself. Source: the API document, experiments_create."""

    name: Annotated[
        str,
        Field(
            min_length=1,
            max_length=255,
            pattern=r'^[^"\\]*$',
            description='Unique in the dataset; no " and no \\.',
        ),
    ]
    dataset_id: Annotated[
        str,
        Field(
            min_length=1,
            description="The dataset's id, such as RGF0YXNldDoxOmFCY0Q=, from the Arize UI, SDK or an experiment.",
        ),
        _id_of("Dataset"),
    ]


class CreateExperimentRequest(NewExperiment):
    """Source: the API document, experiments_create."""

    experiment_runs: Annotated[
        list[ExperimentRunInput],
        Field(
            min_length=1,
            max_length=1000,
            description="The runs. Beside example_id and output each may carry any further fields: model, latency_ms, "
            "prompt, ..., and scores as eval.<name>.score, eval.<name>.label, eval.<name>.explanation.",
        ),
    ]


class AppendExperimentRunsRequest(_Request):
    """Source: today's API, POST /v2/experiments/{experiment_id}/runs."""

    experiment_id: _ExperimentId
    experiment_runs: Annotated[list[ExperimentRunInput], Field(min_length=1, max_length=1000)]


class DeleteExperimentRequest(_Request):
    """Source: the API document, experiments_delete."""

    experiment_id: _ExperimentId


class GetExperimentRequest(_Request):
    """Source: the API document, experiments_get."""

    experiment_id: _ExperimentId


class ListExperimentsRequest(_Request):
    """Source: the API document, experiments_list; ``space_id`` and ``name`` are of today's API."""

    dataset_id: Annotated[
        str | None,
        Field(min_length=1, description="Only this dataset's experiments. Not together with space_id."),
        _id_of("Dataset"),
    ] = None
    space_id: Annotated[
        str | None,
        Field(min_length=1, description="Only this space's experiments. Not together with dataset_id."),
        _id_of("Space"),
    ] = None
    name: Annotated[
        str | None,
        Field(min_length=1, max_length=255, description="Only experiments whose name contains this, in any case."),
    ] = None
    limit: Annotated[
        int | None,
        Field(ge=1, le=100, description="How many at most. Default 50."),
        BeforeValidator(_not_a_switch),
    ] = None
    cursor: _Cursor = None


class ListExperimentRunsRequest(_Request):
    """Source: the API document, experiments_runs_list; ``cursor`` is of today's API."""

    experiment_id: _ExperimentId
    limit: Annotated[
        int | None,
        Field(ge=1, le=500, description="How many at most. Default 50."),
        BeforeValidator(_not_a_switch),
    ] = None
    cursor: _Cursor = None


class Experiment(_Response):
    """Source: the API document, Experiment; nullable and newer fields as of today's API."""

    id: str
    name: Annotated[Any, Field(description="Its name.")] = None
    space_id: Annotated[Any, Field(description="Its space.")] = None
    dataset_id: Annotated[Any, Field(description="Its dataset; null without one.")] = None
    dataset_version_id: Annotated[Any, Field(description="Null without a dataset.")] = None
    created_at: Annotated[Any, Field(description="RFC 3339.")] = None
    updated_at: Annotated[Any, Field(description="RFC 3339.")] = None
    experiment_traces_project_id: Annotated[Any, Field(description="The project of its traces.")] = None
    integration_id: Annotated[Any, Field(description="Its agent integration, or null.")] = None


class ExperimentRun(_Response):
    """Source: the API document, ExperimentRun; ``error`` and ``annotations`` are of today's API."""

    id: Annotated[Any, Field(description="The run's id.")] = None
    example_id: Annotated[Any, Field(description="Its dataset example; null without a dataset.")] = None
    output: Annotated[Any, Field(description="Null when the task failed; see error.")] = None
    error: Annotated[Any, Field(description="Null on success.")] = None
    annotations: Annotated[Any, Field(description="Human annotations.")] = None


class Pagination(_Response):
    """Source: the API document, PaginationMetadata."""

    has_more: StrictBool = False
    next_cursor: Annotated[Any, Field(description="Absent on the last page.")] = None


class ExperimentsPage(_Response):
    """Source: the API document, ExperimentsList200Response."""

    experiments: list[Experiment]
    pagination: Pagination = Pagination()


def _objects(runs: list[Any]) -> list[Any]:
    for index, run in enumerate(runs):
        if not isinstance(run, dict):
            raise PydanticCustomError("model_type", "item {index} should be an object", {"index": index})
    return runs


class ExperimentRunsPage(_Response):
    """Source: the API document, ExperimentsRunsList200Response."""

    # Nothing of a run must be there, so that there is nothing more to check; hundreds of models would be made for it.
    experiment_runs: Annotated[list[SkipValidation[ExperimentRun]], AfterValidator(_objects)]
    pagination: Pagination = Pagination()


class DeletedExperiment(_Response):
    """What stands in for the 204 without a body that experiments_delete answers."""

    experiment_id: str
    deleted: StrictBool
