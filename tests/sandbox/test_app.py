"""The sandbox's contract over real HTTP: what it accepts, what it refuses, what it answers."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from itertools import cycle
from typing import Any

import httpx
import pytest

from arize_mcp.sandbox import rules
from arize_mcp.sandbox.app import create_app
from tests.conftest import Sandbox, served

JSON = dict[str, Any]

ABSENT = object()
EXPERIMENTS = "/v2/experiments"
RUN = {"example_id": "e", "output": "o"}
SEEDED = ["support-detailed-prompt", "support-baseline-short-prompt"]
EXPERIMENT_KEYS = {
    "id",
    "name",
    "space_id",
    "dataset_id",
    "dataset_version_id",
    "created_at",
    "updated_at",
    "integration_id",
}
PROBLEM_KEYS = {"type", "title", "status", "detail", "instance", "request_id"}
DOCUMENTED = {
    400: ("invalid-request", "Invalid request parameters"),
    401: ("authentication-required", "Authentication required"),
    404: ("resource-not-found", "Resource not found"),
    409: ("resource-conflict", "Resource conflict"),
    422: ("unprocessable-entity", "Unprocessable Entity"),
}


def client(sandbox: Sandbox) -> httpx.Client:
    headers = {"Authorization": "Bearer sandbox-key"}
    return httpx.Client(base_url=sandbox.base_url, headers=headers, timeout=30, trust_env=False, verify=False)


@pytest.fixture
def http(sandbox: Sandbox) -> Generator[httpx.Client]:
    with client(sandbox) as opened:
        yield opened


@pytest.fixture(scope="module")
def shared() -> Generator[Sandbox]:
    """One sandbox for all requests that are refused; none of them may change it."""
    app = create_app()
    with served(app) as base_url:
        yield Sandbox(base_url, app.state.store)
    experiments, _ = app.state.store.experiments(None, None, None, 100, None)
    assert [experiment["name"] for experiment in experiments] == SEEDED
    app.state.store.close()


@pytest.fixture(scope="module")
def shared_http(shared: Sandbox) -> Generator[httpx.Client]:
    with client(shared) as opened:
        yield opened


def new(sandbox: Sandbox, **changes: Any) -> JSON:
    """The body of a valid create, with members changed, added or (ABSENT) left out."""
    body = {"name": "n", "dataset_id": sandbox.dataset_id, "experiment_runs": [RUN], **changes}
    return {key: value for key, value in body.items() if value is not ABSENT}


def newest_id(http: httpx.Client) -> str:
    return http.get(EXPERIMENTS).json()["experiments"][0]["id"]


def create(http: httpx.Client, body: JSON) -> JSON:
    answer = http.post(EXPERIMENTS, json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def problem(answer: httpx.Response, status: int, says: str = "") -> JSON:
    """The problem in an error answer; every error answer has to be one in full."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert set(body) == PROBLEM_KEYS
    anchor, title = DOCUMENTED.get(status, (None, HTTPStatus(status).phrase))
    expected = f"https://arize.com/docs/ax/rest-reference/errors#{anchor}" if anchor else "about:blank"
    assert (body["type"], body["title"], body["status"]) == (expected, title, status)
    assert body["instance"] == answer.request.url.raw_path.decode().partition("?")[0]
    assert body["request_id"]
    assert says in body["detail"]
    return body


def pages(http: httpx.Client, path: str, key: str, *, limits: Iterator[int], **query: str) -> Iterator[list[JSON]]:
    """All pages of a list, each with the next limit."""
    cursor: JSON = {}
    while True:
        limit = next(limits)
        answer = http.get(path, params={**query, **cursor, "limit": limit})
        assert answer.status_code == 200, answer.text
        page = answer.json()
        assert len(page[key]) <= limit
        yield page[key]
        if not page["pagination"]["has_more"]:
            assert page["pagination"] == {"has_more": False}
            return
        assert len(page[key]) == limit
        cursor = {"cursor": page["pagination"]["next_cursor"]}


def all_runs(http: httpx.Client, experiment_id: str, *, limits: list[int]) -> list[JSON]:
    found = pages(http, f"{EXPERIMENTS}/{experiment_id}/runs", "experiment_runs", limits=cycle(limits))
    return [run for page in found for run in page]


