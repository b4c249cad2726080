"""What a batch says to the one rule there was: until the processor judges by rules."""

import re
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256

import msgspec

from shared.domain.errors import MeshError
from shared.domain.ids import NodeKey
from shared.ports import Alert, DeadLetter
from shared.telemetry.attribute import Attribution
from shared.telemetry.decode import decode
from shared.telemetry.event import StreamEvent
from shared.telemetry.healing import key_to_look_at
from shared.telemetry.record import Record, Undecodable
from shared.telemetry.rules import Rule, Severity, alert_of, worst

LONGEST_ID = 2048


class Findings(msgspec.Struct):
    """What has to be stored and asked for after a batch, each thing once, and how much was read."""

    records: int = 0
    unattributed: int = 0
    letters: list[DeadLetter] = []
    touches: dict[tuple[NodeKey, str], str] = {}
    alerts: dict[str, Alert] = {}


def read_batch(events: Sequence[StreamEvent], attribution: Attribution, rule: Rule) -> Findings:
    """Every record is counted, attributed and judged; what cannot be read or judged becomes a dead letter."""
    findings = Findings()
    tallies: dict[_Kind, _Tally] = {}
    for event in events:
        items = decode(event.body)
        findings.records += len(items)
        for index, item in enumerate(items):
            if isinstance(item, Undecodable):
                findings.records -= 1
                findings.letters.append(_undecodable(event, index, item))
                continue
            try:
                severity = rule(item)
            except Exception as error:  # noqa: BLE001 - kept as a dead letter; the other records go on
                reason = f"the rule failed: {type(error).__name__}"
                findings.letters.append(_letter(event, index, reason, msgspec.json.encode(item)))
                continue
            if key := key_to_look_at(item):
                findings.touches.setdefault((key, item.resource), f"activity log: {item.operation}")
            node = attribution.node_of(item.resource)
            if node is None:
                findings.unattributed += 1
            elif severity and len(item.resource) > LONGEST_ID:
                reason = f"its resource id has {len(item.resource)} characters"
                findings.letters.append(_letter(event, index, reason, b""))
            elif severity:
                _count(tallies, item, node, severity, item.at(event.enqueued_at))
    _raise_alerts(findings, tallies)
    return findings


type _Kind = tuple[str, str | None, str]


class _Tally(msgspec.Struct):
    """Records of one kind as they are spelled: an alert is made of a thousand at the price of one."""

    record: Record
    node: NodeKey
    severity: Severity
    first_at: datetime
    last_at: datetime
    count: int = 0


def _count(
    tallies: dict[_Kind, _Tally], record: Record, node: NodeKey, severity: Severity, at: datetime
) -> None:
    kind = (record.resource, record.category, record.operation)
    tally = tallies.get(kind)
    if tally is None:
        tallies[kind] = tally = _Tally(record, node, severity, at, at)
    tally.count += 1
    tally.severity = worst(tally.severity, severity)
    if at < tally.first_at:
        tally.first_at = at
    elif at > tally.last_at:
        tally.last_at = at


def _raise_alerts(findings: Findings, tallies: dict[_Kind, _Tally]) -> None:
    """Kinds that differ in their spelling alone meet in one alert."""
    for tally in tallies.values():
        alert = alert_of(tally.record, tally.node, tally.severity, tally.first_at, tally.last_at, tally.count)
        known = findings.alerts.get(alert.id)
        findings.alerts[alert.id] = _merged(known, alert) if known else alert


def _merged(known: Alert, more: Alert) -> Alert:
    worse = worst(known.severity, more.severity)
    return msgspec.structs.replace(
        more if more.severity == worse else known,
        first_at=min(known.first_at, more.first_at),
        last_at=max(known.last_at, more.last_at),
        count=known.count + more.count,
    )


def unstorable(alert: Alert, error: MeshError) -> DeadLetter:
    """An alert that no try can store."""
    return DeadLetter(
        id=f"alert-{alert.id}",
        kind="telemetry",
        at=alert.last_at,
        reason=f"its alert cannot be stored: {error.reason}",
        source=alert.node,
        body=msgspec.json.encode(alert),
    )


def _undecodable(event: StreamEvent, index: int, item: Undecodable) -> DeadLetter:
    from shared.telemetry.redact import redacted  # no part of a cold start

    return _letter(event, index, item.reason, redacted(item.piece))


def _letter(event: StreamEvent, index: int, reason: str, body: bytes) -> DeadLetter:
    """The same for the same event however often it is delivered.

    The digest tells events apart that share partition and offset because the Event Hub was made anew.
    """
    offset = re.sub(r"[^\w.-]", "-", event.offset)
    digest = sha256(event.body).hexdigest()[:12]
    return DeadLetter(
        id=f"telemetry-{event.partition}-{offset}-{index}-{digest}",
        kind="telemetry",
        at=event.enqueued_at,
        reason=reason,
        source=f"event-hub/{event.partition}/{event.offset}",
        body=body,
    )
