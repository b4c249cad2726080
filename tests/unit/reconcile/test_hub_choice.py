"""Several hubs: which one a node gets, that it stays there, and how it is moved to another one."""

import msgspec
import pytest

from shared.domain.errors import Denied, NotFound, Terminal
from shared.domain.ids import NodeKey, normal_id
from shared.domain.network import Hub, hub_flags
from shared.reconcile.move import Moves
from tests.support.mesh import TAGS, network_of
from tests.support.plane import FIRST, SECOND, Plane, reads, reason, writes

LONG = 7.0


def moves(mesh: Plane) -> Moves:
    return Moves(mesh.mesh, mesh.arm, mesh.nodes, mesh.intake)


def small(hub: Hub, capacity: int) -> Hub:
    return msgspec.structs.replace(hub, capacity=capacity)


async def test_a_node_gets_the_first_hub_of_its_region_that_has_room_and_stays_there() -> None:
    mesh = Plane(first=small(FIRST, 1))
    first = await mesh.onboard("hub", "sales", "10.1.0.0/16")
    second = await mesh.onboard("hub", "stock", "10.2.0.0/16")
    assert [(await mesh.record(k)).hub for k in (first, second)] == ["hub", "hub-b"]
    mesh.cloud.tag(first, {})
    await mesh.look(first)
    assert (await mesh.look(second)).hub == "hub-b"
    assert mesh.remotes(second) == {"hub-b"}


@pytest.mark.parametrize(("full", "looked_at"), [(False, 1), (True, 2)])
async def test_the_next_hub_is_looked_at_only_where_the_first_is_full(full: bool, looked_at: int) -> None:
    mesh = Plane(first=small(FIRST, 0 if full else 500))
    key = mesh.create_node(tags={**TAGS, "mesh-network": "hub"})
    await mesh.event(key.group_id)
    await mesh.step()
    assert mesh.arm.calls[: mesh.arm.calls.index("put_peering")].count("get_network") == looked_at


async def test_no_hub_free_is_a_condition_that_names_the_hubs_and_ends_when_one_has_room() -> None:
    mesh = Plane(first=small(FIRST, 1), second=small(SECOND, 0))
    first = await mesh.onboard("hub", "sales", "10.1.0.0/16")
    second = await mesh.onboard("hub", "stock", "10.2.0.0/16")
    record = await mesh.record(second)
    assert (record.state, reason(record), reason(record, "Connected")) == (
        "NotReady",
        ("False", "NoHubFree"),
        ("False", "NoHubFree"),
    )
    message = next(c.message for c in record.conditions if c.type == "Connected")
    assert "hub has 1 peerings of the 1" in message
    assert "hub-b has 0 peerings of the 0" in message
    mesh.cloud.tag(first, {})
    await mesh.look(first)
    assert (await mesh.record(second)).state == "Ready"


async def test_a_hub_that_fills_up_while_a_node_waits_for_its_turn_takes_no_more_than_it_is_to() -> None:
    mesh = Plane(first=small(FIRST, 1))
    await mesh.leases.acquire("hub/hub", "another", 600)
    key = mesh.create_node(tags={**TAGS, "mesh-network": "hub"})
    await mesh.event(key.group_id)
    await mesh.step()
    assert reason(await mesh.record(key), "Connected") == ("Unknown", "HubBusy")
    assert any("to hub hub, whose network" in c.message for c in (await mesh.record(key)).conditions)
    other = mesh.group("other")
    mesh.cloud.create_group(other)
    mesh.cloud.create_network(network_of(other), "10.3.0.0/16")
    await mesh.arm.put_peering(
        f"{FIRST.network}/virtualNetworkPeerings/p", network_of(other), hub_flags(FIRST), sync=False
    )
    await mesh.leases.release("hub/hub", "another")
    await mesh.until_quiet()
    assert (await mesh.record(key)).hub == "hub-b"
    assert (mesh.remotes_of(FIRST.network), mesh.remotes(key)) == ({"net-other"}, {"hub-b"})


