"""How an edge is to be carried: every way with what it costs or what speaks against it, and the one to take. Pure."""

import msgspec

from shared.domain.artefacts import is_own_zone
from shared.domain.conditions import Finding
from shared.domain.cost import Rates, cost_of
from shared.domain.edge import EXPOSURES, EdgeRequest, Exposure, Route
from shared.domain.ids import name_of, same_id
from shared.domain.mesh import Mesh
from shared.domain.node import NodeRecord
from shared.reconcile.edges.ways import (
    Objection,
    Situation,
    against_endpoint,
    against_hub,
    against_peering,
    hub_of,
    in_one,
    way,
)

ROUTED = "Routed"
"""The condition that says whether there is a way."""

ORDER = EXPOSURES
"""The least exposing first."""


class Option(msgspec.Struct, frozen=True):
    """One way: the route where it works, or what speaks against it; and what it would cost in a month."""

    exposure: Exposure
    monthly: float
    currency: str
    route: Route | None = None
    against: tuple[Objection, ...] = ()

    def __str__(self) -> str:
        price = f"{self.monthly:.2f} {self.currency} a month"
        if self.route:
            return f"{self.exposure}: {price}"
        return f"{self.exposure}: not possible ({price}): " + " ".join(o.message for o in self.against)


class Planned(msgspec.Struct, frozen=True):
    """The route to take, or the findings that leave none; and every way that was weighed."""

    route: Route | None
    findings: tuple[Finding, ...]
    options: tuple[Option, ...]

    @property
    def cheapest(self) -> Option | None:
        """Of the ways that work."""
        return min((o for o in self.options if o.route), key=lambda o: o.monthly, default=None)


def plan_route(mesh: Mesh, rates: Rates, seen: Situation) -> Planned:
    """The least exposing way that works, unless one is asked for; the present one where it still works."""
    if seen.gone:
        message = f"{seen.request.target} is gone: revoke the edge, or have the provider create it again."
        return Planned(None, (Finding(ROUTED, "TargetNotFound", message),), ())
    options = tuple(_option(mesh, rates, seen, exposure) for exposure in ORDER)
    asked = seen.request.exposure
    working = [o for o in options if o.route and o.exposure == (asked or o.exposure)]
    kept = [o for o in working if seen.present and o.exposure == seen.present.exposure]
    chosen = next(iter([*kept, *working]), None)
    if chosen is None or chosen.route is None:
        refused = [o for o in options if o.exposure == (asked or o.exposure)]
        return Planned(None, tuple(_finding(o, x) for o in refused for x in o.against), options)
    others = tuple(str(o) for o in options if o is not chosen)
    planned = Planned(chosen.route, (), options)
    why = _why(seen, chosen, planned.cheapest)
    route = msgspec.structs.replace(
        chosen.route, why=why, monthly_cost=round(chosen.monthly, 2), alternatives=others
    )
    return msgspec.structs.replace(planned, route=route)


def holds(mesh: Mesh, request: EdgeRequest, route: Route, consumer: NodeRecord, provider: NodeRecord) -> bool:
    """Whether what the records say of both nodes still allows a route, without looking at Azure."""
    if request.exposure not in (None, route.exposure):
        return False
    if consumer.networks and route.subnet and not in_one(route.subnet, consumer.networks):
        return False
    match route.exposure:
        case "private-endpoint":
            return not against_endpoint(consumer) and all(_answers(mesh, consumer, z) for z in route.zones)
        case "service-endpoint":
            return True
        case "hub":
            return not against_hub(mesh, consumer, provider)
        case "peering":
            return not against_peering(consumer, provider)


def _answers(mesh: Mesh, consumer: NodeRecord, zone: str) -> bool:
    """Whether a zone is the one that the consumer's networks ask: its own, or else its hub's."""
    hub = hub_of(mesh, consumer)
    if is_own_zone(consumer.key, zone):
        return True
    known = any(same_id(zone, z) for z in (hub.zones if hub else ()))
    return known and name_of(zone).lower() not in consumer.own_zones


def _option(mesh: Mesh, rates: Rates, seen: Situation, exposure: Exposure) -> Option:
    found = way(exposure, mesh, seen)
    ends = (seen.provider, seen.consumer)  # of a hub that both have, the consumer's region counts
    hubs = {h.id: h.region or n.location for n in ends if (h := mesh.hub(n.hub))}
    cost = cost_of(
        exposure,
        seen.request.gigabytes,
        seen.consumer.location,
        seen.provider.location,
        rates,
        hubs=list(reversed(hubs.values())),
    )
    if isinstance(found, Route):
        return Option(exposure, cost.monthly, cost.currency, route=found)
    return Option(exposure, cost.monthly, cost.currency, against=tuple(found))


def _why(seen: Situation, chosen: Option, cheapest: Option | None) -> str:
    if seen.request.exposure:
        why = f"{chosen.exposure} was asked for"
    elif seen.present and seen.present.exposure == chosen.exposure and chosen.exposure != ORDER[0]:
        why = f"{chosen.exposure} is what the edge has, and it still works"
    else:
        why = f"{chosen.exposure} exposes the least of the ways that work"
    if cheapest is None or cheapest is chosen or cheapest.monthly >= chosen.monthly:
        return f"{why}; none that works is cheaper."
    return f"{why}; the cheapest that works is {cheapest}."


def _finding(option: Option, objection: Objection) -> Finding:
    return Finding(ROUTED, objection.reason, f"{option.exposure}: {objection.message}")
