"""Coverage, alerts, silences, dead letters and named queries, as people see them over HTTP."""

from datetime import datetime
from urllib.parse import quote, urlencode

import msgspec

from demo.api import DeadLetter, HistoryItem, MeshApi
from demo.people import Person


class Sink(msgspec.Struct, frozen=True):
    """How many resources are to report to a kind of sink, and how many do."""

    kind: str
    wanted: int
    covered: int


class Counts(msgspec.Struct, frozen=True):
    """Resources that report all they should, of those that can."""

    supported: int
    covered: int
    sinks: list[Sink]


class Resource(msgspec.Struct, frozen=True):
    """One resource that was looked at; `covers` are the kinds of sink that get what they should."""

    id: str
    covers: list[str]


class CategoryVolume(msgspec.Struct, frozen=True):
    """What one category comes to in a day; a gigabyte is 10^9 bytes."""

    category: str
    gigabytes_a_day: float
    records_a_day: float


class Volume(msgspec.Struct, frozen=True):
    """What a node's telemetry comes to, measured on so many days."""

    days: int
    gigabytes_a_day: float
    categories: list[CategoryVolume]


class NodeCoverage(msgspec.Struct, frozen=True):
    """What of a node reports where, and how much that is."""

    counts: Counts
    resources: list[Resource]
    cost: Volume


class MeshCoverage(msgspec.Struct, frozen=True):
    """All nodes; `complete` are those of which everything reports that can."""

    nodes: int
    complete: int
    counts: Counts


class Alert(msgspec.Struct, frozen=True):
    """One alert, however many records raised it."""

    id: str
    rule: str
    severity: str
    state: str
    title: str
    resource: str
    count: int
    silenced_by: str


class AlertDetail(Alert, frozen=True):
    """One alert with what became of it; `waiting` are handlers still to be told."""

    reason: str
    waiting: list[dict[str, object]]
    history: list[HistoryItem]


class Silence(msgspec.Struct, frozen=True):
    """Until when alerts of a rule at a node are told to nobody."""

    id: str
    rule: str
    until: datetime
    ended: bool


class Answer(msgspec.Struct, frozen=True):
    """What a named query found."""

    rows: list[dict[str, str | int | float | bool | None]]


class TelemetryApi:
    """Every method raises ApiFailed. Groups are resource groups of the one subscription."""

    def __init__(self, api: MeshApi, subscription: str) -> None:
        self._api = api
        self._subscription = subscription

    def coverage(self, group: str) -> NodeCoverage:
        path = f"/api/nodes/{self._node(group)}/coverage"
        return msgspec.json.decode(self._api.request("GET", path), type=NodeCoverage)

    def mesh_coverage(self) -> MeshCoverage:
        return msgspec.json.decode(self._api.request("GET", "/api/coverage"), type=MeshCoverage)

    def alerts(self, group: str) -> list[Alert]:
        return list(self._api.pages("/api/alerts", {"node": self._node(group)}, Alert))

    def alert(self, alert: str) -> AlertDetail:
        return msgspec.json.decode(self._api.request("GET", f"/api/alerts/{alert}"), type=AlertDetail)

    def acknowledge(self, person: Person, alert: str, reason: str) -> None:
        self._api.request("POST", f"/api/alerts/{alert}/acknowledge", {"reason": reason}, person=person)

    def silence(self, person: Person, group: str, rule: str, until: datetime, reason: str) -> Silence:
        """Keeps alerts of a rule at a group's node quiet."""
        body = {"node": self._node(group), "rule": rule, "until": until, "reason": reason}
        return msgspec.json.decode(
            self._api.request("POST", "/api/silences", body, person=person), type=Silence
        )

    def silences(self) -> list[Silence]:
        return list(self._api.pages("/api/silences", {}, Silence))

    def dead_letters(self) -> list[DeadLetter]:
        return list(self._api.pages("/api/deadletters", {"kind": "telemetry"}, DeadLetter))

    def replay(self, letter: str) -> None:
        """Has what could not be handled handled again."""
        self._api.request("POST", f"/api/deadletters/{quote(letter, safe='')}/replay")

    def query(self, name: str, group: str, hours: int) -> Answer:
        """What a named query of the last hours finds of a node."""
        asked = urlencode({"hours": hours, "node": f"node/{self._node(group)}"})
        return msgspec.json.decode(self._api.request("GET", f"/api/telemetry/{name}?{asked}"), type=Answer)

    def _node(self, group: str) -> str:
        return f"{self._subscription}/{quote(group)}"
