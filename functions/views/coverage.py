"""Coverage: what reports where, for people."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from shared.domain.coverage import Counts, NodeCoverage, added_up, counted
from shared.domain.node import NodeRecord
from shared.domain.sinks import SinkKind
from shared.domain.telemetry_cost import TelemetryCost


class SinkView(msgspec.Struct, frozen=True):
    """Resources that are to report to a kind of sink, and those that do."""

    kind: SinkKind
    wanted: int
    covered: int


class ExceptionView(msgspec.Struct, frozen=True):
    """Resources that do not report all they should, by one word for why."""

    reason: str
    resources: int


class CountsView(msgspec.Struct, frozen=True):
    """Counts, and how long ago (in seconds) the resource was looked at that was so longest ago."""

    resources: int
    supported: int
    covered: int
    sinks: list[SinkView]
    exceptions: list[ExceptionView]
    checked_at: datetime | None
    age_seconds: float | None


class MeshCoverage(msgspec.Struct, frozen=True):
    """The whole mesh; `uncounted` nodes have not been looked at since this version counts them."""

    nodes: int
    complete: int
    uncounted: int
    counts: CountsView


class NodeCoverageItem(msgspec.Struct, frozen=True):
    """One node of the list; no counts where it has not been looked at since this version counts them."""

    subscription: str
    group: str
    state: str
    product: str
    domain: str
    counts: CountsView | None


class ResourceCoverage(msgspec.Struct, frozen=True):
    """One resource; `settings` are those of ours on it, `code` and `reason` why it is not covered."""

    id: str
    status: str
    wanted: tuple[SinkKind, ...]
    covers: tuple[SinkKind, ...]
    settings: tuple[str, ...]
    code: str
    reason: str
    checked_at: datetime


class NodeCoverageDetail(msgspec.Struct, frozen=True):
    """One node in full; `cost` is an estimate out of what it streamed in the last week."""

    subscription: str
    group: str
    telemetry: str
    counts: CountsView
    resources: list[ResourceCoverage]
    cost: TelemetryCost


def counts_view(counts: Counts, now: datetime) -> CountsView:
    """Counts for people."""
    at = counts.checked_at
    return CountsView(
        counts.resources,
        counts.supported,
        counts.covered,
        [SinkView(kind, c.wanted, c.covered) for kind, c in counts.sinks.items()],
        [ExceptionView(reason, number) for reason, number in counts.exceptions.items()],
        at,
        (now - at).total_seconds() if at else None,
    )


def mesh_coverage_view(rows: Sequence[NodeCoverage], now: datetime) -> MeshCoverage:
    """All nodes as one."""
    counts = [row.counts for row in rows if row.counts is not None]
    complete = sum(c.covered == c.supported for c in counts)
    return MeshCoverage(len(rows), complete, len(rows) - len(counts), counts_view(added_up(counts), now))


def node_coverage_item(node: NodeCoverage, now: datetime) -> NodeCoverageItem:
    """A node for the list."""
    counts = counts_view(node.counts, now) if node.counts else None
    return NodeCoverageItem(
        node.key.subscription, node.key.group, node.state, node.product, node.domain, counts
    )


def node_coverage_detail(record: NodeRecord, cost: TelemetryCost, now: datetime) -> NodeCoverageDetail:
    """A node in full."""
    rows = [
        ResourceCoverage(c.id, c.status, c.wanted, c.covers, c.names, c.code, c.reason, c.checked_at)
        for c in record.coverage
    ]
    key, counts = record.key, counts_view(counted(record.coverage), now)
    return NodeCoverageDetail(key.subscription, key.group, record.telemetry, counts, rows, cost)
