"""What people may do to edges. Every command says who and why, and ends in the edge's history and a mesh event."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from hashlib import sha256

import msgspec

from shared.domain.actor import Actor, Role
from shared.domain.approval import Rule, ruling
from shared.domain.edge import EdgeRecord, EdgeRequest, EdgeSummary, Verdict, asked_anew
from shared.domain.edge_request import Terms, check_days, checked, text_of
from shared.domain.edge_states import Command, Move, move
from shared.domain.errors import Conflict, Denied, MeshError, NotFound, Terminal, Waiting
from shared.domain.ids import EdgeKey, NodeKey
from shared.domain.node import HistoryEntry, NodeRecord
from shared.ports import Clock, History, NodeStore, Page, WorkItem, WorkQueue
from shared.ports.mesh import EdgeStore
from shared.reconcile.edges.governed import check_governed

log = logging.getLogger(__name__)

ATTEMPTS = 8
IDEMPOTENCY_KEY_LIMIT = 255
_UNSEEN = (
    "Another way is proposed, which exposes more than was approved: read the edge, and send its ETag as If-Match with"
    " the approval of what you saw."
)


class EdgeDesk:
    """Where edges are asked for and decided about; one for each process."""

    def __init__(
        self,
        edges: EdgeStore,
        nodes: NodeStore,
        history: History,
        queue: WorkQueue,
        clock: Clock,
        rules: Sequence[Rule],
        terms: Terms,
        new_id: Callable[[], str],
    ) -> None:
        self._edges = edges
        self._nodes = nodes
        self._history = history
        self._queue = queue
        self._clock = clock
        self._rules = tuple(rules)
        self._terms = terms
        self._new_id = new_id

    async def get(self, actor: Actor, key: EdgeKey) -> EdgeRecord:
        """Raises Denied (`RoleRequired`) and NotFound (`EdgeNotFound`)."""
        _require(actor, Role.READER)
        return await self._record(key)

    async def list(
        self,
        actor: Actor,
        *,
        consumer: NodeKey | None = None,
        provider: NodeKey | None = None,
        state: str = "",
        size: int = 100,
        continuation: str = "",
    ) -> Page[EdgeSummary]:
        """Raises Denied (`RoleRequired`) and Terminal (`InvalidContinuation`)."""
        _require(actor, Role.READER)
        return await self._edges.list(
            consumer=consumer, provider=provider, state=state, size=size, continuation=continuation
        )

    async def request(self, actor: Actor, request: EdgeRequest, idempotency_key: str = "") -> EdgeRecord:
        """A new edge, decided about where a rule does; the same one again for the same key and request.

        Raises Denied (`RoleRequired`, `NotConsumerOwner`), Terminal as `checked` does, `NodeUnknown`, `NodeNotReady`,
        `PolicyEnforced`, `IdempotencyKeyInvalid` and `IdempotencyKeyReused`.
        """
        _require(actor, Role.REQUESTER)
        request = checked(request, self._terms)
        key = self._key(actor, idempotency_key)
        if idempotency_key and (known := await self._edges.get(key)):
            return _same_again(known, request)
        consumer, provider = await self._member(request.consumer), await self._member(request.provider)
        self._may_ask(actor, consumer)
        rule = ruling(self._rules, request, consumer, provider)
        try:
            return await self._told(await self._edges.save(self._new(key, actor, request, rule)))
        except Conflict:
            known = await self._record(key)
            return _same_again(known, request)

    async def approve(self, actor: Actor, key: EdgeKey, reason: str, etag: str | None = None) -> EdgeRecord:
        """The lease begins. A way that exposes more than was approved before is approved only as it was seen: the
        ETag has to say so.

        Raises as `reject`, Denied (`OwnRequest`), and Terminal (`PolicyEnforced`, `PreconditionRequired`).
        """
        reason = _reason(reason)

        async def change(record: EdgeRecord, now: datetime) -> EdgeRecord:
            await self._may_decide(actor, record, own=False)
            if asked_anew(record) and etag is None:
                raise Terminal("PreconditionRequired", _UNSEEN, target=str(key))
            check_governed([await self._nodes.get(key) for key in _ends(record)])
            return approved(record, actor.subject, reason, now)

        return await self._command(key, etag, change)

    async def reject(self, actor: Actor, key: EdgeKey, reason: str, etag: str | None = None) -> EdgeRecord:
        """Of an edge that has something already, and was asked about anew, it is the end: it is taken away.

        Raises Denied (`NotApprover`), NotFound (`EdgeNotFound`), Terminal (`ReasonRequired`, `TextTooLong`) and
        Conflict (`TransitionNotAllowed`; `EdgeChanged` where an ETag does not match)."""
        reason = _reason(reason)

        async def change(record: EdgeRecord, now: datetime) -> EdgeRecord:
            await self._may_decide(actor, record, own=True)
            # What was there before goes on being taken away, and Rejected is an end.
            command: Command = "revoke" if asked_anew(record) else "reject"
            rejected = move(record, Move(command, actor.subject, now, reason))
            return msgspec.structs.replace(rejected, verdict=Verdict(by=actor.subject, at=now, reason=reason))

        return await self._command(key, etag, change)

    async def extend(
        self, actor: Actor, key: EdgeKey, reason: str, days: float, etag: str | None = None
    ) -> EdgeRecord:
        """The lease ends so many days later than it would, but never further ahead than the longest lease.

        More time is granted by whoever grants edges, and by a rule that would accept the request for as long as is
        then left.
        Raises as `approve`, Terminal (`LeaseInvalid`), and Conflict (`LeaseEnded`): what has ended is over, also where
        nobody has come to take it away yet.
        """
        reason = _reason(reason)

        async def change(record: EdgeRecord, now: datetime) -> EdgeRecord:
            check_days(days, self._terms)
            ends = record.expires_at or now
            until = max(
                ends, min(ends + timedelta(days=days), now + timedelta(days=self._terms.longest_days))
            )
            # What a rule judges is how far ahead the lease would end: short ones do not add up to a long one.
            if not await self._granted_by_rule(actor, record, (until - now) / timedelta(days=1)):
                await self._may_decide(actor, record, own=False)
            extended = move(record, Move("extend", actor.subject, now, reason))
            if ends <= now and record.expires_at:
                raise Conflict("LeaseEnded", "The lease has ended: ask for a new edge.", target=str(key))
            return msgspec.structs.replace(extended, expires_at=until, warned_at=None)

        return await self._command(key, etag, change)

    async def revoke(self, actor: Actor, key: EdgeKey, reason: str, etag: str | None = None) -> EdgeRecord:
        """It is taken away from now on, and Revoked once it was read back as gone.

        Who asked for it may give it up, as may the owners of both nodes. Raises as `reject`.
        """
        reason = _reason(reason)

        async def change(record: EdgeRecord, now: datetime) -> EdgeRecord:
            if not (self._asked(actor, record) or await self._owns(actor, record.request.consumer)):
                await self._may_decide(actor, record, own=True)
            return move(record, Move("revoke", actor.subject, now, reason))

        return await self._command(key, etag, change)

    # --- who may

    def _asked(self, actor: Actor, record: EdgeRecord) -> bool:
        return actor.may(Role.REQUESTER) and record.requested_by == actor.subject

    def _may_ask(self, actor: Actor, consumer: NodeRecord) -> None:
        """Whether the actor speaks for the consumer. An owner that is named by a mere text is nobody's to check."""
        if self._terms.anyone_asks or not consumer.owner_id or actor.may(Role.APPROVER):
            return
        if not _is_owner(actor, consumer):
            message = (
                f"Edges of {consumer.key} are asked for by its owner, whom its tag mesh-owner names, or by"
                f" {Role.APPROVER}: have one of them ask, or have the tag name a group that you are in."
            )
            raise Denied("NotConsumerOwner", message)

    async def _may_decide(self, actor: Actor, record: EdgeRecord, *, own: bool) -> None:
        """Whether the actor decides about edges to this provider; about one's own, only where a rule says so.

        With nothing but a key, nobody knows whose request it was: whoever holds the key decides.
        """
        if not (actor.may(Role.APPROVER) or await self._owns(actor, record.request.provider)):
            message = f"Deciding about an edge needs {Role.APPROVER}, or to be the owner of {record.request.provider}."
            raise Denied("NotApprover", message)
        if own or not actor.is_known_as(record.requested_by):
            return
        if not (await self._rule(record.request)).self_approval:
            message = "Nobody approves their own request: ask somebody else who may."
            raise Denied("OwnRequest", message)

    async def _owns(self, actor: Actor, node: NodeKey) -> bool:
        record = await self._nodes.get(node)
        return record is not None and _is_owner(actor, record)

    async def _rule(self, request: EdgeRequest) -> Rule:
        consumer = await self._nodes.get(request.consumer) or NodeRecord(key=request.consumer)
        provider = await self._nodes.get(request.provider) or NodeRecord(key=request.provider)
        return ruling(self._rules, request, consumer, provider)

    async def _granted_by_rule(self, actor: Actor, record: EdgeRecord, days: float) -> bool:
        if not self._asked(actor, record):
            return False
        request = msgspec.structs.replace(record.request, lease_days=days)
        return (await self._rule(request)).ruling == "accept"

    # --- records

    def _key(self, actor: Actor, idempotency_key: str) -> EdgeKey:
        """The same for whoever sends the same key again."""
        if not idempotency_key:
            return EdgeKey(self._new_id())
        if len(idempotency_key) > IDEMPOTENCY_KEY_LIMIT:
            message = f"An Idempotency-Key has at most {IDEMPOTENCY_KEY_LIMIT} characters."
            raise Terminal("IdempotencyKeyInvalid", message)
        text = f"{actor.subject}\n{idempotency_key}".encode(errors="replace")
        return EdgeKey(sha256(text).hexdigest()[:32])

    async def _member(self, key: NodeKey) -> NodeRecord:
        record = await self._nodes.get(key)
        if record is None or record.state in ("Seen", "Offboarded"):
            raise Terminal("NodeUnknown", f"{key} is not a node of the mesh.")
        check_governed([record])
        if record.state not in ("Ready", "Pending"):
            message = (
                f"{key} is {record.state}: edges are made between nodes that are Ready, or soon will be."
            )
            raise Terminal("NodeNotReady", message)
        return record

    def _new(self, key: EdgeKey, actor: Actor, request: EdgeRequest, rule: Rule) -> EdgeRecord:
        now = self._clock.now()
        record = EdgeRecord(
            key=key,
            request=request,
            state="Requested",
            requested_by=actor.subject,
            requested_at=now,
            journal=(
                HistoryEntry(
                    at=now,
                    key=str(key),
                    cause=f"request by {actor.subject}",
                    outcome="Requested",
                    changes=(f"purpose: {request.purpose}",),
                ),
            ),
        )
        return self._due(ruled(record, rule, now), now, "request")

    def _due(self, record: EdgeRecord, now: datetime, cause: str) -> EdgeRecord:
        """Were its message lost, the timer would find it."""
        return msgspec.structs.replace(
            record,
            generation=record.generation + 1,
            cause=cause,
            next_due=now if record.lease is None else record.next_due,
        )

    async def _record(self, key: EdgeKey) -> EdgeRecord:
        record = await self._edges.get(key)
        if record is None:
            raise NotFound("EdgeNotFound", "There is no such edge.", target=str(key))
        return record

    async def _command(
        self,
        key: EdgeKey,
        etag: str | None,
        change: Callable[[EdgeRecord, datetime], Awaitable[EdgeRecord]],
    ) -> EdgeRecord:
        for _ in range(ATTEMPTS):
            record = await self._record(key)
            if etag is not None and record.etag != etag:
                message = (
                    "The edge changed since it was read: read it again, and decide about what it is now."
                )
                raise Conflict("EdgeChanged", message, target=str(key))
            now = self._clock.now()
            changed = await change(record, now)
            try:
                saved = await self._edges.save(self._due(changed, now, changed.journal[-1].cause))
            except Conflict:
                continue
            return await self._told(saved)
        raise Waiting("Contended", "Too many write to this edge at once.", target=str(key))

    async def _told(self, record: EdgeRecord) -> EdgeRecord:
        """The record with its history written, a run's that is under way first, and somebody on the way to look at it.

        The command counts from when it was saved: what fails here is made up for by whoever looks at the edge next.
        """
        try:
            for entry in record.journal:
                await self._history.append(entry)
            record = await self._written(record, record.journal)
        except MeshError as error:
            log.info("the history of %s is written at its next look: %s", record.key, error.reason)
        try:
            await self._queue.enqueue(WorkItem(str(record.key), record.cause))
        except MeshError as error:
            log.warning("%s waits for the timer: %s", record.key, error.reason)
        return record

    async def _written(self, record: EdgeRecord, written: Sequence[HistoryEntry]) -> EdgeRecord:
        """The record without the history that was written. Raises Conflict."""
        for _ in range(ATTEMPTS):
            left = tuple(e for e in record.journal if e not in written)
            try:
                return await self._edges.save(msgspec.structs.replace(record, journal=left))
            except Conflict:
                record = await self._record(record.key)
        raise Conflict("EdgeChanged", "Too many write to this edge at once.", target=str(record.key))


