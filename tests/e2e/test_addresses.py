"""Networks for nodes that have none: cut from a pool, never twice, and given back once they are gone."""

from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Network
from itertools import combinations
from typing import cast

import pytest

from local.caller import Json
from tests.e2e.azure import properties_of
from tests.e2e.beside import beside
from tests.e2e.hubs import POOL, POOLED
from tests.e2e.mesh import GROUPS, NETWORKS, Mesh, conditions, wait_for
from tests.e2e.watching import kill_whoever_runs, never

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("stack-network"), pytest.mark.timeout(900)]

SUBNETS = ["default", "private-endpoints"]
DELEGATED = ["databricks-container", "databricks-host"]


def provider(mesh: Mesh, group: str) -> str:
    return f"{mesh.group_id(group)}/providers/Microsoft.Network"


def made(mesh: Mesh, group: str) -> str:
    """The id of the network that a node gets."""
    return f"{provider(mesh, group)}/virtualNetworks/meshplane-vnet"


def read(mesh: Mesh, path: str) -> Json:
    return properties_of(mesh.operator.request("GET", f"{path}?api-version={NETWORKS}").body)


def prefix_of(mesh: Mesh, group: str) -> IPv4Network:
    """The address space of the network that was made for a node."""
    [prefix] = cast(list[str], cast(Json, read(mesh, made(mesh, group))["addressSpace"])["addressPrefixes"])
    return IPv4Network(prefix)


def allocations(mesh: Mesh) -> dict[str, IPv4Network]:
    """What the mesh has given out of the pool, by network."""
    items = mesh.pages(f"addresses/allocations?pool={POOL}")
    return {str(item["network"]).lower(): IPv4Network(str(item["prefix"])) for item in items}


def ask(mesh: Mesh, group: str, **tags: str) -> None:
    """Tags a new group without a network as a node."""
    named = {name.replace("_", "-"): value for name, value in tags.items()}
    mesh.create(
        group,
        {"mesh-node": group, "mesh-network": "hub", **named},
        vaults=0,
        network=False,
        region=POOLED.region,
    )


def attached(mesh: Mesh, group: str) -> bool:
    """Whether a node is Ready and both sides of its network's pair with the hub are Connected."""
    mesh.ready(group)
    sides = [properties_of(s) for s in (*mesh.peerings(made(mesh, group)), *mesh.hub_peerings(group, POOLED))]
    return [(s["peeringState"], s["peeringSyncLevel"]) for s in sides] == [("Connected", "FullyInSync")] * 2


@beside
def test_six_nodes_at_once_get_networks_that_do_not_overlap(mesh: Mesh) -> None:
    """Each with a security group on every subnet, attached to the hub, and shown among the pool's allocations."""
    groups = [f"block-{n}" for n in range(6)]
    with ThreadPoolExecutor(len(groups)) as pool:
        list(pool.map(lambda group: ask(mesh, group), groups))
    for group in groups:
        wait_for(f"{group} attached", lambda group=group: attached(mesh, group))  # type: ignore[misc]
    prefixes = {group: prefix_of(mesh, group) for group in groups}
    assert {p.prefixlen for p in prefixes.values()} == {24}
    assert all(p.subnet_of(IPv4Network(POOL)) for p in prefixes.values())
    assert not any(one.overlaps(other) for one, other in combinations(prefixes.values(), 2))
    given = allocations(mesh)
    assert {group: given[made(mesh, group).lower()] for group in groups} == prefixes
    for group in groups:
        subnets = cast(list[Json], read(mesh, made(mesh, group))["subnets"])
        assert sorted(str(s["name"]) for s in subnets) == SUBNETS
        guards = {str(cast(Json, properties_of(s)["networkSecurityGroup"])["id"]).lower() for s in subnets}
        assert guards == {f"{provider(mesh, group)}/networkSecurityGroups/meshplane-nsg".lower()}
    [pool_shown] = [p for p in mesh.pages("addresses") if p["pool"] == POOL]
    assert pool_shown["hubs"] == [POOLED.id]
    assert cast(int, pool_shown["allocated"]) >= 6 * 256
    assert cast(int, pool_shown["allocations"]) >= 6


