"""A message for a Teams channel: an Adaptive Card, as the trigger "When a Teams webhook request is received" of
Workflows takes it.

Values stand in `RichTextBlock`s: their runs are no Markdown, whereas a `TextBlock` or a `Fact` would make links of
what somebody wrote into a tag (Adaptive Cards schema 1.5; "Text features").
"""

from collections.abc import Mapping

from shared.ports import Severity
from shared.ports.telemetry import Notice
from shared.telemetry.handlers.card import card_of

type Json = dict[str, object]

_COLORS: dict[Severity, str] = {"critical": "attention", "error": "attention", "warning": "warning"}


def teams_message(notice: Notice) -> Json:
    """The body to post."""
    card = card_of(notice)
    color = _COLORS[notice.alert.severity] if notice.transition == "fired" else "good"
    heading = {"type": "TextRun", "text": card.heading, "weight": "bolder", "size": "medium", "color": color}
    content: Json = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.5",
        "fallbackText": card.heading,
        "body": [_block(heading), *(_fact(name, value) for name, value in card.facts)],
    }
    attachment = {
        "contentType": "application/vnd.microsoft.card.adaptive",
        "contentUrl": None,
        "content": content,
    }
    return {"type": "message", "attachments": [attachment]}


def _fact(name: str, value: str) -> Json:
    label = {"type": "TextRun", "text": f"{name}: ", "weight": "bolder"}
    return {**_block(label, {"type": "TextRun", "text": value}), "spacing": "none"}


def _block(*runs: Mapping[str, object]) -> Json:
    return {"type": "RichTextBlock", "inlines": list(runs)}
