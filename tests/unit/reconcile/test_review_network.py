"""What a review broke about networks, hubs and their writes, each with the test that it lacked."""

import re
from itertools import product

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.errors import Terminal, Waiting, error_for
from shared.domain.ids import NodeKey
from shared.domain.mesh import Mesh
from shared.domain.naming import hub_peering_name, spoke_peering_name
from shared.domain.network import Hub, VirtualNetwork
from shared.domain.node import NodeRecord
from shared.ports import Group
from tests.support.mesh import (
    HUB_GROUP,
    HUB_NETWORK,
    SUBSCRIPTION,
    TAGS,
    WORKSPACE,
    InMemoryMesh,
    network_of,
    vault_of,
)
from tests.support.people import SELECTIONS
from tests.unit.reconcile.one_node import KEY, ready, settled, writes

HUB = Hub("hub", HUB_NETWORK, WORKSPACE)


def sides(mesh: InMemoryMesh, network: str) -> list[str]:
    return [s.remote for s in mesh.cloud.networks[network.lower()].sides.values()]


# --- names and regions


@given(
    mesh=st.from_regex(r"[a-z][a-z0-9-]{1,23}", fullmatch=True),
    name=st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}[A-Za-z0-9_]", fullmatch=True),
)
def test_no_mesh_name_makes_a_peering_name_that_azure_refuses(mesh: str, name: str) -> None:
    network = f"{KEY.group_id}/providers/Microsoft.Network/virtualNetworks/{name}"
    for made in (hub_peering_name(mesh, KEY, network), spoke_peering_name(mesh, network)):
        assert len(made) <= 80
        assert re.fullmatch(r"[A-Za-z0-9][\w.-]*\w", made)


def test_the_names_that_the_default_mesh_makes_stay_as_they_are() -> None:
    network = f"{KEY.group_id}/providers/Microsoft.Network/virtualNetworks/{'n' * 64}"
    assert hub_peering_name("meshplane", KEY, network) == f"meshplane-6f2ac4e434-{'n' * 40}-fb56016fae"
    assert spoke_peering_name("meshplane", network) == f"meshplane-to-{'n' * 40}-fb56016fae"


@pytest.mark.parametrize("region", ["westeurope", "West Europe", "WESTEUROPE"])
def test_a_hub_serves_its_region_under_each_of_its_names(region: str) -> None:
    hub = msgspec.structs.replace(HUB, region=region)
    mesh = Mesh("meshplane", (hub,), (SUBSCRIPTION,))
    assert (mesh.hub_for("", "westeurope"), mesh.hub_for("", "West Europe")) == (hub, hub)
    assert mesh.hub_for("", "northeurope") is None


# --- what Azure refuses


async def test_throttling_stops_a_run_and_the_rest_is_written_later() -> None:
    mesh = InMemoryMesh()
    mesh.cloud.create_group(KEY, TAGS)
    for i in range(100):
        mesh.cloud.create_resource(vault_of(KEY, str(i)))
    mesh.arm.inject("put_diagnostic_setting", Waiting("TooManyRequests", "slow down", retry_after=17))
    await mesh.event(KEY.group_id)
    await mesh.step()
    record = await mesh.record(KEY)
    assert mesh.arm.calls.count("put_diagnostic_setting") <= 8
    assert ready(record) == ("False", "TooManyRequests")
    assert (record.next_due - mesh.clock.now()).total_seconds() >= 17  # type: ignore[operator]
    await mesh.until_quiet()
    assert (await mesh.record(KEY)).state == "Ready"
    assert len([s for s in mesh.cloud.settings.values() if s]) == 100


@pytest.mark.parametrize(
    "code", ["InvalidResourceType", "InvalidResourceNamespace", "NoRegisteredProviderFound"]
)
def test_a_404_that_speaks_of_the_request_does_not_say_that_something_is_gone(code: str) -> None:
    assert isinstance(error_for(404, code, "no"), Terminal)


@pytest.mark.parametrize(
    "code", ["ReadOnlyDisabledSubscription", "SubscriptionNotRegistered", "MissingSubscriptionRegistration"]
)
def test_a_409_that_only_a_person_can_mend_is_not_retried(code: str) -> None:
    assert isinstance(error_for(409, code, "no"), Terminal)


