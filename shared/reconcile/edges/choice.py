"""Choosing the route of an edge, given which names others have."""

from collections.abc import Awaitable, Callable

import msgspec

from shared.domain.cost import Rates
from shared.domain.edge import EdgeRecord, Route
from shared.domain.mesh import Mesh
from shared.reconcile.edges.observe import EdgeObserver, Sights
from shared.reconcile.edges.planner import Planned, plan_route
from shared.reconcile.edges.ways import Situation

type Look = Callable[[Route | None], Awaitable[Sights]]


async def choose(
    mesh: Mesh, rates: Rates, observer: EdgeObserver, record: EdgeRecord, situation: Situation, look: Look
) -> Planned:
    """The plan whose names are nobody else's: where one is, the zone of that name becomes the consumer's own.

    `look` says what there is of a route.
    """
    while True:
        planned = plan_route(mesh, rates, situation)
        taken = await observer.taken(record, planned.route, await look(planned.route))
        if taken <= situation.taken:
            return planned
        situation = msgspec.structs.replace(situation, taken=situation.taken | taken)


async def unseen(route: Route | None) -> Sights:
    """Nothing was looked at: the records alone tell."""
    del route
    return Sights()
