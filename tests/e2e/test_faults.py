"""Azure refuses, fails, stalls and forgets: every fault ends converged or visibly failed, and nothing is lost."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast

import pytest
from azure.data.tables import UpdateMode

from local.caller import Json
from shared.domain.mesh import RECONCILE_QUEUE
from tests.e2e.azure import most_looks
from tests.e2e.beside import beside
from tests.e2e.mesh import LEASE_SECONDS, SETTING, Mesh, NotSeen, resource_event, wait_for

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("stack"), pytest.mark.timeout(900)]

DENIED = {"status": 403, "code": "AuthorizationFailed"}
OTHER_SUBSCRIPTION = "c0000000-0000-4000-8000-000000000009"
# Long enough for an engine that retries by itself to be caught at it.
SECONDS_OF_SILENCE = 5.0
A_LITTLE_LESS_THAN_THE_CLIENT_WAITS = timedelta(seconds=27)


def setting_of(group: str) -> str:
    """A pattern for our setting on the group's key vault."""
    return rf"/{group}/.*/vaults/.*/diagnosticSettings/meshplane$"


def hub_side(mesh: Mesh, group: str) -> str:
    """A pattern for the hub's side of a node's connection."""
    return f"/virtualNetworkPeerings/{mesh.hub_prefix(group)}"


def onboards_in_spite_of(mesh: Mesh, group: str, path: str, **fault: object) -> None:
    """A group becomes a whole node although the first matching writes go wrong."""
    injected = mesh.fault(path, method="PUT", **fault)
    networked = "virtualNetworkPeerings" in path
    mesh.create(group, network=networked)
    mesh.ready(group)
    assert mesh.hits(injected) == fault.get("times", 1)
    if networked:
        mesh.assert_attached(group)
    else:
        mesh.assert_observed(group)


def moment(request: Json) -> datetime:
    """When a request came, by the clock of Resource Manager."""
    return datetime.fromisoformat(str(request["time"]))


def assert_left_alone(mesh: Mesh, group: str) -> None:
    """Once all events were taken in, the app asks nothing about a group that is NotReady until another one comes."""

    def through() -> bool:
        generation = mesh.settled(group, "NotReady")["generation"]
        since = mesh.mark()
        time.sleep(SECONDS_OF_SILENCE)
        asked, after = mesh.requests(since, group), mesh.node(group)
        # A late event is a reason to look; without one there is none.
        if after is None or after["generation"] != generation:
            return False
        assert asked == []
        return True

    wait_for(f"{group} without events", through)


@beside
def test_a_refused_read_is_shown_and_not_tried_for_ever(mesh: Mesh) -> None:
    """403 on the group: the condition says so, nobody asks again until somebody wants it, then all is well."""
    mesh.create("no-read", network=False)
    mesh.ready("no-read")
    with mesh.failing(r"/resourcegroups/no-read$", method="GET", **DENIED):
        assert mesh.deliver(resource_event(mesh.group_id("no-read"), 403)) == 202
        condition = mesh.found("no-read", "Ready", "AuthorizationFailed")
        assert (condition["status"], condition["severity"]) == ("False", "error")
        assert_left_alone(mesh, "no-read")
    mesh.reconcile("no-read")
    mesh.ready("no-read")


@beside
def test_a_refused_setting_is_shown_beside_what_worked(mesh: Mesh) -> None:
    """403 on one write: the network is connected all the same, and the rest follows once it is allowed."""
    with mesh.failing(setting_of("no-write"), method="PUT", **DENIED):
        mesh.create("no-write")
        condition = mesh.found("no-write", "Observed", "AuthorizationFailed")
        assert mesh.vault_id("no-write").lower() in str(condition["message"]).lower()
        wait_for("both sides", lambda: mesh.connected("no-write"))
        assert_left_alone(mesh, "no-write")
        assert mesh.settings(mesh.vault_id("no-write")) == []
    mesh.reconcile("no-write")
    mesh.ready("no-write")
    mesh.assert_attached("no-write")


