"""What people do about alerts: acknowledge, resolve, silence. Every command says who and why."""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from shared.domain.actor import Actor, Role
from shared.domain.alert import Alert, Silence
from shared.domain.alert_states import acknowledged, resolved, with_due
from shared.domain.edge_request import text_of
from shared.domain.errors import Conflict, Denied, MeshError, NotFound, Terminal, Waiting
from shared.domain.ids import NodeKey
from shared.domain.node import HistoryEntry
from shared.ports import Clock, History, NodeStore, Page, WorkItem, WorkQueue
from shared.ports.telemetry import AlertStore, Silences
from shared.telemetry.silencing import SILENCES_SECONDS

log = logging.getLogger(__name__)

ATTEMPTS = 8
PAGE = 500
LONGEST_SILENCE = timedelta(days=366)
KEPT = timedelta(days=30)
SILENCES = "silences"
"""The key that the history of silences lies under; those of a node lie under the node as well."""

type Change = Callable[[Alert, str, str, datetime], Alert]


class AlertDesk:
    """Where alerts are looked at and decided about; one for each process."""

    def __init__(
        self,
        alerts: AlertStore,
        silences: Silences,
        nodes: NodeStore,
        history: History,
        queue: WorkQueue,
        clock: Clock,
        new_id: Callable[[], str],
    ) -> None:
        self._alerts = alerts
        self._silences = silences
        self._nodes = nodes
        self._history = history
        self._queue = queue
        self._clock = clock
        self._new_id = new_id

    async def get(self, alert_id: str) -> Alert:
        """Raises NotFound (`AlertNotFound`)."""
        alert = await self._alerts.get(alert_id)
        if alert is None:
            raise NotFound("AlertNotFound", "There is no such alert.", target=alert_id)
        return alert

    async def list(
        self,
        *,
        node: str = "",
        state: str = "",
        rule: str = "",
        severity: str = "",
        size: int = 100,
        continuation: str = "",
    ) -> Page[Alert]:
        """Raises Terminal (`InvalidContinuation`)."""
        return await self._alerts.list(
            node=node, state=state, rule=rule, severity=severity, size=size, continuation=continuation
        )

    async def acknowledge(self, actor: Actor, alert_id: str, reason: str, etag: str | None = None) -> Alert:
        """Somebody looks after it.

        Raises Denied (`NotResponsible`), NotFound (`AlertNotFound`), Terminal (`ReasonRequired`, `TextTooLong`),
        Conflict (`TransitionNotAllowed`; `AlertChanged` where an ETag does not match), and Waiting.
        """
        return await self._command(actor, alert_id, reason, etag, acknowledged)

    async def resolve(self, actor: Actor, alert_id: str, reason: str, etag: str | None = None) -> Alert:
        """It is over. Raises as `acknowledge`."""
        return await self._command(actor, alert_id, reason, etag, resolved)

    async def silences(self) -> Sequence[Silence]:
        """All, those that ended within thirty days too, the one that ends last first."""
        return sorted(await self._silences.list(), key=lambda s: (s.until, s.id), reverse=True)

    async def silence(self, actor: Actor, node: str, rule: str, until: datetime, reason: str) -> Silence:
        """Keeps alerts of a node, or of a rule, or of both, quiet until a time.

        Raises Denied (`NotResponsible`), Terminal (`SilenceInvalid`, `ReasonRequired`, `TextTooLong`).
        """
        reason, now = _reason(reason), self._clock.now()
        await self._require(actor, node)
        if not (node or rule):
            raise Terminal("SilenceInvalid", "Name a node, a rule, or both: nobody silences everything.")
        if not now < until <= now + LONGEST_SILENCE:
            message = f"`until` must lie ahead, by {LONGEST_SILENCE.days} days at most."
            raise Terminal("SilenceInvalid", message)
        made = Silence(
            id=self._new_id(),
            node=node,
            rule=rule,
            until=until,
            by=actor.subject,
            reason=reason,
            created_at=now,
        )
        await self._silences.add(made)
        await self._forget(now)
        await self._noted(made, f"silence by {actor.subject}", "Silenced", now)
        return made

    async def unsilence(self, actor: Actor, silence_id: str) -> Silence:
        """Ends a silence: what still fires is told now, or at its next firing.

        Raises Denied (`NotResponsible`), NotFound (`SilenceNotFound`).
        """
        found = await self._silences.get(silence_id)
        if found is None:
            raise NotFound("SilenceNotFound", "There is no such silence.", target=silence_id)
        await self._require(actor, found.node)
        await self._silences.remove(silence_id)
        await self._noted(found, f"unsilence by {actor.subject}", "Heard", self._clock.now())
        await self._wake(found)
        return found

    async def _forget(self, now: datetime) -> None:
        """Whoever adds to the table takes out of it what ended long ago, so that it does not grow."""
        for silence in await self._silences.list():
            if silence.until < now - KEPT:
                await self._silences.remove(silence.id)

    async def _wake(self, silence: Silence) -> None:
        """Has what it kept quiet looked at, once every instance knows that it is gone."""
        continuation = ""
        while True:
            page = await self._alerts.list(
                node=silence.node, rule=silence.rule, state="Firing", size=PAGE, continuation=continuation
            )
            for alert in page.items:
                if alert.silenced_by == silence.id:
                    item = WorkItem(f"alert/{alert.id}", "unsilence")
                    await self._queue.enqueue(item, delay=SILENCES_SECONDS + 1)
            continuation = page.continuation
            if not continuation:
                return

    # --- who may

    async def _require(self, actor: Actor, node: str) -> None:
        """Whether the actor looks after a node's alerts; after those of the mesh, only who has the role."""
        if actor.may(Role.OPERATOR) or (node and await self._owns(actor, node)):
            return
        message = f"This needs {Role.OPERATOR}" + (f", or to be the owner of {node}." if node else ".")
        raise Denied("NotResponsible", message)

    async def _owns(self, actor: Actor, node: str) -> bool:
        try:
            record = await self._nodes.get(NodeKey.parse(node))
        except ValueError:
            return False
        owner = record.owner_id if record else ""
        return bool(owner) and owner.lower() in {i.lower() for i in actor.identities}

    # --- records

    async def _command(
        self, actor: Actor, alert_id: str, reason: str, etag: str | None, change: Change
    ) -> Alert:
        reason = _reason(reason)
        for _ in range(ATTEMPTS):
            alert = await self.get(alert_id)
            await self._require(actor, alert.node)
            if etag is not None and alert.etag != etag:
                message = (
                    "The alert changed since it was read: read it again, and decide about what it is now."
                )
                raise Conflict("AlertChanged", message, target=alert_id)
            changed = change(alert, actor.subject, reason, self._clock.now())
            try:
                return await self._told(await self._alerts.save(with_due(changed)))
            except Conflict:
                continue
        raise Waiting("Contended", "Too many write to this alert at once.", target=alert_id)

    async def _told(self, alert: Alert) -> Alert:
        """The alert with its history written, and somebody on the way to tell its handlers.

        The command counts from when it was saved: what fails here is made up for by whoever looks at it next.
        """
        try:
            for entry in alert.journal:
                await self._history.append(entry)
            await self._queue.enqueue(WorkItem(f"alert/{alert.id}", "command"))
        except MeshError as error:
            log.warning("alert %s waits for the timer: %s", alert.id, error.reason)
        return alert

    async def _noted(self, silence: Silence, cause: str, outcome: str, now: datetime) -> None:
        changes = (
            f"silence: {silence.id}",
            f"node: {silence.node or 'every'}",
            f"rule: {silence.rule or 'every'}",
            f"until: {silence.until.isoformat()}",
            f"reason: {silence.reason}",
        )
        for key in (SILENCES, silence.node):
            if key:
                await self._history.append(
                    HistoryEntry(at=now, key=key, cause=cause, outcome=outcome, changes=changes)
                )


def _reason(reason: str) -> str:
    return text_of(reason, "ReasonRequired", "Say in `reason` why.")
