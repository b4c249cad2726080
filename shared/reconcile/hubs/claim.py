"""Holding a hub: edges take places for their private endpoints in its row while a run is under way."""

import msgspec

from shared.domain.hub import HubRecord
from shared.domain.ids import HubKey
from shared.domain.mesh import Timing
from shared.ports import Clock
from shared.ports.mesh import HubStore
from shared.reconcile.claim import KeyClaim


class HubClaim(KeyClaim[HubKey, HubRecord]):
    """The record of a hub while a run holds its lease; a place that was taken meanwhile stays taken."""

    def __init__(self, store: HubStore, clock: Clock, timing: Timing, run: str) -> None:
        super().__init__(store, clock, timing, run)
        self._base: HubRecord | None = None

    async def take(self, record: HubRecord) -> HubRecord:
        self._base = await super().take(record)
        return self._base

    async def save(self, record: HubRecord) -> HubRecord:
        self._base = await super().save(record)
        return self._base

    def arrived(self, mine: HubRecord, current: HubRecord) -> HubRecord:
        base, self._base = self._base or current, current
        more = tuple(place for place in current.coming if place not in base.coming)
        return msgspec.structs.replace(mine, coming=(*mine.coming, *more))