@beside
def test_a_resource_that_is_gone_in_the_middle_does_not_stop_the_rest(mesh: Mesh) -> None:
    """404 on a write although the list showed the resource."""
    onboards_in_spite_of(mesh, "missing", setting_of("missing"), status=404, code="ResourceNotFound")


@beside
def test_another_operation_in_progress_is_waited_for(mesh: Mesh) -> None:
    """409 on the hub's side, three times."""
    onboards_in_spite_of(
        mesh,
        "busy",
        hub_side(mesh, "busy"),
        status=409,
        code="AnotherOperationInProgress",
        times=3,
    )


@beside
def test_no_request_comes_before_retry_after(mesh: Mesh) -> None:
    """429 with five seconds: nothing is asked about the group earlier, then the write is made."""
    mesh.create("throttled", network=False)
    mesh.ready("throttled")
    since = mesh.mark()
    mesh.fault(
        setting_of("throttled"),
        method="PUT",
        status=429,
        code="SubscriptionRequestsThrottled",
        headers={"Retry-After": "5"},
    )
    mesh.delete(mesh.setting_id(mesh.vault_id("throttled")), SETTING)
    wait_for("the setting", lambda: mesh.settings(mesh.vault_id("throttled")))
    mesh.ready("throttled")
    requests = mesh.requests(since, "throttled")
    refused = next(i for i, r in enumerate(requests) if r["status"] == 429)
    later = requests[refused + 1 :]
    assert later
    assert moment(later[0]) - moment(requests[refused]) >= timedelta(seconds=5)


@beside
def test_servers_that_fail_are_asked_again(mesh: Mesh) -> None:
    """500 and 503 on reads and writes."""
    mesh.fault(r"/resourcegroups/flaky$", method="GET", status=503, code="ServiceUnavailable")
    mesh.fault(r"/flaky/.*virtualNetworks$", method="GET", status=500)
    onboards_in_spite_of(mesh, "flaky", hub_side(mesh, "flaky"), status=500)


@beside
def test_a_dropped_connection_is_made_again(mesh: Mesh) -> None:
    """The connection ends before the write took effect, and on another write after it did."""
    mesh.fault(hub_side(mesh, "dropped"), method="PUT", drop="after")
    onboards_in_spite_of(mesh, "dropped", setting_of("dropped"), drop="before")


@beside
def test_a_request_that_is_not_answered_is_given_up_and_made_again(mesh: Mesh) -> None:
    """A write stalls beyond the client's 30 seconds: another run takes over, and the first one gives the key up."""
    since = mesh.mark()
    onboards_in_spite_of(mesh, "stalled", setting_of("stalled"), delay=32)

    def looked_again() -> bool:
        """A run that finds its lease lost asks for one more look: what it began may have taken effect since."""
        begun = min(moment(r) for r in mesh.requests(since, "stalled", writes=True))
        return any(
            moment(r) - begun > A_LITTLE_LESS_THAN_THE_CLIENT_WAITS for r in mesh.looks(since, "stalled")
        )

    # The write is logged when it ends; the one of the run that took over began after it.
    wait_for("the end of both writes", lambda: len(mesh.requests(since, "stalled", writes=True)) > 1)
    wait_for("one more look", looked_again)
    mesh.ready("stalled")
    mesh.assert_observed("stalled")


@beside
def test_an_operation_that_fails_later_is_begun_again(mesh: Mesh) -> None:
    """The write was accepted, and its operation ends as Failed."""
    onboards_in_spite_of(
        mesh, "failed", hub_side(mesh, "failed"), fail_operation=True, code="InternalServerError"
    )


@beside
def test_an_unknown_subscription_is_named(mesh: Mesh) -> None:
    """A group of a subscription that is not the mesh's is refused and leaves no row; a dry run says what Azure says."""
    path = f"nodes/{OTHER_SUBSCRIPTION}/lost"
    asked = mesh.api(f"{path}/reconcile", "POST")
    assert (asked.status, asked.body["code"]) == (404, "SubscriptionNotGoverned")
    assert mesh.api(path).status == 404
    plan = mesh.api(f"{path}/plan")
    assert (plan.status, plan.body["code"]) == (502, "SubscriptionNotFound")


