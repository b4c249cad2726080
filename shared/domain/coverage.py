"""How much of a node's or the mesh's resources report, counted out of rows of coverage. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec

from shared.domain.ids import NodeKey
from shared.domain.node import Coverage, State
from shared.domain.sinks import KINDS, SinkKind


class SinkCount(msgspec.Struct, frozen=True):
    """Resources that are to report to a kind of sink, and those of them that report all they are to."""

    wanted: int = 0
    covered: int = 0


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """`supported` have diagnostics that somebody wants, `covered` report all of it to every sink they are to.

    `exceptions` counts those that do not by one word for why, those that support nothing among them. `checked_at` is
    when the resource that was looked at longest ago was.
    """

    resources: int = 0
    supported: int = 0
    covered: int = 0
    sinks: Mapping[SinkKind, SinkCount] = {}
    exceptions: Mapping[str, int] = {}
    checked_at: datetime | None = None


class NodeCoverage(msgspec.Struct, frozen=True, kw_only=True):
    """The counts of one node, as a list shows them; None in a row from before they were counted."""

    key: NodeKey
    state: State
    product: str
    domain: str
    counts: Counts | None


def counted(rows: Iterable[Coverage]) -> Counts:
    """The counts of one node. Rows from before there were several sinks are to report to the workspace."""
    rows = tuple(rows)
    sinks: dict[SinkKind, SinkCount] = {}
    for kind in KINDS:
        wanted = [r for r in rows if kind in _wanted(r)]
        if wanted:
            covered = sum(kind in r.covers or (r.status == "covered" and not r.wanted) for r in wanted)
            sinks[kind] = SinkCount(len(wanted), covered)
    exceptions = Counter(r.code or r.status for r in rows if r.status != "covered")
    return Counts(
        resources=len(rows),
        supported=sum(r.status != "unsupported" for r in rows),
        covered=sum(r.status == "covered" for r in rows),
        sinks=sinks,
        exceptions=dict(sorted(exceptions.items())),
        checked_at=min((r.checked_at for r in rows), default=None),
    )


def _wanted(row: Coverage) -> tuple[SinkKind, ...]:
    return row.wanted or (() if row.status == "unsupported" else KINDS[:1])


def added_up(counts: Iterable[Counts]) -> Counts:
    """The counts of many nodes as one."""
    counts = tuple(counts)
    exceptions: Counter[str] = Counter()
    for one in counts:
        exceptions.update(one.exceptions)
    sinks: dict[SinkKind, SinkCount] = {}
    for kind in KINDS:
        found = [c.sinks[kind] for c in counts if kind in c.sinks]
        if found:
            sinks[kind] = SinkCount(sum(s.wanted for s in found), sum(s.covered for s in found))
    return Counts(
        resources=sum(c.resources for c in counts),
        supported=sum(c.supported for c in counts),
        covered=sum(c.covered for c in counts),
        sinks=sinks,
        exceptions=dict(sorted(exceptions.items())),
        checked_at=min((c.checked_at for c in counts if c.checked_at), default=None),
    )
