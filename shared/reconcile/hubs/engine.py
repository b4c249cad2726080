"""Reconciling one hub: observe, decide, act, record. The same laws as for nodes: `shared.reconcile.engine`."""

import logging
from collections.abc import Awaitable, Callable
from datetime import datetime

import msgspec

from shared.domain.errors import MeshError, NotFound
from shared.domain.hub import HubRecord
from shared.domain.ids import HubKey, NodeKey
from shared.domain.mesh import Mesh
from shared.domain.network import Hub
from shared.domain.node import LastRun
from shared.ports.network import Azure
from shared.reconcile.act import Actor
from shared.reconcile.calling import Caller
from shared.reconcile.claim import KeyClaim
from shared.reconcile.engine_parts import Running, Stores
from shared.reconcile.hubs.attempt import HubAttempt
from shared.reconcile.hubs.claim import HubClaim
from shared.reconcile.hubs.decision import HubDecision, decide, needs
from shared.reconcile.hubs.observation import observe
from shared.reconcile.hubs.settle import exhausted, given_up
from shared.reconcile.journal import entry_of, key_letter, key_letter_id
from shared.reconcile.keyed import KeyEngine
from shared.reconcile.rights import Rights

log = logging.getLogger(__name__)

type Bump = Callable[[NodeKey, str], Awaitable[object]]
"""Has a node looked at again."""
OUT_OF_STEP = "its peering on the hub is out of step"


class HubEngine(KeyEngine[HubKey, HubRecord]):
    """Reconciles hubs; one for each process."""

    def __init__(self, mesh: Mesh, arm: Azure, stores: Stores, running: Running, bump: Bump) -> None:
        super().__init__(stores.hubs, stores.dead_letters, running)
        clock, timing = running.clock, running.timing
        self._mesh = mesh
        self._arm = arm
        self._hubs = stores.hubs
        self._nodes = stores.nodes
        self._edges = stores.edges
        self._history = stores.history
        self._bump = bump
        self._rights = Rights(arm, clock)
        caller = Caller(stores.nodes, stores.queue, clock)
        self._actor = Actor(arm, stores.leases, caller.call, clock, timing)

    def claim(self, run: str) -> KeyClaim[HubKey, HubRecord]:
        return HubClaim(self._hubs, self._clock, self._timing, run)

    async def known(self, key: HubKey) -> HubRecord | None:
        """None for a hub that the mesh does not have."""
        if self._mesh.hub(key.id) is None:
            return None
        return await self._hubs.get(key) or HubRecord(key=key, cause="configured")

    def is_due(self, record: HubRecord, now: datetime) -> bool:
        """Also where it was called for its turn."""
        return record.queued or super().is_due(record, now)

    async def plan(self, key: HubKey) -> HubDecision:
        """What a run would do now, without doing it. Raises what Azure answers; NotFound for a hub of another mesh."""
        hub = self._hub(key)
        return await self._look(hub, await self._hubs.get(key) or HubRecord(key=key))

    def given_up(self, record: HubRecord, reason: str) -> HubRecord:
        return given_up(record, reason, self._clock.now(), self._timing)

    def _hub(self, key: HubKey) -> Hub:
        hub = self._mesh.hub(key.id)
        if hub is None:
            raise NotFound("HubUnknown", "MESH_HUBS names no such hub.", target=str(key))
        return hub

    async def _look(self, hub: Hub, record: HubRecord) -> HubDecision:
        now = self._clock.now()
        seen = await observe(self._arm, self._nodes, self._edges, self._mesh, hub, record, now)
        permissions = await self._rights.known(needs(self._mesh, hub, seen))
        seen = msgspec.structs.replace(seen, permissions=permissions)
        return decide(self._mesh, hub, seen, record, self._clock.now())

    async def visit(
        self,
        record: HubRecord,
        claim: KeyClaim[HubKey, HubRecord],
        last_run: Callable[[str], LastRun],
    ) -> HubRecord:
        hub = self._hub(record.key)
        configured = msgspec.structs.replace(record, network=hub.network, capacity=hub.capacity)
        attempt = HubAttempt(
            configured,
            claim,
            lambda current: self._look(hub, current),
            self._arm,
            self._actor,
            self._running,
        )
        await attempt.make()
        left = await self._recorded(record, attempt, last_run(attempt.outcome), claim)
        for node in attempt.out_of_step:
            await self._touched(node)
        return left

    async def _recorded(
        self,
        before: HubRecord,
        attempt: HubAttempt,
        last_run: LastRun,
        claim: KeyClaim[HubKey, HubRecord],
    ) -> HubRecord:
        now = self._clock.now()
        record = msgspec.structs.replace(attempt.record, last_run=last_run)
        if record.letter and record.state == "Ready":
            await self._dead_letters.remove(key_letter_id(record.key))
            record = msgspec.structs.replace(record, letter=False)
        if exhausted(record, self._timing):
            reason = str(attempt.error) if attempt.error else "Azure did not finish."
            record = given_up(record, reason, now, self._timing)
            await self._dead_letters.add(key_letter(record.key, reason, now))
        entry = entry_of(before, record, attempt.performed, now, last_run)
        if entry:
            await self._history.append(entry)
        return await claim.finish(record)

    async def _touched(self, node: NodeKey) -> None:
        """A node that is not told finds it at its own resync."""
        try:
            await self._bump(node, OUT_OF_STEP)
        except MeshError as error:
            log.warning("%s is not told that %s: %s", node, OUT_OF_STEP, error.reason)