@beside
def test_thirty_people_at_once_lose_nothing(mesh: Mesh) -> None:
    """Every request is accepted although all write one row, and they come to a few runs."""
    mesh.create("crowd", network=False)
    mesh.ready("crowd")
    since, began = mesh.mark(), time.monotonic()
    with ThreadPoolExecutor(30) as pool:
        answers = list(
            pool.map(lambda _: mesh.api(f"{mesh.node_path('crowd')}/reconcile", "POST"), range(30))
        )
    assert {a.status for a in answers} <= {202, 503}
    assert sum(a.status == 202 for a in answers) >= 25
    assert all("problem+json" in a.content_type for a in answers if a.status == 503)
    few = most_looks(5, began)
    mesh.ready("crowd")
    assert 1 <= len(mesh.looks(since, "crowd")) <= few
    assert mesh.requests(since, "crowd", writes=True) == []


@beside
def test_a_message_that_is_no_work_item_becomes_a_dead_letter(mesh: Mesh) -> None:
    """Neither nonsense nor a key that names nothing is retried or lost."""
    with mesh.queue() as queue:
        queue.send_message("certainly not JSON")
        queue.send_message(json.dumps({"key": "nobody/knows", "cause": "test"}))

    def kept() -> list[Json]:
        return [
            x for x in mesh.dead_letters() if x["kind"] == "key" and "not a work item" in str(x["reason"])
        ]

    wait_for("two dead letters", lambda: len(kept()) == 2)
    answer = mesh.api(f"deadletters/{kept()[0]['id']}/replay", "POST")
    assert (answer.status, answer.body["code"]) == (422, "NotReplayable")


@beside
def test_a_key_on_the_poison_queue_becomes_visible_and_replay_heals_it(mesh: Mesh) -> None:
    """What the queue gave up is a condition and a dead letter; replaying it removes both."""
    mesh.create("poisoned", network=False)
    mesh.ready("poisoned")
    with mesh.queue(f"{RECONCILE_QUEUE}-poison") as queue:

        def given_up() -> bool:
            """A late event of the group's making may heal it at once: then it is given up again."""
            queue.send_message(_work_item(mesh, "poisoned"))
            with suppress(NotSeen):
                mesh.found("poisoned", "Ready", "RetriesExhausted", 20)
                return True
            return False

        wait_for("the condition", given_up)
    _replay(mesh, "poisoned")
    mesh.ready("poisoned")


@beside
def test_a_row_that_cannot_be_read_is_given_up_visibly_and_heals_by_replay(mesh: Mesh) -> None:
    """Every delivery fails, so the platform moves the key to the poison queue; events are refused, not swallowed."""
    mesh.create("garbled", network=False)
    mesh.ready("garbled")
    with mesh.tables() as service, service.get_table_client("nodes") as table:
        row = table.get_entity(mesh.subscription, "garbled")
        good = row["document00"]
        table.update_entity({**row, "document00": b"garbage"}, UpdateMode.REPLACE)
        assert mesh.deliver(resource_event(mesh.group_id("garbled"), 5)) == 500
        assert mesh.api(mesh.node_path("garbled")).body["code"] == "UnreadableRow"
        with mesh.queue() as queue:
            queue.send_message(_work_item(mesh, "garbled"))
        wait_for("a dead letter", lambda: _letters(mesh, "garbled"))
        table.update_entity({**row, "document00": good}, UpdateMode.REPLACE)
    _replay(mesh, "garbled")
    mesh.ready("garbled")


@beside
def test_events_of_the_other_schema_are_understood(mesh: Mesh) -> None:
    """An event in the CloudEvents schema leads to a look at its group."""
    mesh.create("cloudy", network=False)
    mesh.ready("cloudy")
    since = mesh.mark()
    event = resource_event(mesh.group_id("cloudy"), 77)
    cloud = {
        "specversion": "1.0",
        "type": event["eventType"],
        "source": event["topic"],
        "id": event["id"],
        "time": event["eventTime"],
        "subject": event["subject"],
        "data": event["data"],
    }
    assert mesh.deliver(cloud) == 202
    wait_for("a look", lambda: mesh.requests(since, "cloudy"))
    mesh.ready("cloudy")


