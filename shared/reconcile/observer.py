"""Looking at a key: what Azure holds and what is to be done about it. Writes nothing."""

from collections.abc import Awaitable, Callable, Sequence
from itertools import batched

import msgspec

from shared.domain.ids import normal_id
from shared.domain.mesh import Mesh, Timing
from shared.domain.node import NodeRecord
from shared.ports import Clock, Group, Resource, ResourceManager
from shared.reconcile.decision import Decision, decide, hub_of, is_member, to_look_at
from shared.reconcile.former import elsewhere
from shared.reconcile.observation import (
    CategoryCache,
    Look,
    observe_diagnostics,
    observe_former,
    observe_group,
    throttled,
)

CONCURRENT_READS = 8  # resources whose settings are read at once, and before the lease is looked at


class Observer:
    """Observes and decides; one for each process, since categories are kept."""

    def __init__(self, mesh: Mesh, arm: ResourceManager, clock: Clock, timing: Timing) -> None:
        self._mesh = mesh
        self._arm = arm
        self._clock = clock
        self._timing = timing
        self._categories = CategoryCache(arm, clock)

    async def look(self, record: NodeRecord, keep_lease: Callable[[], Awaitable[None]]) -> Decision:
        """What to do about a key now. Raises what Azure answers, and what `keep_lease` raises meanwhile."""

        def hub_network(group: Group | None) -> str:
            hub = hub_of(self._mesh, record, group)
            return hub.network if hub else ""

        def concerns_us(group: Group | None) -> bool:
            return is_member(group) or bool(record.hub or record.coverage)

        seen = await observe_group(self._arm, record.key, hub_network, concerns_us)
        if (hub := hub_of(self._mesh, record, seen.group)) and concerns_us(seen.group):
            others = elsewhere(self._mesh.name, record, seen.networks, hub)
            seen = await observe_former(self._arm, seen, others)
        wanted = to_look_at(self._mesh, record, seen, self._clock.now(), self._timing)
        diagnostics = await self._diagnostics(wanted, keep_lease)
        seen = msgspec.structs.replace(seen, diagnostics=diagnostics)
        return decide(self._mesh, record, seen, self._clock.now())

    async def _diagnostics(
        self, wanted: Sequence[Resource], keep_lease: Callable[[], Awaitable[None]]
    ) -> dict[str, Look]:
        """What came of looking at the resources; once Azure throttles, what is left is not asked for."""
        looks: dict[str, Look] = {}
        for some in batched(wanted, CONCURRENT_READS, strict=False):
            await keep_lease()
            looks |= await observe_diagnostics(self._arm, self._categories, some)
            if error := throttled(looks):
                return {normal_id(r.id): error for r in wanted} | looks
        return looks