def names(http: httpx.Client, **query: str) -> list[str]:
    answer = http.get(EXPERIMENTS, params={"limit": "100", **query})
    assert answer.status_code == 200, answer.text
    return [experiment["name"] for experiment in answer.json()["experiments"]]


# The key


@pytest.mark.parametrize("path", [EXPERIMENTS, "/v2/spaces", "/v2/nothing"])
@pytest.mark.parametrize("key", [None, "Bearer wrong", "sandbox-key", "Basic sandbox-key", "Bearer sandbox-key2"])
def test_without_the_key_every_path_answers_401(shared: Sandbox, path: str, key: str | None):
    answer = httpx.get(shared.base_url + path, headers={"Authorization": key} if key else {})
    problem(answer, 401, "not valid" if key else "Authorization: Bearer <api-key>")
    assert answer.headers["www-authenticate"] == "Bearer"


def test_every_error_has_a_request_id_of_its_own(shared_http: httpx.Client):
    ids = {problem(shared_http.get(f"{EXPERIMENTS}/nope"), 404)["request_id"] for _ in range(3)}
    assert len(ids) == 3


def test_a_fault_of_the_sandbox_is_a_problem_that_tells_nothing_of_its_inside(sandbox: Sandbox, http: httpx.Client):
    sandbox.store.close()
    assert "database" not in problem(http.get(EXPERIMENTS), 500)["detail"].lower()


# Creating


def test_a_created_experiment_comes_back_without_its_runs(sandbox: Sandbox, http: httpx.Client):
    before = datetime.now(UTC).replace(microsecond=0)
    created = create(http, new(sandbox))
    assert set(created) == EXPERIMENT_KEYS
    assert (created["name"], created["dataset_id"], created["space_id"]) == ("n", sandbox.dataset_id, sandbox.space_id)
    assert created["integration_id"] is None
    assert created["dataset_version_id"]
    assert created["created_at"] == created["updated_at"]
    assert created["created_at"].endswith("Z")
    assert before <= datetime.fromisoformat(created["created_at"]) <= datetime.now(UTC)
    assert http.get(f"{EXPERIMENTS}/{created['id']}").json() == created


def test_a_name_is_unique_in_its_dataset_or_else_in_its_space(sandbox: Sandbox, http: httpx.Client):
    in_dataset = new(sandbox)
    in_other_dataset = new(sandbox, dataset_id=sandbox.store.datasets()[1]["id"])
    in_space = new(sandbox, dataset_id=ABSENT, space_id=sandbox.space_id)
    assert len({create(http, body)["id"] for body in (in_dataset, in_other_dataset, in_space)}) == 3
    for body in (in_dataset, in_other_dataset, in_space):
        problem(http.post(EXPERIMENTS, json=body), 409, "'n' already exists")
    create(http, new(sandbox, name="N"))


@pytest.mark.parametrize(
    "name", ["x" * 255, "\U0001f600" * 255, " ", "'; DROP TABLE experiment; --", "a\x00b", "é/../\n"], ids=range(6)
)
def test_a_name_may_be_any_text_of_255_characters(sandbox: Sandbox, http: httpx.Client, name: str):
    created = create(http, new(sandbox, name=name))
    assert http.get(f"{EXPERIMENTS}/{created['id']}").json()["name"] == name
    problem(http.post(EXPERIMENTS, json=new(sandbox, name=name)), 409)


@pytest.mark.parametrize("name", ["x" * 256, 'a"', "\\"], ids=["256", "quote", "backslash"])
def test_a_name_against_the_rules_is_422(shared: Sandbox, shared_http: httpx.Client, name: str):
    problem(
        shared_http.post(EXPERIMENTS, json=new(shared, name=name)), 422, "The 'name' field must have 1-255 characters"
    )


@pytest.mark.parametrize("count", [0, 1001])
def test_too_few_or_too_many_runs_are_422(shared: Sandbox, shared_http: httpx.Client, count: int):
    body = new(shared, experiment_runs=[RUN] * count)
    problem(shared_http.post(EXPERIMENTS, json=body), 422, f"must have 1-1000 runs; got {count}")