@pytest.mark.parametrize(
    ("call", "code"),
    [
        *product(("get_group", "list_networks", "list_resources"), ("InvalidResourceType", "NotFound", "")),
        ("list_networks", "ResourceGroupNotFound"),
        ("list_resources", "ResourceGroupNotFound"),
    ],
)
async def test_one_odd_404_takes_nothing_down(call: str, code: str) -> None:
    mesh = await settled()
    mesh.arm.inject(call, error_for(404, code, "no"))
    await mesh.event(KEY.group_id)
    await mesh.until_quiet()
    assert writes(mesh) == []
    assert sides(mesh, HUB_NETWORK) == [network_of(KEY)]
    assert (await mesh.record(KEY)).state == ("NotReady" if code == "InvalidResourceType" else "Ready")


async def test_a_group_that_vanishes_between_two_reads_is_gone() -> None:
    mesh = await settled()
    real = mesh.arm.get_group

    async def gone_afterwards(key: NodeKey) -> Group:
        group = await real(key)
        mesh.cloud.delete_group(key)
        return group

    mesh.arm.get_group = gone_afterwards  # type: ignore[method-assign]
    await mesh.event(KEY.group_id)
    await mesh.until_quiet()
    assert (await mesh.record(KEY)).state == "Offboarded"
    assert sides(mesh, HUB_NETWORK) == []


# --- hubs that change


NEW_HUB = f"{HUB_GROUP}/providers/Microsoft.Network/virtualNetworks/hub2"
MISSPELT = f"{HUB_GROUP}/providers/Microsoft.Network/virtualNetworks/hbu"


def configure(mesh: InMemoryMesh, **changes: object) -> None:
    """A new process with other settings for the hub."""
    hub = msgspec.structs.replace(mesh.mesh.hubs[0], **changes)
    mesh.mesh = msgspec.structs.replace(mesh.mesh, hubs=(hub,))
    mesh.restart()


async def look(mesh: InMemoryMesh, tags: dict[str, str] | None = None) -> NodeRecord:
    if tags is not None:
        mesh.cloud.tag(KEY, tags)
    await mesh.event(KEY.group_id)
    await mesh.until_quiet()
    return await mesh.record(KEY)


@pytest.mark.parametrize("operation_seconds", [0.0, 5.0])
async def test_a_hub_with_a_new_network_takes_its_nodes_over_and_the_old_peerings_go(
    operation_seconds: float,
) -> None:
    mesh = await settled(operation_seconds=operation_seconds)
    mesh.cloud.create_network(NEW_HUB, "10.250.0.0/16")
    configure(mesh, network=NEW_HUB)
    record = await look(mesh)
    assert (record.state, len(record.owned)) == ("Ready", 2)
    assert (sides(mesh, HUB_NETWORK), sides(mesh, NEW_HUB)) == ([], [network_of(KEY)])
    assert sides(mesh, network_of(KEY)) == [NEW_HUB]
    assert writes(mesh) == ["put_peering"] * 2 + ["delete_peering"] * 2
    assert (await look(mesh, {})).state == "Offboarded"
    assert (sides(mesh, NEW_HUB), sides(mesh, network_of(KEY))) == ([], [])


@pytest.mark.parametrize(("gateway", "prefix"), [(True, "10.250.0.0/16"), (False, "10.0.0.0/16")])
async def test_where_azure_takes_one_connection_only_the_old_one_goes_first(
    gateway: bool, prefix: str
) -> None:
    mesh = InMemoryMesh(gateway=gateway)
    mesh.create_node()
    await look(mesh)
    mesh.arm.calls.clear()
    mesh.cloud.create_network(NEW_HUB, prefix, gateway=gateway)
    configure(mesh, network=NEW_HUB)
    record = await look(mesh)
    assert (record.state, sides(mesh, HUB_NETWORK), sides(mesh, network_of(KEY))) == ("Ready", [], [NEW_HUB])
    assert writes(mesh) == ["delete_peering"] * 2 + ["put_peering"] * 2