@beside
def test_a_block_for_databricks_has_its_delegated_subnets(mesh: Mesh) -> None:
    """A /22 with two subnets that are Databricks' and two that are the node's."""
    ask(mesh, "bricks", mesh_address_size="databricks")
    wait_for("attached", lambda: attached(mesh, "bricks"))
    assert prefix_of(mesh, "bricks").prefixlen == 22
    subnets = cast(list[Json], read(mesh, made(mesh, "bricks"))["subnets"])
    assert sorted(str(s["name"]) for s in subnets) == sorted([*DELEGATED, *SUBNETS])
    delegated = {str(s["name"]) for s in subnets if properties_of(s).get("delegations")}
    assert sorted(delegated) == DELEGATED


@beside
def test_addresses_are_free_again_once_the_network_is_gone_and_no_sooner(mesh: Mesh) -> None:
    """A node that leaves takes its network and security group with it, then its prefix can be given out again."""
    ask(mesh, "tenant")
    wait_for("attached", lambda: attached(mesh, "tenant"))
    network = made(mesh, "tenant")

    def too_early() -> bool:
        """Reads what was given out first: a network that is still there afterwards had lost its addresses."""
        return network.lower() not in allocations(mesh) and mesh.exists(network, NETWORKS)

    with never(too_early) as moments:
        mesh.tag("tenant", "Delete", mesh_node="tenant")
        mesh.settled("tenant", "Offboarded")
        wait_for("its addresses are free", lambda: network.lower() not in allocations(mesh))
    assert moments == []
    assert not mesh.exists(network, NETWORKS)
    assert not mesh.exists(f"{provider(mesh, 'tenant')}/networkSecurityGroups/meshplane-nsg", NETWORKS)
    assert mesh.exists(mesh.group_id("tenant"), GROUPS)


@beside
def test_a_network_that_somebody_uses_stays_until_nobody_does(mesh: Mesh) -> None:
    """It is taken off the hub and keeps its addresses; a finding says why; it goes once it is empty."""
    ask(mesh, "lodger")
    wait_for("attached", lambda: attached(mesh, "lodger"))
    network, card = made(mesh, "lodger"), f"{provider(mesh, 'lodger')}/networkInterfaces/theirs"
    address = {"name": "c", "properties": {"subnet": {"id": f"{network}/subnets/default"}}}
    body = {"location": POOLED.region, "properties": {"ipConfigurations": [address]}}
    mesh.arm("PUT", card, NETWORKS, body)
    mesh.tag("lodger", "Delete", mesh_node="lodger")

    def said() -> bool:
        return any(
            network in str(c["message"])
            for c in conditions(mesh.node("lodger"))
            if c["reason"] == "NetworkInUse"
        )

    wait_for("the finding", said)
    assert mesh.peerings(network) == []
    assert mesh.hub_peerings("lodger", POOLED) == []
    assert network.lower() in allocations(mesh)
    mesh.delete(card, NETWORKS)
    wait_for("the network goes", lambda: not mesh.exists(network, NETWORKS))
    wait_for("so do its addresses", lambda: network.lower() not in allocations(mesh))


def test_killed_workers_leave_one_network_with_one_prefix(mesh: Mesh) -> None:
    """kill -9 while the network is made: another worker goes on with the prefix that was given out."""
    stall = mesh.fault(r"/orphan/.*/virtualNetworks/meshplane-vnet$", method="PUT", delay=8)
    ask(mesh, "orphan")
    wait_for("the write", lambda: mesh.hits(stall))
    given = allocations(mesh)[made(mesh, "orphan").lower()]
    kill_whoever_runs(mesh)
    wait_for("attached", lambda: attached(mesh, "orphan"))
    assert prefix_of(mesh, "orphan") == given == allocations(mesh)[made(mesh, "orphan").lower()]
    every = list(allocations(mesh).values())
    assert not any(one.overlaps(other) for one, other in combinations(every, 2))
