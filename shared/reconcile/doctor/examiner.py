"""Asks the ports what the other modules judge. Reads only."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

import msgspec

from shared.domain.errors import MeshError, Transient
from shared.domain.examination import Area, Setup, Trouble, gravest_first
from shared.domain.permissions import Permission
from shared.ports import Clock, DeadLetters, NodeStore, ResourceManager
from shared.ports.mesh import AddressBook, EdgeStore, HubStore
from shared.reconcile.doctor import freshness, roles
from shared.reconcile.doctor.freshness import MOST_COUNTED, OVERDUE, Counted, Late
from shared.reconcile.doctor.setup import facts_of, of_setup

PATIENCE_SECONDS = 20.0
MOST_GROUPS = 50
"""So many nodes' groups are asked about, where their subscription does not allow what is needed."""


class Examined(msgspec.Struct, frozen=True):
    """What was read of the settings, and everything that was found, the gravest first."""

    at: datetime
    settings: dict[str, str]
    troubles: tuple[Trouble, ...]


class _Due(Protocol):
    def due(self, before: datetime) -> AsyncIterator[object]: ...


class Doctor:
    """Examines the deployment that it runs in; `role_folder` holds the roles of its identity."""

    def __init__(
        self,
        setup: Setup,
        arm: ResourceManager,
        nodes: NodeStore,
        edges: EdgeStore,
        hubs: HubStore,
        addresses: AddressBook,
        dead_letters: DeadLetters,
        clock: Clock,
        role_folder: Path,
    ) -> None:
        self._setup = setup
        self._arm = arm
        self._nodes = nodes
        self._edges = edges
        self._hubs = hubs
        self._addresses = addresses
        self._dead_letters = dead_letters
        self._clock = clock
        self._role_folder = role_folder

    async def examine(self) -> Examined:
        """What could not be asked is among the findings: nothing that fails keeps the rest from being told."""
        found = await asyncio.gather(
            self._rights(),
            self._asked("freshness", "nodes' due times", self._late("nodes", self._nodes)),
            self._asked("freshness", "edges' due times", self._late("edges", self._edges)),
            self._asked("freshness", "dead letters", self._letters()),
            self._asked("freshness", "nodes", self._not_ready()),
            self._asked("freshness", "edges", self._failed()),
            self._asked("freshness", "hubs", self._hubs_and_pools()),
        )
        troubles = [*of_setup(self._setup), *(trouble for each in found for trouble in each)]
        return Examined(self._clock.now(), facts_of(self._setup), tuple(gravest_first(troubles)))

    async def overdue(self) -> timedelta:
        """For how long some node or edge has been due at least, by the steps of OVERDUE; zero where none is late."""
        now, late = self._clock.now(), timedelta()
        for since, _ in reversed(OVERDUE):
            if not (await _any(self._nodes.due(now - since)) or await _any(self._edges.due(now - since))):
                break
            late = since
        return late

    async def _rights(self) -> list[Trouble]:
        try:
            known = roles.read_roles(self._role_folder)
        except FileNotFoundError:
            return [roles.ROLES_ABSENT, roles.NOT_ASKED]
        scopes = roles.scopes_of(self._setup.mesh, known)
        found = await asyncio.gather(*map(self._rights_at, scopes))
        return [*(trouble for each in found for trouble in each), roles.NOT_ASKED]

    async def _rights_at(self, scope: roles.Scope) -> list[Trouble]:
        try:
            held = await self._permissions(scope.id)
            lacking = roles.lacking(scope, held)
            if lacking and scope.within:
                lacking = roles.lacking(scope, held, await self._permissions(scope.within))
        except MeshError as error:
            return [roles.not_told(scope.id, str(error))]
        if not lacking:
            return []
        return [await self._missing(scope, lacking)]

    async def _missing(self, scope: roles.Scope, lacking: Sequence[str]) -> Trouble:
        """What a subscription lacks, each node's group in it may allow: that is less, and works for these."""
        subscription = scope.id.removeprefix("/subscriptions/")
        groups = [] if scope.within or "/" in subscription else await self._groups(subscription)
        needed = msgspec.structs.replace(scope, actions=tuple(lacking))
        for group in groups:
            try:
                if roles.lacking(needed, await self._permissions(group)):
                    return roles.missing(scope, lacking)
            except MeshError:
                return roles.missing(scope, lacking)
        return roles.only_in_groups(scope, lacking, len(groups)) if groups else roles.missing(scope, lacking)

    async def _groups(self, subscription: str) -> list[str]:
        try:
            page = await self._nodes.list(size=MOST_COUNTED)
        except MeshError:
            return []
        keys = [node.key for node in page.items if node.key.subscription == subscription]
        return [key.group_id for key in keys[:MOST_GROUPS]]

    async def _permissions(self, scope: str) -> Sequence[Permission]:
        """Raises MeshError."""
        return await _in_time(self._arm.list_permissions(scope))

    async def _asked(self, area: Area, subject: str, asked: Awaitable[Iterable[Trouble]]) -> list[Trouble]:
        """What a question brought, or that it could not be answered."""
        try:
            return list(await _in_time(asked))
        except MeshError as error:
            return [
                Trouble(
                    area=area,
                    severity="error",
                    code="NotTold",
                    subject=subject,
                    what=f"It could not be read: {error}",
                    remedy="See whether the dependencies answer; the app's log says more.",
                )
            ]

    async def _late(self, kind: str, store: _Due) -> list[Trouble]:
        """The oldest keys that are due, by how late the latest of the steps finds any."""
        now = self._clock.now()
        for since, severity in OVERDUE:
            keys: list[str] = []
            async for key in store.due(now - since):
                keys.append(str(key))
                if len(keys) > MOST_COUNTED:
                    break
            if keys:
                more = len(keys) > MOST_COUNTED
                return [freshness.of_late(Late(kind, since, severity, tuple(keys[:MOST_COUNTED]), more))]
        return []

    async def _letters(self) -> Iterable[Trouble]:
        page = await self._dead_letters.list(size=MOST_COUNTED)
        kinds = [letter.kind for letter in page.items]
        return freshness.of_letters(Counted.of(kinds, more=bool(page.continuation)))

    async def _not_ready(self) -> Iterable[Trouble]:
        page = await self._nodes.list(state="NotReady", size=MOST_COUNTED)
        return freshness.of_nodes(Counted.of([n.reason for n in page.items], more=bool(page.continuation)))

    async def _failed(self) -> Iterable[Trouble]:
        page = await self._edges.list(state="Failed", size=MOST_COUNTED)
        return freshness.of_edges(Counted.of([e.reason for e in page.items], more=bool(page.continuation)))

    async def _hubs_and_pools(self) -> Iterable[Trouble]:
        hubs = await self._hubs.list()
        pools = dict.fromkeys(pool for hub in self._setup.mesh.hubs for pool in hub.pools)
        usages = [await self._addresses.usage(pool) for pool in pools]
        return [*freshness.of_hubs(hubs), *freshness.of_pools(usages)]


async def _any(keys: AsyncIterator[object]) -> bool:
    async for _ in keys:
        return True
    return False


async def _in_time[T](asked: Awaitable[T]) -> T:
    """Raises Transient where it takes too long."""
    try:
        return await asyncio.wait_for(asked, PATIENCE_SECONDS)
    except TimeoutError:
        raise Transient("TimedOut", f"no answer within {PATIENCE_SECONDS:.0f} s") from None