async def test_the_old_connection_stays_while_the_new_hub_refuses_the_node() -> None:
    mesh = await settled()
    mesh.cloud.create_network(NEW_HUB, "10.1.0.0/16")
    configure(mesh, network=NEW_HUB)
    record = await look(mesh)
    assert ready(record) == ("False", "AddressSpaceOverlap")
    assert (writes(mesh), len(record.owned)) == ([], 2)
    assert sides(mesh, network_of(KEY)) == [HUB_NETWORK]


async def test_a_misspelt_hub_network_forgets_nothing() -> None:
    mesh = await settled()
    configure(mesh, network=MISSPELT)
    record = await look(mesh)
    assert (ready(record), len(record.owned), writes(mesh)) == (("False", "HubMissing"), 2, [])
    record = await look(mesh, {})
    assert (record.state, record.owned) == ("Offboarded", ())
    assert (sides(mesh, HUB_NETWORK), sides(mesh, network_of(KEY))) == ([], [])


async def test_a_node_that_cannot_let_go_of_a_misspelt_hub_says_which_hub_is_missing() -> None:
    mesh = await settled()
    configure(mesh, network=MISSPELT)
    mesh.arm.inject("delete_peering", Terminal("ScopeLocked", "locked"), times=1000)
    record = await look(mesh, {})
    assert (record.state, ready(record), len(record.owned)) == ("Offboarding", ("False", "HubMissing"), 2)


async def test_what_lies_on_a_network_that_may_not_be_read_is_not_forgotten() -> None:
    mesh = await settled()
    mesh.cloud.create_network(NEW_HUB, "10.250.0.0/16")
    configure(mesh, network=NEW_HUB)
    real = mesh.arm.get_network
    denied = True

    async def unreadable(network_id: str) -> VirtualNetwork:
        if denied and network_id.lower() == HUB_NETWORK.lower():
            raise Terminal("AuthorizationFailed", "no")
        return await real(network_id)

    mesh.arm.get_network = unreadable  # type: ignore[method-assign]
    record = await look(mesh)
    assert (record.state, sides(mesh, HUB_NETWORK)) == ("Ready", [network_of(KEY)])
    assert len(record.owned) == 3
    record = await look(mesh, {})
    assert (record.state, ready(record)) == ("Offboarding", ("False", "FormerHubUnread"))
    denied = False
    assert (await look(mesh)).state == "Offboarded"
    assert sides(mesh, HUB_NETWORK) == []


async def test_a_settled_node_costs_no_read_for_networks_that_it_has_left() -> None:
    mesh = await settled()
    await look(mesh)
    assert sorted(mesh.arm.calls) == ["get_group", "get_network", "list_networks", "list_resources"]


async def test_a_hub_network_that_was_deleted_does_not_keep_a_node_from_leaving() -> None:
    mesh = await settled()
    mesh.cloud.delete_resource(HUB_NETWORK)
    assert ready(await look(mesh)) == ("False", "HubMissing")
    assert (await look(mesh, {})).state == "Offboarded"
    assert sides(mesh, network_of(KEY)) == []


async def test_a_group_that_holds_two_hubs_networks_peers_neither() -> None:
    mesh = InMemoryMesh()
    mesh.cloud.create_network(NEW_HUB, "10.250.0.0/16")
    other = Hub("hub2", NEW_HUB, WORKSPACE, region="northeurope")
    hubs = NodeKey.of(SUBSCRIPTION, "hub")
    mesh.cloud.tag(hubs, TAGS)
    await mesh.event(hubs.group_id)
    await mesh.until_quiet()
    assert sides(mesh, NEW_HUB) == [HUB_NETWORK]  # an ordinary network, as yet
    mesh.mesh = msgspec.structs.replace(mesh.mesh, hubs=(*mesh.mesh.hubs, other))
    mesh.restart()
    await mesh.event(hubs.group_id)
    await mesh.until_quiet()
    record = await mesh.record(hubs)
    assert (ready(record), record.owned) == (("False", "IsHub"), ())
    assert (sides(mesh, HUB_NETWORK), sides(mesh, NEW_HUB)) == ([], [])


# --- many nodes at one hub


async def attached_together(nodes: int, operation_seconds: float) -> InMemoryMesh:
    """So many groups tagged at once, each a third of a /16 away from the next, and what came of them."""
    mesh = InMemoryMesh(operation_seconds=operation_seconds)
    for i in range(nodes):
        key = mesh.create_node(f"n{i}", f"10.{i // 8 + 1}.{i % 8 * 32}.0/19")
        await mesh.event(key.group_id)
    for _ in range(nodes * 1000):
        if not await mesh.step():
            return mesh
    raise AssertionError("the mesh does not come to rest")


