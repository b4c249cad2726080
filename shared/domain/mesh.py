"""The mesh as it is configured."""

import msgspec

from shared.domain.ids import same_id
from shared.domain.network import Hub
from shared.domain.sinks import CategoryRule, Sink


class Mesh(msgspec.Struct, frozen=True):
    """`name` marks what this mesh owns; `principal` is the object id that its own writes carry, if known."""

    name: str
    hubs: tuple[Hub, ...]
    subscriptions: tuple[str, ...]
    principal: str = ""
    full_mesh: int = 10  # so many nodes may be peered with each other
    sinks: tuple[Sink, ...] = ()  # besides the hubs' workspaces
    categories: tuple[CategoryRule, ...] = ()  # the first that applies decides
    leaving: bool = False  # no group counts as tagged, no hub as a peer: everything is let go of

    def hub(self, hub_id: str) -> Hub | None:
        """The hub of that id."""
        return next((h for h in self.hubs if h.id == hub_id), None)

    def hub_for(self, current: str, location: str) -> Hub | None:
        """The hub a node already has, else the first of those that may serve it."""
        return self.hub(current) or next(iter(self.hubs_for(location)), None)

    def hubs_for(self, location: str) -> tuple[Hub, ...]:
        """The hubs that may serve a region: its own, then those that serve every region."""
        of_region = [h for h in self.hubs if _region(h.region) == _region(location)]
        return (*of_region, *(h for h in self.hubs if not h.region))

    def hub_of_network(self, network_id: str) -> Hub | None:
        """The hub whose network this is."""
        return next((h for h in self.hubs if same_id(h.network, network_id)), None)


def _region(location: str) -> str:
    """A region's name from that or its display name: `West Europe` is `westeurope`."""
    return location.replace(" ", "").lower()


class Timing(msgspec.Struct, frozen=True):
    """How long things take, in seconds; and how often something is tried.

    `event_delay` gathers the events of one deployment into one run. `lease` is how long a dead instance holds a
    key. A healthy node is looked at every `resync`, each resource's settings every `audit`.
    """

    event_delay: float = 3.0
    lease: float = 30.0
    resync: float = 3600.0
    audit: float = 86400.0
    plan_age: float = 120.0
    default_poll: float = 5.0
    backoff_first: float = 2.0
    backoff_most: float = 120.0
    retries: int = 8
    waits: int = 100


class Terms(msgspec.Struct, frozen=True):
    """What leases of edges are like: `longest_days` at once, and `warning` in seconds ahead of their end.

    A request about which nobody has decided in `undecided_days` lapses. With `anyone_asks` a requester need not be of
    the consumer's team.
    """

    longest_days: int = 365
    warning: float = 7 * 86400.0
    undecided_days: int = 30
    anyone_asks: bool = False


RECONCILE_QUEUE = "meshplane-reconcile"
"""The Storage Queue of keys to look at; the platform puts what fails five times on `<name>-poison`."""