def test_1000_runs_are_stored_in_their_order(sandbox: Sandbox, http: httpx.Client):
    runs = [{"example_id": f"e{index}", "output": ""} for index in range(1000)]
    created = create(http, new(sandbox, experiment_runs=runs))
    stored = all_runs(http, created["id"], limits=[500])
    assert [run["example_id"] for run in stored] == [run["example_id"] for run in runs]
    assert sorted({run["id"] for run in stored}) == [run["id"] for run in stored], "search's order, by id, is the same"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"name": ABSENT}, "'name'"),
        ({"name": None}, "'name'"),
        ({"name": ""}, "'name'"),
        ({"name": 5}, "'name'"),
        ({"dataset_id": ""}, "'dataset_id'"),
        ({"dataset_id": ["d"]}, "'dataset_id'"),
        ({"dataset_id": ABSENT, "space_id": ""}, "'space_id'"),
        ({"dataset_id": ABSENT, "space_id": 5}, "'space_id'"),
        ({"experiment_runs": ABSENT}, "'experiment_runs'"),
        ({"experiment_runs": None}, "'experiment_runs'"),
        ({"experiment_runs": RUN}, "'experiment_runs'"),
        ({"experiment_runs": [RUN, "o"]}, "experiment_runs[1]"),
        ({"experiment_runs": [RUN, None]}, "experiment_runs[1]"),
        ({"experiment_runs": [RUN, {"example_id": "e"}]}, "experiment_runs[1]: the 'output'"),
        ({"experiment_runs": [{**RUN, "output": None}]}, "experiment_runs[0]: the 'output'"),
        ({"experiment_runs": [{**RUN, "output": {"a": 1}}]}, "experiment_runs[0]: the 'output'"),
        ({"experiment_runs": [{"output": "o"}]}, "experiment_runs[0]: the 'example_id'"),
        ({"experiment_runs": [{**RUN, "example_id": None}]}, "experiment_runs[0]: the 'example_id'"),
        ({"experiment_runs": [{**RUN, "example_id": ""}]}, "experiment_runs[0]: the 'example_id'"),
        ({"experiment_runs": [{**RUN, "example_id": 7}]}, "experiment_runs[0]: the 'example_id'"),
    ],
)
def test_a_missing_or_wrong_typed_field_is_400(shared: Sandbox, shared_http: httpx.Client, changes: JSON, says: str):
    problem(shared_http.post(EXPERIMENTS, json=new(shared, **changes)), 400, says)


def test_an_example_id_is_a_string_also_without_a_dataset(shared: Sandbox, shared_http: httpx.Client):
    body = new(shared, dataset_id=ABSENT, space_id=shared.space_id, experiment_runs=[{**RUN, "example_id": 7}])
    problem(shared_http.post(EXPERIMENTS, json=body), 400, "experiment_runs[0]: the 'example_id'")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"space_id": "s"}, "exactly one of 'dataset_id' and 'space_id'"),
        ({"dataset_id": ABSENT}, "exactly one of 'dataset_id' and 'space_id'"),
        ({"dataset_id": None}, "exactly one of 'dataset_id' and 'space_id'"),
        ({"descripton": "x"}, "Unknown field 'descripton'"),
        ({"experiment_runs": [{**RUN, "id": "x"}]}, "experiment_runs[0]: the field 'id'"),
        ({"experiment_runs": [RUN, {**RUN, "annotations": None}]}, "experiment_runs[1]: the field 'annotations'"),
    ],
)
def test_a_well_formed_body_against_a_rule_is_422(shared: Sandbox, shared_http: httpx.Client, changes: JSON, says: str):
    problem(shared_http.post(EXPERIMENTS, json=new(shared, **changes)), 422, says)


@pytest.mark.parametrize("key", ["dataset_id", "space_id"])
def test_an_unknown_dataset_or_space_is_404(shared: Sandbox, shared_http: httpx.Client, key: str):
    body = {**new(shared, dataset_id=ABSENT), key: "nope"}
    problem(shared_http.post(EXPERIMENTS, json=body), 404, f"has this '{key}'")


@pytest.mark.parametrize("path", [EXPERIMENTS, f"{EXPERIMENTS}/x/runs/search"])
@pytest.mark.parametrize("body", [b"{", b"[]", b"null", b'"x"', b"\xef\xbb\xbf{}", "{}".encode("utf-16")], ids=range(6))
def test_a_body_that_is_no_json_object_is_400(shared_http: httpx.Client, path: str, body: bytes):
    problem(shared_http.post(path, content=body), 400, "The body ")


