"""A tagged group becomes a node, stays one, and leaves cleanly: the engine over in-memory ports."""

import pytest

from shared.domain.node import NodeRecord
from tests.support.mesh import HUB_NETWORK, TAGS, InMemoryMesh, network_of, vault_of


def reasons(record: NodeRecord) -> dict[str, tuple[str, str]]:
    return {c.type: (c.status, c.reason) for c in record.conditions}


async def test_a_tagged_group_becomes_ready_with_both_peerings_connected_and_every_resource_covered() -> None:
    mesh = InMemoryMesh()
    key = mesh.create_node()
    await mesh.event(key.group_id)
    await mesh.until_quiet()
    record = await mesh.record(key)
    assert record.state == "Ready", record.conditions
    hub, spoke = mesh.cloud.networks[HUB_NETWORK.lower()], mesh.cloud.networks[network_of(key).lower()]
    assert [s.state for s in (*hub.sides.values(), *spoke.sides.values())] == ["Connected", "Connected"]
    assert {c.status for c in record.coverage} == {"covered"}
    assert (await mesh.history.recent(str(key))).items[0].writes == 5
    assert [e.type for e in mesh.events.events] == ["NodeChanged"]


@pytest.mark.parametrize(("operation_seconds", "polls"), [(0.0, 0), (10.0, 2)])
async def test_onboarding_writes_the_floor_and_reads_three_calls_more(
    operation_seconds: float, polls: int
) -> None:
    """The floor of reads: the group, its resources, its networks, the hub; categories once for each of the two
    types; the settings of each of the three resources; the end of each long operation. Beyond it: what may be written
    in the subscription, and the two networks once more when all was made."""
    mesh = InMemoryMesh(operation_seconds=operation_seconds)
    key = mesh.create_node()
    await mesh.event(key.group_id)
    await mesh.until_quiet()
    record = await mesh.record(key)
    floor = 4 + 2 + 3 + polls
    assert record.state == "Ready"
    assert (record.writes, record.reads - floor) == (2 + 3, 3)


async def test_a_converged_node_is_looked_at_with_four_reads_and_no_write() -> None:
    mesh = InMemoryMesh()
    key = mesh.create_node()
    await mesh.event(key.group_id)
    await mesh.until_quiet()
    mesh.arm.calls.clear()
    await mesh.event(key.group_id)
    await mesh.until_quiet()
    assert sorted(mesh.arm.calls) == ["get_group", "get_network", "list_networks", "list_resources"]


async def test_fifty_events_of_one_deployment_become_one_run() -> None:
    mesh = InMemoryMesh()
    key = mesh.create_node()
    for _ in range(50):
        await mesh.event(key.group_id)
    assert len(mesh.queue.items) == 1
    await mesh.until_quiet()
    assert (await mesh.record(key)).generation == 1


@pytest.mark.parametrize("side", ["hub", "spoke"])
async def test_a_peering_deleted_on_either_side_is_healed(side: str) -> None:
    mesh = InMemoryMesh(operation_seconds=5)
    key = mesh.create_node()
    await mesh.event(key.group_id)
    await mesh.until_quiet()
    before = mesh.cloud.snapshot()
    network = mesh.cloud.networks[(HUB_NETWORK if side == "hub" else network_of(key)).lower()]
    peering = next(iter(network.sides.values())).id
    mesh.cloud.delete_peering(peering)
    await mesh.event(peering, "Microsoft.Network/virtualNetworks/virtualNetworkPeerings/delete")
    await mesh.until_quiet()
    assert mesh.cloud.snapshot() == before
    assert (await mesh.record(key)).state == "Ready"


