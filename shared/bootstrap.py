"""The composition root: the only place that chooses adapters. Tests and the app call it alike.

The rooms are imported when the application is built, not when this module is: a cold start indexes every trigger,
and then runs one.
"""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shared.adapters.credentials import LazyCredential
    from shared.adapters.instruments import Instruments
    from shared.domain.cost import Rates
    from shared.domain.ids import NodeKey
    from shared.domain.mesh import Mesh
    from shared.ports import Clock, DeadLetters, EventStream, History, NodeStore, Probe, WorkQueue
    from shared.ports.mesh import AddressBook, HubStore
    from shared.ports.telemetry import Handler, Volumes
    from shared.reconcile.edges.commands import EdgeDesk
    from shared.reconcile.edges.engine import EdgeEngine
    from shared.reconcile.edges.intake import EdgeIntake, EdgeLeases
    from shared.reconcile.engine import Engine
    from shared.reconcile.hubs.engine import HubEngine
    from shared.reconcile.hubs.intake import HubIntake
    from shared.reconcile.intake import Intake
    from shared.reconcile.move import Moves
    from shared.reconcile.replay import Replay
    from shared.reconcile.resync import Resync
    from shared.reconcile.sweep import Sweep
    from shared.settings import Settings
    from shared.telemetry.absence import AbsenceWatch
    from shared.telemetry.alert_desk import AlertDesk
    from shared.telemetry.alerting import Alerting
    from shared.telemetry.closing import Closing
    from shared.telemetry.delivery import Delivery
    from shared.telemetry.log_queries import LogQueries
    from shared.telemetry.process import TelemetryProcessor, Touch
    from shared.telemetry.rule import Rule


_QUERIES = Path(__file__).resolve().parents[1] / "infra" / "queries"


class Application(msgspec.Struct, frozen=True):
    """What the triggers call."""

    mesh: "Mesh"
    clock: "Clock"
    intake: "Intake"
    engine: "Engine"
    resync: "Resync"
    replay: "Replay"
    telemetry: "TelemetryProcessor"
    closing: "Closing"
    absence: "AbsenceWatch"
    nodes: "NodeStore"
    history: "History"
    alerting: "Alerting"
    alert_desk: "AlertDesk"
    delivery: "Delivery"
    dead_letters: "DeadLetters"
    queue: "WorkQueue"
    probes: "tuple[Probe, ...]"
    instruments: "Instruments"
    hubs: "HubStore"
    hub_engine: "HubEngine"
    hub_intake: "HubIntake"
    addresses: "AddressBook"
    desk: "EdgeDesk"
    edge_engine: "EdgeEngine"
    edge_intake: "EdgeIntake"
    edge_leases: "EdgeLeases"
    moves: "Moves"
    sweep: "Sweep"
    platform_authentication: bool
    volumes: "Volumes"
    rates: "Rates"
    queries: "LogQueries"


