"""Several consumers of one product on the whole stack: each finds it by name at its own endpoint."""

from functools import partial
from typing import cast

import pytest

from local.caller import Json
from tests.e2e.asking import Desk
from tests.e2e.azure import ZONES as VERSION
from tests.e2e.azure import wait_for

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("stack-edges"), pytest.mark.timeout(900)]

PRODUCT, OTHER = "names-product", "names-other"
SQL = "privatelink.database.windows.net"
CONSUMERS = ("names-one", "names-two", "names-three")


def own_zones(desk: Desk, group: str) -> list[str]:
    """The names of the private zones in a group."""
    path = f"{desk.mesh.group_id(group)}/providers/Microsoft.Network/privateDnsZones"
    answer = desk.mesh.operator.request("GET", f"{path}?api-version={VERSION}")
    return sorted(str(zone["name"]) for zone in cast(list[Json], answer.body["value"]))


def finds_its_own(desk: Desk, group: str, edge: str, product: str = PRODUCT) -> bool:
    found = desk.edge(edge)
    status, addresses = desk.resolves(group, "sql", product)
    return (found["state"], status, addresses) == ("Active", "private", found["addresses"])


def finds_it_publicly(desk: Desk, group: str) -> bool:
    return desk.resolves(group, "sql", PRODUCT)[0] == "public"


def test_each_consumer_of_a_product_finds_its_own_endpoint_and_nobody_loses_a_name_when_another_leaves(
    desk: Desk,
) -> None:
    """Two ask at once, and a third one that has another edge in the hub's zone already; the first one leaves first."""
    third = CONSUMERS[2]
    desk.nodes(*((c, "hub", ()) for c in CONSUMERS), (PRODUCT, "none", ("sql",)), (OTHER, "none", ("sql",)))
    other = desk.active(third, OTHER, "sql")
    edges = {c: desk.granted(c, PRODUCT, "sql") for c in CONSUMERS[:2]}
    for edge in edges.values():
        desk.until(edge, "Active")
    assert own_zones(desk, third) == []
    edges[third] = desk.active(third, PRODUCT, "sql")
    for consumer, edge in edges.items():
        wait_for(f"{consumer} finds it", partial(finds_its_own, desk, consumer, edge))
    wait_for("the name that followed", lambda: finds_its_own(desk, third, other, OTHER) or None)
    assert len({str(desk.edge(e)["addresses"]) for e in edges.values()}) == 3
    [first] = [c for c in CONSUMERS if not own_zones(desk, c)]
    assert first != third
    assert all(own_zones(desk, c) == [SQL] for c in CONSUMERS if c != first)

    staying = [first, *(c for c in CONSUMERS if c != first)]
    for leaving in tuple(staying):
        desk.command(edges[leaving], "revoke")
        desk.until(edges[leaving], "Revoked")
        staying.remove(leaving)
        assert [c for c in staying if not finds_its_own(desk, c, edges[c])] == []
    assert [own_zones(desk, c) for c in CONSUMERS] == [[], [], [SQL]]
    assert finds_its_own(desk, third, other, OTHER)
    desk.command(other, "revoke")
    desk.until(other, "Revoked")
    for consumer in CONSUMERS:
        wait_for(f"{consumer} finds it publicly", partial(finds_it_publicly, desk, consumer))
        assert (own_zones(desk, consumer), desk.endpoints(consumer)) == ([], [])
        desk.mesh.ready(consumer)
