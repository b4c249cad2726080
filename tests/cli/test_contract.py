"""The client and the API's description: every request of every command is in it, and every operation has a command."""

import json
import re
from collections.abc import Iterator
from typing import Any, get_args

import pytest
import typer
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from meshplane_cli.app import app
from meshplane_cli.client import Json
from meshplane_cli.version import VERSION
from shared.version import VERSION as OF_THE_APP
from tests.cli.running import run
from tests.cli.servers import Asked, Says, Server, serving
from tests.unit.functions.api import CONSUMER, OPENAPI, POOL, PROVIDER, TARGET

EDGE, ALERT = "e" * 32, "a" * 32
WAY = (CONSUMER, PROVIDER, "-i", "sql", "-t", TARGET, "--part", "x", "-p", "report", "--exposure", "hub")
REASON = ("-r", "because")
ASKED: tuple[tuple[str, ...], ...] = (
    ("nodes", "list", "--state", "Ready"),
    ("nodes", "show", PROVIDER),
    ("nodes", "watch", PROVIDER),
    ("nodes", "reconcile", PROVIDER),
    ("nodes", "move", PROVIDER, "hub"),
    ("plan", "node", PROVIDER),
    ("plan", "edge", *WAY),
    ("edges", "list", "--consumer", CONSUMER, "--provider", PROVIDER, "--state", "Active"),
    ("edges", "show", EDGE, "--history"),
    ("edges", "request", *WAY, "--gigabytes", "3", "--lease-days", "1.5"),
    ("edges", "approve", EDGE, *REASON),
    ("edges", "reject", EDGE, *REASON),
    ("edges", "extend", EDGE, *REASON, "--lease-days", "30"),
    ("edges", "revoke", EDGE, *REASON),
    ("edges", "reconcile", EDGE),
    ("edges", "watch", EDGE),
    ("hubs", "list"),
    ("hubs", "show", "hub", "--history"),
    ("hubs", "reconcile", "hub"),
    ("addresses", "pools"),
    ("addresses", "allocations", POOL),
    ("coverage", "mesh"),
    ("coverage", "nodes"),
    ("coverage", "node", PROVIDER),
    ("alerts", "list", "--node", PROVIDER, "--state", "Firing", "--rule", "r", "--severity", "error"),
    ("alerts", "show", ALERT, "--history"),
    ("alerts", "acknowledge", ALERT, *REASON),
    ("alerts", "resolve", ALERT, *REASON),
    ("silences", "list"),
    ("silences", "create", *REASON, "-u", "8h", "--node", PROVIDER, "--rule", "r"),
    ("silences", "delete", ALERT),
    ("telemetry", "list"),
    ("telemetry", "run", "errors", "-p", "hours=3"),
    (
        "deadletters",
        "list",
        "--kind",
        "key",
        "--node",
        PROVIDER,
        "--from",
        "2026-01-05",
        "--to",
        "2026-01-06",
    ),
    ("deadletters", "replay", "letter/1"),
    ("deadletters", "replay", "--all", "--kind", "key", "--node", PROVIDER),
    ("governance", "report", "--domain", "retail", "--policy", "telemetry-covered", "--days", "7"),
    ("governance", "policies"),
    ("governance", "findings", "--domain", "d", "--policy", "p", "--node", PROVIDER, "--verdict", "exempt"),
    ("health",),
    ("doctor",),
    ("teardown",),
    ("version",),
)
_REGISTRY: Registry[Any] = Registry().with_resource("urn:openapi", DRAFT202012.create_resource(OPENAPI))


def commands(of: typer.Typer, *before: str) -> Iterator[tuple[str, ...]]:
    """The words of every command."""
    for single in of.registered_commands:
        yield (*before, str(single.name))
    for group in of.registered_groups:
        assert group.typer_instance is not None
        yield from commands(group.typer_instance, *before, str(group.typer_instance.info.name))


