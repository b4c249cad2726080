"""The report: how many nodes comply with what, now and day by day."""

from datetime import timedelta

from shared.domain.governance_report import Cell, NodeGovernance, Tally, tallied
from shared.ports import Clock, NodeStore
from shared.ports.mesh import Trends

PAGE = 1000
EVERY = timedelta(hours=1)
"""How often a day's counts are taken: the last ones of a day are that day's."""


class GovernanceReport:
    """Counts the nodes' standings; reads of each row only what it counts."""

    def __init__(self, nodes: NodeStore, trends: Trends, clock: Clock) -> None:
        self._nodes = nodes
        self._trends = trends
        self._clock = clock

    async def nodes(self) -> list[NodeGovernance]:
        """The verdicts of every node: a request for each thousand."""
        page = await self._nodes.governance(size=PAGE)
        rows = [*page.items]
        while page.continuation:
            page = await self._nodes.governance(size=PAGE, continuation=page.continuation)
            rows += page.items
        return rows

    async def record(self) -> dict[Cell, Tally] | None:
        """Writes down what is counted today, in place of what was counted before; None where that was lately."""
        now, before = self._clock.now(), await self._trends.recorded_at()
        if before and now - before < EVERY and before.date() == now.date():
            return None
        tallies = tallied(await self.nodes())
        await self._trends.record(tallies, now)
        return tallies
