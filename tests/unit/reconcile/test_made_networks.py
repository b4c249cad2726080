"""Networks that nodes get out of address pools: made, connected, given back once they are gone."""

from datetime import timedelta
from ipaddress import ip_network

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.errors import Terminal
from shared.domain.ids import NodeKey
from shared.domain.tags import ADDRESS_SIZES, DATABRICKS
from shared.reconcile.options.made import prefix_length, subnets_of
from shared.reconcile.sweep import Sweep
from tests.support.mesh import TAGS, network_of
from tests.support.plane import FIRST, SECOND, Plane, reason, writes

LONG = 7.0
NEEDING = ("hub", "mesh", "sandbox", "endpoints")


def made(key: NodeKey) -> tuple[str, str]:
    base = f"{key.group_id}/providers/Microsoft.Network"
    return f"{base}/virtualNetworks/meshplane-vnet", f"{base}/networkSecurityGroups/meshplane-nsg"


async def without_a_network(mesh: Plane, option: str = "hub", name: str = "sales", **tags: str) -> NodeKey:
    key = mesh.group(name)
    more = {k.replace("_", "-"): v for k, v in tags.items()}
    mesh.cloud.create_group(key, {**TAGS, "mesh-network": option, **more})
    await mesh.look(key)
    return key


@pytest.mark.parametrize("operation_seconds", [0.0, LONG])
@pytest.mark.parametrize("option", NEEDING)
async def test_a_node_without_a_network_gets_one_and_is_connected(
    option: str, operation_seconds: float
) -> None:
    mesh = Plane(operation_seconds=operation_seconds)
    key = await without_a_network(mesh, option)
    record, (network, group) = await mesh.record(key), made(key)
    assert (record.state, record.allocation, record.networks) == ("Ready", "10.64.0.0/24", (network,))
    assert record.made == (group, network)
    shown = mesh.cloud.show(mesh.network(network))
    assert shown.address_prefixes == ("10.64.0.0/24",)
    assert [(s.name, s.address_prefixes, s.security_group) for s in shown.subnets] == [
        ("default", ("10.64.0.0/25",), group),
        ("private-endpoints", ("10.64.0.128/26",), group),
    ]
    mesh.arm.calls.clear()
    await mesh.resync_all()
    assert writes(mesh) == []


async def test_public_endpoints_need_no_network() -> None:
    mesh = Plane()
    record = await mesh.record(await without_a_network(mesh, "none"))
    assert (record.state, record.made, mesh.addresses.allocations) == ("Ready", (), {})


async def test_without_pools_the_node_is_told_to_make_a_network_itself() -> None:
    mesh = Plane()
    mesh.configure(msgspec.structs.replace(FIRST, pools=()))
    record = await mesh.record(await without_a_network(mesh))
    assert reason(record, "Connected") == ("False", "NoVirtualNetwork")


@pytest.mark.parametrize(("size", "length", "subnets"), [("28", 28, 2), ("16", 16, 2), (DATABRICKS, 22, 4)])
async def test_the_size_is_what_the_tag_says(size: str, length: int, subnets: int) -> None:
    mesh = Plane()
    key = await without_a_network(mesh, mesh_address_size=size)
    record = await mesh.record(key)
    assert (record.state, ip_network(record.allocation).prefixlen) == ("Ready", length)
    found = mesh.network(made(key)[0]).subnets.values()
    assert len(found) == subnets
    assert sum(s.delegation == "Microsoft.Databricks/workspaces" for s in found) == (
        2 if size == DATABRICKS else 0
    )


async def test_a_size_that_is_none_is_refused_and_nothing_is_given_out() -> None:
    mesh = Plane()
    record = await mesh.record(await without_a_network(mesh, mesh_address_size="12"))
    assert (reason(record), mesh.addresses.allocations) == (("False", "InvalidTag"), {})


@given(size=st.sampled_from(ADDRESS_SIZES))
def test_subnets_of_every_size_lie_in_the_block_apart_from_each_other_and_are_big_enough_for_azure(
    size: str,
) -> None:
    block = ip_network(f"10.0.0.0/{prefix_length(size)}")
    subnets = [ip_network(s.prefix) for s in subnets_of(str(block), size)]
    assert all(s.subnet_of(block) and s.prefixlen <= 29 for s in subnets)  # type: ignore[arg-type]
    assert not any(a.overlaps(b) for a in subnets for b in subnets if a != b)
    assert len(set(subnets)) == len(subnets)


async def test_a_pool_that_is_exhausted_is_said_with_the_largest_block_that_is_left() -> None:
    mesh = Plane()
    mesh.configure(msgspec.structs.replace(FIRST, pools=("10.64.0.0/25",)))
    record = await mesh.record(await without_a_network(mesh))
    assert reason(record, "Connected") == ("False", "PoolExhausted")
    assert "25" in next(c.message for c in record.conditions if c.type == "Connected")
    assert record.made == ()


async def test_what_the_hub_is_peered_with_is_kept_clear_of() -> None:
    mesh = Plane()
    await mesh.onboard("hub", "stock", "10.64.0.0/17")
    record = await mesh.record(await without_a_network(mesh))
    assert (record.state, record.allocation) == ("Ready", "10.64.128.0/24")


