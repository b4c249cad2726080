"""What to do about an edge: pure functions of its record and of what was seen."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from shared.domain.artefacts import contains, is_endpoint, together
from shared.domain.conditions import CONNECTED, READY, Condition, Finding, conditions_from
from shared.domain.edge import GRANTED, EdgeRecord, Route
from shared.domain.ids import normal_id
from shared.domain.plan import Plan
from shared.reconcile.edges.foreign import leads_elsewhere
from shared.reconcile.edges.planner import ROUTED, Planned
from shared.reconcile.edges.routes import make, take_away
from shared.reconcile.edges.scene import Scene

AWAITS_OWNER = "AwaitingOwner"


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """The plan, and what the record is to say.

    `ready` says that the whole route was read back, `blocked` that there is no way, `gone` that nothing is left.
    `refused` is why the target's owner does not want it. `owned` is written down before anything is made.
    """

    route: Route | None
    plan: Plan
    owned: tuple[str, ...] = ()
    ready: bool = False
    blocked: bool = False
    gone: bool = False
    refused: str = ""
    addresses: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    named: tuple[str, ...] = ()


def wanted(record: EdgeRecord) -> bool:
    """Whether what the edge needs is to be there."""
    return record.state in GRANTED or record.state == "Failed"


def previewed(record: EdgeRecord, planned: Planned, now: datetime) -> Decision:
    """How an edge would be carried that nobody has approved yet."""
    plan = Plan(findings=planned.findings, made_at=now, generation=record.generation)
    return Decision(route=planned.route, plan=plan, blocked=planned.route is None)


def decide(scene: Scene, planned: Planned | None, now: datetime) -> Decision:
    """What is missing of the route, then what is left of a former one; without a plan, the present route counts.

    What is left goes only once the new route is there, and only what no other edge needs.
    """
    record = scene.record
    route = planned.route if planned else record.route
    if route is None:
        left = _left(scene, record.owned, "there is no way for the edge any more")
        findings = (*(planned.findings if planned else ()), *left.plan.findings)
        plan = msgspec.structs.replace(_dated(left.plan, record, now), findings=findings)
        return Decision(route=None, plan=plan, owned=left.owned, blocked=True)
    making = make(scene, route)
    former = tuple(a for a in record.owned if not contains(making.owned, a))
    if not making.ready:
        return Decision(
            route=route,
            plan=_dated(Plan(network=making.steps, findings=making.findings), record, now),
            owned=together(making.owned, record.owned),
            refused=making.refused,
            addresses=making.addresses,
            names=making.names,
            named=making.named,
        )
    left = _left(scene, former, "the edge is led another way")
    return Decision(
        route=route,
        plan=_dated(left.plan, record, now),
        owned=together(making.owned, left.owned),
        ready=True,
        addresses=making.addresses,
        names=making.names,
        named=making.named,
    )


def undone(scene: Scene, now: datetime) -> Decision:
    """Taking away all that an edge had and no other needs; an endpoint of its name also where no record tells of it."""
    record = scene.record
    named = (record.route.artefact,) if record.route and _is_ours(scene, record.route) else ()
    left = _left(scene, together(record.owned, named), "the edge is revoked")
    plan = _dated(left.plan, record, now)
    return Decision(route=record.route, plan=plan, owned=left.owned, gone=not left.owned)


def _is_ours(scene: Scene, route: Route) -> bool:
    endpoint = scene.seen.endpoint(route.artefact)
    return is_endpoint(route.artefact) and not (endpoint and leads_elsewhere(scene.record, route, endpoint))


class _Left(msgspec.Struct, frozen=True):
    plan: Plan
    owned: tuple[str, ...]


def _left(scene: Scene, artefacts: Sequence[str], why: str) -> _Left:
    ours = tuple(a for a in artefacts if normal_id(a) not in scene.others.needed)
    leaving = take_away(scene.mesh.name, scene.seen, ours, why)
    return _Left(Plan(network=leaving.steps, findings=leaving.findings), leaving.there)


def _dated(plan: Plan, record: EdgeRecord, now: datetime) -> Plan:
    return msgspec.structs.replace(plan, made_at=now, generation=record.generation)


_STATES: dict[str, str] = {
    "Requested": "It was asked for and is yet to be decided about.",
    "PendingApproval": "A person has to decide: POST .../approve or .../reject.",
    "Revoking": "It is being taken away.",
    "Revoked": "It was read back as gone.",
    "Rejected": "It was refused.",
}


def conditions_of(record: EdgeRecord, findings: Sequence[Finding]) -> tuple[Condition, ...]:
    """The conditions of an edge; of one that is not to be there, Ready says why."""
    found = conditions_from(list(findings), [ROUTED, CONNECTED])
    if wanted(record):
        return found
    if record.state in ("Revoked", "Rejected"):
        return (Condition(READY, "False", record.state, _STATES[record.state]),)
    worst = next((f for f in findings if f.severity == "error"), None)
    message = _STATES[record.state] + (f" {worst.message}" if worst else "")
    ready = Condition(READY, "False", worst.reason if worst else record.state, message)
    others = found[1:] if record.state == "Revoking" else [c for c in found if c.type == ROUTED]
    return (ready, *others)
