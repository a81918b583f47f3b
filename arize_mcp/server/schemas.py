"""JSON schemas that every client takes, generated from pydantic models."""

from __future__ import annotations

from functools import cache
from typing import Any, cast

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema


class _Portable(GenerateJsonSchema):
    """Leaves out what some client stumbles over: unions with null, defaults, titles."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        generated = super().model_schema(schema)
        # A model's name and docstring are for the reader of the code.
        for noise in ("title", "description"):
            generated.pop(noise, None)
        return generated


def output_schema(*models: type[BaseModel]) -> dict[str, Any]:
    """The schema of a tool's structured content: the fields of all the models.

    Nothing is required at the root, because a problem is structured content too, and clients check it all the same.
    """
    parts = [input_schema(model) for model in models]
    properties = {name: field for part in parts for name, field in part["properties"].items()}
    return {name: value for name, value in parts[0].items() if name != "required"} | {"properties": properties}


# Generating one takes half a millisecond, which every call would pay; a model's is always the same.
@cache
def input_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The schema of a tool's arguments: the request model, flat, without ``$ref``. The caller must not change it."""
    schema = model.model_json_schema(schema_generator=_Portable)
    definitions = schema.pop("$defs", {})

    def inline(node: Any) -> Any:
        if isinstance(node, dict):
            fields = cast("dict[str, Any]", node)
            if "$ref" in fields:
                target = definitions[fields["$ref"].removeprefix("#/$defs/")]
                fields = {**target, **{key: value for key, value in fields.items() if key != "$ref"}}
            return {key: inline(value) for key, value in fields.items()}
        if isinstance(node, list):
            return [inline(item) for item in cast("list[Any]", node)]
        return node

    return inline(schema)