@pytest.mark.parametrize("option", ["mesh", "endpoints"])
async def test_what_the_hub_is_peered_with_is_kept_clear_of_by_options_that_do_not_stand_on_it(
    option: str,
) -> None:
    """A node may be switched to the hub later; its addresses stay what they are."""
    mesh = Plane()
    await mesh.onboard("hub", "stock", "10.64.0.0/17")
    key = await without_a_network(mesh, option)
    assert (await mesh.record(key)).allocation == "10.64.128.0/24"
    mesh.arm.calls.clear()
    await mesh.look(key)
    assert "get_network" not in mesh.arm.calls
    assert (await mesh.switch(key, "hub")).state == "Ready"


async def test_what_the_full_mesh_uses_is_kept_clear_of() -> None:
    mesh = Plane()
    other = await mesh.onboard("mesh", "stock", "10.64.0.0/17")
    key = await without_a_network(mesh, "mesh")
    record = await mesh.record(key)
    assert (record.state, record.allocation) == ("Ready", "10.64.128.0/24")
    assert mesh.passes(made(key)[0], network_of(other))


@pytest.mark.parametrize("operation_seconds", [0.0, LONG])
async def test_a_node_that_leaves_gives_network_and_addresses_back(operation_seconds: float) -> None:
    mesh = Plane(operation_seconds=operation_seconds)
    key = await without_a_network(mesh, "sandbox")
    mesh.cloud.tag(key, {})
    record = await mesh.look(key)
    assert (record.state, record.made, record.allocation, record.zone_links) == ("Offboarded", (), "", ())
    assert mesh.addresses.allocations == {}
    assert not any(mesh.cloud.exists(i) for i in made(key))


async def test_a_network_in_use_stays_with_its_addresses_and_goes_once_nothing_uses_it() -> None:
    mesh = Plane()
    key = await without_a_network(mesh)
    subnet = mesh.network(made(key)[0]).subnets["default"]
    subnet.ip_configurations = 1
    mesh.cloud.tag(key, {})
    record = await mesh.look(key)
    assert (record.state, reason(record), record.allocation) == (
        "Offboarding",
        ("False", "NetworkInUse"),
        "10.64.0.0/24",
    )
    assert (mesh.remotes_of(made(key)[0]), len(mesh.addresses.allocations)) == (set(), 1)
    subnet.ip_configurations = 0
    await mesh.resync_all()
    assert ((await mesh.record(key)).state, mesh.addresses.allocations) == ("Offboarded", {})


async def test_a_network_that_somebody_deleted_is_made_again_with_the_same_addresses() -> None:
    mesh = Plane()
    key = await without_a_network(mesh)
    mesh.cloud.delete_resource(made(key)[0])
    record = await mesh.look(key)
    assert (record.state, record.allocation) == ("Ready", "10.64.0.0/24")
    assert mesh.passes(made(key)[0], FIRST.network)


async def test_addresses_are_given_back_when_the_node_makes_a_network_of_its_own_instead() -> None:
    mesh = Plane()
    key = await without_a_network(mesh)
    mesh.cloud.delete_resource(made(key)[0])
    mesh.cloud.create_network(
        f"{key.group_id}/providers/Microsoft.Network/virtualNetworks/own", "10.9.0.0/16"
    )
    record = await mesh.look(key)
    assert (record.state, record.allocation, mesh.addresses.allocations) == ("Ready", "", {})


@pytest.mark.parametrize("refused", ["put_security_group", "put_network"])
async def test_a_refusal_is_said_and_the_next_look_goes_on_with_the_same_addresses(refused: str) -> None:
    mesh = Plane()
    mesh.arm.inject(refused, Terminal("RequestDisallowedByPolicy", "no"))
    key = await without_a_network(mesh)
    record = await mesh.record(key)
    assert (reason(record, "Connected"), record.allocation) == (
        ("False", "RequestDisallowedByPolicy"),
        "10.64.0.0/24",
    )
    assert made(key)[0] in record.made
    record = await mesh.look(key)
    assert (record.state, record.allocation) == ("Ready", "10.64.0.0/24")


async def test_a_dry_run_shows_what_would_be_given_and_gives_nothing() -> None:
    mesh = Plane()
    key = mesh.group("sales")
    mesh.cloud.create_group(key, TAGS)
    plan = (await mesh.engine.plan(key)).plan
    assert [type(s).__name__ for s in plan.network] == ["PutSecurityGroup", "PutNetwork"]
    assert mesh.addresses.allocations == {}


async def test_a_group_that_is_deleted_with_its_network_gives_its_addresses_back() -> None:
    mesh = Plane()
    key = await without_a_network(mesh)
    mesh.cloud.delete_group(key)
    assert ((await mesh.look(key)).state, mesh.addresses.allocations) == ("Offboarded", {})


async def test_the_sweep_gives_back_what_no_node_claims_and_nothing_else() -> None:
    mesh = Plane()
    sweep = Sweep(mesh.mesh, mesh.arm, mesh.nodes, mesh.addresses, mesh.clock)
    kept = await without_a_network(mesh, name="kept")
    lost, there = mesh.group("lost"), mesh.group("there")
    for key in (lost, there):
        await mesh.addresses.allocate(SECOND.pools, 24, made(key)[0], key)
    mesh.cloud.create_group(there)
    mesh.cloud.create_network(made(there)[0], "10.65.1.0/24")
    assert await sweep.allocations() == 0
    mesh.clock.advance(timedelta(hours=2).total_seconds())
    assert await sweep.allocations() == 1
    assert {a.node for a in mesh.addresses.allocations.values()} == {kept, there}
