"""Deterministic names of what Meshplane makes, so that it is recognised even where the record of it was lost.

A peering name may have 80 characters, a diagnostic setting name 260 (Azure's naming rules).
"""

from hashlib import sha256

from shared.domain.ids import NodeKey, name_of, normal_id

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


def _leading_to(network_id: str, prefix: str) -> str:
    """As much of the network's name as fits: its digest tells networks apart."""
    ending = f"-{_digest(network_id)}"
    room = PEERING_NAME_LENGTH - len(prefix) - len(ending)
    return f"{prefix}{name_of(network_id)[: min(40, room)]}{ending}"


def setting_name(mesh: str) -> str:
    """The diagnostic setting that one mesh owns on a resource."""
    return mesh


def _digest(resource_id: str) -> str:
    return sha256(normal_id(resource_id).encode()).hexdigest()[:10]
