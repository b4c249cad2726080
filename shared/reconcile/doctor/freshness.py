"""How far behind the mesh is, and what it gave up. Pure."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta

import msgspec

from shared.domain.addresses import PoolUsage
from shared.domain.examination import Gravity, Trouble
from shared.domain.hub import HubRecord

OVERDUE: tuple[tuple[timedelta, Gravity], ...] = (
    (timedelta(hours=1), "error"),
    (timedelta(minutes=15), "warning"),
    (timedelta(minutes=5), "note"),
)
"""A key is due, enqueued within a minute, and looked at when its turn comes: longer than this is late."""
FULL = 0.9
MOST_COUNTED = 1000


class Counted(msgspec.Struct, frozen=True):
    """How many there are, by what; `more` where there are more than were counted."""

    by: dict[str, int]
    more: bool = False

    @classmethod
    def of(cls, names: Sequence[str], *, more: bool = False) -> "Counted":
        return cls(dict(Counter(names).most_common()), more)

    @property
    def total(self) -> str:
        number = sum(self.by.values())
        return f"more than {number}" if self.more else str(number)

    def __str__(self) -> str:
        return ", ".join(f"{number} {name}" for name, number in self.by.items())


class Late(msgspec.Struct, frozen=True):
    """So many keys of a kind have been due for longer than `since`."""

    kind: str
    since: timedelta
    severity: Gravity
    keys: tuple[str, ...]
    more: bool = False


def of_late(late: Late) -> Trouble:
    """Keys that are overdue."""
    number = f"more than {len(late.keys)}" if late.more else str(len(late.keys))
    minutes = int(late.since.total_seconds() // 60)
    return _trouble(
        late.severity,
        "KeysOverdue",
        late.keys[0],
        f"Overdue for more than {minutes} minutes: {number} {late.kind}.",
        "See that the timer runs (MESH_RESYNC_SCHEDULE, and that the app is not stopped), and how many messages wait in"
        " the queue; after a long stop it passes by itself.",
    )


def of_letters(letters: Counted) -> Iterator[Trouble]:
    """Dead letters, by kind."""
    if letters.by:
        yield _trouble(
            "warning",
            "DeadLetters",
            "dead letters",
            f"{letters.total} could not be handled and wait for somebody: {letters}.",
            "Read their reasons, mend what they name, then replay them.",
        )


def of_nodes(reasons: Counted) -> Iterator[Trouble]:
    """Nodes that are NotReady, by reason."""
    if reasons.by:
        yield _trouble(
            "warning",
            "NodesNotReady",
            "nodes",
            f"{reasons.total} nodes are NotReady: {reasons}.",
            "Each says in its conditions what to do (docs/conditions.md).",
        )


def of_edges(reasons: Counted) -> Iterator[Trouble]:
    """Edges that Failed, by reason."""
    if reasons.by:
        yield _trouble(
            "warning",
            "EdgesFailed",
            "edges",
            f"{reasons.total} edges Failed: {reasons}.",
            "Each says in its conditions what to do (docs/edges.md).",
        )


def of_hubs(hubs: Sequence[HubRecord]) -> Iterator[Trouble]:
    """Hubs that are full, nearly full, or not well."""
    for hub in hubs:
        if hub.state == "NotReady":
            reason = next((c.reason for c in hub.conditions if c.type == "Ready"), "")
            yield _trouble(
                "error",
                "HubNotReady",
                hub.key.id,
                f"The hub is NotReady: {reason}.",
                "It says in its conditions what to do (docs/conditions.md).",
            )
        if hub.capacity and hub.used >= FULL * hub.capacity:
            yield _trouble(
                "warning",
                "HubNearlyFull",
                hub.key.id,
                f"{hub.used} of {hub.capacity} peerings are taken.",
                "Name another hub for the region, and move nodes to it.",
            )


def of_pools(pools: Sequence[PoolUsage]) -> Iterator[Trouble]:
    """Address pools that are nearly given out."""
    for pool in pools:
        if pool.addresses and pool.allocated >= FULL * pool.addresses:
            yield _trouble(
                "warning",
                "PoolNearlyFull",
                pool.pool,
                f"{pool.allocated} of {pool.addresses} addresses are given out.",
                "Name another prefix in the hub's `pools`.",
            )


def _trouble(severity: Gravity, code: str, subject: str, what: str, remedy: str) -> Trouble:
    return Trouble(area="freshness", severity=severity, code=code, subject=subject, what=what, remedy=remedy)
