"""Telemetry through AMQP: records become alerts, broken ones dead letters, and a deleted peering heals."""

import json
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from typing import cast

import pytest
from azure.eventhub import EventData, EventHubConsumerClient

from demo.records import RECORDED, event_bodies, peering_deleted
from demo.stack import PARTITIONS
from local.caller import Json
from tests.e2e.mesh import NETWORKS, Mesh, wait_for
from tests.e2e.senders import OF_TELEMETRY

pytestmark = [
    pytest.mark.stack,
    pytest.mark.xdist_group("stack"),
    pytest.mark.timeout(900),
    pytest.mark.usefixtures("senders"),
]

SAMPLES_ALONE = Path("/nowhere")


def record(resource: str, operation: str, level: str = "Error") -> Json:
    """A resource log of a key vault at a level."""
    return {
        "time": "2026-11-01T12:00:00Z",
        "resourceId": resource.upper(),
        "category": "AuditEvent",
        "operationName": operation,
        "level": level,
        "properties": {"httpStatusCode": 403},
    }


def body(*records: Json) -> bytes:
    return json.dumps({"records": records}).encode()


def alerts(mesh: Mesh, group: str, more: str = "") -> list[Json]:
    return mesh.pages(f"alerts?node=node/{mesh.subscription}/{group}{more}")


def letters(mesh: Mesh, word: str) -> list[Json]:
    return [x for x in mesh.dead_letters() if x["kind"] == "telemetry" and word in str(x)]


def test_error_records_raise_one_alert_of_their_node(mesh: Mesh) -> None:
    """Three errors of one kind in two events on two partitions are one alert with a count; quiet records raise none."""
    vault = mesh.vault_id("noisy")
    mesh.send([body(record(vault, "SecretGet"), record(vault, "SecretGet"))], "0")
    mesh.send([body(record(vault, "SecretGet"), record(vault, "SecretList", "Informational"))], "1")
    one = "&rule=error-level"
    found = wait_for("three records", lambda: [a for a in alerts(mesh, "noisy", one) if a["count"] == 3])
    assert len(alerts(mesh, "noisy", one)) == 1
    assert (found[0]["severity"], found[0]["state"]) == ("error", "Firing")
    assert found[0]["operation"] == "SecretGet"
    assert alerts(mesh, "noisy", "&state=Resolved") == []


@pytest.mark.parametrize("recorded", [RECORDED, SAMPLES_ALONE], ids=["recorded", "samples"])
def test_records_of_azure_raise_alerts_and_the_broken_one_is_kept(mesh: Mesh, recorded: Path) -> None:
    """What Azure sent, and our own samples: errors among them become alerts, what cannot be read a dead letter."""
    if recorded == RECORDED and not recorded.exists():
        pytest.skip("the recorded telemetry is not beside this checkout")
    group = "recorded" if recorded == RECORDED else "sampled"
    factory = f"{mesh.group_id(group)}/providers/Microsoft.DataFactory/factories/pipes"
    vault = mesh.vault_id(group)
    before = len(letters(mesh, "event-hub/2/"))
    mesh.send(event_bodies([vault, factory], recorded), "2")
    wait_for("a dead letter", lambda: len(letters(mesh, "event-hub/2/")) == before + 1)
    wait_for(
        "the factory's alert",
        lambda: factory.lower() in {str(a["resource"]).lower() for a in alerts(mesh, group)},
    )
    assert {a["node"] for a in alerts(mesh, group)} == {f"node/{mesh.subscription}/{group}"}


def test_broken_events_are_kept_with_partition_and_offset(mesh: Mesh) -> None:
    """Each broken piece is a dead letter that says where it lies; the good record beside it raises its alert."""
    vault = mesh.vault_id("broken")
    good = json.dumps(record(vault, "KeySign"))
    before = len(letters(mesh, "event-hub/3/"))
    mesh.send([b"\xff\xfe nothing", f'{{"records": [{good}, {{"time": tru}}]}}'.encode(), b""], "3")
    wait_for("the alert", lambda: alerts(mesh, "broken"))
    found = wait_for(
        "the dead letters",
        lambda: letters(mesh, "event-hub/3/") if len(letters(mesh, "event-hub/3/")) >= before + 2 else None,
    )
    for letter in found:
        _, partition, offset = str(letter["source"]).split("/")
        assert (partition, offset.isdigit()) == ("3", True)
    assert len({letter["id"] for letter in found}) == len(found)


