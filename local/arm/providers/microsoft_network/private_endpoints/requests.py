"""What a request wants a private endpoint to be, checked against what it wants to connect to."""

from dataclasses import dataclass

from local.arm.documents import JsonObject, as_json, object_in, objects_in, text_in, texts_in
from local.arm.ids import ResourceId
from local.arm.providers.microsoft_network.private_endpoints.errors import (
    group_missing,
    malformed,
    reference_not_found,
    too_many_groups,
    unknown_group,
)
from local.arm.providers.microsoft_network.private_endpoints.models import CONNECTIONS, MANUAL_CONNECTIONS
from local.arm.providers.private_link_targets.connections import APPROVED, PENDING
from local.arm.providers.private_link_targets.table import target_of
from local.arm.store import Store

_SERVICES = "microsoft.network/privatelinkservices"


@dataclass(frozen=True, slots=True)
class Wanted:
    """`groups` is empty for private link services of one's own, which have none."""

    subnet: str
    name: str
    target: str
    groups: tuple[str, ...]
    manual: bool
    message: str

    def connection(self) -> JsonObject:
        """The properties of the connection as the answer to a new endpoint shows them."""
        properties: JsonObject = {"provisioningState": "Succeeded", "privateLinkServiceId": self.target}
        if self.groups:
            properties["groupIds"] = as_json(list(self.groups))
        if self.message:
            properties["requestMessage"] = self.message
        state: JsonObject = {
            "status": PENDING if self.manual else APPROVED,
            "description": "Awaiting Approval" if self.manual else "Auto Approved",
            "actionsRequired": "None",
        }
        return {**properties, "privateLinkServiceConnectionState": state}


def wanted_in(endpoint: ResourceId, body: JsonObject, store: Store) -> Wanted:
    properties = object_in(body, "properties")
    subnet = text_in(object_in(properties, "subnet"), "id")
    if subnet is None:
        raise malformed("Value for reference id is missing. Path properties.subnet.")
    automatic = objects_in(properties, CONNECTIONS)
    manual = objects_in(properties, MANUAL_CONNECTIONS)
    if len(automatic) + len(manual) != 1 or text_in((automatic + manual)[0], "name") is None:
        raise malformed(f"Private endpoint {endpoint.text} must have exactly one connection, with a name.")
    item = (automatic + manual)[0]
    given = object_in(item, "properties")
    wanted = Wanted(
        subnet=subnet,
        name=text_in(item, "name") or "",
        target=text_in(given, "privateLinkServiceId") or "",
        groups=tuple(texts_in(given, "groupIds")),
        manual=bool(manual),
        message=text_in(given, "requestMessage") or "",
    )
    _check_target(endpoint, wanted, store)
    return wanted


def _check_target(endpoint: ResourceId, wanted: Wanted, store: Store) -> None:
    """The target must exist when the endpoint is made; one that has gone since leaves its endpoint Disconnected."""
    identifier = ResourceId.parse(wanted.target)
    connection = f"{endpoint.text}/{MANUAL_CONNECTIONS if wanted.manual else CONNECTIONS}/{wanted.name}"
    if identifier is None:
        raise malformed(f"Value for reference id is missing. Path {connection}.privateLinkServiceId.")
    if identifier.type.lower() == _SERVICES:
        return
    if not wanted.groups:
        raise group_missing(connection)
    if len(wanted.groups) > 1:
        raise too_many_groups(connection, list(wanted.groups), wanted.target)
    resource = store.find(wanted.target)
    if resource is None:
        if store.find(endpoint.text) is None:
            raise reference_not_found(wanted.target, endpoint)
        return
    target = target_of(resource.type)
    if target is not None and target.group(resource, wanted.groups[0]) is None:
        raise unknown_group(resource.type)
