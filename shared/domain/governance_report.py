"""How the mesh stands towards its policies, counted out of the nodes' standings, by domain and policy and day. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, timedelta

import msgspec

from shared.domain.governance import Standing, Verdict
from shared.domain.ids import NodeKey
from shared.domain.node import State

KEPT_DAYS = 90


class NodeGovernance(msgspec.Struct, frozen=True, kw_only=True):
    """The verdicts of one node by policy; None in a row that was not looked at since there are any."""

    key: NodeKey
    domain: str
    verdicts: Mapping[str, Verdict] | None


class NodeFindings(msgspec.Struct, frozen=True, kw_only=True):
    """What one node does not comply with."""

    key: NodeKey
    state: State
    product: str
    domain: str
    standings: tuple[Standing, ...]


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """Nodes that a policy was evaluated for, by what came of it."""

    compliant: int = 0
    violating: int = 0
    exempt: int = 0
    unknown: int = 0

    @property
    def evaluated(self) -> int:
        """All of them."""
        return self.compliant + self.violating + self.exempt + self.unknown


class Cell(msgspec.Struct, frozen=True, order=True):
    """One policy in one domain, whose name is folded: domains differ by more than the case of their letters."""

    domain: str
    policy: str


class Trend(msgspec.Struct, frozen=True, kw_only=True):
    """What was counted of one cell at the end of each day (ISO) on which there was anything to count."""

    cell: Cell
    days: Mapping[str, Tally]


def tallied(nodes: Iterable[NodeGovernance]) -> dict[Cell, Tally]:
    """The tally of each policy in each domain."""
    counted: Counter[tuple[str, str, Verdict]] = Counter()
    for node in nodes:
        domain = node.domain.casefold()
        counted.update((domain, policy, verdict) for policy, verdict in (node.verdicts or {}).items())
    found: dict[Cell, dict[str, int]] = {}
    for (domain, policy, verdict), number in counted.items():
        found.setdefault(Cell(domain, policy), {})[verdict] = number
    return {cell: Tally(**found[cell]) for cell in sorted(found)}


def added_up(tallies: Iterable[Tally]) -> Tally:
    """Several tallies as one."""
    found = tuple(tallies)
    return Tally(
        compliant=sum(t.compliant for t in found),
        violating=sum(t.violating for t in found),
        exempt=sum(t.exempt for t in found),
        unknown=sum(t.unknown for t in found),
    )


def kept_days(days: Mapping[str, Tally], today: date) -> dict[str, Tally]:
    """The days that are not older than is kept."""
    oldest = (today - timedelta(days=KEPT_DAYS - 1)).isoformat()
    return {day: tally for day, tally in sorted(days.items()) if day >= oldest}


def with_day(before: Mapping[str, Tally], tally: Tally | None, today: date) -> dict[str, Tally]:
    """A cell's days with what is counted today, which replaces what was counted today before."""
    days = dict(before)
    days.pop(today.isoformat(), None)
    return kept_days(days | ({today.isoformat(): tally} if tally else {}), today)
