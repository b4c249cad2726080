"""A message for a Slack channel: Block Kit, as incoming webhooks take it.

Every value is `plain_text`, and `&`, `<`, `>` are written as entities as Slack asks ("Formatting text for app
surfaces"), so that no tag makes a link or calls a channel.
"""

from itertools import batched

from shared.ports.telemetry import Notice
from shared.telemetry.handlers.card import card_of
from shared.telemetry.handlers.plain import plain

type Json = dict[str, object]

LONGEST_HEADER = 150  # characters of a header block, before escaping ("Header block")
FIELDS = 10  # of a section ("Section block")


def slack_message(notice: Notice) -> Json:
    """The body to post."""
    card = card_of(notice)
    fields = [_text(f"{name}: {value}") for name, value in card.facts]
    sections: list[Json] = [
        {"type": "section", "fields": list(some)} for some in batched(fields, FIELDS, strict=False)
    ]
    header: Json = {"type": "header", "text": _text(_within(card.heading, LONGEST_HEADER))}
    return {
        "text": escaped(card.heading),
        "mrkdwn": False,
        "unfurl_links": False,
        "unfurl_media": False,
        "blocks": [header, *sections],
    }


def escaped(text: str) -> str:
    """The text with Slack's control characters as entities."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _within(text: str, longest: int) -> str:
    """As much of a text as fits once it is escaped."""
    shown = plain(text, longest)
    while len(escaped(shown)) > longest:
        shown = plain(shown, len(shown) - 1)
    return shown


def _text(text: str) -> Json:
    return {"type": "plain_text", "text": escaped(text), "emoji": False}