@pytest.mark.parametrize(
    "value",
    [
        b"NaN",
        b"Infinity",
        b"-Infinity",
        b'"\xff"',
        b'"\xed\xa0\x80"',
        rb'"\ud800"',
        rb'{"\udfff": 1}',
        b"9" * 5000,
        b"[" * 100_000 + b"]" * 100_000,
    ],
    ids=lambda value: str(value[:12]),
)
def test_a_value_that_json_or_utf_8_cant_hold_is_400(shared: Sandbox, shared_http: httpx.Client, value: bytes):
    body = json.dumps(new(shared, experiment_runs=[{**RUN, "extra": "VALUE"}])).encode()
    problem(shared_http.post(EXPERIMENTS, content=body.replace(b'"VALUE"', value)), 400, "not valid JSON in UTF-8")


def test_a_number_beyond_all_floats_is_400(sandbox: Sandbox, http: httpx.Client):
    body = json.dumps(new(sandbox, experiment_runs=[{**RUN, "extra": "VALUE"}])).replace('"VALUE"', "1e999")
    problem(http.post(EXPERIMENTS, content=body), 400)


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_over_the_limit_is_413(
    sandbox: Sandbox, http: httpx.Client, monkeypatch: pytest.MonkeyPatch, *, chunked: bool
):
    assert rules.MAX_BODY_BYTES == 32 * 1024 * 1024
    monkeypatch.setattr(rules, "MAX_BODY_BYTES", 1000)

    def send(size: int) -> httpx.Response:
        body = json.dumps(new(sandbox)).encode().ljust(size)
        return http.post(EXPERIMENTS, content=iter([body[:500], body[500:]]) if chunked else body)

    problem(send(1001), 413, "more than 1000 bytes")
    assert send(1000).status_code == 201


def test_an_experiment_without_a_dataset_belongs_to_its_space(sandbox: Sandbox, http: httpx.Client):
    runs = [{"output": "o"}, {"output": "p", "example_id": None}, {"output": "q", "example_id": "e"}]
    created = create(http, new(sandbox, dataset_id=ABSENT, space_id=sandbox.space_id, experiment_runs=runs))
    assert set(created) == EXPERIMENT_KEYS
    assert (created["space_id"], created["dataset_id"], created["dataset_version_id"]) == (sandbox.space_id, None, None)
    stored = http.get(f"{EXPERIMENTS}/{created['id']}/runs").json()["experiment_runs"]
    assert [(run["output"], run["example_id"]) for run in stored] == [("o", None), ("p", None), ("q", "e")]
    assert "n" in names(http, space_id=sandbox.space_id)
    assert "n" not in names(http, dataset_id=sandbox.dataset_id)


# Runs


def test_runs_come_back_in_order_with_every_field_exactly_as_sent(sandbox: Sandbox, http: httpx.Client):
    runs = [
        {"output": "", "example_id": "b", "model": "gpt-4o-mini", "latency_ms": 118, "temperature": 0.2},
        {
            "example_id": "a",
            "output": "é\u2028\U0001f600\x00",
            "big": 12345678901234567,
            "n": None,
            "t": True,
            "one": 1,
        },
        {"example_id": "a", "output": "o", "nested": {"a": [{}, [1.5, "x"], {"b": None}]}, "": "", "Ключ": "值"},
        {
            "example_id": "c",
            "output": "o",
            "eval.a.b.score": 0.5,
            "eval.a.b.label": "ok",
            "eval": {"a": 1},
            "error": "E",
        },
    ]
    created = create(http, new(sandbox, experiment_runs=runs))
    stored = http.get(f"{EXPERIMENTS}/{created['id']}/runs").json()["experiment_runs"]
    expected = [{"id": run["id"], "error": None, **sent} for run, sent in zip(stored, runs, strict=True)]
    # As text, for to Python true is 1.
    assert json.dumps(stored, sort_keys=True) == json.dumps(expected, sort_keys=True)


