"""Healing against the fake Resource Manager: from every state that a pair can be in, in at most three passes."""

import asyncio
from collections.abc import Callable
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.ids import NodeKey
from shared.domain.naming import hub_peering_name, spoke_peering_name
from shared.domain.network import Hub, PeeringFlags, hub_flags, spoke_flags
from shared.domain.plan import DeletePeering, PutPeering
from shared.reconcile.healer import heal, left_alone
from shared.reconcile.pair import Pair, edge_pair, hubs_pair, nodes_pair, sides_of
from shared.reconcile.steps import write
from tests.fakes import Cloud, FakeClock, FakeResourceManager
from tests.fakes.state import Network
from tests.fakes.state import Side as CloudSide
from tests.support.mesh import HUB_NETWORK, SUBSCRIPTION, WORKSPACE
from tests.support.peering_states import OTHERWISE, STALE, State, flags_of, states

KEY = NodeKey.of(SUBSCRIPTION, "sales")
SPOKE = f"{KEY.group_id}/providers/Microsoft.Network/virtualNetworks/net"
OUR_NAMES = {
    "hub": hub_peering_name("m", KEY, SPOKE),
    "spoke": spoke_peering_name("m", HUB_NETWORK),
}
PASSES = 3


def cloud_with(hub: Hub, on_hub: State | None, on_spoke: State | None) -> Cloud:
    """The networks of a hub and a node, with sides in states that people and accidents left them in."""
    cloud = Cloud()
    # The gateway itself stays: what changes is whether the mesh is to use it.
    hub_network = cloud.create_network(HUB_NETWORK, "10.0.0.0/16", gateway=True)
    spoke = cloud.create_network(SPOKE, "10.1.0.0/16")
    _place(hub_network, spoke, on_hub, "hub", hub_flags(hub))
    _place(spoke, hub_network, on_spoke, "spoke", spoke_flags(hub))
    return cloud


def _place(local: Network, remote: Network, state: State | None, which: str, wanted: PeeringFlags) -> None:
    if state is None:
        return
    name = OUR_NAMES[which] if state.owned else "theirs"
    flags = flags_of(state, wanted, on_hub=which == "hub")
    prefixes = remote.prefixes if state.synced else STALE
    local.sides[name.lower()] = CloudSide(
        f"{local.id}/virtualNetworkPeerings/{name}",
        remote.id,
        prefixes,
        flags,
        state.state,
        state.provisioning,
    )


def seen(cloud: Cloud, hub: Hub) -> Pair:
    networks = (cloud.show(cloud.networks[i.lower()]) for i in (HUB_NETWORK, SPOKE))
    return sides_of("m", KEY, hub, *networks)


async def healed(cloud: Cloud, look: Callable[[], Pair]) -> int:
    """How many passes wrote something until nothing was left to write; fails on a write to a foreign side."""
    arm = FakeResourceManager(cloud, FakeClock())
    for done in range(PASSES + 1):
        pair = look()
        steps = heal(pair)
        if not steps:
            return done
        foreign = {side.id for side in pair if not side.owned}
        for step in steps:
            assert isinstance(step, PutPeering | DeletePeering)
            assert step.id not in foreign
            await write(arm, step)
    pytest.fail(f"still {[s.why for s in heal(look())]} after {PASSES} passes")


def check(pair: Pair) -> None:
    if left_alone(pair):
        return
    for side in pair:
        assert side.actual is not None
        assert (side.actual.state, side.actual.sync_level) == ("Connected", "FullyInSync")
        if side.owned:
            assert side.actual.flags == side.flags


@pytest.mark.parametrize("gateway", [False, True])
async def test_every_state_of_a_pair_is_connected_and_in_sync_after_three_passes_at_most(
    gateway: bool,
) -> None:
    hub = Hub("hub", HUB_NETWORK, WORKSPACE, gateway=gateway)
    everything = list(states())
    most = 0
    for on_hub, on_spoke in product(everything, everything):
        cloud = cloud_with(hub, on_hub, on_spoke)
        try:
            most = max(most, await healed(cloud, lambda: seen(cloud, hub)))  # noqa: B023  # awaited at once
            check(seen(cloud, hub))
        except Exception as error:
            error.add_note(f"hub: {on_hub}, spoke: {on_spoke}")
            raise
    assert 1 < most <= PASSES


OTHER_NETWORK = (
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/far/providers/Microsoft.Network/virtualNetworks/far"
)
NEAR = Hub("near", HUB_NETWORK, WORKSPACE)
FAR = Hub("far", OTHER_NETWORK, WORKSPACE)
KINDS = ("hubs", "nodes", "edge")
ACCIDENTS = (
    "delete first",
    "delete second",
    "resize first",
    "resize second",
    "flags first",
    "flags second",
    "fail first",
    "fail second",
    "recreate first",
    "recreate second",
    "heal",
)


def pair_in(cloud: Cloud, kind: str) -> Pair:
    first, second = (cloud.show(cloud.networks[i.lower()]) for i in (HUB_NETWORK, OTHER_NETWORK))
    match kind:
        case "hubs":
            return hubs_pair("m", NEAR, FAR, first, second)
        case "nodes":
            return nodes_pair("m", KEY, first, second)
        case _:
            return edge_pair("m", first, second)


def befall(cloud: Cloud, accident: str, number: int) -> None:
    """What people do to one of the two networks behind the mesh's back."""
    verb, _, which = accident.partition(" ")
    network_id, octet = (HUB_NETWORK, 10) if which == "first" else (OTHER_NETWORK, 11)
    network = cloud.networks[network_id.lower()]
    for side in list(network.sides.values()):
        match verb:
            case "delete":
                cloud.delete_peering(side.id)
            case "flags":
                side.flags = OTHERWISE
            case "fail":
                side.provisioning = "Failed"
    if verb == "resize":
        cloud.resize_network(network_id, f"{octet}.{number}.0.0/16")
    if verb == "recreate":
        cloud.delete_resource(network_id)
        cloud.create_network(network_id, f"{octet}.{number}.0.0/16")


@settings(deadline=None)
@given(kind=st.sampled_from(KINDS), accidents=st.lists(st.sampled_from(ACCIDENTS), max_size=12))
def test_every_kind_of_pair_is_healed_after_any_accidents(kind: str, accidents: list[str]) -> None:
    async def history() -> None:
        cloud = Cloud()
        cloud.create_network(HUB_NETWORK, "10.0.0.0/16")
        cloud.create_network(OTHER_NETWORK, "11.0.0.0/16")
        for number, accident in enumerate(accidents, start=1):
            if accident == "heal":
                await healed(cloud, lambda: pair_in(cloud, kind))
            else:
                befall(cloud, accident, number)
        await healed(cloud, lambda: pair_in(cloud, kind))
        pair = pair_in(cloud, kind)
        check(pair)
        assert all(side.owned for side in pair)

    asyncio.run(history())


def test_the_kinds_of_pairs_have_names_of_their_own_that_no_other_mesh_has() -> None:
    cloud = Cloud()
    cloud.create_network(HUB_NETWORK, "10.0.0.0/16")
    cloud.create_network(OTHER_NETWORK, "11.0.0.0/16")
    names = {side.id.rpartition("/")[2] for kind in KINDS for side in pair_in(cloud, kind)}
    names |= {hub_peering_name(mesh, KEY, SPOKE) for mesh in ("m", "m-node", "m-hub", "m-edge")}
    names |= {spoke_peering_name(mesh, HUB_NETWORK) for mesh in ("m", "m-node", "m-hub", "m-edge")}
    assert len(names) == 2 * len(KINDS) + 8
    assert all(len(name) <= 80 for name in names)
