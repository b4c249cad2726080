"""Preflight: what speaks against a connection is found before anything is written, all at once, each with a remedy."""

import msgspec
import pytest

from shared.domain.errors import Denied
from shared.domain.network import Peering, PeeringFlags, Subnet, VirtualNetwork
from shared.reconcile.pair import End, Pair, pair_of
from shared.reconcile.preflight import Party, endpoint_room, has_gateway, preflight, rights_finding

PLAIN = PeeringFlags()
TRANSIT = PeeringFlags(allow_gateway_transit=True)
GATEWAY = PeeringFlags(use_remote_gateways=True)


def network(name: str, prefix: str, *peerings: Peering, **more: object) -> VirtualNetwork:
    made = VirtualNetwork(f"/{name}", name, "westeurope", (prefix,), "Succeeded", peerings)
    return msgspec.structs.replace(made, **more)


def peering(local: str, remote: str, prefix: str = "172.16.0.0/16", flags: PeeringFlags = PLAIN) -> Peering:
    return Peering(
        f"/{local}/virtualNetworkPeerings/{remote}",
        remote,
        f"/{remote}",
        "Connected",
        "FullyInSync",
        "Succeeded",
        (prefix,),
        flags,
    )


def subnet(name: str, *, endpoints: int = 0, configurations: int = 0) -> Subnet:
    return Subnet(f"/{name}", name, (), private_endpoints=endpoints, ip_configurations=configurations)


HUB = network("hub", "10.0.0.0/16")
SPOKE = network("spoke", "10.1.0.0/16")


def pair(hub: VirtualNetwork, spoke: VirtualNetwork, *, gateway: bool = False) -> Pair:
    return pair_of(
        End.on(hub, "to-spoke", TRANSIT if gateway else PeeringFlags(), "hub"),
        End.on(spoke, "to-hub", GATEWAY if gateway else PeeringFlags()),
    )


def reasons(
    hub: VirtualNetwork = HUB,
    spoke: VirtualNetwork = SPOKE,
    *,
    capacity: int = 500,
    gateway: bool = False,
    leaving: tuple[str, ...] = (),
) -> list[str]:
    found = preflight(pair(hub, spoke, gateway=gateway), Party(hub, capacity), Party(spoke), leaving=leaving)
    return [f.reason for f in found]


def test_nothing_speaks_against_two_networks_with_room_and_addresses_of_their_own() -> None:
    assert reasons() == []


@pytest.mark.parametrize(
    ("hub", "spoke"),
    [
        (HUB, network("spoke", "10.0.128.0/20")),
        (network("hub", "10.0.0.0/16", peering("hub", "third", "10.1.128.0/20")), SPOKE),
        (HUB, network("spoke", "10.1.0.0/16", peering("spoke", "third", "10.0.0.0/8"))),
    ],
    ids=["each other", "a neighbour of the first", "a neighbour of the second"],
)
def test_overlap_is_found_with_the_other_network_and_with_whatever_either_is_peered_with(
    hub: VirtualNetwork, spoke: VirtualNetwork
) -> None:
    assert reasons(hub, spoke) == ["AddressSpaceOverlap"]


def test_what_leaves_first_blocks_neither_addresses_nor_room_nor_a_gateway() -> None:
    old = peering("spoke", "old-hub", "10.0.0.0/16", GATEWAY)
    full = network("hub", "10.0.0.0/16", peering("hub", "x"))
    spoke = network("spoke", "10.1.0.0/16", old)
    assert reasons(full, spoke, capacity=1, gateway=True) == [
        "AddressSpaceOverlap",
        "HubFull",
        "GatewayConflict",
    ]
    leaving = (old.id.upper(), full.peerings[0].id)
    assert reasons(full, spoke, capacity=1, gateway=True, leaving=leaving) == []


def test_a_hub_and_a_network_without_room_are_told_apart_and_a_side_that_is_there_needs_none() -> None:
    full = network("hub", "10.0.0.0/16", peering("hub", "x"))
    crowded = network(
        "spoke", "10.1.0.0/16", *(peering("spoke", f"n{n}", f"172.16.{n % 250}.0/24") for n in range(500))
    )
    assert reasons(full, crowded, capacity=1) == ["HubFull", "PeeringLimit"]
    attached = network("hub", "10.0.0.0/16", peering("hub", "spoke", "10.1.0.0/16"))
    assert reasons(attached, SPOKE, capacity=1) == []


GATEWAYS = subnet("GatewaySubnet", configurations=1)


