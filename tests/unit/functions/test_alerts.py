"""Alerts and silences over HTTP: found, decided about, and who may."""

from datetime import timedelta

from functions.reconciler import give_up, reconcile
from shared.domain.actor import Role
from shared.domain.errors import Terminal
from shared.domain.ids import parse_key
from shared.ports import WorkItem
from shared.telemetry.alerting import Firing
from shared.telemetry.rule import Each, Match, Rule
from tests.support.mesh import SUBSCRIPTION
from tests.unit.functions.api import Api, api, principal

REASON = {"reason": "it is being looked at"}
SALES, MARKETING = (f"node/{SUBSCRIPTION}/{group}" for group in ("sales", "marketing"))


async def fired(
    on: Api, node: str = SALES, group: str = "", rule: str = "deadlocks", sequence: int = 0
) -> str:
    """The id of an alert that fires."""
    now = on.mesh.clock.now()
    made = Rule(
        name=rule,
        title="Deadlocks <script>",
        severity="error" if rule == "deadlocks" else "warning",
        match=Match(),
        condition=Each(),
        handlers=("mesh-event",),
    )
    firing = Firing(
        rule=made,
        group=group or node,
        node=node,
        resource="",
        domain="" if node else "retail",
        first_at=now.timestamp(),
        last_at=now.timestamp(),
        partition="0",
        counts={sequence: (1, now.timestamp())},
    )
    return (await on.app.alerting.fire(firing, now)).id


async def looked_at(on: Api) -> None:
    """Every message that is visible is handled, as the queue's trigger does."""
    while (item := on.mesh.queue.pop_visible()) is not None:
        await reconcile(on.app, parse_key(item.key))


async def test_an_alert_is_listed_and_shown_with_its_version_and_history() -> None:
    on = api()
    key = await fired(on)
    await looked_at(on)
    (item,) = (await on.ask("list_alerts")).body["items"]
    assert (item["id"], item["state"], item["count"], item["title"]) == (
        key,
        "Firing",
        1,
        "Deadlocks <script>: sales",
    )
    found = await on.ask("get_alert", path={"id": key.upper()})
    assert found.headers["ETag"]
    assert found.body["commands"] == ["acknowledge", "resolve"]
    assert [entry["cause"] for entry in found.body["history"]] == ["handlers", "rule deadlocks"]
    assert [event.data["transition"] for event in on.mesh.events.events] == ["fired"]


async def test_lists_are_filtered_and_paged() -> None:
    on = api()
    for number in range(3):
        await fired(on, group=f"group-{number}")
    await fired(on, MARKETING, rule="throttled")
    await fired(on, "", group="retail")
    by_node = await on.ask("list_alerts", query={"node": f"{SUBSCRIPTION}/SALES", "top": "2"})
    assert len(by_node.body["items"]) == 2
    again = {"node": f"node/{SUBSCRIPTION}/sales", "top": "2", "continuation": by_node.body["continuation"]}
    assert len((await on.ask("list_alerts", query=again)).body["items"]) == 1
    for query, count in (
        ({"rule": "throttled"}, 1),
        ({"severity": "error"}, 4),
        ({"state": "Resolved"}, 0),
        ({}, 5),
    ):
        assert len((await on.ask("list_alerts", query=query)).body["items"]) == count
    for wrong in ({"node": "sales"}, {"state": "Fired"}, {"severity": "bad"}, {"continuation": "x"}):
        assert (await on.ask("list_alerts", query=wrong)).status == 400


async def test_an_alert_is_acknowledged_and_resolved_for_a_reason_that_its_history_keeps() -> None:
    on = api(authenticated=True)
    key = await fired(on)
    on.principal = principal(Role.OPERATOR, subject="op-1")
    read = await on.ask("get_alert", path={"id": key})
    said = await on.ask(
        "acknowledge_alert", REASON, path={"id": key}, headers={"If-Match": read.headers["ETag"]}
    )
    assert (said.status, said.body["state"], said.body["by"], said.body["reason"]) == (
        200,
        "Acknowledged",
        "op-1",
        REASON["reason"],
    )
    assert said.body["history"][0]["cause"] == "acknowledge by op-1"
    assert (await on.ask("resolve_alert", REASON, path={"id": key})).body["state"] == "Resolved"
    await looked_at(on)
    assert [event.data["transition"] for event in on.mesh.events.events] == [
        "fired",
        "acknowledged",
        "resolved",
    ]


async def test_what_does_not_fit_is_refused_with_what_would() -> None:
    """409 for a state, 412 for another version, 404 for none, 400 for no reason."""
    on = api()
    key = await fired(on)
    stale = (await on.ask("get_alert", path={"id": key})).headers["ETag"]
    await on.ask("acknowledge_alert", REASON, path={"id": key})
    again = await on.ask("acknowledge_alert", REASON, path={"id": key})
    assert (again.status, again.body["code"], again.body["allowed"]) == (
        409,
        "TransitionNotAllowed",
        ["resolve"],
    )
    other = await on.ask("resolve_alert", REASON, path={"id": key}, headers={"If-Match": stale})
    assert (other.status, other.body["code"]) == (412, "AlertChanged")
    assert (await on.ask("resolve_alert", REASON, path={"id": "0" * 32})).body["code"] == "AlertNotFound"
    assert (await on.ask("resolve_alert", {"reason": " "}, path={"id": key})).status == 400
    assert (await on.ask("get_alert", path={"id": "../nodes"})).status == 400


