"""Absence: who should send and does not. Judged by the timer."""

import logging
from asyncio import Semaphore, gather
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from shared.domain.errors import Conflict
from shared.domain.ids import normal_id, type_of
from shared.domain.node import NodeRecord
from shared.ports import Clock, NodeStore
from shared.ports.telemetry import AlertStore, StreamEnds, Window, Windows
from shared.telemetry.alerting import Alerting, Firing, alert_id
from shared.telemetry.position import behind
from shared.telemetry.rule import Absence, Rule
from shared.telemetry.rulebook import Rulebook
from shared.telemetry.windows import SLACK, UNSEEN, rule_key

log = logging.getLogger(__name__)

EXPECTED = "expected"
"""The partition under which a row says since when a group is expected to send."""

NOTED = timedelta(days=1)
"""So often such a row is written while the group is expected; one not written for twice as long begins anew."""

_AT_ONCE = 16
_PAGE = 1000
_LEAST_STEP = 60.0


class Expected(msgspec.Struct, frozen=True):
    """A group that should send, since when at least (seconds since 1970), and what its alert is about."""

    group: str
    node: str
    domain: str
    resource: str
    since: float


class AbsenceWatch:
    """Raises the alerts of rules about absence, and clears them when somebody sends again, or need not any more."""

    def __init__(
        self,
        rules: Rulebook,
        windows: Windows,
        nodes: NodeStore,
        alerts: AlertStore,
        alerting: Alerting,
        ends: StreamEnds,
        clock: Clock,
    ) -> None:
        self._rules = rules
        self._windows = windows
        self._nodes = nodes
        self._alerts = alerts
        self._alerting = alerting
        self._ends = ends
        self._clock = clock
        self._known: dict[str, tuple[int, NodeRecord]] = {}

    async def judge(self) -> int:
        """How many groups are silent. Raises what the stores raise."""
        rules = [rule for rule in self._rules.rules if isinstance(rule.condition, Absence)]
        if not rules:
            return 0
        nodes, now = await self._ready(), self._clock.now()
        silent: dict[str, Sequence[Firing]] = {}
        for rule in rules:
            seen, rows = await self._seen(rule)
            expected = await self._since(rule, expected_of(rule, nodes, seen), rows, now)
            silent[rule.name] = silent_groups(rule, expected, seen, now.timestamp())
        firings = [firing for found in silent.values() for firing in found]
        lag = await behind(self._windows, self._ends) if firings else 0.0
        if lag:
            log.warning("%d may be silent: the stream is %d seconds behind", len(firings), lag)
        for firing in () if lag else firings:
            await self._alerting.fire(firing, now)
        for rule in rules:
            await self._clear(rule, {alert_id(rule.name, f.group) for f in silent[rule.name]}, now)
        return 0 if lag else len(firings)

    async def _clear(self, rule: Rule, silent: Collection[str], now: datetime) -> None:
        for state in ("Firing", "Acknowledged"):
            for found in await self._raised(rule, state):
                if found not in silent:
                    await self._alerting.clear(found, "It sends again, or need not any more.", now)

    async def _seen(self, rule: Rule) -> tuple[Mapping[str, float], Mapping[str, Window]]:
        """When each group was last heard of, and the rows that say since when it is expected."""
        seen: dict[str, float] = {}
        rows: dict[str, Window] = {}
        async for row in self._windows.open(rule_key(rule)):
            if row.partition == EXPECTED:
                rows[row.group] = row
            else:
                seen[row.group] = max(row.enqueued, seen.get(row.group, 0.0))
        return seen, rows

    async def _since(
        self, rule: Rule, expected: Sequence[Expected], rows: Mapping[str, Window], now: datetime
    ) -> Sequence[Expected]:
        """Those expected, not before the timer first saw that they are: a node may ask for the stream long after it
        was Ready, and get resources later still."""
        if _told_by_records(rule):
            return expected
        limit = Semaphore(_AT_ONCE)

        async def since(each: Expected) -> Expected:
            row = noted(rule, each, rows.get(each.group), now)
            if row is not rows.get(each.group):
                async with limit:
                    await self._save(row)
            return msgspec.structs.replace(each, since=max(each.since, row.enqueued))

        return await gather(*map(since, expected))

    async def _save(self, row: Window) -> None:
        try:
            await self._windows.save(row)
        except Conflict:
            return  # another timer noted the same

    async def _raised(self, rule: Rule, state: str) -> list[str]:
        ids: list[str] = []
        continuation = ""
        while True:
            page = await self._alerts.list(rule=rule.name, state=state, size=_PAGE, continuation=continuation)
            ids += [alert.id for alert in page.items]
            continuation = page.continuation
            if not continuation:
                return ids

    async def _ready(self) -> Sequence[NodeRecord]:
        """The nodes that are Ready; a record is read again only when it has changed."""
        found: dict[str, tuple[int, NodeRecord]] = {}
        continuation = ""
        while True:
            page = await self._nodes.list(state="Ready", size=_PAGE, continuation=continuation)
            for item in page.items:
                key = str(item.key)
                known = self._known.get(key)
                if known is None or known[0] != item.generation:
                    record = await self._nodes.get(item.key)
                    known = (item.generation, record) if record else None
                if known:
                    found[key] = known
            continuation = page.continuation
            if not continuation:
                self._known = found
                return [record for _, record in found.values()]


