"""The `alerts` table: partition the node, row the alert's deduplication key."""

import asyncio
import random

import msgspec

from shared.adapters.tables.continuation import read_token, write_token
from shared.adapters.tables.documents import decoded, packed
from shared.adapters.tables.keys import key_of
from shared.adapters.tables.table import TableStorage
from shared.domain.errors import Conflict, NotFound
from shared.ports import SEVERITIES, Alert, Page

ATTEMPTS = 20
_PAUSE = 0.01  # seconds; grows with the attempts, by chance, so that writers to one alert fall apart


class TableAlerts:
    """Alerts."""

    def __init__(self, storage: TableStorage) -> None:
        self._table = storage.table("alerts")

    async def raise_alert(self, alert: Alert) -> Alert:
        for attempt in range(ATTEMPTS):
            try:
                return await self._raise_once(alert)
            except (Conflict, NotFound):
                await asyncio.sleep(random.uniform(0, _PAUSE * attempt))
        raise Conflict("AlertContended", f"{ATTEMPTS} attempts met other writers", target=alert.id)

    async def list(
        self, *, node: str = "", state: str = "", size: int = 100, continuation: str = ""
    ) -> Page[Alert]:
        scope = f"alerts {node} {state}"
        wanted = {"PartitionKey": key_of(node) if node else "", "state": state}
        values = {name: value for name, value in wanted.items() if value}
        rows, place = await self._table.page(
            " and ".join(f"{name} eq @{name}" for name in values),
            values,
            size=size,
            after=read_token(scope, continuation),
        )
        return Page(tuple(decoded(row, Alert) for row in rows), write_token(scope, place))

    async def _raise_once(self, alert: Alert) -> Alert:
        found = await self._table.get(key_of(alert.node), key_of(alert.id))
        if found is None:
            await self._table.insert(_entity(alert))
            return alert
        merged = raised_again(decoded(found[0], Alert), alert)
        await self._table.replace(_entity(merged), found[1])
        return merged


def raised_again(stored: Alert, alert: Alert) -> Alert:
    """The stored alert with one more raise: a resolved one fires again, an acknowledged one stays so.

    The worse severity stays, with the title that tells of it, and the earlier first time.
    """
    worst = min(stored, alert, key=lambda each: SEVERITIES.index(each.severity))
    return msgspec.structs.replace(
        stored,
        severity=worst.severity,
        title=worst.title,
        count=stored.count + alert.count,
        first_at=min(stored.first_at, alert.first_at),
        last_at=max(stored.last_at, alert.last_at),
        state="Firing" if stored.state == "Resolved" else stored.state,
    )


def _entity(alert: Alert) -> dict[str, object]:
    return {
        "PartitionKey": key_of(alert.node),
        "RowKey": key_of(alert.id),
        "state": alert.state,
        "severity": alert.severity,
        "last_at": alert.last_at,
        **packed(msgspec.json.encode(alert)),
    }
