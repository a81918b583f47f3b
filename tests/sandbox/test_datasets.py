"""The sandbox's datasets and their examples over real HTTP."""

from __future__ import annotations

import json
from collections.abc import Generator
from itertools import cycle
from typing import Any

import httpx
import pytest

from tests.conftest import Sandbox
from tests.sandbox.test_app import EXPERIMENTS, client, pages, problem

JSON = dict[str, Any]

DATASETS = "/v2/datasets"


@pytest.fixture
def http(sandbox: Sandbox) -> Generator[httpx.Client]:
    with client(sandbox) as opened:
        yield opened


def examples_path(sandbox: Sandbox) -> str:
    return f"{DATASETS}/{sandbox.dataset_id}/examples"


def test_the_first_experiments_ran_on_the_examples_of_their_dataset(sandbox: Sandbox, http: httpx.Client):
    page = http.get(examples_path(sandbox)).json()
    assert page["pagination"] == {"has_more": False}
    keys = {"id", "created_at", "updated_at", "question", "expected_answer", "category"}
    assert all(set(example) == keys for example in page["examples"])
    for experiment in http.get(EXPERIMENTS, params={"dataset_id": sandbox.dataset_id}).json()["experiments"]:
        runs = http.get(f"{EXPERIMENTS}/{experiment['id']}/runs").json()["experiment_runs"]
        assert [(run["example_id"], run["question"]) for run in runs] == [
            (example["id"], example["question"]) for example in page["examples"]
        ]
    categories = [example["category"] for example in page["examples"]]
    assert 1 < len(set(categories)) < len(categories), "one can group by them"
    other_id = sandbox.store.datasets()[1]["id"]
    assert http.get(f"{DATASETS}/{other_id}/examples").json() == {"examples": [], "pagination": {"has_more": False}}


def test_a_dataset_tells_of_its_versions_and_a_list_of_datasets_doesnt(sandbox: Sandbox, http: httpx.Client):
    listed = http.get(DATASETS, params={"name": "support"}).json()["datasets"]
    dataset = http.get(f"{DATASETS}/{sandbox.dataset_id}").json()
    (version,) = dataset.pop("versions")
    assert listed == [dataset]
    assert set(version) == {"id", "name", "dataset_id", "created_at", "updated_at"}
    assert version["dataset_id"] == sandbox.dataset_id
    experiment = http.get(EXPERIMENTS).json()["experiments"][0]
    assert version["id"] == experiment["dataset_version_id"]
    for path in (examples_path(sandbox), f"{examples_path(sandbox)}/search"):
        query: JSON = {"dataset_version_id": version["id"]}
        page = http.post(path, json=query) if path.endswith("search") else http.get(path, params=query)
        assert len(page.json()["examples"]) == 18


@pytest.mark.parametrize("limits", [[1], [5, 2], [500]])
def test_cursors_lead_through_all_examples_and_datasets_once(sandbox: Sandbox, http: httpx.Client, limits: list[int]):
    whole = http.get(examples_path(sandbox)).json()["examples"]
    found = [x for page in pages(http, examples_path(sandbox), "examples", limits=cycle(limits)) for x in page]
    assert found == whole
    searched: list[JSON] = []
    body: JSON = {"limit": limits[0]}
    while body:
        page = http.post(f"{examples_path(sandbox)}/search", json=body).json()
        searched += page["examples"]
        body = page["pagination"]["has_more"] and {"limit": limits[-1], "cursor": page["pagination"]["next_cursor"]}
    assert searched == whole
    for n in range(5):
        sandbox.store.add_dataset(sandbox.space_id, f"more {n}", "2026-07-01T08:00:00.000Z")
    bounded = cycle(min(limit, 100) for limit in limits)
    names = [x["name"] for page in pages(http, DATASETS, "datasets", limits=bounded) for x in page]
    assert names == ["more 4", "more 3", "more 2", "more 1", "more 0", "sql-generation", "support-questions"]


