"""The description of the HTTP API, OpenAPI 3.1: made from the route table and the types that the code uses.

Imported by the first request that asks for it; nothing else needs it.
"""

from collections.abc import Iterable
from http import HTTPStatus
from inspect import getdoc
from typing import Any, get_args, get_type_hints

import msgspec

from functions import bodies
from functions.answers import Problem
from functions.call import Call
from functions.examples import EXAMPLES
from functions.parameters import Parameter
from functions.routes import Route
from functions.views import (
    addresses,
    alerts,
    coverage,
    doctor,
    edges,
    governance,
    hubs,
    nodes,
    operations,
    pages,
    plans,
    telemetry,
)
from shared import ports
from shared.version import VERSION

type Json = dict[str, Any]  # any JSON: the description of a type is as deep as the type


class Description(msgspec.Struct, frozen=True, kw_only=True):
    """An OpenAPI document; its members are the specification's."""

    openapi: str = "3.1.0"
    jsonSchemaDialect: str = "https://json-schema.org/draft/2020-12/schema"  # the dialect that msgspec writes
    info: Json
    tags: list[Json]
    security: list[Json]
    paths: dict[str, Json]
    components: Json


PREFIX = "/api/"
_REFERENCE = "#/components/schemas/{name}"
_NAMES: dict[str, type[msgspec.Struct]] = {
    name: value
    for module in (
        ports,
        bodies,
        pages,
        plans,
        nodes,
        edges,
        hubs,
        addresses,
        alerts,
        coverage,
        governance,
        operations,
        doctor,
        telemetry,
    )
    for name, value in vars(module).items()
    if isinstance(value, type) and issubclass(value, msgspec.Struct)
} | {"Call": Call, "Description": Description}
_EVERY_PROBLEM = (
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.INTERNAL_SERVER_ERROR,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
)
_ABOUT = """The control plane of a data mesh on Azure.

Every request needs the function key, in the header `x-functions-key` or the query parameter `code`. Where the app's
platform authentication is on, it needs a signed-in caller too, with the role that each operation names, or a higher
one: Mesh.Reader, Mesh.Requester, Mesh.Approver, Mesh.Operator. Errors are problems (RFC 9457): `code` is for
programs, `detail` for people."""


def document(routes: Iterable[Route]) -> Description:
    """The whole description."""
    table = sorted(routes, key=lambda route: (route.path, route.method))
    shown = {route.name: _types(route) for route in table}
    kinds = [Problem, *(kind for kinds in shown.values() for kind in kinds if kind is not None)]
    _, components = msgspec.json.schema_components(kinds, ref_template=_REFERENCE)
    paths: dict[str, Json] = {}
    for route in table:
        body, view = shown[route.name]
        paths.setdefault(PREFIX + route.path, {})[route.method.lower()] = _operation(route, body, view)
    return Description(
        info={"title": "Meshplane", "version": VERSION, "description": _ABOUT},
        tags=[{"name": tag} for tag in sorted({route.tag for route in table})],
        security=[{"key": []}, {"code": []}],
        paths=paths,
        components={
            "schemas": components,
            "securitySchemes": {
                "key": {"type": "apiKey", "in": "header", "name": "x-functions-key"},
                "code": {"type": "apiKey", "in": "query", "name": "code"},
            },
        },
    )


def _types(route: Route) -> tuple[object, object]:
    """The types of a route's body, None where it takes none, and of its view."""
    hints = get_type_hints(route.handler, localns=_NAMES)
    return hints.get("body"), get_args(hints["return"])[0]


def _operation(route: Route, body: object, view: object) -> Json:
    summary, _, rest = (getdoc(route.handler) or "").partition("\n\n")
    operation: Json = {
        "operationId": route.name,
        "summary": " ".join(summary.split()),
        "description": "\n\n".join(filter(None, [rest, f"Needs the role {route.role}."])),
        "tags": [route.tag],
        "x-role": route.role.value,
        "parameters": [*map(_parameter, route.parameters), *_others(route)],
        "responses": {**_answers(route, view), **_problems(route)},
    }
    if body is not None:
        operation["requestBody"] = {"required": True, "content": {"application/json": _media(body)}}
    return operation


def _parameter(parameter: Parameter) -> Json:
    schema: Json = {"type": "string", "maxLength": parameter.longest}
    if parameter.most:
        schema = {"type": "integer", "minimum": 1, "maximum": parameter.most}
    if parameter.allowed:
        schema["enum"] = parameter.allowed
    if parameter.pattern:
        schema["pattern"] = f"^({parameter.pattern})$"
    if parameter.default:
        schema["default"] = int(parameter.default) if parameter.most else parameter.default
    described: Json = {
        "name": parameter.name,
        "in": parameter.place,
        "required": parameter.required,
        "description": f"{parameter.about[0].upper()}{parameter.about[1:]}.",
        "schema": schema,
    }
    if parameter.example:
        described["example"] = int(parameter.example) if parameter.most else parameter.example
    return described


def _others(route: Route) -> list[Json]:
    """Query parameters that depend on what is asked for: OpenAPI's form for names that it cannot list."""
    schema = {"type": "object", "additionalProperties": {"type": "string"}}
    described = {
        "name": "others",
        "in": "query",
        "style": "form",
        "explode": True,
        "description": f"{route.others[:1].upper()}{route.others[1:]}.",
        "schema": schema,
    }
    return [described] if route.others else []


def _answers(route: Route, view: object) -> Json:
    return {
        str(status.value): {
            "description": status.phrase,
            "headers": {name: {"schema": {"type": "string"}} for name in route.headers},
            "content": {"application/json": _media(view)},
        }
        for status in (route.status, *route.also)
    }


def _problems(route: Route) -> Json:
    statuses = {*_EVERY_PROBLEM, *route.problems}
    if route.parameters or route.body:
        statuses.add(HTTPStatus.BAD_REQUEST)
    if route.body:
        statuses.add(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    return {str(s.value): _problem(s) for s in sorted(statuses - {route.status, *route.also})}


def _problem(status: HTTPStatus) -> Json:
    answer: Json = {
        "description": status.phrase,
        "content": {"application/problem+json": {"schema": _schema(Problem)}},
    }
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        answer["headers"] = {"Retry-After": {"description": "Seconds.", "schema": {"type": "string"}}}
    return answer


def _media(kind: object) -> Json:
    media: Json = {"schema": _schema(kind)}
    example = next((e for k, e in EXAMPLES.items() if k is kind), None)
    if example is not None:
        media["example"] = msgspec.to_builtins(example)
    return media


def _schema(kind: object) -> Json:
    (schema,), _ = msgspec.json.schema_components([kind], ref_template=_REFERENCE)
    return schema
