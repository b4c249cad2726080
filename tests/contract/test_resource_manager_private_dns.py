"""PrivateDns: zones, and their links to networks."""

from pathlib import Path

import pytest

from shared.domain.errors import NotFound, Transient
from shared.domain.ids import same_id
from tests.contract.azure import Azure
from tests.contract.conftest import fake_azure, local_azure
from tests.contract.landscape import Landscape, landscape

BLOB = "privatelink.blob.core.windows.net"
SQL = "privatelink.database.windows.net"


def link(land: Landscape, name: str = "mesh", zone: str = BLOB) -> str:
    return f"{land.zone(zone)}/virtualNetworkLinks/{name}"


async def zoned(azure: Azure) -> Landscape:
    land = await landscape(azure)
    await land.azure.create_zone(land.zone(BLOB))
    await land.make_network()
    return land


async def test_a_link_shows_its_network_and_that_it_works(azure: Azure) -> None:
    land = await zoned(azure)
    assert list(await land.port.list_zone_links(land.zone(BLOB))) == []
    await land.done(await land.port.put_zone_link(link(land), land.network()))
    [found] = await land.port.list_zone_links(land.zone(BLOB))
    assert same_id(found.id, link(land))
    assert same_id(found.network, land.network())
    assert (found.provisioning_state, found.state) == ("Succeeded", "Completed")


async def test_putting_a_link_again_changes_nothing(azure: Azure) -> None:
    land = await zoned(azure)
    for _ in range(2):
        await land.done(await land.port.put_zone_link(link(land), land.network()))
    assert len(await land.port.list_zone_links(land.zone(BLOB))) == 1


async def test_a_network_is_linked_to_a_zone_once(azure: Azure) -> None:
    land = await zoned(azure)
    await land.done(await land.port.put_zone_link(link(land), land.network()))
    second = await land.port.put_zone_link(link(land, "second"), land.network())
    assert await land.refused(second) == "BadRequest"
    assert len(await land.port.list_zone_links(land.zone(BLOB))) == 1
    await land.azure.create_zone(land.zone(SQL))
    await land.done(await land.port.put_zone_link(link(land, zone=SQL), land.network()))


async def test_a_zone_is_linked_to_many_networks(azure: Azure) -> None:
    land = await zoned(azure)
    await land.make_network("other", "10.2.0.0/16")
    for name in ("net", "other"):
        await land.done(await land.port.put_zone_link(link(land, name), land.network(name)))
    assert len(await land.port.list_zone_links(land.zone(BLOB))) == 2


async def test_a_zone_that_is_gone_is_not_found(azure: Azure) -> None:
    land = await zoned(azure)
    with pytest.raises(NotFound):
        await land.port.list_zone_links(land.zone(SQL))
    with pytest.raises(NotFound):
        await land.port.put_zone_link(link(land, zone=SQL), land.network())


async def test_a_link_to_a_network_that_is_gone_is_refused(azure: Azure) -> None:
    land = await zoned(azure)
    assert await land.refused(await land.port.put_zone_link(link(land), land.network("gone"))) == "BadRequest"


async def test_deleting_twice_or_what_never_was_is_done(azure: Azure) -> None:
    land = await zoned(azure)
    await land.done(await land.port.put_zone_link(link(land), land.network()))
    for place in (link(land), link(land), link(land, "never"), link(land, zone=SQL)):
        await land.done(await land.port.delete_zone_link(place))
    assert list(await land.port.list_zone_links(land.zone(BLOB))) == []


async def test_a_link_goes_with_its_network(azure: Azure) -> None:
    land = await zoned(azure)
    await land.done(await land.port.put_zone_link(link(land), land.network()))
    await land.done(await land.port.delete_network(land.network()))
    assert list(await land.port.list_zone_links(land.zone(BLOB))) == []


@pytest.mark.parametrize("backend", ["fake", "local"])
async def test_a_link_takes_a_while(backend: str, tmp_path: Path) -> None:
    if backend == "fake":
        await _check_running(await zoned(fake_azure(operation_seconds=5)))
        return
    async with local_azure(tmp_path, reads=2) as azure:
        await _check_running(await zoned(azure))


async def _check_running(land: Landscape) -> None:
    made = await land.port.put_zone_link(link(land), land.network())
    assert (await land.port.get_operation(made.url)).state == "Running"
    await land.done(made)
    gone = await land.port.delete_zone_link(link(land))
    assert (await land.port.get_operation(gone.url)).state == "Running"
    await land.done(gone)
    assert list(await land.port.list_zone_links(land.zone(BLOB))) == []


async def test_a_zone_that_a_mesh_makes_says_so_and_stays_as_it_is_when_made_again(azure: Azure) -> None:
    land = await landscape(azure)
    with pytest.raises(NotFound):
        await land.port.get_zone(land.zone(SQL))
    for mesh in ("meshplane", "another"):
        await land.done(await land.port.put_zone(land.zone(SQL), mesh))
    found = await land.port.get_zone(land.zone(SQL))
    assert same_id(found.id, land.zone(SQL))
    assert found.mesh == "meshplane"


async def test_a_zone_of_somebody_else_carries_no_mark_and_gets_none(azure: Azure) -> None:
    land = await zoned(azure)
    await land.done(await land.port.put_zone(land.zone(BLOB), "meshplane"))
    assert (await land.port.get_zone(land.zone(BLOB))).mesh == ""


async def test_a_zone_goes_once_nothing_is_linked_to_it(azure: Azure) -> None:
    land = await zoned(azure)
    await land.done(await land.port.put_zone_link(link(land), land.network()))
    with pytest.raises(Transient) as refused:
        await land.done(await land.port.delete_zone(land.zone(BLOB)))
    assert refused.value.reason == "CannotDeleteResource"
    await land.done(await land.port.delete_zone_link(link(land)))
    for _ in range(2):
        await land.done(await land.port.delete_zone(land.zone(BLOB)))
    with pytest.raises(NotFound):
        await land.port.get_zone(land.zone(BLOB))


async def test_a_name_that_nobody_wrote_has_no_addresses(azure: Azure) -> None:
    land = await zoned(azure)
    assert list(await land.port.get_addresses(land.zone(BLOB), "nobody")) == []
    assert list(await land.port.get_addresses(land.zone(SQL), "nobody")) == []
