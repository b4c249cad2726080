"""How an edge is carried: the least exposing way that works, what each way costs, and what speaks against it."""

from collections.abc import Sequence

import msgspec
import pytest

from shared.domain.artefacts import own_zone_id
from shared.domain.edge import EdgeRequest, Exposure, Interface
from shared.domain.ids import name_of, normal_id
from shared.domain.mesh import Mesh
from shared.domain.network import Hub, Subnet, VirtualNetwork
from shared.domain.node import NodeRecord
from shared.domain.private_link import NetworkRules, PrivateLinkGroup
from shared.reconcile.edges.planner import ORDER, Planned, holds, plan_route
from shared.reconcile.edges.ways import Situation, free_addresses, own_zone
from tests.support.mesh import HUB_GROUP, HUB_NETWORK, SUBSCRIPTION, WORKSPACE
from tests.unit.reconcile.edges.mesh import ACCOUNT, RATES, ZONES, network_of
from tests.unit.reconcile.edges.people import CONSUMER, PROVIDER, SERVER

SQL = (PrivateLinkGroup("sqlServer", ("privatelink.database.windows.net",)),)
STORAGE = tuple(PrivateLinkGroup(p, (f"privatelink.{p}.core.windows.net",)) for p in ("blob", "dfs"))
MACHINE = f"{PROVIDER.group_id}/providers/Microsoft.Compute/virtualMachines/vm"
HUB = Hub("hub", HUB_NETWORK, WORKSPACE, region="westeurope", zones=ZONES)
NORTH = Hub("north", HUB_NETWORK + "2", WORKSPACE, region="northeurope")


def subnet(name: str, prefix: str = "10.1.0.0/24", used: int = 0, *, delegated: bool = False) -> Subnet:
    return Subnet(
        f"{network_of(CONSUMER)}/subnets/{name}", name, (prefix,), delegated=delegated, ip_configurations=used
    )


def network(*subnets: Subnet, provider: bool = False, prefix: str = "10.1.0.0/16") -> VirtualNetwork:
    found = network_of(PROVIDER if provider else CONSUMER)
    return VirtualNetwork(found, "net", "westeurope", (prefix,), "Succeeded", subnets=subnets)


NODE = NodeRecord(key=CONSUMER, state="Ready", location="westeurope", network="hub", hub="hub")
HOP = 100.0 * (RATES.peering.inbound + RATES.peering.outbound)
OURS = network(subnet("default", used=5), subnet("private-endpoints", "10.1.1.0/27"))
THEIRS = network(provider=True, prefix="10.2.0.0/16")


def situation(
    target: str = SERVER,
    interface: Interface = "sql",
    exposure: Exposure | None = None,
    *,
    consumer: str = "hub",
    provider: str = "hub",
    **more: object,
) -> Situation:
    request = EdgeRequest(
        consumer=CONSUMER,
        provider=PROVIDER,
        interface=interface,
        target=target,
        gigabytes=100.0,
        exposure=exposure,
    )
    seen = Situation(
        request=request,
        consumer=msgspec.structs.replace(NODE, network=consumer),
        provider=msgspec.structs.replace(NODE, key=PROVIDER, network=provider),
        networks=(OURS,),
        theirs=(THEIRS,),
        groups=SQL,
        rules=NetworkRules((), open=False),
    )
    return msgspec.structs.replace(seen, **more)


def planned(seen: Situation, hubs: Sequence[Hub] = (HUB,)) -> Planned:
    return plan_route(Mesh("meshplane", tuple(hubs), (SUBSCRIPTION,)), RATES, seen)


def reasons(found: Planned) -> set[str]:
    return {f.reason for f in found.findings}


def test_a_private_endpoint_is_taken_where_it_works_and_the_others_are_told_with_their_costs() -> None:
    route = planned(situation()).route
    assert route
    assert (route.exposure, route.group, route.zones) == ("private-endpoint", "sqlServer", ZONES[:1])
    assert route.subnet.endswith("/private-endpoints")
    assert "exposes the least" in route.why
    assert "the cheapest that works is service-endpoint: 0.00 USD a month" in route.why
    assert route.monthly_cost > 7
    assert [a.partition(":")[0] for a in route.alternatives] == ["service-endpoint", "hub", "peering"]


def test_the_artefacts_name_depends_on_what_it_joins_and_on_nothing_else() -> None:
    first = planned(situation()).route
    second = planned(situation(consumer="sandbox")).route
    other = planned(situation(target=SERVER + "2")).route
    assert first
    assert second
    assert other
    assert first.artefact == second.artefact != other.artefact
    assert len(first.artefact.rpartition("/")[2]) <= 64


