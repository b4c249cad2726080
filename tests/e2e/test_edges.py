"""Edges through the whole stack: asked for and decided about by people, made, kept, changed, and taken away again."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import cast

import pytest

from demo.people import ANNE, BERT, OPERATOR
from local.caller import Json
from tests.e2e.asking import KINDS, READER, STORAGE, Desk, status_of, the_desk
from tests.e2e.azure import NETWORKS, properties_of, wait_for
from tests.e2e.beside import beside
from tests.e2e.mesh import Mesh
from tests.e2e.test_api import problem
from tests.e2e.watching import remote_of

pytestmark = [
    pytest.mark.stack,
    pytest.mark.xdist_group("stack-edges"),
    pytest.mark.timeout(900),
    pytest.mark.usefixtures("desk"),
]

WAY = ["PendingApproval", "Approved", "Provisioning", "Active"]


@beside
def test_every_kind_of_service_is_reached_at_a_private_address_while_its_edge_lives(mesh: Mesh) -> None:
    """Five edges of one consumer: requested, approved, Active, resolved, extended, revoked, read back as gone."""
    desk, reader, giver = the_desk(), "edges-reader", "edges-giver"
    desk.nodes((reader, "hub", ()), (giver, "none", tuple(KINDS)))
    assert {desk.resolves(reader, kind, giver)[0] for kind in KINDS} == {"public"}

    edges = {kind: desk.ask(reader, giver, kind, gigabytes=10) for kind in KINDS}
    for edge in edges.values():
        shown = desk.until(edge, "PendingApproval")
        assert cast(Json, shown["verdict"] or {}) == {}
        desk.command(edge, "approve")
    for kind, edge in edges.items():
        found = desk.until(edge, "Active")
        assert cast(Json, found["route"])["exposure"] == "private-endpoint"
        assert desk.history(edge) == WAY
        want = ("private", found["addresses"])
        wait_for(f"{kind} resolves", lambda k=kind, w=want: desk.resolves(reader, k, giver) == w)  # type: ignore[misc]
    endpoints = desk.endpoints(reader)
    assert sorted(status_of(e) for e in endpoints) == ["Approved"] * len(KINDS)

    before = desk.edge(edges["sql"])["expires_at"]
    assert str(desk.command(edges["sql"], "extend", lease_days=0.5)["expires_at"]) > str(before)

    for edge in edges.values():
        desk.command(edge, "revoke")
    for edge in edges.values():
        desk.until(edge, "Revoked")
    assert desk.endpoints(reader) == []
    wait_for("public again", lambda: {desk.resolves(reader, k, giver)[0] for k in KINDS} == {"public"})
    mesh.ready(reader)


@beside
def test_a_service_endpoint_leaves_the_rules_of_others_as_they_are(mesh: Mesh) -> None:
    """The account's other rules and the subnet's other service endpoint are there before, during and after."""
    desk, consumer, provider = the_desk(), "edges-served", "edges-shop"
    desk.nodes((consumer, "none", ()), (provider, "none", ("blob",)))
    subnet, account = desk.subnet(consumer), desk.target(provider, "blob")
    theirs = desk.subnet(provider)
    for each, service in ((subnet, "Microsoft.KeyVault"), (theirs, "Microsoft.Storage")):
        body = mesh.operator.request("GET", f"{each}?api-version={NETWORKS}").body
        properties_of(body)["serviceEndpoints"] = [{"service": service}]
        mesh.arm("PUT", each, NETWORKS, body)
    rules = {
        "defaultAction": "Deny",
        "bypass": "Logging",
        "ipRules": [{"value": "203.0.113.7", "action": "Allow"}],
        "virtualNetworkRules": [{"id": theirs, "action": "Allow"}],
    }
    mesh.arm("PATCH", account, STORAGE, {"properties": {"networkAcls": rules}})

    def held() -> tuple[set[str], Json, list[str]]:
        body = mesh.operator.request("GET", f"{account}?api-version={STORAGE}").body
        found = cast(Json, properties_of(body)["networkAcls"])
        admitted = cast(list[Json], found["virtualNetworkRules"])
        others = {name: found[name] for name in ("defaultAction", "bypass", "ipRules")}
        inside = properties_of(mesh.operator.request("GET", f"{subnet}?api-version={NETWORKS}").body)
        services = sorted(str(s["service"]) for s in cast(list[Json], inside["serviceEndpoints"]))
        return {str(r["id"]).lower() for r in admitted}, others, services

    before = held()
    edge = desk.active(consumer, provider, "blob", exposure="service-endpoint")
    admitted, others, services = held()
    assert admitted == {theirs.lower(), subnet.lower()}
    assert (others, services) == (before[1], ["Microsoft.KeyVault", "Microsoft.Storage"])
    desk.command(edge, "revoke")
    desk.until(edge, "Revoked")
    assert held() == before


@beside
def test_whole_networks_are_joined_through_the_hub_and_directly_and_retagging_is_noticed(mesh: Mesh) -> None:
    """The direct pair comes and goes with its edge; an edge through the hub fails when its node leaves the hub."""
    desk, left, right = the_desk(), "edges-left", "edges-right"
    desk.nodes((left, "hub", ()), (right, "hub", ()))
    own, other = mesh.network_id(left), mesh.network_id(right)

    def between() -> list[str]:
        sides = [(p, other) for p in mesh.peerings(own)] + [(p, own) for p in mesh.peerings(other)]
        return [str(properties_of(p)["peeringState"]) for p, far in sides if remote_of(p) == far.lower()]

    through = desk.active(left, right, "peering", exposure="hub")
    assert between() == []
    direct = desk.active(left, right, "peering", exposure="peering")
    assert between() == ["Connected", "Connected"]
    desk.command(direct, "revoke")
    desk.until(direct, "Revoked")
    assert between() == []
    assert desk.edge(through)["state"] == "Active"

    mesh.tag(left, "Merge", mesh_network="endpoints")
    desk.until(through, "Failed", reason="OptionForbids")
    mesh.tag(left, "Merge", mesh_network="hub")
    desk.until(through, "Active")


@beside
def test_the_target_s_owner_has_the_last_word(mesh: Mesh) -> None:
    """Without a right on the target an edge waits for the owner's approval in Azure; their rejection ends it."""
    desk, guest, host = the_desk(), "edges-guest", "edges-host"
    desk.nodes((guest, "endpoints", ()), (host, "none", ("sql",)))
    denied = {"status": 403, "code": "LinkedAuthorizationFailed", "message": "no right on the target"}
    mesh.fault(f"{guest}/providers/Microsoft.Network/privateEndpoints", method="PUT", times=1, **denied)
    with mesh.failing(f"{host}/providers/Microsoft.Sql/.*privateEndpointConnections", method="PUT", **denied):
        edge = desk.granted(guest, host, "sql")
        desk.until(edge, "Provisioning", reason="AwaitingOwner")
        [endpoint] = desk.endpoints(guest)
        assert status_of(endpoint) == "Pending"
    desk.decide(host, "sql", "Approved")
    desk.look(edge)
    found = desk.until(edge, "Active")
    assert desk.resolves(guest, "sql", host) == ("private", found["addresses"])

    desk.decide(host, "sql", "Rejected")
    desk.look(edge)
    desk.until(edge, "Revoked")
    assert desk.endpoints(guest) == []
    assert any("rejected" in str(entry["changes"]) for entry in cast(list[Json], desk.edge(edge)["history"]))


