"""Deterministic names of what Meshplane makes, so that it is recognised even where the record of it was lost.

A peering name may have 80 characters, a diagnostic setting name 260 (Azure's naming rules).
"""

from hashlib import sha256

from shared.domain.ids import NodeKey, name_of, normal_id
from shared.domain.sinks import SinkKind

PEERING_NAME_LENGTH = 80


def spoke_peering_name(mesh: str, hub_network_id: str) -> str:
    """The peering on a node's network that leads to the hub."""
    return _leading_to(hub_network_id, f"{mesh}-to-")


def hub_peering_name(mesh: str, key: NodeKey, network_id: str) -> str:
    """The peering on the hub that leads to one network of a node; all of a node's share `hub_peering_prefix`."""
    return _leading_to(network_id, hub_peering_prefix(mesh, key))


def hub_peering_prefix(mesh: str, key: NodeKey) -> str:
    """What the names of a node's peerings on a hub start with."""
    return f"{mesh}-{_digest(key.group_id)}-"


# A mesh's name has no dot: what follows keeps apart from the names above, in this mesh and in every other.


def node_peering_prefix(mesh: str, leader: NodeKey) -> str:
    """What the names of both sides of the pairs between nodes that `leader` writes start with."""
    return f"{mesh}.node-{_digest(leader.group_id)}-"


def node_peering_name(mesh: str, leader: NodeKey, remote_network_id: str) -> str:
    """One side of a pair between two nodes; `leader` is the node that writes both sides."""
    return _leading_to(remote_network_id, node_peering_prefix(mesh, leader))


def hub_pair_prefix(mesh: str, leader: str) -> str:
    """What the names of both sides of the pairs between hubs that the hub of this id writes start with."""
    return f"{mesh}.hub-{_digest(leader)}-"


def hub_pair_name(mesh: str, leader: str, remote_network_id: str) -> str:
    """One side of a pair between two hubs; `leader` is the id of the hub that writes both sides."""
    return _leading_to(remote_network_id, hub_pair_prefix(mesh, leader))


def is_hub_pair_name(mesh: str, name: str, remote_network_id: str) -> bool:
    """Whether a peering that leads to a network is named as one side of a pair between two hubs, whichever they are."""
    ours = name.lower().startswith(f"{mesh}.hub-".lower())
    return ours and name.lower().endswith(f"-{_digest(remote_network_id)}")


def edge_peering_prefix(mesh: str) -> str:
    """What the names of both sides of the pairs that edges write start with."""
    return f"{mesh}.edge-to-"


def edge_peering_name(mesh: str, remote_network_id: str) -> str:
    """One side of a pair for an edge: edges between the same two networks share it."""
    return _leading_to(remote_network_id, edge_peering_prefix(mesh))


def zone_link_name(mesh: str, network_id: str) -> str:
    """The link of a private DNS zone to a network: one mesh has one in each zone."""
    return _leading_to(network_id, f"{mesh}-")


def made_network_name(mesh: str) -> str:
    """The network that a node gets from an address pool, in the node's group."""
    return f"{mesh}-vnet"


def made_security_group_name(mesh: str) -> str:
    """The network security group of the subnets of that network."""
    return f"{mesh}-nsg"


def _leading_to(network_id: str, prefix: str) -> str:
    """As much of the network's name as fits: its digest tells networks apart."""
    ending = f"-{_digest(network_id)}"
    room = PEERING_NAME_LENGTH - len(prefix) - len(ending)
    return f"{prefix}{name_of(network_id)[: min(40, room)]}{ending}"


def setting_name(mesh: str) -> str:
    """The diagnostic setting that one mesh owns on a resource, towards its workspace and what gets the same."""
    return mesh


def setting_names(mesh: str) -> dict[SinkKind, str]:
    """What a setting is named by the first kind of sink that it sends to."""
    return {"workspace": setting_name(mesh), "event-hub": f"{mesh}.stream", "storage": f"{mesh}.archive"}


def _digest(resource_id: str) -> str:
    return sha256(normal_id(resource_id).encode()).hexdigest()[:10]
