"""From a record on the Event Hub to whoever is told of it: signed, once each, again after a failure, and by people."""

import json
import time
from datetime import UTC, datetime, timedelta

import pytest

from local.caller import Json
from shared.telemetry.handlers.webhook import signature
from shared.telemetry.silencing import SILENCES_SECONDS
from tests.e2e.mesh import WEBHOOK_SECRET, Mesh, wait_for
from tests.support.receiver import Received

pytestmark = [
    pytest.mark.stack,
    pytest.mark.xdist_group("stack"),
    pytest.mark.timeout(900),
    pytest.mark.usefixtures("senders"),
]

REASON = json.dumps({"reason": "it is being looked at"}).encode()


def failed_run(mesh: Mesh, group: str, pipeline: str) -> bytes:
    """A failed run of a Data Factory pipeline, as PipelineRuns tells it."""
    factory = f"{mesh.group_id(group)}/providers/Microsoft.DataFactory/factories/pipes".upper()
    record = {
        "time": datetime.now(UTC).isoformat(),
        "resourceId": factory,
        "category": "PipelineRuns",
        "operationName": f"{pipeline} - Failed",
        "level": "Error",
        "status": "Failed",
        "pipelineName": pipeline,
        "runId": "1",
        "properties": {"Parameters": {}},
    }
    return json.dumps({"records": [record]}).encode()


def alerts(mesh: Mesh, group: str) -> list[Json]:
    found = mesh.pages(f"alerts?node={mesh.subscription}/{group}")
    return [a for a in found if a["rule"] == "data-factory-pipeline-failed"]


def fired(mesh: Mesh, group: str, pipeline: str) -> Json:
    """The alert of a pipeline that fails once."""

    def look() -> Json | None:
        known = [a for a in alerts(mesh, group) if pipeline in str(mesh.api(f"alerts/{a['id']}").body)]
        return known[0] if known else None

    mesh.send([failed_run(mesh, group, pipeline)], "0")
    return wait_for(f"the alert of {pipeline}", look)


def notices(mesh: Mesh, alert: Json, path: str = "/ops") -> list[Received]:
    return [
        r
        for r in mesh.receiver.received
        if r.path == path and r.headers["x-meshplane-notice"].startswith(str(alert["id"]))
    ]


def kinds(mesh: Mesh, alert: Json) -> list[str]:
    return [r.headers["x-meshplane-notice"].rpartition("-")[2] for r in notices(mesh, alert)]


def test_a_failed_pipeline_is_told_of_once_and_signed(mesh: Mesh) -> None:
    """Runs that fail on all partitions, handled by three instances: one alert, and one notice for each webhook."""
    alert = fired(mesh, "told", "nightly")
    for partition in range(4):
        mesh.send([failed_run(mesh, "told", "nightly")], str(partition))
    wait_for("five runs", lambda: [a for a in alerts(mesh, "told") if int(str(a["count"])) >= 5])
    [got] = wait_for("the notice", lambda: notices(mesh, alert))
    [card] = wait_for("the card", lambda: notices(mesh, alert, "/team"))
    timestamp = got.headers["x-meshplane-timestamp"]
    assert got.headers["x-meshplane-signature"] == signature(WEBHOOK_SECRET, timestamp, got.body)
    essentials = json.loads(got.body)["data"]["essentials"]
    assert (essentials["monitorCondition"], essentials["monitoringService"]) == ("Fired", "Meshplane")
    assert json.loads(card.body)["attachments"][0]["content"]["type"] == "AdaptiveCard"
    assert "x-meshplane-signature" not in card.headers
    assert len(alerts(mesh, "told")) == 1
    shown = mesh.api(f"alerts/{alert['id']}").body
    assert shown["waiting"] == []
    assert "webhook:ops: fired" in str(shown["history"])


def test_a_receiver_that_fails_is_told_again(mesh: Mesh) -> None:
    """The first answer is 500: the next try comes after ten seconds or so, under the same notice id."""
    mesh.receiver.status = 500
    try:
        alert = fired(mesh, "failing", "hourly")
        wait_for("a try", lambda: notices(mesh, alert))
    finally:
        mesh.receiver.status = 200
    wait_for("another", lambda: len(notices(mesh, alert)) > 1 or None)
    wait_for("nothing waits", lambda: mesh.api(f"alerts/{alert['id']}").body["waiting"] == [] or None)
    assert len({r.headers["x-meshplane-notice"] for r in notices(mesh, alert)}) == 1
    assert mesh.stored().count(WEBHOOK_SECRET) == 0


def test_people_look_after_an_alert(mesh: Mesh) -> None:
    """Acknowledged, resolved, and fired anew: an episode of its own."""
    alert = fired(mesh, "looked-after", "weekly")
    path = f"alerts/{alert['id']}"
    assert mesh.api(f"{path}/acknowledge", "POST", body=REASON).body["state"] == "Acknowledged"
    assert mesh.api(f"{path}/acknowledge", "POST", body=REASON).status == 409
    assert mesh.api(f"{path}/resolve", "POST", body=REASON).body["state"] == "Resolved"
    wait_for("the end", lambda: kinds(mesh, alert) == ["fired", "resolved"] or None)
    mesh.send([failed_run(mesh, "looked-after", "weekly")], "1")
    again = wait_for(
        "another episode", lambda: [a for a in alerts(mesh, "looked-after") if a["episode"] == 2]
    )
    assert (again[0]["state"], again[0]["count"]) == ("Firing", 1)


def test_a_silence_keeps_it_quiet_until_somebody_ends_it(mesh: Mesh) -> None:
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    asked = {"node": f"{mesh.subscription}/quiet", "until": until, "reason": "works"}
    made = mesh.api("silences", "POST", body=json.dumps(asked).encode())
    assert made.status == 201, made.text
    known = time.monotonic() + SILENCES_SECONDS
    wait_for("every instance to know of it", lambda: time.monotonic() > known)
    alert = fired(mesh, "quiet", "monthly")
    wait_for(
        "the silence",
        lambda: mesh.api(f"alerts/{alert['id']}").body["silenced_by"] == made.body["id"] or None,
    )
    assert notices(mesh, alert) == []
    assert mesh.api(f"silences/{made.body['id']}", "DELETE").status == 200
    wait_for("the notice", lambda: notices(mesh, alert))


def test_a_receiver_that_hangs_holds_up_neither_nodes_nor_other_handlers(mesh: Mesh) -> None:
    """Forty alerts for a receiver that never answers: a node is Ready as soon as ever, and all are told later."""
    fired(mesh, "hung", "first")
    mesh.receiver.hangs = True
    try:
        bodies = [failed_run(mesh, "hung", f"pipeline-{n}") for n in range(40)]
        mesh.send(bodies, "2")
        wait_for("the alerts", lambda: len(alerts(mesh, "hung")) == 41 or None)
        mesh.create("meanwhile")
        mesh.ready("meanwhile")
    finally:
        mesh.receiver.hangs = False

    def told() -> bool:
        return all(kinds(mesh, alert) for alert in alerts(mesh, "hung")) and all(
            mesh.api(f"alerts/{alert['id']}").body["waiting"] == [] for alert in alerts(mesh, "hung")
        )

    wait_for("everything told", told)
