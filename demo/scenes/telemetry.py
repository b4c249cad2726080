"""Diagnostic records flow through the Event Hub: errors become alerts, what cannot be read is kept."""

from collections.abc import Iterator, Sequence

import msgspec
from azure.eventhub import EventData, EventHubProducerClient

from demo.records import event_bodies
from demo.stack import TELEMETRY_HUB
from demo.stage import Stage
from demo.watch import Seen
from demo.world import SALES

_SENDERS = (
    "Microsoft.Storage/storageAccounts",
    "Microsoft.KeyVault/vaults",
    "Microsoft.Sql/servers/databases",
    "Microsoft.DataFactory/factories",
)
_SHOWN = 6


class _Record(msgspec.Struct, frozen=True):
    resource: str = msgspec.field(name="resourceId", default="")
    level: str | int = ""


class _Envelope(msgspec.Struct, frozen=True):
    records: list[_Record]


def play(stage: Stage) -> None:
    """Records of the sales node, the last of them broken."""
    watch = stage.watch
    watch.act("Azure Monitor sends diagnostic records through the Event Hub")
    bodies = event_bodies([SALES.of_type(stage.subscription, kind) for kind in _SENDERS])
    records = [record for body in bodies for record in _readable(body)]
    _send(stage, bodies)
    watch.did(f"{len(records)} records in the name of sales, and one that is broken")
    failing = {r.resource.lower() for r in records if str(r.level).lower() in ("error", "critical")}
    watch.claim(
        "GET /api/alerts names every resource with an error-level record", lambda: _alerts(stage, failing)
    )
    for alert in stage.api.alerts(SALES.group)[:_SHOWN]:
        watch.tell(f"{alert.title} (records: {alert.count})")
    watch.claim("the broken record is kept as a dead letter", lambda: _dead_letters(stage))


def _readable(body: bytes) -> Iterator[_Record]:
    """The records of an event; none of one that is broken on purpose."""
    try:
        yield from msgspec.json.decode(body, type=_Envelope).records
    except msgspec.DecodeError:
        return


def _send(stage: Stage, bodies: Sequence[bytes]) -> None:
    producer = EventHubProducerClient.from_connection_string(
        stage.stack.endpoints.event_hubs_connection_string, eventhub_name=TELEMETRY_HUB
    )
    with producer:
        for body in bodies:
            batch = producer.create_batch()
            batch.add(EventData(body))
            producer.send_batch(batch)


def _alerts(stage: Stage, failing: set[str]) -> Seen:
    alerts = stage.api.alerts(SALES.group)
    missing = failing - {alert.resource.lower() for alert in alerts}
    what = f"{len(alerts)} alerts; {len(failing) - len(missing)} of {len(failing)} such resources have one"
    return Seen(not missing and bool(alerts), what)


def _dead_letters(stage: Stage) -> Seen:
    letters = [letter for letter in stage.api.dead_letters() if letter.kind == "telemetry"]
    what = "; ".join(f"{letter.source}, {letter.reason}" for letter in letters)
    return Seen(len(letters) == 1, what or "no dead letter")
