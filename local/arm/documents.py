"""JSON documents as Resource Manager sees them: values read with the shape they should have."""

import copy
from typing import cast

type Json = bool | int | float | str | list[Json] | dict[str, Json] | None
type JsonObject = dict[str, Json]


def object_in(document: JsonObject, *path: str) -> JsonObject:
    """The object at `path`, or an empty one where it is absent, null or something else."""
    for name in path:
        value = document.get(name)
        if not isinstance(value, dict):
            return {}
        document = value
    return document


def objects_in(document: JsonObject, name: str) -> list[JsonObject]:
    """The objects of the list `name`; whatever else the list holds is left out."""
    value = document.get(name)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def texts_in(document: JsonObject, name: str) -> list[str]:
    value = document.get(name)
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def text_in(document: JsonObject, name: str) -> str | None:
    value = document.get(name)
    return value if isinstance(value, str) else None


def flag_in(document: JsonObject, name: str, default: bool = False) -> bool:
    value = document.get(name)
    return value if isinstance(value, bool) else default


def tags_in(document: JsonObject) -> dict[str, str]:
    """The tags of a request body; null stands for an empty value, as Resource Manager treats it."""
    return {name: "" if value is None else str(value) for name, value in object_in(document, "tags").items()}


def as_json(values: list[str] | dict[str, str]) -> Json:
    """A typed collection of strings as plain JSON (list and dict are invariant in the type system)."""
    return cast(Json, values)


def copied[T: Json](document: T) -> T:
    return copy.deepcopy(document)


def merged(base: JsonObject, change: JsonObject) -> JsonObject:
    """JSON merge patch (RFC 7396): null removes, objects merge, everything else replaces."""
    result = dict(base)
    for name, value in change.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, dict):
            current = result.get(name)
            result[name] = merged(current if isinstance(current, dict) else {}, value)
        else:
            result[name] = value
    return result
