"""What to do about one key: a pure function of its record and of what was observed."""

from datetime import datetime

import msgspec

from shared.domain.conditions import (
    CONNECTED,
    NAMES_RESOLVE,
    OBSERVED,
    TAGS_VALID,
    Condition,
    Finding,
    Severity,
    conditions_from,
)
from shared.domain.errors import MeshError
from shared.domain.exposure import Exposure
from shared.domain.governance import NO_POLICIES, Policies, Standing
from shared.domain.governance_checks import Subject
from shared.domain.governance_shown import governed, withheld
from shared.domain.ids import NodeKey, normal_id, same_id
from shared.domain.mesh import Mesh, Timing
from shared.domain.naming import setting_names
from shared.domain.network import Hub
from shared.domain.node import EVERYTHING, Coverage, NodeRecord
from shared.domain.plan import Plan
from shared.domain.sinks_choice import NodeSinks
from shared.domain.tags import NodeTags, read_tags
from shared.ports import Group, Resource
from shared.reconcile.connection import Connection, connection, disconnection
from shared.reconcile.diagnostics import NO_DIAGNOSTICS, Enforcement, enforce, release, to_check
from shared.reconcile.diagnostics_children import Inside, listed, to_list
from shared.reconcile.governing import subject_of
from shared.reconcile.hub_choice import is_member
from shared.reconcile.network import stands
from shared.reconcile.observation import Observation
from shared.reconcile.options import OPTIONS
from shared.reconcile.options.attached import hub_missing
from shared.reconcile.options.scene import NO_HUB, Scene

CONDITIONS = [TAGS_VALID, CONNECTED, OBSERVED]


class Decision(msgspec.Struct, frozen=True):
    """The plan, and what the record is to say of the key.

    `member` is whether the group is to be a node. `undecided` are the conditions that a wrong tag or a missing hub
    leaves open: what they stand for is neither made nor taken away. `unread` are the errors of resources that could
    not be looked at. `hub` is the one that the node belongs to: another one only once it is connected with that.
    `sinks` are where it reports to, `then` its coverage once the plan's settings are written. `subject` is the node as
    its `policies` see it, but for its coverage: that is judged once all is written. None of them asks for a write.
    """

    member: bool
    plan: Plan
    coverage: tuple[Coverage, ...]
    connection: Connection
    hub: Hub | None
    tags: NodeTags | None = None
    group: Group | None = None
    undecided: tuple[str, ...] = ()
    unread: tuple[MeshError, ...] = ()
    sinks: NodeSinks | None = None
    then: tuple[Coverage, ...] = ()
    policies: Policies = NO_POLICIES
    subject: Subject | None = None

    @property
    def exposures(self) -> tuple[Exposure, ...]:
        """What is known of the access to the node's resources."""
        return self.subject.exposures if self.subject else ()

    @property
    def judged(self) -> bool:
        """Whether the diagnostics of what was touched were decided about."""
        return OBSERVED not in self.undecided


def hub_of(mesh: Mesh, record: NodeRecord, seen: Observation) -> Hub | None:
    """The hub that a key belongs to: the one it is to have, once it is connected with that, or with no other."""
    target, kept = seen.hub, mesh.hub(record.hub)
    if target is None or kept is None or kept.id == target.id or record.state == "Offboarded":
        return target
    if not any(n.peering_to(kept.network) for n in seen.networks):
        return target
    tags = read_tags(seen.group.tags)[0] if seen.group and is_member(seen.group) else None
    if tags is None or tags.network is None:
        return kept
    wanted = OPTIONS[tags.network].wants(Scene(mesh, record, seen, target))
    refused = any(f.severity == "error" for f in wanted.findings)
    return target if stands(wanted.pairs) and not refused else kept


def to_look_at(
    mesh: Mesh, record: NodeRecord, observation: Observation, now: datetime, timing: Timing
) -> list[Resource]:
    """The resources whose diagnostic settings have to be read before deciding."""
    group = observation.group
    if group is not None and is_member(group):
        if OBSERVED in _undecided(read_tags(group.tags)[0], observation.hub):
            return []
        touched = (*record.taken, *record.touched)
        known = _known(record, sinks_of(mesh, record, observation))
        return to_check(observation.observed, known, touched, now, timing.audit)
    if group is None or group.deleting:
        return []
    if record.state != "Offboarded":
        # All of them: a setting outlives its resource and applies to one re-created under its id, unrecorded.
        return list(observation.observed)
    named = {*record.taken, *record.touched}
    return [r for r in observation.observed if EVERYTHING in named or normal_id(r.id) in named]


def inside_to_list(
    record: NodeRecord, observation: Observation, now: datetime, timing: Timing
) -> list[Inside]:
    """The collections of children that have to be listed before deciding which resources to look at."""
    group, inside = observation.group, listed(observation.resources)
    touched = (*record.taken, *record.touched)
    if group is None or group.deleting:
        return []
    if is_member(group):
        undecided = OBSERVED in _undecided(read_tags(group.tags)[0], observation.hub)
        return [] if undecided else to_list(inside, record.coverage, touched, now, timing.audit)
    if record.state != "Offboarded":
        return inside
    return [one for one in inside if EVERYTHING in touched or normal_id(one.parent.id) in touched]


