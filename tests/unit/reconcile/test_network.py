"""The healer: what is written for a pair of peerings in each state, and what is left alone."""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import product

import msgspec
import pytest

from shared.domain.ids import NodeKey
from shared.domain.mesh import Mesh
from shared.domain.naming import hub_peering_name, spoke_peering_name
from shared.domain.network import Hub, Peering, PeeringFlags, VirtualNetwork, hub_flags, spoke_flags
from shared.domain.node import NodeRecord
from shared.domain.plan import DeletePeering, NetworkStep, PutPeering
from shared.domain.tags import read_tags
from shared.ports import Group
from shared.reconcile.connection import connection, disconnection
from shared.reconcile.observation import Observation
from shared.reconcile.options.scene import Scene
from tests.support.mesh import HUB_NETWORK, SUBSCRIPTION, WORKSPACE

KEY = NodeKey.of(SUBSCRIPTION, "sales")
SPOKE = f"{KEY.group_id}/providers/Microsoft.Network/virtualNetworks/net"
OTHER = f"{KEY.group_id}/providers/Microsoft.Network/virtualNetworks/gone"
HUB = Hub("hub", HUB_NETWORK, WORKSPACE)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
ON_HUB = f"{HUB_NETWORK}/virtualNetworkPeerings/{hub_peering_name('m', KEY, SPOKE)}"
ON_SPOKE = f"{SPOKE}/virtualNetworkPeerings/{spoke_peering_name('m', HUB_NETWORK)}"


def side(peering_id: str, state: str = "Connected", sync: str = "FullyInSync", **more: object) -> Peering:
    on_hub = peering_id.startswith(HUB_NETWORK)
    remote, prefix = (SPOKE, "10.1.0.0/16") if on_hub else (HUB_NETWORK, "10.0.0.0/16")
    flags = hub_flags(HUB) if on_hub else spoke_flags(HUB)
    name = peering_id.rpartition("/")[2]
    peering = Peering(peering_id, name, remote, state, sync, "Succeeded", (prefix,), flags)
    return msgspec.structs.replace(peering, **more)


def network(network_id: str, prefix: str, *peerings: Peering | None) -> VirtualNetwork:
    return VirtualNetwork(
        network_id, "net", "westeurope", (prefix,), "Succeeded", tuple(p for p in peerings if p)
    )


def decided(
    on_hub: Peering | None, on_spoke: Peering | None, hub: Hub = HUB
) -> tuple[list[NetworkStep], list[str]]:
    return attach(
        network(HUB_NETWORK, "10.0.0.0/16", on_hub), network(SPOKE, "10.1.0.0/16", on_spoke), hub=hub
    )


def scene(hub: Hub, hub_network: VirtualNetwork | None, networks: Sequence[VirtualNetwork]) -> Scene:
    group = Group(KEY.group_id, "westeurope", {})
    seen = Observation(group, networks=tuple(networks), hub=hub, hub_network=hub_network)
    return Scene(Mesh("m", (hub,), (SUBSCRIPTION,)), NodeRecord(key=KEY), seen, hub)


def attach(
    hub_network: VirtualNetwork, *networks: VirtualNetwork, hub: Hub = HUB
) -> tuple[list[NetworkStep], list[str]]:
    """What becomes of a node that has chosen `hub`."""
    tags, _ = read_tags({"mesh-node": "sales"})
    found = connection(scene(hub, hub_network, networks), tags, "westeurope", NOW)
    return list(found.steps), [f.reason for f in found.findings]


def detach(hub_network: VirtualNetwork | None, *networks: VirtualNetwork) -> list[NetworkStep]:
    """What becomes of a node that has lost its tag."""
    return list(disconnection(scene(HUB, hub_network, networks), NOW).steps)


def written(steps: list[NetworkStep]) -> list[str]:
    names = {ON_HUB: "hub", ON_SPOKE: "spoke"}
    return [("delete " if isinstance(s, DeletePeering) else "") + names.get(s.id, s.id) for s in steps]


