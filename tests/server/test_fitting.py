"""Results that fit: following cursors gives every item once, in order, whatever the sizes."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcp import Client, types

from arize_mcp.api.jsontext import dumps
from arize_mcp.api.problems import URN
from arize_mcp.server.app import create_server
from arize_mcp.server.shortening import shorten
from tests.raw_server import RawServer, Request, answer, raw_server

MAX_CHARS = 2_000


class Upstream:
    """An API that holds these runs (or experiments), with cursors or without, and counts what it is asked."""

    def __init__(self, items: list[Any], *, cursors: bool = True, limits: bool = True) -> None:
        self.items = items
        self.cursors = cursors
        self.limits = limits
        self.requests = 0
        self.beside: dict[str, Any] = {}

    async def route(self, request: Request) -> bytes:
        self.requests += 1
        query = parse_qs(urlsplit(request.target).query)
        start = int(query.get("cursor", ["0"])[0])
        limit = int(query.get("limit", ["50"])[0]) if self.limits else 1000
        page = self.items[start : start + limit]
        pagination: dict[str, Any] = {"has_more": start + limit < len(self.items)}
        if pagination["has_more"] and self.cursors:
            pagination["next_cursor"] = str(start + limit)
        items = "experiment_runs" if "/runs" in request.target else "experiments"
        return answer(dumps({**self.beside, items: page, "pagination": pagination}))


async def result_of(client: Client, **arguments: Any) -> dict[str, Any]:
    """The content of experiments_runs_list; the text is the same and keeps to the limit."""
    result = await client.call_tool("experiments_runs_list", {"experiment_id": "x", **arguments})
    (block,) = result.content
    assert isinstance(block, types.TextContent)
    assert block.text == dumps(result.structured_content)
    assert result.is_error or len(block.text) <= MAX_CHARS
    return dict(result.structured_content or {})


def client_of(server: RawServer, max_chars: int = MAX_CHARS) -> Client:
    return Client(create_server(server.api(), server.settings(max_result_chars=max_chars)))


async def follow(upstream: Upstream, limit: int | None) -> list[dict[str, Any]]:
    """All pages, by following the cursors."""
    pages: list[dict[str, Any]] = []
    arguments = {} if limit is None else {"limit": limit}
    async with raw_server(answer(), route=upstream.route) as server, client_of(server) as client:
        with anyio.fail_after(60):
            while not pages or pages[-1]["pagination"]["has_more"]:
                cursor = {"cursor": pages[-1]["pagination"]["next_cursor"]} if pages else {}
                pages.append(await result_of(client, **arguments, **cursor))
    return pages


def run(number: int, chars: int) -> dict[str, Any]:
    return {"id": str(number), "output": ('x"é\n😀' * chars)[:chars], "n": number}


SMALL = st.lists(st.one_of(st.integers(1, 60), st.integers(60, 2_500), st.just(40_000)), max_size=40)
GIANTS: st.SearchStrategy[list[int]] = st.sampled_from([[], [], [], [5_000_000]])


def joined(before: list[int], giants: list[int], after: list[int]) -> list[int]:
    return [*before, *giants, *after] or [1]


SIZES = st.builds(joined, SMALL, GIANTS, SMALL)


@settings(max_examples=40, deadline=None, database=None, suppress_health_check=list(HealthCheck))  # pyright: ignore[reportArgumentType]
@given(sizes=SIZES, limit=st.one_of(st.none(), st.integers(1, 500)))
def test_following_cursors_gives_every_item_once_in_order(sizes: list[int], limit: int | None):
    runs = [run(number, chars) for number, chars in enumerate(sizes)]
    upstream = Upstream(runs)
    pages = anyio.run(follow, upstream, limit)
    received = [item for page in pages for item in page["experiment_runs"]]
    assert [item["id"] for item in received] == [item["id"] for item in runs]
    cut = {
        (page["experiment_runs"][int(entry["pointer"].split("/")[2])]["id"], entry["chars"])
        for page in pages
        for entry in page.get("shortened", [])
    }
    for sent, got in zip(runs, received, strict=True):
        if got != sent:
            assert {**got, "output": ""} == {**sent, "output": ""}, "nothing but the string is touched"
            assert got["output"].endswith("…")
            assert sent["output"].startswith(got["output"][:-1])
            assert (sent["id"], len(sent["output"])) in cut
    for page in pages:
        count = len(page["experiment_runs"])
        if page["pagination"]["has_more"] and count < (limit or 50):
            assert page["notes"][0].startswith("1 run is here" if count == 1 else f"{count} runs are here")
            assert f"({limit or 50} asked for)" in page["notes"][0]
            assert page["notes"][0].endswith(f"as cursor and limit {count}.")
        else:
            assert "notes" not in page


async def test_a_page_that_fits_says_nothing_of_itself():
    upstream = Upstream([run(n, 10) for n in range(3)])
    pages = await follow(upstream, None)
    assert pages == [{"experiment_runs": upstream.items, "pagination": {"has_more": False}}]
    assert upstream.requests == 1
    for page in await follow(upstream, 2):
        assert "notes" not in page


async def test_a_single_item_that_is_too_large_is_not_asked_for_again():
    upstream = Upstream([run(1, 5_000)])
    (page,) = await follow(upstream, None)
    assert [entry["pointer"] for entry in page["shortened"]] == ["/experiment_runs/0/output"]
    assert upstream.requests == 1


async def test_what_a_page_says_beside_its_items_takes_room_too():
    upstream = Upstream([run(n, 100) for n in range(20)])
    upstream.beside = {"trace": "t" * 700}
    async with raw_server(answer(), route=upstream.route) as server, client_of(server) as client:
        page = await result_of(client, limit=20)
    assert 1 < len(page["experiment_runs"]) < 20
    assert "shortened" not in page
    assert upstream.requests == 2


async def test_a_page_that_is_too_large_says_how_many_of_how_many_and_what_to_call():
    upstream = Upstream([run(n, 300) for n in range(20)])
    async with raw_server(answer(), route=upstream.route) as server, client_of(server) as client:
        page = await result_of(client, limit=20)
    count = len(page["experiment_runs"])
    assert 1 < count < 20
    assert page["pagination"] == {"has_more": True, "next_cursor": str(count)}
    assert page["notes"] == [
        f"{count} runs are here (20 asked for): more would exceed {MAX_CHARS} characters. More follow: call again with "
        f"pagination.next_cursor as cursor and limit {count}."
    ]
    assert "shortened" not in page
    assert upstream.requests == 2, "one request over the minimum"
    assert len(dumps(page)) + len(dumps(run(9, 300))) > MAX_CHARS - 300, "the largest prefix that fits"


async def test_of_many_small_items_as_many_are_here_as_fit():
    upstream = Upstream([{"id": "", "n": n % 10} for n in range(300)])
    async with raw_server(answer(), route=upstream.route) as server, client_of(server) as client:
        page = await result_of(client, limit=300)
    assert upstream.requests == 2, "one request over the minimum"
    assert len(dumps(page)) > MAX_CHARS - 150


async def test_a_note_of_one_item_speaks_of_one():
    upstream = Upstream([run(n, 900) for n in range(3)])
    async with raw_server(answer(), route=upstream.route) as server, client_of(server) as client:
        page = await result_of(client, limit=3)
    assert page["notes"][0].startswith("1 run is here (3 asked for)")
    assert page["notes"][0].endswith("limit 1.")


async def test_a_longer_cursor_costs_items_and_none_of_their_texts():
    upstream = Upstream([run(n, 200) for n in range(20)])

    async def route(request: Request) -> bytes:
        cut = await upstream.route(request)
        return answer(cut.partition(b"\r\n\r\n")[2].replace(b'"next_cursor":"', b'"next_cursor":"' + b"c" * 700))

    async with raw_server(answer(), route=route) as server, client_of(server) as client:
        page = await result_of(client, limit=20)
    assert len(page["experiment_runs"]) > 1
    assert "shortened" not in page
    assert upstream.requests == 3


async def test_items_that_are_gone_when_they_are_asked_for_again_are_no_more():
    upstream = Upstream([run(n, 300) for n in range(20)])

    async def route(request: Request) -> bytes:
        sent = await upstream.route(request)
        del upstream.items[2:]
        return sent

    async with raw_server(answer(), route=route) as server, client_of(server) as client:
        page = await result_of(client, limit=20)
    assert page == {"experiment_runs": upstream.items, "pagination": {"has_more": False}}


async def test_an_empty_page_with_a_cursor_says_how_to_go_on():
    upstream = Upstream([run(n, 300) for n in range(20)])

    async def route(request: Request) -> bytes:
        first = await upstream.route(request)
        empty = '{"experiment_runs":[],"pagination":{"has_more":true,"next_cursor":"c"}}'
        return first if upstream.requests == 1 else answer(empty)

    async with raw_server(answer(), route=route) as server, client_of(server) as client:
        page = await result_of(client, limit=20)
    assert page["notes"][0].startswith("0 runs are here")
    assert page["notes"][0].endswith("limit 1.")


async def test_experiments_are_fitted_as_well():
    upstream = Upstream([{"id": str(n), "name": "n" * 400} for n in range(10)])
    async with raw_server(answer(), route=upstream.route) as server, client_of(server) as client:
        result = await client.call_tool("experiments_list", {})
    page = dict(result.structured_content or {})
    assert 0 < len(page["experiments"]) < 10
    assert page["pagination"]["has_more"]


async def test_one_item_that_is_too_large_alone_is_shortened_and_told():
    giant = {"id": "1", "output": "a" * 5_000, "prompt/~": {"text": ["b" * 3_000, "short"]}, "n": 12345678901234567}
    upstream = Upstream([giant, run(2, 5)])
    async with raw_server(answer(), route=upstream.route) as server, client_of(server) as client:
        page = await result_of(client)
    assert page["shortened"] == [
        {"pointer": "/experiment_runs/0/output", "chars": 5000},
        {"pointer": "/experiment_runs/0/prompt~1~0/text/0", "chars": 3000},
    ]
    (got,) = page["experiment_runs"]
    assert len(got["output"]) > 500
    assert (got["n"], got["prompt/~"]["text"][1]) == (giant["n"], "short")
    assert page["pagination"] == {"has_more": True, "next_cursor": "1"}


async def test_without_cursors_nothing_is_left_out_and_strings_are_shortened():
    upstream = Upstream([run(n, 500) for n in range(10)], cursors=False)
    async with raw_server(answer(), route=upstream.route) as server, client_of(server) as client:
        page = await result_of(client, limit=10)
    assert [item["id"] for item in page["experiment_runs"]] == [str(n) for n in range(10)]
    assert len(page["shortened"]) == 10
    assert page["pagination"] == {"has_more": False}


async def test_an_api_that_ignores_the_limit_is_not_asked_for_ever():
    upstream = Upstream([run(n, 500) for n in range(10)], limits=False)
    async with raw_server(answer(), route=upstream.route) as server, client_of(server) as client:
        page = await result_of(client, limit=10)
    assert len(page["experiment_runs"]) == 10
    assert upstream.requests == 2


async def test_more_without_a_cursor_is_said():
    upstream = Upstream([run(n, 5) for n in range(10)], cursors=False)
    async with raw_server(answer(), route=upstream.route) as server, client_of(server) as client:
        page = await result_of(client, limit=4)
    assert page["pagination"] == {"has_more": True}
    assert "more than these 4" in page["notes"][0]


WIDE: dict[str, Any] = {
    "an embedding": [n / 7 for n in range(3_072)],
    "steps": [{"thought": "t" * 80, "tool": {"name": "search", "arguments": {"q": "q" * 20}}} for _ in range(3_000)],
    "logprobs": [[["token", -0.5, [["other", -2.5]] * 5]] for _ in range(2_000)],
    "an object": {f"key {n}": n for n in range(5_000)},
    "empties": [[]] * 20_000,
    "nested": [[[[n] * 30] * 30] * 30 for n in range(30)],
    "a wide object in a list": [{f"k{n}": "v" for n in range(9_000)}],
}


@pytest.mark.parametrize("wide", WIDE.values(), ids=WIDE)
async def test_a_run_that_is_wide_is_shortened_to_its_first_entries_and_the_next_ones_can_be_read(wide: Any):
    sent = {"id": "1", "example_id": "e", "output": "o" * 300, "wide/~": wide, "eval.q.score": 0.5}
    upstream = Upstream([sent, run(2, 5)])
    async with raw_server(answer(), route=upstream.route) as server, client_of(server) as client:
        for arguments in ({}, {"limit": 1}):
            page = await result_of(client, **arguments)
            assert page["pagination"] == {"has_more": True, "next_cursor": "1"}
            (got,) = page["experiment_runs"]
            assert {**got, "wide/~": None} == {**sent, "wide/~": None}, "the other fields are whole"
            assert page["shortened"], "what was cut is told"
            for entry in page["shortened"]:
                kept, whole = at(page, entry["pointer"]), at({"experiment_runs": [sent]}, entry["pointer"])
                assert entry["items"] == len(whole) > len(kept)
                inside = [other for other in page["shortened"] if other["pointer"].startswith(entry["pointer"] + "/")]
                assert inside or list(kept) == list(whole)[: len(kept)]
            last = await result_of(client, cursor="1")
            assert last["experiment_runs"] == [run(2, 5)]


def at(value: Any, pointer: str) -> Any:
    """What a JSON Pointer (RFC 6901) points at."""
    for token in pointer.split("/")[1:]:
        name = token.replace("~1", "/").replace("~0", "~")
        is_list = value.__class__ is list
        value = value[int(name)] if is_list else value[name]
    return value


async def test_a_long_text_and_a_wide_array_share_the_room():
    sent = {"id": "1", "output": "o" * 5_000, "embedding": [0.123456] * 3_072}
    upstream = Upstream([sent])
    async with raw_server(answer(), route=upstream.route) as server, client_of(server) as client:
        page = await result_of(client)
    (got,) = page["experiment_runs"]
    assert len(got["output"]) >= MAX_CHARS // 4
    assert len(got["embedding"]) > 50
    assert {entry["pointer"] for entry in page["shortened"]} == {
        "/experiment_runs/0/output",
        "/experiment_runs/0/embedding",
    }


async def test_a_run_of_too_many_fields_keeps_its_first_ones():
    upstream = Upstream([{"id": "1", "output": "o"} | {f"feature_{n}": n for n in range(2_000)}, run(2, 5)])
    async with raw_server(answer(), route=upstream.route) as server, client_of(server) as client:
        page = await result_of(client)
    assert page["shortened"] == [{"pointer": "/experiment_runs/0", "items": 2002}]
    assert page["experiment_runs"][0]["output"] == "o"
    assert page["pagination"] == {"has_more": True, "next_cursor": "1"}


async def test_without_cursors_too_many_runs_are_shortened_too():
    upstream = Upstream([{"id": str(n), "n": list(range(100))} for n in range(50)], cursors=False)
    async with raw_server(answer(), route=upstream.route) as server, client_of(server) as client:
        page = await result_of(client)
    assert [item["id"] for item in page["experiment_runs"]] == [str(n) for n in range(len(page["experiment_runs"]))]
    assert page["shortened"]


async def test_what_no_cut_can_make_fit_is_a_problem():
    body = json.dumps({"id": "x"} | {f"field {n}": n for n in range(5_000)})
    async with raw_server(answer(body)) as server, client_of(server) as client:
        result = await client.call_tool("experiments_get", {"experiment_id": "x"})
    assert dict(result.structured_content or {})["type"] == URN + "result-too-large"


UNPASSABLE = {
    "a number that is none": ("NaN", None, {"text": "NaN"}),
    "C's name of one": ("nan", None, {"text": "nan"}),
    "an infinity": ("-Infinity", None, {"text": "-Infinity"}),
    "a number over all floats": ("1e400", None, {"text": "1e400"}),
    "an integer of 5,000 digits": ("9" * 5_000, None, {"text": "9" * 100}),
    "98 deep": ("[" * 98 + "]" * 98, "[" * 98 + "]" * 98, {"chars": 196}),
    "150 deep, with a number that is none": ('{"a":' * 150 + "NaN" + "}" * 150,) * 2 + ({"chars": 903},),
    "20,000 deep": ("[" * 20_000 + "]" * 20_000,) * 2 + ({"chars": 40_000},),
}


@pytest.mark.parametrize(("sent", "got", "told"), UNPASSABLE.values(), ids=UNPASSABLE)
async def test_a_run_with_what_cant_be_passed_on_does_not_hide_its_page(sent: str, got: str | None, told: Any):
    body = f'{{"experiment_runs":[{{"id":"1"}},{{"id":"2","a/b":{sent},"c":1}},{{"id":"3"}}],"pagination":{{}}}}'
    async with raw_server(answer(body)) as server, client_of(server, 100_000) as client:
        result = await client.call_tool("experiments_runs_list", {"experiment_id": "x"})
        assert len(server.requests) == 1
    page = dict(result.structured_content or {})
    assert [item["id"] for item in page["experiment_runs"]] == ["1", "2", "3"]
    assert page["experiment_runs"][1]["c"] == 1
    assert page["shortened"] == [{"pointer": "/experiment_runs/1/a~1b", **told}]
    kept = page["experiment_runs"][1]["a/b"]
    assert kept == got


async def test_raw_control_characters_in_a_text_are_passed_on():
    body = '{"experiment_runs":[{"id":"1","out\tput":"a\nb\x00\\\\\nc"},{"id":"2","n":NaN}],"pagination":{}}'
    async with raw_server(answer(body)) as server, client_of(server) as client:
        page = await result_of(client)
        assert len(server.requests) == 1
    assert page["experiment_runs"] == [{"id": "1", "out\tput": "a\nb\x00\\\nc"}, {"id": "2", "n": None}]
    assert page["shortened"] == [{"pointer": "/experiment_runs/1/n", "text": "NaN"}]


async def test_ninety_seven_deep_is_passed_on_as_it_is():
    body = f'{{"experiment_runs":[{{"id":"1","a":{"[" * 97 + "]" * 97}}}],"pagination":{{}}}}'
    async with raw_server(answer(body)) as server, client_of(server) as client:
        page = await result_of(client)
    assert page == json.loads(body)


async def test_no_limit_is_no_limit():
    upstream = Upstream([run(n, 5_000) for n in range(50)])
    async with raw_server(answer(), route=upstream.route) as server, client_of(server, 0) as client:
        result = await client.call_tool("experiments_runs_list", {"experiment_id": "x"})
    assert dict(result.structured_content or {})["experiment_runs"] == upstream.items


async def test_an_experiment_that_is_too_large_is_shortened():
    async with raw_server(answer(json.dumps({"id": "x", "name": "n" * 9_000}))) as server, client_of(server) as client:
        result = await client.call_tool("experiments_get", {"experiment_id": "x"})
    content = dict(result.structured_content or {})
    assert content["shortened"] == [{"pointer": "/name", "chars": 9000}]
    assert len(dumps(content)) <= MAX_CHARS


async def test_a_create_is_never_told_as_failed_because_its_answer_is_long():
    body = json.dumps({"id": "x"} | {f"field {n}": n for n in range(5_000)})
    new = {"name": "n", "dataset_id": "d", "experiment_runs": [{"example_id": "e", "output": "o"}]}
    async with raw_server(answer(body, status="201 Created")) as server, client_of(server) as client:
        result = await client.call_tool("experiments_create", new)
        assert not result.is_error
        assert (await client.call_tool("experiments_get", {"experiment_id": "x"})).is_error


@pytest.mark.parametrize("text", ["😀" * 5000, '"' * 5000, "\n" * 5000, "é" * 5000])
def test_a_cut_is_at_a_character_and_as_late_as_can_be(text: str):
    result = shorten({"a": text}, 1_000).content
    assert len(dumps(result)) <= 1_000
    assert text.startswith(result["a"][:-1])
    assert len(dumps({**result, "a": text[: len(result["a"])] + "…"})) > 998
