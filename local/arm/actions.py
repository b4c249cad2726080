"""The name under which Azure knows what a request does: `Microsoft.Network/virtualNetworks/write`.

The same names appear in role definitions, in the activity log and in Event Grid events.
"""

from dataclasses import dataclass
from typing import Literal

from local.arm.catalog import canonical_type
from local.arm.ids import group_of, subscription_of

type ActionKind = Literal["read", "write", "delete", "action"]

_KINDS: dict[str, ActionKind] = {"PUT": "write", "PATCH": "write", "DELETE": "delete", "POST": "action"}
_WITHOUT_PROVIDER = {
    "": "Microsoft.Resources/subscriptions",
    "resourcegroups": "Microsoft.Resources/subscriptions/resourceGroups",
    "resourcegroups/resources": "Microsoft.Resources/subscriptions/resourceGroups/resources",
    "resources": "Microsoft.Resources/subscriptions/resources",
    "locations": "Microsoft.Resources/subscriptions/locations",
    "operationresults": "Microsoft.Resources/subscriptions/operationresults",
    "providers": "Microsoft.Resources/subscriptions/providers",
    "tagnames": "Microsoft.Resources/subscriptions/tagNames",
}


@dataclass(frozen=True, slots=True)
class Action:
    name: str
    kind: ActionKind
    resource_id: str
    subscription: str
    group: str | None


def action_of(method: str, path: str) -> Action:
    kind = _KINDS.get(method, "read")
    parts = path.strip("/").split("/")
    lowered = [part.lower() for part in parts]
    split = len(lowered) - 1 - lowered[::-1].index("providers") if "providers" in lowered else None
    if split is None or split == len(parts) - 1:
        subject = _WITHOUT_PROVIDER.get(_shape(lowered), "Microsoft.Resources")
        resource_id = path.rstrip("/")
    else:
        rest = parts[split + 1 :]
        if kind == "action":
            # The last segment of a POST is the verb, not a type.
            subject = f"{canonical_type('/'.join((rest[0], *rest[1:-1:2])))}/{rest[-1]}"
            resource_id = path.rstrip("/").rpartition("/")[0]
        else:
            subject = canonical_type("/".join((rest[0], *rest[1::2])))
            resource_id = path.rstrip("/")
    return Action(f"{subject}/{kind}", kind, resource_id, subscription_of(path), group_of(path))


def _shape(lowered: list[str]) -> str:
    """The collections along a path without provider: `resourcegroups/resources`, `` for a subscription."""
    return "/".join(lowered[2::2]) if lowered[0] == "subscriptions" else ""
