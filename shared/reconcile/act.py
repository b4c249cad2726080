"""Performing a plan: settings side by side, network writes one long operation at a time."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import batched

import msgspec

from shared.domain.calls import hub_waits
from shared.domain.errors import MeshError, Terminal, Waiting
from shared.domain.ids import same_id
from shared.domain.mesh import Timing
from shared.domain.plan import (
    MISSING,
    Accepted,
    NetworkStep,
    Operation,
    Plan,
    PutPeering,
    PutSetting,
    SettingStep,
    Step,
)
from shared.domain.turn import Next
from shared.ports import Clock, Leases
from shared.ports.network import Azure
from shared.reconcile.claim import LeaseLost
from shared.reconcile.options.full_mesh import TURN
from shared.reconcile.steps import write

log = logging.getLogger(__name__)

CONCURRENT_WRITES = 8


class HubBusy(Waiting):
    """Another node's writes are under way on the hub, whose network takes one at a time. Nothing is wrong."""


@dataclass
class Outcome:
    """What came of a plan: the steps that took effect, those that failed and why, and the operation that runs on."""

    done: int
    performed: list[Step] = field(default_factory=list)
    failures: list[tuple[Step, MeshError]] = field(default_factory=list)
    operation: Operation | None = None

    @property
    def queued(self) -> bool:
        """Whether the hub was busy and nothing else is to be tried again: the rest of the plan needs no other look."""
        passing = [e for _, e in self.failures if not isinstance(e, Terminal)]
        return bool(passing) and all(isinstance(e, HubBusy) for e in passing)


class Actor:
    """Performs plans through the ports."""

    def __init__(
        self,
        arm: Azure,
        leases: Leases,
        call: Callable[[Next], Awaitable[None]],
        clock: Clock,
        timing: Timing,
    ) -> None:
        self._arm = arm
        self._leases = leases
        self._call = call
        self._clock = clock
        self._timing = timing
        self._held: dict[tuple[str, str], datetime] = {}

    async def perform(self, plan: Plan, owner: str, keep_lease: Callable[[], Awaitable[None]]) -> Outcome:
        """Performs the steps that remain; `keep_lease` is awaited before writing. Raises LeaseLost."""
        outcome = Outcome(plan.done)
        await self._network(plan, owner, keep_lease, outcome)
        for groups in batched(_by_resource(plan.settings), CONCURRENT_WRITES, strict=False):
            try:
                await keep_lease()
            except LeaseLost:
                raise
            except MeshError as error:
                outcome.failures += [(step, error) for steps in groups for step in steps]
                break
            before = len(outcome.failures)
            await asyncio.gather(*(self._settings(steps, outcome) for steps in groups))
            if any(isinstance(error, Waiting) for _, error in outcome.failures[before:]):
                break  # Azure asks for less: what remains is missing at the next look, and made then
        return outcome

    async def _network(
        self,
        plan: Plan,
        owner: str,
        keep_lease: Callable[[], Awaitable[None]],
        outcome: Outcome,
    ) -> None:
        """The hub stays ours until the plan is done: a write to the node's side locks the hub's network as well."""
        for step in plan.remaining:
            try:
                await keep_lease()
                accepted = await self._write_network(step, plan.hub, owner)
            except LeaseLost:
                raise
            except MeshError as error:
                outcome.failures.append((step, error))
                if not isinstance(error, HubBusy):
                    await self.release(plan.hub, owner, writes=outcome.done + 1, pause=_pause(error))
                return
            outcome.performed.append(step)
            if accepted.url:
                outcome.operation = self._operation(step, plan.hub, accepted)
                return
            outcome.done += 1
        if plan.remaining:
            await self.release(plan.hub, owner, writes=outcome.done)

    async def enter(self, hub: str, owner: str) -> bool:
        """Whether the hub is this node's to write to now, until it is released or left alone for long."""
        now, lease = self._clock.now(), timedelta(seconds=self._timing.lease)
        if not hub or self._held.get((hub, owner), now) > now + lease:
            return True  # asked for a moment ago, and long enough
        if not await self._leases.acquire(_hub(hub), owner, 2 * self._timing.lease):
            return False
        hub_waits.set(True)
        self._held = {k: until for k, until in self._held.items() if until > now} | {
            (hub, owner): now + 2 * lease
        }
        return True

    async def _write_network(self, step: NetworkStep, hub: str, owner: str) -> Accepted:
        if not await self.enter(hub, owner):
            raise hub_busy(step, hub)
        if isinstance(step, PutPeering) and step.most:
            await self._count(step)
        return await write(self._arm, step)

    async def _count(self, step: PutPeering) -> None:
        """Others may have been attached since the plan was made: now that it is this node's turn, none are.

        Raises Waiting where they took the last room; the next look chooses another hub.
        """
        network = await self._arm.get_network(step.id.rsplit("/", 2)[0])
        others = sum(not same_id(p.id, step.id) for p in network.peerings)
        if others >= step.most:
            message = (
                f"{network.id} took its last peering of {step.most} while this node waited for its turn."
            )
            raise Waiting("HubFilled", message, target=step.id)

    async def release(self, hub: str, owner: str, *, writes: int = 0, pause: float = 0.0) -> None:
        """Lets the next node write to a hub; nothing for an empty hub. A lease that cannot be given back runs out."""
        if not hub:
            return
        self._held.pop((hub, owner), None)
        try:
            following = await self._leases.release(_hub(hub), owner, writes=writes, pause=pause)
            if following:
                await self._call(following)
        except MeshError as error:
            log.warning("whoever waits for hub %s is not called: %s", hub, error.reason)

    async def leave(self, hub: str, owner: str) -> None:
        """Gives up a place in line. Where that fails, it is lost once it is called in vain."""
        try:
            following = await self._leases.leave(_hub(hub), owner)
            if following:
                await self._call(following)
        except MeshError as error:
            log.warning("the place in line for hub %s waits to be called in vain: %s", hub, error.reason)

    async def _settings(self, steps: Sequence[SettingStep], outcome: Outcome) -> None:
        """Those of one resource, one after the other: Azure may accept the next only after the one before."""
        for step in steps:
            if not await self._setting(step, outcome):
                return

    async def _setting(self, step: SettingStep, outcome: Outcome) -> bool:
        try:
            if isinstance(step, PutSetting):
                await self._arm.put_diagnostic_setting(step.resource, step.setting)
            else:
                await self._arm.delete_diagnostic_setting(step.resource, step.name)
        except MeshError as error:
            outcome.failures.append((step, error))
            alone = to_workspace(step) if isinstance(error, Terminal) else None
            if alone:
                await self._setting(alone, outcome)
            return False
        outcome.performed.append(step)
        return True

    def _operation(self, step: NetworkStep, hub: str, accepted: Accepted) -> Operation:
        now = self._clock.now()
        return Operation(accepted.url, step.id, now, poll_at(now, accepted.retry_after, self._timing), hub)


