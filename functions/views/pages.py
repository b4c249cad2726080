"""Pages of lists, and answers that only name something."""

import msgspec


class List[T](msgspec.Struct, frozen=True):
    """One page; `continuation` goes into the query of the next request and is empty on the last page."""

    items: list[T]
    continuation: str


class KeyTaken(msgspec.Struct, frozen=True):
    """What will be looked at soon, as `node/<subscription>/<group>`, `edge/<id>` or `hub/<id>`."""

    key: str


class LetterTaken(msgspec.Struct, frozen=True):
    """The dead letter that was handled again and is gone."""

    id: str


class LetterKept(msgspec.Struct, frozen=True):
    """A dead letter that still cannot be handled, and why."""

    id: str
    code: str
    reason: str


class LettersTaken(msgspec.Struct, frozen=True):
    """The dead letters of one page: those that were handled again and are gone, and those that are kept.

    `continuation` goes into the query of the next request and is empty on the last page.
    """

    taken: list[str]
    kept: list[LetterKept]
    continuation: str
