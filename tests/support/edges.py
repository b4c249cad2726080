"""Edges as records, where nothing but their being there matters."""

from datetime import UTC, datetime

from shared.domain.edge import EdgeRecord, EdgeRequest, EdgeState, Exposure, Route
from shared.domain.ids import EdgeKey, NodeKey
from shared.domain.node import LastRun

LONG_AGO = datetime(2025, 1, 1, tzinfo=UTC)


def an_edge(
    consumer: NodeKey,
    provider: NodeKey,
    exposure: Exposure,
    *,
    state: EdgeState = "Active",
    name: str = "e1",
    artefact: str = "",
    looked_at: datetime = LONG_AGO,
) -> EdgeRecord:
    """A live edge with a route, last looked at when it was said."""
    return EdgeRecord(
        key=EdgeKey(name),
        request=EdgeRequest(consumer=consumer, provider=provider, interface="resource"),
        state=state,
        requested_by="somebody",
        requested_at=LONG_AGO,
        route=Route(exposure=exposure, why="", artefact=artefact),
        last_run=LastRun(looked_at, "run", state),
    )
