"""Where a consumer starts to read: the selector filter of its link."""

import re
from dataclasses import dataclass
from enum import Enum

from local.events.hubs.refusal import bad_argument

_SELECTOR = re.compile(
    r"\s*amqp\.annotation\.x-opt-(offset|sequence-number|enqueued-time)\s*(>=?)\s*(?:'([^']*)'|(-?\d+))\s*"
)
LATEST = "@latest"


class Field(Enum):
    """What a position is measured in: the annotation, the event's attribute, the name in error texts."""

    OFFSET = ("offset", "offset", "offset")
    SEQUENCE_NUMBER = ("sequence-number", "sequence", "sequence number")
    ENQUEUED_TIME = ("enqueued-time", "enqueued_at", "enqueued time")

    def __init__(self, annotation: str, attribute: str, label: str) -> None:
        self.annotation = annotation
        self.attribute = attribute
        self.label = label


@dataclass(frozen=True, slots=True)
class Position:
    """`amqp.annotation.x-opt-<field> > '<value>'`, or `>=` when inclusive."""

    field: Field
    value: str
    inclusive: bool

    @property
    def is_latest(self) -> bool:
        return self.field is Field.OFFSET and self.value.lower() == LATEST

    @property
    def number(self) -> int | None:
        """The value as a number; None where it is none."""
        try:
            return int(self.value)
        except ValueError:
            return None


BEGINNING = Position(Field.OFFSET, "-1", inclusive=False)


def parse_selector(selector: str) -> Position:
    """The position a selector asks for. Raises Refused."""
    match = _SELECTOR.fullmatch(selector)
    if match is None:
        raise bad_argument(f"The filter '{selector}' is not a valid amqp filter for EventHub entities")
    field = next(field for field in Field if field.annotation == match[1])
    return Position(field, match[3] or match[4] or "", inclusive=match[2] == ">=")
