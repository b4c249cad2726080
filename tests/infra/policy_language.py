"""The part of Azure Policy's language that the backstop is written in: its grammar, and what a rule says of a resource.

From "Azure Policy definition structure", "Policy rule", "Effect basics" and the pages of each effect.
"""

import re
from collections.abc import Callable, Iterator, Mapping

from tests.infra.reader.evaluate import Value

type Json = Mapping[str, Value]

_CONDITION: dict[str, object] = {
    "type": "object",
    "oneOf": [
        {"required": ["allOf"]},
        {"required": ["anyOf"]},
        {"required": ["not"]},
        {"required": ["field"]},
        {"required": ["value"]},
        {"required": ["count"]},
    ],
    "properties": {
        "allOf": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/condition"}},
        "anyOf": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/condition"}},
        "not": {"$ref": "#/$defs/condition"},
        "field": {"type": "string"},
        "value": {},
        "count": {
            "type": "object",
            "required": ["field"],
            "properties": {"field": {"type": "string"}, "where": {"$ref": "#/$defs/condition"}},
            "additionalProperties": False,
        },
        "equals": {},
        "notEquals": {},
        "in": {"type": ["array", "string"]},
        "exists": {"enum": ["true", "false", True, False]},
        "greaterOrEquals": {},
    },
    "additionalProperties": False,
}
_PARAMETER: dict[str, object] = {
    "type": "object",
    "required": ["type", "metadata"],
    "properties": {
        "type": {"enum": ["String", "Array", "Object", "Boolean", "Integer", "Float", "DateTime"]},
        "metadata": {"type": "object", "required": ["displayName", "description"]},
        "allowedValues": {"type": "array", "minItems": 1},
        "defaultValue": {},
    },
    "additionalProperties": False,
}
_DEPLOYMENT: dict[str, object] = {
    "type": "object",
    "required": ["properties"],
    "properties": {
        "properties": {
            "type": "object",
            "required": ["mode", "template", "parameters"],
            "properties": {
                "mode": {"const": "incremental"},
                "template": {"type": "object"},
                "parameters": {},
            },
            "additionalProperties": False,
        }
    },
    "additionalProperties": False,
}
_DETAILS: dict[str, object] = {
    "type": "object",
    "oneOf": [{"required": ["actionNames"]}, {"required": ["type", "roleDefinitionIds", "deployment"]}],
    "properties": {
        "actionNames": {"const": ["delete"]},
        "type": {"type": "string"},
        "evaluationDelay": {
            "type": "string",
            "pattern": r"^(AfterProvisioning(Success|Failure)?|PT([0-9]|[1-9][0-9]|[12][0-9]{2}|3[0-5][0-9]|360)M)$",
        },
        "existenceCondition": {"$ref": "#/$defs/condition"},
        "roleDefinitionIds": {
            "type": "array",
            "minItems": 1,
            "items": {"pattern": "^/providers/Microsoft.Authorization/roleDefinitions/[0-9a-f-]{36}$"},
        },
        "deployment": _DEPLOYMENT,
    },
    "additionalProperties": False,
}
_NAMED: dict[str, object] = {
    "displayName": {"type": "string", "maxLength": 128},
    "description": {"type": "string", "maxLength": 512},
    "policyType": {"const": "Custom"},
    "metadata": {"type": "object", "required": ["category", "version"]},
    "parameters": {
        "type": "object",
        "maxProperties": 20,
        "additionalProperties": {"$ref": "#/$defs/parameter"},
    },
}
_DEFS = {"condition": _CONDITION, "parameter": _PARAMETER}

