"""What a request for an edge may say. Pure: whether its nodes exist is looked up elsewhere."""

import math
import re

import msgspec

from shared.domain.edge import EdgeRecord, EdgeRequest, Interface
from shared.domain.errors import Terminal
from shared.domain.ids import NodeKey, same_id, type_of
from shared.domain.mesh import Terms as Terms

TEXT_LIMIT = 500  # characters of a purpose or a reason
ID_LIMIT = 2048
SHORTEST_DAYS = 0.00069  # a minute, as people write it in days

# A resource of a group: a type with its name, and children; no second `/providers/` (an extension of it), no dots that
# lead upwards, and nothing that would mean something in an address.
_NAME = r"(?!\.+(?:/|$))[\w.()-]+"
_IN_GROUP = re.compile(
    rf"(?a:/subscriptions/[0-9a-f-]{{36}}/resourcegroups/)[^/]+(?a:/providers/[a-z0-9.]+)"
    rf"(?:(?a:/(?!providers/)[a-z0-9]+/){_NAME})+/?",
    re.IGNORECASE,
)

_SERVICE = re.compile(r".*?/providers/[^/]+/[^/]+/[^/]+", re.IGNORECASE)

TYPES: dict[Interface, tuple[str, ...]] = {
    "sql": ("microsoft.sql/servers", "microsoft.sql/managedinstances"),
    "storage": ("microsoft.storage/storageaccounts",),
    "eventhub": ("microsoft.eventhub/namespaces",),
    "synapse": ("microsoft.synapse/workspaces",),
    "peering": ("microsoft.network/virtualnetworks",),
}
"""What the target of an interface may be, or a child of; `resource` takes every type."""


def checked(request: EdgeRequest, terms: Terms) -> EdgeRequest:
    """The request as it may be stored.

    Raises Terminal whose reason names what is wrong: `SameNode`, `TargetRequired`, `TargetInvalid`,
    `TargetOutsideProvider`, `InterfaceMismatch`, `PurposeRequired`, `TextTooLong`, `VolumeInvalid`, `LeaseInvalid`.
    """
    if request.consumer == request.provider:
        raise Terminal("SameNode", "A node needs no edge to itself: name two nodes.")
    _check_target(request)
    if not math.isfinite(request.gigabytes) or request.gigabytes < 0:
        raise Terminal("VolumeInvalid", "gigabytes must be a number of 0 or more: the volume of a month.")
    check_days(request.lease_days, terms)
    purpose = text_of(request.purpose, "PurposeRequired", "Say in `purpose` what the edge is for.")
    return msgspec.structs.replace(request, purpose=purpose)


def check_days(days: float, terms: Terms) -> None:
    """Raises Terminal (`LeaseInvalid`)."""
    if not SHORTEST_DAYS <= days <= terms.longest_days:
        raise Terminal(
            "LeaseInvalid", f"A lease is of a minute ({SHORTEST_DAYS} days) to {terms.longest_days} days."
        )


def text_of(text: str, missing: str, message: str) -> str:
    """A text as it came, but for halves of characters, which UTF-8 cannot hold.

    Raises Terminal (`missing`, or `TextTooLong`).
    """
    if not text.strip():
        raise Terminal(missing, message)
    if len(text) > TEXT_LIMIT:
        raise Terminal("TextTooLong", f"It has {len(text)} characters; at most {TEXT_LIMIT} are kept.")
    return text.encode(errors="replace").decode()


def service_of(target: str) -> str:
    """The resource that has endpoints and rules: of a database its server, of a container its account."""
    found = _SERVICE.match(target)
    return found.group() if found else target.rstrip("/")


def keeps_name(edge: EdgeRecord, zone: str, target: str) -> bool:
    """Whether an edge's route keeps the name of a target (a service's id) in a private zone."""
    zones = edge.route.zones if edge.route else ()
    return any(same_id(z, zone) for z in zones) and same_id(service_of(edge.request.target), target)


def _check_target(request: EdgeRequest) -> None:
    if not request.target:
        if request.interface == "peering":
            return
        raise Terminal("TargetRequired", f"An edge of {request.interface} leads to a resource: name its id.")
    if len(request.target) > ID_LIMIT or not _IN_GROUP.fullmatch(request.target):
        raise Terminal("TargetInvalid", "target must be the id of a resource in the provider's group.")
    if NodeKey.containing(request.target) != request.provider:
        message = (
            f"target lies outside {request.provider}: edges lead to resources of the provider's group only."
        )
        raise Terminal("TargetOutsideProvider", message)
    types = TYPES.get(request.interface, ())
    kind = type_of(request.target)
    if types and not any(kind == t or kind.startswith(f"{t}/") for t in types):
        message = f"{request.interface} leads to {' or '.join(types)}, not to {kind}."
        raise Terminal("InterfaceMismatch", message)
