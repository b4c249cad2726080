"""The `alerts` table: partition the node, row the alert's id; a second row leads from an id to its node.

That an alert lies under its node makes a node's list one query of one partition. Rows that the versions before 0.3
wrote lie in partitions of another name, and are left alone.
"""

from collections import OrderedDict
from collections.abc import AsyncIterator
from datetime import datetime

import msgspec

from shared.adapters.tables.continuation import read_token, write_token
from shared.adapters.tables.documents import decoded, packed
from shared.adapters.tables.keys import key_of
from shared.adapters.tables.table import Entity, TableStorage
from shared.domain.alert import Alert
from shared.domain.errors import Conflict, NotFound
from shared.ports import Page

KNOWN_PLACES = 10_000
_EVERY_NODE = "PartitionKey ge 'of ' and PartitionKey lt 'of!'"


class TableAlertStore:
    """AlertStore."""

    def __init__(self, storage: TableStorage) -> None:
        self._table = storage.table("alerts")
        # An alert never moves to another node.
        self._places: OrderedDict[str, str] = OrderedDict()

    async def get(self, alert_id: str) -> Alert | None:
        partition = await self._place(alert_id)
        found = await self._table.get(partition, key_of(alert_id)) if partition else None
        if found is None:
            return None
        return msgspec.structs.replace(decoded(found[0], Alert), etag=found[1])

    async def save(self, alert: Alert) -> Alert:
        try:
            if alert.etag is None:
                etag = await self._table.insert(_entity(alert, await self._lead_to(alert)))
            else:
                etag = await self._table.replace(_entity(alert, await self._place(alert.id)), alert.etag)
        except NotFound as error:
            message = "the alert was removed since it was read"
            raise Conflict("AlertGone", message, target=alert.id) from error
        return msgspec.structs.replace(alert, etag=etag)

    async def list(
        self,
        *,
        node: str = "",
        state: str = "",
        rule: str = "",
        severity: str = "",
        size: int = 100,
        continuation: str = "",
    ) -> Page[Alert]:
        scope = f"alerts {node} {state} {rule} {severity}"
        wanted = {"state": state, "rule": rule, "severity": severity}
        values = {name: value for name, value in wanted.items() if value}
        query = [f"{name} eq @{name}" for name in values]
        query.insert(0, "PartitionKey eq @partition" if node else _EVERY_NODE)
        rows, place = await self._table.page(
            " and ".join(query),
            {**values, "partition": _partition(node)},
            size=size,
            after=read_token(scope, continuation),
        )
        return Page(tuple(_alert(row) for row in rows), write_token(scope, place))

    async def due(self, before: datetime) -> AsyncIterator[str]:
        query = f"{_EVERY_NODE} and due lt @before"
        async for row in self._table.query(query, {"before": before}, ["PartitionKey", "RowKey", "id"]):
            yield str(row["id"])

    # --- from an id to its node

    async def _place(self, alert_id: str) -> str:
        """The partition that an alert lies in; empty where there is none."""
        if alert_id in self._places:
            self._places.move_to_end(alert_id)
            return self._places[alert_id]
        found = await self._table.get(_lead(alert_id), key_of(alert_id))
        if found is None:
            return ""
        return self._known(alert_id, str(found[0]["partition"]))

    async def _lead_to(self, alert: Alert) -> str:
        """The partition of a new alert, written down before the alert itself: nobody would find it otherwise.

        Whoever wrote it down first decides, so that there is one alert of an id.
        """
        partition = _partition(alert.node)
        row = {"PartitionKey": _lead(alert.id), "RowKey": key_of(alert.id), "partition": partition}
        try:
            await self._table.insert(row)
        except Conflict:
            return await self._place(alert.id)
        return self._known(alert.id, partition)

    def _known(self, alert_id: str, partition: str) -> str:
        self._places[alert_id] = partition
        if len(self._places) > KNOWN_PLACES:
            self._places.popitem(last=False)
        return partition


def _lead(alert_id: str) -> str:
    """Ids are hexadecimal: 256 partitions."""
    return key_of(f"id {alert_id[:2]}")


def _partition(node: str) -> str:
    return key_of(f"of {node}")


def _alert(row: Entity) -> Alert:
    return decoded(row, Alert)


def _entity(alert: Alert, partition: str) -> dict[str, object]:
    entity: dict[str, object] = {
        "PartitionKey": partition,
        "RowKey": key_of(alert.id),
        "id": alert.id,
        "state": alert.state,
        "rule": alert.rule,
        "severity": alert.severity,
        "last_at": alert.last_at,
        **packed(msgspec.json.encode(msgspec.structs.replace(alert, etag=None))),
    }
    # A row without the column is never due.
    return entity | ({"due": alert.due} if alert.due else {})
