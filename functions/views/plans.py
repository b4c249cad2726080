"""Plans and history for people."""

from datetime import datetime

import msgspec

from shared.domain.node import HistoryEntry
from shared.domain.plan import Plan, Step


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


class HistoryView(msgspec.Struct, frozen=True):
    """One change."""

    at: datetime
    cause: str
    outcome: str
    changes: tuple[str, ...]
    reads: int
    writes: int
    run: str


def plan_view(plan: Plan) -> PlanView:
    """A plan for people: every step with its reason."""
    findings = [f"{f.condition} {f.reason}: {f.message}" for f in plan.findings]
    return PlanView(plan.made_at, [_step(step) for step in plan.steps], findings)


def _step(step: Step) -> StepView:
    return StepView(step.method, step.id, step.why, getattr(step, "differences", ()))


def history_view(entry: HistoryEntry) -> HistoryView:
    """A change for people."""
    return HistoryView(
        entry.at, entry.cause, entry.outcome, entry.changes, entry.reads, entry.writes, entry.run
    )
