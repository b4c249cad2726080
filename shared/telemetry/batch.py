"""What a batch of events says, decided without any input or output."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

import msgspec

from shared.domain.ids import NodeKey
from shared.ports import Alert, DeadLetter
from shared.telemetry.attribute import Attribution
from shared.telemetry.decode import decode
from shared.telemetry.healing import key_to_look_at
from shared.telemetry.record import Record
from shared.telemetry.redact import redacted
from shared.telemetry.rules import Rule, alert_of
from shared.telemetry.tolerant import Undecodable


class StreamEvent(msgspec.Struct, frozen=True):
    """One event of an Event Hub; `offset` is text since geo-replicated namespaces write more than a number."""

    body: bytes
    partition: str
    offset: str
    sequence_number: int
    enqueued_at: datetime


@dataclass
class Findings:
    """What has to be stored and asked for after a batch, each thing once, and how much was read."""

    records: int = 0
    unattributed: int = 0
    letters: list[DeadLetter] = field(default_factory=list)
    touches: dict[tuple[NodeKey, str], str] = field(default_factory=dict)
    alerts: dict[str, Alert] = field(default_factory=dict)


def read_batch(events: Sequence[StreamEvent], attribution: Attribution, rule: Rule) -> Findings:
    """Every record is counted, attributed and judged; what cannot be read or judged becomes a dead letter."""
    findings = Findings()
    for event in events:
        items = decode(event.body)
        for index, item in enumerate(items):
            if isinstance(item, Undecodable):
                findings.letters.append(_letter(event, index, item.reason, redacted(item.piece)))
                continue
            findings.records += 1
            try:
                _judge(item, event, attribution, rule, findings)
            except Exception as error:  # noqa: BLE001 - kept as a dead letter; the other records go on
                reason = f"the rule failed: {type(error).__name__}"
                findings.letters.append(_letter(event, index, reason, msgspec.json.encode(item)))
    return findings


def _judge(
    record: Record, event: StreamEvent, attribution: Attribution, rule: Rule, findings: Findings
) -> None:
    touched = key_to_look_at(record)
    if touched:
        findings.touches.setdefault((touched, record.resource), f"activity log: {record.operation}")
    node = attribution.node_of(record.resource)
    if node is None:
        findings.unattributed += 1
        return
    severity = rule(record)
    if severity:
        alert = alert_of(record, node, severity, record.at(event.enqueued_at))
        known = findings.alerts.get(alert.id)
        findings.alerts[alert.id] = _merged(known, alert) if known else alert


def _merged(known: Alert, more: Alert) -> Alert:
    worst = min(known.severity, more.severity, key=("critical", "error", "warning").index)
    return msgspec.structs.replace(
        more if more.severity == worst else known,
        first_at=min(known.first_at, more.first_at),
        last_at=max(known.last_at, more.last_at),
        count=known.count + more.count,
    )


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