async def test_where_azure_itself_refuses_one_more_the_next_look_takes_another_hub() -> None:
    mesh = Plane()
    mesh.arm.inject("put_peering", Terminal("VnetPeeringCountLimitReached", "500 peerings"))
    key = await mesh.onboard("hub")
    record = await mesh.record(key)
    assert (record.hub, reason(record)[1]) == ("hub", "VnetPeeringCountLimitReached")
    record = await mesh.look(key)
    assert (record.hub, record.state, mesh.remotes(key)) == ("hub-b", "Ready", {"hub-b"})


@pytest.mark.parametrize("operation_seconds", [0.0, LONG])
@pytest.mark.parametrize("option", ["hub", "sandbox"])
async def test_a_node_moves_to_another_hub_without_a_gap(operation_seconds: float, option: str) -> None:
    mesh = Plane(operation_seconds=operation_seconds)
    key = await mesh.onboard(option)
    broken = mesh.always(lambda: mesh.connected(key, option))
    moved = await moves(mesh).to_hub(key, "hub-b")
    assert (moved.hub, moved.wanted_hub) == ("hub", "hub-b")
    await mesh.until_quiet()
    record = await mesh.record(key)
    assert (record.state, record.hub, record.sink) == ("Ready", "hub-b", SECOND.workspace)
    assert (mesh.remotes(key), broken) == ({"hub-b"}, [])
    settings = [s["meshplane"].workspace for s in mesh.cloud.settings.values() if "meshplane" in s]
    assert set(settings) == {SECOND.workspace}
    mesh.arm.calls.clear()
    await mesh.look(key)
    assert (writes(mesh), len(reads(mesh))) == ([], 4 + (option == "sandbox"))


async def test_the_hub_is_the_former_one_until_the_new_one_stands() -> None:
    mesh = Plane(operation_seconds=LONG)
    key = await mesh.onboard("hub")
    await moves(mesh).to_hub(key, "hub-b")
    seen: list[tuple[str, set[str]]] = []
    while await mesh.step():
        seen.append(((await mesh.record(key)).hub, mesh.remotes(key)))
    assert ("hub", {"hub", "hub-b"}) in seen
    assert ("hub-b", {"hub"}) not in seen
    assert ("hub", {"hub-b"}) not in seen


async def test_where_azure_takes_one_hub_only_the_old_one_goes_first_and_the_plan_says_why() -> None:
    gateways = [msgspec.structs.replace(h, gateway=True) for h in (FIRST, SECOND)]
    mesh = Plane(first=gateways[0], second=gateways[1])
    key = await mesh.onboard("hub")
    mesh.arm.calls.clear()
    await moves(mesh).to_hub(key, "hub-b")
    plan = (await mesh.engine.plan(key)).plan
    assert "Azure lets a network use one remote gateway" in plan.network[0].why
    await mesh.until_quiet()
    assert ((await mesh.record(key)).state, mesh.remotes(key)) == ("Ready", {"hub-b"})
    assert writes(mesh) == ["delete_peering"] * 2 + ["put_peering"] * 2


async def test_the_old_hub_stays_while_the_new_one_refuses_and_the_move_may_be_taken_back() -> None:
    mesh = Plane()
    key = await mesh.onboard("hub", prefix="10.250.128.0/20")
    await moves(mesh).to_hub(key, "hub-b")
    await mesh.until_quiet()
    record = await mesh.record(key)
    assert (record.hub, reason(record), mesh.remotes(key)) == (
        "hub",
        ("False", "AddressSpaceOverlap"),
        {"hub"},
    )
    await moves(mesh).to_hub(key, "hub")
    await mesh.until_quiet()
    record = await mesh.record(key)
    assert (record.hub, record.state, mesh.remotes(key)) == ("hub", "Ready", {"hub"})


