"""The sandbox appends runs over real HTTP: behind those that are there, by the rules of a create, all or nothing."""

from __future__ import annotations

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import httpx
import pytest

from tests.conftest import Sandbox
from tests.sandbox.test_app import ABSENT, EXPERIMENTS, RUN, all_runs, client, create, new, problem

JSON = dict[str, Any]


@pytest.fixture
def http(sandbox: Sandbox) -> Generator[httpx.Client]:
    with client(sandbox) as opened:
        yield opened


def append(http: httpx.Client, experiment_id: str, runs: list[JSON]) -> JSON:
    answer = http.post(f"{EXPERIMENTS}/{experiment_id}/runs", json={"experiment_runs": runs})
    assert answer.status_code == 201, answer.text
    return answer.json()


def numbered(first: int, count: int) -> list[JSON]:
    return [{"example_id": f"e{n}", "output": "", "n": n} for n in range(first, first + count)]


def test_appended_runs_stand_behind_the_others_and_the_answer_names_them_in_order(sandbox: Sandbox, http: httpx.Client):
    created = create(http, new(sandbox, experiment_runs=numbered(0, 3)))
    between = create(http, new(sandbox, name="another"))
    answer = append(http, created["id"], numbered(3, 2))
    assert set(answer) == {*created, "run_ids"}
    assert answer["updated_at"] >= created["updated_at"]
    assert {**answer, "updated_at": None, "run_ids": None} == {**created, "updated_at": None, "run_ids": None}
    stored = all_runs(http, created["id"], limits=[2])
    assert [run["n"] for run in stored] == [0, 1, 2, 3, 4]
    assert [run["id"] for run in stored[3:]] == answer.pop("run_ids")
    assert http.get(f"{EXPERIMENTS}/{created['id']}").json() == answer
    assert len(all_runs(http, between["id"], limits=[500])) == 1


def test_run_ids_dont_repeat_past_4096_runs_nor_between_appends_and_keep_the_order(
    sandbox: Sandbox, http: httpx.Client
):
    ids = [create(http, new(sandbox, name=name, experiment_runs=numbered(0, 1000)))["id"] for name in "ab"]
    for part in range(1, 6):
        for experiment_id in ids:
            append(http, experiment_id, numbered(1000 * part, 1000))
    seen: set[str] = set()
    for experiment_id in ids:
        stored = all_runs(http, experiment_id, limits=[500])
        assert [run["n"] for run in stored] == list(range(6000))
        run_ids = [run["id"] for run in stored]
        assert sorted(run_ids) == run_ids, "search's order, by id, is the same"
        seen |= set(run_ids)
    assert len(seen) == 12_000


def test_appends_at_once_are_each_stored_in_one_piece(sandbox: Sandbox, http: httpx.Client):
    experiment_id = create(http, new(sandbox))["id"]
    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(partial(append, http, experiment_id), [numbered(0, 10)] * 20))
    position = {run["id"]: index for index, run in enumerate(all_runs(http, experiment_id, limits=[500]))}
    assert len(position) == 201
    for answer in answers:
        places = [position[run_id] for run_id in answer["run_ids"]]
        assert places == list(range(places[0], places[0] + 10))


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ({}, 400, "'experiment_runs'"),
        ({"experiment_runs": RUN}, 400, "'experiment_runs'"),
        ({"experiment_runs": []}, 422, "must have 1-1000 runs; got 0"),
        ({"experiment_runs": [RUN] * 1001}, 422, "must have 1-1000 runs; got 1001"),
        ({"experiment_runs": [RUN], "name": "n"}, 422, "Unknown field 'name'"),
        ({"experiment_runs": [RUN, {"example_id": "e"}]}, 400, "experiment_runs[1]: the 'output'"),
        ({"experiment_runs": [RUN, {"output": "o"}]}, 400, "experiment_runs[1]: the 'example_id'"),
        ({"experiment_runs": [RUN, {**RUN, "error": 5}]}, 400, "experiment_runs[1]: the 'error'"),
        ({"experiment_runs": [RUN, "run"]}, 400, "experiment_runs[1] must be an object"),
        ({"experiment_runs": [RUN, {**RUN, "id": "x"}]}, 422, "experiment_runs[1]: the field 'id'"),
    ],
)
def test_an_append_against_the_rules_is_refused_and_adds_nothing(
    sandbox: Sandbox, http: httpx.Client, body: JSON, status: int, says: str
):
    created = create(http, new(sandbox))
    problem(http.post(f"{EXPERIMENTS}/{created['id']}/runs", json=body), status, says)
    assert len(all_runs(http, created["id"], limits=[500])) == 1
    assert http.get(f"{EXPERIMENTS}/{created['id']}").json() == created


def test_an_append_to_an_experiment_that_isnt_there_is_404(sandbox: Sandbox, http: httpx.Client):
    created = create(http, new(sandbox))
    http.delete(f"{EXPERIMENTS}/{created['id']}")
    for experiment_id in (created["id"], "nope"):
        answer = http.post(f"{EXPERIMENTS}/{experiment_id}/runs", json={"experiment_runs": [RUN]})
        problem(answer, 404, "No experiment has this id")


def test_without_a_dataset_an_appended_run_needs_no_example(sandbox: Sandbox, http: httpx.Client):
    created = create(http, new(sandbox, dataset_id=ABSENT, space_id=sandbox.space_id))
    append(http, created["id"], [{"output": "p"}])
    assert [run["example_id"] for run in all_runs(http, created["id"], limits=[500])] == ["e", None]
