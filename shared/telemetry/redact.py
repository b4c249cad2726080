"""What of an undecodable piece may be stored.

Activity-log and sign-in records carry claims, addresses and tokens, and a broken text cannot be
relied on to say where. So nothing is kept but its punctuation, its names, and the values of the few
fields that are decoded anyway.
"""

import re

from shared.telemetry.record import Record

KEPT = 32 * 1024
"""The most bytes kept of one piece: a string property of Table Storage holds 64 KiB."""
_WITHHELD = "(withheld)"

_KEPT_FIELDS = {n.lower() for n in Record.__struct_encode_fields__} | {
    "records",
    "_resourceid",
    "resourceuri",
}
_PARTS = re.compile(
    r"""(?P<string>"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|'(?:[^'\\]|\\.)*+(?:'|\\?\Z))
    |(?P<plain>[\s{}\[\],:]+|\b(?:true|false|null)\b|(?<![\w.])-?\d{1,4}(?![\w.:]))
    |(?P<other>[^\s{}\[\],:"']+)""",
    re.DOTALL | re.VERBOSE,
)
_IS_NAME = re.compile(r"\s*:")
_NAME = re.compile(r"[a-z_$][\w./:#$-]{0,127}", re.ASCII)
# A string that begins or ends at the wrong quote swallows its neighbours: what is kept looks like an id or a word.
_VALUE = re.compile(r"""["'][\w ./:+()#~-]{0,1024}["']""", re.ASCII)


def redacted(piece: bytes) -> bytes:
    """The piece with every value withheld that could belong to a person; empty where it is not text."""
    try:
        text = piece.decode("utf-8")
    except UnicodeDecodeError:
        return b""
    kept: list[str] = []
    name = ""  # of the value that comes next
    for part in _PARTS.finditer(text, 0, KEPT):
        if part["plain"]:
            kept.append(part[0])
            name = "" if part[0].strip(" \t\r\n:") else name
        elif part["string"] and _IS_NAME.match(text, part.end()):
            name = part[0].strip("\"'").lower()
            kept.append(part[0] if _NAME.fullmatch(name) else f'"{_WITHHELD}"')
        else:
            keep = name in _KEPT_FIELDS and _VALUE.fullmatch(part[0])
            kept.append(part[0] if keep else f'"{_WITHHELD}"' if part["string"] else "?")
            name = ""
    return "".join(kept).encode()[:KEPT]
