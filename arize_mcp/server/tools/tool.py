"""A tool as a row of a table: its words, its models, what it does to the world, and the function that answers it."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from mcp import types
from mcp.server.context import ServerRequestContext
from pydantic import BaseModel

from arize_mcp.api.answers import JSONObject
from arize_mcp.api.calls import OnWait
from arize_mcp.api.client import ExperimentsAPI
from arize_mcp.api.models import DEFAULT_LIMIT
from arize_mcp.api.problems import ProblemError
from arize_mcp.server.confirming import Question, ask, needs_asking
from arize_mcp.server.fitting import fit_page
from arize_mcp.server.schemas import input_schema, output_schema
from arize_mcp.server.shortening import Result, shorten, written
from arize_mcp.settings.settings import Settings

_RequestT = TypeVar("_RequestT", bound=BaseModel)
_RequestT_contra = TypeVar("_RequestT_contra", bound=BaseModel, contravariant=True)


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call of a tool, as its row's function gets it.

    Attributes:
        api: the API, for the caller's key.
        settings: the process's.
        context: the SDK's, through which a human can be asked.
        params: the call as it came.
        on_wait: is told what the call waits for.
        deadline: when it has to end, in seconds on ``time.monotonic``'s clock.
    """

    api: ExperimentsAPI
    settings: Settings
    context: ServerRequestContext[Any]
    params: types.CallToolRequestParams
    on_wait: OnWait
    deadline: float

    def left_s(self) -> float:
        """How many seconds are left until the deadline."""
        return self.deadline - time.monotonic()

    def needs_asking(self, nothing: str) -> bool:
        """Whether a human has to confirm first (``confirming.needs_asking``)."""
        return needs_asking(self.context, self.settings, nothing)

    async def ask(self, question: Question) -> types.InputRequiredResult | None:
        """Have the human confirm (``confirming.ask``)."""
        key = self.api.signing_key("arize-mcp confirm v1")
        return await ask(self.context, self.params, question, self.settings, key)


Outcome = Result | types.InputRequiredResult
"""What comes of a call: its result; or a question to the human, with which the client calls again."""

Answer = Callable[[Call, _RequestT], Awaitable[Outcome]]
"""Does what a call asks for. Raises ProblemError where it can't be done."""


Advise = Callable[[Call, ProblemError], Awaitable[None]]
"""Adds to a call's problem what helps to correct the call."""


@dataclass(frozen=True, kw_only=True)
class Tool(Generic[_RequestT]):
    """A tool: its words, its models, what it does to the world, and the function that answers its calls.

    ``response`` is the models whose fields its structured content has.
    """

    name: str
    title: str
    description: str
    request: type[_RequestT]
    response: tuple[type[BaseModel], ...]
    answer: Answer[_RequestT]
    read_only: bool
    destructive: bool
    idempotent: bool
    advise: Advise | None = None

    def definition(self) -> types.Tool:
        """The tool as it stands on the wire."""
        return types.Tool(
            name=self.name,
            title=self.title,
            description=self.description,
            input_schema=input_schema(self.request),
            output_schema=output_schema(*self.response),
            annotations=types.ToolAnnotations(
                read_only_hint=self.read_only,
                destructive_hint=self.destructive,
                idempotent_hint=self.idempotent,
                open_world_hint=True,
            ),
        )


class _Method(Protocol[_RequestT_contra]):
    """A method of ExperimentsAPI."""

    def __call__(
        self,
        api: ExperimentsAPI,
        request: _RequestT_contra,
        on_wait: OnWait | None = None,
        /,
        *,
        deadline_s: float | None = None,
    ) -> Awaitable[JSONObject]: ...


def object_of(method: _Method[_RequestT], *, wrote: bool = False) -> Answer[_RequestT]:
    """The answer that is one object of the API.

    Args:
        method: gets it.
        wrote: whether the call wrote. Then its answer is given whole where it can't be shortened.
    """

    async def answer(call: Call, request: _RequestT) -> Outcome:
        content = await method(call.api, request, call.on_wait, deadline_s=call.left_s())
        try:
            return shorten(content, call.settings.max_result_chars)
        except ProblemError:
            if not wrote:
                raise
            return written(content)

    return answer


def page_of(items: str, method: _Method[_RequestT]) -> Answer[_RequestT]:
    """The answer that is a page of a list.

    Args:
        items: the name of the page's array.
        method: gets a page.
    """

    async def answer(call: Call, request: _RequestT) -> Outcome:
        async def fetch(request: _RequestT) -> JSONObject:
            return await method(call.api, request, call.on_wait, deadline_s=call.left_s())

        return await fit_page(
            await fetch(request),
            items,
            getattr(request, "limit", None) or DEFAULT_LIMIT,
            call.settings.max_result_chars,
            lambda limit: fetch(request.model_copy(update={"limit": limit})),
        )

    return answer
