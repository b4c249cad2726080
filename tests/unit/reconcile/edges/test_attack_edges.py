"""Attempts to get more out of edges than was granted."""

from contextlib import suppress
from datetime import timedelta

import msgspec
import pytest

from shared.domain.approval import Rule
from shared.domain.artefacts import endpoint_id
from shared.domain.edge import EdgeRequest, Interface
from shared.domain.errors import Conflict, Denied
from shared.domain.ids import EdgeKey, NodeKey, normal_id
from shared.domain.private_link import NetworkRules
from tests.fakes.state import Endpoint
from tests.support.mesh import SUBSCRIPTION
from tests.unit.reconcile.edges.mesh import ACCOUNT, EdgeMesh, network_of
from tests.unit.reconcile.edges.people import ANNE, BERT, CONSUMER, PROVIDER, REQUEST, SERVER, Desk

VICTIM = f"{NodeKey.of(SUBSCRIPTION, 'hr').group_id}/providers/Microsoft.Sql/servers/salaries"
STORAGE = msgspec.structs.replace(REQUEST, interface="storage", target=ACCOUNT)
RULE = msgspec.structs.replace(STORAGE, exposure="service-endpoint")
JOINED = EdgeRequest(
    consumer=CONSUMER, provider=PROVIDER, interface="peering", purpose="p", exposure="peering"
)
WEEK = Rule(name="short", ruling="accept", most_lease_days=7)


async def test_a_rule_for_short_leases_is_not_stretched_by_repetition() -> None:
    """Extended again and again by who asked for it, the lease never reaches further ahead than the rule grants."""
    mesh = await Desk([WEEK]).start()
    edge = await mesh.desk.request(ANNE, msgspec.structs.replace(REQUEST, lease_days=7))
    for _ in range(10):
        try:
            edge = await mesh.desk.extend(ANNE, edge.key, "a little more", 7)
        except Denied:
            break
    assert edge.expires_at
    assert edge.expires_at <= mesh.clock.now() + timedelta(days=7)


@pytest.mark.parametrize("state", ["Pending", "Approved", "Disconnected"])
async def test_an_endpoint_that_was_planted_for_another_target_is_neither_approved_nor_used(
    state: str,
) -> None:
    """Its name can be told in advance: nobody has Meshplane approve their own connection to somebody else's server."""
    mesh = await EdgeMesh().start()
    endpoint = planted(mesh, VICTIM, mesh.subnet("private-endpoints"), state)
    edge = await mesh.granted()
    await mesh.until_quiet()
    edge = await mesh.edge(edge.key)
    assert mesh.writes() == []
    assert (edge.state, endpoint.state, edge.owned) == ("Provisioning", state, ())
    assert [c.reason for c in edge.conditions if c.type == "Connected"] == ["ForeignEndpoint"]
    await mesh.desk.revoke(BERT, edge.key, "never mind")
    await mesh.until_quiet()
    assert (await mesh.edge(edge.key)).state == "Revoked"
    assert (mesh.writes(), list(mesh.cloud.endpoints.values())) == ([], [endpoint])


async def test_an_endpoint_that_was_planted_in_another_network_is_not_approved() -> None:
    """The target was granted to the consumer's network, and to no other one that its team has somewhere."""
    mesh = await EdgeMesh().start()
    endpoint = planted(mesh, SERVER, f"{network_of(NodeKey.of(SUBSCRIPTION, 'lab'))}/subnets/any", "Pending")
    edge = await mesh.granted()
    await mesh.until_quiet()
    assert (mesh.writes(), endpoint.state, (await mesh.edge(edge.key)).state) == (
        [],
        "Pending",
        "Provisioning",
    )


def planted(mesh: EdgeMesh, target: str, subnet: str, state: str) -> Endpoint:
    """An endpoint that somebody else made, under the name that the edge's will have."""
    mesh.cloud.create_group(NodeKey.of(SUBSCRIPTION, "hr"))
    if not mesh.cloud.exists(target):
        mesh.cloud.create_resource(target)
    name = endpoint_id("meshplane", network_of(CONSUMER), SERVER, "sqlServer")
    mesh.cloud.create_resource(name, "westeurope")
    endpoint = Endpoint(name, "westeurope", subnet, target, "sqlServer", "", state, "10.1.1.9", known=False)
    mesh.cloud.endpoints[normal_id(name)] = endpoint
    return endpoint


async def begun(code: str) -> tuple[EdgeMesh, EdgeKey]:
    """An edge whose endpoint is being made, which will fail in the end."""
    mesh = await EdgeMesh(operation_seconds=60).start()
    edge = await mesh.granted()
    mesh.arm.fail_next_operation(code)
    await mesh.step()
    await mesh.step()
    assert (await mesh.edge(edge.key)).operation
    return mesh, edge.key


@pytest.mark.parametrize("code", ["AuthorizationFailed", "InternalServerError"])
async def test_what_a_failed_operation_left_of_a_revoked_edge_goes_at_once(code: str) -> None:
    """An hour until the next resync would be an hour in which it is not gone."""
    mesh, key = await begun(code)
    await mesh.desk.revoke(BERT, key, "no")
    await mesh.until_quiet()
    assert (await mesh.edge(key)).state == "Revoked"
    assert mesh.endpoints == []