def build(settings: "Settings") -> Application:
    """The application on the services that the settings name. Connects to nothing yet."""
    from shared.adapters.arm.resource_manager import ArmResourceManager
    from shared.adapters.clock import SystemClock
    from shared.adapters.credentials import LazyCredential
    from shared.adapters.event_hub import EventHubConnection, EventHubStream
    from shared.adapters.event_reader import EventHubReader
    from shared.adapters.instruments import Instruments
    from shared.adapters.log_analytics import LogAnalytics
    from shared.adapters.probes import EventHubProbe, QueueProbe, ResourceManagerProbe, TablesProbe
    from shared.adapters.queue import StorageWorkQueue
    from shared.adapters.storage import StorageConnection
    from shared.adapters.tables.addresses import TableAddressBook
    from shared.adapters.tables.alerts import TableAlertStore
    from shared.adapters.tables.dead_letters import TableDeadLetters
    from shared.adapters.tables.edges import TableEdgeStore
    from shared.adapters.tables.history import TableHistory
    from shared.adapters.tables.hubs import TableHubStore
    from shared.adapters.tables.leases import TableLeases
    from shared.adapters.tables.nodes import TableNodeStore
    from shared.adapters.tables.rosters import TableRosters
    from shared.adapters.tables.silences import TableSilences
    from shared.adapters.tables.table import TableStorage
    from shared.adapters.tables.volumes import TableVolumes
    from shared.adapters.tables.windows import TableWindows
    from shared.domain.mesh import RECONCILE_QUEUE
    from shared.reconcile.edges.commands import EdgeDesk
    from shared.reconcile.edges.engine import EdgeEngine
    from shared.reconcile.edges.intake import EdgeIntake, EdgeLeases
    from shared.reconcile.engine import Engine
    from shared.reconcile.hubs.engine import HubEngine
    from shared.reconcile.hubs.intake import HubIntake
    from shared.reconcile.intake import Intake
    from shared.reconcile.move import Moves
    from shared.reconcile.replay import Replay
    from shared.reconcile.resync import Resync
    from shared.reconcile.surroundings import Shared
    from shared.reconcile.sweep import Sweep
    from shared.telemetry.absence import AbsenceWatch
    from shared.telemetry.alert_desk import AlertDesk
    from shared.telemetry.alerting import Alerting
    from shared.telemetry.closing import Closing
    from shared.telemetry.delivery import Delivery
    from shared.telemetry.judge import Judge
    from shared.telemetry.known_nodes import KnownNodes
    from shared.telemetry.log_queries import LogQueries
    from shared.telemetry.position import Position
    from shared.telemetry.process import TelemetryProcessor
    from shared.telemetry.replay import TelemetryReplay
    from shared.telemetry.rulebook import Rulebook
    from shared.telemetry.volumes import VolumeMeter

    mesh, timing = settings.mesh, settings.timing
    clock, credential = SystemClock(), LazyCredential()
    arm = ArmResourceManager(settings.resource_manager, credential, settings.resource_manager_scope)
    storage = StorageConnection(
        settings.storage.connection_string, settings.storage.tables_endpoint, settings.storage.queues_endpoint
    )
    tables = TableStorage(storage, credential)
    queue = StorageWorkQueue(storage, RECONCILE_QUEUE, credential)
    hub = EventHubConnection(settings.event_hub.connection_string, settings.event_hub.namespace)
    events = EventHubStream(hub, settings.event_hub.mesh_events, credential)
    logs = LogAnalytics(
        settings.logs.endpoint, settings.logs.scope, [hub.workspace for hub in mesh.hubs], credential
    )
    nodes, dead_letters = TableNodeStore(tables), TableDeadLetters(tables)
    history, leases, hubs = TableHistory(tables), TableLeases(tables, clock), TableHubStore(tables)
    edges, addresses = TableEdgeStore(tables), TableAddressBook(tables, clock)
    intake = Intake(mesh, nodes, queue, clock, timing)
    volumes, rates = TableVolumes(tables, clock), settings.rates
    edge_intake = EdgeIntake(edges, queue, clock, timing)
    hub_intake = HubIntake(mesh, hubs, queue, clock, timing)
    engine = Engine(
        mesh,
        arm,
        nodes,
        history,
        leases,
        dead_letters,
        events,
        queue,
        clock,
        new_run,
        timing,
        intake=intake,
        shared=Shared(TableRosters(tables), addresses, edges, edge_intake, hub_intake),
    )
    edge_engine = EdgeEngine(
        mesh,
        arm,
        edges,
        nodes,
        hubs,
        history,
        leases,
        dead_letters,
        events,
        queue,
        intake,
        rates,
        settings.terms,
        clock,
        new_run,
        timing,
    )
    hub_engine = HubEngine(
        mesh, arm, hubs, nodes, history, leases, dead_letters, queue, intake.bump, clock, new_run, timing
    )
    alert_store, silences = TableAlertStore(tables), TableSilences(tables)
    alerting = Alerting(alert_store, silences, queue, clock)
    handlers = _handlers(settings, clock, credential, events, intake)
    delivery = Delivery(alert_store, silences, handlers, history, dead_letters, queue, clock)

    def read_rules() -> "Sequence[Rule]":
        from shared.telemetry.rule_files import load_rules

        return load_rules(settings.rule_folders, handlers)

    windows, rules, known = TableWindows(tables), Rulebook(read_rules), KnownNodes(nodes, clock)
    judge = Judge(windows, alerting, clock)
    processor = TelemetryProcessor(
        known,
        rules,
        judge,
        dead_letters,
        _touch(intake),
        VolumeMeter(volumes, clock),
        Position(windows, clock),
        clock,
    )
    reader = EventHubReader(hub, settings.event_hub.telemetry, settings.event_hub.replay_group, credential)
    telemetry_replay = TelemetryReplay(reader, known, rules, judge, alerting, processor, clock)
    return Application(
        mesh=mesh,
        clock=clock,
        intake=intake,
        engine=engine,
        resync=Resync(mesh, arm, nodes, queue, intake, clock),
        replay=Replay(
            intake, edge_intake, hub_intake, dead_letters, delivery.replay, telemetry_replay.replay
        ),
        telemetry=processor,
        closing=Closing(rules, windows, alerting, clock),
        absence=AbsenceWatch(rules, windows, nodes, alert_store, alerting, reader, clock),
        nodes=nodes,
        history=history,
        alerting=alerting,
        alert_desk=AlertDesk(alert_store, silences, nodes, history, queue, clock, new_id),
        delivery=delivery,
        dead_letters=dead_letters,
        queue=queue,
        probes=(
            TablesProbe(tables),
            QueueProbe(queue),
            EventHubProbe(events, settings.event_hub.mesh_events),
            EventHubProbe(
                EventHubStream(hub, settings.event_hub.telemetry, credential), settings.event_hub.telemetry
            ),
            *(ResourceManagerProbe(arm, s) for s in mesh.subscriptions),
        ),
        instruments=Instruments(),
        addresses=addresses,
        hubs=hubs,
        hub_engine=hub_engine,
        hub_intake=hub_intake,
        desk=EdgeDesk(edges, nodes, history, queue, clock, settings.rules, settings.terms, new_id),
        edge_engine=edge_engine,
        edge_intake=edge_intake,
        edge_leases=EdgeLeases(edges, queue, clock),
        moves=Moves(mesh, arm, nodes, intake),
        sweep=Sweep(mesh, arm, nodes, addresses, clock),
        platform_authentication=settings.platform_authentication,
        volumes=volumes,
        rates=rates,
        queries=LogQueries(logs, _QUERIES),
    )