def test_searching_runs_pages_like_listing_them(sandbox: Sandbox, http: httpx.Client):
    runs = [{"example_id": str(index), "output": "o"} for index in range(7)]
    path = f"{EXPERIMENTS}/{create(http, new(sandbox, experiment_runs=runs))['id']}/runs"
    listed = http.get(path).json()
    assert http.post(f"{path}/search").json() == listed
    found: list[JSON] = []
    body: JSON = {"limit": 3, "filter": None}
    while body:
        page = http.post(f"{path}/search", json=body).json()
        found += page["experiment_runs"]
        body = page["pagination"]["has_more"] and {"limit": 2, "cursor": page["pagination"]["next_cursor"]}
    assert found == listed["experiment_runs"]


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ({"filter": "output = 'o'"}, 422, "filter"),
        ({"filter": ""}, 422, "filter"),
        ({"cursr": "x"}, 400, "'cursr'"),
        ({"cursor": 5}, 400, "'cursor'"),
        ({"limit": 501}, 400, "from 1 to 500"),
        ({"limit": 0}, 400, "from 1 to 500"),
        ({"limit": 1.0}, 400, "from 1 to 500"),
        ({"limit": True}, 400, "from 1 to 500"),
        ({"limit": "5"}, 400, "from 1 to 500"),
    ],
)
def test_a_search_against_the_rules_is_refused(shared_http: httpx.Client, body: JSON, status: int, says: str):
    experiment_id = newest_id(shared_http)
    problem(shared_http.post(f"{EXPERIMENTS}/{experiment_id}/runs/search", json=body), status, says)


# Listing


def test_experiments_come_newest_first_fifty_at_a_time(sandbox: Sandbox, http: httpx.Client):
    for index in range(51):
        create(http, new(sandbox, name=str(index), experiment_runs=[RUN] * (51 if index == 50 else 1)))
    page = http.get(EXPERIMENTS).json()
    assert [experiment["name"] for experiment in page["experiments"]] == [str(index) for index in range(50, 0, -1)]
    assert page["pagination"]["has_more"] is True
    runs = http.get(f"{EXPERIMENTS}/{page['experiments'][0]['id']}/runs").json()
    assert (len(runs["experiment_runs"]), runs["pagination"]["has_more"]) == (50, True)


def test_filters_narrow_the_list_and_names_match_in_any_case(sandbox: Sandbox, http: httpx.Client):
    other_id = sandbox.store.datasets()[1]["id"]
    for name, where in (
        ("Größe 100%", {}),
        ("ÉCLAIR_1", {"dataset_id": other_id}),
        ("éclair 2", {"dataset_id": ABSENT, "space_id": sandbox.space_id}),
    ):
        create(http, new(sandbox, name=name, **where))
    assert names(http) == ["éclair 2", "ÉCLAIR_1", "Größe 100%", *SEEDED]
    assert names(http, space_id=sandbox.space_id) == names(http)
    assert names(http, dataset_id=sandbox.dataset_id) == ["Größe 100%", *SEEDED]
    assert names(http, dataset_id=other_id) == ["ÉCLAIR_1"]
    assert names(http, name="Éclair") == ["éclair 2", "ÉCLAIR_1"]
    assert names(http, name="GRÖSSE") == ["Größe 100%"]
    assert names(http, name="%") == ["Größe 100%"], "no wildcard"
    assert names(http, name="_") == ["ÉCLAIR_1"], "no wildcard"
    assert names(http, name="ÉCLAIR", dataset_id=other_id) == ["ÉCLAIR_1"]
    assert names(http, name="PROMPT", space_id=sandbox.space_id) == SEEDED
    assert names(http, name="nope") == []


@pytest.mark.parametrize(
    "limits", [[1], [2, 1, 3], [100]], ids=["one at a time", "changing limits", "everything at once"]
)
def test_cursors_lead_through_everything_exactly_once(sandbox: Sandbox, http: httpx.Client, limits: list[int]):
    runs = [{"example_id": str(index), "output": "o"} for index in range(8)]
    for name in "abcdefg":
        create(http, new(sandbox, name=f"Page {name}", experiment_runs=runs))
    listed: list[JSON] = []
    for page in pages(http, EXPERIMENTS, "experiments", limits=cycle(limits), name="page"):
        listed += page
        # What comes or goes meanwhile neither repeats nor hides the others.
        create(http, new(sandbox, name=f"page of {len(listed)}"))
        http.delete(f"{EXPERIMENTS}/{page[-1]['id']}")
    assert [experiment["name"] for experiment in listed] == [f"Page {name}" for name in "gfedcba"]
    # Between others, whose runs are none of its pages.
    ids = [create(http, new(sandbox, name=name, experiment_runs=runs))["id"] for name in "xyz"]
    stored = all_runs(http, ids[1], limits=limits)
    assert [run["example_id"] for run in stored] == [run["example_id"] for run in runs]


