"""Diagnostic records flow through the Event Hub: rules raise alerts, people are told, what cannot be read is kept."""

from collections.abc import Mapping

from azure.eventhub import EventData, EventHubProducerClient

from demo.alert_looks import alert_of, raised, told
from demo.api import ApiFailed
from demo.people import CLEO
from demo.records import broken, event_body, sent_by
from demo.stack import TELEMETRY_HUB
from demo.stage import Moment, Stage
from demo.watch import Seen
from demo.world import SALES

FAILED_PIPELINE = "data-factory-pipeline-failed"
REASON = "the source is being mended"
# Each sends to a partition of its own, so that every worker has some; each has a record of a failure.
SENDERS = (
    "Microsoft.Storage/storageAccounts",
    "Microsoft.KeyVault/vaults",
    "Microsoft.Sql/servers/databases",
    "Microsoft.DataFactory/factories",
)
BROKEN_IN = 1
_SHOWN = 6


def play(stage: Stage) -> None:
    """Records of the sales node, and one that is broken."""
    watch = stage.watch
    watch.act("What sales reports streams through the Event Hub")
    count = send_records(stage)
    _send(stage, {BROKEN_IN: broken(SALES.of_type(stage.subscription, SENDERS[BROKEN_IN]))})
    watch.did(
        f"in Azure Monitor's place the demo sends {count} records in the name of sales, and a broken one"
    )
    watch.claim("a rule of the library raises an alert", raised(stage, FAILED_PIPELINE))
    watch.claim("every resource that failed has one", lambda: _others(stage))
    stage.sent = Moment()
    for alert in stage.telemetry_api.alerts(SALES.group)[:_SHOWN]:
        watch.tell(f"{alert.severity}: {alert.title} (rule {alert.rule}, records: {alert.count})")
    watch.claim("a webhook is told once, and knows by whom", told(stage, FAILED_PIPELINE))
    _acknowledged(stage)
    watch.claim("the broken one is kept as a dead letter", lambda: _dead_letter(stage))
    watch.claim("replay reads it again, and says the truth", lambda: _replayed(stage))


def send_records(stage: Stage) -> int:
    """Sends the records of every sender, as of now, each to a partition of its own; answers how many they are."""
    now = Moment().at
    sent = [sent_by(SALES.of_type(stage.subscription, kind), now) for kind in SENDERS]
    _send(stage, dict(enumerate(map(event_body, sent))))
    return sum(map(len, sent))


def producer(stage: Stage) -> EventHubProducerClient:
    """Who sends to the Event Hub that Meshplane reads."""
    return EventHubProducerClient.from_connection_string(
        stage.stack.endpoints.event_hubs_connection_string, eventhub_name=TELEMETRY_HUB
    )


def _send(stage: Stage, bodies: Mapping[int, bytes]) -> None:
    """An event to each of these partitions."""
    with producer(stage) as sender:
        for partition, body in bodies.items():
            sender.send_batch([EventData(body)], partition_id=str(partition))


def _others(stage: Stage) -> Seen:
    alerts = stage.telemetry_api.alerts(SALES.group)
    rules, resources = {a.rule for a in alerts}, {a.resource for a in alerts}
    good = len(rules) > 1 and len(resources) == len(SENDERS)
    return Seen(good, f"{len(alerts)} alerts by {len(rules)} rules on {len(resources)} resources")


def _acknowledged(stage: Stage) -> None:
    alert = alert_of(stage, FAILED_PIPELINE)
    if alert is None:
        raise ApiFailed(404, "the alert is gone")
    stage.telemetry_api.acknowledge(CLEO, alert.id, REASON)
    stage.watch.did(f"{CLEO}: POST /api/alerts/…/acknowledge: {REASON}")

    def look() -> Seen:
        shown = stage.telemetry_api.alert(alert.id)
        changes = [change for entry in shown.history for change in entry.changes]
        good = shown.state == "Acknowledged" and shown.reason == REASON
        return Seen(good and any("Acknowledged" in c for c in changes), f"{shown.state}: {shown.reason}")

    stage.watch.claim("everybody sees that somebody looks after it", look)


def _dead_letter(stage: Stage) -> Seen:
    letters = stage.telemetry_api.dead_letters()
    what = "; ".join(f"{letter.source}, {letter.reason}" for letter in letters)
    return Seen(len(letters) == 1, what or "no dead letter")


def _replayed(stage: Stage) -> Seen:
    """It is broken, so that it cannot be handled however often it is read."""
    [letter] = stage.telemetry_api.dead_letters()
    try:
        stage.telemetry_api.replay(letter.id)
    except ApiFailed as error:
        kept = letter.id in [each.id for each in stage.telemetry_api.dead_letters()]
        return Seen(error.code == "StillUnreadable" and kept, f"{error.status} {error.code}, and it is kept")
    return Seen(False, "it was handled")
