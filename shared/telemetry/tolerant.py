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

from shared.telemetry.record import Item, Record, Undecodable

UNPACKED_LIMIT = 64 * 1024 * 1024
"""The most bytes a compressed event may unpack to; Event Hubs' largest event has 1 MB (dedicated: 20 MB)."""
_NESTING = 4  # envelopes inside envelopes


# Names in lower case → ours. `_ResourceId` and `TimeGenerated` come from data export rules of Log Analytics.
_OTHER_SPELLINGS = {"_resourceid": "resourceId", "resourceuri": "resourceId", "timegenerated": "time"}
_UNREADABLE = (ValueError, RecursionError)  # json's, msgspec's and Unicode's errors are ValueErrors


def decode_tolerantly(body: bytes, record: type[Record]) -> list[Item]:
    """What can be read of a body of any form, in its order, as records of a type. Never raises."""
    try:
        text = _unpacked(body).decode("utf-8-sig", "replace")
    except zlib.error as error:
        return [Undecodable(f"starts like gzip and is not: {error}", body)]
    if not text.strip(_BETWEEN):
        return [Undecodable("empty", body)]
    return _items(text, _Target(record), _NESTING)


class _Target:
    """What type of record is made, and the names it knows."""

    def __init__(self, record: type[Record]) -> None:
        self.record = record
        self.typed = msgspec.json.Decoder(record)
        names = record.__struct_encode_fields__
        self.spellings = {n.lower(): n for n in reversed(names)} | _OTHER_SPELLINGS | {n: n for n in names}
        self.raw = frozenset(names).difference(Record.__struct_encode_fields__)


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
    r"""(?P<double>"(?:[^"\\]|\\.)*+(?:"|\\?\Z))
    |(?<=[{\[,:])\s*'(?P<single>(?:[^'\\]|\\.|'(?!\s*[,:}\]]))*+)(?:'|\\?\Z)
    |(?P<brace>[{}])
    |(?P<comma>,)(?=\s*[}\]])""",
    re.DOTALL | re.VERBOSE,
)
# The quotes are doubled, and of both kinds, in a recording of Front Door's log.
_ENVELOPE = re.compile(r"""\s*\{\s*["']+records["']+\s*:\s*\[""")
_BETWEEN = "\0\ufeff \t\r\n,[]}"


def _items(text: str, target: _Target, nesting: int) -> list[Item]:
    """Of an envelope, an array, objects in a row, or one object."""
    envelope = _ENVELOPE.match(text)
    inside = text[envelope.end() :] if envelope else text
    by_braces = [i for piece in _pieces(inside) for i in _piece_items(piece, target, nesting)]
    if not by_braces and any(text.count(start) != text.count(end) for start, end in ("[]", "{}")):
        return [_undecodable("cut off before its first record", text)]
    if all(isinstance(i, Record) for i in by_braces):
        return by_braces
    by_first_name = [i for part in _parts(inside) for i in _part_items(part, target, nesting)]
    return max(by_braces, by_first_name or by_braces, key=_readable)


def _readable(items: list[Item]) -> tuple[int, int]:
    records = sum(isinstance(i, Record) for i in items)
    return records, records - len(items)


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


def _parts(text: str) -> list[str]:
    """A text cut before each object that begins with the same name as its first.

    Where a quote is missing the braces cannot be trusted, but a service writes its fields in one order.
    """
    first = re.search(r"""\{\s*(["'][^"'\\]{1,64}["'])\s*:""", text)
    if not first:
        return []
    before = text[: first.start()]
    # Possessive, as blanks without end would otherwise be shared out in every way.
    objects = re.split(rf"(?<=\}})\s*+,?+\s*+(?=\{{\s*+{re.escape(first[1])}\s*:)", text[first.start() :])
    return [before, *objects] if len(objects) > 1 or before.strip(_BETWEEN) else []


def _part_items(part: str, target: _Target, nesting: int) -> list[Item]:
    items = [i for piece in _pieces(part) for i in _piece_items(piece, target, nesting)]
    broken = [i for i in items if isinstance(i, Undecodable)]
    return [_undecodable(broken[0].reason, part)] if len(broken) == len(items) > 1 else items


# --- one piece


def _piece_items(piece: str, target: _Target, nesting: int) -> list[Item]:
    if nesting and _ENVELOPE.match(piece):
        return _items(piece, target, nesting - 1)
    try:
        return [target.typed.decode(piece)]
    except _UNREADABLE:
        return _lenient(piece, target)


def _lenient(piece: str, target: _Target) -> list[Item]:
    try:
        return _from_value(json.loads(_TOKEN.sub(_repaired, piece), strict=False), piece, target)
    except _UNREADABLE as error:
        return [_undecodable(str(error) or type(error).__name__, piece)]


def _repaired(token: re.Match[str]) -> str:
    if token["comma"]:
        return ""
    if token["single"] is not None:
        return '"' + re.sub(r"""(?<!\\)(?=")""", r"\\", token["single"].replace("\\'", "'")) + '"'
    return token[0].replace("\\'", "'") if token["double"] else token[0]


def _from_value(value: object, piece: str, target: _Target) -> list[Item]:
    if not isinstance(value, dict):
        return [_undecodable(f"a record is an object, not {_kind(value)}", piece)]
    if "records" not in value:
        return [_from_object(value, piece, target)]
    records = value["records"]
    if not isinstance(records, list):
        return [_undecodable(f"records is {_kind(records)}, not an array", piece)]
    return [i for r in records for i in _from_value(r, json.dumps(r), target)]


def _from_object(value: dict[str, object], piece: str, target: _Target) -> Item:
    fields: dict[str, object] = {"resourceId": ""}
    for name, content in value.items():
        spelling = target.spellings.get(name) or target.spellings.get(name.lower(), "")
        if spelling == "resourceId" and not isinstance(content, str | None):
            return _undecodable(f"{name} is {_kind(content)}, not a string", piece)
        if fields.get(spelling):
            continue
        if spelling in target.raw:
            fields[spelling] = msgspec.Raw(json.dumps(content))
        elif spelling and type(content) in (str, int):
            fields[spelling] = _valid(str(content))
    return msgspec.convert(fields, target.record)


def _valid(text: str) -> str:
    """Without lone surrogates, which JSON can write and UTF-8 cannot."""
    return text.encode("utf-8", "replace").decode()


def _kind(value: object) -> str:
    kinds = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    return kinds.get(type(value), "a number")


def _undecodable(reason: str, piece: str) -> Undecodable:
    return Undecodable(reason, piece.encode("utf-8", "replace"))
