"""Edges as people ask for them, decide about them and see them over HTTP."""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from demo.api import Condition, HistoryItem, MeshApi
from demo.people import OPERATOR, Person


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """What a team asks for; nodes are `<subscription>/<group>`."""

    consumer: str
    provider: str
    interface: str
    target: str
    purpose: str
    gigabytes: float
    lease_days: float


class Route(msgspec.Struct, frozen=True):
    """How an edge is carried; the cost is in US dollars."""

    exposure: str
    why: str
    monthly_cost: float


class Verdict(msgspec.Struct, frozen=True):
    """Who decided: an object id, or an approval rule's name."""

    by: str
    at: datetime


class Told(HistoryItem, frozen=True):
    """One change, with the calls of the run that made it."""

    reads: int
    writes: int


class Edge(msgspec.Struct, frozen=True):
    """One edge in full."""

    id: str
    consumer: str
    provider: str
    interface: str
    state: str
    requested_at: datetime
    verdict: Verdict | None
    route: Route | None
    active_at: datetime | None
    expires_at: datetime | None
    addresses: list[str]
    names: list[str]
    conditions: list[Condition]
    history: list[Told]

    def told(self, change: str) -> Told | None:
        """The change that says so, if the history has it."""
        return next((entry for entry in self.history if any(change in c for c in entry.changes)), None)


class EdgeApi:
    """Every method raises ApiFailed."""

    def __init__(self, api: MeshApi) -> None:
        self._api = api

    def ask(self, person: Person, ask: Ask, key: str) -> Edge:
        """Asks for an edge; `key` is the same for each try of the one request."""
        return self._send("POST", "/api/edges", ask, person, {"Idempotency-Key": key})

    def get(self, edge: str) -> Edge:
        return self._send("GET", f"/api/edges/{edge}", None, OPERATOR)

    def approve(self, person: Person, edge: str, reason: str) -> Edge:
        return self._send("POST", f"/api/edges/{edge}/approve", {"reason": reason}, person)

    def extend(self, person: Person, edge: str, reason: str, days: float) -> Edge:
        body = {"reason": reason, "lease_days": days}
        return self._send("POST", f"/api/edges/{edge}/extend", body, person)

    def ids(self, consumer: str) -> list[str]:
        """The ids of the edges that a node has asked for."""
        return [item.id for item in self._api.pages("/api/edges", {"consumer": consumer}, _Item)]

    def _send(
        self, method: str, path: str, body: object, person: Person, headers: Mapping[str, str] | None = None
    ) -> Edge:
        answer = self._api.request(method, path, body, person=person, headers=headers)
        return msgspec.json.decode(answer, type=Edge)


class _Item(msgspec.Struct, frozen=True):
    id: str