def new_run() -> str:
    """A name for one run that no other has."""
    from uuid import uuid4

    return str(uuid4())


def new_id() -> str:
    """An edge's id: 32 hexadecimal digits, as those that follow from an Idempotency-Key."""
    from uuid import uuid4

    return uuid4().hex


def _handlers(
    settings: "Settings",
    clock: "Clock",
    credential: "LazyCredential",
    events: "EventStream",
    intake: "Intake",
) -> "Mapping[str, Handler]":
    """The handlers that the settings allow: adding one is adding it here (docs/handlers.md)."""
    from shared.adapters.app_events import OtelAppEvents
    from shared.adapters.custom_metrics import CustomMetrics
    from shared.adapters.http import HttpSender
    from shared.telemetry.handlers import registry
    from shared.telemetry.handlers.app_event import AlertAppEvent
    from shared.telemetry.handlers.mesh_event import AlertEvents
    from shared.telemetry.handlers.metric import AlertMetric
    from shared.telemetry.handlers.remediate import Remediation
    from shared.telemetry.handlers.webhook import Webhook

    sender, metrics = HttpSender(clock), settings.metrics
    handlers: list[Handler] = [AlertEvents(events), Remediation(intake.touch), AlertAppEvent(OtelAppEvents())]
    handlers += [Webhook(w.name, w.url, w.template, w.secret, sender, clock) for w in settings.webhooks]
    if metrics.endpoint:
        handlers.append(AlertMetric(CustomMetrics(metrics.endpoint, metrics.resource, credential, sender)))
    return registry(handlers)


def _touch(intake: "Intake") -> "Touch":
    """What telemetry asks for: the key follows from the resource, which may be a hub's."""

    async def touch(_key: "NodeKey", resource: str, cause: str) -> None:
        await intake.touch(resource, cause)

    return touch


@cache
def application() -> Application:
    """The application of this process, made by the first invocation: inside the event loop that its clients use."""
    from shared.adapters.logs import structure_logs
    from shared.settings import load_settings

    structure_logs()
    return build(load_settings())
