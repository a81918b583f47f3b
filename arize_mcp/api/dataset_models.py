"""Request and response models of the two endpoints that read datasets.

They are apart from those of experiments, so that only those who read datasets wait for them. Source: the API as it is
today (contract 3, Datasets).
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, SkipValidation

from arize_mcp.api.ids import id_of
from arize_mcp.api.models import Cursor, FreeText, Pagination, Request, Response, not_a_switch, objects


class ListDatasetsRequest(Request):
    """``GET /v2/datasets``, but for ``space_name``."""

    space_id: Annotated[
        str | None,
        Field(min_length=1, description="Only this space's datasets; a dataset or an experiment names its space."),
        id_of("Space"),
    ] = None
    name: Annotated[
        str | None,
        Field(min_length=1, max_length=255, description="Only datasets whose name contains this, in any case."),
        FreeText(),
    ] = None
    limit: Annotated[
        int | None, Field(ge=1, le=100, description="How many at most. Default 50."), BeforeValidator(not_a_switch)
    ] = None
    cursor: Cursor = None


class ListDatasetExamplesRequest(Request):
    """``GET /v2/datasets/{dataset_id}/examples``, of the latest version."""

    dataset_id: Annotated[
        str,
        Field(
            min_length=1,
            description="The dataset's id, such as RGF0YXNldDoxOmFCY0Q=, from datasets_list or an experiment.",
        ),
        id_of("Dataset"),
    ]
    limit: Annotated[
        int | None, Field(ge=1, le=500, description="How many at most. Default 50."), BeforeValidator(not_a_switch)
    ] = None
    cursor: Cursor = None


class Dataset(Response):
    """A dataset, without its versions."""

    id: str
    name: Annotated[Any, Field(description="Its name.")] = None
    space_id: Annotated[Any, Field(description="Its space.")] = None
    created_at: Annotated[Any, Field(description="RFC 3339.")] = None
    updated_at: Annotated[Any, Field(description="RFC 3339.")] = None


class DatasetsPage(Response):
    """The answer of ``GET /v2/datasets``."""

    datasets: list[Dataset]
    pagination: Pagination = Pagination()


class DatasetExample(Response):
    """An example, with its dataset's fields flat beside these."""

    id: Annotated[Any, Field(description="What example_id of a run must carry.")] = None
    created_at: Annotated[Any, Field(description="RFC 3339.")] = None
    updated_at: Annotated[Any, Field(description="RFC 3339.")] = None
    annotations: Annotated[Any, Field(description="Human annotations.")] = None


class DatasetExamplesPage(Response):
    """The answer of ``GET /v2/datasets/{dataset_id}/examples``."""

    # As with runs, there is nothing more to check.
    examples: Annotated[list[SkipValidation[DatasetExample]], AfterValidator(objects)]
    pagination: Pagination = Pagination()
