"""What an examination of a deployment looks at and finds. Pure."""

from collections.abc import Iterable
from typing import Literal

import msgspec

from shared.domain.mesh import Mesh

type Gravity = Literal["error", "warning", "note"]
GRAVITIES: tuple[Gravity, ...] = ("error", "warning", "note")
"""`error`: something does not work; `warning`: it may come to that, or is less safe than it could be; `note`: good to
know."""

type Area = Literal["settings", "rights", "reachability", "freshness"]
type Access = Literal["identity", "connection string"]


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """One finding: `code` is one word for programs; what is so, of what, and what to do about it."""

    area: Area
    severity: Gravity
    code: str
    subject: str
    what: str
    remedy: str


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """What the settings say, as far as people may see it: no keys, no addresses that hold one."""

    mesh: Mesh
    platform_authentication: bool
    anyone_asks: bool
    longest_lease_days: int
    approval_rules: int
    webhooks: int
    metrics: bool
    resource_manager: str
    logs: str
    storage: Access
    event_hubs: Access


def gravest_first(troubles: Iterable[Trouble]) -> list[Trouble]:
    """In the order in which people want to read them."""
    return sorted(troubles, key=lambda t: (GRAVITIES.index(t.severity), t.area, t.code, t.subject))