def test_examples_come_in_the_order_of_their_creation_and_then_of_their_ids(sandbox: Sandbox, http: httpx.Client):
    dataset_id = sandbox.store.add_dataset(sandbox.space_id, "d", "2026-07-01T08:00:00.000Z")
    late, early = "2026-07-02T08:00:00.000Z", "2026-07-01T08:00:00.000Z"
    fields = '{"big": 12345678901234567, "nested": {"é": [null]}, "input": ""}'
    sandbox.store.add_examples(dataset_id, [(late, "b", fields), (early, "z", fields), (late, "a", fields)])
    examples = http.get(f"{DATASETS}/{dataset_id}/examples").json()["examples"]
    assert [example["id"] for example in examples] == ["z", "a", "b"]
    assert examples[0] == {"id": "z", "created_at": early, "updated_at": early, **json.loads(fields)}
    assert len(http.get(examples_path(sandbox)).json()["examples"]) == 18, "others are none of its own"


def test_fifty_at_a_time_unless_asked_for_more(sandbox: Sandbox, http: httpx.Client):
    dataset_id = sandbox.store.datasets()[1]["id"]
    created = "2026-07-01T08:00:00.000Z"
    sandbox.store.add_examples(dataset_id, ((created, f"{n:03}", "{}") for n in range(501)))
    path = f"{DATASETS}/{dataset_id}/examples"
    for answer, count in (
        (http.get(path), 50),
        (http.post(f"{path}/search"), 50),
        (http.get(path, params={"limit": 500}), 500),
        (http.post(f"{path}/search", json={"limit": 500}), 500),
    ):
        assert (len(answer.json()["examples"]), answer.json()["pagination"]["has_more"]) == (count, True)


def test_a_cursor_of_examples_or_datasets_is_good_for_its_own_query_only(sandbox: Sandbox, http: httpx.Client):
    version_id = http.get(f"{DATASETS}/{sandbox.dataset_id}").json()["versions"][0]["id"]
    sandbox.store.add_dataset(sandbox.space_id, "support-more", "2026-07-01T08:00:00.000Z")
    runs = f"{EXPERIMENTS}/{http.get(EXPERIMENTS).json()['experiments'][0]['id']}/runs"
    queries: list[tuple[str, JSON]] = [
        (examples_path(sandbox), {}),
        (examples_path(sandbox), {"dataset_version_id": version_id}),
        (f"{examples_path(sandbox)}/search", {}),
        (DATASETS, {}),
        (DATASETS, {"name": "s"}),
        (DATASETS, {"space_id": sandbox.space_id}),
        (runs, {}),
    ]

    def send(path: str, query: JSON) -> httpx.Response:
        return http.post(path, json=query) if path.endswith("/search") else http.get(path, params=query)

    cursors = [send(path, {**query, "limit": 1}).json()["pagination"]["next_cursor"] for path, query in queries]
    for index, (path, query) in enumerate(queries):
        for other, cursor in enumerate([*cursors, "x"]):
            answer = send(path, {**query, "limit": 1, "cursor": cursor})
            if index == other:
                assert answer.status_code == 200, answer.text
            else:
                problem(answer, 400, "cursor is not valid for this query")


@pytest.mark.parametrize(
    ("target", "body", "status", "says"),
    [
        ("/nope", None, 404, "No dataset has this id"),
        ("/nope/examples", None, 404, "No dataset has this id"),
        ("/nope/examples/search", {}, 404, "No dataset has this id"),
        ("/ID/examples?dataset_version_id=nope", None, 404, "'dataset_version_id'"),
        ("/ID/examples/search", {"dataset_version_id": "nope"}, 404, "'dataset_version_id'"),
        ("/ID?versions=1", None, 400, "'versions'"),
        ("/ID/examples?filter=x", None, 400, "'filter'"),
        ("/ID/examples?limit=501", None, 400, "from 1 to 500"),
        ("?limit=101", None, 400, "from 1 to 100"),
        ("?space=x", None, 400, "'space'"),
        ("/ID/examples/search?limit=1", {}, 400, "'limit'"),
        ("/ID/examples/search", {"limit": 501}, 400, "from 1 to 500"),
        ("/ID/examples/search", {"filter": "category = 'billing'"}, 422, "filter"),
        ("/ID/examples/search", {"filtr": "x"}, 400, "'filtr'"),
        ("/ID/examples/search", {"dataset_version_id": 5}, 400, "'dataset_version_id'"),
    ],
)
def test_a_wrong_request_for_datasets_is_refused(
    sandbox: Sandbox, target: str, body: JSON | None, status: int, says: str
):
    path = DATASETS + target.replace("ID", sandbox.dataset_id)
    with client(sandbox) as http:
        problem(http.get(path) if body is None else http.post(path, json=body), status, says)