def queries(sandbox: Sandbox, http: httpx.Client) -> list[httpx.Request]:
    """Queries that all have a second page, no two of them the same."""
    first, second = (experiment["id"] for experiment in http.get(EXPERIMENTS).json()["experiments"])
    one = {"limit": "1"}
    return [
        http.build_request("GET", EXPERIMENTS, params=one),
        http.build_request("GET", EXPERIMENTS, params={**one, "dataset_id": sandbox.dataset_id}),
        http.build_request("GET", EXPERIMENTS, params={**one, "space_id": sandbox.space_id}),
        http.build_request("GET", EXPERIMENTS, params={**one, "name": "support"}),
        http.build_request("GET", f"{EXPERIMENTS}/{first}/runs", params=one),
        http.build_request("GET", f"{EXPERIMENTS}/{second}/runs", params=one),
        http.build_request("POST", f"{EXPERIMENTS}/{first}/runs/search", json={"limit": 1}),
    ]


def with_cursor(http: httpx.Client, request: httpx.Request, cursor: str) -> httpx.Response:
    if request.method == "POST":
        return http.post(request.url, json={"limit": 1, "cursor": cursor})
    return http.get(request.url.copy_merge_params({"cursor": cursor}))


def test_a_cursor_is_good_for_its_own_query_only(shared: Sandbox, shared_http: httpx.Client):
    requests = queries(shared, shared_http)
    cursors = [shared_http.send(request).json()["pagination"]["next_cursor"] for request in requests]
    for index, request in enumerate(requests):
        for other, cursor in enumerate(cursors):
            answer = with_cursor(shared_http, request, cursor)
            if index == other:
                assert answer.status_code == 200, answer.text
            else:
                problem(answer, 400, "cursor is not valid for this query")


def test_a_broken_or_foreign_cursor_is_400(shared: Sandbox, shared_http: httpx.Client):
    requests = queries(shared, shared_http)
    app = create_app()
    with served(app) as other:
        copies = [
            shared_http.build_request(request.method, other + request.url.raw_path.decode(), content=request.content)
            for request in requests
        ]
        foreign = [shared_http.send(copy).json()["pagination"]["next_cursor"] for copy in copies]
    app.state.store.close()
    for request, of_another_store in zip(requests, foreign, strict=True):
        cursor = shared_http.send(request).json()["pagination"]["next_cursor"]
        first = "B" if cursor[0] == "A" else "A"
        altered = (cursor[:-1], cursor + "AAAA", first + cursor[1:], cursor[::-1])
        for broken in (of_another_store, *altered, "x", "!", "=", "é", "1"):
            problem(with_cursor(shared_http, request, broken), 400, "cursor is not valid for this query")


@pytest.mark.parametrize(("path", "maximum"), [(EXPERIMENTS, 100), (f"{EXPERIMENTS}/ID/runs", 500)])
def test_a_limit_has_its_bounds(shared_http: httpx.Client, path: str, maximum: int):
    path = path.replace("ID", newest_id(shared_http))
    for good in ("1", "07", str(maximum)):
        assert shared_http.get(path, params={"limit": good}).status_code == 200
    for bad in ("0", "-1", str(maximum + 1), "9" * 30, "1.5", "1e1", "+1", " 1", "0x1", "ten", "None", "\uff15", "1_0"):
        problem(
            shared_http.get(path, params={"limit": bad}), 400, f"'limit' must be a whole number from 1 to {maximum}"
        )


