"""The bodies that are not what Azure Monitor documents, each form seen in a recording or reported by users.

Compressed with gzip; a byte-order mark; one object without an envelope; several objects one after
the other, by line or not; envelopes inside arrays, and the cut-off tail of one; names in other
spellings; single quotes and trailing commas. One broken record costs only itself: the records around
it are found by their braces.
"""

import json
import re
import zlib
from collections.abc import Iterator

import msgspec

from shared.telemetry.record import Record

UNPACKED_LIMIT = 64 * 1024 * 1024
"""The most bytes a compressed event may unpack to; Event Hubs' largest event has 1 MB (dedicated: 20 MB)."""
_NESTING = 4  # envelopes inside envelopes


class Undecodable(msgspec.Struct, frozen=True):
    """A piece of an event that is no record: why, and the piece itself (it may hold claims: redact before storing)."""

    reason: str
    piece: bytes


type Item = Record | Undecodable

_RECORD = msgspec.json.Decoder(Record)
_UNREADABLE = (ValueError, RecursionError)  # json's, msgspec's and Unicode's errors are ValueErrors


def decode_tolerantly(body: bytes) -> list[Item]:
    """What can be read of a body of any form, in its order. Never raises."""
    try:
        text = _unpacked(body).decode("utf-8-sig", "replace")
    except zlib.error as error:
        return [Undecodable(f"starts like gzip and is not: {error}", body)]
    if not text.strip(_BETWEEN):
        return [Undecodable("empty", body)]
    return list(_items(text, _NESTING))


def _unpacked(body: bytes) -> bytes:
    if not body.startswith(b"\x1f\x8b"):
        return body
    unpacker = zlib.decompressobj(wbits=31)
    unpacked = unpacker.decompress(body, UNPACKED_LIMIT)
    if not unpacker.eof:
        raise zlib.error("larger than 64 MiB" if unpacker.unconsumed_tail else "cut off")
    return unpacked


# --- pieces: where one record ends and the next begins

# A string in double quotes; one in single quotes, which ends where a colon, comma or bracket follows its quote; a
# brace; a comma too many. Possessive, so that a broken text costs one pass.
_TOKEN = re.compile(
    r"""(?P<double>"(?:[^"\\]|\\.)*+(?:"|\Z))
    |(?<=[{\[,:])\s*'(?P<single>(?:[^'\\]|\\.|'(?!\s*[,:}\]]))*+)(?:'|\Z)
    |(?P<brace>[{}])
    |(?P<comma>,)(?=\s*[}\]])""",
    re.DOTALL | re.VERBOSE,
)
# The quotes are doubled, and of both kinds, in a recording of Front Door's log.
_ENVELOPE = re.compile(r"""\{\s*["']+records["']+\s*:\s*\[""")
_BETWEEN = "\0\ufeff \t\r\n,[]}"


def _items(text: str, nesting: int) -> Iterator[Item]:
    """Of an envelope, an array, objects in a row, or one object."""
    for piece in _pieces(text):
        envelope = _ENVELOPE.match(piece)
        if envelope and nesting:
            yield from _items(piece[envelope.end() :], nesting - 1)
        else:
            yield from _piece_items(piece)


def _pieces(text: str) -> Iterator[str]:
    """The objects that are not inside another, and what stands between them where that is not punctuation."""
    depth, start, end = 0, 0, 0
    for token in _TOKEN.finditer(text):
        if token["brace"] == "{":
            if depth == 0:
                yield from _stray(text[end : token.start()])
                start = token.start()
            depth += 1
        elif token["brace"] and depth:
            depth -= 1
            if depth == 0:
                end = token.end()
                yield text[start:end]
    yield from _stray(text[start if depth else end :])


def _stray(text: str) -> Iterator[str]:
    stripped = text.strip(_BETWEEN)
    if stripped:
        yield stripped


# --- one piece


def _piece_items(piece: str) -> list[Item]:
    try:
        return [_RECORD.decode(piece)]
    except _UNREADABLE:
        items = _lenient(piece)
    if all(isinstance(i, Undecodable) for i in items):
        parts = [i for part in _resynchronised(piece) for p in _pieces(part) for i in _lenient(p)]
        return parts if any(isinstance(i, Record) for i in parts) else items
    return items


def _resynchronised(piece: str) -> list[str]:
    """A piece cut before each object that begins with the same name as its first.

    Where a quote is missing the braces cannot be trusted; one service writes its records' fields in one order.
    """
    first = re.match(r"""\{\s*(["'][^"'\\]{1,64}["'])\s*:""", piece)
    return re.split(rf"(?<=\}})\s*,?\s*(?=\{{\s*{re.escape(first[1])}\s*:)", piece) if first else []


def _lenient(piece: str) -> list[Item]:
    try:
        return _from_value(json.loads(_TOKEN.sub(_repaired, piece), strict=False), piece)
    except _UNREADABLE as error:
        return [_undecodable(str(error) or type(error).__name__, piece)]


def _repaired(token: re.Match[str]) -> str:
    if token["comma"]:
        return ""
    if token["single"] is not None:
        return '"' + re.sub(r"""(?<!\\)(?=")""", r"\\", token["single"].replace("\\'", "'")) + '"'
    return token[0].replace("\\'", "'") if token["double"] else token[0]


def _from_value(value: object, piece: str) -> list[Item]:
    if not isinstance(value, dict):
        return [_undecodable(f"a record is an object, not {_kind(value)}", piece)]
    records = value.get("records")
    if isinstance(records, list):
        return [i for r in records for i in _from_value(r, json.dumps(r))]
    return [_from_object(value, piece)]


# Names in lower case → ours. `_ResourceId` and `TimeGenerated` come from data export rules of Log Analytics.
_SPELLINGS = {n.lower(): n for n in Record.__struct_encode_fields__ if n != "Status"} | {
    "_resourceid": "resourceId",
    "resourceuri": "resourceId",
    "timegenerated": "time",
}


def _from_object(value: dict[str, object], piece: str) -> Item:
    fields = {"resourceId": ""}
    for name, content in value.items():
        spelling = name if name == "Status" else _SPELLINGS.get(name.lower(), "")
        if spelling == "resourceId" and not isinstance(content, str | None):
            return _undecodable(f"{name} is {_kind(content)}, not a string", piece)
        if spelling and type(content) in (str, int) and not fields.get(spelling):
            fields[spelling] = _valid(str(content))
    return msgspec.convert(fields, Record)


def _valid(text: str) -> str:
    """Without lone surrogates, which JSON can write and UTF-8 cannot."""
    return text.encode("utf-8", "replace").decode()


def _kind(value: object) -> str:
    kinds = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    return kinds.get(type(value), "a number")


def _undecodable(reason: str, piece: str) -> Undecodable:
    return Undecodable(reason, piece.encode("utf-8", "replace"))
