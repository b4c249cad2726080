"""Which rights a node's connection needs, and whether Meshplane's identity has them, before anything is written.

Azure stays the judge: what could not be read counts as allowed, and a refusal says what else was missing.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import msgspec

from shared.domain.conditions import CONNECTED, Finding
from shared.domain.errors import MeshError
from shared.domain.ids import NodeKey, normal_id
from shared.domain.permissions import Known, Permission, allowed
from shared.domain.plan import DeletePeering, PutPeering, Step
from shared.domain.steps import PutNetwork, PutSecurityGroup
from shared.ports import Clock, ResourceManager
from shared.reconcile.preflight import LINKED, RIGHTS_MISSING

KEPT = timedelta(minutes=10)
DOUBTED = timedelta(seconds=5)
"""For so long an answer counts by which something is missing: whoever grants it then asks for another look."""
MOST_KEPT = 1000
_NETWORKS = "Microsoft.Network/virtualNetworks"
_PEERINGS = f"{_NETWORKS}/virtualNetworkPeerings"
_GROUPS = "Microsoft.Network/networkSecurityGroups"


class Need(msgspec.Struct, frozen=True, order=True):
    """An action, and the group in which it has to be allowed, or the resource (empty where that is yet to be made)."""

    action: str
    group: str
    resource: str = ""

    @property
    def subscription(self) -> str:
        """The id of the subscription that the group lies in."""
        return self.group.lower().partition("/resourcegroups/")[0]


def needs_of(steps: Iterable[Step]) -> list[Need]:
    """What the steps need that make a network and its peerings; of others nothing is asked beforehand.

    A peering takes a right on either network ("Create, change, or delete a virtual network peering", permissions).
    """
    found: list[Need] = []
    for step in steps:
        match step:
            case PutPeering():
                found += _on(f"{_PEERINGS}/write", step.id.rsplit("/", 2)[0])
                found += _on(f"{_NETWORKS}/{LINKED}", step.remote_network)
            case DeletePeering():
                found += _on(f"{_PEERINGS}/delete", step.id.rsplit("/", 2)[0])
            case PutSecurityGroup():
                found += _on(f"{_GROUPS}/write", step.id, made=True)
            case PutNetwork():
                found += _on(f"{_NETWORKS}/write", step.id, made=True)
                found += _on(f"{_GROUPS}/join/action", step.id, made=True)
    return sorted(set(found))


def missing(needs: Iterable[Need], known: Known) -> list[Finding]:
    """One finding for each group in which something is not allowed, with all that is not."""
    lacking: dict[str, list[str]] = defaultdict(list)
    for need in needs:
        if _lacks(need, known):
            lacking[need.group].append(need.action)
    return [
        Finding(
            CONNECTED,
            RIGHTS_MISSING,
            f"Meshplane's identity lacks rights on {group}, for {', '.join(actions)}: assign it the mesh's role there"
            " (docs/rights.md), then POST .../reconcile.",
        )
        for group, actions in lacking.items()
    ]


class Rights:
    """Reads what the identity may do where something is to be written; one for each process, since that is kept."""

    def __init__(self, arm: ResourceManager, clock: Clock) -> None:
        self._arm = arm
        self._clock = clock
        self._kept: dict[str, tuple[datetime, tuple[Permission, ...] | None]] = {}
        self._reading: dict[str, asyncio.Lock] = {}

    async def known(self, needs: Sequence[Need]) -> Known:
        """One read for each subscription, whose roles hold in all its groups; one for each group where these alone do
        not allow it, and one for each resource where its group does not.
        """
        wide = await self._all({n.subscription for n in needs}, ())
        narrow = [n for n in needs if not allowed(wide.get(normal_id(n.subscription), ()), n.action)]
        found = await self._all({n.group for n in narrow}, narrow)
        doubtful = [n for n in narrow if n.resource and not _allowed(found, n.group, n.action)]
        return found | await self._all({n.resource for n in doubtful}, doubtful)

    async def _all(self, scopes: Iterable[str], needs: Sequence[Need]) -> dict[str, tuple[Permission, ...]]:
        """By scope; those are left out that could not be read. What lacks one of the `needs` is read again soon."""
        listed = sorted(scopes)
        read = await asyncio.gather(
            *(self._at(s, [n.action for n in needs if s in (n.group, n.resource)]) for s in listed)
        )
        return {normal_id(s): r for s, r in zip(listed, read, strict=True) if r is not None}

    async def _at(self, scope: str, actions: Sequence[str]) -> tuple[Permission, ...] | None:
        name = normal_id(scope)
        async with self._reading.setdefault(name, asyncio.Lock()):
            at, kept = self._kept.get(name, (None, None))
            enough = kept is None or all(allowed(kept, action) for action in actions)
            if at is None or self._clock.now() - at >= (KEPT if enough else DOUBTED):
                kept = await self._read(scope)
                self._keep(name, kept)
        return kept

    async def _read(self, scope: str) -> tuple[Permission, ...] | None:
        try:
            return tuple(await self._arm.list_permissions(scope))
        except MeshError:
            return None  # not even that may be read, or not now: the write itself will tell

    def _keep(self, name: str, permissions: tuple[Permission, ...] | None) -> None:
        now = self._clock.now()
        if len(self._kept) >= MOST_KEPT:
            self._kept = {n: kept for n, kept in self._kept.items() if now - kept[0] < KEPT}
            self._reading = {n: lock for n, lock in self._reading.items() if n in self._kept or lock.locked()}
        self._kept[name] = (now, permissions)


def _on(action: str, resource: str, *, made: bool = False) -> list[Need]:
    key = NodeKey.containing(resource)
    return [Need(action, key.group_id, "" if made else resource)] if key else []


def _lacks(need: Need, known: Known) -> bool:
    if _allowed(known, need.group, need.action):
        return False
    return not (need.resource and _allowed(known, need.resource, need.action))


def _allowed(known: Known, scope: str, action: str) -> bool:
    """What is not known is allowed."""
    permissions = known.get(normal_id(scope))
    return permissions is None or allowed(permissions, action)