def reads(mesh: InMemoryMesh) -> int:
    return len([c for c in mesh.arm.calls if c.startswith(("get", "list"))])


@pytest.mark.parametrize(("nodes", "operation_seconds"), [(100, 5.0), (60, 12.0)])
async def test_nodes_that_queue_for_one_hub_all_get_their_turn_and_read_nothing_meanwhile(
    nodes: int, operation_seconds: float
) -> None:
    alone = reads(await attached_together(1, operation_seconds))
    mesh = await attached_together(nodes, operation_seconds)
    assert {r.state for r in mesh.nodes.records.values()} == {"Ready"}
    assert not mesh.dead_letters.letters
    assert reads(mesh) / nodes <= alone + 4 + 6
    seconds = (mesh.clock.now() - InMemoryMesh().clock.now()).total_seconds()
    assert seconds <= nodes * 2 * operation_seconds * 1.5 + 120


async def test_an_event_while_a_node_queues_has_it_looked_at_again() -> None:
    mesh = InMemoryMesh(operation_seconds=5)
    mesh.create_node()
    assert await mesh.leases.acquire("hub/hub", "somebody", 3000)
    await mesh.event(KEY.group_id)
    await mesh.step()
    record = await mesh.record(KEY)
    assert (record.state, ready(record)) == ("Pending", ("False", "HubBusy"))
    looked = reads(mesh)
    for _ in range(5):
        await mesh.step()
    record = await mesh.record(KEY)
    assert (reads(mesh), record.attempts, record.waits) == (looked, 0, 0)
    assert (await look(mesh, {})).state == "Offboarded"
    assert "put_peering" not in mesh.arm.calls


async def test_a_plan_that_grew_old_in_the_queue_is_made_anew_when_its_turn_comes() -> None:
    mesh = InMemoryMesh()
    mesh.create_node()
    assert await mesh.leases.acquire("hub/hub", "somebody", 300)
    await mesh.event(KEY.group_id)
    await mesh.step()
    mesh.cloud.tag(KEY, {})  # no event tells of it
    await mesh.until_quiet()
    assert (await mesh.record(KEY)).state == "Offboarded"
    assert "put_peering" not in mesh.arm.calls
    assert not mesh.leases.held


# --- somebody else who insists


@pytest.mark.parametrize(
    ("what", "operation_seconds"), [("peering", 0.0), ("peering", 7.0), ("setting", 0.0)]
)
async def test_a_policy_that_rewrites_what_is_ours_after_each_run_is_seen_in_the_end(
    what: str, operation_seconds: float
) -> None:
    mesh = await settled(operation_seconds=operation_seconds)
    await look(mesh)
    vault = vault_of(KEY, "a")
    rounds = 0
    while not mesh.dead_letters.letters and rounds < 2 * mesh.timing.waits:
        if what == "peering":
            (side,) = mesh.cloud.networks[HUB_NETWORK.lower()].sides.values()
            side.flags = msgspec.structs.replace(side.flags, allow_forwarded_traffic=True)
            await mesh.event(side.id, "Microsoft.Network/virtualNetworks/virtualNetworkPeerings/write")
        else:
            ours = mesh.cloud.settings[vault.lower()]["meshplane"]
            mesh.cloud.add_setting(vault, msgspec.structs.replace(ours, selection=SELECTIONS[0]))
            await mesh.event(vault, "Microsoft.Insights/diagnosticSettings/write")
        await mesh.until_quiet()
        rounds += 1
    assert rounds == mesh.timing.waits
    assert len(mesh.dead_letters.letters) == 1


async def test_a_look_that_finds_all_well_ends_the_counting_of_repairs() -> None:
    mesh = await settled()
    (side,) = mesh.cloud.networks[HUB_NETWORK.lower()].sides.values()
    side.flags = msgspec.structs.replace(side.flags, allow_forwarded_traffic=True)
    assert ((await look(mesh)).waits, (await look(mesh)).waits) == (1, 0)
