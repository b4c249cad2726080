"""What connections cost, against sums done by hand from the published rates."""

from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain import cost
from shared.domain.cost import Rates, Tier, cost_of, full_mesh_peerings, rate_faults
from shared.domain.edge import Exposure

RATES = msgspec.toml.decode((Path(cost.__file__).parent / "rates.toml").read_bytes(), type=Rates)
WEST, NORTH, ASIA, BRAZIL = "westeurope", "North Europe", "southeastasia", "Brazil South"
EXPOSURES: tuple[Exposure, ...] = ("private-endpoint", "service-endpoint", "hub", "peering")
REGIONS = st.sampled_from([WEST, NORTH, ASIA, BRAZIL])


def test_the_table_that_is_shipped_is_sound_and_says_where_it_comes_from() -> None:
    assert rate_faults(RATES) == []
    assert RATES.currency == "USD"
    assert RATES.as_of.year >= 2026
    assert all(source.startswith("https://") for source in RATES.sources)
    named = [region for zone in RATES.zones for region in zone.regions]
    assert len(named) == len(set(named))
    assert named == [region.replace(" ", "").lower() for region in named]


@pytest.mark.parametrize(
    ("exposure", "provider", "monthly"),
    [
        ("private-endpoint", WEST, 730 * 0.01 + 1000 * 0.01),
        ("private-endpoint", ASIA, 730 * 0.01 + 1000 * 0.01 + 1000 * 0.08),
        ("service-endpoint", WEST, 0.0),
        ("service-endpoint", NORTH, 1000 * 0.02),
        ("peering", WEST, 1000 * (0.01 + 0.01)),
        ("peering", NORTH, 1000 * (0.035 + 0.035)),
        ("peering", ASIA, 1000 * (0.09 + 0.035)),
        ("peering", BRAZIL, 1000 * (0.16 + 0.035)),
        ("hub", WEST, 1000 * (0.01 + 0.01 + 0.01 + 0.01)),
        ("hub", ASIA, 1000 * (0.09 + 0.035 + 0.01 + 0.01)),
    ],
)
def test_a_terabyte_from_the_provider_costs_what_azure_publishes(
    exposure: Exposure, provider: str, monthly: float
) -> None:
    found = cost_of(exposure, 1000, WEST, provider, RATES)
    assert found.monthly == pytest.approx(monthly)
    assert sum(line.amount for line in found.lines) == pytest.approx(monthly)


def test_what_is_charged_depends_on_the_direction() -> None:
    """With rates that differ by direction: reading pays the provider's way out, writing the consumer's."""
    zones = [msgspec.structs.replace(z, outbound=z.outbound * 10) for z in RATES.zones]
    rates = msgspec.structs.replace(RATES, zones=tuple(zones))
    read = cost_of("peering", 100, WEST, ASIA, rates)
    written = cost_of("peering", 0, WEST, ASIA, rates, written=100)
    assert read.monthly == pytest.approx(100 * (0.9 + 0.035))
    assert written.monthly == pytest.approx(100 * (0.35 + 0.09))
    assert [line.what for line in written.lines] == [
        "peering, out of westeurope",
        "peering, into southeastasia",
    ]


def test_two_hubs_on_the_way_are_three_hops() -> None:
    found = cost_of("hub", 1000, WEST, ASIA, RATES, hubs=(WEST, ASIA))
    assert found.monthly == pytest.approx(1000 * (0.01 + 0.01 + 0.09 + 0.035 + 0.01 + 0.01))


def test_endpoints_get_cheaper_beyond_a_petabyte() -> None:
    found = cost_of("private-endpoint", 6_000_000, WEST, WEST, RATES)
    expected = 1_000_000 * 0.01 + 4_000_000 * 0.006 + 1_000_000 * 0.004
    assert found.monthly == pytest.approx(7.3 + expected)
    assert [line.rate for line in found.lines] == [0.01, 0.01, 0.006, 0.004]


@given(regions=st.tuples(REGIONS, REGIONS), volume=st.floats(0, 1e7), more=st.floats(0, 1e6))
def test_through_the_hub_never_costs_less_than_direct_and_more_data_never_less(
    regions: tuple[str, str], volume: float, more: float
) -> None:
    consumer, provider = regions
    costs = {each: cost_of(each, volume, consumer, provider, RATES) for each in EXPOSURES}
    assert costs["hub"].monthly >= costs["peering"].monthly
    for exposure, found in costs.items():
        assert found.monthly >= 0
        larger = cost_of(exposure, volume + more, consumer, provider, RATES)
        assert larger.monthly >= found.monthly or larger.monthly == pytest.approx(found.monthly)


def test_a_full_mesh_grows_with_the_square() -> None:
    counts = [full_mesh_peerings(n) for n in (1, 2, 3, 10, 11)]
    assert counts == [0, 2, 6, 90, 110]
    assert all(left < right for left, right in pairwise(counts))


def test_a_region_that_no_zone_names_lies_in_the_first() -> None:
    assert RATES.zone("Somewhere New").name == "1"
    assert RATES.zone("Southeast Asia").name == "2"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"zones": ()}, "at least one zone"),
        ({"hours_per_month": -1.0}, "negative"),
        ({"hours_per_month": float("nan")}, "negative"),
        (
            {"private_endpoint": msgspec.structs.replace(RATES.private_endpoint, inbound=(Tier(5, 1),))},
            "private_endpoint.inbound",
        ),
        ({"private_endpoint": msgspec.structs.replace(RATES.private_endpoint, outbound=())}, "outbound"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_with_a_reason(changed: dict[str, object], said: str) -> None:
    assert [fault for fault in rate_faults(msgspec.structs.replace(RATES, **changed)) if said in fault]