def _ends(record: EdgeRecord) -> tuple[NodeKey, NodeKey]:
    return record.request.consumer, record.request.provider


def approved(record: EdgeRecord, by: str, reason: str, now: datetime) -> EdgeRecord:
    """The record from whose approval on the lease runs, unless it does already; the way that was shown is approved."""
    shown = record.proposed or record.route
    return msgspec.structs.replace(
        move(record, Move("approve", by, now, reason)),
        verdict=Verdict(by=by, at=now, reason=reason),
        expires_at=record.expires_at or now + timedelta(days=record.request.lease_days),
        granted=shown.exposure if shown else record.granted,
        proposed=None,
    )


def ruled(record: EdgeRecord, rule: Rule, now: datetime) -> EdgeRecord:
    """A new record after the rules have had their say."""
    reason = f"rule {rule.name}"
    if rule.ruling == "accept":
        return approved(record, rule.name, reason, now)
    command: Command = "ask" if rule.ruling == "ask" else "reject"
    after = move(record, Move(command, rule.name, now, reason))
    verdict = None if rule.ruling == "ask" else Verdict(by=rule.name, at=now, reason=reason)
    return msgspec.structs.replace(after, verdict=verdict)


def _is_owner(actor: Actor, node: NodeRecord) -> bool:
    return bool(node.owner_id) and node.owner_id.lower() in {i.lower() for i in actor.identities}


def _same_again(known: EdgeRecord, request: EdgeRequest) -> EdgeRecord:
    if known.request != request:
        raise Terminal("IdempotencyKeyReused", "This Idempotency-Key came with another request before.")
    return known


def _reason(reason: str) -> str:
    return text_of(reason, "ReasonRequired", "Say in `reason` why.")


def _require(actor: Actor, role: Role) -> None:
    if not actor.may(role):
        raise Denied("RoleRequired", f"This needs the role {role}.")
