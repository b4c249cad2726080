"""Room for private endpoints in networks that are peered with each other, of which Azure takes some 4,000.

The hub's look counts those that there are, as far as its nodes' records know. What is made between two looks is counted
in the hub's row as well: an edge takes a place there before it makes one, so that many at once do not pass the limit.
"""

import msgspec

from shared.domain.artefacts import contains, is_endpoint
from shared.domain.edge import EdgeRecord, Route
from shared.domain.errors import Conflict, Waiting
from shared.domain.hub import ComingEndpoint, HubRecord, digest_of
from shared.domain.ids import HubKey
from shared.domain.node import NodeRecord
from shared.ports import Clock
from shared.ports.mesh import HubStore
from shared.reconcile.preflight import ENDPOINTS_ACROSS

PEERED = ("hub", "sandbox")
"""Network options that peer a node with its hub."""
ATTEMPTS = 8
"""To take a place: each that fails is somebody else's that succeeded."""


class Room:
    """Reads hubs' rows, and writes places into them. Raises what the store answers."""

    def __init__(self, hubs: HubStore, clock: Clock) -> None:
        self._hubs = hubs
        self._clock = clock

    async def across(self, record: EdgeRecord, consumer: NodeRecord) -> int:
        """The private endpoints that there are or will be, but for what this edge is to make; none where the consumer
        is peered with no hub."""
        hub = await self._hub(consumer)
        return _others(hub, record) if hub else 0

    async def taken(self, record: EdgeRecord, route: Route | None, consumer: NodeRecord) -> bool:
        """Takes a place for the endpoint of a route, unless the edge has it already; whether there was one.

        Raises Waiting where too many take one at once.
        """
        if route is None or not is_endpoint(route.artefact) or contains(record.owned, route.artefact):
            return True
        for _ in range(ATTEMPTS):
            hub = await self._hub(consumer)
            if hub is None or any(c.stands_for(route.artefact) for c in hub.coming):
                return True
            if _others(hub, record) >= ENDPOINTS_ACROSS:
                return False
            place = ComingEndpoint(digest_of(route.artefact), record.key, consumer.key, self._clock.now())
            try:
                await self._hubs.save(msgspec.structs.replace(hub, coming=(*hub.coming, place)))
            except Conflict:
                continue
            return True
        raise Waiting(
            "Contended", "Too many write to this hub's record at once.", target=f"hub/{consumer.hub}"
        )

    async def _hub(self, consumer: NodeRecord) -> HubRecord | None:
        """None where nobody has counted yet, too."""
        if consumer.network not in PEERED or not consumer.hub:
            return None
        return await self._hubs.get(HubKey(consumer.hub))


def _others(hub: HubRecord, record: EdgeRecord) -> int:
    return hub.endpoints + sum(c.edge != record.key for c in hub.coming)