async def test_the_owner_of_a_node_looks_after_its_alerts_and_no_others() -> None:
    """Alerts of a domain belong to no node: they need the role."""
    on = api(authenticated=True)
    own, theirs, shared = await fired(on), await fired(on, MARKETING), await fired(on, "", group="retail")
    on.principal = principal(Role.READER, subject="owner-of-sales")
    assert (await on.ask("acknowledge_alert", REASON, path={"id": own})).status == 200
    for key in (theirs, shared):
        refused = await on.ask("acknowledge_alert", REASON, path={"id": key})
        assert (refused.status, refused.body["code"]) == (403, "NotResponsible")
    until = (on.mesh.clock.now() + timedelta(hours=1)).isoformat()
    mine = {"node": f"{SUBSCRIPTION}/sales", "until": until, **REASON}
    made = await on.ask("create_silence", mine)
    assert made.status == 201
    for wider in ({"node": f"{SUBSCRIPTION}/marketing"}, {"node": "", "rule": "deadlocks"}):
        assert (await on.ask("create_silence", {**mine, **wider})).status == 403
    on.principal = principal(Role.READER, subject="owner-of-marketing")
    assert (await on.ask("delete_silence", path={"id": made.body["id"]})).status == 403


async def test_a_silence_keeps_handlers_quiet_until_somebody_ends_it() -> None:
    on = api()
    until = (on.mesh.clock.now() + timedelta(days=1)).isoformat()
    asked = {"node": f"{SUBSCRIPTION}/sales", "rule": "deadlocks", "until": until, **REASON}
    made = await on.ask("create_silence", asked)
    key = await fired(on)
    await looked_at(on)
    assert (await on.ask("get_alert", path={"id": key})).body["silenced_by"] == made.body["id"]
    assert on.mesh.events.events == []
    (listed,) = (await on.ask("list_silences")).body["items"]
    assert (listed["node"], listed["rule"], listed["ended"]) == (SALES, "deadlocks", False)
    ended = await on.ask("delete_silence", path={"id": made.body["id"]})
    assert ended.status == 200
    assert (await on.ask("delete_silence", path={"id": made.body["id"]})).body["code"] == "SilenceNotFound"
    on.mesh.clock.advance(10)
    await looked_at(on)
    assert [event.data["transition"] for event in on.mesh.events.events] == ["fired"]
    told = [e.cause for e in on.mesh.history.entries if e.key in ("silences", SALES)]
    assert told == ["silence by function-key"] * 2 + ["unsilence by function-key"] * 2


async def test_a_silence_names_something_and_an_end_that_lies_ahead() -> None:
    on, now = api(), api().mesh.clock.now()
    good = {"rule": "deadlocks", "until": (now + timedelta(days=1)).isoformat(), **REASON}
    for wrong in (
        {"rule": ""},
        {"rule": " "},
        {"rule": "dead\0locks"},
        {"until": (now - timedelta(seconds=1)).isoformat()},
        {"until": (now + timedelta(days=400)).isoformat()},
        {"until": "2026-01-06T00:00:00"},
        {"until": "soon"},
        {"node": "sales"},
        {"reason": ""},
        {"who": "me"},
    ):
        assert (await on.ask("create_silence", {**good, **wrong})).status == 400, wrong
    assert (await on.ask("create_silence", good)).status == 201


async def test_a_notice_that_nobody_took_is_a_dead_letter_that_can_be_replayed() -> None:
    on = api()
    key = await fired(on, rule="deadlocks")
    stored = await on.app.alert_desk.get(key)
    letter_of = f"delivery-{key}-1-fired-mesh-event"
    on.mesh.events.fault = Terminal("EventHubRefused", "")
    await looked_at(on)
    (letter,) = (await on.ask("list_dead_letters", query={"kind": "delivery"})).body["items"]
    assert (letter["id"], letter["key"], stored.episode) == (letter_of, f"alert/{key}", 1)
    on.mesh.events.fault = None
    assert (await on.ask("replay_dead_letter", path={"id": letter_of})).status == 200
    await looked_at(on)
    assert [event.data["notice"] for event in on.mesh.events.events] == [f"{key}-1-fired"]


async def test_an_alert_that_no_look_came_to_an_end_with_is_a_dead_letter_that_leads_to_another_look() -> (
    None
):
    """The poison queue's handler makes it visible; a replay enqueues that very key."""
    on = api()
    key = await fired(on)
    on.mesh.queue.pop_visible()
    await give_up(on.app, parse_key(f"alert/{key}"), "its reconcile failed on every try; see the log.")
    (letter,) = (await on.ask("list_dead_letters", query={"kind": "key"})).body["items"]
    assert (letter["id"], letter["key"]) == (f"key-alert-{key}", f"alert/{key}")
    assert (await on.ask("replay_dead_letter", path={"id": letter["id"]})).status == 200
    await looked_at(on)
    assert [event.data["transition"] for event in on.mesh.events.events] == ["fired"]


async def test_a_key_of_an_alert_that_is_not_there_is_nothing_to_look_at() -> None:
    on = api()
    await on.app.queue.enqueue(WorkItem(f"alert/{'0' * 32}"))
    await looked_at(on)
    assert on.mesh.queue.items == ()
