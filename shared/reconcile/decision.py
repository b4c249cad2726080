"""What to do about one key: a pure function of its record and of what was observed."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from shared.domain.conditions import (
    CONNECTED,
    OBSERVED,
    TAGS_VALID,
    Condition,
    Finding,
    Severity,
    conditions_from,
)
from shared.domain.errors import MeshError
from shared.domain.ids import normal_id, same_id
from shared.domain.mesh import Mesh, Timing
from shared.domain.naming import setting_name
from shared.domain.network import Hub
from shared.domain.node import EVERYTHING, Coverage, NodeRecord, PeeringStatus
from shared.domain.plan import DeletePeering, NetworkStep, Plan
from shared.domain.tags import NodeTags, is_node, read_tags
from shared.ports import Group, Resource
from shared.reconcile.diagnostics import Enforcement, Sink, enforce, release, to_check
from shared.reconcile.former import Former, former_peerings, network_of
from shared.reconcile.network import attach, detach, own_networks, owned_peerings
from shared.reconcile.observation import Observation

CONDITIONS = [TAGS_VALID, CONNECTED, OBSERVED]


class Decision(msgspec.Struct, frozen=True):
    """The plan, and what the record is to say of the key.

    `member` is whether the group is to be a node. `undecided` are the conditions that a wrong tag or a missing hub
    leaves open: what they stand for is neither made nor taken away. `unread` are the errors of resources that could
    not be looked at.
    """

    member: bool
    plan: Plan
    coverage: tuple[Coverage, ...]
    owned: tuple[str, ...]
    hub: Hub | None
    peerings: tuple[PeeringStatus, ...] = ()
    tags: NodeTags | None = None
    group: Group | None = None
    undecided: tuple[str, ...] = ()
    unread: tuple[MeshError, ...] = ()

    @property
    def judged(self) -> bool:
        """Whether the diagnostics of what was touched were decided about."""
        return OBSERVED not in self.undecided


def is_member(group: Group | None) -> bool:
    """Whether a group is to be a node; one that is being deleted is on its way out."""
    return group is not None and not group.deleting and is_node(group.tags)


def hub_of(mesh: Mesh, record: NodeRecord, group: Group | None) -> Hub | None:
    """The hub that a key is attached to, or is to be; None while something is left on one that is not configured."""
    kept = mesh.hub(record.hub)
    if group is None or not is_member(group) or (record.owned and kept is None):
        return kept
    return mesh.hub_for("" if record.state == "Offboarded" else record.hub, group.location)


def to_look_at(
    mesh: Mesh, record: NodeRecord, observation: Observation, now: datetime, timing: Timing
) -> list[Resource]:
    """The resources whose diagnostic settings have to be read before deciding."""
    group = observation.group
    if group is not None and is_member(group):
        if OBSERVED in _undecided(read_tags(group.tags)[0], hub_of(mesh, record, group)):
            return []
        touched = (*record.taken, *record.touched)
        return to_check(observation.resources, _known(mesh, record, group), touched, now, timing.audit)
    if group is None or group.deleting:
        return []
    if record.state != "Offboarded":
        # All of them: a setting outlives its resource and applies to one re-created under its id, unrecorded.
        return list(observation.resources)
    named = {*record.taken, *record.touched}
    return [r for r in observation.resources if EVERYTHING in named or normal_id(r.id) in named]


def _known(mesh: Mesh, record: NodeRecord, group: Group) -> tuple[Coverage, ...]:
    """What is known of the resources: nothing where the hub's workspace is another one since."""
    hub = hub_of(mesh, record, group)
    return record.coverage if hub and same_id(record.sink, hub.workspace) else ()


def decide(mesh: Mesh, record: NodeRecord, observation: Observation, now: datetime) -> Decision:
    """The plan for a key from what was observed."""
    hub = hub_of(mesh, record, observation.group)
    if observation.group is not None and is_member(observation.group):
        return _as_node(mesh, record, observation, observation.group, hub, now)
    return _as_outsider(mesh, record, observation, hub, now)


def _as_node(
    mesh: Mesh, record: NodeRecord, observation: Observation, group: Group, hub: Hub | None, now: datetime
) -> Decision:
    tags, findings = read_tags(group.tags)
    undecided = _undecided(tags, hub)
    if hub is None:
        findings.append(_hub_unknown(record) if record.owned else _no_hub(group))
        plan = Plan(findings=tuple(findings), made_at=now, generation=record.generation)
        return Decision(
            True, plan, record.coverage, record.owned, None, record.peerings, tags, group, undecided
        )
    own = own_networks(observation.networks, [h.network for h in mesh.hubs])
    former = former_peerings(mesh.name, record, hub, observation, [n.id for n in own])
    network: list[NetworkStep] = []
    made = Enforcement(record.coverage, (), ())
    if CONNECTED not in undecided:
        network, found = _network(mesh, record, observation, tags, hub, former)
        findings += found
    if OBSERVED not in undecided:
        sink = Sink(setting_name(mesh.name), hub.workspace)
        made = enforce(observation.resources, record.coverage, observation.diagnostics, sink, now)
        findings += [*made.findings, *_telemetry_findings(tags)]
    findings += _not_read(observation, "warning")
    plan = Plan(tuple(network), made.steps, tuple(findings), now, record.generation)
    owned = _owned(mesh, record, observation, hub, [*network, *(f.step for f in former)])
    peerings = _peerings(observation, hub, owned)
    return Decision(True, plan, made.coverage, owned, hub, peerings, tags, group, undecided, made.errors)


