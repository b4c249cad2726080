"""The tag schema: the only place that knows which tags make a node and what they may say.

Azure limits a tag value to 256 characters and compares tag names without regard to case.
"""

import re
from collections.abc import Mapping
from hashlib import sha256

import msgspec

from shared.domain.conditions import TAGS_VALID, Finding

NODE = "mesh-node"
DOMAIN = "mesh-domain"
ENVIRONMENT = "mesh-environment"
OWNER = "mesh-owner"
NETWORK = "mesh-network"
TELEMETRY = "mesh-telemetry"
ADDRESS_SIZE = "mesh-address-size"

NETWORKS = ("hub", "mesh", "endpoints", "sandbox", "none")
TELEMETRIES = ("logs", "logs+stream", "logs+archive", "all")
WITHHELD = "(an address, not recorded)"
DATABRICKS = "databricks"
ADDRESS_SIZES = (*(str(bits) for bits in range(16, 29)), DATABRICKS)
DEFAULT_ADDRESS_SIZE = "24"

_OURS = frozenset({NODE, DOMAIN, ENVIRONMENT, OWNER, NETWORK, TELEMETRY, ADDRESS_SIZE})
_NAME = re.compile(r"\w[\w .-]{0,63}")
_OBJECT_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)
_NAME_RULE = (
    "1 to 64 letters, digits, spaces, hyphens, underscores or periods, starting with a letter or digit"
)


class NodeTags(msgspec.Struct, frozen=True):
    """What a group's tags ask for. A value that is invalid is None here and a finding beside: never guessed.

    `owner_id` is what an actor's identities are compared with: empty where the owner is a free text. `address_size`
    is one of `ADDRESS_SIZES`.
    """

    product: str | None
    domain: str | None
    owner: str | None
    network: str | None
    telemetry: str | None
    owner_id: str = ""
    environment: str | None = ""
    address_size: str | None = DEFAULT_ADDRESS_SIZE


def is_node(tags: Mapping[str, str]) -> bool:
    """Whether a group with these tags is to be a node, even if a value is wrong."""
    return any(name.lower() == NODE for name in tags)


def is_ours(name: str) -> bool:
    """Whether a tag is one of the schema's, whatever its value."""
    return name.lower() in _OURS


def read_tags(tags: Mapping[str, str]) -> tuple[NodeTags, list[Finding]]:
    """What the tags ask for, and a finding for each value that is not allowed."""
    values = {name.lower(): value.strip() for name, value in tags.items()}
    findings: list[Finding] = []

    def named(tag: str) -> str | None:
        value = values.get(tag, "")
        if _NAME.fullmatch(value) or (tag != NODE and not value):
            return value
        findings.append(_invalid(tag, value, _NAME_RULE))
        return None

    def chosen(tag: str, allowed: tuple[str, ...], default: str = "") -> str | None:
        value = values.get(tag, default or allowed[0])
        if value.lower() in allowed:
            return value.lower()
        findings.append(_invalid(tag, value, "one of " + ", ".join(allowed)))
        return None

    owner = values.get(OWNER, "")
    parsed = NodeTags(
        product=named(NODE),
        domain=named(DOMAIN),
        environment=named(ENVIRONMENT),
        owner=WITHHELD if "@" in owner else named(OWNER),
        network=chosen(NETWORK, NETWORKS),
        telemetry=chosen(TELEMETRY, TELEMETRIES),
        owner_id=_owner_id(owner),
        address_size=chosen(ADDRESS_SIZE, ADDRESS_SIZES, DEFAULT_ADDRESS_SIZE),
    )
    return parsed, findings


def _owner_id(owner: str) -> str:
    """An object id as it is, of an address nothing but its digest."""
    if "@" in owner:
        return sha256(owner.lower().encode(errors="replace")).hexdigest()
    return owner.lower() if _OBJECT_ID.fullmatch(owner) else ""


def _invalid(tag: str, value: str, allowed: str) -> Finding:
    value = WITHHELD if "@" in value else repr(value)
    message = f"Tag {tag} has the value {value}; allowed: {allowed}. Correct the tag on the resource group."
    return Finding(TAGS_VALID, "InvalidTag", message)
