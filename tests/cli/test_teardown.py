"""`meshplane teardown`: what is left of a mesh that lets go, and what its exit codes are about."""

import json
from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from functions.api_nodes import STATES
from meshplane_cli.teardown import EDGE_STATES, NODE_STATES
from shared.domain.conditions import READY, Condition
from shared.domain.edge import LIVE
from shared.domain.ids import NodeKey
from tests.cli.running import Ran, run
from tests.cli.servers import Asked, Says, serving, serving_api
from tests.unit.functions.api import CONSUMER, PROVIDER, Api, api

QUIET = ("--interval", "0.1", "--timeout", "30")


def says(on: Api, *args: str) -> Ran:
    with serving_api(on) as server:
        return run("teardown", *args, url=server.url)


def test_an_app_that_goes_on_with_its_mesh_is_left_alone() -> None:
    on = api()
    with serving_api(on) as server:
        ran = run("teardown", url=server.url)
        asked = {(each.method, each.path) for each in server.asked}
    assert (ran.code, ran.out, asked) == (1, "", {("GET", "/api/doctor")})
    assert "MESH_TEARDOWN" in ran.err


def test_what_is_left_is_named_with_what_its_conditions_say() -> None:
    on = api(leaving=True)
    key = NodeKey.of(*PROVIDER.split("/"))
    refused = Condition(READY, "False", "NetworkInUse", "net is still in use.")
    on.mesh.nodes.records[key] = replace(
        on.mesh.nodes.records[key], state="Offboarding", conditions=(refused,)
    )
    ran = says(on, "-o", "json")
    left = json.loads(ran.out)
    assert ran.code == 4
    assert left[1] == {
        "kind": "node",
        "name": PROVIDER,
        "state": "Offboarding",
        "reason": "NetworkInUse",
        "why": "net is still in use.",
    }
    assert [(each["kind"], each["name"], each["reason"]) for each in (left[0], left[2])] == [
        ("node", CONSUMER, ""),
        ("hub", "hub", "NotLookedAt"),
    ]
    assert "2 nodes, 1 hub" in ran.err
    assert "net is still in use." in says(on).out


class Leaving:
    """An app that lets go: one hub, looked at once it was asked for, and what the first `looks` find left."""

    def __init__(self, looks: int = 0, hub: dict[str, Any] | None = None) -> None:
        self.looks = looks
        self.hub = hub or {}
        self.asked_for = 0
        self.away = 0

    def answer(self, asked: Asked) -> Says:
        name = asked.path.removeprefix("/api/")
        if asked.method == "POST":
            self.asked_for += 1
        elif name == "edges" and asked.query["state"] == "Revoking":
            self.looks -= 1
            if self.away and self.looks == 0:
                self.away -= 1
                self.looks = 1
                return Says(503, b'{"detail": "Not now."}')
        return Says(body=json.dumps(self._body(name, asked)).encode())

    def _body(self, name: str, asked: Asked) -> dict[str, Any]:
        if name == "doctor":
            return {"findings": [{"code": "Leaving"}]}
        if name == "hubs/h":
            last = {"run": f"run-{self.asked_for}", "outcome": "Ready"}
            return {"id": "h", "state": "Ready", "pairs": [], "last_run": last, **self.hub}
        if name == "edges/e":
            return {"conditions": [{"status": "False", "message": "It is being taken away."}]}
        listed: dict[str, list[dict[str, Any]]] = {
            "hubs": [{"id": "h"}],
            "addresses": [{"pool": "10.64.0.0/16"}],
        }
        found = listed.get(name, [])
        if name == "edges" and asked.query["state"] == "Revoking" and self.looks >= 0:
            found = [{"id": "e", "reason": "InProgress"}]
        return {"items": found, "continuation": ""}


def of(answer: Callable[[Asked], Says], *args: str) -> Ran:
    with serving(answer) as server:
        return run("teardown", *args, url=server.url)


def test_nothing_left_is_the_end() -> None:
    mesh = Leaving()
    ran = of(mesh.answer)
    assert (ran.code, ran.out, mesh.asked_for) == (0, "", 1)
    assert "can be removed" in ran.err
    assert of(Leaving().answer, "-o", "json").out == "[]\n"


def test_it_waits_until_nothing_is_left_and_says_each_change_once() -> None:
    mesh = Leaving(looks=3)
    ran = of(mesh.answer, "--watch", *QUIET)
    assert (ran.code, mesh.asked_for) == (0, 1)
    assert ran.err.count("Left: 1 edge.") == 1


def test_an_app_that_is_away_meanwhile_is_waited_for() -> None:
    mesh = Leaving(looks=2)
    mesh.away = 3
    ran = of(mesh.answer, "--watch", *QUIET)
    assert ran.code == 0
    assert "Looking again" in ran.err


def test_patience_ends_with_what_is_left() -> None:
    ran = of(Leaving(looks=1000).answer, "--watch", "--interval", "0.1", "--timeout", "0.3", "-o", "json")
    assert ran.code == 4
    assert json.loads(ran.out) == [
        {
            "kind": "edge",
            "name": "e",
            "state": "Revoking",
            "reason": "InProgress",
            "why": "It is being taken away.",
        }
    ]


def test_a_hub_is_done_with_once_a_later_look_finds_no_pair() -> None:
    """The first look is of the app as it was before; one that fails, or goes on, says nothing about what is there."""
    same = {"last_run": {"run": "run", "outcome": "Ready"}}
    cases: list[tuple[dict[str, Any], str]] = [
        (same, "NotLookedAt"),
        ({"last_run": None}, "NotLookedAt"),
        ({"pairs": [{"id": "p"}]}, "Paired"),
        ({"last_run": {"run": "later", "outcome": "AuthorizationFailed"}}, "NotLookedAt"),
    ]
    for hub, reason in cases:
        ran = of(Leaving(hub=hub).answer, "-o", "json")
        assert (ran.code, [each["reason"] for each in json.loads(ran.out)]) == (4, [reason])


def test_every_state_of_what_is_still_looked_after_is_asked_for() -> None:
    assert set(EDGE_STATES) == LIVE
    assert set(NODE_STATES) == set(STATES) - {"Offboarded"}
