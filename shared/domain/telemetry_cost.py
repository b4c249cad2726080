"""What a node's telemetry costs in a month, by category, out of what it streamed. Pure.

How Azure charges: the Azure Monitor pricing page (analytics logs by the gigabyte taken in; platform logs sent to
storage or Event Hubs by the gigabyte), the Azure Blob Storage pricing page (hot tier, by the gigabyte and month). A
gigabyte is 10^9 bytes ("Azure Monitor Logs cost calculations and options"); what a workspace bills is about a quarter
less than the JSON that is measured here, so that the figures err on the high side.
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from shared.domain.cost import Rates
from shared.domain.sinks import CategoryRule, SinkKind

DAYS_PER_MONTH = 730 / 24
_GIGABYTE = 10**9


class CategoryCost(msgspec.Struct, frozen=True):
    """One category: `treatment` is what the mesh's policy says of it, `send` without one.

    `monthly` is what it costs where it goes now. `archived` is what it would cost in the archive alone, `saves` how
    much less that is than every sink that the node asks for: what archiving saves, or would save.
    """

    category: str
    gigabytes_a_day: float
    records_a_day: float
    treatment: str
    monthly: float
    archived: float
    saves: float


class TelemetryCost(msgspec.Struct, frozen=True):
    """The estimate of a node, the most expensive categories first; `days` it was measured on, 0 where never."""

    days: int
    gigabytes_a_day: float
    monthly: float
    saved: float
    currency: str
    categories: tuple[CategoryCost, ...] = ()


def telemetry_cost(
    measured: Mapping[str, tuple[float, float]],
    days: int,
    asked: Sequence[SinkKind],
    rules: Iterable[CategoryRule],
    rates: Rates,
) -> TelemetryCost:
    """The estimate from bytes and records by category, measured on so many days.

    A rule counts here where it names the category: which type of resource sent what is not measured.
    """
    rules = tuple(rules)
    costs = [
        _category(name, size / max(days, 1), records / max(days, 1), asked, rules, rates)
        for name, (size, records) in measured.items()
    ]
    costs.sort(key=lambda c: (-c.monthly, -c.saves, c.category))
    return TelemetryCost(
        days,
        sum(c.gigabytes_a_day for c in costs),
        sum(c.monthly for c in costs),
        sum(c.saves for c in costs if c.treatment == "archive"),
        rates.currency,
        tuple(costs),
    )


def _category(
    name: str,
    bytes_a_day: float,
    records: float,
    asked: Sequence[SinkKind],
    rules: Sequence[CategoryRule],
    rates: Rates,
) -> CategoryCost:
    daily = bytes_a_day / _GIGABYTE
    rule = next((r for r in rules if r.category != "*" and r.category.lower() == name.lower()), None)
    treatment = rule.action if rule else "send"
    everywhere = sum(_monthly(daily, kind, rates) for kind in asked)
    archived = _monthly(daily, "storage", rates)
    monthly = {"send": everywhere, "archive": archived, "exclude": 0.0}[treatment]
    return CategoryCost(name, daily, records, treatment, monthly, archived, max(everywhere - archived, 0.0))


def _monthly(gigabytes_a_day: float, kind: SinkKind, rates: Rates) -> float:
    """A month's records; in the archive they are charged as if kept for a month."""
    table = rates.telemetry
    by_kind: dict[SinkKind, float] = {
        "workspace": table.workspace,
        "event-hub": table.event_hub,
        "storage": table.storage + table.storage_month,
    }
    return gigabytes_a_day * DAYS_PER_MONTH * by_kind[kind]
