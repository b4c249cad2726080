"""Every command against the app's own routes, on ports in memory: what it shows, and its exit code."""

import asyncio
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from shared.domain.actor import Role
from shared.ports import DeadLetter
from shared.telemetry.log_queries import LogQueries
from tests.cli.running import Ran, run
from tests.cli.servers import Server, serving_api
from tests.fakes.logs import InMemoryLogs
from tests.unit.functions.api import CONSUMER, POOL, PROVIDER, ROOT, TARGET, Api, api, principal
from tests.unit.functions.test_alerts import SALES, fired
from tests.unit.functions.test_log_queries import FOUND

ASK = ("edges", "request", CONSUMER, PROVIDER, "-i", "sql", "-t", TARGET, "-p", "report [red]!\x1b[31m")
NEVER = "0" * 32


class Person:
    """Somebody at a shell, whose mesh has two nodes."""

    def __init__(self, on: Api, server: Server) -> None:
        self.on = on
        self.server = server

    def says(self, *args: str) -> Ran:
        return run(*args, url=self.server.url)

    def json(self, *args: str) -> Any:
        ran = self.says(*args, "--output", "json")
        assert ran.code == 0, ran
        return json.loads(ran.out)

    def edge(self) -> str:
        return str(self.json(*ASK)["id"])


@pytest.fixture
def on() -> Api:
    return api()


@pytest.fixture
def person(on: Api) -> Iterator[Person]:
    with serving_api(on) as server:
        yield Person(on, server)


def test_nodes_are_listed_and_found_by_state_and_an_empty_list_is_no_error(person: Person) -> None:
    lines = person.says("nodes", "list").out.splitlines()
    assert [line.split()[:2] for line in lines] == [
        ["NODE", "STATE"],
        [CONSUMER, "Ready"],
        [PROVIDER, "Ready"],
    ]
    assert [node["group"] for node in person.json("nodes", "list", "--limit", "1")] == ["marketing"]
    ran = person.says("nodes", "list", "--state", "NotReady")
    assert (ran.code, ran.out) == (0, "")
    assert "mesh-node" in ran.err
    assert person.json("nodes", "list", "--state", "NotReady") == []


def test_a_node_is_shown_planned_looked_at_and_watched(person: Person) -> None:
    assert "State:      Ready" in person.says("nodes", "show", PROVIDER).out
    assert person.json("nodes", "show", f"node/{PROVIDER}")["group"] == "sales"
    assert person.json("nodes", "watch", PROVIDER)["state"] == "Ready"
    assert person.says("nodes", "watch", PROVIDER).err.startswith(f"{PROVIDER}: Ready")
    assert "will be looked at" in person.says("nodes", "reconcile", PROVIDER).out
    assert "moves to hub" in person.says("nodes", "move", PROVIDER, "hub").out
    ran = person.says("plan", "node", f"{PROVIDER}-none")
    assert (ran.code, "GroupNotFound" in ran.err) == (1, True)


def test_a_node_that_is_not_known_is_a_refusal_and_a_name_that_is_none_a_mistake(person: Person) -> None:
    ran = person.says("nodes", "show", f"{PROVIDER}-none")
    assert ran.code == 1
    assert ran.err.splitlines()[0].endswith("(404 NodeNotFound)")
    assert "What to do:" in ran.err
    for name in ("sales", "a/b/c", "/", ""):
        assert person.says("nodes", "show", name).code == 2
    assert len(person.server.asked) == 1


def test_an_edge_is_requested_once_approved_extended_revoked_and_each_step_is_shown(person: Person) -> None:
    first = person.json(*ASK, "--idempotency-key", "k")
    assert person.json(*ASK, "--idempotency-key", "k")["id"] == first["id"]
    assert (first["state"], first["purpose"]) == ("PendingApproval", "report [red]!\x1b[31m")
    edge = first["id"]
    shown = person.says("edges", "show", edge)
    assert "report [red]!\\u001b[31m" in shown.out
    assert "\x1b" not in shown.out
    approved = person.json("edges", "approve", edge, "--reason", "agreed")
    assert approved["state"] == "Approved"
    extended = person.json("edges", "extend", edge, "--reason", "longer", "--lease-days", "30")
    assert extended["expires_at"] > approved["expires_at"]
    assert person.json("edges", "watch", edge, "--until", "Approved")["id"] == edge
    assert person.says("edges", "reconcile", edge).code == 0
    assert [e["id"] for e in person.json("edges", "list", "--consumer", CONSUMER, "--state", "Approved")] == [
        edge
    ]
    assert person.json("edges", "revoke", edge, "--reason", "over")["state"] == "Revoking"


