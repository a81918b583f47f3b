"""An API that holds experiments and gives their runs page by page, with whatever goes wrong in between."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from arize_mcp.api.jsontext import dumps
from tests.raw_server import Request, Step, answer

Interruption = Callable[[int], Awaitable[bytes | Step | None]]
"""What is answered instead of a page of runs, by the index of its first run; None is the page."""

NOT_FOUND = answer('{"title":"T","detail":"No experiment has this id."}', status="404 Not Found")


@dataclass
class Upstream:
    """The API: experiments by id, each with its runs.

    ``page_runs`` is the most runs that it gives at once, whatever the limit. It counts the requests that it is sent.
    """

    experiments: dict[str, list[dict[str, Any]]]
    page_runs: int = 500
    cursors: bool = True
    interruption: Interruption | None = None
    described: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    pages: list[tuple[str, int, int]] = field(default_factory=list[tuple[str, int, int]])
    gets: int = 0

    async def route(self, request: Request) -> bytes | Step:
        url = urlsplit(request.target)
        experiment_id, _, runs = unquote(url.path.removeprefix("/v2/experiments/")).partition("/")
        if experiment_id not in self.experiments:
            return NOT_FOUND
        if not runs:
            self.gets += 1
            known = {"id": experiment_id, "name": f"name of {experiment_id}", "dataset_id": "d", "created_at": "t"}
            return answer(dumps(known | self.described.get(experiment_id, {})))
        query = parse_qs(url.query)
        start, limit = int(query.get("cursor", ["0"])[0]), int(query["limit"][0])
        self.pages.append((experiment_id, start, limit))
        instead = await self.interruption(start) if self.interruption else None
        return instead or self.page(experiment_id, start, limit)

    def page(self, experiment_id: str, start: int, limit: int) -> bytes:
        runs = self.experiments[experiment_id]
        end = start + min(limit, self.page_runs)
        pagination: dict[str, Any] = {"has_more": end < len(runs)}
        if pagination["has_more"] and self.cursors:
            pagination["next_cursor"] = str(end)
        return answer(dumps({"experiment_runs": runs[start:end], "pagination": pagination}))


def small_runs(count: int) -> list[dict[str, Any]]:
    """Runs of examples e0, e1, ..., which score 0, 0.25, 0.5 and 0.75 in turn."""
    return [{"id": f"r{n}", "example_id": f"e{n}", "eval.q.score": n % 4 / 4} for n in range(count)]


def after(start: int, *answers: bytes | Step | None) -> Interruption:
    """The answers in turn to requests for the page that begins at start, the last one again and again."""
    queue: Sequence[bytes | Step | None] = answers
    position = -1

    async def interrupt(asked: int) -> bytes | Step | None:
        nonlocal position
        if asked != start:
            return None
        position += 1
        return queue[min(position, len(queue) - 1)]

    return interrupt
