"""Rows written into the file that Azurite loads at its start: sent to it row by row, they would take it minutes."""

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from local.azurite import ACCOUNT
from shared.adapters.tables.table import Entity

_FILE = "__azurite_db_table__.json"
_INDEXED = ("PartitionKey", "RowKey")
_WRITTEN = "2026-03-01T12:00:00.0000000Z"
_ETAG = "W/\"datetime'2026-03-01T12%3A00%3A00.0000000Z'\""


def write(location: Path, tables: Mapping[str, Sequence[Entity]]) -> None:
    """The database of an account with these tables, as the Azurite of package.json keeps it (LokiJS, version 1.5)."""
    names: list[dict[str, object]] = [{"account": ACCOUNT, "table": name} for name in tables]
    collections = [
        _collection("$TABLES_COLLECTION$", names, ("account", "table")),
        *(
            _collection(f"{ACCOUNT}${name}", list(map(_stored, rows)), _INDEXED)
            for name, rows in tables.items()
        ),
    ]
    body = {"filename": str(location / _FILE), "collections": collections, "databaseVersion": 1.5}
    location.mkdir(parents=True, exist_ok=True)
    (location / _FILE).write_text(json.dumps(body))


def _collection(
    name: str, documents: Sequence[dict[str, object]], indexed: Sequence[str]
) -> dict[str, object]:
    meta = {"revision": 0, "created": 0, "version": 0}
    return {
        "name": name,
        "data": [{**document, "meta": meta, "$loki": n} for n, document in enumerate(documents, 1)],
        "binaryIndices": {column: {"name": column, "dirty": True, "values": []} for column in indexed},
        # Has Azurite sort the indexes itself, once, at the first read: its order is not that of texts.
        "adaptiveBinaryIndices": False,
        "uniqueNames": [],
        "objType": name,
        "maxId": len(documents),
        "DynamicViews": [],
    }


def _stored(entity: Entity) -> dict[str, object]:
    properties = dict(pair for name, value in entity.items() for pair in _properties(name, value))
    keys = {column: entity[column] for column in _INDEXED}
    timestamp = {"Timestamp": _WRITTEN, "Timestamp@odata.type": "Edm.DateTime"}
    return {**keys, "properties": properties | timestamp, "lastModifiedTime": _WRITTEN, "eTag": _ETAG}


def _properties(name: str, value: object) -> Iterator[tuple[str, object]]:
    """A value as the SDK sends it, with its type beside it where JSON has no such type."""
    match value:
        case bytes():
            yield from ((name, b64encode(value).decode()), (f"{name}@odata.type", "Edm.Binary"))
        case datetime():
            text = value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            yield from ((name, text), (f"{name}@odata.type", "Edm.DateTime"))
        case _:
            yield name, value
