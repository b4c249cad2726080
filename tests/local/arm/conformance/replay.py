"""Sends the requests of one recording to the local Resource Manager and compares the answers."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from local.arm.clock import ManualClock
from local.arm.documents import JsonObject, object_in, objects_in, text_in
from local.arm.operations import LongOperation, OperationsMode
from local.arm.resource_manager import Configuration, ResourceManager
from local.arm.server import create_app
from local.arm.throttling import Limits
from tests.local.arm.conformance.comparison import compare
from tests.local.arm.conformance.declarations import Declarations
from tests.local.arm.conformance.recordings import SUBSCRIPTION, Exchange
from tests.local.arm.conformance.scene import Scene
from tests.local.arm.conformance.subjects import Kind, kind_of, looks_like_poll
from tests.support.local_arm import KEY, Answer, StaticCredential

_FORWARDED = (
    "accept",
    "accept-language",
    "content-type",
    "if-match",
    "if-none-match",
    "prefer",
    "x-ms-client-request-id",
    "x-ms-return-client-request-id",
)
_RUNNING = ("inprogress", "accepted", "running", "updating", "deleting", "creating", "provisioning")
_CONTENTION = (
    "RetryableError",
    "AnotherOperationInProgress",
    "ReferencedResourceNotProvisioned",
    # A zone whose last link is still being deleted.
    "CannotDeleteResource",
)
# Enough reads to end any operation: the replay itself says when one ends, as the recording shows it.
_ENOUGH = 10**9


type Skipped = Literal[
    "not modelled", "no request body recorded", "a page behind a token that only Azure can read"
]


@dataclass(frozen=True, slots=True)
class Outcome:
    """`skipped` says why an exchange was not compared; `undeclared` is what strays from the OpenAPI documents."""

    exchange: Exchange
    kind: Kind | None
    differences: tuple[str, ...] = ()
    skipped: Skipped | None = None
    undeclared: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Poll:
    url: str
    operation: LongOperation | None


@dataclass(slots=True)
class Replay:
    manager: ResourceManager
    client: TestClient[web.Request, web.Application]
    scene: Scene
    timing: bool
    declarations: Declarations
    polls: dict[str, Poll] = field(default_factory=dict)
    # Recorded etags and ours for the same answers: `If-Match` must name what the local one knows.
    etags: dict[str, str] = field(default_factory=dict)

    async def run(self, exchanges: Sequence[Exchange]) -> list[Outcome]:
        return [await self._one(exchange) for exchange in exchanges]

    async def _one(self, exchange: Exchange) -> Outcome:
        poll = self.polls.get(_poll_key(exchange.path))
        kind = kind_of(exchange.method, exchange.host, exchange.path)
        if poll is not None:
            return await self._poll(exchange, poll)
        if kind is None or looks_like_poll(exchange.path):
            self.scene.follow(exchange)
            return Outcome(exchange, None, skipped="not modelled")
        self._end_operations(exchange, kind)
        self.scene.prepare(exchange)
        if exchange.method in ("PUT", "PATCH", "POST") and not exchange.bodies_recorded:
            self.scene.follow(exchange)
            return Outcome(exchange, kind, skipped="no request body recorded")
        if kind == "network resource" and _key(exchange) in self.scene.blind and exchange.method == "GET":
            self.scene.follow(exchange)
            return Outcome(exchange, kind, skipped="no request body recorded")
        if "skiptoken" in exchange.query.lower():
            return Outcome(exchange, kind, skipped="a page behind a token that only Azure can read")
        before = {operation.id for operation in self.manager.operations.all()}
        answer = await self._send(exchange, exchange.url)
        self._note_etag(exchange, answer)
        self.scene.decide(exchange)
        begun = [item for item in self.manager.operations.all() if item.id not in before]
        self._note_polls(exchange, answer, begun[-1] if begun else None)
        undeclared = tuple(self.declarations.check(exchange, answer))
        return Outcome(
            exchange, kind, tuple(compare(exchange, answer, timing=self.timing)), undeclared=undeclared
        )

    async def _poll(self, exchange: Exchange, poll: Poll) -> Outcome:
        if not poll.url:
            return Outcome(exchange, "poll", ("there is no polling URL here",))
        if poll.operation is not None and not _still_running(exchange):
            self._end(poll.operation, _failure(exchange))
        answer = await self._send(exchange, poll.url)
        self._note_polls(exchange, answer, poll.operation)
        return Outcome(exchange, "poll", tuple(compare(exchange, answer, timing=self.timing)))

    def _note_polls(self, exchange: Exchange, answer: Answer, operation: LongOperation | None) -> None:
        for name in ("azure-asyncoperation", "location"):
            if name in exchange.headers:
                ours = answer.headers.get(name, "")
                key = _poll_key(exchange.headers[name])
                # Workspaces announce themselves as their Location: a resource, no poll.
                if looks_like_poll(key) and (ours or key not in self.polls):
                    self.polls[key] = Poll(ours, operation)

    def _note_etag(self, exchange: Exchange, answer: Answer) -> None:
        recorded, ours = text_in(exchange.document, "etag"), text_in(answer.body, "etag")
        if recorded and ours:
            self.etags[recorded] = ours

    def _end_operations(self, exchange: Exchange, kind: Kind) -> None:
        """End what the recorded answer shows to have ended: all that concerns it, unless it says otherwise."""
        if _shows_activity(exchange):
            return
        path = exchange.path.lower().rstrip("/")
        root = "/".join(path.split("/")[:9])
        sent = json.dumps(exchange.sent).lower()
        for operation in self.manager.operations.all():
            whole_group = len(operation.key.split("/")) == 5
            if not operation.running or (whole_group and not _shows_group_gone(exchange, operation)):
                continue
            # Record sets are written while links of their zone are still being made.
            within = operation.key == root or (kind != "record set" and operation.key.startswith(root))
            near = within or "/".join(operation.key.split("/")[:9]) in sent
            if near or whole_group:
                self._end(operation, None)

    def _end(self, operation: LongOperation, failure: JsonObject | None) -> None:
        if operation.running:
            operation.failure = failure
            operation.reads = _ENOUGH
            self.manager.operations.settle()

    async def _send(self, exchange: Exchange, url: str) -> Answer:
        token, _ = StaticCredential(clock=self.manager.clock).token()
        headers = {
            name: value for name, value in exchange.request_headers.items() if name in _FORWARDED and value
        }
        headers.setdefault("content-type", "application/json")
        if "if-match" in headers:
            headers["if-match"] = self.etags.get(headers["if-match"], headers["if-match"])
        data = None
        if exchange.sent is not None:
            data = exchange.sent if isinstance(exchange.sent, str) else json.dumps(exchange.sent)
        own = url.removeprefix(str(self.client.make_url("/")).rstrip("/"))
        async with self.client.request(
            exchange.method, own, data=data, headers={**headers, "Authorization": f"Bearer {token}"}
        ) as response:
            raw = await response.read()
            document = json.loads(raw) if raw else {}
            return Answer(response.status, response.headers, document)


@asynccontextmanager
async def replaying(
    exchanges: Sequence[Exchange], declarations: Declarations, *, timing: bool
) -> AsyncIterator[Replay]:
    """A Resource Manager of its own for one recording."""
    manager = ResourceManager(
        Configuration(
            subscriptions=(SUBSCRIPTION,),
            key=KEY,
            operations=OperationsMode(advance="after-reads", amount=_ENOUGH, retry_after=None),
            limits=Limits(enabled=False),
        ),
        ManualClock(),
    )
    async with TestClient(TestServer(create_app(manager))) as client:
        yield Replay(manager, client, Scene(manager, exchanges), timing, declarations)


def _key(exchange: Exchange) -> str:
    return exchange.path.lower().rstrip("/")


def _poll_key(url: str) -> str:
    path = url.partition("?")[0].lower().rstrip("/")
    return "/" + path.partition("://")[2].partition("/")[2] if "://" in path else path


def _still_running(exchange: Exchange) -> bool:
    if exchange.status == 202:
        return True
    state = text_in(exchange.document, "status") or ""
    return state.lower() in _RUNNING


def _failure(exchange: Exchange) -> JsonObject | None:
    """What Azure says went wrong in the end: the local one is told to fail alike."""
    if exchange.status >= 400:
        return object_in(exchange.document, "error") or {**exchange.document}
    if (text_in(exchange.document, "status") or "").lower() in ("failed", "canceled"):
        return object_in(exchange.document, "error") or {"code": "InternalServerError", "message": ""}
    return None


def _shows_activity(exchange: Exchange) -> bool:
    """Whether the answer tells that something is still going on."""
    if exchange.method == "GET":
        states = [object_in(exchange.document, "properties")]
        states += [object_in(item, "properties") for item in objects_in(exchange.document, "value")]
        return any((text_in(state, "provisioningState") or "").lower() in _RUNNING for state in states)
    code = text_in(object_in(exchange.document, "error"), "code")
    return code in _CONTENTION


def _shows_group_gone(exchange: Exchange, operation: LongOperation) -> bool:
    path = exchange.path.lower().rstrip("/")
    if exchange.method == "GET" and path.endswith("/resourcegroups"):
        return all(
            (text_in(item, "id") or "").lower() != operation.key
            for item in objects_in(exchange.document, "value")
        )
    if path != operation.key and not path.startswith(operation.key + "/"):
        return False
    return exchange.status == 404 or (exchange.method == "PUT" and exchange.status == 201)
