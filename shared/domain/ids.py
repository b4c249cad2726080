"""Identities: resource ids as Resource Manager writes them, and the keys that are reconciled.

Resource Manager compares names without regard to case and returns ids in varying case
(`resourcegroups`, `MICROSOFT.NETWORK`), so every comparison here is on the lower-cased form and
the original spelling is kept for display.
"""

import re
from typing import Self
from unicodedata import category

import msgspec

# ASCII: without it `ſ` is an `s` here, and nowhere in Azure.
_GROUP_SCOPE = re.compile(r"^/subscriptions/([^/]+)/resourcegroups/([^/]+)(?:/|$)", re.IGNORECASE | re.ASCII)
_LONGEST_GROUP_NAME = 90
_SUBSCRIPTION_SCOPE = re.compile(r"^/subscriptions/[0-9a-f-]{36}(?:/(?!resourcegroups/)|$)", re.IGNORECASE)
_SUBSCRIPTION = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE | re.ASCII)


class NodeKey(msgspec.Struct, frozen=True, order=True):
    """A resource group as something to reconcile; both parts are lower case.

    Written `node/<subscription>/<group>`.
    """

    subscription: str
    group: str

    @classmethod
    def of(cls, subscription: str, group: str) -> Self:
        """The key of a group in any spelling.

        Raises:
            ValueError: not a subscription id, or not a name that Resource Manager would accept.
        """
        if not _SUBSCRIPTION.fullmatch(subscription):
            raise ValueError(f"{subscription!r} is not a subscription id")
        if not _is_group_name(group):
            raise ValueError(f"{group!r} is not a resource group name")
        return cls(subscription.lower(), group.lower())

    @classmethod
    def parse(cls, text: str) -> Self:
        """The key written as `node/<subscription>/<group>`.

        Raises:
            ValueError: another shape.
        """
        parts = text.split("/")
        if len(parts) != 3 or parts[0] != "node":
            raise ValueError(f"{text!r} is not a node key")
        return cls.of(parts[1], parts[2])

    @classmethod
    def containing(cls, resource_id: str) -> Self | None:
        """The key of the group that a resource id lies in, or None where it lies in none."""
        match = _GROUP_SCOPE.match(resource_id)
        if not match:
            return None
        try:
            return cls.of(match.group(1), match.group(2))
        except ValueError:
            return None

    @property
    def group_id(self) -> str:
        """The group's resource id, lower-cased names."""
        return f"/subscriptions/{self.subscription}/resourceGroups/{self.group}"

    def __str__(self) -> str:
        return f"node/{self.subscription}/{self.group}"


class EdgeKey(msgspec.Struct, frozen=True, order=True):
    """An edge as something to reconcile. Written `edge/<id>`."""

    id: str

    def __str__(self) -> str:
        return f"edge/{self.id}"


class HubKey(msgspec.Struct, frozen=True, order=True):
    """A hub as something to reconcile. Written `hub/<id>`."""

    id: str

    def __str__(self) -> str:
        return f"hub/{self.id}"


class AlertKey(msgspec.Struct, frozen=True, order=True):
    """An alert as something to look at. Written `alert/<id>`."""

    id: str

    def __str__(self) -> str:
        return f"alert/{self.id}"


type Key = NodeKey | EdgeKey | HubKey | AlertKey

_NAMED_KEY = re.compile(r"(edge|hub|alert)/([^/]+)")
_NAMED: dict[str, type[EdgeKey | HubKey | AlertKey]] = {"edge": EdgeKey, "hub": HubKey, "alert": AlertKey}


def parse_key(text: str) -> Key:
    """The key that a work item, a dead letter or a history names.

    Raises:
        ValueError: no key.
    """
    match = _NAMED_KEY.fullmatch(text)
    if match is None:
        return NodeKey.parse(text)
    return _NAMED[match[1]](match[2])


def _is_group_name(name: str) -> bool:
    """Resource Manager's rule: letters with their marks, digits, underscore, parentheses, hyphen, period."""
    allowed = all(c in "_().-" or category(c) in ("Nd", "Pc") or category(c)[0] in "LM" for c in name)
    # Azure folds case letter by letter. A letter whose lower case is two would come back as another name, and one whose
    # lower case belongs to another letter (the Kelvin sign's is `k`) would be taken for another group.
    folds = len(name.lower()) == len(name) and name.lower().upper() == name.upper()
    return allowed and folds and 0 < len(name) <= _LONGEST_GROUP_NAME and not name.endswith(".")


def lies_above_groups(resource_id: str) -> bool:
    """Whether an id names a subscription, or something that belongs to one rather than to a group."""
    return bool(_SUBSCRIPTION_SCOPE.match(resource_id))


def same_id(left: str, right: str) -> bool:
    """Whether two resource ids name one resource, in any case and with or without a trailing slash."""
    return normal_id(left) == normal_id(right)


def normal_id(resource_id: str) -> str:
    """The form of a resource id that may be compared and used as a dictionary key."""
    return resource_id.rstrip("/").lower()


def name_of(resource_id: str) -> str:
    """The last segment, in its original spelling."""
    return resource_id.rstrip("/").rsplit("/", 1)[-1]


def type_of(resource_id: str) -> str:
    """The full resource type, such as `microsoft.sql/servers/databases`, lower case.

    Of an extension resource, the type of the extension.
    """
    after = normal_id(resource_id).rpartition("/providers/")[2]
    segments = after.split("/")
    return "/".join([segments[0], *segments[1::2]])


def observed_resource(resource_id: str) -> str:
    """The resource that an extension such as a diagnostic setting is attached to; itself where it is none."""
    head, separator, _ = normal_id(resource_id).rpartition("/providers/microsoft.insights/")
    return head if separator and "/providers/" in head else normal_id(resource_id)
