"""Edges."""

from datetime import datetime

import msgspec

from functions.views.plans import HistoryView, PlanView, plan_view
from shared.domain.conditions import Condition
from shared.domain.edge import (
    EdgeRecord,
    EdgeState,
    EdgeSummary,
    Exposure,
    Interface,
    Route,
    Verdict,
)
from shared.domain.edge_states import allowed
from shared.domain.ids import NodeKey
from shared.domain.node import LastRun
from shared.reconcile.edges.planner import Planned

OF_PEOPLE = ("approve", "reject", "extend", "revoke")


class EdgeItem(msgspec.Struct, frozen=True):
    """One edge of the list; nodes are `<subscription>/<group>`."""

    id: str
    consumer: str
    provider: str
    interface: Interface
    target: str
    state: EdgeState
    reason: str
    exposure: str
    requested_at: datetime
    expires_at: datetime | None


class RouteView(msgspec.Struct, frozen=True):
    """How an edge is carried, and why. `monthly_cost` in US dollars; each alternative with its cost, or what speaks
    against it; `artefact` is the id of what stands for the connection in Azure."""

    exposure: Exposure
    why: str
    monthly_cost: float
    alternatives: tuple[str, ...]
    artefact: str


class EdgeDetail(msgspec.Struct, frozen=True, kw_only=True):
    """One edge in full. `requested_by` and `verdict.by` are object ids, `function-key`, or an approval rule's name.

    `commands` are those that its state takes; who may give them is another question. `addresses` and `names` are
    what consumers connect to once it is Active; `wanted` is the way that was asked for, `proposed` one that exposes
    more than was approved, and waits for approval.
    """

    id: str
    consumer: str
    provider: str
    interface: Interface
    target: str
    part: str
    purpose: str
    gigabytes: float
    lease_days: float
    wanted: Exposure | None
    state: EdgeState
    requested_by: str
    requested_at: datetime
    verdict: Verdict | None
    route: RouteView | None
    proposed: RouteView | None
    active_at: datetime | None
    expires_at: datetime | None
    addresses: tuple[str, ...]
    names: tuple[str, ...]
    conditions: tuple[Condition, ...]
    attempts: int
    next_due: datetime | None
    last_run: LastRun | None
    last_plan: PlanView | None
    history: list[HistoryView]
    more_history: str
    commands: tuple[str, ...]


class WayView(msgspec.Struct, frozen=True):
    """One way to carry an edge: what it would cost in a month, and what speaks against it where it is not possible."""

    exposure: Exposure
    possible: bool
    monthly_cost: float
    currency: str
    against: tuple[str, ...]


class EdgePreview(msgspec.Struct, frozen=True):
    """How a request would be carried: `route` is None where `findings` leave none; `cheapest` of the ways that work."""

    route: RouteView | None
    cheapest: Exposure | None
    ways: tuple[WayView, ...]
    findings: tuple[str, ...]


def edge_item(edge: EdgeSummary) -> EdgeItem:
    """An edge for the list."""
    return EdgeItem(
        id=edge.id,
        consumer=node_name(edge.consumer),
        provider=node_name(edge.provider),
        interface=edge.interface,
        target=edge.target,
        state=edge.state,
        reason=edge.reason,
        exposure=edge.exposure,
        requested_at=edge.requested_at,
        expires_at=edge.expires_at,
    )


def edge_detail(record: EdgeRecord, history: list[HistoryView], more_history: str) -> EdgeDetail:
    """An edge in full."""
    asked = record.request
    return EdgeDetail(
        id=record.key.id,
        consumer=node_name(asked.consumer),
        provider=node_name(asked.provider),
        interface=asked.interface,
        target=asked.target,
        part=asked.part,
        purpose=asked.purpose,
        gigabytes=asked.gigabytes,
        lease_days=asked.lease_days,
        wanted=asked.exposure,
        state=record.state,
        requested_by=record.requested_by,
        requested_at=record.requested_at,
        verdict=record.verdict,
        route=route_view(record.route) if record.route else None,
        proposed=route_view(record.proposed) if record.proposed else None,
        active_at=record.active_at,
        expires_at=record.expires_at,
        addresses=record.addresses,
        names=record.names,
        conditions=record.conditions,
        attempts=record.attempts,
        next_due=record.next_due,
        last_run=record.last_run,
        last_plan=plan_view(record.plan) if record.plan else None,
        history=history,
        more_history=more_history,
        commands=commands(record.state),
    )


def preview(planned: Planned) -> EdgePreview:
    """A plan for a request, for people."""
    cheapest = planned.cheapest
    return EdgePreview(
        route=route_view(planned.route) if planned.route else None,
        cheapest=cheapest.exposure if cheapest else None,
        ways=tuple(
            WayView(
                way.exposure,
                way.route is not None,
                way.monthly,
                way.currency,
                tuple(o.message for o in way.against),
            )
            for way in planned.options
        ),
        findings=tuple(f"{finding.reason}: {finding.message}" for finding in planned.findings),
    )


def commands(state: EdgeState) -> tuple[str, ...]:
    """What people may do to an edge in a state; the engine's own commands are left out."""
    return tuple(command for command in allowed(state) if command in OF_PEOPLE)


def route_view(route: Route) -> RouteView:
    """A route for people."""
    return RouteView(route.exposure, route.why, route.monthly_cost, route.alternatives, route.artefact)


def node_name(key: NodeKey) -> str:
    """A node as requests name it."""
    return f"{key.subscription}/{key.group}"
