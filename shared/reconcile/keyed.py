"""How a key of any kind gets its run: one at a time, when it is due, and again where something came meanwhile."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import cast

import msgspec

from shared.domain.calls import Calls, counted_calls
from shared.domain.errors import Conflict, Waiting
from shared.domain.ids import Key
from shared.domain.mesh import Timing
from shared.domain.node import LastRun
from shared.domain.run import Run, current_run
from shared.ports import DeadLetters
from shared.reconcile.claim import SAVE_ATTEMPTS, Claimable, KeyClaim, LeaseLost, Records
from shared.reconcile.engine_parts import Running
from shared.reconcile.journal import key_letter

log = logging.getLogger(__name__)

EARLY = timedelta(seconds=1)  # the queue's clock and ours differ a little
QUEUED_SECONDS = 900.0  # looks further away are left to the resync timer


class Result(msgspec.Struct, frozen=True):
    """When to look at the key again, in seconds; None where nobody has to before its row says so."""

    requeue_after: float | None = None


class KeyEngine[K: Key, R: Claimable](ABC):
    """What the engines of all kinds of keys have in common; one of each for each process."""

    def __init__(self, records: Records[K, R], dead_letters: DeadLetters, running: Running) -> None:
        self._records = records
        self._dead_letters = dead_letters
        self._running = running
        self._clock = running.clock
        self._timing = running.timing

    @abstractmethod
    def claim(self, run: str) -> KeyClaim[K, R]:
        """What holds the record of one key for one run."""

    @abstractmethod
    async def visit(self, record: R, claim: KeyClaim[K, R], last_run: Callable[[str], LastRun]) -> R | None:
        """One run for a key whose lease is held, up to its record; None where no row is left.

        `last_run` tells what the run did so far, given the word for how it ended. Raises LeaseLost.
        """

    @abstractmethod
    def given_up(self, record: R, reason: str) -> R:
        """The record of a key that is not tried again before the next resync, a command, or a replay."""

    async def known(self, key: K) -> R | None:
        """The record of a key, also of one that has none yet; None where there is nothing to look at."""
        return await self._records.get(key)

    def is_due(self, record: R, now: datetime) -> bool:
        """Whether a run is worth it: an event came since the last one, or its time has come."""
        if record.generation != record.observed_generation:
            return True
        return record.next_due is not None and record.next_due <= now + EARLY

    async def told(self, before: R, after: R) -> None:
        """Tells others what they have to know of a key that was given up."""
        del before, after

    async def reconcile(self, key: K) -> Result:
        """One run for a key, or the time at which one may be worth it.

        Errors of Azure end in the record; only a failing store raises.
        """
        record = await self.known(key)
        return await self.begin(record) if record else Result()

    async def begin(self, record: R) -> Result:
        """As `reconcile`, for a key whose record has just been read."""
        key, now = cast(K, record.key), self._clock.now()
        if record.lease and record.lease.until > now:
            return Result((record.lease.until - now).total_seconds() + self._running.draw.random())
        if not self.is_due(record, now):
            return Result()
        if record.not_before and record.not_before > now:
            return Result((record.not_before - now).total_seconds())
        run = self._running.new_run()
        claim = self.claim(run)
        try:
            record = await claim.take(record)
        except Conflict:
            return Result(self._running.draw.random())
        try:
            return await self._counted(record, claim, run)
        except LeaseLost:
            if await claim.cede(key):
                return Result(self._timing.event_delay)
            await self.give_up(key, "Looking at it takes longer than its lease, again and again.")
            return Result()

    async def give_up(self, key: K, reason: str) -> None:
        """Turns a key that the queue gave up into a condition and a dead letter that people see."""
        await self._dead_letters.add(key_letter(key, reason, self._clock.now()))
        for _ in range(SAVE_ATTEMPTS):
            record = await self._records.get(key)
            if record is None:
                return
            try:
                left = await self._records.save(self.given_up(record, reason))
            except Conflict:
                continue
            await self.told(record, left)
            return
        raise Waiting("Contended", "Too many write to this key at once.", target=str(key))

    async def _counted(self, record: R, claim: KeyClaim[K, R], run: str) -> Result:
        calls, started = Calls(), self._clock.now()
        counting = counted_calls.set(calls)
        running = current_run.set(Run(str(record.key), record.generation, run))

        def last_run(outcome: str) -> LastRun:
            seconds = (self._clock.now() - started).total_seconds()
            log.info("%s: %d reads, %d writes, %.1f s", outcome, calls.reads, calls.writes, seconds)
            return LastRun(started, run, outcome, seconds, calls.reads, calls.writes)

        try:
            left = await self.visit(record, claim, last_run)
        finally:
            current_run.reset(running)
            counted_calls.reset(counting)
        return result_of(left, self._clock.now(), self._timing) if left else Result()


def result_of(record: Claimable, now: datetime, timing: Timing) -> Result:
    """When the queue is to bring a key back that was left so."""
    if record.generation != record.observed_generation:
        return Result(timing.event_delay)
    if record.next_due is None:
        return Result()
    delay = max(0.0, (record.next_due - now).total_seconds())
    return Result(delay if delay <= QUEUED_SECONDS else None)