DEFINITION: dict[str, object] = {
    "$defs": _DEFS,
    "type": "object",
    "required": [*_NAMED, "mode", "policyRule"],
    "properties": {
        **_NAMED,
        "mode": {"enum": ["All", "Indexed"]},
        "policyRule": {
            "type": "object",
            "required": ["if", "then"],
            "properties": {
                "if": {"$ref": "#/$defs/condition"},
                "then": {
                    "type": "object",
                    "required": ["effect"],
                    "properties": {"effect": {"const": "[parameters('effect')]"}, "details": _DETAILS},
                    "additionalProperties": False,
                },
            },
            "additionalProperties": False,
        },
    },
    "additionalProperties": False,
}
INITIATIVE: dict[str, object] = {
    "$defs": _DEFS,
    "type": "object",
    "required": [*_NAMED, "policyDefinitions"],
    "properties": {
        **_NAMED,
        "policyDefinitions": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["policyDefinitionReferenceId", "policyDefinitionId", "parameters"],
                "properties": {
                    "policyDefinitionReferenceId": {"type": "string"},
                    "policyDefinitionId": {"type": "string"},
                    "parameters": {"additionalProperties": {"type": "object", "required": ["value"]}},
                },
                "additionalProperties": False,
            },
        },
    },
    "additionalProperties": False,
}
_PARAMETERS = re.compile(r"parameters\('(\w+)'\)")


def parameters_of(value: Value) -> set[str]:
    """The parameters that expressions in a document name."""
    return {name for text in texts(value) if text.startswith("[") for name in _PARAMETERS.findall(text)}


def texts(value: Value) -> Iterator[str]:
    """Every string in a document."""
    match value:
        case str():
            yield value
        case list():
            for item in value:
                yield from texts(item)
        case dict():
            for item in value.values():
                yield from texts(item)


def fields_of(condition: Value) -> Iterator[str]:
    """Every field that a condition asks about."""
    if isinstance(condition, dict):
        if isinstance(condition.get("field"), str):
            yield str(condition["field"])
        for item in condition.values():
            yield from fields_of(item)
    elif isinstance(condition, list):
        for item in condition:
            yield from fields_of(item)


def holds(condition: Json, resource: Json, parameters: Json, group_tags: Json) -> bool:
    """Whether a condition holds for a resource: `type`, `name`, and its properties under their aliases.

    Texts are compared without regard to case, as Azure Policy does.
    """

    def inner(value: Value) -> bool:
        return isinstance(value, dict) and holds(value, resource, parameters, group_tags)

    match condition:
        case {"allOf": list(all_of)}:
            return all(inner(c) for c in all_of)
        case {"field": str(field)}:
            return _compared(resource.get(field), condition, parameters)
        case {"value": str(text)}:
            return _compared(_worked_out(text, parameters, group_tags), condition, parameters)
        case {"count": {"field": str(field), "where": dict(each)}}:
            found = resource.get(field)
            part = str(each["field"]).removeprefix(f"{field}.")
            items = [i for i in (found if isinstance(found, list) else []) if isinstance(i, dict)]
            return _compared(
                sum(_compared(i.get(part), each, parameters) for i in items), condition, parameters
            )
    raise ValueError(f"a condition that this does not know: {condition}")


def _worked_out(text: str, parameters: Json, group_tags: Json) -> Value:
    if text == "[resourceGroup().tags[parameters('tagName')]]":
        return group_tags.get(str(parameters["tagName"]), "")
    if found := re.fullmatch(r"\[parameters\('(\w+)'\)\]", text):
        return parameters[found[1]]
    return text


def _compared(found: Value, condition: Json, parameters: Json) -> bool:
    for operator in ("equals", "notEquals", "in", "exists", "greaterOrEquals"):
        if operator in condition:
            wanted = condition[operator]
            wanted = _worked_out(wanted, parameters, {}) if isinstance(wanted, str) else wanted
            return _OPERATORS[operator](found, wanted)
    raise ValueError(f"no operator in {condition}")


def _folded(value: Value) -> str:
    return str(value).lower()


_OPERATORS: dict[str, Callable[[Value, Value], bool]] = {
    "equals": lambda found, wanted: _folded(found) == _folded(wanted),
    "notEquals": lambda found, wanted: _folded(found) != _folded(wanted),
    "in": lambda found, wanted: isinstance(wanted, list) and _folded(found) in [_folded(w) for w in wanted],
    "exists": lambda found, wanted: (found is not None) == (_folded(wanted) == "true"),
    "greaterOrEquals": lambda found, wanted: int(str(found)) >= int(str(wanted)),
}