@pytest.mark.parametrize(
    ("method", "target", "says"),
    [
        ("GET", "?space=x", "Unknown query parameter 'space'"),
        ("GET", "?Limit=1", "Unknown query parameter 'Limit'"),
        ("GET", "?limit=1&limit=1", "'limit' is given more than once"),
        ("GET", "?name=a&limit=2&name=b", "'name' is given more than once"),
        ("GET", "?name=", "'name' is empty"),
        ("GET", "?cursor", "'cursor' is empty"),
        ("GET", "?dataset_id=", "'dataset_id' is empty"),
        ("GET", "?name=" + "x" * 256, "'name' must have at most 255"),
        ("GET", "?dataset_id=DATASET&space_id=SPACE", "at most one of 'dataset_id' and 'space_id'"),
        ("GET", "/ID/runs?filter=x", "Unknown query parameter 'filter'"),
        ("GET", "/ID/runs?cursor=", "'cursor' is empty"),
        ("GET", "/ID?expand=runs", "Unknown query parameter 'expand'"),
        ("DELETE", "/ID?dry_run=1", "Unknown query parameter 'dry_run'"),
    ],
)
def test_a_wrong_query_is_400_and_does_nothing(
    shared: Sandbox, shared_http: httpx.Client, method: str, target: str, says: str
):
    experiment_id = newest_id(shared_http)
    for placeholder, real in (("ID", experiment_id), ("DATASET", shared.dataset_id), ("SPACE", shared.space_id)):
        target = target.replace(placeholder, real)
    problem(shared_http.request(method, EXPERIMENTS + target), 400, says)
    assert shared_http.get(f"{EXPERIMENTS}/{experiment_id}").status_code == 200


@pytest.mark.parametrize("key", ["dataset_id", "space_id"])
def test_an_unknown_dataset_or_space_in_a_filter_is_404(shared_http: httpx.Client, key: str):
    problem(shared_http.get(EXPERIMENTS, params={key: "nope"}), 404, f"'{key}'")


# One experiment


@pytest.mark.parametrize("experiment_id", ["nope", "RXhwZXJpbWVudDo5OTphQmNE", "%00", "'--", "%F0%9F%98%80"])
@pytest.mark.parametrize(("method", "tail"), [("GET", ""), ("DELETE", ""), ("GET", "/runs"), ("POST", "/runs/search")])
def test_an_unknown_id_is_404(shared: Sandbox, experiment_id: str, method: str, tail: str):
    url = f"{shared.base_url}{EXPERIMENTS}/{experiment_id}{tail}"
    answer = httpx.request(method, url, headers={"Authorization": "Bearer sandbox-key"})
    assert (answer.status_code, answer.json()["detail"]) == (404, "No experiment has this id.")


def test_a_deleted_experiment_is_gone_and_its_name_is_free(sandbox: Sandbox, http: httpx.Client):
    first = create(http, new(sandbox, experiment_runs=[RUN] * 3))
    url = f"{EXPERIMENTS}/{first['id']}"
    gone = http.delete(url)
    assert (gone.status_code, gone.content, "content-type" in gone.headers) == (204, b"", False)
    for answer in (http.get(url), http.delete(url), http.get(f"{url}/runs"), http.post(f"{url}/runs/search")):
        problem(answer, 404, "No experiment has this id")
    assert "n" not in names(http)
    second = create(http, new(sandbox))
    assert second["id"] != first["id"]
    assert len(http.get(f"{EXPERIMENTS}/{second['id']}/runs").json()["experiment_runs"]) == 1


@pytest.mark.parametrize(
    "tail", ["%2Fruns", "%2fruns", "%2F", "%2Fruns%2Fsearch", "%252Fruns", "/runs%2Fsearch", "%3F"]
)
def test_an_encoded_slash_stays_inside_its_path_segment(shared_http: httpx.Client, tail: str):
    experiment_id = newest_id(shared_http)
    for method in ("GET", "DELETE", "POST"):
        answer = shared_http.request(method, f"{EXPERIMENTS}/{experiment_id}{tail}")
        assert answer.status_code in (404, 405), answer.text
        assert answer.headers["content-type"] == "application/problem+json"
    problem(shared_http.get(f"{EXPERIMENTS}%2F{experiment_id}"), 404, "No endpoint")
    problem(shared_http.get(f"{EXPERIMENTS}/..%2Fspaces"), 404, "No experiment")
    assert shared_http.get(f"{EXPERIMENTS}/{experiment_id}").status_code == 200


# Paths and methods


