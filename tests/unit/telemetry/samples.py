"""Small records and events of our own for the tests of the stream."""

import json
from datetime import UTC, datetime

from shared.domain.ids import NodeKey
from shared.telemetry.decode import decode
from shared.telemetry.event import StreamEvent
from shared.telemetry.record import Record, Undecodable
from shared.telemetry.rule import Each, Match, Rule

SALES = NodeKey.of("11111111-2222-3333-4444-555555555555", "rg-sales")
OTHER = NodeKey.of("11111111-2222-3333-4444-555555555555", "rg-not-a-node")
ENQUEUED = datetime(2026, 1, 5, 8, 30, tzinfo=UTC)


def resource(type_and_name: str, node: NodeKey = SALES) -> str:
    return f"{node.group_id}/providers/{type_and_name}"


VAULT = resource("Microsoft.KeyVault/vaults/kv-sales")


def sample(**fields: object) -> dict[str, object]:
    """A resource log of a key vault; fields given replace its own, None leaves one out."""
    record: dict[str, object] = {
        "time": "2026-01-05T08:15:30.1234567Z",
        "resourceId": VAULT,
        "category": "AuditEvent",
        "operationName": "SecretGet",
        "level": "Error",
        "callerIpAddress": "203.0.113.7",
        "identity": {"claim": {"upn": "ada@example.org"}},
        "properties": {"statusCode": 403, "note": "a brace } and a \\ in a string"},
    }
    record |= fields
    return {name: value for name, value in record.items() if value is not None}


def envelope(*records: object) -> bytes:
    return json.dumps({"records": records}).encode()


def event(body: bytes, offset: int = 100, partition: str = "3") -> StreamEvent:
    return StreamEvent(body, partition, str(offset), offset, ENQUEUED)


def rule(name: str = "errors", **fields: object) -> Rule:
    """A rule about records at error level, one alert a resource; fields given replace its own."""
    given: dict[str, object] = {
        "name": name,
        "title": name,
        "severity": "error",
        "match": Match(level=("error", "critical")),
        "condition": Each(),
    }
    return Rule(**{**given, **fields})  # type: ignore[arg-type]  # the fields of a rule, by their names


def records_of(body: bytes) -> list[Record]:
    """The records of a body in which all of it is one."""
    items = decode(body)
    assert not [i for i in items if isinstance(i, Undecodable)]
    return [i for i in items if isinstance(i, Record)]


def broken_in(body: bytes) -> list[Undecodable]:
    return [i for i in decode(body) if isinstance(i, Undecodable)]