@pytest.mark.parametrize(
    ("hub", "spoke", "writes"),
    [
        (None, None, ["hub", "spoke"]),
        (None, "Initiated", ["hub"]),
        (None, "Disconnected", ["spoke", "hub"]),
        ("Initiated", None, ["spoke"]),
        ("Disconnected", None, ["hub", "spoke"]),
        ("Initiated", "Initiated", ["hub", "spoke"]),
        ("Initiated", "Disconnected", ["spoke"]),
        ("Disconnected", "Initiated", ["hub"]),
        ("Connected", "Connected", []),
        ("Disconnected", "Disconnected", ["delete hub", "spoke", "hub"]),
    ],
)
def test_every_state_of_a_pair_is_healed_with_a_disconnected_side_first(
    hub: str | None, spoke: str | None, writes: list[str]
) -> None:
    steps, findings = decided(side(ON_HUB, hub) if hub else None, side(ON_SPOKE, spoke) if spoke else None)
    assert (written(steps), findings) == (writes, [])


@pytest.mark.parametrize(
    ("hub", "spoke", "writes"),
    [
        ("FullyInSync", "FullyInSync", []),
        ("LocalNotInSync", "RemoteNotInSync", ["hub"]),
        ("RemoteNotInSync", "LocalNotInSync", ["spoke"]),
        ("LocalAndRemoteNotInSync", "LocalAndRemoteNotInSync", ["hub", "spoke"]),
    ],
)
def test_only_the_side_that_is_behind_is_synchronised(hub: str, spoke: str, writes: list[str]) -> None:
    steps, _ = decided(side(ON_HUB, sync=hub), side(ON_SPOKE, sync=spoke))
    assert written(steps) == writes
    assert all(isinstance(s, PutPeering) and s.sync for s in steps)


@pytest.mark.parametrize("changed", [ON_HUB, ON_SPOKE])
def test_a_flag_that_somebody_changed_is_put_back_and_named(changed: str) -> None:
    flags = PeeringFlags(allow_virtual_network_access=False, allow_forwarded_traffic=changed == ON_SPOKE)
    on_hub, on_spoke = (side(i, flags=flags) if i == changed else side(i) for i in (ON_HUB, ON_SPOKE))
    (step,), _ = decided(on_hub, on_spoke)
    assert isinstance(step, PutPeering)
    assert (step.id, step.differences) == (changed, ("allow_virtual_network_access: false -> true",))


@pytest.mark.parametrize("failed", [ON_HUB, ON_SPOKE])
def test_a_side_whose_last_write_failed_is_written_again(failed: str) -> None:
    on_hub, on_spoke = (
        side(i, provisioning_state="Failed" if i == failed else "Succeeded") for i in (ON_HUB, ON_SPOKE)
    )
    steps, _ = decided(on_hub, on_spoke)
    assert [s.id for s in steps] == [failed]


@pytest.mark.parametrize(("state", "busy"), list(product(("Updating", "Deleting"), (ON_HUB, ON_SPOKE))))
def test_nothing_is_written_while_azure_works_on_a_side(state: str, busy: str) -> None:
    on_hub, on_spoke = (
        side(i, "Disconnected", provisioning_state=state if i == busy else "Succeeded")
        for i in (ON_HUB, ON_SPOKE)
    )
    assert decided(on_hub, on_spoke) == ([], ["Updating"])


def theirs(local: str, state: str = "Connected", sync: str = "FullyInSync", **more: object) -> Peering:
    return side(f"{local}/virtualNetworkPeerings/theirs", state, sync, **more)


def test_a_foreign_pair_that_works_is_left_alone_whatever_its_flags() -> None:
    flags = PeeringFlags(allow_virtual_network_access=False)
    assert decided(theirs(HUB_NETWORK, flags=flags), theirs(SPOKE, flags=flags)) == ([], [])


@pytest.mark.parametrize("local", [HUB_NETWORK, SPOKE])
def test_a_foreign_side_that_waits_for_its_other_side_gets_it(local: str) -> None:
    waiting = theirs(local, "Initiated")
    steps, findings = decided(*((waiting, None) if local == HUB_NETWORK else (None, waiting)))
    assert (written(steps), findings) == (["spoke" if local == HUB_NETWORK else "hub"], [])


@pytest.mark.parametrize("local", [HUB_NETWORK, SPOKE])
def test_a_broken_foreign_side_is_reported_and_neither_it_nor_its_other_side_is_written(local: str) -> None:
    broken = theirs(local, "Disconnected")
    assert decided(*((broken, None) if local == HUB_NETWORK else (None, broken))) == ([], ["ForeignPeering"])


