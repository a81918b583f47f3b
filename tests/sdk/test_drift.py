"""Our request models against those that Arize generates from its own API description: every difference has a reason.

When Arize releases an SDK whose API differs, this is the test that fails.
"""

from __future__ import annotations

import inspect
import re
import typing
from typing import Any

import pytest
from pydantic import BaseModel, create_model

from arize_mcp.api import dataset_models, models

generated = pytest.importorskip("arize._generated.api_client")

pytestmark = pytest.mark.sdk

JSON = dict[str, Any]
Facts = dict[tuple[str, str], Any]
"""What a request model says of each field: (field, fact) and the fact's value."""

REQUESTS: dict[str, tuple[type[BaseModel], str]] = {
    "create": (models.CreateExperimentRequest, "CreateExperimentRequest"),
    "run": (models.ExperimentRunInput, "ExperimentRunInput"),
    "delete": (models.DeleteExperimentRequest, "delete_experiment"),
    "get": (models.GetExperimentRequest, "get_experiment"),
    "list": (models.ListExperimentsRequest, "list_experiments"),
    "list_runs": (models.ListExperimentRunsRequest, "list_experiment_runs"),
    "list_datasets": (dataset_models.ListDatasetsRequest, "list_datasets"),
    "list_examples": (dataset_models.ListDatasetExamplesRequest, "list_dataset_examples"),
}
"""Our model, and the generated model or the generated client's method."""

THE_DOCUMENTS = "the document's request model, on purpose: a create names its dataset, and each run its example"
NOT_EMPTY = (
    "an empty string is never meant: in a path it would name another endpoint, in a query it is refused or ignored"
)

ID_IS_ENOUGH = "a filter by the space's name, which two spaces may share, and an older version: the tools do without"

ALLOWED: dict[str, dict[tuple[str, str], tuple[Any, Any, str]]] = {
    "create": {
        ("dataset_id", "required"): (False, True, THE_DOCUMENTS),
        ("dataset_id", "nullable"): (True, False, THE_DOCUMENTS),
        ("dataset_id", "minLength"): (None, 1, NOT_EMPTY),
        ("space_id", "type"): ("string", None, THE_DOCUMENTS),
        ("space_id", "required"): (False, None, THE_DOCUMENTS),
        ("space_id", "nullable"): (True, None, THE_DOCUMENTS),
    },
    "run": {
        ("example_id", "required"): (False, True, THE_DOCUMENTS),
        ("example_id", "nullable"): (True, False, THE_DOCUMENTS),
        ("example_id", "minLength"): (None, 1, NOT_EMPTY),
    },
    "delete": {("experiment_id", "minLength"): (None, 1, NOT_EMPTY)},
    "get": {("experiment_id", "minLength"): (None, 1, NOT_EMPTY)},
    "list": {
        ("dataset_id", "minLength"): (None, 1, NOT_EMPTY),
        ("space_id", "minLength"): (None, 1, NOT_EMPTY),
        ("name", "minLength"): (None, 1, NOT_EMPTY),
        ("cursor", "minLength"): (None, 1, NOT_EMPTY),
    },
    "list_runs": {
        ("experiment_id", "minLength"): (None, 1, NOT_EMPTY),
        ("cursor", "minLength"): (None, 1, NOT_EMPTY),
    },
    "list_datasets": {
        ("space_id", "minLength"): (None, 1, NOT_EMPTY),
        ("name", "minLength"): (None, 1, NOT_EMPTY),
        ("cursor", "minLength"): (None, 1, NOT_EMPTY),
        ("space_name", "type"): ("string", None, ID_IS_ENOUGH),
        ("space_name", "required"): (False, None, ID_IS_ENOUGH),
        ("space_name", "nullable"): (True, None, ID_IS_ENOUGH),
        ("space_name", "maxLength"): (255, None, ID_IS_ENOUGH),
    },
    "list_examples": {
        ("dataset_id", "minLength"): (None, 1, NOT_EMPTY),
        ("cursor", "minLength"): (None, 1, NOT_EMPTY),
        ("dataset_version_id", "type"): ("string", None, ID_IS_ENOUGH),
        ("dataset_version_id", "required"): (False, None, ID_IS_ENOUGH),
        ("dataset_version_id", "nullable"): (True, None, ID_IS_ENOUGH),
    },
}
"""Request, (field, fact): the generated value, ours, and why they may differ."""