def sinks_of(mesh: Mesh, record: NodeRecord, seen: Observation) -> NodeSinks:
    """Where a key's resources are to report to: as its tags say, or as they said before one had a wrong value."""
    hub = hub_of(mesh, record, seen) or seen.hub
    tags = read_tags(seen.group.tags)[0] if seen.group and is_member(seen.group) else None
    telemetry = (tags.telemetry if tags else "") or record.telemetry
    domain = tags.domain if tags and tags.domain is not None else record.domain
    location = seen.group.location if seen.group else record.location
    return NodeSinks.of(mesh, hub.workspace if hub else "", telemetry, domain, location)


def _known(record: NodeRecord, sinks: NodeSinks) -> tuple[Coverage, ...]:
    """What is known of the resources: only which have no diagnostics, where the sinks are others since."""
    if same_id(record.sink, sinks.mark):
        return record.coverage
    return tuple(c for c in record.coverage if c.code == NO_DIAGNOSTICS)


def decide(
    mesh: Mesh, record: NodeRecord, observation: Observation, now: datetime, policies: Policies = NO_POLICIES
) -> Decision:
    """The plan for a key from what was observed."""
    if observation.group is not None and is_member(observation.group):
        decision = _as_node(mesh, record, observation, observation.group, now)
        subject = subject_of(policies, record, observation, observation.group, now)
        return msgspec.structs.replace(decision, policies=policies, subject=subject)
    return _as_outsider(mesh, record, observation, now)


def _as_node(mesh: Mesh, record: NodeRecord, seen: Observation, group: Group, now: datetime) -> Decision:
    tags, findings = read_tags(group.tags)
    undecided = _undecided(tags, seen.hub)
    if seen.hub is None:
        findings.append(_hub_unknown(record) if record.owned else _no_hub(group))
        plan = Plan(findings=tuple(findings), made_at=now, generation=record.generation)
        return Decision(True, plan, record.coverage, Connection.of(record), None, tags, group, undecided)
    scene, hub = Scene(mesh, record, seen, seen.hub), hub_of(mesh, record, seen) or seen.hub
    network = connection(scene, tags, group.location, now)
    findings += network.findings
    made = Enforcement(record.coverage, (), ())
    sinks = sinks_of(mesh, record, seen)
    if OBSERVED not in undecided:
        names = setting_names(mesh.name)
        made = enforce(seen.observed, record.coverage, seen.diagnostics, sinks, names, now)
        findings += made.findings
    findings += _not_read(seen, "warning")
    plan = Plan(network.steps, made.steps, tuple(findings), now, record.generation)
    return Decision(
        True, plan, made.coverage, network, hub, tags, group, undecided, made.errors, sinks, made.then
    )


def _undecided(tags: NodeTags, hub: Hub | None) -> tuple[str, ...]:
    """A wrong value is never guessed: what it would decide stays as it is."""
    if tags.product is None or hub is None:
        return (CONNECTED, OBSERVED)
    return ((CONNECTED,) if tags.network is None else ()) + ((OBSERVED,) if tags.telemetry is None else ())


def _as_outsider(mesh: Mesh, record: NodeRecord, seen: Observation, now: datetime) -> Decision:
    hub = seen.hub
    sinks, names = sinks_of(mesh, record, seen), setting_names(mesh.name)
    left = release(seen.observed, record.coverage, seen.diagnostics, sinks, names, now)
    if hub is None and record.hub:
        network = Connection.of(record)
    else:
        network = disconnection(Scene(mesh, record, seen, hub or NO_HUB), now)
    steps, findings = network.steps, [*left.findings, *network.findings]
    if seen.group is not None and seen.group.deleting:
        # Azure refuses writes inside such a group, and removes what is in it: only what lies elsewhere is left to us.
        steps = tuple(s for s in steps if NodeKey.containing(s.id) != record.key)
        left = Enforcement(record.coverage, (), ())
        findings = [Finding(CONNECTED, "GroupBeingDeleted", "Azure is deleting the group.", waiting=True)]
    findings += _not_read(seen, "error")
    if network.owned and hub is None:
        findings.append(_hub_unknown(record))
    elif network.owned and hub and seen.hub_network is None:
        findings.append(hub_missing(hub))
    plan = Plan(steps, left.steps, tuple(findings), now, record.generation)
    return Decision(False, plan, left.coverage, network, hub, group=seen.group, unread=left.errors)


def _not_read(observation: Observation, severity: Severity) -> list[Finding]:
    if not observation.unread:
        return []
    message = (
        f"Meshplane may not read {', '.join(observation.unread)}, where peerings of this node are left. Grant it the"
        " right to, then POST .../reconcile."
    )
    return [Finding(CONNECTED, "FormerHubUnread", message, severity)]


def _hub_unknown(record: NodeRecord) -> Finding:
    message = f"Its hub {record.hub!r} is no longer configured. Name it in MESH_HUBS again to let go of it."
    return Finding(CONNECTED, "HubUnknown", message)


def _no_hub(group: Group) -> Finding:
    message = f"No hub serves the region {group.location}. Add one to MESH_HUBS, or one without a region."
    return Finding(CONNECTED, "NoHub", message)


def conditions_of(
    decision: Decision, more: list[Finding], standings: tuple[Standing, ...] = ()
) -> tuple[Condition, ...]:
    """The conditions a member shows, given what performing the plan found besides, and its standings to policies."""
    findings = [*decision.plan.findings, *more, *withheld(standings)]
    said = {f.condition for f in findings}
    names = [NAMES_RESOLVE] if decision.connection.resolves or NAMES_RESOLVE in said else []
    undecided = [c for c in decision.undecided if c not in said]
    return (*conditions_from(findings, [*CONDITIONS, *names], undecided), *governed(standings))
