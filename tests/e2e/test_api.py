"""The HTTP API from outside: keys, methods, errors, pages, and what hostile people write into tags."""

import json
import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import cast

import pytest

from functions.api import TABLES
from local.caller import Json
from tests.e2e.mesh import GROUPS, Mesh, Response, wait_for

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("stack"), pytest.mark.timeout(900)]

SUBSCRIPTION = "b0000000-0000-4000-8000-000000000001"
NODE = f"nodes/{SUBSCRIPTION}/nobody"
EXAMPLES = {"subscription": SUBSCRIPTION, "group": "nobody"}
ROUTES = tuple(
    (route.method, re.sub(r"{(\w+)}", lambda name: EXAMPLES.get(str(name[1]), "nothing"), route.path))
    for table in TABLES
    for route in table.table
)
METHODS = {path: {method for method, other in ROUTES if other == path} for _, path in ROUTES}
HOSTILE = {
    "script": "<script>alert(1)</script>",
    "quote": "'; DROP TABLE nodes; --\"",
    "long": "x" * 256,
    "rtl": "\u202egnp.exe \u05d0\u05d1",
    "newline": "a\\nb{{7*7}}${x}",
}


def problem(answer: Response, status: int, code: str = "") -> Json:
    """The problem that an error answer is, its shape checked."""
    assert (answer.status, answer.content_type) == (status, "application/problem+json"), answer.text
    assert answer.body["status"] == status
    assert {"title", "detail"} <= answer.body.keys()
    assert not code or answer.body["code"] == code
    return answer.body


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_no_route_answers_without_a_key(mesh: Mesh, method: str, path: str) -> None:
    """Neither without one nor with a wrong one."""
    assert mesh.api(path, method, key="").status == 401
    assert mesh.api(path, method, key="guessed").status == 401


@pytest.mark.parametrize("path", METHODS)
def test_a_route_refuses_other_methods(mesh: Mesh, path: str) -> None:
    """405, or 404 as the host of some plans answers, and never an effect."""
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - METHODS[path]:
        assert mesh.api(path, method).status in (404, 405)


def test_what_is_not_there_is_not_found(mesh: Mesh) -> None:
    """An unknown node, dead letter and route."""
    assert "mesh-node" in str(problem(mesh.api(NODE), 404, "NodeNotFound")["detail"])
    problem(mesh.api("deadletters/nothing/replay", "POST"), 404, "DeadLetterNotFound")
    assert mesh.api("no/such/route").status == 404


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("nodes?top=0", "top"),
        ("nodes?top=1001", "top"),
        ("nodes?top=-1", "top"),
        ("nodes?top=ten", "top"),
        ("nodes?top=%D9%A3", "top"),
        ("nodes?state=ready", "state"),
        ("alerts?state=Loud", "state"),
        ("alerts?top=1e3", "top"),
        ("deadletters?kind=%3Cscript%3E", "kind"),
        ("nodes/not-a-subscription/group", "subscription"),
        (f"nodes/{SUBSCRIPTION}/{'x' * 91}", "group"),
        (f"nodes/{SUBSCRIPTION}/a%27b", "group"),
    ],
)
def test_a_bad_request_says_what_is_allowed(mesh: Mesh, path: str, named: str) -> None:
    """400 with the parameter and the value that was given."""
    assert named in str(problem(mesh.api(path), 400)["detail"])


@pytest.mark.parametrize("path", ["nodes", "alerts", "deadletters"])
@pytest.mark.parametrize("continuation", ["nonsense", "%00", "e30=", "eyJ4Ijog"])
def test_a_made_up_continuation_is_refused(mesh: Mesh, path: str, continuation: str) -> None:
    """It is not passed on to the table."""
    problem(mesh.api(f"{path}?continuation={continuation}"), 400, "InvalidContinuation")


