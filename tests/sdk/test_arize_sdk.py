"""Arize's own SDK, unchanged, against the sandbox: a client that nobody here wrote reads the contract the same way."""

from __future__ import annotations

import json
from collections.abc import Generator
from datetime import UTC
from typing import Any

import pytest

from tests.sandbox.test_serve import Process, running

arize = pytest.importorskip("arize")
generated = pytest.importorskip("arize._generated.api_client")
exceptions = pytest.importorskip("arize._generated.api_client.exceptions")
experiments = pytest.importorskip("arize.experiments")

pytestmark = pytest.mark.sdk

RUNS = [
    {
        "example_id": "example_001",
        "output": "4",
        "model": "gpt-4o-mini",
        "temperature": 0.2,
        "tool_calls": [{"a": None}],
    },
    {"example_id": "example_002", "output": "é", "latency_ms": 12345678901234567, "eval.correctness.score": 1.0},
    {"example_id": "example_003", "output": ""},
]
SEEDED = ["support-detailed-prompt", "support-baseline-short-prompt"]


@pytest.fixture
def process() -> Generator[Process]:
    with running() as started:
        yield started


def generated_api(process: Process, key: str = "sandbox-key") -> Any:
    return generated.ExperimentsApi(
        generated.ApiClient(generated.Configuration(host=process.base_url, access_token=key))
    )


@pytest.fixture
def api(process: Process) -> Any:
    return generated_api(process)


@pytest.fixture
def client(process: Process) -> Any:
    host, port = process.base_url.removeprefix("http://").split(":")
    return arize.ArizeClient(api_key="sandbox-key", api_scheme="http", api_host=host, api_port=int(port))


def request(**members: Any) -> Any:
    """A create request; from_dict, because the models' constructors drop a run's further fields."""
    return generated.CreateExperimentRequest.from_dict({"name": "n", "experiment_runs": RUNS, **members})


def sent_runs(runs: list[Any]) -> list[dict[str, Any]]:
    """The runs of an answer as they were sent: without what the system adds."""
    return [{"example_id": run.example_id, "output": run.output, **run.additional_properties} for run in runs]


# The generated client


def test_the_generated_client_creates_reads_pages_and_deletes(process: Process, api: Any):
    created = api.create_experiment(request(dataset_id=process.dataset_id))
    space_id = process.announcement["spaces"][0]["id"]
    assert (created.name, created.dataset_id, created.space_id) == ("n", process.dataset_id, space_id)
    assert created.created_at.utcoffset() == created.updated_at.utcoffset() == UTC.utcoffset(None)
    assert created.integration_id is None
    assert api.get_experiment(created.id) == created

    names: list[str] = []
    cursor = None
    for has_more in (True, True, False):
        page = api.list_experiments(dataset_id=process.dataset_id, limit=1, cursor=cursor)
        names += [experiment.name for experiment in page.experiments]
        assert page.pagination.has_more is has_more
        cursor = page.pagination.next_cursor
    assert cursor is None
    assert names == ["n", *SEEDED]
    assert [e.name for e in api.list_experiments(space_id=space_id, name="SHORT").experiments] == [SEEDED[1]]

    first = api.list_experiment_runs(created.id, limit=2)
    rest = api.list_experiment_runs(created.id, limit=2, cursor=first.pagination.next_cursor)
    assert (first.pagination.has_more, rest.pagination.has_more) == (True, False)
    runs = first.experiment_runs + rest.experiment_runs
    assert sent_runs(runs) == RUNS
    assert len({run.id for run in runs}) == 3
    assert [run.error for run in runs] == [None] * 3

    assert api.delete_experiment(created.id) is None
    assert [experiment.name for experiment in api.list_experiments().experiments] == SEEDED


def test_the_generated_client_reads_a_failed_run_and_an_experiment_without_a_dataset(process: Process, api: Any):
    detailed = api.list_experiments(name=SEEDED[0]).experiments[0]
    failed = [run for run in api.list_experiment_runs(detailed.id).experiment_runs if run.output is None]
    assert [bool(run.error) for run in failed] == [True]
    space_id = process.announcement["spaces"][0]["id"]
    created = api.create_experiment(request(space_id=space_id, experiment_runs=[{"output": "o", "k": 1}]))
    assert (created.space_id, created.dataset_id, created.dataset_version_id) == (space_id, None, None)
    assert sent_runs(api.list_experiment_runs(created.id).experiment_runs) == [
        {"example_id": None, "output": "o", "k": 1}
    ]


