"""Runs from a list, as the server reads them from pages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from arize_mcp.analysis.query import Query
from arize_mcp.analysis.runs import Runs


def read(runs: Iterable[dict[str, Any]], excerpt_chars: int = 200, **experiment: Any) -> Runs:
    taken = Runs(excerpt_chars)
    taken.experiment = {"id": "x", **experiment}
    for run in runs:
        taken.add(run)
    return taken


def table(runs: Iterable[dict[str, Any]], **arguments: Any) -> dict[str, Any]:
    query = Query(**arguments)
    for run in runs:
        query.add(run)
    return query.answer()
