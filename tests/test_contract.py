"""The documented exchanges: the API layer makes them, and the sandbox, which shares no model with it, answers them."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qs, quote, unquote, urlsplit

import httpx
import pytest

from arize_mcp.api.client import ExperimentsAPI
from arize_mcp.api.dataset_models import ListDatasetExamplesRequest, ListDatasetsRequest
from arize_mcp.api.models import (
    CreateExperimentRequest,
    DeleteExperimentRequest,
    GetExperimentRequest,
    ListExperimentRunsRequest,
    ListExperimentsRequest,
)
from arize_mcp.api.problems import ProblemError
from tests.conftest import Sandbox
from tests.raw_server import answer, raw_server

JSON = dict[str, Any]

OPERATIONS: dict[str, Callable[[ExperimentsAPI, JSON], Awaitable[JSON]]] = {
    "create": lambda api, arguments: api.create(CreateExperimentRequest.model_validate(arguments)),
    "delete": lambda api, arguments: api.delete(DeleteExperimentRequest.model_validate(arguments)),
    "get": lambda api, arguments: api.get(GetExperimentRequest.model_validate(arguments)),
    "list": lambda api, arguments: api.list(ListExperimentsRequest.model_validate(arguments)),
    "list_runs": lambda api, arguments: api.list_runs(ListExperimentRunsRequest.model_validate(arguments)),
    "list_datasets": lambda api, arguments: api.list_datasets(ListDatasetsRequest.model_validate(arguments)),
    "list_examples": lambda api, arguments: api.list_examples(ListDatasetExamplesRequest.model_validate(arguments)),
}
ONLY_IN_SANDBOX = {"append_runs", "get_dataset"}
"""What Arize's own SDK calls, and the API layer doesn't."""
FILES = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((Path(__file__).parent / "contract").glob("*.json"))
}
CASES: dict[str, JSON] = {
    f"{stem}-{index}": {"operation": stem, **case}
    for stem, document in FILES.items()
    for index, case in enumerate(document["cases"])
}
IN_API = {key: case for key, case in CASES.items() if case["operation"] not in ONLY_IN_SANDBOX}
IN_SANDBOX = {key: case for key, case in CASES.items() if "not_in_sandbox" not in case}

DATASET, SPACE, EXPERIMENT = "RGF0YXNldDoxOmFCY0Q=", "U3BhY2U6MTphQmNE", "RXhwZXJpbWVudDoxOmFCY0Q="
CHOSEN_BY_THE_SYSTEM = {"id", "dataset_version_id", "created_at", "updated_at", "next_cursor", "run_ids"}


def test_every_operation_has_documented_exchanges_of_one_form():
    assert set(FILES) == {*OPERATIONS, *ONLY_IN_SANDBOX, "problems"}
    for stem, document in FILES.items():
        assert document["operation"] == stem
        assert document["cases"]
    for case in CASES.values():
        assert case["operation"] in {*OPERATIONS, *ONLY_IN_SANDBOX}
        assert set(case) - {"not_in_sandbox"} == {"operation", "says", "request", "response"}
        assert {"method", "path"} <= set(case["request"]) <= {"method", "path", "query", "body"}
        assert {"status"} <= set(case["response"]) <= {"status", "headers", "body"}
    assert {case["operation"] for case in IN_SANDBOX.values()} == {*OPERATIONS, *ONLY_IN_SANDBOX}


def arguments_of(request: JSON) -> JSON:
    """The arguments that lead to a request: names in path, query and body are the request models' own."""
    _, _, collection, *segments = request["path"].split("/")
    return {
        **({f"{collection.removesuffix('s')}_id": unquote(segments[0])} if segments else {}),
        **request.get("query", {}),
        **request.get("body", {}),
    }


@pytest.mark.parametrize("case", IN_API.values(), ids=IN_API)
async def test_the_api_layer_sends_and_returns_what_is_documented(case: JSON):
    request, response = case["request"], case["response"]
    status: int = response["status"]
    body: JSON = response.get("body", {})
    wire = answer(
        json.dumps(body) if body else "",
        status=f"{status} {HTTPStatus(status).phrase}",
        content_type="application/json" if status < 400 else "application/problem+json",
        headers=[f"{name}: {value}" for name, value in response.get("headers", {}).items()],
    )
    async with raw_server(wire) as server, server.api() as api:
        call = OPERATIONS[case["operation"]](api, arguments_of(request))
        if status < 400:
            # A delete's 204 has no body of its own.
            assert await call == (body or {**arguments_of(request), "deleted": True})
        else:
            with pytest.raises(ProblemError) as caught:
                await call
            problem = cast("JSON", caught.value.problem)
            assert problem == {**problem, **body}
            assert problem.get("retry_after", 0) == int(response.get("headers", {}).get("Retry-After", "0"))
    # A 409 is followed by a look-up of the experiment that has the name.
    sends = server.requests[:1] if status == 409 else server.requests
    assert sends
    for sent in sends:
        target = urlsplit(sent.target)
        assert (sent.method, target.path) == (request["method"], request["path"])
        query = {key: [str(value)] for key, value in request.get("query", {}).items()}
        assert parse_qs(target.query, strict_parsing=bool(query)) == query
        assert (json.loads(sent.body) if sent.body else None) == request.get("body")