def test_no_private_endpoint_is_added_where_the_hubs_networks_hold_as_many_as_azure_takes() -> None:
    full = situation(exposure="private-endpoint", across=4_000)
    refused = planned(full)
    assert (refused.route, reasons(refused)) == (None, {"PrivateEndpointsAcrossPeerings"})
    assert "4000 private endpoints are known in hub hub" in refused.findings[0].message
    assert "Set the tag of" in refused.findings[0].message
    nearly = planned(msgspec.structs.replace(full, across=3_999)).route
    assert nearly
    standing = frozenset({normal_id(nearly.artefact)})
    assert planned(msgspec.structs.replace(full, standing=standing)).route == nearly
    other_way = planned(situation(across=4_000)).route
    assert other_way
    assert other_way.exposure == "service-endpoint"


def test_what_is_asked_for_is_taken_and_the_cheapest_that_works_is_named() -> None:
    route = planned(situation(exposure="peering")).route
    assert route
    assert route.exposure == "peering"
    assert route.why.startswith("peering was asked for; the cheapest that works is service-endpoint")


@pytest.mark.parametrize("exposure", ORDER)
def test_every_way_can_be_asked_for_between_two_nodes_of_a_hub(exposure: Exposure) -> None:
    route = planned(situation(exposure=exposure)).route
    assert route
    assert route.exposure == exposure


SQL_ZONE = "privatelink.database.windows.net"
OWN_ZONE = own_zone_id(CONSUMER, SQL_ZONE)


def test_a_consumer_whose_hub_has_no_zone_of_a_name_gets_one_of_its_own() -> None:
    route = planned(situation(), [msgspec.structs.replace(HUB, zones=())]).route
    assert route
    assert (route.exposure, route.zones) == ("private-endpoint", (OWN_ZONE,))


def test_a_name_that_is_taken_in_the_hubs_zone_is_kept_in_one_of_the_consumers_own() -> None:
    seen = situation()
    free = planned(seen).route
    assert free
    assert [name_of(z) for z in free.zones] == [SQL_ZONE]
    assert free.zones != (OWN_ZONE,)
    taken = planned(msgspec.structs.replace(seen, taken=frozenset({SQL_ZONE}))).route
    assert taken
    assert taken.zones == (OWN_ZONE,)
    other_name = planned(
        msgspec.structs.replace(seen, taken=frozenset({"privatelink.blob.core.windows.net"}))
    )
    assert other_name.route == free


def test_a_zone_of_ones_own_is_kept_as_long_as_an_edge_needs_it_and_no_longer() -> None:
    seen = situation()
    apart = msgspec.structs.replace(seen.consumer, own_zones=(SQL_ZONE,))
    sibling = planned(msgspec.structs.replace(seen, consumer=apart)).route
    assert sibling
    assert sibling.zones == (OWN_ZONE,)
    kept = planned(msgspec.structs.replace(seen, present=sibling)).route
    assert kept == sibling
    released = planned(seen).route
    assert released
    assert released.zones != (OWN_ZONE,)


def test_a_route_in_the_hubs_zone_holds_until_the_consumer_has_a_zone_of_that_name_by_itself() -> None:
    seen, mesh = situation(), Mesh("meshplane", (HUB,), (SUBSCRIPTION,))
    route = planned(seen).route
    assert route
    apart = msgspec.structs.replace(seen.consumer, own_zones=(SQL_ZONE,))
    other = msgspec.structs.replace(seen.consumer, own_zones=("privatelink.vaultcore.azure.net",))
    assert holds(mesh, seen.request, route, other, seen.provider)
    assert not holds(mesh, seen.request, route, apart, seen.provider)
    own = msgspec.structs.replace(route, zones=(OWN_ZONE,))
    assert holds(mesh, seen.request, own, apart, seen.provider)
    assert holds(mesh, seen.request, own, seen.consumer, seen.provider)


def test_a_hubs_zone_in_the_consumers_own_group_stays_the_hubs() -> None:
    hub = msgspec.structs.replace(HUB, zones=(OWN_ZONE,))
    route = planned(msgspec.structs.replace(situation(), taken=frozenset({SQL_ZONE})), [hub]).route
    assert route
    assert route.zones == (OWN_ZONE,)
    mesh = Mesh("meshplane", (hub,), (SUBSCRIPTION,))
    assert not own_zone(mesh, CONSUMER, OWN_ZONE)
    assert own_zone(Mesh("meshplane", (HUB,), (SUBSCRIPTION,)), CONSUMER, OWN_ZONE)