def answer(asked: Asked) -> Says:
    """Enough of everything for any command to come to its end."""
    history: Json = {"history": [], "more_history": "" if asked.query.get("history") else "more"}
    state = "Active" if "/edges/" in asked.path else "Ready"
    body = {
        "items": [],
        "continuation": "",
        "dependencies": [],
        "healthy": True,
        "version": VERSION,
        "findings": [{"code": "Leaving", "severity": "warning"}],
    }
    return Says(body=json.dumps({**body, **history, "state": state}).encode(), headers={"ETag": "1"})


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """What all commands of the list asked for."""
    with serving(answer) as running:
        for args in ASKED:
            ran = run(*args, "-o", "json", url=running.url)
            assert ran.code == 0, (args, ran)
        yield running


def operation_of(asked: Asked) -> tuple[str, dict[str, Any]]:
    """The path and the operation of the description that a request is."""
    literal_first = sorted(OPENAPI["paths"], key=lambda path: path.count("{"))
    for path in literal_first:
        shape = re.sub(r"{\w+}", "[^/]+", path)
        if re.fullmatch(shape, asked.path) and asked.method.lower() in OPENAPI["paths"][path]:
            return path, OPENAPI["paths"][path][asked.method.lower()]
    raise AssertionError(f"the API has no {asked.method} {asked.path}")


def test_every_command_is_in_the_list() -> None:
    told = {args[: len(words)] for words in commands(app) for args in ASKED if args[: len(words)] == words}
    assert set(commands(app)) == told


def test_every_request_is_described_with_its_parameters(server: Server) -> None:
    for asked in server.asked:
        path, operation = operation_of(asked)
        described = {each["name"] for each in operation["parameters"]}
        assert "others" in described or set(asked.query) <= described, (path, asked.query)
        for name in ("if-match", "idempotency-key"):
            assert name not in asked.headers or name in {each.lower() for each in described}, path
        for each in operation["parameters"]:
            value = asked.query.get(each["name"])
            if value is not None and each["schema"].get("enum"):
                assert value in each["schema"]["enum"]
            if value is not None and each["schema"].get("type") == "integer":
                assert each["schema"]["minimum"] <= int(value) <= each["schema"]["maximum"]


def test_every_body_is_as_described_and_goes_where_one_is_taken(server: Server) -> None:
    for asked in server.asked:
        path, operation = operation_of(asked)
        taken = operation.get("requestBody")
        assert bool(taken) == bool(asked.body), path
        if taken:
            assert asked.headers["content-type"] == "application/json"
            schema = json.dumps(taken["content"]["application/json"]["schema"]).replace(
                '"#/', '"urn:openapi#/'
            )
            Draft202012Validator(json.loads(schema), registry=_REGISTRY).validate(json.loads(asked.body))


def test_every_operation_but_the_description_itself_has_a_command(server: Server) -> None:
    reached = {(asked.method.lower(), operation_of(asked)[0]) for asked in server.asked}
    offered = {(method, path) for path, methods in OPENAPI["paths"].items() for method in methods}
    assert offered - reached == {("get", "/api/openapi.json")}


def test_the_choices_of_the_client_are_those_of_the_api() -> None:
    """Enumerations are written down on both sides, as the client imports nothing of the app."""
    from meshplane_cli import alerts, edges, governance, nodes

    def choices(path: str, name: str) -> set[str]:
        found = next(p for p in OPENAPI["paths"][path]["get"]["parameters"] if p["name"] == name)
        return set(found["schema"]["enum"])

    asked = OPENAPI["components"]["schemas"]["EdgeAsk"]["properties"]
    assert set(get_args(edges.State)) == choices("/api/edges", "state")
    assert set(get_args(nodes.State)) == choices("/api/nodes", "state")
    assert set(get_args(alerts.State)) == choices("/api/alerts", "state")
    assert set(get_args(alerts.Severity)) == choices("/api/alerts", "severity")
    assert set(get_args(edges.Interface)) == set(asked["interface"]["enum"])
    assert set(get_args(edges.Exposure)) == set(asked["exposure"]["anyOf"][0]["enum"])
    assert set(get_args(governance.Verdicts)) == choices("/api/governance/findings", "verdict")


def test_client_and_app_are_of_one_version() -> None:
    assert VERSION == OF_THE_APP
