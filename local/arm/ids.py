"""Azure resource ids: parsed once, compared without regard to case, kept as the caller spelled them."""

from dataclasses import dataclass
from typing import Self

_SUBSCRIPTIONS = "subscriptions"
_GROUPS = "resourcegroups"
_PROVIDERS = "providers"


@dataclass(frozen=True, slots=True)
class ResourceId:
    """`/subscriptions/S[/resourceGroups/G]/providers/N/t1/n1[/t2/n2...]`, or an extension of such an id.

    For an extension (`.../vaults/kv/providers/Microsoft.Insights/diagnosticSettings/x`) `scope` is what it
    extends, and `provider`, `types` and `names` are the extension's own.
    """

    text: str
    scope: str
    subscription: str
    group: str | None
    provider: str
    types: tuple[str, ...]
    names: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """None unless `text` names one resource (a type without a name is a collection, not a resource)."""
        parts = text.strip("/").split("/")
        lowered = [part.lower() for part in parts]
        if _PROVIDERS not in lowered or lowered[0] != _SUBSCRIPTIONS:
            return None
        split = len(lowered) - 1 - lowered[::-1].index(_PROVIDERS)
        rest = parts[split + 1 :]
        if len(rest) < 3 or len(rest) % 2 == 0 or not all(parts):
            return None
        group = parts[3] if split >= 4 and lowered[2] == _GROUPS else None
        scope = "/" + "/".join(parts[:split])
        return cls(
            "/" + "/".join(parts), scope, parts[1], group, rest[0], tuple(rest[1::2]), tuple(rest[2::2])
        )

    @property
    def key(self) -> str:
        return self.text.lower()

    @property
    def type(self) -> str:
        return "/".join((self.provider, *self.types))

    @property
    def name(self) -> str:
        return self.names[-1]

    @property
    def parent(self) -> "ResourceId | None":
        """The enclosing resource of a child (`virtualNetworks/v` of `virtualNetworks/v/subnets/s`)."""
        if len(self.types) < 2:
            return None
        return ResourceId(
            self.text.rsplit("/", 2)[0],
            self.scope,
            self.subscription,
            self.group,
            self.provider,
            self.types[:-1],
            self.names[:-1],
        )

    @property
    def relative(self) -> str:
        """`Microsoft.Network/virtualNetworks/v`: how messages name a resource within its group."""
        pairs = (part for pair in zip(self.types, self.names, strict=True) for part in pair)
        return "/".join((self.provider, *pairs))

    def spelled(self, group: str, type_: str) -> "ResourceId":
        """The same id as Azure spells it: the group as it was created, the type as the provider names it."""
        provider, *types = type_.split("/")
        pairs = (part for pair in zip(types, self.names, strict=True) for part in pair)
        scope = group_id(self.subscription, group)
        text = "/".join((scope, "providers", provider, *pairs))
        return ResourceId(text, scope, self.subscription, group, provider, tuple(types), self.names)

    def child(self, type_: str, name: str) -> "ResourceId":
        return ResourceId(
            f"{self.text}/{type_}/{name}",
            self.scope,
            self.subscription,
            self.group,
            self.provider,
            (*self.types, type_),
            (*self.names, name),
        )


def group_id(subscription: str, group: str) -> str:
    return f"/subscriptions/{subscription}/resourceGroups/{group}"


def group_of(text: str) -> str | None:
    """The resource group that an id lies in, or is."""
    parts = text.strip("/").split("/")
    return parts[3] if len(parts) > 3 and parts[2].lower() == _GROUPS else None


def subscription_of(text: str) -> str:
    """The subscription that an id lies in, empty for ids of the tenant."""
    parts = text.strip("/").split("/")
    return parts[1] if len(parts) > 1 and parts[0].lower() == _SUBSCRIPTIONS else ""