@pytest.mark.parametrize(
    ("hub", "error", "why"),
    [
        ("nowhere", NotFound, "HubNotFound"),
        ("hub", Terminal, "HubUnchanged"),
        ("far", Terminal, "HubOfAnotherRegion"),
        ("full", Terminal, "HubFull"),
        ("missing", Terminal, "HubMissing"),
    ],
)
async def test_a_move_that_cannot_be_made_is_refused_with_what_speaks_against_it(
    hub: str, error: type[Exception], why: str
) -> None:
    others = [
        msgspec.structs.replace(SECOND, id="far", region="eastus"),
        msgspec.structs.replace(SECOND, id="full", capacity=0),
        msgspec.structs.replace(SECOND, id="missing", network=SECOND.network + "x"),
    ]
    mesh = Plane()
    mesh.configure(FIRST, *others)
    key = await mesh.onboard("hub")
    with pytest.raises(error) as refused:
        await moves(mesh).to_hub(key, hub)
    assert refused.value.reason == why  # type: ignore[attr-defined]
    assert (await mesh.record(key)).wanted_hub == ""


async def test_who_is_no_node_cannot_be_moved() -> None:
    mesh = Plane()
    with pytest.raises(NotFound):
        await moves(mesh).to_hub(NodeKey.of("00000000-0000-0000-0000-000000000001", "nobody"), "hub-b")


async def test_a_move_that_is_asked_for_during_a_run_is_not_overwritten_by_it() -> None:
    mesh = Plane()
    key = await mesh.onboard("hub")
    real, asked = mesh.arm.list_networks, False

    async def meanwhile(node: NodeKey) -> object:
        nonlocal asked
        if not asked:
            asked = True
            await moves(mesh).to_hub(key, "hub-b")
        return await real(node)

    mesh.arm.list_networks = meanwhile  # type: ignore[method-assign,assignment]
    await mesh.look(key)
    assert ((await mesh.record(key)).hub, mesh.remotes(key)) == ("hub-b", {"hub-b"})


async def test_a_node_that_comes_back_forgets_where_it_was_asked_to_move() -> None:
    mesh = Plane()
    key = await mesh.onboard("hub")
    await moves(mesh).to_hub(key, "hub-b")
    await mesh.until_quiet()
    mesh.cloud.tag(key, {})
    await mesh.look(key)
    record = await mesh.switch(key, "hub")
    assert (record.hub, record.wanted_hub, mesh.remotes(key)) == ("hub", "", {"hub"})
    assert mesh.passes(network_of(key), FIRST.network)


async def test_a_right_that_is_missing_is_named_with_where_it_is_missing() -> None:
    mesh = Plane()
    said = (
        "The client 'x' has permission to write the peering; however, it does not have permission to perform"
        f" action(s) 'peer/action' on the linked scope(s) '{FIRST.network}' or the linked scope(s) are invalid."
    )
    mesh.arm.inject("put_peering", Denied("LinkedAuthorizationFailed", said))
    record = await mesh.record(await mesh.onboard("hub"))
    message = next(c.message for c in record.conditions if c.type == "Connected")
    assert reason(record, "Connected") == ("False", "RightsMissing")
    assert FIRST.network in message
    assert "POST .../reconcile" in message


async def test_a_right_that_was_missing_is_told_beside_what_came_up_since_until_a_peering_is_written() -> (
    None
):
    mesh = Plane()
    mesh.arm.inject("put_peering", Denied("AuthorizationFailed", "No."))
    key = await mesh.onboard("hub")
    own, hubs = (mesh.cloud.networks[normal_id(n)].prefixes for n in (network_of(key), FIRST.network))
    mesh.cloud.resize_network(network_of(key), *hubs)
    for _ in range(2):
        await mesh.look(key)
        record = await mesh.record(key)
        message = next(c.message for c in record.conditions if c.type == "Connected")
        assert "overlaps" in message
        assert "lacks a right" in message
    mesh.cloud.resize_network(network_of(key), *own)
    await mesh.look(key)
    record = await mesh.record(key)
    assert (record.ready, record.refusal) == (True, "")