@beside
def test_edges_end_with_what_they_lead_to_and_with_who_asked_for_them(mesh: Mesh) -> None:
    """One whose target was deleted fails and says so; when the consumer leaves the mesh its edges are revoked."""
    desk, leaver, stayer = the_desk(), "edges-leaver", "edges-stayer"
    desk.nodes((leaver, "endpoints", ()), (stayer, "none", ("sql", "blob")))
    edges = [desk.granted(leaver, stayer, kind) for kind in ("sql", "blob")]
    for edge in edges:
        desk.until(edge, "Active")
    mesh.delete(desk.target(stayer, "blob"), STORAGE)
    desk.look(edges[1])
    desk.until(edges[1], "Failed", reason="TargetNotFound")
    assert desk.edge(edges[0])["state"] == "Active"

    mesh.tag(leaver, "Delete", mesh_node=leaver)
    for edge in edges:
        desk.until(edge, "Revoked")
    mesh.settled(leaver, "Offboarded")
    assert desk.endpoints(leaver) == []


@pytest.fixture(scope="module")
def clerks(desk: Desk) -> tuple[str, str]:
    """Two nodes between which nothing is made."""
    desk.nodes(("edges-clerk", "none", ()), ("edges-till", "none", ("blob",)))
    return "edges-clerk", "edges-till"


