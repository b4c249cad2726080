"""What operators look at: dead letters, and whether each dependency answers."""

from datetime import datetime

import msgspec

from shared.ports import DeadLetter


class DeadLetterItem(msgspec.Struct, frozen=True):
    """One dead letter, without its body."""

    id: str
    kind: str
    at: datetime
    reason: str
    source: str
    key: str
    node: str


class Dependency(msgspec.Struct, frozen=True):
    """One service that Meshplane needs, and what it said."""

    name: str
    healthy: bool
    detail: str


class Health(msgspec.Struct, frozen=True):
    """Healthy where every dependency is; the version is the app's."""

    healthy: bool
    version: str
    dependencies: list[Dependency]


def dead_letter_item(letter: DeadLetter) -> DeadLetterItem:
    """A dead letter for the list."""
    return DeadLetterItem(
        letter.id, letter.kind, letter.at, letter.reason, letter.source, letter.key, letter.node
    )
