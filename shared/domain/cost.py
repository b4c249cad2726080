"""What a connection costs in a month, out of a table of rates. Pure.

How Azure charges: the Virtual Network pricing page (peering: what leaves one network and what arrives in the other,
each at its own side's rate, by billing zone between regions), the Private Link pricing page (hours, and data by
direction in tiers; peerings on the way to an endpoint are not charged), the Bandwidth pricing page (between regions).
"""

from collections.abc import Iterable, Sequence
from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:  # the settings read rates at every start, and edges are a long way from there
    from shared.domain.edge import Exposure


class Tier(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The rate of each gigabyte beyond so many in a month."""

    above: float
    rate: float


class PrivateEndpointRates(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """By the hour, and by the gigabyte that reaches the consumer (`inbound`) or leaves for the target."""

    hour: float
    inbound: tuple[Tier, ...]
    outbound: tuple[Tier, ...]


class ServiceEndpointRates(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """By the hour and network."""

    network_hour: float = 0.0


class PeeringRates(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """By the gigabyte within one region."""

    inbound: float
    outbound: float


class Zone(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Regions that are billed alike: global peering by direction, and `bandwidth` that leaves one of them."""

    name: str
    inbound: float
    outbound: float
    bandwidth: float = 0.0
    regions: tuple[str, ...] = ()


class TelemetryRates(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """By the gigabyte that goes to each kind of sink, and by the gigabyte and month that the archive keeps."""

    workspace: float = 2.30
    event_hub: float = 0.25
    storage: float = 0.25
    storage_month: float = 0.0184


class Rates(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of rates in one currency. A region that no zone names lies in the first."""

    currency: str
    as_of: date
    sources: tuple[str, ...]
    hours_per_month: float
    private_endpoint: PrivateEndpointRates
    service_endpoint: ServiceEndpointRates
    peering: PeeringRates
    zones: tuple[Zone, ...]
    telemetry: TelemetryRates = TelemetryRates()

    def zone(self, region: str) -> Zone:
        """The zone of a region, by its name or display name."""
        return next((z for z in self.zones if _plain(region) in z.regions), self.zones[0])


def rate_faults(rates: Rates) -> list[str]:
    """What is wrong with a table of rates, each in a sentence."""
    faults = [] if rates.zones else ["at least one zone is needed."]
    for name in ("inbound", "outbound"):
        starts = [tier.above for tier in getattr(rates.private_endpoint, name)]
        if starts[:1] != [0] or starts != sorted(set(starts)):
            faults.append(f"the tiers of private_endpoint.{name} must start at 0 and rise.")
    numbers = [
        rates.hours_per_month,
        rates.private_endpoint.hour,
        rates.service_endpoint.network_hour,
        rates.peering.inbound,
        rates.peering.outbound,
        *(tier.rate for tier in (*rates.private_endpoint.inbound, *rates.private_endpoint.outbound)),
        *(number for z in rates.zones for number in (z.inbound, z.outbound, z.bandwidth)),
        *msgspec.structs.astuple(rates.telemetry),
    ]
    if not all(0 <= number < float("inf") for number in numbers):
        faults.append("no rate may be negative or infinite.")
    return faults


class CostLine(msgspec.Struct, frozen=True):
    """One part of a cost: so much of a unit at a rate."""

    what: str
    quantity: float
    unit: str
    rate: float

    @property
    def amount(self) -> float:
        return self.quantity * self.rate


class Cost(msgspec.Struct, frozen=True):
    """What something costs in a month, in the currency of the rates, and out of what that adds up."""

    monthly: float
    lines: tuple[CostLine, ...] = ()
    currency: str = "USD"


def cost_of(
    exposure: "Exposure",
    gigabytes: float,
    consumer_region: str,
    provider_region: str,
    rates: Rates,
    *,
    written: float = 0.0,
    hubs: Sequence[str] = (),
) -> Cost:
    """What an edge costs in a month.

    `gigabytes` go from the provider to the consumer, `written` the other way. `hubs` are the regions of the hubs
    on the way, the consumer's first; without it a hub in the consumer's region is assumed.
    """
    match exposure:
        case "private-endpoint":
            lines = [
                *_private_endpoint(gigabytes, written, rates),
                *_bandwidth(gigabytes, written, consumer_region, provider_region, rates),
            ]
        case "service-endpoint":
            hours = CostLine(
                "service endpoint", rates.hours_per_month, "network hour", rates.service_endpoint.network_hour
            )
            lines = [hours, *_bandwidth(gigabytes, written, consumer_region, provider_region, rates)]
        case "hub":
            way = [consumer_region, *(hubs or [consumer_region]), provider_region]
            lines = [*_along(way[::-1], gigabytes, rates), *_along(way, written, rates)]
        case "peering":
            way = [consumer_region, provider_region]
            lines = [*_along(way[::-1], gigabytes, rates), *_along(way, written, rates)]
    return _added_up(lines, rates)


def full_mesh_peerings(nodes: int) -> int:
    """How many peerings join so many networks each to each: every pair has one on either side."""
    return nodes * (nodes - 1)


def _private_endpoint(gigabytes: float, written: float, rates: Rates) -> list[CostLine]:
    table = rates.private_endpoint
    return [
        CostLine("private endpoint", rates.hours_per_month, "hour", table.hour),
        *_tiered("private endpoint, inbound", gigabytes, table.inbound),
        *_tiered("private endpoint, outbound", written, table.outbound),
    ]


def _tiered(what: str, gigabytes: float, tiers: Sequence[Tier]) -> list[CostLine]:
    ends = [*(tier.above for tier in tiers[1:]), float("inf")]
    parts = [(min(gigabytes, end) - tier.above, tier.rate) for tier, end in zip(tiers, ends, strict=True)]
    return [CostLine(what, part, "GB", rate) for part, rate in parts if part > 0]


def _bandwidth(
    gigabytes: float, written: float, consumer: str, provider: str, rates: Rates
) -> list[CostLine]:
    """What leaves either region for the other."""
    if _plain(consumer) == _plain(provider):
        return []
    sent = [(provider, gigabytes), (consumer, written)]
    return [
        CostLine(f"bandwidth out of {_plain(sender)}", part, "GB", rates.zone(sender).bandwidth)
        for sender, part in sent
        if part > 0
    ]


def _along(regions: Sequence[str], gigabytes: float, rates: Rates) -> list[CostLine]:
    """What some data costs on its way through networks that are peered one with the next."""
    if gigabytes <= 0:
        return []
    return [
        line for sender, receiver in pairwise(regions) for line in _hop(sender, receiver, gigabytes, rates)
    ]


def _hop(sender: str, receiver: str, gigabytes: float, rates: Rates) -> list[CostLine]:
    same = _plain(sender) == _plain(receiver)
    out = rates.peering.outbound if same else rates.zone(sender).outbound
    into = rates.peering.inbound if same else rates.zone(receiver).inbound
    return [
        CostLine(f"peering, out of {_plain(sender)}", gigabytes, "GB", out),
        CostLine(f"peering, into {_plain(receiver)}", gigabytes, "GB", into),
    ]


def _added_up(lines: Iterable[CostLine], rates: Rates) -> Cost:
    """Lines of one kind as one."""
    sums: dict[tuple[str, str, float], float] = {}
    for line in lines:
        kind = (line.what, line.unit, line.rate)
        sums[kind] = sums.get(kind, 0.0) + line.quantity
    merged = tuple(CostLine(what, quantity, unit, rate) for (what, unit, rate), quantity in sums.items())
    return Cost(sum(line.amount for line in merged), merged, rates.currency)


def _plain(region: str) -> str:
    return region.replace(" ", "").lower()