@pytest.mark.parametrize(
    ("status", "exception", "method", "arguments"),
    [
        (400, "BadRequestException", "list_experiments", {"cursor": "broken"}),
        (401, "UnauthorizedException", "list_experiments", {}),
        (404, "NotFoundException", "get_experiment", {"experiment_id": "nope"}),
        (404, "NotFoundException", "delete_experiment", {"experiment_id": "nope"}),
        (404, "NotFoundException", "list_experiment_runs", {"experiment_id": "nope"}),
        (404, "NotFoundException", "create_experiment", {"dataset_id": "nope"}),
        (409, "ConflictException", "create_experiment", {"dataset_id": "DATASET", "name": SEEDED[0]}),
        (422, "UnprocessableEntityException", "create_experiment", {"dataset_id": "DATASET", "space_id": "s"}),
    ],
)
def test_the_generated_client_reads_every_problem(
    process: Process, status: int, exception: str, method: str, arguments: dict[str, str]
):
    members = {key: process.dataset_id if value == "DATASET" else value for key, value in arguments.items()}
    if method == "create_experiment":
        members = {"create_experiment_request": request(**members)}
    api = generated_api(process, "wrong" if status == 401 else "sandbox-key")
    with pytest.raises(getattr(exceptions, exception)) as caught:
        getattr(api, method)(**members)
    error: Any = caught.value
    assert isinstance(error.data, generated.Problem)
    body = json.loads(error.body)
    assert set(body) == {*error.data.to_dict(), "request_id"}
    assert {**body, **error.data.to_dict()} == body
    assert error.data.status == error.status == status
    assert body["request_id"].startswith("req_")


# The client that people use


def by_name(process: Process) -> dict[str, str]:
    return {"dataset": "support-questions", "space": "Sandbox"}


def by_id(process: Process) -> dict[str, str]:
    return {"dataset": process.dataset_id}


@pytest.mark.parametrize("where", [by_name, by_id])
def test_arize_client_creates_reads_pages_and_deletes(process: Process, client: Any, where: Any):
    scope = where(process)
    created = client.experiments.create(
        name="from the SDK",
        experiment_runs=[
            {"example": f"e{n}", "answer": {"n": n}, "model": "m", "latency_ms": n, "right": n / 2, "verdict": "ok"}
            for n in range(5)
        ],
        task_fields=experiments.ExperimentTaskFieldNames(example_id="example", output="answer"),
        evaluator_columns={
            "correctness": experiments.EvaluationResultFieldNames(
                score="right", label="verdict", metadata={"judge": "model"}
            )
        },
        **scope,
    )
    assert (created.name, created.dataset_id) == ("from the SDK", process.dataset_id)
    listed = client.experiments.list(**scope)
    assert [experiment.name for experiment in listed.experiments] == ["from the SDK", *SEEDED]
    assert listed.experiments[0] == created
    by_its_name = {"experiment": "from the SDK", **scope}
    assert client.experiments.get(**by_its_name) == client.experiments.get(experiment=created.id) == created

    first = client.experiments.list_runs(**by_its_name, limit=3)
    rest = client.experiments.list_runs(experiment=created.id, limit=3, cursor=first.pagination.next_cursor)
    assert (first.pagination.has_more, rest.pagination.has_more) == (True, False)
    stored = sent_runs(first.experiment_runs + rest.experiment_runs)
    assert [(run["example_id"], json.loads(run["output"])["n"]) for run in stored] == [(f"e{n}", n) for n in range(5)]
    assert stored[3].items() >= {"latency_ms": 3, "eval.correctness.score": 1.5}.items()
    assert stored[3].items() >= {"eval.correctness.label": "ok", "eval.correctness.metadata.judge": "m"}.items()

    client.experiments.delete(**(by_its_name if where is by_name else {"experiment": created.id}))
    assert [experiment.name for experiment in client.experiments.list().experiments] == SEEDED


