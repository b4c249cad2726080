"""Reconciling one hub: observe, decide, act, record. The same laws as for nodes: `shared.reconcile.engine`."""

import logging
import random
from collections.abc import Awaitable, Callable
from datetime import datetime

import msgspec

from shared.domain.calls import Calls, counted_calls
from shared.domain.errors import Conflict, MeshError, NotFound, Waiting
from shared.domain.hub import HubRecord
from shared.domain.ids import HubKey, NodeKey
from shared.domain.mesh import Mesh, Timing
from shared.domain.network import Hub
from shared.domain.node import LastRun
from shared.domain.run import Run, current_run
from shared.ports import Clock, DeadLetters, History, Leases, NodeStore, WorkQueue
from shared.ports.mesh import HubStore
from shared.ports.network import Azure
from shared.reconcile.act import Actor
from shared.reconcile.calling import Caller
from shared.reconcile.claim import SAVE_ATTEMPTS, KeyClaim, LeaseLost
from shared.reconcile.engine import EARLY, QUEUED_SECONDS, Result
from shared.reconcile.hubs.attempt import HubAttempt
from shared.reconcile.hubs.decision import HubDecision, decide
from shared.reconcile.hubs.observation import observe
from shared.reconcile.hubs.settle import entry_of, exhausted, given_up, letter_id, letter_of

log = logging.getLogger(__name__)

type Bump = Callable[[NodeKey, str], Awaitable[object]]
"""Has a node looked at again."""
OUT_OF_STEP = "its peering on the hub is out of step"


class HubEngine:
    """Reconciles hubs; one for each process."""

    def __init__(
        self,
        mesh: Mesh,
        arm: Azure,
        hubs: HubStore,
        nodes: NodeStore,
        history: History,
        leases: Leases,
        dead_letters: DeadLetters,
        queue: WorkQueue,
        bump: Bump,
        clock: Clock,
        new_run: Callable[[], str],
        timing: Timing,
        draw: random.Random | None = None,
    ) -> None:
        self._mesh = mesh
        self._arm = arm
        self._hubs = hubs
        self._nodes = nodes
        self._history = history
        self._dead_letters = dead_letters
        self._bump = bump
        self._clock = clock
        self._new_run = new_run
        self._timing = timing
        self._draw = draw or random.Random()
        self._actor = Actor(arm, leases, Caller(nodes, queue, clock).call, clock, timing)

    async def reconcile(self, key: HubKey) -> Result:
        """One run for a hub, or the time at which one may be worth it; nothing for one that the mesh does not have.

        Errors of Azure end in the record; only a failing store raises.
        """
        hub = self._mesh.hub(key.id)
        if hub is None:
            return Result()
        now = self._clock.now()
        record = await self._hubs.get(key) or HubRecord(key=key, cause="configured")
        if record.lease and record.lease.until > now:
            return Result((record.lease.until - now).total_seconds() + self._draw.random())
        if not is_due(record, now):
            return Result()
        if record.not_before and record.not_before > now:
            return Result((record.not_before - now).total_seconds())
        run = self._new_run()
        claim = KeyClaim[HubKey, HubRecord](self._hubs, self._clock, self._timing, run)
        try:
            record = await claim.take(record)
        except Conflict:
            return Result(self._draw.random())
        try:
            left = await self._run(hub, record, claim, run)
        except LeaseLost:
            if await claim.cede(key):
                return Result(self._timing.event_delay)
            await self.give_up(key, "Looking at it takes longer than its lease, again and again.")
            return Result()
        return _result(left, self._clock.now(), self._timing)

    async def plan(self, key: HubKey) -> HubDecision:
        """What a run would do now, without doing it. Raises what Azure answers; NotFound for a hub of another mesh."""
        hub = self._mesh.hub(key.id)
        if hub is None:
            raise NotFound("HubUnknown", "MESH_HUBS names no such hub.", target=str(key))
        return await self._look(hub, await self._hubs.get(key) or HubRecord(key=key))

    async def give_up(self, key: HubKey, reason: str) -> None:
        """Turns a hub that the queue gave up into a condition and a dead letter that people see."""
        now = self._clock.now()
        await self._dead_letters.add(letter_of(key, reason, now))
        for _ in range(SAVE_ATTEMPTS):
            record = await self._hubs.get(key)
            if record is None:
                return
            try:
                await self._hubs.save(given_up(record, reason, now, self._timing))
            except Conflict:
                continue
            return
        raise Waiting("Contended", "Too many write to this key at once.", target=str(key))

    async def _look(self, hub: Hub, record: HubRecord) -> HubDecision:
        seen = await observe(self._arm, self._nodes, self._mesh, hub)
        return decide(self._mesh, hub, seen, record, self._clock.now())

    async def _run(
        self, hub: Hub, record: HubRecord, claim: KeyClaim[HubKey, HubRecord], run: str
    ) -> HubRecord:
        calls, started = Calls(), self._clock.now()
        counting = counted_calls.set(calls)
        running = current_run.set(Run(str(record.key), record.generation, run))
        try:
            configured = msgspec.structs.replace(record, network=hub.network, capacity=hub.capacity)
            attempt = HubAttempt(
                configured,
                claim,
                lambda current: self._look(hub, current),
                self._arm,
                self._actor,
                self._clock,
                self._timing,
                self._draw,
            )
            await attempt.make()
            seconds = (self._clock.now() - started).total_seconds()
            last_run = LastRun(started, run, attempt.outcome, seconds, calls.reads, calls.writes)
            log.info("%s: %d reads, %d writes, %.1f s", attempt.outcome, calls.reads, calls.writes, seconds)
            left = await self._recorded(record, attempt, last_run, claim)
        finally:
            current_run.reset(running)
            counted_calls.reset(counting)
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
            await self._dead_letters.remove(letter_id(record.key))
            record = msgspec.structs.replace(record, letter=False)
        if exhausted(record, self._timing):
            reason = str(attempt.error) if attempt.error else "Azure did not finish."
            record = given_up(record, reason, now, self._timing)
            await self._dead_letters.add(letter_of(record.key, reason, now))
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


def is_due(record: HubRecord, now: datetime) -> bool:
    """Whether a run is worth it: somebody asked for one, its time has come, or it was called for its turn."""
    if record.generation != record.observed_generation or record.queued:
        return True
    return record.next_due is not None and record.next_due <= now + EARLY


def _result(record: HubRecord, now: datetime, timing: Timing) -> Result:
    if record.generation != record.observed_generation:
        return Result(timing.event_delay)
    if record.next_due is None:
        return Result()
    delay = max(0.0, (record.next_due - now).total_seconds())
    return Result(delay if delay <= QUEUED_SECONDS else None)
