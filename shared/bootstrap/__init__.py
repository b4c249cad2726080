"""The composition root: the only place that chooses adapters. Tests and the app call it alike.

Its modules, and with them every room, are imported when the application is built and not when this one is: a cold
start indexes every trigger, and then runs one.
"""

from functools import cache
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from shared.adapters.instruments import Instruments
    from shared.bootstrap.outside import Outside
    from shared.bootstrap.reconciling import Reconciling
    from shared.bootstrap.telemetry import Telemetry
    from shared.domain.cost import Rates
    from shared.domain.mesh import Mesh
    from shared.governance.policy_book import PolicyBook
    from shared.governance.report import GovernanceReport
    from shared.ports import Clock, DeadLetters, History, NodeStore, Probe, WorkQueue
    from shared.ports.mesh import AddressBook, HubStore, Trends
    from shared.ports.telemetry import Volumes
    from shared.reconcile.doctor.examiner import Doctor
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
    from shared.telemetry.process import TelemetryProcessor


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
    migrate: "Callable[[], Awaitable[int]]"
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
    policies: "PolicyBook"
    trends: "Trends"
    governance: "GovernanceReport"
    doctor: "Doctor"


def build(settings: "Settings") -> Application:
    """The application on the services that the settings name. Connects to nothing yet."""
    from shared.bootstrap.outside import Outside
    from shared.bootstrap.reconciling import Reconciling
    from shared.bootstrap.telemetry import Telemetry

    outside = Outside(settings)
    reconciling = Reconciling(settings, outside)
    return _application(settings, outside, reconciling, Telemetry(settings, outside, reconciling.intake))


def _application(
    settings: "Settings", outside: "Outside", reconciling: "Reconciling", telemetry: "Telemetry"
) -> Application:
    from shared.bootstrap.examining import doctor

    return Application(
        mesh=settings.mesh,
        clock=outside.clock,
        intake=reconciling.intake,
        engine=reconciling.engine,
        resync=reconciling.resync,
        replay=reconciling.replay(telemetry.delivery.replay, telemetry.replay.replay),
        telemetry=telemetry.processor,
        closing=telemetry.closing,
        absence=telemetry.absence,
        nodes=outside.nodes,
        history=outside.history,
        alerting=telemetry.alerting,
        alert_desk=telemetry.alert_desk,
        delivery=telemetry.delivery,
        dead_letters=outside.dead_letters,
        queue=outside.queue,
        probes=(*outside.probes, telemetry.probe, reconciling.policies_probe),
        migrate=outside.tables.schema.migrate,
        instruments=outside.instruments,
        addresses=outside.addresses,
        hubs=outside.hubs,
        hub_engine=reconciling.hub_engine,
        hub_intake=reconciling.hub_intake,
        desk=reconciling.desk,
        edge_engine=reconciling.edge_engine,
        edge_intake=reconciling.edge_intake,
        edge_leases=reconciling.edge_leases,
        moves=reconciling.moves,
        sweep=reconciling.sweep,
        platform_authentication=settings.platform_authentication,
        volumes=outside.volumes,
        rates=settings.rates,
        queries=telemetry.queries,
        policies=reconciling.book,
        trends=outside.trends,
        governance=reconciling.governance,
        doctor=doctor(settings, outside),
    )


@cache
def application() -> Application:
    """The application of this process, made by the first invocation: inside the event loop that its clients use."""
    from shared.adapters.logs import structure_logs
    from shared.settings import load_settings

    structure_logs()
    return build(load_settings())
