"""Words in which `*` stands for any run of characters, as people name nodes, tags and types. Pure."""

from collections.abc import Iterable


def fits(pattern: str, text: str) -> bool:
    """Whether a text is what a pattern says, in any case of letters. Takes no longer for many stars.

    A text that holds stars itself is taken as it stands: a pattern that fits another pattern fits all that one does.
    """
    pattern, text = pattern.casefold(), text.casefold()
    first, *middle = pattern.split("*")
    if not middle:
        return text == first
    last = middle.pop()
    if len(text) < len(first) + len(last) or not (text.startswith(first) and text.endswith(last)):
        return False
    place, end = len(first), len(text) - len(last)
    for part in middle:
        found = text.find(part, place, end)
        if found < 0:
            return False
        place = found + len(part)
    return True


def fits_any(patterns: Iterable[str], text: str) -> bool:
    """Whether one of the patterns fits."""
    return any(fits(pattern, text) for pattern in patterns)
