"""A light check of JSON against the schemas of Azure's OpenAPI documents (Swagger 2.0).

Checks types, and that every property is declared; follows references over files and `allOf`. Formats, patterns and
required properties are left alone: documents describe requests and answers with one schema.
"""

import json
import re
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


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path of a document."""

    file: Path
    pattern: re.Pattern[str]
    method: str
    node: JsonObject

    def request(self) -> Schema | None:
        """What its body is to look like."""
        for parameter in objects_in(self.node, "parameters"):
            found = Schema(self.file, parameter).resolved()
            if text_in(found.node, "in") == "body":
                return Schema(found.file, object_in(found.node, "schema")).resolved()
        return None

    def answer(self, status: int) -> Schema | None:
        """What it answers with a status; a status that is not declared has none."""
        response = object_in(self.node, "responses", str(status))
        return Schema(self.file, object_in(response, "schema")).resolved() if "schema" in response else None


def operation_of(method: str, path: str) -> Operation | None:
    """The most specific declared operation that a request is one of, whatever its api-version."""
    found = (item for item in _operations() if item.method == method.lower())
    return next((item for item in found if item.pattern.fullmatch(path.rstrip("/"))), None)


@cache
def _operations() -> list[Operation]:
    """Newest documents first, so that one of two versions wins; those for resources of any type are left out."""
    found: list[tuple[int, Operation]] = []
    files = sorted(SPECIFICATION.rglob("*.json"), key=lambda file: file.parent.name, reverse=True)
    for file in files:
        if "examples" in file.parts:
            continue
        paths = object_in(_document(file), "paths")
        for path in paths:
            if "{resourceProviderNamespace}" in path or path == "/{resourceId}":
                continue
            pattern = re.compile(_path_pattern(path), re.IGNORECASE)
            for method, node in object_in(paths, path).items():
                if isinstance(node, dict):
                    found.append((path.count("{"), Operation(file, pattern, method, node)))
    return [operation for _, operation in sorted(found, key=lambda item: item[0])]


def _path_pattern(path: str) -> str:
    scoped = path.removeprefix("/{resourceUri}") if path.startswith("/{resourceUri}") else path
    literal = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(scoped.rstrip("/")))
    return ".+" + literal if scoped != path else literal


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