def _undecided(tags: NodeTags, hub: Hub | None) -> tuple[str, ...]:
    """A wrong value is never guessed: what it would decide stays as it is."""
    if tags.product is None or hub is None:
        return (CONNECTED, OBSERVED)
    return ((CONNECTED,) if tags.network is None else ()) + ((OBSERVED,) if tags.telemetry is None else ())


def _network(
    mesh: Mesh,
    record: NodeRecord,
    observation: Observation,
    tags: NodeTags,
    hub: Hub,
    former: Sequence[Former],
) -> tuple[list[NetworkStep], list[Finding]]:
    if tags.network != "hub":
        return [], [_not_available(CONNECTED, "mesh-network", str(tags.network), "hub")]
    if observation.hub_network is None:
        return [], [_hub_missing(hub)]
    hubs = [h.network for h in mesh.hubs]
    seen = observation
    return attach(mesh.name, record.key, hub, observation.hub_network, seen.networks, hubs, former)


def _as_outsider(
    mesh: Mesh, record: NodeRecord, observation: Observation, hub: Hub | None, now: datetime
) -> Decision:
    sink = Sink(setting_name(mesh.name), hub.workspace if hub else "")
    left = release(observation.resources, record.coverage, observation.diagnostics, sink, now)
    steps = _detach(mesh, record, observation, hub) if hub else []
    owned = _owned(mesh, record, observation, hub, steps) if hub else record.owned
    deleting = observation.group is not None and observation.group.deleting
    findings = list(left.findings)
    if deleting:
        # Azure refuses writes inside such a group, and removes what is in it: only the hub's side is left to us.
        steps, left = [s for s in steps if isinstance(s, DeletePeering) and s.on_hub], Enforcement(record.coverage, (), ())
        findings = [Finding(CONNECTED, "GroupBeingDeleted", "Azure is deleting the group.", waiting=True)]
    findings += _not_read(observation, "error")
    if owned and hub is None:
        findings.append(_hub_unknown(record))
    elif owned and hub and observation.hub_network is None:
        findings.append(_hub_missing(hub))
    plan = Plan(tuple(steps), left.steps, tuple(findings), now, record.generation)
    return Decision(False, plan, left.coverage, owned, hub, group=observation.group, unread=left.errors)


def _detach(mesh: Mesh, record: NodeRecord, observation: Observation, hub: Hub) -> list[NetworkStep]:
    seen = observation
    former = former_peerings(mesh.name, record, hub, seen, [n.id for n in seen.networks])
    return detach(mesh.name, record.key, hub, seen.hub_network, seen.networks, former)


def _peerings(observation: Observation, hub: Hub, owned: tuple[str, ...]) -> tuple[PeeringStatus, ...]:
    """Both sides of the connection as they were found, whoever made them."""
    ours = {normal_id(i) for i in owned}
    networks = {normal_id(n.id) for n in observation.networks}
    sides = [p for n in observation.networks for p in n.peerings if same_id(p.remote_network, hub.network)]
    if observation.hub_network:
        sides += [p for p in observation.hub_network.peerings if normal_id(p.remote_network) in networks]
    return tuple(
        PeeringStatus(p.id, p.state, p.sync_level, p.provisioning_state, normal_id(p.id) in ours)
        for p in sides
    )


def _owned(
    mesh: Mesh, record: NodeRecord, observation: Observation, hub: Hub, steps: Sequence[NetworkStep]
) -> tuple[str, ...]:
    """The peerings of ours that exist, and those about to be made: recorded before the first write.

    What was recorded stays so until it was read back as gone.
    """
    there = owned_peerings(mesh.name, record.key, hub, observation.hub_network, observation.networks)
    unread = {normal_id(i) for i in observation.unread}
    carried = [i for i in record.owned if normal_id(network_of(i)) in unread]
    ids = [*(s.id for s in steps), *(p.id for p in there), *carried]
    return tuple({normal_id(i): i for i in ids}.values())


def _hub_missing(hub: Hub) -> Finding:
    message = f"The network {hub.network} of hub {hub.id} is not there. Correct the hub in MESH_HUBS."
    return Finding(CONNECTED, "HubMissing", message)


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


def _not_available(condition: str, tag: str, value: str, available: str) -> Finding:
    message = f"Tag {tag} asks for {value!r}, which is not available yet; available: {available}."
    return Finding(condition, "NotAvailableYet", message)


def _telemetry_findings(tags: NodeTags) -> list[Finding]:
    if tags.telemetry in (None, "logs"):
        return []
    return [_not_available(OBSERVED, "mesh-telemetry", str(tags.telemetry), "logs")]


def conditions_of(decision: Decision, more: list[Finding]) -> tuple[Condition, ...]:
    """The conditions a member shows, given what performing the plan found besides."""
    findings = [*decision.plan.findings, *more]
    said = {f.condition for f in findings}
    return conditions_from(findings, CONDITIONS, [c for c in decision.undecided if c not in said])
