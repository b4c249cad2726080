"""Request bodies. Unknown members are refused, so that nobody believes in an option that does nothing."""

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from shared.domain.edge import Exposure, Interface
from shared.domain.edge_request import SHORTEST_DAYS

type NodeName = Annotated[
    str, Meta(max_length=160, description="A node: `<subscription>/<group>`.", examples=["b0…01/sales"])
]
type Reason = Annotated[
    str, Meta(min_length=1, max_length=500, pattern=r"\S", description="Why, for the history.")
]
type Days = Annotated[
    float, Meta(ge=SHORTEST_DAYS, le=3650, description="Days, down to a minute.", examples=[90, 0.5])
]


class EdgeAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A consumer node asks for a connection to a provider node.

    `target` is the id of a resource in the provider's group; of a `peering` it may be empty. `part` names one of
    several that a target has, such as `blob` or `dfs` of a storage account. `gigabytes` is the volume expected in a
    month. Without `exposure` the least exposing way that works is chosen.
    """

    consumer: NodeName
    provider: NodeName
    interface: Interface
    target: Annotated[str, Meta(max_length=2048)] = ""
    part: Annotated[str, Meta(max_length=80)] = ""
    purpose: Annotated[str, Meta(max_length=500)] = ""
    gigabytes: Annotated[float, Meta(ge=0, le=10_000_000)] = 0.0
    lease_days: Days = 90
    exposure: Exposure | None = None


class Decision(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A decision about an edge or an alert."""

    reason: Reason


class SilenceAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Alerts to keep quiet: of a node, of a rule, or of a rule at a node; `until` is a time with its zone."""

    node: Annotated[str, Meta(max_length=160, description="A node: `<subscription>/<group>`.")] = ""
    rule: Annotated[str, Meta(pattern="^([a-z][a-z0-9-]{0,63})?$", description="The name of a rule.")] = ""
    until: Annotated[datetime, Meta(tz=True, description="When it ends, within 366 days.")]
    reason: Reason


class Extension(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A longer lease: so many days after its present end, up to the longest that a lease may last from now."""

    reason: Reason
    lease_days: Days


class Move(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The hub that a node is to be moved to."""

    hub: Annotated[str, Meta(min_length=1, max_length=80)]
