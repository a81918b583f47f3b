"""The tools' definitions: committed snapshots, and the rules that every client's taste comes down to."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from pydantic import BaseModel

from arize_mcp.api.client import ExperimentsAPI
from arize_mcp.server.app import INSTRUCTIONS, create_server
from arize_mcp.server.schemas import input_schema
from arize_mcp.server.tools.tool import Tool
from arize_mcp.server.tools.toolsets import offered
from arize_mcp.settings.settings import TOOLSETS, Settings

TOOLS = offered(())
SNAPSHOTS = Path(__file__).parent.parent / "snapshots"
HINT_NAMES = ("readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint")
READS, WRITES, OVERWRITES = (True, False, True, True), (False, False, False, True), (False, True, True, True)
HINTS = {
    "": {
        "experiments_create": WRITES,
        "experiments_delete": OVERWRITES,
        "experiments_get": READS,
        "experiments_list": READS,
        "experiments_runs_list": READS,
    },
    "analysis": {
        "experiments_summarize": READS,
        "experiments_compare": READS,
        "experiments_runs_query": READS,
    },
    "datasets": {
        "datasets_list": READS,
        "datasets_examples_list": READS,
    },
    "files": {
        "experiments_create_from_file": WRITES,
        "experiments_export": OVERWRITES,
    },
}
"""The tools of each toolset in their order, with what each says that it does."""

EVERY = [(toolset, name) for toolset, hints in HINTS.items() for name in hints]


async def listed(toolset: str = "") -> list[dict[str, Any]]:
    """The tools as a client gets them, with those of a toolset behind the five."""
    settings = Settings(toolsets=(toolset,) if toolset else (), files_dir="/")
    async with Client(create_server(ExperimentsAPI(settings), settings), mode="legacy") as client:
        return [
            tool.model_dump(by_alias=True, exclude_none=True, mode="json") for tool in (await client.list_tools()).tools
        ]


async def definition(toolset: str, name: str) -> dict[str, Any]:
    (tool,) = [tool for tool in await listed(toolset) if tool["name"] == name]
    return tool


async def test_there_are_exactly_these_five_tools():
    assert [tool["name"] for tool in await listed()] == list(HINTS[""])


@pytest.mark.parametrize("toolset", TOOLSETS)
async def test_a_toolset_stands_behind_the_five_which_stay_as_they_are(toolset: str):
    tools = await listed(toolset)
    assert tools[:5] == await listed()
    assert [tool["name"] for tool in tools[5:]] == list(HINTS[toolset])


def test_these_are_all_toolsets_and_all_tools():
    assert ["", *TOOLSETS] == list(HINTS)
    assert list(offered(TOOLSETS)) == [name for _, name in EVERY]


@pytest.mark.parametrize("toolset", HINTS)
async def test_every_tool_is_as_its_snapshot_says(toolset: str):
    wire = {tool["name"]: tool for tool in await listed(toolset) if tool["name"] in HINTS[toolset]}
    folder = SNAPSHOTS / toolset
    if "UPDATE_SNAPSHOTS" in os.environ:
        for name, tool in wire.items():
            text = json.dumps(tool, indent=2, ensure_ascii=False, sort_keys=True)
            (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    committed = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*.json")}
    assert wire == committed, "A tool is a public contract: UPDATE_SNAPSHOTS=1 rewrites it, CHANGELOG.md tells it."


@pytest.mark.parametrize(("toolset", "name"), EVERY)
async def test_every_tool_has_a_title_a_description_and_all_four_hints(toolset: str, name: str):
    tool = await definition(toolset, name)
    assert tool["title"]
    assert tool["description"]
    assert tuple(tool["annotations"][hint] for hint in HINT_NAMES) == HINTS[toolset][name]


async def test_what_a_model_reads_stays_short():
    tools = json.dumps(await listed(), ensure_ascii=False, separators=(",", ":"))
    assert len(tools) < 10_000
    assert len(INSTRUCTIONS) < 1_200


@pytest.mark.parametrize(("toolset", "name"), [row for row in EVERY if row[0]])
async def test_a_definition_of_a_toolset_is_short(toolset: str, name: str):
    tool = await definition(toolset, name)
    assert len(json.dumps(tool, ensure_ascii=False, separators=(",", ":"))) <= 2_200


@pytest.mark.parametrize(("toolset", "name"), EVERY)
async def test_every_result_may_say_what_of_it_was_shortened(toolset: str, name: str):
    tool = await definition(toolset, name)
    assert tool["outputSchema"]["properties"]["shortened"]["type"] == "array"


@pytest.mark.parametrize(("toolset", "name"), EVERY)
async def test_every_schema_is_one_that_every_client_takes(toolset: str, name: str):
    tool = await definition(toolset, name)
    assert list(input_faults(tool["inputSchema"])) == []
    assert list(output_faults(tool["outputSchema"])) == []
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name)
    assert len("arize" + name) < 60


KEYWORDS = {
    "type", "properties", "required", "additionalProperties", "items", "description",
    "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "pattern", "enum",
}  # fmt: skip
TYPES = ("object", "array", "string", "integer", "number", "boolean")


def nodes(schema: dict[str, Any], path: str = "#") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every subschema with its path."""
    yield path, schema
    for name, child in schema.get("properties", {}).items():
        yield from nodes(child, f"{path}/{name}")
    if "items" in schema:
        yield from nodes(schema["items"], f"{path}/items")