async def test_an_edge_whose_operation_fails_for_good_has_failed() -> None:
    """It does not stay Provisioning, as if something were under way; once that is mended, it is made."""
    mesh, key = await begun("AuthorizationFailed")
    await mesh.until_quiet()
    assert (await mesh.edge(key)).state == "Failed"
    await mesh.later(hours=2)
    assert (await mesh.edge(key)).state == "Active"


async def test_a_lease_that_has_ended_is_not_extended_any_more() -> None:
    """Also where the timer has not come by since: otherwise an edge would live on by its owner's being quick."""
    mesh = await EdgeMesh().start()
    edge = await mesh.active(msgspec.structs.replace(REQUEST, lease_days=5))
    mesh.clock.advance(timedelta(days=40).total_seconds())
    with pytest.raises(Conflict) as refused:
        await mesh.desk.extend(BERT, edge.key, "it slipped my mind", 30)
    assert refused.value.reason == "LeaseEnded"
    await mesh.later(minutes=1)
    assert ((await mesh.edge(edge.key)).state, mesh.endpoints) == ("Revoked", [])


@pytest.mark.parametrize(
    ("interface", "part"), [("resource", ""), ("peering", ""), ("peering", "/subnets/data")]
)
async def test_the_network_that_was_asked_for_is_joined_and_no_other(interface: Interface, part: str) -> None:
    """A provider may have several networks; what an approver reads is the target."""
    mesh = await EdgeMesh().start()
    second = f"{PROVIDER.group_id}/providers/Microsoft.Network/virtualNetworks/second"
    mesh.cloud.create_network(second, "10.77.0.0/16")
    wanted = msgspec.structs.replace(JOINED, interface=interface, target=second + part)
    edge = await mesh.active(wanted)
    assert [second in side for side in edge.owned] == [False, True]
    absent = await mesh.granted(msgspec.structs.replace(wanted, target=f"{second}-gone{part}"))
    await mesh.until_quiet()
    assert [c.reason for c in (await mesh.edge(absent.key)).conditions][:2] == ["TargetNotFound"] * 2


@pytest.mark.parametrize("seconds", [0.0, 20.0])
async def test_edges_of_two_nodes_to_each_other_share_their_peerings(seconds: float) -> None:
    """The last of the two takes them away, whichever that is."""
    mesh = await EdgeMesh(operation_seconds=seconds).start()
    there = await mesh.active(JOINED)
    back = await mesh.active(msgspec.structs.replace(JOINED, consumer=PROVIDER, provider=CONSUMER))
    assert sorted(there.owned) == sorted(back.owned)
    for edge, left in ((there, 2), (back, 0)):
        await mesh.desk.revoke(BERT, edge.key, "enough")
        await mesh.until_quiet()
        await mesh.later(hours=2)
        assert ((await mesh.edge(edge.key)).state, len(sides(mesh))) == ("Revoked", left)


@pytest.mark.parametrize("command", ["approve", "reject", "extend", "revoke"])
@pytest.mark.parametrize("wanted", [REQUEST, RULE, JOINED], ids=["endpoint", "rule", "peering"])
async def test_a_command_at_any_moment_leaves_either_all_or_nothing(
    command: str, wanted: EdgeRequest
) -> None:
    """Active, whole; or Revoked, and nothing is left of it in Azure."""
    for steps in range(12):
        mesh = await EdgeMesh(operation_seconds=20).start()
        key = (await mesh.granted(wanted)).key
        for _ in range(steps):
            await mesh.step()
        more = (3.0,) if command == "extend" else ()
        with suppress(Conflict):
            await getattr(mesh.desk, command)(BERT, key, "why not", *more)
        await mesh.until_quiet()
        assert (await mesh.edge(key)).state == ("Revoked" if command == "revoke" else "Active"), steps
        if command != "revoke":
            await mesh.desk.revoke(BERT, key, "enough")
            await mesh.until_quiet()
        assert (await mesh.edge(key)).state == "Revoked"
        assert [*mesh.endpoints, *sides(mesh), *mesh.rules_of(ACCOUNT), *mesh.services()] == []


def sides(mesh: EdgeMesh) -> list[str]:
    """The peerings of all networks."""
    return [side.id for network in mesh.cloud.networks.values() for side in network.sides.values()]


async def test_rules_that_let_nobody_through_carry_no_edge() -> None:
    """With public access switched off, only private endpoints get through: an edge over rules would be none."""
    mesh = await EdgeMesh().start()
    edge = await mesh.active(RULE)
    real = mesh.arm.get_network_rules

    async def closed(target: str) -> NetworkRules | None:
        rules = await real(target)
        return rules and msgspec.structs.replace(rules, open=False, closed=True)

    mesh.arm.get_network_rules = closed  # type: ignore[method-assign]  # the pretended account has no such switch
    await mesh.later(hours=2)
    edge = await mesh.edge(edge.key)
    assert (edge.state, [c.reason for c in edge.conditions][:2]) == ("Failed", ["PublicAccessDisabled"] * 2)
    assert (mesh.rules_of(ACCOUNT), mesh.services()) == ([], [])
    chosen = await mesh.active(STORAGE)
    assert chosen.route
    assert chosen.route.exposure == "private-endpoint"
    assert any("public access" in way for way in chosen.route.alternatives)
