"""Request and response models of the analysis tools: the one source of their schemas."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from arize_mcp.api.models import ExperimentId, Request, Response, not_a_switch

_Row = dict[str, Any]
_Notes = list[str]
_LowerIsBetter = Annotated[list[str] | None, Field(max_length=100, description="Scores of which lower is better.")]


class SummarizeExperimentRequest(Request):
    """What to summarize."""

    experiment_id: ExperimentId
    group_by: Annotated[
        str | None,
        Field(min_length=1, description="A label, or a field of few values, such as model."),
    ] = None
    lower_is_better: _LowerIsBetter = None
    limit: Annotated[
        int | None,
        Field(ge=1, le=100, description="Entries in errors, and of each score in lowest. Default 5."),
        BeforeValidator(not_a_switch),
    ] = None


class CompareExperimentsRequest(Request):
    """What to compare."""

    baseline_id: Annotated[ExperimentId, Field(description="Id of the experiment to compare with.")]
    candidate_id: Annotated[ExperimentId, Field(description="Id of the newer experiment.")]
    score: Annotated[str | None, Field(min_length=1, description="Only this score.")] = None
    change: Annotated[
        Literal["worse", "better", "failed", "all"] | None,
        Field(description="What to list: worse scores (default), better, both (all), new failures."),
    ] = None
    lower_is_better: _LowerIsBetter = None
    limit: Annotated[
        int | None,
        Field(ge=1, le=500, description="Entries in changed, newly_failed, fixed. Default 10."),
        BeforeValidator(not_a_switch),
    ] = None


def _as_text(value: object) -> object:
    return json.dumps(value) if isinstance(value, int | float) else value


class WhereCondition(Request):
    """A condition on a field."""

    field: Annotated[str, Field(min_length=1, description="Its name.")]
    op: Annotated[
        Literal["=", "!=", "<", "<=", ">", ">=", "contains", "exists", "missing"], Field(description="What must hold.")
    ]
    value: Annotated[
        str | None, Field(description="A number where the run's value is one."), BeforeValidator(_as_text)
    ] = None

    @model_validator(mode="after")
    def _has_value(self) -> WhereCondition:
        if self.value is None and self.op not in ("exists", "missing"):
            raise PydanticCustomError("value_missing", "With this op a value is required")
        return self


class QueryRunsRequest(Request):
    """Which runs, and what of them."""

    experiment_id: ExperimentId
    fields: Annotated[
        list[str] | None,
        Field(max_length=100, description="Columns, by field name. Default example_id, scores and labels."),
    ] = None
    where: Annotated[list[WhereCondition] | None, Field(max_length=20, description="All must hold.")] = None
    sort: Annotated[str | None, Field(min_length=1, description="A field; -field for the largest first.")] = None
    limit: Annotated[
        int | None, Field(ge=1, le=500, description="Rows at most. Default 100."), BeforeValidator(not_a_switch)
    ] = None
    offset: Annotated[
        int | None, Field(ge=0, le=1_000_000, description="Rows to skip. Default 0."), BeforeValidator(not_a_switch)
    ] = None


class Summary(Response):
    """What a summary has: the lists' entries are as in docs/analysis.md."""

    experiment: _Row = Field({})
    runs: int = 0
    examples: int = 0
    failed: int = 0
    errors: list[_Row] = Field([])
    scores: list[_Row] = Field([])
    labels: list[_Row] = Field([])
    measures: list[_Row] = Field([])
    groups: list[_Row] = Field([])
    lowest: list[_Row] = Field([])
    fields: _Row = Field({}, description="How many runs have each.")
    notes: _Notes = Field([])


class Comparison(Response):
    """What a comparison has: the lists' entries are as in docs/analysis.md."""

    baseline: _Row = Field({})
    candidate: _Row = Field({})
    examples: _Row = Field({})
    failures: _Row = Field({})
    scores: list[_Row] = Field([])
    labels: list[_Row] = Field([])
    measures: list[_Row] = Field([])
    changed: list[_Row] = Field([])
    notes: _Notes = Field([])


class Table(Response):
    """What a query gives."""

    columns: list[str] = Field([])
    rows: Annotated[Any, Field(description="An array for each run: values in the order of columns.")] = None
    matched: Annotated[int, Field(description="Runs for which where holds.")] = 0
    total: Annotated[int, Field(description="All runs.")] = 0
    notes: _Notes = Field([])