def test_what_the_state_does_not_take_is_refused_with_what_it_takes(person: Person) -> None:
    edge = person.edge()
    person.json("edges", "reject", edge, "--reason", "no")
    ran = person.says("edges", "approve", edge, "--reason", "yes")
    assert ran.code == 1
    assert "(409 TransitionNotAllowed)" in ran.err
    other = person.json(*ASK, "--gigabytes", "9")["id"]
    person.json("edges", "approve", other, "--reason", "yes")
    ran = person.says("edges", "approve", other, "--reason", "yes", "-o", "json")
    assert json.loads(ran.err)["allowed"] == ["extend", "revoke"]
    assert ran.out == ""


def test_a_decision_about_another_version_is_refused(person: Person) -> None:
    edge = person.edge()
    ran = person.says("edges", "approve", edge, "--reason", "yes", "--if-match", 'W/"other"')
    assert (ran.code, "412 EdgeChanged" in ran.err) == (1, True)
    assert person.json("edges", "show", edge)["state"] == "PendingApproval"


@pytest.mark.parametrize("until", ["Active", "Approved"])
def test_an_edge_that_was_rejected_ends_the_watch_badly(person: Person, until: str) -> None:
    edge = person.edge()
    person.json("edges", "reject", edge, "--reason", "no")
    ran = person.says("edges", "watch", edge, "--until", until)
    assert ran.code == 4
    assert "does not become" in ran.err


def test_an_edge_that_stays_as_it_is_ends_the_watch_when_patience_does(person: Person) -> None:
    assert person.says("edges", "watch", person.edge(), "--timeout", "0").code == 5


def test_an_edge_is_planned_before_it_is_asked_for(person: Person) -> None:
    asked = ("plan", "edge", CONSUMER, PROVIDER, "-i", "sql", "-t", TARGET, "-p", "report")
    assert person.json(*asked)["findings"]
    assert "In the way:" in person.says(*asked).out
    assert person.json("edges", "list") == []


def test_alerts_are_found_shown_acknowledged_and_resolved(person: Person) -> None:
    alert = asyncio.run(fired(person.on))
    assert [a["id"] for a in person.json("alerts", "list", "--node", PROVIDER, "--severity", "error")] == [
        alert
    ]
    assert person.json("alerts", "list", "--rule", "other", "--state", "Firing") == []
    assert "Deadlocks <script>: sales" in person.says("alerts", "list").out
    assert "mesh-event" in person.says("alerts", "show", alert).out
    assert person.json("alerts", "acknowledge", alert, "-r", "mine")["state"] == "Acknowledged"
    assert person.json("alerts", "resolve", alert, "-r", "done")["state"] == "Resolved"
    assert person.says("alerts", "acknowledge", alert, "-r", "again").code == 1


def test_silences_are_made_listed_and_ended(person: Person) -> None:
    until = (person.on.mesh.clock.now() + timedelta(hours=8)).isoformat()
    made = person.json("silences", "create", "-r", "load", "-u", until, "--node", PROVIDER)
    assert (made["node"], made["ended"]) == (SALES, False)
    assert [silence["id"] for silence in person.json("silences", "list")] == [made["id"]]
    assert made["id"] in person.says("silences", "list").out
    assert person.says("silences", "delete", made["id"]).code == 0
    for wrong in ("tomorrow", "2026-12-24T18:00", "5 h"):
        assert person.says("silences", "create", "-r", "x", "-u", wrong, "--rule", "r").code == 2


def test_hubs_addresses_and_coverage_are_shown(person: Person) -> None:
    assert [hub["id"] for hub in person.json("hubs", "list")] == ["hub"]
    assert "Hub:" in person.says("hubs", "show", "hub").out
    assert person.says("hubs", "show", "none").code == 1
    assert person.says("hubs", "reconcile", "hub").code == 0
    assert person.json("addresses", "pools")[0]["pool"] == POOL
    assert person.json("addresses", "allocations", POOL) == []
    assert person.json("coverage", "mesh")["nodes"] == 2
    assert [each["group"] for each in person.json("coverage", "nodes")] == ["marketing", "sales"]
    assert "Resources:" in person.says("coverage", "node", PROVIDER).out
    for shown in (("coverage", "mesh"), ("coverage", "nodes"), ("addresses", "pools"), ("hubs", "list")):
        assert person.says(*shown).code == 0