@pytest.mark.parametrize(("part", "group"), [("", "blob"), ("DFS", "dfs"), ("table", None)])
def test_a_part_of_a_storage_account_is_blob_unless_named(part: str, group: str | None) -> None:
    zones = (
        *ZONES,
        f"{HUB_GROUP}/providers/Microsoft.Network/privateDnsZones/privatelink.dfs.core.windows.net",
    )
    hub = msgspec.structs.replace(HUB, zones=zones)
    seen = situation(ACCOUNT, "storage", "private-endpoint", groups=STORAGE)
    seen = msgspec.structs.replace(seen, request=msgspec.structs.replace(seen.request, part=part))
    found = planned(seen, [hub])
    assert (found.route.group if found.route else None) == group
    if group is None:
        assert reasons(found) == {"PartUnknown"}
        assert "blob, dfs" in found.findings[0].message


@pytest.mark.parametrize(
    ("subnets", "chosen"),
    [
        ((subnet("a"), subnet("private-endpoints", "10.1.1.0/28")), "private-endpoints"),
        ((subnet("a", used=200), subnet("b", used=10)), "b"),
        ((subnet("a", delegated=True), subnet("b", "10.1.1.0/29")), "b"),
        ((subnet("GatewaySubnet"), subnet("b", "10.1.1.0/29")), "b"),
        ((subnet("private-endpoints", "10.1.1.0/29", used=3), subnet("b", used=9)), "b"),
        ((subnet("a", "10.1.1.0/29", used=3),), None),
        ((subnet("a", delegated=True),), None),
    ],
)
def test_the_subnet_is_the_one_for_endpoints_else_the_freest_that_is_not_delegated(
    subnets: tuple[Subnet, ...], chosen: str | None
) -> None:
    found = planned(situation(exposure="private-endpoint", networks=(network(*subnets),)))
    assert (found.route.subnet.rpartition("/")[2] if found.route else None) == chosen
    if chosen is None:
        assert reasons(found) == {"NoSubnet"}


def test_five_addresses_of_a_subnet_are_azures() -> None:
    assert free_addresses(subnet("a", "10.1.0.0/29")) == 3
    assert free_addresses(subnet("a", "10.1.0.0/29", used=3)) == 0


def test_a_network_takes_a_thousand_endpoints() -> None:
    full = msgspec.structs.replace(subnet("a", "10.1.0.0/16"), private_endpoints=1000)
    found = planned(situation(exposure="private-endpoint", networks=(network(full),)))
    assert reasons(found) == {"PrivateEndpointLimit"}
    almost = msgspec.structs.replace(full, private_endpoints=999)
    assert planned(situation(exposure="private-endpoint", networks=(network(almost),))).route


@pytest.mark.parametrize("option", ["sandbox", "endpoints", "none"])
@pytest.mark.parametrize("end", ["consumer", "provider"])
@pytest.mark.parametrize("exposure", ["hub", "peering"])
def test_nodes_that_keep_to_themselves_take_neither_the_hub_nor_a_peering(
    option: str, end: str, exposure: Exposure
) -> None:
    seen = situation("", "peering", exposure)
    kept = msgspec.structs.replace(getattr(seen, end), network=option)
    found = planned(msgspec.structs.replace(seen, **{end: kept}))
    assert reasons(found) == {"OptionForbids"}
    assert option in found.findings[0].message


def test_a_node_that_resolves_no_private_name_is_served_without_one_or_told_what_to_change() -> None:
    found = planned(situation(consumer="none"))
    assert found.route
    assert found.route.exposure == "service-endpoint"
    refused = planned(situation(consumer="none", exposure="private-endpoint"))
    assert (refused.route, reasons(refused)) == (None, {"OptionForbids"})
    assert "set its tag to endpoints" in refused.findings[0].message
    assert planned(situation(provider="none", exposure="private-endpoint")).route


def test_whole_networks_are_joined_through_the_hub_and_else_directly() -> None:
    through = planned(situation("", "peering", groups=(), rules=None)).route
    assert through
    assert (through.exposure, through.artefact) == ("hub", "")
    direct = planned(situation("", "peering", groups=(), rules=None, consumer="mesh")).route
    assert direct
    assert direct.exposure == "peering"


def test_a_machine_is_reached_through_the_hub_and_a_service_only_if_that_is_asked_for() -> None:
    machine = planned(situation(MACHINE, "resource", groups=(), rules=None)).route
    assert machine
    assert machine.exposure == "hub"
    nothing = planned(situation(networks=()))
    assert nothing.route is None
    assert {"NoVirtualNetwork", "NotInNetwork"} <= reasons(nothing)
    assert all(f.message for f in nothing.findings)


