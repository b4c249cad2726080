"""ResourceManager: peerings, their states on both sides, and what is refused."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from shared.domain.errors import MeshError, NotFound, Terminal, Transient
from shared.domain.ids import same_id
from shared.domain.network import Peering, PeeringFlags
from tests.contract.azure import Azure, finished
from tests.contract.conftest import fake_azure, local_azure

NETWORKS = "providers/Microsoft.Network/virtualNetworks"
PLAIN = PeeringFlags()


@dataclass
class Pair:
    """A spoke's and a hub's network, each in a group of its own."""

    azure: Azure
    spoke: str
    hub: str

    async def put(
        self, here: str, there: str, flags: PeeringFlags = PLAIN, *, sync: bool = False, name: str = "p"
    ) -> None:
        done = await self.azure.port.put_peering(peering(here, name), there, flags, sync=sync)
        assert (await finished(self.azure, done)).state == "Succeeded"

    async def delete(self, here: str) -> None:
        done = await self.azure.port.delete_peering(peering(here))
        assert (await finished(self.azure, done)).state == "Succeeded"

    async def connect(self) -> None:
        await self.put(self.spoke, self.hub)
        await self.put(self.hub, self.spoke)

    async def refused(self, here: str, there: str, flags: PeeringFlags = PLAIN, name: str = "p") -> MeshError:
        with pytest.raises(MeshError) as refusal:
            await self.azure.port.put_peering(peering(here, name), there, flags, sync=False)
        return refusal.value

    async def seen(self, here: str, there: str) -> Peering:
        found = (await self.azure.port.get_network(here)).peering_to(there)
        assert found is not None
        return found

    async def states(self) -> list[tuple[str, str]]:
        sides = [await self.seen(self.spoke, self.hub), await self.seen(self.hub, self.spoke)]
        return [(side.state, side.sync_level) for side in sides]


def peering(network: str, name: str = "p") -> str:
    return f"{network}/virtualNetworkPeerings/{name}"


@pytest.fixture
async def pair(azure: Azure) -> Pair:
    return await make_pair(azure)


async def make_pair(azure: Azure) -> Pair:
    ids = []
    for name, prefix in (("spoke", "10.1.0.0/16"), ("hub", "10.0.0.0/16")):
        await azure.create_group(azure.key(name))
        ids.append(f"{azure.key(name).group_id}/{NETWORKS}/{name}")
        await azure.put_network(ids[-1], prefix)
    return Pair(azure, *ids)


async def test_one_side_alone_is_initiated_and_both_are_connected(pair: Pair) -> None:
    await pair.put(pair.spoke, pair.hub)
    first = await pair.seen(pair.spoke, pair.hub)
    assert (first.state, first.sync_level, first.name) == ("Initiated", "RemoteNotInSync", "p")
    assert first.remote_address_prefixes == ("10.0.0.0/16",)
    assert same_id(first.remote_network, pair.hub)
    assert (await pair.azure.port.get_network(pair.hub)).peerings == ()
    await pair.put(pair.hub, pair.spoke)
    assert await pair.states() == [("Connected", "FullyInSync")] * 2
    assert (await pair.seen(pair.spoke, pair.hub)).provisioning_state == "Succeeded"


async def test_flags_come_back_and_can_be_changed(pair: Pair) -> None:
    flags = PeeringFlags(allow_forwarded_traffic=True, allow_gateway_transit=True)
    await pair.put(pair.spoke, pair.hub, flags)
    assert (await pair.seen(pair.spoke, pair.hub)).flags == flags
    await pair.put(pair.hub, pair.spoke)
    closed = PeeringFlags(allow_virtual_network_access=False)
    await pair.put(pair.spoke, pair.hub, closed)
    assert (await pair.seen(pair.spoke, pair.hub)).flags == closed
    assert await pair.states() == [("Connected", "FullyInSync")] * 2


async def test_putting_what_is_there_changes_nothing(pair: Pair) -> None:
    await pair.connect()
    before = await pair.azure.port.get_network(pair.spoke)
    await pair.put(pair.spoke, pair.hub)
    assert await pair.azure.port.get_network(pair.spoke) == before


async def test_peerings_come_with_the_list_of_networks_too(pair: Pair) -> None:
    await pair.connect()
    [network] = await pair.azure.port.list_networks(pair.azure.key("spoke"))
    assert [p.state for p in network.peerings] == ["Connected"]


async def test_deleting_one_side_leaves_the_other_disconnected(pair: Pair) -> None:
    await pair.connect()
    await pair.delete(pair.spoke)
    assert (await pair.azure.port.get_network(pair.spoke)).peerings == ()
    assert (await pair.seen(pair.hub, pair.spoke)).state == "Disconnected"


async def test_deleting_twice_or_what_never_was_is_done(pair: Pair) -> None:
    await pair.connect()
    await pair.delete(pair.hub)
    await pair.delete(pair.hub)
    await pair.delete(f"{pair.azure.key('spoke').group_id}/{NETWORKS}/nowhere")
    await pair.delete(f"{pair.azure.key('no-group').group_id}/{NETWORKS}/nowhere")


async def test_a_side_is_refused_while_the_other_is_disconnected(pair: Pair) -> None:
    await pair.connect()
    await pair.delete(pair.spoke)
    refusal = await pair.refused(pair.spoke, pair.hub)
    assert refusal.reason == "RemotePeeringIsDisconnected"
    assert isinstance(refusal, Transient)
    await pair.delete(pair.hub)
    await pair.connect()
    assert await pair.states() == [("Connected", "FullyInSync")] * 2


async def test_putting_a_disconnected_side_again_makes_it_initiated(pair: Pair) -> None:
    await pair.connect()
    await pair.delete(pair.spoke)
    await pair.put(pair.hub, pair.spoke)
    assert (await pair.seen(pair.hub, pair.spoke)).state == "Initiated"
    await pair.put(pair.spoke, pair.hub)
    assert await pair.states() == [("Connected", "FullyInSync")] * 2


async def test_the_side_that_led_to_a_deleted_network_is_disconnected(pair: Pair) -> None:
    await pair.connect()
    await pair.azure.delete_group(pair.azure.key("spoke"))
    assert (await pair.seen(pair.hub, pair.spoke)).state == "Disconnected"


async def test_a_changed_address_space_is_out_of_sync_until_it_is_copied(pair: Pair) -> None:
    await pair.connect()
    await pair.azure.put_network(pair.hub, "10.0.0.0/16", "10.9.0.0/16")
    assert await pair.states() == [("Connected", "LocalNotInSync"), ("Connected", "RemoteNotInSync")]
    await pair.put(pair.spoke, pair.hub)
    assert (await pair.seen(pair.spoke, pair.hub)).sync_level == "LocalNotInSync"
    await pair.put(pair.spoke, pair.hub, sync=True)
    assert await pair.states() == [("Connected", "FullyInSync")] * 2
    assert (await pair.seen(pair.spoke, pair.hub)).remote_address_prefixes == ("10.0.0.0/16", "10.9.0.0/16")


async def test_overlapping_networks_are_refused(pair: Pair) -> None:
    await pair.azure.put_network(pair.spoke, "10.0.128.0/24")
    refusal = await pair.refused(pair.spoke, pair.hub)
    assert refusal.reason == "VnetAddressSpacesOverlap"
    assert isinstance(refusal, Terminal)


async def test_a_network_that_overlaps_one_already_peered_is_refused(pair: Pair) -> None:
    await pair.connect()
    twin = f"{pair.azure.key('spoke').group_id}/{NETWORKS}/twin"
    await pair.azure.put_network(twin, "10.1.128.0/24")
    for here, there in ((twin, pair.hub), (pair.hub, twin)):
        refusal = await pair.refused(here, there, name="twin")
        assert refusal.reason == "VnetAddressSpaceOverlapsWithAlreadyPeeredVnet"
        assert isinstance(refusal, Terminal)


async def test_a_second_peering_to_one_network_is_refused(pair: Pair) -> None:
    await pair.put(pair.spoke, pair.hub)
    refusal = await pair.refused(pair.spoke, pair.hub, name="second")
    assert refusal.reason == "AnotherPeeringAlreadyReferencesRemoteVnet"


async def test_a_gateway_that_is_not_there_cannot_be_used(pair: Pair) -> None:
    refusal = await pair.refused(pair.spoke, pair.hub, PeeringFlags(use_remote_gateways=True))
    assert refusal.reason == "RemoteVnetHasNoGateways"
    assert isinstance(refusal, Terminal)


async def test_a_remote_that_is_not_there_is_terminal_and_a_missing_local_is_not_found(pair: Pair) -> None:
    nowhere = f"{pair.azure.key('spoke').group_id}/{NETWORKS}/nowhere"
    refusal = await pair.refused(pair.spoke, nowhere)
    assert (type(refusal), refusal.reason) == (Terminal, "InvalidResourceReference")
    assert isinstance(await pair.refused(nowhere, pair.hub), NotFound)


async def test_ids_in_another_case_name_the_same_peering(pair: Pair) -> None:
    await pair.connect()
    loud = peering(pair.spoke).upper()
    done = await pair.azure.port.put_peering(loud, pair.hub.upper(), PLAIN, sync=False)
    await finished(pair.azure, done)
    assert len((await pair.azure.port.get_network(pair.spoke.upper())).peerings) == 1
    assert await pair.states() == [("Connected", "FullyInSync")] * 2


@pytest.mark.parametrize("backend", ["fake", "local"])
async def test_an_operation_runs_for_a_while_and_then_has_succeeded(backend: str, tmp_path: Path) -> None:
    if backend == "fake":
        await _check_running(await make_pair(fake_azure(operation_seconds=5)))
        return
    async with local_azure(tmp_path, reads=2) as azure:
        await _check_running(await make_pair(azure))


async def _check_running(pair: Pair) -> None:
    port = pair.azure.port
    accepted = await port.put_peering(peering(pair.spoke), pair.hub, PLAIN, sync=False)
    assert accepted.url
    assert accepted.retry_after > 0
    status = await port.get_operation(accepted.url)
    assert (status.state, status.retry_after > 0) == ("Running", True)
    assert (await finished(pair.azure, accepted)).state == "Succeeded"
    accepted = await port.delete_peering(peering(pair.spoke))
    assert (await port.get_operation(accepted.url)).state == "Running"
    assert (await finished(pair.azure, accepted)).state == "Succeeded"
    assert (await port.get_network(pair.spoke)).peerings == ()


@pytest.mark.parametrize("backend", ["fake", "local"])
async def test_an_operation_that_nobody_knows_is_not_found(backend: str, tmp_path: Path) -> None:
    if backend == "fake":
        with pytest.raises(NotFound):
            await fake_azure().port.get_operation("https://management.test/operations/7")
        return
    async with local_azure(tmp_path, reads=2) as azure:
        pair = await make_pair(azure)
        accepted = await azure.port.put_peering(peering(pair.spoke), pair.hub, PLAIN, sync=False)
        path, _, query = accepted.url.partition("?")
        unknown = f"{path.rpartition('/')[0]}/00000000-0000-0000-0000-000000000000?{query}"
        with pytest.raises(NotFound):
            await azure.port.get_operation(unknown)
