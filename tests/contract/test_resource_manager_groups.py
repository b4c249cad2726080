"""ResourceManager: groups, resources and networks."""

import asyncio
from pathlib import Path

import pytest

from shared.adapters.probes import ResourceManagerProbe
from shared.domain.calls import Calls, counted_calls
from shared.domain.errors import NotFound
from shared.domain.ids import same_id, type_of
from tests.contract.azure import LOCATION, Azure
from tests.contract.bodies import VERSIONS
from tests.contract.conftest import LIVE_SUBSCRIPTION, fake_azure, live_azure, local_azure

IDENTITIES = "providers/Microsoft.ManagedIdentity/userAssignedIdentities"
NETWORKS = "providers/Microsoft.Network/virtualNetworks"


async def test_a_group_shows_its_tags_and_region(azure: Azure) -> None:
    key = azure.key("sales")
    await azure.create_group(key, {"mesh-node": "Sales ✓", "Mesh-Domain": ""})
    group = await azure.port.get_group(key)
    assert same_id(group.id, key.group_id)
    assert dict(group.tags) == {"mesh-node": "Sales ✓", "Mesh-Domain": ""}
    assert (group.location, group.deleting) == (LOCATION, False)


async def test_what_is_asked_of_a_group_that_is_gone_is_not_found(azure: Azure) -> None:
    key = azure.key("gone")
    await azure.create_group(key)
    await azure.delete_group(key)
    for ask in (azure.port.get_group, azure.port.list_resources, azure.port.list_networks):
        with pytest.raises(NotFound) as missing:
            await ask(key)
        assert missing.value.reason == "ResourceGroupNotFound"


async def test_groups_are_found_by_a_tags_name_in_any_case_and_with_any_value(azure: Azure) -> None:
    tagged, other = azure.key("tagged"), azure.key("other")
    await azure.create_group(tagged, {"MESH-Node": "x"})
    await azure.create_group(azure.key("empty"), {"mesh-node": ""})
    await azure.create_group(other, {"mesh-nodes": "x", "note": "mesh-node"})
    found = await azure.port.list_groups_with_tag(azure.subscription, "mesh-node")
    ours = [g for g in found if any(same_id(g.id, k.group_id) for k in (tagged, azure.key("empty"), other))]
    assert len(ours) == 2
    assert not any(same_id(group.id, other.group_id) for group in ours)


async def test_a_group_lists_what_lies_in_it_with_types_and_regions(azure: Azure) -> None:
    key = azure.key("full")
    await azure.create_group(key)
    assert list(await azure.port.list_resources(key)) == []
    await azure.create_resource(f"{key.group_id}/{IDENTITIES}/One")
    await azure.put_network(f"{key.group_id}/{NETWORKS}/net", "10.1.0.0/16")
    found = {r.id.rpartition("/")[2]: r for r in await azure.port.list_resources(key)}
    assert set(found) == {"One", "net"}
    assert found["One"].type.lower() == "microsoft.managedidentity/userassignedidentities"
    assert found["net"].location == LOCATION


async def test_networks_come_with_their_address_space(azure: Azure) -> None:
    key = azure.key("nets")
    await azure.create_group(key)
    await azure.put_network(f"{key.group_id}/{NETWORKS}/Net-1", "10.1.0.0/16", "fd00:1::/48")
    [network] = await azure.port.list_networks(key)
    assert (network.name, network.location, network.provisioning_state) == ("Net-1", LOCATION, "Succeeded")
    assert network.address_prefixes == ("10.1.0.0/16", "fd00:1::/48")
    assert network.peerings == ()


async def test_a_network_is_found_by_its_id_in_any_case(azure: Azure) -> None:
    key = azure.key("case")
    await azure.create_group(key)
    await azure.put_network(f"{key.group_id}/{NETWORKS}/Net-1", "10.1.0.0/16")
    found = await azure.port.get_network(f"{key.group_id}/{NETWORKS}/Net-1".upper())
    assert found.name == "Net-1"
    assert type_of(found.id) == "microsoft.network/virtualnetworks"
    with pytest.raises(NotFound):
        await azure.port.get_network(f"{key.group_id}/{NETWORKS}/net-2")


async def test_each_call_is_counted_where_somebody_counts(azure: Azure) -> None:
    key = azure.key("counted")
    await azure.create_group(key)
    calls = Calls()
    token = counted_calls.set(calls)
    try:
        await azure.port.get_group(key)
        await azure.port.list_resources(key)
        await azure.port.delete_peering(f"{key.group_id}/{NETWORKS}/net/virtualNetworkPeerings/p")
        with pytest.raises(NotFound):
            await azure.port.get_group(azure.key("nobody"))
    finally:
        counted_calls.reset(token)
    assert (calls.reads, calls.writes) == (3, 1)


@pytest.mark.live
@pytest.mark.skipif(
    not LIVE_SUBSCRIPTION, reason="MESHPLANE_LIVE_SUBSCRIPTION names no subscription to write to"
)
async def test_the_identity_sees_the_live_subscription() -> None:
    async with live_azure() as azure:
        assert await ResourceManagerProbe(azure.port, LIVE_SUBSCRIPTION).check()


@pytest.mark.parametrize("backend", ["fake", "local"])
async def test_a_list_of_more_than_a_thousand_comes_whole_and_costs_two_reads(
    backend: str, tmp_path: Path
) -> None:
    if backend == "fake":
        await _check_paging(fake_azure())
        return
    async with local_azure(tmp_path) as azure:
        await _check_paging(azure)


async def _check_paging(azure: Azure) -> None:
    assert type_of(f"/{IDENTITIES}/x") in VERSIONS
    key = azure.key("many")
    await azure.create_group(key)
    for start in range(0, 1005, 67):
        some = range(start, start + 67)
        await asyncio.gather(*(azure.create_resource(f"{key.group_id}/{IDENTITIES}/i{n:04d}") for n in some))
    calls = Calls()
    token = counted_calls.set(calls)
    try:
        found = await azure.port.list_resources(key)
    finally:
        counted_calls.reset(token)
    assert len({resource.id for resource in found}) == len(found) == 1005
    assert (calls.reads, calls.writes) == (2, 0)