@pytest.mark.parametrize("asked", ORDER)
def test_only_the_way_that_is_asked_for_is_taken_to_lead_to_a_service(asked: Exposure) -> None:
    """That the target has an address in its owner's network is said of that way alone, not of the alternatives."""
    against = {o.exposure: [x.reason for x in o.against] for o in planned(situation(exposure=asked)).options}
    networks: set[Exposure] = {"hub", "peering"}
    assert {e for e in networks if against[e] == ["NotInNetwork"]} == networks - {asked}
    assert against[asked] == []


def test_hubs_that_are_peered_carry_an_edge_and_others_do_not() -> None:
    seen = situation("", "peering", "hub")
    far = msgspec.structs.replace(seen.provider, hub="north", location="northeurope")
    seen = msgspec.structs.replace(seen, provider=far)
    assert reasons(planned(seen, [HUB, NORTH])) == {"HubsNotPeered"}
    assert planned(seen, [HUB, msgspec.structs.replace(NORTH, peers=("hub",))]).route
    assert reasons(planned(seen, [HUB])) == {"NotAttached"}
    closed = msgspec.structs.replace(HUB, allow_forwarded_traffic=False)
    assert reasons(planned(situation("", "peering", "hub"), [closed])) == {"HubDoesNotForward"}


def test_each_hub_on_the_way_is_charged_though_two_lie_in_one_region() -> None:
    seen = situation("", "peering", "hub")
    beside = msgspec.structs.replace(NORTH, id="beside", region="westeurope", peers=("hub",))
    one = planned(seen).route
    seen = msgspec.structs.replace(seen, provider=msgspec.structs.replace(seen.provider, hub="beside"))
    two = planned(seen, [HUB, beside]).route
    assert one
    assert two
    assert [one.monthly_cost, two.monthly_cost] == pytest.approx([2 * HOP, 3 * HOP])


def test_a_service_endpoint_reaches_its_own_region_only() -> None:
    seen = situation(exposure="service-endpoint")
    far = msgspec.structs.replace(seen.provider, location="North Europe")
    assert reasons(planned(msgspec.structs.replace(seen, provider=far))) == {"OtherRegion"}
    route = planned(seen).route
    assert route
    assert (route.group, route.subnet.rpartition("/")[2]) == ("Microsoft.Sql", "default")


def test_networks_whose_addresses_overlap_are_not_peered() -> None:
    seen = situation("", "peering", "peering", theirs=(network(provider=True),))
    found = planned(seen)
    assert reasons(found) == {"AddressSpaceOverlap"}


def test_a_target_that_is_gone_leaves_no_way() -> None:
    assert reasons(planned(situation(gone=True))) == {"TargetNotFound"}
    elsewhere = f"{network_of(PROVIDER)}-gone"
    assert reasons(planned(situation(elsewhere, "peering", "peering"))) == {"TargetNotFound"}


def test_the_present_way_is_kept_where_it_works_though_another_would_expose_less() -> None:
    present = planned(situation(exposure="service-endpoint")).route
    assert present
    kept = planned(situation(present=present)).route
    assert kept
    assert kept.exposure == "service-endpoint"
    assert "still works" in kept.why


def test_what_the_records_say_tells_whether_a_route_still_holds() -> None:
    mesh = Mesh("meshplane", (HUB,), (SUBSCRIPTION,))
    for exposure, options in (
        ("private-endpoint", {"hub": True, "sandbox": True, "none": False}),
        ("service-endpoint", {"hub": True, "endpoints": True}),
        ("hub", {"hub": True, "mesh": False, "sandbox": False}),
        ("peering", {"hub": True, "mesh": True, "endpoints": False}),
    ):
        asked: Exposure = exposure  # type: ignore[assignment]
        seen = situation(exposure=asked)
        route = planned(seen).route
        assert route
        for option, still in options.items():
            node = msgspec.structs.replace(seen.consumer, network=option)
            assert holds(mesh, seen.request, route, node, seen.provider) is still, (exposure, option)
    route = planned(situation()).route
    assert route
    moved = msgspec.structs.replace(NODE, networks=("/elsewhere",))
    assert not holds(mesh, situation().request, route, moved, NODE)
    bare = Mesh("meshplane", (msgspec.structs.replace(HUB, zones=()),), (SUBSCRIPTION,))
    assert not holds(bare, situation().request, route, NODE, NODE)
