"""What a write to the network provider must satisfy before it is looked at, and what it leaves behind."""

import re
from dataclasses import dataclass

from local.arm.documents import JsonObject, flag_in, object_in, text_in
from local.arm.errors import ArmError, NetworkError
from local.arm.ids import ResourceId
from local.arm.providers.microsoft_network.models import etag_of
from local.arm.store import Resource

_NAME = re.compile(r"\w([\w.\-]{0,78}\w)?")


@dataclass(frozen=True, slots=True)
class Change:
    """A stored write: `settled` when the network itself is as before, which Azure answers as Succeeded at once."""

    resource: Resource
    created: bool
    settled: bool = False


def unchanged(before: JsonObject | None, now: JsonObject) -> bool:
    """Whether a write left the document of a resource as it was; what had failed is provisioned anew all the same."""
    return (
        before is not None
        and before == now
        and text_in(object_in(now, "properties"), "provisioningState") != "Failed"
    )


def check_name(resource: ResourceId) -> None:
    if _NAME.fullmatch(resource.name) is None:
        raise NetworkError(
            400,
            "InvalidResourceName",
            f"Resource name {resource.name} is invalid. The name can be up to 80 characters long. It must begin with "
            "a word character, and it must end with a word character or with '_'. The name may contain word characters "
            "or '.', '-', '_'.",
        )


def check_etag(if_match: str | None, existing: Resource | None, resource: ResourceId) -> None:
    """`If-Match` guards an update; `existing` is what carries the etag."""
    if if_match is None or existing is None or if_match in ("*", etag_of(existing)):
        return
    raise NetworkError(
        412,
        "PreconditionFailed",
        f"Precondition failed. Etag provided in if-match header {if_match} does not match etag {etag_of(existing)} of "
        f"resource {resource.text} in NRP data store.",
    )


def encryption(network: ResourceId, given: JsonObject) -> JsonObject:
    """A network's encryption: whoever switches it on must say what happens to unencrypted traffic."""
    if flag_in(given, "enabled") and "enforcement" not in given:
        raise NetworkError(
            400,
            "MustSpecifyBothEncryptionIntentAndEnforcementPolicy",
            f"Cannot encrypt VirtualNetwork {network.text} unless both encryption intent (Enabled true or false) and "
            "enforcement policy (AllowUnencrypted or DropUnencrypted) are specified.",
        )
    return {"enforcement": "AllowUnencrypted", **given}


def outside(subnet: str, network: str) -> ArmError:
    return NetworkError(
        400,
        "NetcfgSubnetRangeOutsideVnet",
        f"Subnet '{subnet}' is not valid because its IP address range is outside the IP address range of virtual "
        f"network '{network}'.",
    )


def unknown_reference(identifier: str, user: str) -> ArmError:
    return NetworkError(
        400,
        "InvalidResourceReference",
        f"Resource {identifier} referenced by resource {user} was not found. Please make sure that the referenced "
        "resource exists, and that both resources are in the same region.",
    )
