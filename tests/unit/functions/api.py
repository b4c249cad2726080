"""The HTTP API on ports in memory: requests go through the route table, and every answer is held to its description."""

import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import azure.functions as func
import msgspec
from jsonschema import Draft202012Validator
from msgspec.structs import replace
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from functions.api import TABLES
from functions.api_openapi import _description
from functions.identity import PRINCIPAL
from functions.routes import Route
from functions.serving import respond
from shared.adapters.instruments import Instruments
from shared.bootstrap import Application
from shared.domain.actor import Role
from shared.domain.approval import Rule
from shared.domain.cost import Rates
from shared.domain.edge_request import Terms
from shared.domain.examination import Setup
from shared.domain.ids import NodeKey
from shared.domain.mesh import Mesh
from shared.domain.node import NodeRecord
from shared.governance.policy_book import PolicyBook
from shared.governance.report import GovernanceReport
from shared.reconcile.doctor.examiner import Doctor
from shared.reconcile.edges.commands import EdgeDesk
from shared.reconcile.edges.engine import EdgeEngine
from shared.reconcile.edges.intake import EdgeIntake, EdgeLeases
from shared.reconcile.engine_parts import Running
from shared.reconcile.hubs.engine import HubEngine
from shared.reconcile.hubs.intake import HubIntake
from shared.reconcile.move import Moves
from shared.reconcile.replay import Replay
from shared.reconcile.sweep import Sweep
from shared.telemetry.absence import AbsenceWatch
from shared.telemetry.alert_desk import AlertDesk
from shared.telemetry.alerting import Alerting
from shared.telemetry.closing import Closing
from shared.telemetry.delivery import Delivery
from shared.telemetry.handlers import registry
from shared.telemetry.handlers.mesh_event import AlertEvents
from shared.telemetry.judge import Judge
from shared.telemetry.known_nodes import KnownNodes
from shared.telemetry.log_queries import LogQueries
from shared.telemetry.position import Position
from shared.telemetry.process import TelemetryProcessor
from shared.telemetry.replay import TelemetryReplay
from shared.telemetry.rulebook import Rulebook
from shared.telemetry.volumes import VolumeMeter
from tests.fakes.alerts import InMemoryAlertStore, InMemorySilences
from tests.fakes.edges import InMemoryEdgeStore
from tests.fakes.logs import InMemoryLogs
from tests.fakes.stream import InMemoryEventReader
from tests.fakes.trends import InMemoryTrends
from tests.fakes.windows import InMemoryVolumes, InMemoryWindows
from tests.support.mesh import SUBSCRIPTION, InMemoryMesh

ROOT = Path(__file__).resolve().parents[3]
CONSUMER = f"{SUBSCRIPTION}/marketing"
PROVIDER = f"{SUBSCRIPTION}/sales"
TARGET = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/sales/providers/Microsoft.Sql/servers/orders"
ASK: dict[str, object] = {
    "consumer": CONSUMER,
    "provider": PROVIDER,
    "interface": "sql",
    "target": TARGET,
    "purpose": "weekly report",
}
POOL = "10.64.0.0/16"
ROUTES = tuple(route for table in TABLES for route in table.table)
OPENAPI: dict[str, Any] = json.loads(msgspec.json.encode(_description()))
RATES = msgspec.toml.decode((ROOT / "shared/domain/rates.toml").read_bytes(), type=Rates)
_WHOLE = "urn:openapi"
_REGISTRY: Registry[Any] = Registry().with_resource(_WHOLE, DRAFT202012.create_resource(OPENAPI))


@dataclass(frozen=True)
class Said:
    """An answer, its JSON read."""

    status: int
    body: Any
    headers: Mapping[str, str]
    media: str


@dataclass
class Api:
    """Asks the app as the platform does, and holds what it answers against the description."""

    app: Application
    mesh: InMemoryMesh
    edges: InMemoryEdgeStore
    principal: str = ""
    base: Mapping[str, str] = field(default_factory=dict)

    async def ask(
        self,
        name: str,
        body: object = None,
        *,
        path: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        raw: bytes | None = None,
    ) -> Said:
        """The answer of a route by its name."""
        route = route_named(name)
        sent = {**({PRINCIPAL: self.principal} if self.principal else {}), **(headers or {})}
        content = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        if content:
            sent.setdefault("Content-Type", "application/json")
        request = func.HttpRequest(
            route.method, f"/api/{route.path}", headers=sent, params=query, route_params=path, body=content
        )
        return checked(route, await respond(route, request, self.app))


def route_named(name: str) -> Route:
    return next(route for route in ROUTES if route.name == name)


def checked(route: Route, answer: func.HttpResponse) -> Said:
    """The answer, after its status, media type, headers and body were found in the description."""
    operation = OPENAPI["paths"][f"/api/{route.path}"][route.method.lower()]
    described = operation["responses"].get(str(answer.status_code))
    assert described, f"{route.name} answers {answer.status_code}, which its description does not name"
    assert answer.mimetype in described["content"], (route.name, answer.status_code, answer.mimetype)
    body = json.loads(answer.get_body())
    _validator(json.dumps(described["content"][answer.mimetype]["schema"])).validate(body)
    headers = dict(answer.headers.items())
    if answer.status_code < 300:
        assert set(described["headers"]) == set(headers), route.name
    return Said(answer.status_code, body, headers, str(answer.mimetype))


@cache
def _validator(schema: str) -> Draft202012Validator:
    """A validator whose references lead into the whole document."""
    text = schema.replace('"#/', f'"{_WHOLE}#/')
    return Draft202012Validator(json.loads(text), registry=_REGISTRY)