def test_pages_give_each_node_exactly_once(mesh: Mesh) -> None:
    """25 nodes by ten a page; a continuation of one list is refused by another."""
    groups = [f"page-{number:02d}" for number in range(25)]
    with ThreadPoolExecutor(8) as pool:
        answers = pool.map(
            lambda g: mesh.arm("PUT", mesh.group_id(g), GROUPS, _tagged(g, "page")).status, groups
        )
        assert set(answers) == {201}

    def listed() -> Counter[str]:
        items = mesh.pages("nodes?top=10")
        return Counter(str(item["group"]) for item in items if str(item["group"]).startswith("page-"))

    wait_for("25 nodes", lambda: len(listed()) == 25)
    assert listed() == Counter(groups)
    first = mesh.api("nodes?top=10")
    assert len(cast(list[Json], first.body["items"])) == 10
    token = first.body["continuation"]
    problem(mesh.api(f"deadletters?continuation={token}"), 400, "InvalidContinuation")
    # The hub of these groups' subscription is there, they have nothing else: all of them are Ready.
    wait_for("25 ready", lambda: all(_state(mesh, g) == "Ready" for g in groups))
    ready = {str(item["group"]) for item in mesh.pages("nodes?state=Ready&top=7")}
    assert set(groups) <= ready


def test_hostile_tag_values_are_shown_as_data(mesh: Mesh) -> None:
    """They come back as they were written, in JSON, named as invalid; none breaks a list or a row."""
    for name, value in HOSTILE.items():
        tags = {"mesh-node": value, "mesh-domain": value, "mesh-owner": value, "mesh-network": value}
        mesh.arm("PUT", mesh.group_id(f"hostile-{name}"), GROUPS, {"location": "westeurope", "tags": tags})
    for name, value in HOSTILE.items():
        condition = mesh.found(f"hostile-{name}", "TagsValid", "InvalidTag")
        assert "mesh-node" in str(condition["message"])
        answer = mesh.api(mesh.node_path(f"hostile-{name}"))
        assert answer.content_type == "application/json"
        assert json.loads(answer.text)["product"] == ""
        assert repr(value)[1:40].strip("'\"") in str(condition["message"])
    assert mesh.api("nodes").content_type == "application/json"


def test_a_dry_run_says_what_would_be_written_and_writes_nothing(mesh: Mesh) -> None:
    """A new node's plan has its four writes with their reasons; a Ready node's is empty."""
    mesh.control("PUT", "/event-grid", {"drop": 1.0})
    try:
        mesh.create("dry")
        since = mesh.mark()
        plan = mesh.api(f"{mesh.node_path('dry')}/plan")
        assert plan.status == 200
        steps = cast(list[Json], plan.body["steps"])
        assert [s["action"] for s in steps] == ["PUT"] * 4
        assert {s["why"] for s in steps} == {"missing"}
        assert mesh.requests(since, "dry", writes=True) == []
        assert mesh.node("dry") is None
    finally:
        mesh.control("PUT", "/event-grid", {})
    mesh.reconcile("dry")
    mesh.ready("dry")
    assert mesh.api(f"{mesh.node_path('dry')}/plan").body["steps"] == []


def test_health_names_each_dependency_and_which_is_down(mesh: Mesh) -> None:
    """200 with tables, queue, Event Hub and Resource Manager; 503 naming the one that fails."""
    healthy = mesh.api("health")
    assert (healthy.status, healthy.body["healthy"]) == (200, True), healthy.text
    names = [str(d["name"]) for d in cast(list[Json], healthy.body["dependencies"])]
    assert len(names) >= 4
    with mesh.failing(rf"^/subscriptions/{SUBSCRIPTION}$", status=503, code="ServiceUnavailable"):
        down = mesh.api("health")
    failing = [d for d in cast(list[Json], down.body["dependencies"]) if not d["healthy"]]
    assert (down.status, down.body["healthy"], len(failing)) == (503, False, 1)
    assert "ServiceUnavailable" in str(failing[0]["detail"])
    assert mesh.api("health").status == 200


def _tagged(group: str, domain: str) -> Json:
    return {"location": "westeurope", "tags": {"mesh-node": group, "mesh-domain": domain}}


def _state(mesh: Mesh, group: str) -> object:
    node = mesh.node(group)
    return node and node["state"]
