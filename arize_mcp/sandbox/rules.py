"""What the sandbox accepts in a request, where the contract says it and where it is silent.

Said by the contract: names are 1-255 characters without ``"`` and backslash; exactly one of dataset_id and space_id;
1-1000 runs; output is a required string, example_id too where there is a dataset; query parameters answer 400.

Silent, so chosen here:

- a body that isn't JSON, or has a wrong type or a missing field: 400. Well-formed but against a rule (the name's
  characters or length, the number of runs, both or neither of dataset_id and space_id, an unknown field): 422.
- an unknown or repeated query parameter: 400, so that a misspelt filter can't widen a query.
- a name of white space only is a name; names differ by case; a deleted experiment's name is free again.
- a run may carry ``error``; ``id`` and ``annotations`` are the system's and refused (422).
- a body has at most 32 MiB (413).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, NoReturn, cast

from starlette.datastructures import QueryParams

from arize_mcp.sandbox.problems import RequestError

MAX_BODY_BYTES = 33_554_432
MAX_NAME_CHARS = 255
MAX_RUNS = 1000
_CREATE_FIELDS = ("name", "dataset_id", "space_id", "experiment_runs")
_SYSTEM_FIELDS = ("id", "annotations")


@dataclass(frozen=True)
class NewExperiment:
    """A valid create request; every run is a JSON text."""

    name: str
    dataset_id: str | None
    space_id: str | None
    runs: list[str]


def new_experiment(body: bytes) -> NewExperiment:
    """Check the body of a create request.

    Raises:
        RequestError: 400 or 422 with the first fault found.
    """
    fields = json_object(body)
    name = _string(fields, "name", "The 'name' field is required and must be a non-empty string.")
    dataset_id = _optional_string(fields, "dataset_id")
    space_id = _optional_string(fields, "space_id")
    runs = _array(fields, "experiment_runs")
    _refuse_unknown(fields, _CREATE_FIELDS)
    if len(name) > MAX_NAME_CHARS or '"' in name or "\\" in name:
        raise RequestError(422, "The 'name' field must have 1-255 characters and no double quotes or backslashes.")
    if (dataset_id is None) == (space_id is None):
        raise RequestError(422, "Provide exactly one of 'dataset_id' and 'space_id'.")
    return NewExperiment(name, dataset_id, space_id, _runs(runs, has_dataset=dataset_id is not None))


def appended_runs(body: bytes, *, has_dataset: bool) -> list[str]:
    """Check the body of a request to append runs; returns each as a JSON text.

    Args:
        body: the request's.
        has_dataset: whether the experiment has one; then each run names its example.

    Raises:
        RequestError: 400 or 422 with the first fault found.
    """
    fields = json_object(body)
    runs = _array(fields, "experiment_runs")
    _refuse_unknown(fields, ("experiment_runs",))
    return _runs(runs, has_dataset=has_dataset)


def search(body: bytes, *known: str) -> tuple[dict[str, str], int]:
    """Check the body of a search without a filter, which may be missing; returns its known strings, and the limit.

    Raises:
        RequestError: 400, or 422 for a filter.
    """
    fields = json_object(body or b"{}")
    for key in fields:
        if key not in ("filter", "limit", *known):
            raise RequestError(400, f"Unknown field '{key}'.")
    if fields.get("filter") is not None:
        raise RequestError(422, "The sandbox has no filter language: leave 'filter' out.")
    strings = {key: value for key in known if (value := _optional_string(fields, key)) is not None}
    return strings, limit(fields.get("limit"), 500)


def json_object(body: bytes) -> dict[str, Any]:
    """Parse a body that must be a JSON object.

    Raises:
        RequestError: 400.
    """
    try:
        value: Any = json.loads(body.decode("utf-8"), parse_constant=_refuse_constant)
        # A lone surrogate is valid in JSON's escapes, but no Unicode text; 1e999 is valid, but an infinity here.
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode("utf-8")
    except (ValueError, RecursionError):
        raise RequestError(400, "The body is not valid JSON in UTF-8.") from None
    if not isinstance(value, dict):
        raise RequestError(400, "The body must be a JSON object.")
    return cast("dict[str, Any]", value)


def query(parameters: QueryParams, *known: str) -> dict[str, str]:
    """The query parameters, each given once and known.

    Raises:
        RequestError: 400.
    """
    for key, value in parameters.multi_items():
        if key not in known:
            raise RequestError(400, f"Unknown query parameter '{key}'.")
        if len(parameters.getlist(key)) > 1:
            raise RequestError(400, f"The query parameter '{key}' is given more than once.")
        if not value:
            raise RequestError(400, f"The query parameter '{key}' is empty.")
    return dict(parameters)


def query_limit(text: str | None, maximum: int) -> int:
    """A page's size from a query; 50 where it is None.

    Raises:
        RequestError: 400.
    """
    return limit(int(text) if text and re.fullmatch("[0-9]{1,9}", text) else text, maximum)


def limit(value: object, maximum: int) -> int:
    """A page's size from a body; 50 where it is None.

    Raises:
        RequestError: 400.
    """
    if value is None:
        return 50
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= maximum:
        raise RequestError(400, f"'limit' must be a whole number from 1 to {maximum}.")
    return value


def _array(fields: dict[str, Any], key: str) -> list[Any]:
    value = fields.get(key)
    if not isinstance(value, list):
        raise RequestError(400, f"The '{key}' field is required and must be an array.")
    return cast("list[Any]", value)


def _refuse_unknown(fields: dict[str, Any], known: tuple[str, ...]) -> None:
    if unknown := [key for key in fields if key not in known]:
        raise RequestError(422, f"Unknown field '{unknown[0]}'.")


def _runs(runs: list[Any], *, has_dataset: bool) -> list[str]:
    if not 1 <= len(runs) <= MAX_RUNS:
        raise RequestError(422, f"The 'experiment_runs' field must have 1-{MAX_RUNS} runs; got {len(runs)}.")
    return [_run(run, index, has_dataset=has_dataset) for index, run in enumerate(runs)]


def _run(run: Any, index: int, *, has_dataset: bool) -> str:
    where = f"experiment_runs[{index}]"
    if not isinstance(run, dict):
        raise RequestError(400, f"{where} must be an object.")
    fields = cast("dict[str, Any]", run)
    if not isinstance(fields.get("output"), str):
        raise RequestError(400, f"{where}: the 'output' field is required and must be a string.")
    example_id = fields.get("example_id")
    if has_dataset and (not isinstance(example_id, str) or not example_id):
        raise RequestError(400, f"{where}: the 'example_id' field is required and must be a non-empty string.")
    if example_id is not None and not isinstance(example_id, str):
        raise RequestError(400, f"{where}: the 'example_id' field must be a string.")
    if not isinstance(fields.get("error"), str | None):
        raise RequestError(400, f"{where}: the 'error' field must be a string or null.")
    for key in _SYSTEM_FIELDS:
        if key in fields:
            raise RequestError(422, f"{where}: the field '{key}' is assigned by the system.")
    return json.dumps({"example_id": example_id, **fields}, ensure_ascii=False, separators=(",", ":"))


def _string(fields: dict[str, Any], key: str, detail: str) -> str:
    value = fields.get(key)
    if not isinstance(value, str) or not value:
        raise RequestError(400, detail)
    return value


def _optional_string(fields: dict[str, Any], key: str) -> str | None:
    if fields.get(key) is None:
        return None
    return _string(fields, key, f"The '{key}' field must be a non-empty string.")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)
