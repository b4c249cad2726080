"""Which hub a node is to have. Pure."""

from shared.domain.mesh import Mesh
from shared.domain.network import Hub
from shared.domain.node import NodeRecord
from shared.domain.tags import is_node
from shared.ports import Group

LIMIT_REACHED = "VnetPeeringCountLimitReached"
"""What Azure answers where a network takes no more peerings, whatever its hub's capacity is said to be."""


def is_member(group: Group | None) -> bool:
    """Whether a group is to be a node; one that is being deleted is on its way out."""
    return group is not None and not group.deleting and is_node(group.tags)


def hubs_to_try(mesh: Mesh, record: NodeRecord, group: Group | None) -> tuple[Hub, ...]:
    """The hubs that a node may have, the first with room to be taken: where it was asked to move to, and only there;
    else the one that it has; else those of its region, then those that serve every region.

    None while something is left on one that is not configured.
    """
    kept = mesh.hub(record.hub)
    if group is None or not is_member(group) or (record.owned and kept is None):
        return (kept,) if kept else ()
    candidates = mesh.hubs_for(group.location)
    if record.state == "Offboarded":
        return candidates
    if wanted := mesh.hub(record.wanted_hub):
        return (wanted,)
    if kept is None:
        return candidates
    others = tuple(h for h in candidates if h.id != kept.id)
    refused = any(c.reason == LIMIT_REACHED for c in record.conditions)
    return (*others, kept) if refused else (kept, *others)