def api(*, authenticated: bool = False, leaving: bool = False, rules: tuple[Rule, ...] = ()) -> Api:
    """An app with two nodes that are Ready."""
    mesh, numbers = InMemoryMesh(), count(1)
    mesh.mesh = replace(mesh.mesh, leaving=leaving)
    edges, hubs = mesh.edges, mesh.hubs
    running = Running(mesh.clock, mesh.timing, lambda: "run")
    edge_intake = EdgeIntake(edges, mesh.queue, mesh.clock, mesh.timing)
    hub_intake = HubIntake(mesh.mesh, hubs, mesh.queue, mesh.clock, mesh.timing)
    for group in ("marketing", "sales"):
        key = NodeKey.of(SUBSCRIPTION, group)
        mesh.nodes.records[key] = NodeRecord(
            key=key, state="Ready", domain="retail", owner_id=f"owner-of-{group}", etag='W/"0"'
        )
    alert_store, silences = InMemoryAlertStore(), InMemorySilences()
    handlers = registry([AlertEvents(mesh.events)])
    delivery = Delivery(
        alert_store, silences, handlers, mesh.history, mesh.dead_letters, mesh.queue, mesh.clock
    )
    alerting = Alerting(alert_store, silences, mesh.queue, mesh.clock)
    windows, book, known = InMemoryWindows(), Rulebook(tuple), KnownNodes(mesh.nodes, mesh.clock)
    volumes = InMemoryVolumes(mesh.clock)
    trends = InMemoryTrends()
    judge, reader = Judge(windows, alerting, mesh.clock), InMemoryEventReader()
    processor = TelemetryProcessor(
        known,
        book,
        judge,
        mesh.dead_letters,
        _nothing,
        VolumeMeter(volumes, mesh.clock),
        Position(windows, mesh.clock),
        mesh.clock,
    )
    telemetry_replay = TelemetryReplay(reader, known, book, judge, alerting, processor, mesh.clock)
    app = Application(
        mesh=Mesh("meshplane", tuple(replace(hub, pools=(POOL,)) for hub in mesh.mesh.hubs), (SUBSCRIPTION,)),
        clock=mesh.clock,
        intake=mesh.intake,
        engine=mesh.engine,
        resync=mesh.resync,
        replay=Replay(
            mesh.intake, edge_intake, hub_intake, mesh.dead_letters, delivery.replay, telemetry_replay.replay
        ),
        telemetry=processor,
        closing=Closing(book, windows, alerting, mesh.clock),
        absence=AbsenceWatch(book, windows, mesh.nodes, alert_store, alerting, reader, mesh.clock),
        nodes=mesh.nodes,
        history=mesh.history,
        alerting=alerting,
        alert_desk=AlertDesk(
            alert_store,
            silences,
            mesh.nodes,
            mesh.history,
            mesh.queue,
            mesh.clock,
            lambda: f"{next(numbers):032x}",
        ),
        delivery=delivery,
        dead_letters=mesh.dead_letters,
        queue=mesh.queue,
        probes=(),
        migrate=_nothing_to_migrate,
        instruments=Instruments(),
        addresses=mesh.addresses,
        hubs=hubs,
        hub_engine=HubEngine(mesh.mesh, mesh.arm, mesh.stores(), running, mesh.intake.bump),
        hub_intake=hub_intake,
        platform_authentication=authenticated,
        volumes=volumes,
        rates=RATES,
        edge_engine=EdgeEngine(
            mesh.mesh,
            mesh.arm,
            mesh.stores(),
            running,
            touch=mesh.intake,
            rates=RATES,
            terms=Terms(),
        ),
        edge_intake=edge_intake,
        edge_leases=EdgeLeases(edges, mesh.queue, mesh.clock),
        moves=Moves(mesh.mesh, mesh.arm, mesh.nodes, mesh.intake),
        queries=LogQueries(InMemoryLogs(), ROOT / "infra" / "queries"),
        policies=PolicyBook(lambda: mesh.policies),
        trends=trends,
        governance=GovernanceReport(mesh.nodes, trends, mesh.clock),
        doctor=Doctor(
            Setup(
                mesh=mesh.mesh,
                platform_authentication=authenticated,
                anyone_asks=False,
                longest_lease_days=365,
                approval_rules=len(rules),
                webhooks=0,
                metrics=False,
                resource_manager="https://management.azure.com",
                logs="",
                storage="identity",
                event_hubs="identity",
            ),
            mesh.arm,
            mesh.nodes,
            edges,
            hubs,
            mesh.addresses,
            mesh.dead_letters,
            mesh.clock,
            ROOT / "infra" / "roles",
        ),
        sweep=Sweep(mesh.mesh, mesh.arm, mesh.nodes, mesh.addresses, mesh.clock),
        desk=EdgeDesk(
            edges,
            mesh.nodes,
            mesh.history,
            mesh.queue,
            mesh.clock,
            rules,
            Terms(),
            lambda: f"{next(numbers):032x}",
        ),
    )
    return Api(app, mesh, edges)


async def _nothing(_key: NodeKey, _resource: str, _cause: str) -> None:
    """Telemetry heals nothing here."""


async def _nothing_to_migrate() -> int:
    return 0


def principal(*roles: Role | str, subject: str = "someone", **more: str) -> str:
    """The header that App Service authentication sends for a caller."""
    claims = [("http://schemas.microsoft.com/identity/claims/objectidentifier", subject)]
    claims += [("roles", str(role)) for role in roles]
    claims += list(more.items())
    document = {
        "auth_typ": "aad",
        "name_typ": "name",
        "role_typ": "roles",
        "claims": [{"typ": typ, "val": val} for typ, val in claims if val],
    }
    return b64encode(json.dumps(document).encode()).decode()
