r"""Partition and row keys: any text made fit for Azure, and times that sort the newest first.

Azure forbids `/ \ # ?` and control characters in keys and allows 1 KiB, which is 512 characters of
UTF-16 (Understanding the Table service data model). A percent sign and a quote are legal but have
broken clients, so they are escaped too.
"""

import re
from datetime import UTC, datetime
from hashlib import sha256

LIMIT = 512
_UNFIT = re.compile(r"[/\\#?%'~|\x00-\x1f\x7f-\x9f]")
_END_OF_TIME = datetime(9999, 12, 31, tzinfo=UTC)


def key_of(text: str) -> str:
    """A key for a text: `/` becomes `|`, what Azure forbids `~` and its code; a long one ends in its hash.

    Two texts never share a key, apart from a collision of SHA-256.
    """
    key = _UNFIT.sub(_escaped, text)
    if len(key.encode("utf-16-le")) <= LIMIT * 2:
        return key
    return f"{key[: LIMIT // 4]}~{sha256(text.encode()).hexdigest()}"


def newest_first(at: datetime) -> str:
    """A key prefix by which later times sort first, to the microsecond; always 18 digits."""
    left = _END_OF_TIME - at
    return f"{left.days * 86_400_000_000 + left.seconds * 1_000_000 + left.microseconds:018d}"


def _escaped(match: re.Match[str]) -> str:
    character = match.group()
    return "|" if character == "/" else f"~{ord(character):04x}"
