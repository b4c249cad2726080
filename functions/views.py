"""What the HTTP API shows: shapes of their own, so that records may change without breaking callers."""

from datetime import datetime

import msgspec

from shared.domain.conditions import Condition
from shared.domain.node import Coverage, HistoryEntry, LastRun, NodeRecord, NodeSummary, PeeringStatus
from shared.domain.plan import Plan, Step
from shared.ports import DeadLetter


class NodeItem(msgspec.Struct, frozen=True):
    """One node of the list."""

    subscription: str
    group: str
    state: str
    reason: str
    product: str
    domain: str
    network: str
    ready_at: datetime | None
    next_due: datetime | None


class StepView(msgspec.Struct, frozen=True, omit_defaults=True):
    """One write that would be, or was, performed."""

    action: str
    target: str
    why: str
    differences: tuple[str, ...] = ()


class PlanView(msgspec.Struct, frozen=True):
    """The writes, and what stands in the way of others."""

    made_at: datetime | None
    steps: list[StepView]
    findings: list[str]


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


class HistoryView(msgspec.Struct, frozen=True):
    """One change."""

    at: datetime
    cause: str
    outcome: str
    changes: tuple[str, ...]
    reads: int
    writes: int
    run: str


class NodeDetail(msgspec.Struct, frozen=True):
    """One node in full."""

    subscription: str
    group: str
    state: str
    product: str
    domain: str
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
    onboarding_reads: int
    onboarding_writes: int
    last_run: LastRun | None
    last_plan: PlanView | None
    history: list[HistoryView]
    more_history: str


class DeadLetterItem(msgspec.Struct, frozen=True):
    """One dead letter, without its body."""

    id: str
    kind: str
    at: datetime
    reason: str
    source: str
    key: str


class List[T](msgspec.Struct, frozen=True):
    """One page; `continuation` goes into the query of the next request and is empty on the last page."""

    items: list[T]
    continuation: str


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
        node.network,
        node.ready_at,
        node.next_due,
    )


def plan_view(plan: Plan) -> PlanView:
    """A plan for people: every step with its reason."""
    findings = [f"{f.condition} {f.reason}: {f.message}" for f in plan.findings]
    return PlanView(plan.made_at, [_step(step) for step in plan.steps], findings)


def _step(step: Step) -> StepView:
    return StepView(step.method, step.id, step.why, getattr(step, "differences", ()))


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
        onboarding_reads=record.reads,
        onboarding_writes=record.writes,
        last_run=record.last_run,
        last_plan=plan_view(record.plan) if record.plan else None,
        history=history,
        more_history=more_history,
    )


def history_view(entry: HistoryEntry) -> HistoryView:
    """A change for people."""
    return HistoryView(
        entry.at, entry.cause, entry.outcome, entry.changes, entry.reads, entry.writes, entry.run
    )


def dead_letter_item(letter: DeadLetter) -> DeadLetterItem:
    """A dead letter for the list."""
    return DeadLetterItem(letter.id, letter.kind, letter.at, letter.reason, letter.source, letter.key)