def test_arize_client_works_without_a_dataset(process: Process, client: Any):
    created = client.experiments.create(
        name="no dataset",
        space="Sandbox",
        experiment_runs=[{"answer": "o"}],
        task_fields=experiments.ExperimentTaskFieldNames(output="answer"),
    )
    assert created.dataset_id is None
    assert client.experiments.get(experiment="no dataset", space="Sandbox") == created
    assert [e.name for e in client.experiments.list(space="Sandbox").experiments] == ["no dataset", *SEEDED]
    runs = client.experiments.list_runs(experiment=created.id).experiment_runs
    assert [(run.example_id, run.output) for run in runs] == [(None, "o")]


def test_arize_client_tells_a_name_that_is_unknown(client: Any):
    resolve = pytest.importorskip("arize.utils.resolve")
    with pytest.raises(resolve.NotFoundError, match=SEEDED[0]):
        client.experiments.get(experiment="nope", dataset="support-questions", space="Sandbox")
    with pytest.raises(resolve.NotFoundError, match="dataset 'nope' not found"):
        client.experiments.list(dataset="nope", space="Sandbox")


@pytest.mark.parametrize("where", [by_name, by_id])
def test_arize_client_appends_runs(process: Process, client: Any, where: Any):
    scope = where(process)
    client.experiments.create(
        name="grows",
        experiment_runs=[{"example": "e0", "answer": "0"}],
        task_fields=experiments.ExperimentTaskFieldNames(example_id="example", output="answer"),
        **scope,
    )
    more = [{"example_id": f"e{n}", "output": str(n), "latency_ms": n} for n in (1, 2)]
    runs = [generated.ExperimentRunInput.from_dict(run) for run in more]
    appended = client.experiments.append_runs(experiment="grows", **scope, experiment_runs=runs)
    assert (appended.name, appended.dataset_id) == ("grows", process.dataset_id)
    stored = client.experiments.list_runs(experiment=appended.id).experiment_runs
    assert [run.output for run in stored] == ["0", "1", "2"]
    assert [run.id for run in stored[1:]] == appended.run_ids
    assert sent_runs(stored[1:]) == more


def test_arize_client_lists_datasets(process: Process, client: Any):
    listed = client.datasets.list()
    assert [dataset.name for dataset in listed.datasets] == ["sql-generation", "support-questions"]
    assert [dataset.name for dataset in client.datasets.list(name="SUPPORT", space="Sandbox").datasets] == [
        "support-questions"
    ]
    first = client.datasets.list(limit=1)
    rest = client.datasets.list(limit=1, cursor=first.pagination.next_cursor)
    assert first.datasets + rest.datasets == listed.datasets
    assert (first.pagination.has_more, rest.pagination.has_more) == (True, False)


@pytest.mark.parametrize("where", [by_name, by_id])
def test_arize_client_reads_a_dataset_and_its_examples(process: Process, client: Any, where: Any):
    scope = where(process)
    dataset = client.datasets.get(**scope)
    assert (dataset.id, dataset.name) == (process.dataset_id, "support-questions")
    (version,) = dataset.versions
    assert version.dataset_id == dataset.id
    first = client.datasets.list_examples(**scope, dataset_version_id=version.id, limit=10)
    rest = client.datasets.list_examples(
        **scope, dataset_version_id=version.id, limit=10, cursor=first.pagination.next_cursor
    )
    assert (first.pagination.has_more, rest.pagination.has_more) == (True, False)
    examples = first.examples + rest.examples
    assert client.datasets.list_examples(**scope).examples == examples
    assert set(examples[0].additional_properties) == {"question", "expected_answer", "category"}
    short = client.experiments.list(dataset=process.dataset_id).experiments[1]
    runs = client.experiments.list_runs(experiment=short.id).experiment_runs
    assert [run.example_id for run in runs] == [example.id for example in examples]


def test_the_generated_client_lists_examples_by_the_plain_endpoint(process: Process, api: Any):
    datasets = generated.DatasetsApi(api.api_client)
    first = datasets.list_dataset_examples(process.dataset_id, limit=10)
    rest = datasets.list_dataset_examples(process.dataset_id, limit=10, cursor=first.pagination.next_cursor)
    assert len({example.id for example in first.examples + rest.examples}) == 18
    with pytest.raises(exceptions.NotFoundException):
        datasets.list_dataset_examples("nope")
