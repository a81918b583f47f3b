"""Generous in, exact out: what clients' quirks mean, and the twenty commonest mistakes."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict

from arize_mcp.api.jsontext import TOO_DEEP
from arize_mcp.api.models import (
    CreateExperimentRequest,
    DeleteExperimentRequest,
    GetExperimentRequest,
    ListExperimentRunsRequest,
    ListExperimentsRequest,
)
from arize_mcp.api.problems import MAX_ERRORS, URN, Problem, ProblemError
from arize_mcp.server.arguments import parse
from tests.stdio_process import Session

RUN = {"example_id": "e", "output": "o"}
CREATE: dict[str, Any] = {"name": "n", "dataset_id": "d", "experiment_runs": [RUN]}
EXPERIMENT_ID = base64.b64encode(b"Experiment:1:aBcD").decode()
DATASET_ID = base64.b64encode(b"Dataset:1:aBcD").decode()
OTHER_ID = base64.b64encode(b"Experiment:23:eFgH").decode()
SPACE_ID = base64.b64encode(b"Space:1:aBcD").decode()
LINK = f"https://app.arize.com/organizations/T3JnOjE6eA==/spaces/{SPACE_ID}/datasets/{DATASET_ID}"


def meant(model: type[BaseModel], **arguments: Any) -> dict[str, Any]:
    return parse(model, arguments).model_dump(exclude_none=True)


def problem_of(model: type[BaseModel], arguments: dict[str, Any], **members: Any) -> Problem:
    with pytest.raises(ProblemError) as caught:
        parse(model, arguments, beside=members)
    return caught.value.problem


def errors_of(model: type[BaseModel], arguments: dict[str, Any], **members: Any) -> dict[str, str]:
    """What is wrong, by its pointer."""
    return {error["pointer"]: error["detail"] for error in problem_of(model, arguments, **members).get("errors", [])}


@pytest.mark.parametrize("absent", [None, "", "null"])
def test_an_optional_given_as_nothing_is_absent_but_null_is_a_name_to_search_for(absent: str | None):
    arguments = dict.fromkeys(("dataset_id", "space_id", "name", "limit", "cursor"), absent)
    assert meant(ListExperimentsRequest, **arguments) == ({"name": "null"} if absent == "null" else {})


@pytest.mark.parametrize("limit", [5, 5.0, "5", "5.0", " 5 "], ids=repr)
def test_a_whole_number_may_come_as_a_float_or_a_string(limit: object):
    assert meant(ListExperimentsRequest, limit=limit) == {"limit": 5}


@pytest.mark.parametrize(
    "runs",
    [
        json.dumps([RUN]),
        [json.dumps(RUN)],
        json.dumps([json.dumps(RUN)]),
        f" {json.dumps([RUN])}\n",
        json.dumps(json.dumps([RUN])),
        f"\ufeff{json.dumps([RUN])}",
    ],
    ids=["array", "object", "both", "spaces", "twice", "bom"],
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
    "given",
    [
        EXPERIMENT_ID.rstrip("="),
        EXPERIMENT_ID.replace("=", "%3D"),
        EXPERIMENT_ID.replace("=", "%253d"),
        f'"{EXPERIMENT_ID}"',
        f"' {EXPERIMENT_ID}'",
        f"`{EXPERIMENT_ID}`",
        f'\\"{EXPERIMENT_ID}\\"',
        f"<{EXPERIMENT_ID}>",
        f"\u201c{EXPERIMENT_ID}\u201d",
        f"arize://experiments/{EXPERIMENT_ID}",
        f"arize://experiments/{EXPERIMENT_ID.replace('=', '%3D')}/runs",
    ],
)
def test_an_id_in_another_dress_is_understood(given: str):
    assert meant(GetExperimentRequest, experiment_id=given) == {"experiment_id": EXPERIMENT_ID}


@pytest.mark.parametrize(
    "opaque", ["exp_001", "exp%20001", f"copy-of-{EXPERIMENT_ID}", "a/b", DATASET_ID, "RXhw", '"x']
)
def test_an_id_of_any_other_form_is_kept_as_it_is(opaque: str):
    assert meant(GetExperimentRequest, experiment_id=opaque) == {"experiment_id": opaque}


def test_quotation_marks_go_from_an_id_of_any_form():
    assert meant(GetExperimentRequest, experiment_id='"exp_001"') == {"experiment_id": "exp_001"}


def test_the_servers_own_resource_may_have_an_id_of_any_form():
    assert meant(GetExperimentRequest, experiment_id="arize://experiments/exp%5F1/runs") == {"experiment_id": "exp_1"}


@pytest.mark.parametrize(
    "link",
    [
        f"https://app.arize.com/compare?experimentId={EXPERIMENT_ID}&experimentId={OTHER_ID}",
        f"{LINK}/experiments/{EXPERIMENT_ID}?compare={OTHER_ID.replace('=', '%3D')}",
        f"https://a.example/{EXPERIMENT_ID} https://a.example/{OTHER_ID}",
        f"/compare/{EXPERIMENT_ID},{OTHER_ID}",
        f"https://app.arize.com/compare?ids={EXPERIMENT_ID}+{OTHER_ID}",
        f"https://app.arize.com/compare?ids={EXPERIMENT_ID.rstrip('=')}+{OTHER_ID.rstrip('=')}",
    ],
)
def test_a_link_with_two_ids_is_refused_with_both(link: str):
    for model in (GetExperimentRequest, DeleteExperimentRequest):
        detail = errors_of(model, {"experiment_id": link})["#/experiment_id"]
        assert EXPERIMENT_ID in detail
        assert OTHER_ID in detail


@pytest.mark.parametrize(
    "link",
    [
        f"app.arize.com/x/{EXPERIMENT_ID}",
        f"/spaces/{SPACE_ID}/experiments/{EXPERIMENT_ID}",
        f"<https://app.arize.com/x/{EXPERIMENT_ID}>",
        f"[baseline](https://app.arize.com/x/{EXPERIMENT_ID})",
        f"https://app.arize.com/compare?experimentId={EXPERIMENT_ID}&experimentId={EXPERIMENT_ID.rstrip('=')}",
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
    errors = errors_of(model, arguments)
    assert set(errors) == set(told)
    for pointer, words in told.items():
        assert words in errors[pointer]


def test_a_thousand_wrong_runs_are_told_by_the_first_ones_and_counted_all():
    problem = problem_of(CreateExperimentRequest, {**CREATE, "experiment_runs": [{}] * 1000})
    errors = problem.get("errors", [])
    assert len(errors) == MAX_ERRORS + 1
    assert errors[-1]["detail"] == "1980 more errors are not listed."
    assert problem.get("detail", "").startswith("2000 arguments are wrong; nothing was sent.")


NO_JSON = {
    "a trailing comma": ('[{"example_id": "e",\n "output": "o"},]', "line 2, column ", "a comma with nothing after it"),
    "a trailing comma in a run": ('[{"example_id": "e", "output": "o",}]', "line 1, column ", "a comma with nothing"),
    "a cut text": ('[{"example_id": "e", "output": "o"}, {"exam', "line 1, column 39", "ends before its JSON does"),
    "a cut array": ('[{"example_id": "e", "output": "o"}', "line 1, column 36", "ends before its JSON does"),
    "single quotes": ("[{'example_id': 'e', 'output': 'o'}]", "line 1, column 3", "double quotes"),
    "Python's names": ('[{"example_id": "e",\n"output": None}]', "line 2, column 11", "None, True and False"),
    "a fence": ('```json\n[{"example_id": "e", "output": "o"}]\n```', "line 1, column 1", "a code fence"),
    "double encoding, broken": (json.dumps("[{'a': 1}]"), "line 1, column 3", "double quotes"),
    "JSON Lines": ('{"example_id": "e"}\n{"example_id": "f"}\n', "line 2, column 1", "JSON Lines"),
    "CSV": ("example_id,output\ne,o\n", "line 1, column 1", "no JSON value begins here"),
    "a path": ("/tmp/runs.json", "line 1, column 1", "no JSON value begins here"),
    "words after it": ('[{"example_id": "e", "output": "o"}] as asked', "line 1, column 38", "more text follows"),
    "a missing comma": ('[{"example_id": "e" "output": "o"}]', "line 1, column 21", "a comma is missing"),
    "no quotes": ('[{example_id: "e"}]', "line 1, column 3", "a name in double quotes"),
    "a lone backslash": ('[{"example_id": "e", "output": "\\d"}]', "line 1, column 33", "a backslash"),
    "nothing": ("", "line 1, column 1", "it is empty"),
}


@pytest.mark.parametrize(("text", "place", "why"), NO_JSON.values(), ids=NO_JSON)
def test_text_that_is_no_json_where_an_array_belongs_is_told_with_the_place_and_the_reason(
    text: str, place: str, why: str
):
    errors = errors_of(CreateExperimentRequest, {**CREATE, "experiment_runs": text})
    assert list(errors) == ["#/experiment_runs"]
    detail = errors["#/experiment_runs"]
    assert detail.startswith(f"Is text that is not JSON ({place}")
    assert why in detail
    assert detail.endswith("): send an array.")
    assert "single object" not in detail


@pytest.mark.parametrize("text", ["[" * 100_000, f'[{{"t": {"[" * 100_000}{"]" * 100_000}}}]'])
def test_text_that_is_nested_too_deep_is_told_so(text: str):
    errors = errors_of(CreateExperimentRequest, {**CREATE, "experiment_runs": text})
    assert errors == {"#/experiment_runs": TOO_DEEP}


@pytest.mark.parametrize("given", [{"0": RUN}, {"example_id": ["e"], "output": ["o"]}, {"experiment_runs": [RUN]}, {}])
def test_an_object_that_is_no_run_is_not_to_be_put_into_an_array_as_one(given: dict[str, Any]):
    errors = errors_of(CreateExperimentRequest, {**CREATE, "experiment_runs": given})
    assert errors == {"#/experiment_runs": "Must be an array of objects, one for each run."}


def test_a_run_that_is_text_but_no_json_is_told_the_same_way():
    runs = ["{'example_id': 'e'}", '{"example_id": "e",}', RUN]
    errors = errors_of(CreateExperimentRequest, {**CREATE, "experiment_runs": runs})
    assert list(errors) == ["#/experiment_runs/0", "#/experiment_runs/1"]
    assert all(detail.endswith("): send an object.") for detail in errors.values())


@pytest.mark.parametrize("text", ["5", "null", '"a"', json.dumps(json.dumps(json.dumps([RUN])))])
def test_text_that_holds_something_else_than_an_array_is_told_as_text(text: str):
    detail = errors_of(CreateExperimentRequest, {**CREATE, "experiment_runs": text})["#/experiment_runs"]
    assert detail.startswith("Is text that ")
    assert detail.endswith("send an array.")


def test_raw_line_breaks_and_tabs_in_the_strings_of_a_json_text_are_read():
    text = '[{"example_id": "e", "output": "one\n\ttwo\r\n"}]'
    got = meant(CreateExperimentRequest, **{**CREATE, "experiment_runs": text})
    assert got["experiment_runs"][0]["output"] == "one\n\ttwo\r\n"


def nested(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize("as_text", [False, True], ids=["values", "text"])
def test_what_cant_be_sent_is_told_each_by_its_pointer_and_cause_with_a_way_out(as_text: bool):
    wrong = {
        "eval.q.score": float("nan"),
        "a/b": [1, float("-inf")],
        "cut": "\ud83d",
        "deep": nested(150),
        "long": "LONG" if as_text else 10**5000,
    }
    runs: Any = [RUN, {**RUN, **wrong}, {**RUN, "output": "a \ude00"}]
    if as_text:
        runs = json.dumps(runs).replace('"LONG"', "1" * 5000)
    errors = errors_of(CreateExperimentRequest, {**CREATE, "name": "\ud83d", "experiment_runs": runs})
    told = {
        "#/name": ("half of a surrogate pair", "one character earlier"),
        "#/experiment_runs/1/eval.q.score": ("NaN", "null, or leave it out"),
        "#/experiment_runs/1/a~1b/1": ("Infinity", "null, or leave it out"),
        "#/experiment_runs/1/cut": ("half of a surrogate pair", "one character earlier"),
        "#/experiment_runs/1/deep": ("nested deeper than 100", "JSON-encode it as a string"),
        "#/experiment_runs/1/long": ("more than 4300 digits", "as a string"),
        "#/experiment_runs/2/output": ("half of a surrogate pair", "one character earlier"),
    }
    assert set(errors) == set(told)
    for pointer, words in told.items():
        assert all(each in errors[pointer] for each in words), errors[pointer]


def test_what_cant_be_sent_and_what_is_wrong_are_told_together():
    errors = errors_of(CreateExperimentRequest, {"name": "n", "experiment_runs": [{**RUN, "x": float("nan")}, {}]})
    assert set(errors) == {
        "#/dataset_id",
        "#/experiment_runs/0/x",
        "#/experiment_runs/1/example_id",
        "#/experiment_runs/1/output",
    }


FAILED = 'for a failed run send "" as output, and the error in `error`'


def test_a_failed_run_without_an_output_is_told_how_to_record_it():
    error = {"example_id": "e", "error": "TimeoutError"}
    runs: list[dict[str, Any]] = [
        {**error, "output": None},
        {**error, "output": "null"},
        error,
        {**RUN, "output": None},
        {**error, "output": "None"},
        {**error, "output": ' "Undefined"\n'},
        {**error, "output": "nan"},
        {**error, "output": {}},
        {**error, "output": []},
        {**error, "output": ""},
        {**error, "output": "none of them"},
    ]
    errors = errors_of(CreateExperimentRequest, {**CREATE, "experiment_runs": runs})
    assert list(errors) == [f"#/experiment_runs/{at}/output" for at in range(9)]
    for detail in errors.values():
        assert FAILED in detail
        assert "JSON-encode" not in detail


@pytest.mark.parametrize("output", ["", "null", " null", "None", '{"a": null}', "\t \n"])
def test_an_output_is_kept_exactly(output: str):
    for further in ({}, {"error": None}, {"error": ""}):
        got = meant(CreateExperimentRequest, **{**CREATE, "experiment_runs": [{**RUN, "output": output, **further}]})
        assert got["experiment_runs"][0]["output"] == output


INJECTED: dict[str, dict[str, Any]] = {
    "n8n": {"sessionId": "s", "action": "sendMessage", "chatInput": "list them", "toolCallId": "call_1", "tool": "x"},
    "Cline": {"task_progress": "- [ ] list"},
    "Gemini CLI": {"random_string": "dummy"},
    "protocol": {"_meta": {"progressToken": 1}, "requestInfo": {"headers": {}}},
}


@pytest.mark.parametrize("injected", INJECTED.values(), ids=INJECTED)
def test_what_a_known_host_adds_to_the_arguments_is_passed_over(injected: dict[str, Any]):
    assert meant(ListExperimentsRequest, limit=3, **injected) == {"limit": 3}
    assert meant(GetExperimentRequest, experiment_id="x", **injected) == {"experiment_id": "x"}
    assert meant(CreateExperimentRequest, **CREATE, **injected) == CREATE


class _Act(BaseModel):
    model_config = ConfigDict(extra="forbid")

    actions: str | None = None


def test_what_hosts_add_is_told_where_an_argument_has_a_near_name():
    assert errors_of(_Act, {"action": "x"}) == {"#/action": "Unknown argument. Did you mean actions?"}


@pytest.mark.parametrize("unknown", ["filter", "where", "session", "dataset", "_limit", "input"])
def test_what_no_host_is_known_to_add_is_refused(unknown: str):
    assert "Unknown argument." in errors_of(ListExperimentsRequest, {unknown: "x"})[f"#/{unknown}"]


@pytest.mark.parametrize("member", ["input", "args", "parameters", "params", "tool_input", "toolInput", "kwargs"])
@pytest.mark.parametrize("arguments", [{}, {"limit": None}, {"sessionId": "s"}], ids=["none", "null", "injected"])
def test_arguments_that_stand_elsewhere_are_not_a_call_without_any(member: str, arguments: dict[str, Any]):
    errors = errors_of(ListExperimentsRequest, arguments, name="experiments_list", **{member: {"dataset_id": "d"}})
    assert list(errors) == ["#"]
    assert member in errors["#"]
    assert "`arguments`" in errors["#"]


@pytest.mark.parametrize(
    "members",
    [
        {"dataset_id": "d"},
        {"limit": 1},
        {"Arguments": {"dataset_id": "d"}},
        {"toolArguments": '{"dataset_id": "d"}'},
        {"request": {"dataset_id": "d", "limit": 5}},
        {"function": {"name": "experiments_list", "arguments": '{"dataset_id": "d"}'}},
    ],
    ids=str,
)
def test_arguments_are_found_by_their_names_wherever_they_stand(members: dict[str, Any]):
    errors = errors_of(ListExperimentsRequest, {}, name="experiments_list", **members)
    assert list(errors) == ["#"]
    assert next(iter(members)) in errors["#"]
    assert "into `arguments`" in errors["#"]


def test_what_stands_beside_arguments_or_holds_none_is_passed_over():
    request = parse(ListExperimentsRequest, {"limit": 3}, beside={"arguments": {"limit": 3}, "input": {"limit": 4}})
    assert request.model_dump(exclude_none=True) == {"limit": 3}
    elsewhere: list[dict[str, Any]] = [
        {"input": {}},
        {"input": None},
        {"_meta": {"limit": 1}},
        {"requestInfo": {"limit": 1}},
        {"client": {"name": "me", "version": "1"}},
        {"task": {"ttl": 60_000}},
        {"name": "experiments_list", "callId": "c"},
    ]
    for members in elsewhere:
        assert parse(ListExperimentsRequest, {}, beside=members).model_dump(exclude_none=True) == {}


@pytest.mark.parametrize("beside", [{}, {"arguments": {}}, {"arguments": {"sessionId": "s"}}], ids=str)
def test_a_call_whose_arguments_stand_elsewhere_is_answered_so_by_the_server(beside: dict[str, Any]):
    host = Session("--sandbox")
    host.initialize()
    call = {"name": "experiments_list", "input": {"name": "baseline"}}
    refused = host.request("tools/call", {**call, **beside})["result"]
    assert refused["isError"]
    assert refused["structuredContent"]["type"] == URN + "bad-arguments"
    assert "input" in refused["structuredContent"]["errors"][0]["detail"]
    page = host.request("tools/call", {**call, "arguments": {"name": "detailed", "sessionId": "s"}})["result"]
    assert [each["name"] for each in page["structuredContent"]["experiments"]] == ["support-detailed-prompt"]
    host.end()


def test_each_kind_of_id_is_found_in_its_own_way():
    experiment = errors_of(GetExperimentRequest, {"experiment_id": "support questions"})["#/experiment_id"]
    dataset = errors_of(ListExperimentsRequest, {"dataset_id": "support questions"})["#/dataset_id"]
    space = errors_of(ListExperimentsRequest, {"space_id": "my space"})["#/space_id"]
    assert "experiments_list" in experiment
    assert "experiments_list" not in dataset + space
    assert all(words in dataset for words in ("Arize UI", "SDK", "dataset_id"))
    assert "space_id" in space