@pytest.mark.parametrize(
    "path", ["/", "/v2", "/v1/experiments", "/V2/experiments", f"{EXPERIMENTS}/", f"{EXPERIMENTS}/x/runs/", "/v2/x"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_unknown_path_is_404(shared_http: httpx.Client, method: str, path: str):
    problem(shared_http.request(method, path), 404, "No endpoint has this path")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", EXPERIMENTS, {"GET", "HEAD", "POST"}),
        ("PATCH", f"{EXPERIMENTS}/x", {"GET", "HEAD", "DELETE"}),
        ("PUT", f"{EXPERIMENTS}/x/runs", {"GET", "HEAD", "POST"}),
        ("GET", f"{EXPERIMENTS}/x/runs/search", {"POST"}),
        ("DELETE", "/v2/spaces", {"GET", "HEAD"}),
        ("POST", "/v2/datasets", {"GET", "HEAD"}),
        ("DELETE", "/v2/datasets/x", {"GET", "HEAD"}),
        ("POST", "/v2/datasets/x/examples", {"GET", "HEAD"}),
        ("GET", "/v2/datasets/x/examples/search", {"POST"}),
    ],
)
def test_an_unknown_method_is_405_and_the_answer_tells_the_known_ones(
    shared_http: httpx.Client, method: str, path: str, allowed: set[str]
):
    answer = shared_http.request(method, path)
    problem(answer, 405, f"The method {method} is not allowed here")
    assert set(answer.headers["allow"].split(", ")) == allowed


# Spaces and datasets


def test_spaces_and_datasets_are_found_by_name_and_space(sandbox: Sandbox, http: httpx.Client):
    other_id = sandbox.store.add_space("Ünder", "2026-06-01T08:00:00.000Z")
    sandbox.store.add_dataset(other_id, "SQL-other", "2026-06-01T08:00:00.000Z")

    def found(path: str, **query: str) -> list[str]:
        page = http.get(f"/v2/{path}", params=query).json()
        assert page["pagination"] == {"has_more": False}
        return [row["name"] for row in page[path]]

    assert found("spaces") == ["Sandbox", "Ünder"]
    assert found("spaces", name="ÜN", limit="100") == ["Ünder"]
    assert found("spaces", name="x!") == []
    assert found("datasets") == ["SQL-other", "sql-generation", "support-questions"], "newest first"
    assert found("datasets", name="sql") == ["SQL-other", "sql-generation"]
    assert found("datasets", name="sql", space_id=sandbox.space_id) == ["sql-generation"]
    assert found("datasets", space_id="nope") == []
    assert set(http.get("/v2/spaces").json()["spaces"][0]) == {"id", "name", "created_at"}
    dataset_keys = {"id", "name", "space_id", "created_at", "updated_at"}
    assert set(http.get("/v2/datasets").json()["datasets"][0]) == dataset_keys
    for path in ("/v2/spaces", "/v2/datasets"):
        problem(http.get(path, params={"nam": "x"}), 400, "'nam'")


def test_datasets_are_found_by_the_name_of_their_space(http: httpx.Client):
    assert len(http.get("/v2/datasets", params={"space_name": "Sandbox"}).json()["datasets"]) == 2
    assert http.get("/v2/datasets", params={"space_name": "nope"}).json()["datasets"] == []


# At the same time


def test_of_50_creates_of_one_name_at_once_one_is_stored(sandbox: Sandbox, http: httpx.Client):
    with ThreadPoolExecutor(50) as threads:
        answers = list(threads.map(partial(http.post, json=new(sandbox)), [EXPERIMENTS] * 50))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 49
    for answer in answers:
        if answer.status_code == 409:
            problem(answer, 409, "'n' already exists in this dataset")
    assert names(http).count("n") == 1


def test_50_creates_of_different_names_at_once_are_all_stored(sandbox: Sandbox, http: httpx.Client):
    bodies = [new(sandbox, name=f"n{index}", experiment_runs=[RUN] * (index + 1)) for index in range(50)]
    with ThreadPoolExecutor(50) as threads:
        created = list(threads.map(partial(create, http), bodies))
    assert sorted(names(http, name="n", dataset_id=sandbox.dataset_id)[:50]) == sorted(body["name"] for body in bodies)
    assert len({experiment["id"] for experiment in created}) == 50
    for experiment, body in zip(created, bodies, strict=True):
        runs = http.get(f"{EXPERIMENTS}/{experiment['id']}/runs").json()["experiment_runs"]
        assert len(runs) == len(body["experiment_runs"])