class Prepared:
    """A sandbox in the state that a documented answer describes, and the real ids behind the documented ones."""

    def __init__(self, sandbox: Sandbox, case: JSON) -> None:
        self.store = sandbox.store
        self.ids = {DATASET: sandbox.dataset_id, SPACE: sandbox.space_id}
        for experiment in self.store.experiments(None, None, None, 100, None)[0]:
            self.store.delete_experiment(experiment["id"])
        request, body = case["request"], case["response"].get("body", {})
        query = request.get("query", {})
        before = query["limit"] if "cursor" in query else 0
        after = int("next_cursor" in body.get("pagination", {}))
        match case["operation"]:
            case "list":
                # The newest come first, so they are made last.
                older, newer = ([f"{query.get('name', '')} {word} {n}" for n in range(9)] for word in ("old", "new"))
                for name in older[:after]:
                    self.add({"name": name, "dataset_id": DATASET})
                for experiment in reversed(body.get("experiments", [])):
                    self.add(experiment)
                for name in newer[:before]:
                    self.add({"name": name, "dataset_id": DATASET})
            case "get" | "delete" | "list_runs" | "append_runs":
                runs = body.get("experiment_runs", [])
                has_dataset = all(run["example_id"] for run in runs)
                others: list[JSON] = [{"example_id": "another", "output": ""}]
                experiment = {"id": EXPERIMENT, "name": "x", "dataset_id": DATASET if has_dataset else None}
                self.add({**experiment, **(body if "name" in body else {})}, others * before + runs + others * after)
            case "list_datasets" | "get_dataset":
                listed: list[JSON] = body.get("datasets", [body])
                space_id = self.store.add_space("Of the test", "2024-01-01T12:00:00.000Z")
                self.ids[SPACE] = space_id
                for name in [f"Older {query.get('name', '')}"] * after + [row["name"] for row in reversed(listed)]:
                    self.ids[DATASET] = self.store.add_dataset(space_id, name, "2024-01-01T12:00:00.000Z")
            case "list_examples":
                self.ids[DATASET] = self.store.add_dataset(self.ids[SPACE], "Of the test", "2024-01-01T12:00:00.000Z")
                # In the order of their ids, for they were created at the same time.
                examples = [{"id": "example_000"}] * before + body["examples"] + [{"id": "example_999"}] * after
                for example in examples:
                    fields = {key: value for key, value in example.items() if key not in CHOSEN_BY_THE_SYSTEM}
                    new = ("2024-01-01T12:00:00.000Z", example["id"], json.dumps(fields))
                    self.store.add_examples(self.ids[DATASET], [new])
            case _:
                if case["response"]["status"] == 409:
                    self.add(request["body"])

    def add(self, experiment: JSON, runs: list[JSON] | None = None) -> None:
        """Store an experiment as documented, under an id of the sandbox's."""
        dataset_id = self.ids[DATASET] if experiment["dataset_id"] else None
        space_id = None if dataset_id else self.ids[SPACE]
        # Nobody sends a run with an id, nor with an error that is none: these the sandbox adds.
        sent = [
            {key: run[key] for key in run if key != "id" and (key, run[key]) != ("error", None)} for run in runs or []
        ]
        texts = [json.dumps(run) for run in sent]
        created = self.store.create_experiment(experiment["name"], dataset_id, space_id, texts)
        if "id" in experiment:
            self.ids[experiment["id"]] = created["id"]

    def real(self, value: Any) -> Any:
        """The same JSON value with the real ids."""
        if isinstance(value, dict):
            return {key: self.real(item) for key, item in cast("JSON", value).items()}
        if isinstance(value, list):
            return [self.real(item) for item in cast("list[Any]", value)]
        return self.ids.get(value, value) if isinstance(value, str) else value

    def comparable(self, value: Any) -> Any:
        """The same JSON value; of what only the system can know, no more than the type."""
        if isinstance(value, dict):
            masked: JSON = {}
            for key, item in cast("JSON", value).items():
                is_known = key not in CHOSEN_BY_THE_SYSTEM or item in self.ids.values()
                masked[key] = self.comparable(item) if is_known else type(item)
            return masked
        if isinstance(value, list):
            return [self.comparable(item) for item in cast("list[Any]", value)]
        return value


@pytest.mark.parametrize("case", IN_SANDBOX.values(), ids=IN_SANDBOX)
def test_the_sandbox_answers_what_is_documented(sandbox: Sandbox, case: JSON):
    request, response = case["request"], case["response"]
    prepared = Prepared(sandbox, case)
    path = "/".join(quote(prepared.real(unquote(segment)), safe="") for segment in request["path"].split("/"))
    query = prepared.real(request.get("query", {}))
    key = "unknown" if response["status"] == 401 else "sandbox-key"
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=sandbox.base_url, headers=headers, trust_env=False, verify=False) as http:
        if "cursor" in query:
            first = http.get(path, params={key: value for key, value in query.items() if key != "cursor"})
            query["cursor"] = first.json()["pagination"]["next_cursor"]
        got = http.request(request["method"], path, params=query, json=prepared.real(request.get("body")))
    assert got.status_code == response["status"], got.text
    if "body" not in response:
        assert got.content == b""
        return
    body, documented = got.json(), prepared.real(response["body"])
    if response["status"] < 400:
        assert got.headers["content-type"] == "application/json"
        assert prepared.comparable(body) == prepared.comparable(documented)
    else:
        assert got.headers["content-type"] == "application/problem+json"
        assert [body[member] for member in ("type", "title", "status")] == [
            documented[member] for member in ("type", "title", "status")
        ]
        assert {key: type(value) for key, value in body.items() if key in documented} == {
            key: type(value) for key, value in documented.items()
        }