def common_faults(schema: dict[str, Any]) -> Iterator[str]:
    if schema.get("type") != "object" or "properties" not in schema:
        yield "#: the root is no object with properties"
    for path, node in nodes(schema):
        for keyword in sorted(set(node) - KEYWORDS):
            yield f"{path}: {keyword}"
        if "type" in node and node["type"] not in TYPES:
            yield f"{path}: type {node['type']}"
        if node.get("type") == "array" and "type" not in node.get("items", {}):
            yield f"{path}: an array without typed items"
        if not isinstance(node.get("additionalProperties", False), bool):
            yield f"{path}: additionalProperties is no boolean"
        if any(not isinstance(value, str) for value in node.get("enum", [])):
            yield f"{path}: an enum of other than strings"


def input_faults(schema: dict[str, Any]) -> Iterator[str]:
    yield from common_faults(schema)
    if schema.get("additionalProperties") is not False:
        yield "#: open"
    for path, node in nodes(schema):
        if "type" not in node:
            yield f"{path}: no type"
        if path != "#" and "description" not in node and not path.endswith("items"):
            yield f"{path}: no description"


def output_faults(schema: dict[str, Any]) -> Iterator[str]:
    yield from common_faults(schema)
    if schema.get("required"):
        yield "#: a problem would not conform"
    for path, node in nodes(schema):
        if node.get("type") == "object" and node.get("additionalProperties") is not True:
            yield f"{path}: closed"
        if "type" not in node and "description" not in node:
            yield f"{path}: neither type nor description"


OBJECT: dict[str, Any] = {"type": "object", "properties": {}, "additionalProperties": False}


def of(**node: Any) -> dict[str, Any]:
    return {**OBJECT, "properties": {"p": {"description": "d", **node}}}


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string"},
        {"type": "object", "additionalProperties": False},
        {**OBJECT, "additionalProperties": True},
        {**OBJECT, "anyOf": []},
        {**OBJECT, "oneOf": []},
        {**OBJECT, "allOf": []},
        {**OBJECT, "$defs": {}},
        {**OBJECT, "$schema": "x"},
        {**OBJECT, "title": "x"},
        of(),
        of(**{"$ref": "#/$defs/x"}),
        of(anyOf=[{"type": "string"}, {"type": "null"}]),
        of(type=["string", "null"]),
        of(type="null"),
        of(type="string", default=None),
        of(type="string", format="uri"),
        of(type="string", const="x"),
        of(type="integer", exclusiveMinimum=0),
        of(type="integer", multipleOf=2),
        of(type="integer", enum=[1]),
        of(type="array"),
        of(type="array", items={}),
        of(type="array", items={"type": "string"}, uniqueItems=True),
        of(type="object", additionalProperties={"type": "string"}),
        of(type="object", patternProperties={}),
        of(type="object", propertyNames={}),
        {**OBJECT, "properties": {"p": {"type": "string"}}},
    ],
)
def test_the_rules_find_an_input_schema_that_breaks_them(schema: dict[str, Any]):
    assert list(input_faults(schema))


OPEN: dict[str, Any] = {"type": "object", "properties": {}, "additionalProperties": True}


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array"},
        {**OPEN, "required": ["x"]},
        {**OPEN, "additionalProperties": False},
        {**OPEN, "anyOf": []},
        {**OPEN, "properties": {"p": {"$ref": "#"}}},
        {**OPEN, "properties": {"p": {"type": ["string", "null"]}}},
        {**OPEN, "properties": {"p": {}}},
    ],
)
def test_the_rules_find_an_output_schema_that_breaks_them(schema: dict[str, Any]):
    assert list(output_faults(schema))


async def test_input_schemas_hold_the_documented_bounds():
    wire = {tool["name"]: tool["inputSchema"] for tool in await listed()}
    create = wire["experiments_create"]
    assert create["required"] == ["name", "dataset_id", "experiment_runs"]
    name, runs = create["properties"]["name"], create["properties"]["experiment_runs"]
    assert (name["minLength"], name["maxLength"], name["pattern"]) == (1, 255, r'^[^"\\]*$')
    assert (runs["minItems"], runs["maxItems"]) == (1, 1000)
    assert runs["items"]["required"] == ["example_id", "output"]
    assert runs["items"]["additionalProperties"] is True
    assert runs["items"]["properties"]["output"]["type"] == "string"
    limits = {tool: schema["properties"].get("limit") for tool, schema in wire.items()}
    assert [(limits[n]["minimum"], limits[n]["maximum"]) for n in ("experiments_list", "experiments_runs_list")] == [
        (1, 100),
        (1, 500),
    ]
    assert list(wire["experiments_list"]["properties"]) == ["dataset_id", "space_id", "name", "limit", "cursor"]
    assert list(wire["experiments_runs_list"]["properties"]) == ["experiment_id", "limit", "cursor"]
    assert wire["experiments_runs_list"]["required"] == ["experiment_id"]
    assert "required" not in wire["experiments_list"]


@pytest.mark.parametrize("tool", TOOLS.values(), ids=TOOLS)
def test_the_input_schema_is_the_request_models(tool: Tool[BaseModel]):
    assert tool.definition().input_schema == input_schema(tool.request)