async def test_a_deleted_setting_is_put_back_with_one_write() -> None:
    mesh = InMemoryMesh()
    key = mesh.create_node()
    await mesh.event(key.group_id)
    await mesh.until_quiet()
    before = mesh.cloud.snapshot()
    mesh.cloud.delete_setting(vault_of(key, "a"), "meshplane")
    await mesh.event(
        f"{vault_of(key, 'a')}/providers/Microsoft.Insights/diagnosticSettings/meshplane",
        "Microsoft.Insights/diagnosticSettings/delete",
    )
    await mesh.until_quiet()
    assert mesh.cloud.snapshot() == before
    assert (await mesh.history.recent(str(key))).items[0].writes == 1


@pytest.mark.parametrize("operation_seconds", [0.0, 10.0])
async def test_an_untagged_node_leaves_nothing_behind_and_is_offboarded_after_reading_back(
    operation_seconds: float,
) -> None:
    mesh = InMemoryMesh(operation_seconds=operation_seconds)
    key = mesh.create_node(tags={})
    clean = mesh.cloud.snapshot()
    mesh.cloud.tag(key, TAGS)
    await mesh.event(key.group_id)
    await mesh.until_quiet()
    mesh.cloud.tag(key, {})
    await mesh.event(key.group_id)
    await mesh.until_quiet()
    record = await mesh.record(key)
    assert mesh.cloud.snapshot() == clean
    assert (record.state, record.owned, record.coverage) == ("Offboarded", (), ())
    assert mesh.arm.calls[-1].startswith(("get", "list"))


async def test_a_deleted_group_loses_its_hub_peering_and_is_offboarded() -> None:
    mesh = InMemoryMesh(operation_seconds=5)
    key = mesh.create_node()
    await mesh.event(key.group_id)
    await mesh.until_quiet()
    mesh.cloud.delete_group(key)
    await mesh.event(key.group_id, "Microsoft.Resources/subscriptions/resourceGroups/delete")
    await mesh.until_quiet()
    assert (await mesh.record(key)).state == "Offboarded"
    assert not mesh.cloud.networks[HUB_NETWORK.lower()].sides


async def test_a_wrong_tag_value_becomes_a_condition_that_names_tag_value_and_what_is_allowed() -> None:
    mesh = InMemoryMesh()
    key = mesh.create_node(tags={**TAGS, "mesh-network": "hbu"})
    await mesh.event(key.group_id)
    await mesh.until_quiet()
    record = await mesh.record(key)
    assert reasons(record)["TagsValid"] == ("False", "InvalidTag")
    ready = record.conditions[0]
    assert all(word in ready.message for word in ("mesh-network", "'hbu'", "hub, mesh, endpoints"))
    assert not mesh.cloud.networks[HUB_NETWORK.lower()].sides


async def test_an_overlapping_address_space_is_refused_before_any_network_write() -> None:
    mesh = InMemoryMesh()
    key = mesh.create_node(prefix="10.0.128.0/20")
    await mesh.event(key.group_id)
    await mesh.until_quiet()
    record = await mesh.record(key)
    assert reasons(record)["Connected"] == ("False", "AddressSpaceOverlap")
    assert (record.state, mesh.arm.calls.count("put_peering")) == ("NotReady", 0)


async def test_a_group_that_is_no_node_leaves_no_row() -> None:
    mesh = InMemoryMesh()
    key = mesh.create_node(tags={})
    await mesh.event(key.group_id)
    await mesh.until_quiet()
    assert await mesh.nodes.get(key) is None
    assert mesh.arm.calls == ["get_group"]


async def test_a_node_without_a_hub_becomes_ready_as_soon_as_the_hub_is_there() -> None:
    mesh = InMemoryMesh()
    key = mesh.create_node()
    mesh.cloud.delete_resource(HUB_NETWORK)
    await mesh.event(key.group_id)
    await mesh.until_quiet()
    assert (await mesh.record(key)).conditions[0].reason == "HubMissing"
    mesh.cloud.create_network(HUB_NETWORK, "10.0.0.0/16")
    await mesh.event(HUB_NETWORK, "Microsoft.Network/virtualNetworks/write")
    await mesh.until_quiet()
    assert (await mesh.record(key)).state == "Ready"
