"""Texts of others made fit to be shown: tags and names of resources are whatever somebody typed."""

from unicodedata import category

SHOWN = 256
# Marks that turn the direction of a text could make it read as another (Unicode Technical Report 36).
_TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def plain(text: str, longest: int = SHOWN) -> str:
    """One line without control characters and without marks that turn its direction; a long one ends in `…`."""
    kept = "".join(
        " " if category(c) in ("Cc", "Zl", "Zp") else c
        for c in text
        if c not in _TURNING and category(c) != "Cs"
    )
    line = " ".join(kept.split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"
