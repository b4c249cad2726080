"""Pairs: which sides are ours, what they lead to, and what a foreign side forces on ours."""

import pytest

from shared.domain.network import Peering, PeeringFlags, VirtualNetwork
from shared.reconcile.pair import End, Pair, connected, pair_of

PLAIN = PeeringFlags()
LENDS = PeeringFlags(allow_gateway_transit=True)
BORROWS = PeeringFlags(use_remote_gateways=True)


def network(name: str, *peerings: Peering) -> VirtualNetwork:
    return VirtualNetwork(f"/{name}", name, "westeurope", ("10.0.0.0/16",), "Succeeded", peerings)


def peering(local: str, remote: str, name: str, flags: PeeringFlags = PLAIN) -> Peering:
    path = f"/{local}/virtualNetworkPeerings/{name}"
    return Peering(path, name, f"/{remote}", "Connected", "FullyInSync", "Succeeded", (), flags)


def pair(
    on_first: Peering | None,
    on_second: Peering | None,
    first: PeeringFlags = PLAIN,
    second: PeeringFlags = PLAIN,
) -> Pair:
    a, b = (network(n, *(p for p in [one] if p)) for n, one in (("a", on_first), ("b", on_second)))
    return pair_of(End.on(a, "ours", first, "hub"), End.on(b, "ours", second))


def test_a_side_that_is_yet_to_be_made_is_ours_and_has_our_name() -> None:
    first, second = pair(None, None)
    assert (first.id, second.id) == ("/a/virtualNetworkPeerings/ours", "/b/virtualNetworkPeerings/ours")
    assert (first.owned, second.owned) == (True, True)
    assert (first.remote_network, first.on_hub, second.on_hub) == ("/b", "hub", "")
    assert not connected((first, second))


def test_a_side_is_ours_by_its_name_in_any_case_and_known_by_where_it_leads() -> None:
    first, second = pair(peering("a", "B", "OURS"), peering("b", "a", "theirs"))
    assert (first.owned, second.owned) == (True, False)
    assert second.id.endswith("/theirs")
    assert connected((first, second))


def test_a_peering_of_our_name_that_leads_elsewhere_is_no_side_of_the_pair() -> None:
    first, _ = pair(peering("a", "elsewhere", "ours"), None)
    assert first.actual is None


def test_an_end_whose_network_is_gone_has_a_side_that_is_gone() -> None:
    b = network("b", peering("b", "a", "ours"))
    first, second = pair_of(End("/a", None, "ours", PLAIN), End.on(b, "ours", PLAIN))
    assert (first.gone, first.actual, second.gone) == (True, None, False)


@pytest.mark.parametrize("name", ["ours", "theirs"])
@pytest.mark.parametrize("lends", [True, False])
def test_a_gateway_is_borrowed_only_where_a_foreign_side_lends_it(name: str, lends: bool) -> None:
    on_first = peering("a", "b", name, LENDS if lends else PLAIN)
    _, second = pair(on_first, None, LENDS, BORROWS)
    assert second.flags.use_remote_gateways == (lends or name == "ours")


@pytest.mark.parametrize(("name", "kept"), [("ours", False), ("theirs", True)])
def test_a_gateway_is_not_taken_back_from_a_foreign_side_that_borrows_it(name: str, kept: bool) -> None:
    first, _ = pair(peering("a", "b", "ours", LENDS), peering("b", "a", name, BORROWS))
    assert first.flags.allow_gateway_transit == kept