def test_a_malformed_event_is_kept_without_what_it_says_of_people(mesh: Mesh) -> None:
    """An event that names no resource is a dead letter; no name, address or claim of anybody is stored or logged."""
    person = {"name": "Robin Example", "upn": "robin@example.com", "ipaddr": "203.0.113.7"}
    event = resource_event("", 99, claims=person, httpRequest={"clientIpAddress": "203.0.113.7"})
    assert mesh.deliver({**event, "data": {**cast(Json, event["data"]), "resourceUri": ""}}) == 202
    letter = wait_for(
        "the dead letter",
        lambda: next((x for x in mesh.dead_letters() if x["id"] == f"event-{event['id']}"), None),
    )
    assert "names no resource" in str(letter["reason"])
    # Every event of this session came from a person, so everything that was stored and logged is looked at.
    kept = mesh.stored() + mesh.app.log.read_text()
    for word in ("robin", "203.0.113.7", "claims", "Example Person"):
        assert word not in kept.replace("/claims/", "").lower(), word


def test_a_killed_worker_s_run_is_taken_over_when_its_lease_ends(mesh: Mesh) -> None:
    """kill -9 in the middle of a write: another instance finishes the node soon after the lease ran out."""
    stall = mesh.fault(setting_of("widow"), method="PUT", delay=20)
    mesh.create("widow")
    wait_for("the write", lambda: mesh.hits(stall))
    before = {worker.pid for worker in mesh.app.workers()}
    dead = {worker.pid for worker in mesh.app.workers() if worker.running}
    for pid in dead:
        mesh.app.kill_worker(pid)
    killed, since = time.monotonic(), mesh.mark()
    wait_for("a worker", lambda: _ready_workers(mesh) - dead)
    able = max(time.monotonic(), killed + LEASE_SECONDS)
    wait_for("another run", lambda: mesh.requests(since, "widow"))
    # The second until the message is back, the run's way to its first request, and the look of this test.
    assert time.monotonic() - able < 10
    mesh.ready("widow")
    mesh.assert_attached("widow")
    wait_for("three workers", lambda: len(after := _ready_workers(mesh)) == len(before) and after != before)


def test_wrong_credentials_are_shown_and_right_ones_are_enough(mesh: Mesh, tmp_path: Path) -> None:
    """An identity that gets no token is a condition on the node; the app started with the right one goes on."""
    mesh.create("locked", network=False)
    mesh.ready("locked")
    mesh.app.stop()
    try:
        with mesh.host(tmp_path, {"IDENTITY_HEADER": "not-the-secret"}) as wrong:
            node = f"{wrong.endpoint}/api/{mesh.node_path('locked')}"
            assert mesh.http(f"{node}/reconcile", "POST", key=wrong.function_key).status == 202
            wait_for(
                "the condition",
                lambda: "NoToken" in mesh.http(node, "GET", key=wrong.function_key).text,
            )
            health = mesh.http(f"{wrong.endpoint}/api/health", "GET", key=wrong.function_key)
            assert health.status == 503
    finally:
        mesh.app.start()
    mesh.reconcile("locked")
    mesh.ready("locked")


def _ready_workers(mesh: Mesh) -> set[int]:
    return {worker.pid for worker in mesh.app.workers() if worker.ready}


def _work_item(mesh: Mesh, group: str) -> str:
    return json.dumps({"key": f"node/{mesh.subscription}/{group}", "cause": "test"})


def _letters(mesh: Mesh, group: str) -> list[Json]:
    return [x for x in mesh.dead_letters() if x["key"] == f"node/{mesh.subscription}/{group}"]


def _replay(mesh: Mesh, group: str) -> None:
    """Replays the dead letters of a node; they are gone afterwards."""
    letters = wait_for("a dead letter", lambda: _letters(mesh, group))
    for letter in letters:
        assert mesh.api(f"deadletters/{letter['id']}/replay", "POST").status == 200
    assert _letters(mesh, group) == []