def _by_resource(steps: Iterable[SettingStep]) -> list[list[SettingStep]]:
    by: dict[str, list[SettingStep]] = {}
    for step in steps:
        by.setdefault(step.resource, []).append(step)
    return list(by.values())


def to_workspace(step: SettingStep) -> PutSetting | None:
    """What a new setting is without its other sinks; None where that is no less.

    A sink that is gone, or that may not be used, keeps nothing from the workspace.
    """
    if not isinstance(step, PutSetting) or step.why != MISSING or not step.workspace:
        return None
    if not (step.event_hub_rule or step.storage_account):
        return None
    return msgspec.structs.replace(step, event_hub_rule="", event_hub="", storage_account="")


def hub_busy(step: NetworkStep, turn: str) -> HubBusy:
    """Why a step waits for its turn: at a hub, or at what else is written by one at a time."""
    message = f"Another node is being attached to hub {turn}, whose network takes one write at a time."
    if turn == TURN:
        message = "Another pair of the full mesh is being written, and one is written at a time."
    return HubBusy("HubBusy", message, target=step.id)


def _pause(error: MeshError) -> float:
    """Seconds for which a quota is spent; a lock, or our own caution, names a time as well, but refuses nobody else."""
    passing = error.reason.lower().startswith(("retryable", "anotheroperation", "budgetspent"))
    return 0.0 if passing or not isinstance(error, Waiting) else error.retry_after or 0.0


def poll_at(now: datetime, retry_after: float, timing: Timing) -> datetime:
    """When to look at an operation again: when Resource Manager said, else after the default."""
    return now + timedelta(seconds=retry_after or timing.default_poll)


def _hub(hub_id: str) -> str:
    return f"hub/{hub_id}"
