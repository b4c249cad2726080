"""The mesh's nodes as the stream needs them."""

from datetime import datetime, timedelta

from shared.domain.ids import NodeKey
from shared.ports import Clock, NodeStore
from shared.telemetry.attribute import Attribution

_PAGE = 1000


class KnownNodes:
    """The mesh's nodes as of at most `max_age` seconds ago."""

    def __init__(self, store: NodeStore, clock: Clock, max_age: float = 15.0) -> None:
        self._store = store
        self._clock = clock
        self._max_age = timedelta(seconds=max_age)
        self._read_at: datetime | None = None
        self._attribution = Attribution(())

    async def attribution(self) -> Attribution:
        """Raises what the store raises when the nodes have to be read again."""
        now = self._clock.now()
        if self._read_at is None or not timedelta() <= now - self._read_at < self._max_age:
            domains = await self._read()
            if domains.keys() != self._attribution.nodes or domains != self._attribution.domains:
                self._attribution = Attribution(domains, domains)
            self._read_at = now
        return self._attribution

    async def _read(self) -> dict[NodeKey, str]:
        nodes: dict[NodeKey, str] = {}
        continuation = ""
        while True:
            page = await self._store.list(size=_PAGE, continuation=continuation)
            nodes.update((n.key, n.domain) for n in page.items if n.state != "Offboarded")
            continuation = page.continuation
            if not continuation:
                return nodes
