"""A light check of JSON against the schemas of Azure's OpenAPI documents (Swagger 2.0).

Checks types, and that every property is declared; follows references over files and `allOf`. Formats, patterns and
required properties are left alone: documents describe requests and answers with one schema.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import cast

from local.arm.documents import Json, JsonObject, object_in, objects_in, text_in
from tests.local.arm.conformance.recordings import RECORDINGS

OPENAPI = RECORDINGS.parent / "A-openapi"
SPECIFICATION = OPENAPI / "azure-rest-api-specs-2024-07-08" / "specification"
_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
}


@dataclass(frozen=True, slots=True)
class Schema:
    """One schema, and the file that its references start from."""

    file: Path
    node: JsonObject

    def resolved(self) -> "Schema":
        reference = text_in(self.node, "$ref")
        if reference is None:
            return self
        file, _, pointer = reference.partition("#")
        target = (self.file.parent / file).resolve() if file else self.file
        return Schema(target, object_in(_document(target), *pointer.strip("/").split("/"))).resolved()

    def properties(self) -> dict[str, "Schema"]:
        """Declared here or in what this schema is made of."""
        found: dict[str, Schema] = {}
        for part in objects_in(self.node, "allOf"):
            found |= Schema(self.file, part).resolved().properties()
        declared = object_in(self.node, "properties")
        return found | {name: Schema(self.file, object_in(declared, name)) for name in declared}


def answer_schema(file: Path, method: str, path: str, status: int) -> Schema:
    """What an operation answers; `path` as the document spells it."""
    responses = object_in(_document(file), "paths", path, method.lower(), "responses")
    return Schema(file, object_in(responses, str(status), "schema")).resolved()


def violations(value: Json, schema: Schema, where: str = "body") -> Iterator[str]:
    schema = schema.resolved()
    expected = text_in(schema.node, "type") or ("object" if schema.properties() else "")
    if value is None or not expected:
        return
    if not isinstance(value, _TYPES[expected]) or (expected != "boolean" and isinstance(value, bool)):
        yield f"{where} is {type(value).__name__} instead of {expected}"
    elif isinstance(value, list):
        for item in value:
            yield from violations(item, Schema(schema.file, object_in(schema.node, "items")), f"{where}[]")
    elif isinstance(value, dict):
        yield from _undeclared(value, schema, where)


def _undeclared(value: JsonObject, schema: Schema, where: str) -> Iterator[str]:
    declared = schema.properties()
    further = schema.node.get("additionalProperties")
    for name, item in value.items():
        if name in declared:
            yield from violations(item, declared[name], f"{where}.{name}")
        elif isinstance(further, dict):
            yield from violations(item, Schema(schema.file, further), f"{where}.{name}")
        elif declared:
            yield f"{where}.{name} is not declared"


@cache
def _document(file: Path) -> JsonObject:
    return cast(JsonObject, json.loads(file.read_text(encoding="utf-8-sig")))