def expected_of(rule: Rule, nodes: Iterable[NodeRecord], seen: Mapping[str, float]) -> list[Expected]:
    """Whoever should send what the rule is about: nodes and resources whose settings stream it.

    Custom events and what dedupe fields tell apart are known from what was sent before.
    """
    found: dict[str, Expected] = {}
    by_place: dict[str, list[str]] = defaultdict(list)
    for group in seen:
        by_place[group.split("\n", 1)[0]].append(group)
    for node in nodes:
        for place in _places(rule, node):
            groups = by_place[place.group] if _told_by_records(rule) else [place.group]
            for group in groups:
                known = found.get(group)
                if known is None or place.since < known.since:
                    found[group] = msgspec.structs.replace(place, group=group)
    return list(found.values())


def noted(rule: Rule, expected: Expected, row: Window | None, now: datetime) -> Window:
    """The row that says since when somebody is expected; the very one where it need not be written."""
    at, since = now.timestamp(), now.timestamp()
    if row and at - row.last_at < 2 * NOTED.total_seconds():
        if at - row.last_at < NOTED.total_seconds():
            return row
        since = row.enqueued
    return Window(
        rule=rule_key(rule),
        group=expected.group,
        partition=EXPECTED,
        sequence=0,
        enqueued=since,
        node=expected.node,
        resource=expected.resource,
        category="",
        operation="",
        first_at=since,
        last_at=at,
        due=now + UNSEEN,
        kept_until=now + UNSEEN,
        etag=row.etag if row else None,
    )


def _told_by_records(rule: Rule) -> bool:
    """Whether its groups are known from records only: nobody else tells of custom events and dedupe fields."""
    return bool(rule.dedupe or rule.match.custom)


def _places(rule: Rule, node: NodeRecord) -> list[Expected]:
    """The groups of a rule that one node has."""
    streaming = [c.id for c in node.coverage if "event-hub" in c.covers and _is_about(rule, c.id)]
    if not streaming and not rule.match.custom:
        return []
    since = node.ready_at.timestamp() if node.ready_at else 0.0
    key, domain = str(node.key), node.domain.lower()
    match rule.group_by:
        case "resource":
            return [Expected(normal_id(i), key, "", i, since) for i in streaming]
        case "node":
            return [Expected(key, key, "", node.key.group_id, since)]
        case "domain":
            return [Expected(domain, "", domain, node.key.group_id, since)] if domain else []


def _is_about(rule: Rule, resource: str) -> bool:
    kinds, kind = rule.match.resource_type, type_of(resource)
    return not kinds or any(kind.startswith(k[:-1]) if k.endswith("*") else kind == k for k in kinds)


def silent_groups(
    rule: Rule, expected: Iterable[Expected], seen: Mapping[str, float], now: float
) -> list[Firing]:
    """The groups that have sent nothing for a period, and as long as what is written of them may be old."""
    assert isinstance(rule.condition, Absence)
    period = rule.condition.period
    found: list[Firing] = []
    for each in expected:
        last = max(seen.get(each.group, 0.0), each.since)
        if now - last > period * (1 + SLACK):
            found.append(_firing(rule, each, last, now))
    return found


def _firing(rule: Rule, silent: Expected, last: float, now: float) -> Firing:
    """Told again from time to time while it lasts, so that the alert stays open; its count are the periods missed."""
    assert isinstance(rule.condition, Absence)
    period = rule.condition.period
    step = max(_LEAST_STEP, min(period, rule.auto_resolve or period) / 4)
    return Firing(
        rule=rule,
        group=silent.group,
        node=silent.node,
        domain=silent.domain,
        resource=silent.resource,
        first_at=last,
        last_at=max(last + period, now // step * step),
        total=int((now - last) // period),
    )
