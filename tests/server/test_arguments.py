"""Generous in, exact out: what clients' quirks mean, and the twenty commonest mistakes."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from pydantic import BaseModel

from arize_mcp.api.models import (
    CreateExperimentRequest,
    GetExperimentRequest,
    ListExperimentRunsRequest,
    ListExperimentsRequest,
)
from arize_mcp.api.problems import MAX_ERRORS, ProblemError
from arize_mcp.server.arguments import parse

RUN = {"example_id": "e", "output": "o"}
CREATE: dict[str, Any] = {"name": "n", "dataset_id": "d", "experiment_runs": [RUN]}
EXPERIMENT_ID = base64.b64encode(b"Experiment:1:aBcD").decode()
DATASET_ID = base64.b64encode(b"Dataset:1:aBcD").decode()
SPACE_ID = base64.b64encode(b"Space:1:aBcD").decode()
LINK = f"https://app.arize.com/organizations/T3JnOjE6eA==/spaces/{SPACE_ID}/datasets/{DATASET_ID}"


def meant(model: type[BaseModel], **arguments: Any) -> dict[str, Any]:
    return parse(model, arguments).model_dump(exclude_none=True)


@pytest.mark.parametrize("absent", [None, "", "null"])
def test_an_optional_given_as_nothing_is_absent(absent: str | None):
    arguments = dict.fromkeys(("dataset_id", "space_id", "name", "limit", "cursor"), absent)
    assert meant(ListExperimentsRequest, **arguments) == {}


@pytest.mark.parametrize("limit", [5, 5.0, "5", "5.0", " 5 "], ids=repr)
def test_a_whole_number_may_come_as_a_float_or_a_string(limit: object):
    assert meant(ListExperimentsRequest, limit=limit) == {"limit": 5}


@pytest.mark.parametrize(
    "runs",
    [json.dumps([RUN]), [json.dumps(RUN)], json.dumps([json.dumps(RUN)]), f" {json.dumps([RUN])}\n"],
    ids=["array", "object", "both", "spaces"],
)
def test_an_array_or_object_given_as_json_text_is_decoded_where_one_is_wanted(runs: object):
    assert meant(CreateExperimentRequest, **{**CREATE, "experiment_runs": runs}) == CREATE


def test_text_that_looks_like_json_stays_text_where_text_is_wanted():
    run = {"example_id": "1", "output": '{"a": [1]}', "note": "[1]"}
    assert meant(CreateExperimentRequest, name="[1]", dataset_id="5", experiment_runs=[run]) == {
        "name": "[1]",
        "dataset_id": "5",
        "experiment_runs": [run],
    }


def test_white_space_around_an_id_goes_and_a_name_is_not_touched():
    run = {"example_id": " e\n", "output": " o "}
    got = meant(CreateExperimentRequest, name=" n ", dataset_id="\td ", experiment_runs=[run])
    assert got == {"name": " n ", "dataset_id": "d", "experiment_runs": [{"example_id": "e", "output": " o "}]}
    assert meant(GetExperimentRequest, experiment_id=" x\n") == {"experiment_id": "x"}


@pytest.mark.parametrize(
    "link",
    [
        f"{LINK}/experiments/{EXPERIMENT_ID}",
        f"{LINK}/experiments/{EXPERIMENT_ID.replace('=', '%3D')}?tab=runs#top",
        f"{LINK}?selectedExperimentId={EXPERIMENT_ID}&x=1",
        f" HTTPS://app.arize.com/x?ids={EXPERIMENT_ID.rstrip('=')} ",
    ],
)
def test_a_link_with_the_id_in_it_is_understood(link: str):
    assert meant(GetExperimentRequest, experiment_id=link)["experiment_id"].rstrip("=") == EXPERIMENT_ID.rstrip("=")
    if "datasets" in link:
        assert meant(ListExperimentsRequest, dataset_id=link) == {"dataset_id": DATASET_ID}
        assert meant(ListExperimentsRequest, space_id=link) == {"space_id": SPACE_ID}


MISTAKES: list[tuple[type[BaseModel], dict[str, Any], dict[str, str]]] = [
    (CreateExperimentRequest, {**CREATE, "name": None}, {"#/name": "Must be a string."}),
    (CreateExperimentRequest, {"dataset_id": "d", "experiment_runs": [RUN]}, {"#/name": "Required, but missing."}),
    (CreateExperimentRequest, {**CREATE, "name": ""}, {"#/name": "Must not be empty."}),
    (CreateExperimentRequest, {**CREATE, "name": 'say "hi"'}, {"#/name": 'Must contain neither " nor \\.'}),
    (CreateExperimentRequest, {**CREATE, "name": "x" * 256}, {"#/name": "Must have at most 255 characters."}),
    (CreateExperimentRequest, {**CREATE, "experiment_runs": []}, {"#/experiment_runs": "at least 1 item"}),
    (CreateExperimentRequest, {**CREATE, "experiment_runs": [RUN] * 1001}, {"#/experiment_runs": "at most 1000 items"}),
    (CreateExperimentRequest, {**CREATE, "experiment_runs": RUN}, {"#/experiment_runs": "single object"}),
    (
        CreateExperimentRequest,
        {**CREATE, "experiment_runs": [{"example_id": "e", "output": {"a": 1}}]},
        {"#/experiment_runs/0/output": "JSON-encode an object"},
    ),
    (
        CreateExperimentRequest,
        {**CREATE, "experiment_runs": [{"example_id": "e", "output": None}]},
        {"#/experiment_runs/0/output": "Must be a string"},
    ),
    (
        CreateExperimentRequest,
        {**CREATE, "experiment_runs": [{"example_id": 7, "output": "o"}]},
        {"#/experiment_runs/0/example_id": "Must be a string."},
    ),
    (
        CreateExperimentRequest,
        {**CREATE, "experiment_runs": [{"exampleId": "e", "output": "o"}]},
        {"#/experiment_runs/0/example_id": "Required, but missing."},
    ),
    (
        CreateExperimentRequest,
        {"name": "n", "dataset_id": "d", "runs": [RUN]},
        {"#/experiment_runs": "Required, but missing.", "#/runs": "Did you mean experiment_runs?"},
    ),
    (
        CreateExperimentRequest,
        {"name": "n", "datasetId": "d", "experiment_runs": ["text"]},
        {
            "#/dataset_id": "Required, but missing.",
            "#/datasetId": "Did you mean dataset_id?",
            "#/experiment_runs/0": "Must be an object with example_id and output.",
        },
    ),
    (ListExperimentsRequest, {"limit": 1000}, {"#/limit": "Must be at most 100; page with cursor for more."}),
    (ListExperimentRunsRequest, {"experiment_id": "x", "limit": 0}, {"#/limit": "Must be at least 1."}),
    (ListExperimentsRequest, {"limit": "all"}, {"#/limit": "Must be a whole number."}),
    (ListExperimentsRequest, {"limit": True}, {"#/limit": "Must be a whole number."}),
    (ListExperimentsRequest, {"page": 2}, {"#/page": "Known: dataset_id, space_id, name, limit, cursor."}),
    (GetExperimentRequest, {"id": "x"}, {"#/experiment_id": "Required", "#/id": "Did you mean experiment_id?"}),
    (GetExperimentRequest, {"experiment_id": ["x"]}, {"#/experiment_id": "Must be a string."}),
    (GetExperimentRequest, {"experiment_id": " "}, {"#/experiment_id": "Must not be empty."}),
    (GetExperimentRequest, {"experiment_id": ".."}, {"#/experiment_id": "Is not an id; experiments_list shows"}),
    (GetExperimentRequest, {"experiment_id": "my best experiment"}, {"#/experiment_id": "find its id by its name"}),
    (GetExperimentRequest, {"experiment_id": f"{LINK}/experiments"}, {"#/experiment_id": "experiments_list shows"}),
    (ListExperimentsRequest, {"dataset_id": "https://app.arize.com/"}, {"#/dataset_id": "without the id"}),
]  # fmt: skip


@pytest.mark.parametrize(("model", "arguments", "told"), MISTAKES)
def test_a_common_mistake_is_told_with_what_would_be_right(
    model: type[BaseModel], arguments: dict[str, Any], told: dict[str, str]
):
    with pytest.raises(ProblemError) as caught:
        parse(model, arguments)
    errors = {error["pointer"]: error["detail"] for error in caught.value.problem.get("errors", [])}
    assert set(errors) == set(told)
    for pointer, words in told.items():
        assert words in errors[pointer]


def test_a_thousand_wrong_runs_are_told_by_the_first_ones():
    with pytest.raises(ProblemError) as caught:
        parse(CreateExperimentRequest, {**CREATE, "experiment_runs": [{}] * 1000})
    errors = caught.value.problem.get("errors", [])
    assert len(errors) == MAX_ERRORS + 1
    assert errors[-1]["detail"] == "1980 more errors are not listed."
