"""ServiceRules: service endpoints of subnets, and the network rules of the services behind them."""

import asyncio
from pathlib import Path

import pytest

from shared.domain.errors import Conflict, MeshError, NotFound
from shared.domain.ids import same_id
from shared.domain.private_link import NetworkRules
from tests.contract.azure import Azure
from tests.contract.conftest import fake_azure, local_azure
from tests.contract.landscape import EVENT_HUBS, IDENTITY, SQL, STORAGE, VAULT, Landscape, landscape

SERVICES = {
    STORAGE: "Microsoft.Storage",
    VAULT: "Microsoft.KeyVault",
    SQL: "Microsoft.Sql",
    EVENT_HUBS: "Microsoft.EventHub",
}
KINDS = pytest.mark.parametrize("kind", SERVICES, ids=lambda kind: kind.rpartition("/")[2])


async def networked(azure: Azure) -> Landscape:
    land = await landscape(azure)
    await land.make_network()
    await land.azure.create_subnet(land.subnet("second"), "10.1.1.0/24")
    return land


async def served(azure: Azure, kind: str) -> tuple[Landscape, str]:
    """A closed service, and two subnets with endpoints to it."""
    land = await networked(azure)
    target = await land.make_service(kind)
    await land.azure.close_firewall(target)
    for name in ("default", "second"):
        await land.done(await land.port.add_service_endpoint(land.subnet(name), SERVICES[kind]))
    return land, target


async def rules(land: Landscape, target: str) -> NetworkRules:
    found = await land.port.get_network_rules(target)
    assert found is not None
    return found


# --- service endpoints


async def test_a_service_is_added_beside_others_and_taken_out_again(azure: Azure) -> None:
    land = await networked(azure)
    for service in ("Microsoft.Sql", "Microsoft.Storage"):
        await land.done(await land.port.add_service_endpoint(land.subnet(), service))
    assert set((await land.read_subnet()).service_endpoints) == {"Microsoft.Sql", "Microsoft.Storage"}
    await land.done(await land.port.remove_service_endpoint(land.subnet(), "Microsoft.Storage"))
    assert (await land.read_subnet()).service_endpoints == ("Microsoft.Sql",)
    assert (await land.read_subnet("second")).service_endpoints == ()


async def test_what_is_there_already_or_never_was_costs_no_write(azure: Azure) -> None:
    land = await networked(azure)
    await land.done(await land.port.add_service_endpoint(land.subnet(), "Microsoft.Storage"))
    before = await land.read()
    assert (await land.port.add_service_endpoint(land.subnet(), "microsoft.storage")).url == ""
    assert (await land.port.remove_service_endpoint(land.subnet(), "Microsoft.Sql")).url == ""
    assert (await land.port.remove_service_endpoint(land.subnet("gone"), "Microsoft.Sql")).url == ""
    assert await land.read() == before


async def test_a_subnet_that_is_gone_takes_no_service(azure: Azure) -> None:
    land = await networked(azure)
    with pytest.raises(NotFound):
        await land.port.add_service_endpoint(land.subnet("gone"), "Microsoft.Storage")


async def test_two_who_change_one_subnet_at_once_lose_nothing(azure: Azure) -> None:
    """Whoever comes second is told, and finds the first one's entry when they read again."""
    land = await networked(azure)
    services = ["Microsoft.Storage", "Microsoft.Sql", "Microsoft.KeyVault", "Microsoft.EventHub"]

    async def add(service: str) -> None:
        for _ in services:
            try:
                await land.done(await land.port.add_service_endpoint(land.subnet(), service))
            except Conflict:
                continue
            return

    await asyncio.gather(*map(add, services))
    assert sorted((await land.read_subnet()).service_endpoints) == sorted(services)


# --- network rules


@KINDS
async def test_a_rule_is_added_beside_others_and_taken_out_again(azure: Azure, kind: str) -> None:
    land, target = await served(azure, kind)
    assert await rules(land, target) == NetworkRules((), open=False)
    for name in ("second", "default"):
        await land.done(await land.port.add_network_rule(target, land.subnet(name)))
    both = (await rules(land, target)).subnets
    assert {s.lower() for s in both} == {land.subnet("default").lower(), land.subnet("second").lower()}
    await land.done(await land.port.remove_network_rule(target, land.subnet()))
    [left] = (await rules(land, target)).subnets
    assert same_id(left, land.subnet("second"))
    assert not (await rules(land, target)).open


@KINDS
async def test_a_rule_that_is_there_or_never_was_costs_no_write(azure: Azure, kind: str) -> None:
    land, target = await served(azure, kind)
    await land.done(await land.port.add_network_rule(target, land.subnet()))
    assert (await land.port.add_network_rule(target, land.subnet().upper())).url == ""
    assert (await land.port.remove_network_rule(target, land.subnet("second"))).url == ""
    assert len((await rules(land, target)).subnets) == 1


@pytest.mark.parametrize("kind", [STORAGE, VAULT, EVENT_HUBS], ids=lambda kind: kind.rpartition("/")[2])
async def test_a_firewall_that_lets_everybody_through_stays_open(azure: Azure, kind: str) -> None:
    land = await networked(azure)
    target = await land.make_service(kind)
    assert await rules(land, target) == NetworkRules((), open=True)
    await land.done(await land.port.add_service_endpoint(land.subnet(), SERVICES[kind]))
    await land.done(await land.port.add_network_rule(target, land.subnet()))
    found = await rules(land, target)
    assert (len(found.subnets), found.open) == (1, True)


@KINDS
async def test_a_subnet_without_the_service_endpoint_is_refused(azure: Azure, kind: str) -> None:
    land = await networked(azure)
    target = await land.make_service(kind)
    try:
        answer: object = await land.refused(await land.port.add_network_rule(target, land.subnet()))
    except MeshError as refusal:
        answer = refusal.reason
    assert answer in {
        "NetworkAclsValidationFailure",
        "VirtualNetworkNotValid",
        "VirtualNetworkRuleBadRequest",
        "BadRequest",
    }


@KINDS
async def test_a_service_that_is_gone_has_no_rules_to_read_and_none_to_remove(
    azure: Azure, kind: str
) -> None:
    land = await networked(azure)
    target = land.service(kind, "gone")
    with pytest.raises(NotFound):
        await land.port.get_network_rules(target)
    with pytest.raises(NotFound):
        await land.port.add_network_rule(target, land.subnet())
    await land.done(await land.port.remove_network_rule(target, land.subnet()))


async def test_a_type_without_a_firewall_has_no_rules(azure: Azure) -> None:
    land = await networked(azure)
    assert await land.port.get_network_rules(await land.make_service(IDENTITY)) is None


@pytest.mark.parametrize("backend", ["fake", "local"])
async def test_a_service_endpoint_takes_a_while(backend: str, tmp_path: Path) -> None:
    if backend == "fake":
        await _check_running(await networked(fake_azure(operation_seconds=5)))
        return
    async with local_azure(tmp_path, reads=2) as azure:
        await _check_running(await networked(azure))


async def _check_running(land: Landscape) -> None:
    added = await land.port.add_service_endpoint(land.subnet(), "Microsoft.Storage")
    assert (await land.port.get_operation(added.url)).state == "Running"
    await land.done(added)
    assert (await land.read_subnet()).service_endpoints == ("Microsoft.Storage",)
