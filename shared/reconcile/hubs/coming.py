"""Which private endpoints a hub's look has not counted although an edge is making them, or has made them. Pure."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from shared.domain.edge import EdgeRecord
from shared.domain.hub import ComingEndpoint
from shared.domain.ids import EdgeKey, NodeKey
from shared.domain.node import NodeRecord

GRACE = timedelta(minutes=10)
"""An edge takes its place a moment before it records what it will make."""
CLOCKS = timedelta(minutes=1)
"""By so much clocks of two instances may differ."""


def still_coming(
    place: ComingEndpoint,
    edges: Mapping[EdgeKey, EdgeRecord],
    nodes: Mapping[NodeKey, NodeRecord],
    now: datetime,
) -> bool:
    """Whether a place is to be counted beside what the nodes' records say.

    Not any more once the edge has read its endpoint back and the node was looked at since; nor where the edge does not
    make it after all.
    """
    edge, node = edges.get(place.edge), nodes.get(place.node)
    if edge is None or not any(map(place.stands_for, edge.owned)):
        return now - place.at < GRACE
    if node is None or edge.state not in ("Active", "Expiring"):
        return node is not None
    looked = node.last_run.at if node.last_run else None
    return looked is None or edge.told_at is None or looked - edge.told_at <= CLOCKS