def test_a_request_that_is_sent_again_is_one_edge(desk: Desk, clerks: tuple[str, str]) -> None:
    """Eight at once with one Idempotency-Key; the key with another request is refused, from somebody else it is new."""
    body = desk.body(*clerks, "blob")
    headers = {"Idempotency-Key": "again-1"}

    def ask(_: int) -> str:
        answer = desk.send("POST", "edges", body, person=ANNE, headers=headers)
        assert answer.status == 201, answer.text
        return str(answer.body["id"])

    with ThreadPoolExecutor(8) as pool:
        ids = set(pool.map(ask, range(8)))
    assert len(ids) == 1
    changed = desk.send("POST", "edges", {**body, "gigabytes": 5}, person=ANNE, headers=headers)
    problem(changed, 422, "IdempotencyKeyReused")
    other = desk.send("POST", "edges", body, person=BERT, headers=headers)
    assert (other.status, other.body["requested_by"]) == (201, BERT.id)
    assert other.body["id"] not in ids


def test_a_decision_counts_for_the_edge_that_was_read(desk: Desk, clerks: tuple[str, str]) -> None:
    """412 with an ETag from before; a rejected edge takes no approval, and says that nothing is allowed any more."""
    edge = desk.ask(*clerks, "blob")
    reason = {"reason": "it is a test"}
    stale = {"If-Match": "W/\"datetime'2020-01-01T00%3A00%3A00.0000000Z'\""}
    problem(desk.send("POST", f"edges/{edge}/approve", reason, headers=stale), 412, "EdgeChanged")
    assert desk.edge(edge)["state"] in ("Requested", "PendingApproval")
    rejected = desk.command(edge, "reject")
    assert (rejected["state"], cast(Json, rejected["verdict"])["by"]) == ("Rejected", BERT.id)
    refused = problem(desk.send("POST", f"edges/{edge}/approve", reason), 409, "TransitionNotAllowed")
    assert refused.get("allowed", []) == []


def test_nobody_gets_beyond_the_provider_s_group(desk: Desk, clerks: tuple[str, str]) -> None:
    """Other groups, ways upwards, and other kinds are refused by name; case makes no difference."""
    consumer, provider = clerks
    right, body = desk.target(provider, "blob"), desk.body(consumer, provider, "blob")
    wrong = {
        desk.target("edges-other", "blob"): "TargetOutsideProvider",
        right.replace(provider, "EDGES-TILLX"): "TargetOutsideProvider",
        right.replace("/subscriptions/b", "/subscriptions/c"): "TargetOutsideProvider",
        f"{right}/../../../../../edges-other/providers/Microsoft.Storage/storageAccounts/x": "TargetInvalid",
        right.replace(provider, f"{provider}/../edges-other"): "TargetInvalid",
        f"{right}%2f..%2fx": "TargetInvalid",
        f"{right}/providers/Microsoft.Network/virtualNetworks/net": "TargetInvalid",
        desk.mesh.network_id(provider): "InterfaceMismatch",
        "": "TargetRequired",
    }
    for target, code in wrong.items():
        problem(desk.send("POST", "edges", {**body, "target": target}, person=ANNE), 400, code)
    stranger = {**body, "consumer": f"{desk.mesh.subscription}/nobody-knows"}
    problem(desk.send("POST", "edges", stranger, person=ANNE), 422, "NodeUnknown")
    shouted = {**body, "target": right.upper()}
    answer = desk.send("POST", "edges", shouted, person=ANNE)
    assert answer.status == 201, answer.text
    desk.until(str(answer.body["id"]), "PendingApproval")


def test_roles_count_where_the_platform_says_who_calls(desk: Desk, clerks: tuple[str, str]) -> None:
    """401 for nobody, 403 below the role; no approval of one's own; a principal elsewhere is no principal."""
    body, reason = desk.body(*clerks, "blob"), {"reason": "it is a test"}
    problem(desk.send("GET", "edges", person=None), 401, "Unidentified")
    problem(desk.send("POST", "edges", body, person=READER), 403, "RoleMissing")
    edge = desk.ask(*clerks, "blob")
    problem(desk.send("POST", f"edges/{edge}/approve", reason, person=READER), 403, "NotApprover")
    problem(desk.send("POST", f"edges/{edge}/approve", reason, person=ANNE), 403, "NotApprover")
    problem(desk.send("POST", f"edges/{edge}/reconcile", person=BERT), 403, "RoleMissing")
    own = str(desk.send("POST", "edges", body, person=BERT).body["id"])
    problem(desk.send("POST", f"edges/{own}/approve", reason, person=BERT), 403, "OwnRequest")
    assert desk.send("POST", f"edges/{own}/approve", reason, person=OPERATOR).status == 200
    desk.command(own, "revoke")

    url, data = f"{desk.mesh.app.endpoint}/api/edges", json.dumps(body).encode()
    forged = desk.mesh.http(url, "POST", body=data, headers=OPERATOR.headers)
    assert (forged.status, forged.body["requested_by"]) == (201, "function-key")
    assert desk.mesh.http(url, "GET", key="guessed", headers=OPERATOR.headers).status == 401