def test_an_owned_side_is_synchronised_beside_a_foreign_one_that_is_behind_too() -> None:
    behind = "LocalAndRemoteNotInSync"
    steps, findings = decided(side(ON_HUB, sync=behind), theirs(SPOKE, sync=behind))
    assert (written(steps), findings) == (["hub"], ["ForeignPeering"])


@pytest.mark.parametrize(("gateway", "expected"), [(True, True), (False, False)])
def test_a_node_uses_a_gateway_only_where_the_hub_has_one(gateway: bool, expected: bool) -> None:
    steps, _ = decided(None, None, msgspec.structs.replace(HUB, gateway=gateway))
    on_hub, on_spoke = (s.flags for s in steps if isinstance(s, PutPeering))
    assert (on_hub.allow_gateway_transit, on_spoke.use_remote_gateways) == (expected, expected)


def test_a_node_does_without_the_gateway_where_a_foreign_side_does_not_allow_transit() -> None:
    steps, findings = decided(
        theirs(HUB_NETWORK, "Initiated"), None, msgspec.structs.replace(HUB, gateway=True)
    )
    assert [s.flags.use_remote_gateways for s in steps if isinstance(s, PutPeering)] == [False]
    assert findings == ["ForeignPeering"]


def test_a_peering_under_our_name_to_another_network_is_not_taken_for_ours() -> None:
    elsewhere = side(ON_SPOKE, remote_network=OTHER)
    assert detach(None, network(SPOKE, "10.1.0.0/16", elsewhere)) == []


def test_what_the_hub_still_has_for_a_network_that_is_gone_is_deleted_first() -> None:
    stale = side(f"{HUB_NETWORK}/virtualNetworkPeerings/{hub_peering_name('m', KEY, OTHER)}", "Disconnected")
    stale = msgspec.structs.replace(stale, remote_network=OTHER)
    steps, findings = decided(stale, None)
    assert (isinstance(steps[0], DeletePeering), written(steps[1:]), findings) == (True, ["hub", "spoke"], [])


def test_the_peerings_of_another_node_on_the_hub_are_left_alone() -> None:
    other = NodeKey.of(SUBSCRIPTION, "stock")
    foreign = side(
        f"{HUB_NETWORK}/virtualNetworkPeerings/{hub_peering_name('m', other, OTHER)}", "Disconnected"
    )
    foreign = msgspec.structs.replace(foreign, remote_network=OTHER)
    hub_network = network(HUB_NETWORK, "10.0.0.0/16", foreign)
    assert detach(hub_network) == []


@pytest.mark.parametrize(
    ("spoke", "peered", "blocked"),
    [
        ("10.0.128.0/20", None, True),
        ("10.1.0.0/16", "10.1.128.0/20", True),
        ("10.1.0.0/16", "10.2.0.0/16", False),
    ],
)
def test_overlap_is_looked_for_in_the_hub_and_in_every_network_peered_with_it(
    spoke: str, peered: str | None, blocked: bool
) -> None:
    third = theirs(HUB_NETWORK, remote_network=OTHER, remote_address_prefixes=(peered,)) if peered else None
    steps, findings = attach(network(HUB_NETWORK, "10.0.0.0/16", third), network(SPOKE, spoke))
    assert (findings, bool(steps)) == ((["AddressSpaceOverlap"], False) if blocked else ([], True))


def test_a_disconnected_side_that_cannot_be_made_again_is_deleted_so_that_its_addresses_are_free() -> None:
    hub_network = network(HUB_NETWORK, "10.0.0.0/16", side(ON_HUB, "Disconnected"))
    steps, findings = attach(hub_network, network(SPOKE, "10.0.128.0/20"))
    assert (written(steps), findings) == (["delete hub"], ["AddressSpaceOverlap"])


def test_detaching_deletes_what_carries_our_names_on_both_sides_and_nothing_else() -> None:
    hub_network = network(HUB_NETWORK, "10.0.0.0/16", side(ON_HUB), theirs(HUB_NETWORK))
    steps = detach(hub_network, network(SPOKE, "10.1.0.0/16", side(ON_SPOKE)))
    assert written(steps) == ["delete spoke", "delete hub"]
