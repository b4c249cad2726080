"""Nodes."""

from datetime import datetime

import msgspec

from functions.views.governance import FindingView, finding_view
from functions.views.plans import HistoryView, PlanView, plan_view
from shared.domain.conditions import Condition
from shared.domain.node import Coverage, LastRun, NodeRecord, NodeSummary, PeeringStatus


class NodeItem(msgspec.Struct, frozen=True):
    """One node of the list."""

    subscription: str
    group: str
    state: str
    reason: str
    product: str
    domain: str
    environment: str
    network: str
    ready_at: datetime | None
    next_due: datetime | None


class CoverageItem(msgspec.Struct, frozen=True):
    """One resource: `owned` where Meshplane's own setting covers it."""

    id: str
    status: str
    checked_at: datetime
    owned: bool
    reason: str


class CoverageDetail(msgspec.Struct, frozen=True):
    """How many of a node's resources report, and each one's state."""

    resources: int
    supported: int
    covered: int
    items: list[CoverageItem]


class NodeDetail(msgspec.Struct, frozen=True):
    """One node in full."""

    subscription: str
    group: str
    state: str
    product: str
    domain: str
    environment: str
    owner: str
    location: str
    network: str
    telemetry: str
    hub: str
    generation: int
    observed_generation: int
    attempts: int
    first_seen: datetime | None
    ready_at: datetime | None
    next_due: datetime | None
    conditions: tuple[Condition, ...]
    peerings: tuple[PeeringStatus, ...]
    coverage: CoverageDetail
    governance: list[FindingView]
    onboarding_reads: int
    onboarding_writes: int
    last_run: LastRun | None
    last_plan: PlanView | None
    history: list[HistoryView]
    more_history: str


def node_item(node: NodeSummary) -> NodeItem:
    """A node for the list."""
    key = node.key
    return NodeItem(
        key.subscription,
        key.group,
        node.state,
        node.reason,
        node.product,
        node.domain,
        node.environment,
        node.network,
        node.ready_at,
        node.next_due,
    )


def coverage_detail(coverage: tuple[Coverage, ...]) -> CoverageDetail:
    """Coverage, counted."""
    return CoverageDetail(
        resources=len(coverage),
        supported=sum(c.status != "unsupported" for c in coverage),
        covered=sum(c.status == "covered" for c in coverage),
        items=[CoverageItem(c.id, c.status, c.checked_at, c.owned, c.reason) for c in coverage],
    )


def node_detail(record: NodeRecord, history: list[HistoryView], more_history: str) -> NodeDetail:
    """A node in full."""
    return NodeDetail(
        subscription=record.key.subscription,
        group=record.key.group,
        state=record.state,
        product=record.product,
        domain=record.domain,
        environment=record.environment,
        owner=record.owner,
        location=record.location,
        network=record.network,
        telemetry=record.telemetry,
        hub=record.hub,
        generation=record.generation,
        observed_generation=record.observed_generation,
        attempts=record.attempts,
        first_seen=record.first_seen,
        ready_at=record.ready_at,
        next_due=record.next_due,
        conditions=record.conditions,
        peerings=record.peerings,
        coverage=coverage_detail(record.coverage),
        governance=[finding_view(s) for s in record.standings],
        onboarding_reads=record.reads,
        onboarding_writes=record.writes,
        last_run=record.last_run,
        last_plan=plan_view(record.plan) if record.plan else None,
        history=history,
        more_history=more_history,
    )
