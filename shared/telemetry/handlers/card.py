"""What a message to people says of a notice, whatever it is sent with."""

import msgspec

from shared.ports.telemetry import Notice, Transition
from shared.telemetry.handlers.plain import plain

WORDS: dict[Transition, str] = {"fired": "Firing", "acknowledged": "Acknowledged", "resolved": "Resolved"}


class Card(msgspec.Struct, frozen=True):
    """A heading, and facts by their names; all of it plain text."""

    heading: str
    facts: tuple[tuple[str, str], ...]


def card_of(notice: Notice) -> Card:
    """The heading and the facts that are there."""
    alert = notice.alert
    facts = {
        "Severity": alert.severity,
        "Rule": alert.rule,
        "Node": alert.node.removeprefix("node/"),
        "Domain": alert.domain,
        "Resource": alert.resource,
        "Category": alert.category,
        "Operation": alert.operation,
        "Count": str(alert.count),
        "Since": f"{alert.first_at:%Y-%m-%d %H:%M:%S} UTC",
        "Reason": "" if notice.transition == "fired" else alert.reason,
        "Alert": alert.id,
    }
    shown = tuple((name, plain(value)) for name, value in facts.items() if plain(value))
    return Card(plain(f"{WORDS[notice.transition]}: {alert.title}"), shown)
