"""Meshplane's HTTP API as its users call it: with a function key, and nothing but what it documents."""

import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from datetime import datetime
from urllib.parse import quote, urlencode

import msgspec

from demo.people import OPERATOR, Person

SECONDS_FOR_AN_ANSWER = 20.0


class ApiFailed(RuntimeError):
    """The API answered with an error, or not at all: `status` is 0 then.

    `code` is the API's word for the error, `detail` what it says to people.
    """

    def __init__(self, status: int, message: str, code: str = "", detail: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.detail = detail


class NodeItem(msgspec.Struct, frozen=True):
    """One node of the list."""

    group: str
    state: str
    reason: str


class Condition(msgspec.Struct, frozen=True):
    """One observed fact about a node."""

    type: str
    status: str
    reason: str
    message: str = ""


class Peering(msgspec.Struct, frozen=True):
    """One side of a node's connection."""

    id: str
    state: str
    sync_level: str
    owned: bool


class CoverageItem(msgspec.Struct, frozen=True):
    """What is known of one resource's diagnostics."""

    id: str
    status: str
    owned: bool


class Coverage(msgspec.Struct, frozen=True):
    """How many of a node's resources report."""

    resources: int
    supported: int
    covered: int
    items: list[CoverageItem]


class LastRun(msgspec.Struct, frozen=True):
    """What the last run did: its calls to Resource Manager."""

    run: str
    reads: int
    writes: int


class HistoryItem(msgspec.Struct, frozen=True):
    """One change."""

    at: datetime
    cause: str
    changes: list[str]


class Node(msgspec.Struct, frozen=True):
    """One node in full."""

    group: str
    state: str
    generation: int
    observed_generation: int
    ready_at: datetime | None
    last_run: LastRun | None
    conditions: list[Condition]
    peerings: list[Peering]
    coverage: Coverage
    onboarding_reads: int
    onboarding_writes: int
    history: list[HistoryItem]

    @property
    def ready(self) -> Condition:
        """The condition that sums the others up."""
        unknown = Condition("Ready", "Unknown", "NotYetObserved")
        return next((c for c in self.conditions if c.type == "Ready"), unknown)


class Step(msgspec.Struct, frozen=True):
    """One write that a reconcile would perform."""

    action: str
    target: str
    why: str


class Plan(msgspec.Struct, frozen=True):
    """What a reconcile would do now."""

    steps: list[Step]
    findings: list[str]


class DeadLetter(msgspec.Struct, frozen=True):
    """Something that could not be handled."""

    id: str
    kind: str
    reason: str
    source: str


class _Page[T](msgspec.Struct, frozen=True):
    items: list[T]
    continuation: str = ""


class MeshApi:
    """A client for one subscription's nodes. Every method raises ApiFailed."""

    def __init__(self, endpoint: str, function_key: str, subscription: str) -> None:
        self._endpoint = endpoint
        self._key = function_key
        self._subscription = subscription

    def nodes(self) -> list[NodeItem]:
        return list(self.pages("/api/nodes", {}, NodeItem))

    def node(self, group: str) -> Node | None:
        """The node, None where the mesh knows none of that name."""
        try:
            return msgspec.json.decode(self.request("GET", self._path(group)), type=Node)
        except ApiFailed as error:
            if error.status != 404:
                raise
            return None

    def plan(self, group: str) -> Plan:
        """What a reconcile would write now: nothing is written."""
        return msgspec.json.decode(self.request("GET", self._path(group) + "/plan"), type=Plan)

    def reconcile(self, group: str) -> None:
        """Asks for a look at a group and everything in it."""
        self.request("POST", self._path(group) + "/reconcile")

    def _path(self, group: str) -> str:
        return f"/api/nodes/{self._subscription}/{quote(group)}"

    def pages[T](self, path: str, query: dict[str, str], kind: type[T]) -> Iterator[T]:
        """Every item of a list, page by page."""
        continuation = ""
        while True:
            more = {"continuation": continuation} if continuation else {}
            body = self.request("GET", f"{path}?{urlencode({**query, **more})}")
            page = msgspec.json.decode(body, type=_Page[kind])  # type: ignore[valid-type]
            yield from page.items
            continuation = page.continuation
            if not continuation:
                return

    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        person: Person = OPERATOR,
        headers: Mapping[str, str] | None = None,
    ) -> bytes:
        """One request in somebody's name."""
        sent = {"x-functions-key": self._key, **person.headers, **(headers or {})}
        data = None if body is None else msgspec.json.encode(body)
        if data is not None:
            sent["Content-Type"] = "application/json"
        request = urllib.request.Request(self._endpoint + path, data, sent, method=method)
        try:
            with urllib.request.urlopen(request, timeout=SECONDS_FOR_AN_ANSWER) as response:
                content: bytes = response.read()
                return content
        except urllib.error.HTTPError as error:
            with error:
                said = error.read().decode(errors="replace")[:2000]
            problem = _problem_of(said)
            message = f"{method} {path}: {error.code} {said}"
            raise ApiFailed(error.code, message, problem.code, problem.detail) from error
        except OSError as error:
            raise ApiFailed(0, f"{method} {path}: {error}") from error


class _Problem(msgspec.Struct, frozen=True):
    code: str = ""
    detail: str = ""


def _problem_of(body: str) -> _Problem:
    try:
        return msgspec.json.decode(body, type=_Problem)
    except msgspec.DecodeError:
        return _Problem()
