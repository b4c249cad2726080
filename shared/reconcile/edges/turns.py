"""Turns at an artefact: edges that share one neither make it while another takes it away, nor the other way round."""

import logging
from collections.abc import Sequence
from hashlib import sha256

from shared.domain.artefacts import together
from shared.domain.edge import EdgeRecord
from shared.domain.edge_request import service_of
from shared.domain.errors import MeshError, Waiting
from shared.domain.ids import normal_id
from shared.domain.mesh import Timing
from shared.ports import Leases, WorkItem, WorkQueue

log = logging.getLogger(__name__)


class Turns:
    """The turns of one run; they outlast it where an operation runs on, and run out by themselves."""

    def __init__(self, leases: Leases, queue: WorkQueue, timing: Timing) -> None:
        self._leases = leases
        self._queue = queue
        self._timing = timing
        self._held: dict[str, str] = {}

    async def taken(self, record: EdgeRecord) -> bool:
        """Whether it is the edge's turn at all that stands for it; if not, it waits in line."""
        owner = str(record.key)
        for name in sorted(_names(_all_of(record))):
            if not await self._leases.acquire(name, owner, 2 * self._timing.lease):
                await self.give_back()
                return False
            self._held[name] = owner
        return True

    def cover(self, record: EdgeRecord) -> bool:
        """Whether the turns at all that stands for an edge are ours."""
        return _names(_all_of(record)) <= set(self._held)

    async def give_back(self) -> None:
        """Lets the next edge have its turns. One that cannot be given back runs out."""
        held, self._held = self._held, {}
        for name, owner in held.items():
            try:
                following = await self._leases.release(name, owner)
                if following:
                    item = WorkItem(following.owner, "its turn at an artefact")
                    await self._queue.enqueue(item, delay=following.delay)
            except MeshError as error:
                log.warning("the turn at %s waits to run out: %s", name, error.reason)

    def busy(self, record: EdgeRecord) -> Waiting:
        """Why an edge waits for its turn."""
        message = "Another edge that shares what stands for this one is at work on it."
        return Waiting("ArtefactBusy", message, target=str(record.key))


def _all_of(record: EdgeRecord) -> tuple[str, ...]:
    """Its artefacts; and the target's name in each zone, which edges of other consumers may want as well."""
    if record.route is None:
        return record.owned
    target = service_of(record.request.target)
    artefact = (record.route.artefact,) if record.route.artefact else ()
    return together(artefact, record.owned, tuple(f"{zone}#names={target}" for zone in record.route.zones))


def _names(artefacts: Sequence[str]) -> set[str]:
    return {f"artefact/{sha256(normal_id(a).encode()).hexdigest()[:24]}" for a in artefacts}