@pytest.mark.parametrize(
    ("hub", "spoke", "conflict"),
    [
        ({}, {}, ""),
        ({"subnets": (GATEWAYS,)}, {"subnets": (subnet("default"),)}, ""),
        ({"subnets": (subnet("default"),)}, {}, "/hub has no gateway"),
        ({}, {"subnets": (GATEWAYS,)}, "/spoke has a gateway of its own"),
        ({}, {"peerings": (peering("spoke", "third", flags=GATEWAY),)}, "uses a remote gateway already"),
    ],
)
def test_a_gateway_that_azure_would_refuse_is_named(
    hub: dict[str, object], spoke: dict[str, object], conflict: str
) -> None:
    one, other = msgspec.structs.replace(HUB, **hub), msgspec.structs.replace(SPOKE, **spoke)
    found = preflight(pair(one, other, gateway=True), Party(one), Party(other))
    assert [f.reason for f in found] == (["GatewayConflict"] if conflict else [])
    assert conflict in "".join(f.message for f in found)
    assert preflight(pair(one, other), Party(one), Party(other)) == []


def test_whether_a_network_has_a_gateway_is_known_only_from_its_subnets() -> None:
    server = subnet("RouteServerSubnet", configurations=1)
    known = [network("n", "10.0.0.0/16", subnets=s) for s in ((), (subnet("a"),), (GATEWAYS,), (server,))]
    assert [has_gateway(n) for n in known] == [None, False, True, True]
    assert has_gateway(network("n", "10.0.0.0/16", subnets=(subnet("GatewaySubnet"),))) is None


@pytest.mark.parametrize(("each", "found"), [(600, []), (700, ["PrivateEndpointsAcrossPeerings"])])
def test_private_endpoints_across_peered_networks_are_counted_once_a_network_and_warned_about(
    each: int, found: list[str]
) -> None:
    hub, spoke = (msgspec.structs.replace(n, subnets=(subnet("s", endpoints=999),)) for n in (HUB, SPOKE))
    others = [network(f"n{n}", "10.9.0.0/16", subnets=(subnet("s", endpoints=each),)) for n in range(3)]
    findings = preflight(pair(hub, spoke), Party(hub), Party(spoke), peered=[*others, hub, spoke])
    assert [f.reason for f in findings] == found
    assert all(f.severity == "warning" for f in findings)


def test_a_network_takes_a_thousand_private_endpoints() -> None:
    nearly = msgspec.structs.replace(SPOKE, subnets=(subnet("s", endpoints=999),))
    assert endpoint_room(nearly) == []
    assert [f.reason for f in endpoint_room(nearly, 2)] == ["PrivateEndpointLimit"]


@pytest.mark.parametrize(("state", "found"), [("Updating", ["Updating"]), ("Failed", ["NetworkFailed"])])
def test_a_network_that_azure_is_working_on_is_waited_for_and_a_failed_one_named(
    state: str, found: list[str]
) -> None:
    assert reasons(HUB, msgspec.structs.replace(SPOKE, provisioning_state=state)) == found


def test_a_hub_is_not_waited_for_since_it_is_updating_whenever_another_node_is_attached() -> None:
    assert reasons(msgspec.structs.replace(HUB, provisioning_state="Updating")) == []


PEER_ACTION = "Microsoft.Network/virtualNetworks/peer/action"
WRITE = "Microsoft.Network/virtualNetworks/virtualNetworkPeerings/write"
WHO = "The client 'somebody@example.com' with object id '1f1f'"


@pytest.mark.parametrize(
    ("message", "action", "scope"),
    [
        (
            f"{WHO} does not have authorization to perform action '{WRITE}' over scope '/hub' or the scope is"
            " invalid.",
            WRITE,
            "/hub",
        ),
        (
            f"{WHO} has permission to perform action '{WRITE}' on scope '/spoke'; however, it does not have"
            " permission to perform action(s) 'peer/action' on the linked scope(s) '/hub' (respectively) or the linked"
            " scope(s) are invalid.",
            PEER_ACTION,
            "/hub",
        ),
        ("No.", "what was refused", "/target"),
    ],
)
def test_a_refusal_becomes_a_finding_that_names_right_and_scope_but_nobody(
    message: str, action: str, scope: str
) -> None:
    error = Denied("AuthorizationFailed", message, target="/target")
    finding = rights_finding(error)
    assert finding.reason == "RightsMissing"
    assert f"a right on {scope}, for {action}:" in finding.message
    assert "somebody" not in finding.message


def test_everything_is_found_at_once_and_everything_has_a_remedy() -> None:
    hub = network("hub", "10.0.0.0/16", peering("hub", "third", "10.1.0.0/16"), subnets=(subnet("a"),))
    spoke = network("spoke", "10.0.0.0/20", provisioning_state="Failed", subnets=(GATEWAYS,))
    found = preflight(
        pair(hub, spoke, gateway=True),
        Party(hub, 1),
        Party(spoke),
        peered=[network("x", "10.9.0.0/16", subnets=(subnet("s", endpoints=4001),))],
    )
    assert {f.reason for f in found} == {
        "AddressSpaceOverlap",
        "HubFull",
        "NetworkFailed",
        "GatewayConflict",
        "PrivateEndpointsAcrossPeerings",
    }
    assert all(f.condition == "Connected" and len(f.message) > 40 for f in found)