def facts(model: type[BaseModel]) -> Facts:
    """A request model's facts, from its JSON schema."""
    schema: JSON = model.model_json_schema()
    found: Facts = {}
    for field, stated in schema["properties"].items():
        options: list[JSON] = stated.get("anyOf", [stated])
        value = next(option for option in options if option.get("type") != "null")
        found[field, "required"] = field in schema.get("required", [])
        found[field, "nullable"] = len(options) > 1
        for keyword in value.keys() - {"title", "description", "default"}:
            found[field, keyword] = value[keyword]
    return found


def generated_facts(name: str) -> Facts:
    """The facts of a generated model, or of a generated method's parameters."""
    if name[0].islower():
        api = generated.DatasetsApi if "dataset" in name else generated.ExperimentsApi
        method = inspect.unwrap(getattr(api, name))
        hints = typing.get_type_hints(method, include_extras=True)
        parameters = {
            key: (hints[key], ... if parameter.default is parameter.empty else parameter.default)
            for key, parameter in inspect.signature(method).parameters.items()
            if key != "self" and not key.startswith("_")
        }
        return facts(create_model(name, **typing.cast("JSON", parameters)))
    model = getattr(generated, name)
    found = {key: value for key, value in facts(model).items() if key[0] != "additional_properties"}
    for validator in model.__pydantic_decorators__.field_validators.values():
        # The generator writes patterns as code; this is the only way they are written.
        patterns = re.findall(r're\.match\(r"(.+)", value\)', inspect.getsource(validator.func))
        assert len(patterns) == 1, "a validator that is no pattern"
        for field in validator.info.fields:
            found[field, "pattern"] = patterns[0].replace(r"\"", '"')
    return found


@pytest.mark.parametrize("request_name", REQUESTS)
def test_a_request_model_differs_from_the_generated_one_only_as_allowed(request_name: str):
    model, name = REQUESTS[request_name]
    ours, theirs = facts(model), generated_facts(name)
    differences = {key: (theirs.get(key), ours.get(key)) for key in theirs | ours if theirs.get(key) != ours.get(key)}
    allowed = {key: values[:2] for key, values in ALLOWED[request_name].items()}
    assert differences == allowed


def test_the_comparison_sees_what_the_generated_models_say():
    # Else a generator that writes them in another way would make everything above vacuous.
    create = generated_facts("CreateExperimentRequest")
    assert create["name", "maxLength"] == 255
    assert create["name", "pattern"] == r'^[^"\\]*$'
    assert (create["experiment_runs", "minItems"], create["experiment_runs", "maxItems"]) == (1, 1000)
    listed = generated_facts("list_experiments")
    assert (listed["limit", "minimum"], listed["limit", "maximum"]) == (1, 100)
    assert generated_facts("get_experiment")["experiment_id", "required"] is True


@pytest.mark.parametrize("name", ["CreateExperimentRequest", "ExperimentRunInput"])
def test_the_same_models_take_further_fields(name: str):
    ours, theirs = getattr(models, name), getattr(generated, name)
    run = {"example_id": "e", "output": "o"}
    body = {**(run if name == "ExperimentRunInput" else {"name": "n", "experiment_runs": [run]}), "further": 1}
    if ours.model_config["extra"] == "allow":
        assert theirs.from_dict(body).to_dict() == body
    else:
        with pytest.raises(ValueError, match="additional fields"):
            theirs.from_dict(body)


@pytest.mark.parametrize(
    ("ours", "name"),
    [
        (models.Experiment, "Experiment"),
        (models.ExperimentRun, "ExperimentRun"),
        (models.ExperimentsPage, "ListExperimentsResponse"),
        (models.ExperimentRunsPage, "ListExperimentRunsResponse"),
        (models.Pagination, "PaginationMetadata"),
        (dataset_models.DatasetsPage, "ListDatasetsResponse"),
        (dataset_models.DatasetExample, "DatasetExample"),
        (dataset_models.DatasetExamplesPage, "ListDatasetExamplesResponse"),
    ],
)
def test_a_response_model_tells_of_the_same_fields(ours: type[BaseModel], name: str):
    assert set(ours.model_fields) == set(getattr(generated, name).model_fields) - {"additional_properties"}
