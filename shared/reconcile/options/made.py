"""The network that a node without one gets out of an address pool, and what becomes of it. Pure."""

from ipaddress import IPv4Network

import msgspec

from shared.domain.conditions import CONNECTED, READY, Finding
from shared.domain.errors import MeshError
from shared.domain.ids import normal_id, same_id
from shared.domain.mesh import Mesh
from shared.domain.naming import made_network_name, made_security_group_name
from shared.domain.network import VirtualNetwork
from shared.domain.node import NodeRecord
from shared.domain.plan import NetworkStep
from shared.domain.steps import DeleteNetwork, DeleteSecurityGroup, NewSubnet, PutNetwork, PutSecurityGroup
from shared.domain.tags import DATABRICKS
from shared.reconcile.observation import Observation

DATABRICKS_SIZE = 22
SMALLEST_SUBNET = 29  # five addresses of each subnet are Azure's
DELEGATION = "Microsoft.Databricks/workspaces"


class Made(msgspec.Struct, frozen=True):
    """The steps to a network of ours, or away from it, and what the record is to say is ours."""

    steps: tuple[NetworkStep, ...] = ()
    owned: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()


def network_id(mesh: Mesh, record: NodeRecord) -> str:
    """The id of the network that a node gets."""
    return f"{_provider(record)}/virtualNetworks/{made_network_name(mesh.name)}"


def security_group_id(mesh: Mesh, record: NodeRecord) -> str:
    """The id of the security group of its subnets."""
    return f"{_provider(record)}/networkSecurityGroups/{made_security_group_name(mesh.name)}"


def prefix_length(address_size: str) -> int:
    """The size of the block that a tag asks for."""
    return DATABRICKS_SIZE if address_size == DATABRICKS else int(address_size)


def subnets_of(prefix: str, address_size: str) -> tuple[NewSubnet, ...]:
    """Half of the block for everything, a quarter for private endpoints, and a quarter that is left free.

    A Databricks workspace takes two delegated subnets of one size, half of the block between them ("Deploy Azure
    Databricks in your virtual network"); the other half is shared like that.
    """
    block = IPv4Network(prefix)
    if address_size == DATABRICKS:
        host, container, default, endpoints = block.subnets(prefixlen_diff=2)
        return (
            NewSubnet("databricks-host", str(host), DELEGATION),
            NewSubnet("databricks-container", str(container), DELEGATION),
            NewSubnet("default", str(default)),
            NewSubnet("private-endpoints", str(endpoints)),
        )
    default, rest = block.subnets(prefixlen_diff=1)
    quarter = min(block.prefixlen + 2, SMALLEST_SUBNET)
    endpoints = next(rest.subnets(new_prefix=quarter)) if quarter > rest.prefixlen else rest
    return NewSubnet("default", str(default)), NewSubnet("private-endpoints", str(endpoints))


def make(mesh: Mesh, record: NodeRecord, seen: Observation, location: str, address_size: str) -> Made:
    """The security group and then the network, for the allocation that was found; nothing where there is none."""
    owned = _still_there(record, seen)
    if seen.allocation is None:
        return Made(owned=owned)
    network, group = network_id(mesh, record), security_group_id(mesh, record)
    allocation, why = seen.allocation, "the group has no virtual network, and its hub has address pools"
    steps: list[NetworkStep] = []
    if normal_id(group) not in {normal_id(r.id) for r in seen.resources}:
        steps.append(PutSecurityGroup(group, location, why))
    subnets = subnets_of(allocation.prefix, address_size)
    steps.append(PutNetwork(network, location, (allocation.prefix,), subnets, group, why))
    ids = {normal_id(i): i for i in (*owned, *(s.id for s in steps))}
    return Made(tuple(steps), tuple(ids.values()))


def remove(record: NodeRecord, seen: Observation) -> Made:
    """What is left of a network of ours once nothing connects it: it goes unless somebody uses it, then its group."""
    owned = _still_there(record, seen)
    ours = {normal_id(i) for i in owned}
    networks = [n for n in seen.networks if normal_id(n.id) in ours]
    if used := [n for n in networks if _uses(n)]:
        return Made(owned=owned, findings=(_in_use(used[0]),))
    why = "Meshplane made it for the node, and nothing uses it"
    leaving = {normal_id(n.id) for n in networks}
    groups = [i for i in owned if normal_id(i) not in leaving]
    steps: list[NetworkStep] = [DeleteNetwork(n.id, why) for n in networks]
    return Made((*steps, *(DeleteSecurityGroup(i, why) for i in groups)), owned)


def gone(mesh: Mesh, record: NodeRecord, seen: Observation) -> bool:
    """Whether the network that the record has a prefix for is not there."""
    return not any(same_id(n.id, network_id(mesh, record)) for n in seen.networks)


def no_address(error: MeshError) -> Finding:
    """Why a node without a network gets none."""
    message = f"The group has no virtual network, and gets none from the pools: {error.message.rstrip('.')}."
    return Finding(CONNECTED, error.reason, message)


def _still_there(record: NodeRecord, seen: Observation) -> tuple[str, ...]:
    there = {normal_id(r.id) for r in seen.resources} | {normal_id(n.id) for n in seen.networks}
    return tuple(i for i in record.made if normal_id(i) in there)


def _uses(network: VirtualNetwork) -> bool:
    return bool(network.peerings) or any(s.ip_configurations or s.private_endpoints for s in network.subnets)


def _in_use(network: VirtualNetwork) -> Finding:
    message = (
        f"{network.id}, which Meshplane made, is still in use and stays, with its addresses: it goes once nothing"
        " uses it."
    )
    return Finding(READY, "NetworkInUse", message, "info")


def _provider(record: NodeRecord) -> str:
    return f"{record.key.group_id}/providers/Microsoft.Network"
