"""Request and response models of the five endpoints: the one source of the tools' schemas.

Requests refuse what they don't know, so that a misspelt filter can't widen a query. Responses keep what they don't know
and require only what can't be done without, because the API grows; a field that may be null has no type.
Source: the API document's sections, and the API as it is today (``name``, ``space_id`` and run cursors came later).
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SkipValidation,
    StrictBool,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from arize_mcp.api.ids import id_of


class FreeText:
    """Marks an optional text that may be any: "null" is one of them."""


DEFAULT_LIMIT = 50
"""How many items the API puts on a page where no limit is given."""


def not_a_switch(value: object) -> object:
    """Refuse true and false, which to pydantic are the integers 1 and 0."""
    if isinstance(value, bool):
        raise PydanticCustomError("int_type", "Input should be an integer")
    return value


class Request(BaseModel):
    """A request; it refuses what it doesn't know."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Response(BaseModel):
    """An answer; it keeps what it doesn't know."""

    model_config = ConfigDict(extra="allow", hide_input_in_errors=True)


ExperimentId = Annotated[
    str,
    Field(
        min_length=1,
        description="The experiment's id, such as RXhwZXJpbWVudDoxOmFCY0Q=, from experiments_list or _create.",
    ),
    id_of("Experiment"),
]
"""An experiment's id, or a link that holds it."""

Cursor = Annotated[
    str | None,
    Field(
        min_length=1,
        description="pagination.next_cursor of the previous page, unchanged; only limit may change between pages.",
    ),
]


_NOTHING: Final = ("null", "none", "undefined", "nan")
"""The texts that programs make of a missing value."""

_AROUND_NOTHING: Final = ' \t\r\n"'


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
    output: Annotated[
        str,
        Field(
            description="What the model or prompt answered, kept exactly; JSON-encode anything but text. It may be "
            '"": send that for a failed run, with its error in `error`.',
        ),
    ]

    @model_validator(mode="after")
    def _no_null_for_an_answer(self) -> Self:
        # The API would store it as an answer, and nothing recorded can be edited.
        text = self.output.strip(_AROUND_NOTHING)
        if text.lower() in _NOTHING and (self.model_extra or {}).get("error"):
            fault = InitErrorDetails(
                type=PydanticCustomError("null_text", "Input is no answer", {"text": text}),
                loc=("output",),
                input=self.output,
            )
            raise ValidationError.from_exception_data("ExperimentRunInput", [fault])
        return self


class NewExperiment(Request):
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
        id_of("Dataset"),
    ]


class CreateExperimentRequest(NewExperiment):
    """Source: the API document, experiments_create."""

    experiment_runs: Annotated[
        list[ExperimentRunInput],
        Field(
            min_length=1,
            max_length=1000,
            description="The runs. Each may carry further fields: model, latency_ms, prompt, ..., and scores as "
            "eval.<name>.score (a number), eval.<name>.label and eval.<name>.explanation (strings).",
        ),
    ]


class AppendExperimentRunsRequest(Request):
    """Source: today's API, POST /v2/experiments/{experiment_id}/runs."""

    experiment_id: ExperimentId
    experiment_runs: Annotated[list[ExperimentRunInput], Field(min_length=1, max_length=1000)]


class DeleteExperimentRequest(Request):
    """Source: the API document, experiments_delete."""

    experiment_id: ExperimentId


class GetExperimentRequest(Request):
    """Source: the API document, experiments_get."""

    experiment_id: ExperimentId


class ListExperimentsRequest(Request):
    """Source: the API document, experiments_list; ``space_id`` and ``name`` are of today's API."""

    dataset_id: Annotated[
        str | None,
        Field(min_length=1, description="Only this dataset's experiments. Not together with space_id."),
        id_of("Dataset"),
    ] = None
    space_id: Annotated[
        str | None,
        Field(min_length=1, description="Only this space's experiments. Not together with dataset_id."),
        id_of("Space"),
    ] = None
    name: Annotated[
        str | None,
        Field(min_length=1, max_length=255, description="Only experiments whose name contains this, in any case."),
        FreeText(),
    ] = None
    limit: Annotated[
        int | None,
        Field(ge=1, le=100, description="How many at most. Default 50."),
        BeforeValidator(not_a_switch),
    ] = None
    cursor: Cursor = None


class ListExperimentRunsRequest(Request):
    """Source: the API document, experiments_runs_list; ``cursor`` is of today's API."""

    experiment_id: ExperimentId
    limit: Annotated[
        int | None,
        Field(ge=1, le=500, description="How many at most. Default 50."),
        BeforeValidator(not_a_switch),
    ] = None
    cursor: Cursor = None


class Experiment(Response):
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


class ExperimentRun(Response):
    """Source: the API document, ExperimentRun; ``error`` and ``annotations`` are of today's API."""

    id: Annotated[Any, Field(description="The run's id.")] = None
    example_id: Annotated[Any, Field(description="Its dataset example; null without a dataset.")] = None
    output: Annotated[Any, Field(description="Null when the task failed; see error.")] = None
    error: Annotated[Any, Field(description="Null on success.")] = None
    annotations: Annotated[Any, Field(description="Human annotations.")] = None


class Pagination(Response):
    """Source: the API document, PaginationMetadata."""

    has_more: StrictBool = False
    next_cursor: Annotated[Any, Field(description="Absent on the last page.")] = None


class ExperimentsPage(Response):
    """Source: the API document, ExperimentsList200Response."""

    experiments: list[Experiment]
    pagination: Pagination = Pagination()


def objects(items: list[Any]) -> list[Any]:
    """Refuse an array of anything but objects."""
    for index, item in enumerate(items):
        if not isinstance(item, dict):
            raise PydanticCustomError("model_type", "item {index} should be an object", {"index": index})
    return items


class ExperimentRunsPage(Response):
    """Source: the API document, ExperimentsRunsList200Response."""

    # No field of a run is required, so there is nothing more to check, and no need for hundreds of models.
    experiment_runs: Annotated[list[SkipValidation[ExperimentRun]], AfterValidator(objects)]
    pagination: Pagination = Pagination()


class DeletedExperiment(Response):
    """The answer of experiments_delete, because the API's 204 has no body."""

    experiment_id: str
    deleted: StrictBool
