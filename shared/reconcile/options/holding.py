"""Live edges that still run over a connection that is to go. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from shared.domain.conditions import CONNECTED, READY, Condition, Finding
from shared.domain.edge import LIVE, EdgeRecord, asked_anew, keeps
from shared.domain.ids import name_of
from shared.domain.naming import edge_peering_prefix

MOVING_MOST = timedelta(hours=1)
"""How long edges may take to be routed anew, or to be revoked, before somebody has to look."""
MOVING, NOT_MOVED, REVOKING = "EdgesMoving", "EdgesNotMoved", "EdgesRevoking"
NAMED = 5


def routed_over(
    edges: Iterable[EdgeRecord], mesh: str, conditions: Sequence[Condition], *, to_hub: bool
) -> list[EdgeRecord]:
    """The edges that would lose their way with the former connection.

    Where the new connection is one with a hub as well (`to_hub`), an edge through the hub has moved once it was
    looked at, and found Active, after the node began to wait for it.
    """
    since = _since(conditions, CONNECTED, (MOVING, NOT_MOVED))
    return [e for e in edges if keeps(e) and _runs_over(e, mesh) and not (to_hub and _moved(e, since))]


def moving(edges: Sequence[EdgeRecord], conditions: Sequence[Condition], now: datetime) -> list[Finding]:
    """That the former connection stays for the sake of edges: as an error once that has lasted too long."""
    if not edges:
        return []
    since = _since(conditions, CONNECTED, (MOVING, NOT_MOVED)) or now
    named = _named(edges)
    if now - since < MOVING_MOST and not _is(conditions, NOT_MOVED):
        message = f"The former connection stays until {named} run over the new one."
        return [Finding(CONNECTED, MOVING, message, "info", waiting=True)]
    message = (
        f"The former connection stays, because {named} still run over it. Re-plan or revoke them, or change the tag"
        " back."
    )
    return [Finding(CONNECTED, NOT_MOVED, message)]


def revoking(edges: Iterable[EdgeRecord], conditions: Sequence[Condition], now: datetime) -> list[Finding]:
    """That a node that leaves keeps its connection while edges are being revoked; not for longer than a while."""
    standing = [e for e in edges if e.state in LIVE and (e.route or e.owned)]
    since = _since(conditions, READY, (REVOKING,)) or now
    if not standing or now - since >= MOVING_MOST:
        return []
    message = f"What the node's connection carries stays until {_named(standing)} are revoked."
    return [Finding(CONNECTED, REVOKING, message, "info", waiting=True)]


def released(before: EdgeRecord, after: EdgeRecord, mesh: str) -> bool:
    """Whether a run has made an edge give up what a node may wait for: its way over a connection, or itself."""
    if before.state in LIVE and after.state not in LIVE:
        return True
    return _runs_over(before, mesh) and not (
        (after.state in ("Approved", "Provisioning") or asked_anew(after)) and _runs_over(after, mesh)
    )


def waits_for_edges(conditions: Sequence[Condition]) -> bool:
    """Whether a node keeps a connection for the sake of edges."""
    return any(c.type == CONNECTED and c.reason in (MOVING, NOT_MOVED, REVOKING) for c in conditions)


def _runs_over(edge: EdgeRecord, mesh: str) -> bool:
    route = edge.route
    if route is None:
        return False
    if edge.state == "Provisioning" and edge.active_at is not None:
        return True  # it is being led another way: its record names the new one before that is there
    own_pair = name_of(route.artefact).lower().startswith(edge_peering_prefix(mesh).lower())
    return route.exposure == "hub" or (route.exposure == "peering" and not own_pair)


def _moved(edge: EdgeRecord, since: datetime | None) -> bool:
    looked = edge.last_run.at if edge.last_run else None
    return since is not None and edge.state == "Active" and looked is not None and looked > since


def _since(conditions: Sequence[Condition], kind: str, reasons: Sequence[str]) -> datetime | None:
    return next((c.since for c in conditions if c.type == kind and c.reason in reasons), None)


def _is(conditions: Sequence[Condition], reason: str) -> bool:
    return any(c.type == CONNECTED and c.reason == reason for c in conditions)


def _named(edges: Sequence[EdgeRecord]) -> str:
    more = f" and {len(edges) - NAMED} more" if len(edges) > NAMED else ""
    return ", ".join(str(e.key) for e in edges[:NAMED]) + more
