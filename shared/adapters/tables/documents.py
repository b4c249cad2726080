"""Documents in an entity: compressed, and cut into as many binary properties as they need.

Limits of Table Storage: 64 KiB a property, 1 MiB an entity, 255 properties.
"""

import zlib

import msgspec

from shared.adapters.tables.table import Entity
from shared.domain.errors import Terminal

CHUNK = 60 * 1024
DOCUMENT = "document"
PIECES = 18  # what 1 MiB can hold


def columns(name: str = DOCUMENT) -> list[str]:
    """The properties that a document of this name may take."""
    return [f"{name}{number:02d}" for number in range(PIECES)]


def packed(body: bytes, name: str = DOCUMENT) -> dict[str, bytes]:
    """The properties that carry some bytes: `document00`, `document01` …"""
    small = zlib.compress(body)
    pieces = [small[start : start + CHUNK] for start in range(0, len(small), CHUNK)]
    return {f"{name}{number:02d}": piece for number, piece in enumerate(pieces)}


def unpacked(entity: Entity, name: str = DOCUMENT) -> bytes:
    """The bytes that `packed` put into an entity; Terminal (`UnreadableRow`) where it carries none."""
    pieces = [piece for column in columns(name) if isinstance(piece := entity.get(column), bytes)]
    try:
        return zlib.decompress(b"".join(pieces))
    except zlib.error as error:
        raise _unreadable(entity) from error


def decoded[T](entity: Entity, kind: type[T]) -> T:
    """The struct whose JSON the entity carries; Terminal (`UnreadableRow`) where it is not one."""
    try:
        return msgspec.json.decode(unpacked(entity), type=kind)
    except msgspec.MsgspecError as error:
        raise _unreadable(entity) from error


def _unreadable(entity: Entity) -> Terminal:
    target = f"{entity.get('PartitionKey')}/{entity.get('RowKey')}"
    return Terminal("UnreadableRow", "the row carries no document that this version can read", target=target)
