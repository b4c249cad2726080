"""The description of the HTTP API: it says what is served, and is what it claims to be."""

import json
import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from functions.answers import Problem
from functions.examples import EXAMPLES
from functions.parameters import Parameter
from functions.routes import Route
from tests.unit.functions.api import OPENAPI, ROUTES, api

ROOT = Path(__file__).resolve().parents[3]
OPERATIONS = {
    (method.upper(), path): operation
    for path, item in OPENAPI["paths"].items()
    for method, operation in item.items()
}

INDEX = """
import json, sys
import function_app
http = [f for f in function_app.app.get_functions() if f.is_http_function()]
triggers = [(f.get_function_name(), f.get_trigger().get_dict_repr()) for f in http]
routes = [(name, [m.value for m in t["methods"]], t["route"], t["authLevel"].value) for name, t in triggers]
late = ("functions.openapi", "functions.examples", "functions.bodies", "functions.views", "shared.reconcile")
print(json.dumps([routes, [m for m in sys.modules if m.startswith(late)]]))
"""


@pytest.fixture(scope="module")
def indexed() -> tuple[list[tuple[str, list[str], str, str]], list[str]]:
    """What the platform finds in the app, in a process that has done nothing else; and what that imported early."""
    settings = json.loads((ROOT / "local.settings.sample.json").read_text())["Values"]
    ended = subprocess.run(
        [sys.executable, "-c", INDEX], cwd=ROOT, env=settings, capture_output=True, text=True, check=True
    )
    routes, early = json.loads(ended.stdout)
    return routes, early


def test_it_is_an_openapi_3_1_document() -> None:
    """Held against the specification's own schema, and each schema in it against JSON Schema 2020-12."""
    assert OPENAPI["openapi"].startswith("3.1.")
    assert list(OpenAPIV31SpecValidator(OPENAPI).iter_errors()) == []


def test_every_http_function_is_in_it_and_nothing_else(
    indexed: tuple[list[tuple[str, list[str], str, str]], list[str]],
) -> None:
    """By name, method and path; and each needs the function key."""
    served = {(methods[0], f"/api/{route}"): name for name, methods, route, _ in indexed[0]}
    assert all(len(methods) == 1 and level == "function" for _, methods, _, level in indexed[0])
    assert served == {place: operation["operationId"] for place, operation in OPERATIONS.items()}


def test_indexing_the_app_imports_neither_the_description_nor_views(
    indexed: tuple[list[tuple[str, list[str], str, str]], list[str]],
) -> None:
    """A cold start indexes every route and answers one."""
    assert indexed[1] == []


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_a_route_is_described_by_what_it_is_declared_with(route: Route) -> None:
    """Its summary, its role, the parameters of its path, and a way to refuse those that do not fit."""
    operation = OPERATIONS[route.method, f"/api/{route.path}"]
    assert operation["summary"].endswith((".", ")"))
    assert route.role.value in operation["description"]
    in_path = {p["name"] for p in operation["parameters"] if p["in"] == "path"}
    assert in_path == set(re.findall(r"{([^}]+)}", route.path))
    assert {"401", "403", "500", "503"} <= operation["responses"].keys()
    assert ("requestBody" in operation) == bool(route.body)
    assert ("400" in operation["responses"]) == bool(route.parameters or route.body)
    assert all(p["description"] and "schema" in p for p in operation["parameters"])


@pytest.mark.parametrize("kind", EXAMPLES, ids=lambda kind: kind.__name__)
def test_an_example_is_what_its_type_takes(kind: type[msgspec.Struct]) -> None:
    """Decoded as strictly as a request would be."""
    example = EXAMPLES[kind]
    assert msgspec.json.decode(msgspec.json.encode(example), type=kind) == example


def test_every_body_has_an_example() -> None:
    bodies = {op["requestBody"]["content"]["application/json"]["schema"]["$ref"] for op in _with_body()}
    assert bodies == {f"#/components/schemas/{kind.__name__}" for kind in EXAMPLES if _is_used(kind)}
    assert all("example" in op["requestBody"]["content"]["application/json"] for op in _with_body())


@pytest.mark.parametrize(
    "parameter",
    {p.name: p for route in ROUTES for p in route.parameters if p.example}.values(),
    ids=lambda p: p.name,
)
def test_a_parameters_example_is_one_that_it_takes(parameter: Parameter) -> None:
    import azure.functions as func

    given = {parameter.name: parameter.example}
    request = func.HttpRequest("GET", "/", headers=given, params=given, route_params=given, body=b"")
    assert parameter.read(request) == parameter.example


def test_problems_are_described_as_rfc_9457_says() -> None:
    schema = OPENAPI["components"]["schemas"][Problem.__name__]
    assert {"status", "title", "detail", "type", "code", "allowed"} == set(schema["properties"])


async def test_it_is_served() -> None:
    """The answer of the route is the document."""
    assert (await api().ask("openapi")).body == OPENAPI


def _with_body() -> list[dict[str, dict[str, dict[str, dict[str, dict[str, str]]]]]]:
    return [operation for operation in OPERATIONS.values() if "requestBody" in operation]


def _is_used(kind: object) -> bool:
    return getattr(kind, "__name__", "") in OPENAPI["components"]["schemas"]