def test_named_queries_are_listed_and_asked_with_their_parameters() -> None:
    on, store = api(), InMemoryLogs(FOUND)
    on = Api(replace(on.app, queries=LogQueries(store, ROOT / "infra" / "queries")), on.mesh, on.edges)
    with serving_api(on) as server:
        person = Person(on, server)
        assert "hours=24" in person.says("telemetry", "list").out
        lines = person.says(
            "telemetry", "run", "errors", "-p", "hours=2", "-p", "node=sales"
        ).out.splitlines()
        assert lines[0].split() == ["Hour", "Node", "Errors", "Share", "Silent"]
        assert lines[1].split() == ["2026-01-05", "08:00:00Z", "node/s/sales", "3", "0.5", "yes"]
        assert store.asked[-1][1] == 2.0
        assert len(person.json("telemetry", "run", "errors", "--limit", "1")["rows"]) == 1
        assert person.says("telemetry", "run", "errors", "-p", "hours").code == 2
        assert person.says("telemetry", "run", "errors", "-p", "unknown=1").code == 1


def test_dead_letters_are_replayed_by_themselves_or_all_and_what_is_kept_is_a_refusal(person: Person) -> None:
    now = person.on.mesh.clock.now()
    for name, key in (("good", SALES), ("bad", "no key"), ("better", SALES)):
        letter = DeadLetter(id=f"l/{name}", kind="key", at=now, reason="r", source="s", key=key, node=SALES)
        asyncio.run(person.on.app.dead_letters.add(letter))
    assert len(person.json("deadletters", "list", "--node", PROVIDER, "--kind", "key")) == 3
    assert person.says("deadletters", "replay").code == 2
    assert person.says("deadletters", "replay", "l/good", "--all").code == 2
    assert "was handled again" in person.says("deadletters", "replay", "l/good").out
    ran = person.says("deadletters", "replay", "--all")
    assert ran.code == 1
    assert "Handled again: 1." in ran.out
    assert "l/bad" in ran.out
    assert (
        person.says("deadletters", "replay", "--all", "--limit", "1", "--from", "2027-01-01T00:00Z").code == 0
    )


def test_governance_is_reported_by_domain(person: Person) -> None:
    assert person.json("governance", "report")["nodes"] == 2
    for shown in (("governance", "report"), ("governance", "policies"), ("governance", "findings")):
        assert person.says(*shown).code == 0


def test_health_doctor_and_version_tell_how_the_app_is(person: Person) -> None:
    assert person.json("health")["healthy"]
    assert person.json("version")["app"] == person.json("version")["client"]
    diagnosis = person.json("doctor")
    assert diagnosis["healthy"]
    assert {"CallersUnknown", "NobodyTold"} <= {each["code"] for each in diagnosis["findings"]}
    assert [each["name"] for each in diagnosis["outside"]] == [
        "name",
        "connection",
        "key",
        "clock",
        "version",
    ]
    assert "What to do:" in person.says("doctor").out


def test_a_caller_without_the_role_is_told_what_can_be_seen_from_outside() -> None:
    on = api(authenticated=True)
    on.principal = principal(Role.READER)
    with serving_api(on) as server:
        ran = Person(on, server).says("doctor", "-o", "json")
    found = json.loads(ran.out)
    assert (ran.code, found["settings"]) == (0, [])
    assert [each["code"] for each in found["findings"]] == ["AppNotExamined"]
    assert "Mesh.Operator" in found["findings"][0]["what"]


def test_a_wrong_key_is_a_refusal_that_repeats_no_key(person: Person) -> None:
    ran = run("nodes", "list", url=person.server.url, key="another-key")
    assert ran.code == 1
    assert "(401)" in ran.err
    assert "MESHPLANE_KEY" in ran.err
    assert "another-key" not in ran.err + ran.out


def test_the_key_goes_by_option_as_well_and_into_the_header_alone(person: Person) -> None:
    ran = run("nodes", "list", "--key", "by-option", "--url", person.server.url, key="")
    assert (ran.code, person.server.asked[-1].headers["x-functions-key"]) == (1, "by-option")
    assert "by-option" not in str(person.server.asked[-1].query)


def test_where_nothing_listens_it_is_not_reachable_and_names_the_way_on() -> None:
    ran = run("edges", "reconcile", NEVER, url="http://127.0.0.1:9", more={"NO_PROXY": "*"})
    assert ran.code == 3
    assert "does not answer" in ran.err
    assert "meshplane doctor" in ran.err