def test_a_letter_is_replayed_from_the_event_hub_or_says_why_not(mesh: Mesh) -> None:
    """What is still broken is kept, for a reason that only the event itself can give; so are a node's, all at once."""
    vault = mesh.vault_id("replayed")
    mesh.send([f'{{"records": [{{"resourceId": "{vault}", "replayed": nonsense}}]}}'.encode()], "1")
    [letter] = wait_for(
        "the dead letter", lambda: [x for x in letters(mesh, "event-hub/1/") if "replayed" in str(x["node"])]
    )
    answer = mesh.api(f"deadletters/{letter['id']}/replay", "POST")
    assert (answer.status, answer.body["code"]) == (422, "StillUnreadable")
    answer = mesh.api(f"deadletters/replay?node={mesh.subscription}/replayed&kind=telemetry", "POST")
    assert answer.status == 200
    assert [kept["code"] for kept in cast(list[Json], answer.body["kept"])] == ["StillUnreadable"]


def test_errors_of_all_partitions_within_a_window_are_one_alert(mesh: Mesh) -> None:
    """A rule that counts over a window takes what came over every partition, and each record once."""
    vault = mesh.vault_id("counted")
    now = datetime.now(UTC)
    for partition in range(PARTITIONS):
        denied = [{**record(vault, "SecretGet"), "time": now.isoformat()} for _ in range(5)]
        mesh.send([body(*denied)], str(partition))
    one = "&rule=key-vault-denied"
    total = 5 * PARTITIONS
    found = wait_for("every record", lambda: [a for a in alerts(mesh, "counted", one) if a["count"] == total])
    assert found[0]["state"] == "Firing"


def test_a_peering_deleted_without_an_event_heals_by_the_activity_log(mesh: Mesh) -> None:
    """Event Grid loses everything; the activity log's record alone brings the key to a reconcile."""
    mesh.create("overheard")
    mesh.ready("overheard")
    mesh.control("PUT", "/event-grid", {"drop": 1.0})
    try:
        [side] = mesh.peerings(mesh.network_id("overheard"))
        mesh.delete(str(side["id"]), NETWORKS)
        mesh.send([peering_deleted(mesh.network_id("overheard"))], "1")
        wait_for("both sides", lambda: len(mesh.sides("overheard")) == 2)
        node = mesh.ready("overheard")
    finally:
        mesh.control("PUT", "/event-grid", {})
    mesh.assert_attached("overheard")
    assert "activity log" in str(node["history"])


def test_other_systems_may_follow_the_mesh(mesh: Mesh) -> None:
    """The mesh's own Event Hub tells that a node changed, in which state it is and why."""
    heard: list[Json] = []
    consumer = EventHubConsumerClient.from_connection_string(
        mesh.azure.endpoints.event_hubs_connection_string, "$Default", eventhub_name="mesh-events"
    )

    def listen(_context: object, event: EventData | None) -> None:
        if event is not None:
            heard.append(event.body_as_json())

    with consumer:
        listening = Thread(target=consumer.receive, args=(listen,), kwargs={"starting_position": "-1"})
        listening.start()
        key = f"node/{mesh.subscription}/{OF_TELEMETRY[0]}"
        try:
            wait_for("the event", lambda: [e for e in heard if key in str(e) and "Ready" in str(e)])
        finally:
            consumer.close()
            listening.join(20)


def test_a_batch_delivered_again_adds_no_dead_letter(mesh: Mesh) -> None:
    """Workers die while broken events are handled: after redelivery there is one dead letter for each, and no gap."""
    vault = mesh.vault_id("again")
    broken = [f'{{"records": [{{"again": {number}, nonsense]}}'.encode() for number in range(40)]
    before = {str(x["id"]) for x in letters(mesh, "event-hub/")}
    mesh.send([*broken[:20], body(record(vault, "Before"))], "0")
    for worker in mesh.app.workers():
        mesh.app.kill_worker(worker.pid)
    mesh.send([*broken[20:], body(record(vault, "After"))], "0")
    operations = {"Before", "After"}
    wait_for("both alerts", lambda: operations <= {a["operation"] for a in alerts(mesh, "again")})

    def kept() -> list[str]:
        return [str(x["id"]) for x in letters(mesh, "event-hub/0/") if x["id"] not in before]

    wait_for("every dead letter", lambda: len(kept()) >= len(broken))
    wait_for("no batch in work", lambda: not any(worker.running for worker in mesh.app.workers()))
    assert len(kept()) == len(set(kept())) == len(broken)
