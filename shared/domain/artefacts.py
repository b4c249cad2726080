"""What stands for an edge in Azure, and how its id is written. Pure.

A rule and a service endpoint have no resource id of their own: theirs is that of what they are written into, and
after a mark what is written. Names are deterministic, so that edges that need the same thing share it.
"""

from hashlib import sha256

from shared.domain.ids import NodeKey, name_of, normal_id, same_id

ENDPOINT_NAME_LENGTH = 64
_RULE = "#admits="
_SERVICE = "#service="
_ENDPOINTS = "/providers/microsoft.network/privateendpoints/"
_PEERINGS = "/virtualnetworkpeerings/"
_ZONES = "/providers/microsoft.network/privatednszones/"


def endpoint_id(mesh: str, network: str, target: str, group: str) -> str:
    """The private endpoint of a mesh in a network, to one part of a target; it lies in the network's group."""
    digest = sha256("\n".join(map(normal_id, (network, target, group))).encode()).hexdigest()[:10]
    room = ENDPOINT_NAME_LENGTH - len(f"{mesh}---{group}-{digest}")
    name = f"{mesh}-{name_of(target)[: max(0, min(24, room))].rstrip('.-_')}-{group}-{digest}"
    head = network[: normal_id(network).index("/providers/")]
    return f"{head}/providers/Microsoft.Network/privateEndpoints/{name}"


def zone_group_id(mesh: str, endpoint: str) -> str:
    """The zone group that a mesh owns on an endpoint."""
    return f"{endpoint}/privateDnsZoneGroups/{mesh}"


def own_zone_id(node: NodeKey, name: str) -> str:
    """The private zone that a node has by itself, in its group: a zone's name is the name that it answers for."""
    return f"{node.group_id}/providers/Microsoft.Network/privateDnsZones/{name.lower()}"


def is_own_zone(node: NodeKey, zone: str) -> bool:
    """Whether a private zone lies where a node has its own."""
    return same_id(zone, own_zone_id(node, name_of(zone)))


def rule_id(target: str, subnet: str) -> str:
    """That the network rules of a target let a subnet through."""
    return f"{target}{_RULE}{subnet}"


def service_endpoint_id(subnet: str, service: str) -> str:
    """That a subnet has a service endpoint."""
    return f"{subnet}{_SERVICE}{service}"


def as_rule(artefact: str) -> tuple[str, str] | None:
    """Target and subnet of a rule; None for anything else."""
    target, mark, subnet = artefact.partition(_RULE)
    return (target, subnet) if mark else None


def as_service_endpoint(artefact: str) -> tuple[str, str] | None:
    """Subnet and service of a service endpoint; None for anything else."""
    subnet, mark, service = artefact.partition(_SERVICE)
    return (subnet, service) if mark else None


def is_endpoint(artefact: str) -> bool:
    """Whether it is a private endpoint."""
    return _ENDPOINTS in normal_id(artefact) and as_rule(artefact) is None


def is_zone(artefact: str) -> bool:
    """Whether it is a private zone."""
    return _ZONES in normal_id(artefact)


def is_peering(artefact: str) -> bool:
    """Whether it is one side of a peering."""
    return _PEERINGS in normal_id(artefact)


def network_of(resource: str) -> str:
    """The network that a subnet or a peering belongs to, in its spelling; a network itself stays as it is."""
    normal = normal_id(resource)
    for inside in ("/subnets/", _PEERINGS):
        if inside in normal:
            return resource[: normal.index(inside)]
    return resource


def contains(artefacts: tuple[str, ...], artefact: str) -> bool:
    """Whether an artefact is among some."""
    return any(same_id(each, artefact) for each in artefacts)


def together(*some: tuple[str, ...]) -> tuple[str, ...]:
    """All of them, each once."""
    return tuple({normal_id(each): each for each in reversed([a for part in some for a in part])}.values())[
        ::-1
    ]
