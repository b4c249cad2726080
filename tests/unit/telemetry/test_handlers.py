"""What each handler tells: whole, signed, and without anything of what somebody wrote into a tag taking effect."""

import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from shared.domain.alert import Alert, Transition, notice_id
from shared.ports.telemetry import Notice
from shared.telemetry.handlers import registry
from shared.telemetry.handlers.common_schema import common_alert
from shared.telemetry.handlers.mesh_event import AlertEvents
from shared.telemetry.handlers.metric import AlertMetric
from shared.telemetry.handlers.plain import plain
from shared.telemetry.handlers.remediate import Remediation
from shared.telemetry.handlers.slack import escaped, slack_message
from shared.telemetry.handlers.teams import teams_message
from shared.telemetry.handlers.webhook import TEMPLATES, Template, Webhook, signature
from tests.fakes import FakeClock, InMemoryEventStream
from tests.unit.telemetry.alert_world import ORDERS, SALES

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
TRANSITIONS: tuple[Transition, ...] = ("fired", "acknowledged", "resolved")
HOSTILE = (
    "<script>alert(1)</script>",
    "\"quoted\" 'and' `ticked` \\back",
    "[click](https://evil.example) **bold** ~~gone~~",
    "<!channel> <@U123> <https://evil.example|click> & &amp;",
    "<at>everyone</at>",
    "\u202egnp.exe\u202c \u2066left\u2069",
    "line one\r\nline two\u2028line three\x00\x1b[31m",
    "x" * 256,
    "é日本語🙂" * 60,
    "&" * 256,
    "{{template}} ${env} %s",
)


def notice(transition: Transition = "fired", **changes: object) -> Notice:
    alert = Alert(
        id="ab" * 16,
        rule="deadlocks",
        group=ORDERS.lower(),
        node=SALES,
        resource=ORDERS,
        severity="error",
        state="Resolved" if transition == "resolved" else "Firing",
        title="Deadlocks: orders",
        first_at=NOW,
        last_at=NOW,
        count=3,
        category="Deadlocks",
        reason="" if transition == "fired" else "mended",
    )
    return Notice(
        id=notice_id(alert.id, 1, transition), alert=replace(alert, **changes), transition=transition, at=NOW
    )


def hostile(text: str, transition: Transition = "fired") -> Notice:
    """Every text that somebody else decides about is the hostile one."""
    return notice(
        transition, title=text, category=text, operation=text, resource=f"/{text}", domain=text, reason=text
    )


class Sent:
    """A Sender that keeps what it was to send."""

    def __init__(self) -> None:
        self.posts: list[tuple[str, bytes, Mapping[str, str]]] = []

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> None:
        self.posts.append((url, body, headers))


def texts(value: object) -> list[str]:
    """Every text in a JSON value."""
    match value:
        case dict():
            return [t for each in value.values() for t in texts(each)]
        case list() | tuple():
            return [t for each in value for t in texts(each)]
        case str():
            return [value]
    return []


# --- webhooks


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("transition", TRANSITIONS)
@pytest.mark.parametrize("text", HOSTILE)
async def test_every_body_is_json_whatever_its_texts_hold(
    template: Template, transition: Transition, text: str
) -> None:
    sent = Sent()
    await Webhook("ops", "https://x.test", template, "s" * 16, sent, FakeClock()).handle(
        hostile(text, transition)
    )
    assert len(sent.posts) == (0 if (template, transition) == ("common", "acknowledged") else 1)
    for _, body, headers in sent.posts:
        assert isinstance(json.loads(body), dict)
        assert len(body) < 28_000  # what Teams takes
        assert all(value.isprintable() for value in headers.values())


async def test_a_receiver_can_tell_who_sent_a_notice_and_whether_it_heard_of_it() -> None:
    """The signature as any language computes it from the header and the raw body; the id is that of every try."""
    sent, clock = Sent(), FakeClock()
    webhook = Webhook("ops", "https://x.test", "common", "a secret of enough length", sent, clock)
    await webhook.handle(notice())
    clock.advance(60)
    await webhook.handle(notice())
    for _, body, headers in sent.posts:
        signed = headers["X-Meshplane-Timestamp"].encode() + b"." + body
        expected = hmac.new(b"a secret of enough length", signed, sha256).hexdigest()
        assert headers["X-Meshplane-Signature"] == f"v1={expected}"
    first, second = (headers for _, _, headers in sent.posts)
    assert first["X-Meshplane-Notice"] == second["X-Meshplane-Notice"] == "ab" * 16 + "-1-fired"
    assert int(second["X-Meshplane-Timestamp"]) - int(first["X-Meshplane-Timestamp"]) == 60
    assert first["X-Meshplane-Signature"] != second["X-Meshplane-Signature"]


def test_a_signature_holds_for_one_body_one_time_and_one_secret() -> None:
    one = signature("secret", "1", b"body")
    assert len({one, signature("secret", "2", b"body"), signature("other", "1", b"body")}) == 3
    assert one != signature("secret", "1", b"bodx")


async def test_without_a_secret_nothing_claims_to_be_signed() -> None:
    sent = Sent()
    await Webhook("ops", "https://x.test", "slack", "", sent, FakeClock()).handle(notice())
    assert set(sent.posts[0][2]) == {"Content-Type", "X-Meshplane-Notice"}


def test_the_common_schema_says_what_fired_and_what_ended() -> None:
    """The members of "Common alert schema" that takers of Azure Monitor's alerts read."""
    fired = msgspec.to_builtins(common_alert(notice()))
    assert fired["schemaId"] == "azureMonitorCommonAlertSchema"
    essentials = fired["data"]["essentials"]
    assert essentials["monitorCondition"] == "Fired"
    assert (essentials["severity"], essentials["alertRule"]) == ("Sev1", "deadlocks")
    assert (essentials["alertTargetIDs"], essentials["configurationItems"]) == ((ORDERS,), ("orders",))
    assert essentials["originAlertId"] == "ab" * 16 + "-1"
    assert "resolvedDateTime" not in essentials
    ended = msgspec.to_builtins(common_alert(notice("resolved")))["data"]["essentials"]
    assert (ended["monitorCondition"], ended["resolvedDateTime"]) == ("Resolved", "2026-01-05T08:00:00Z")
    assert ended["originAlertId"] == essentials["originAlertId"]
    assert common_alert(notice("acknowledged")) is None


@pytest.mark.parametrize("text", HOSTILE)
def test_a_card_for_teams_has_no_text_that_is_read_as_markdown(text: str) -> None:
    """Only runs of rich text blocks hold what others wrote; there is no text block, fact, action or mention."""
    message: Any = teams_message(hostile(text))
    (attachment,) = message["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    card = attachment["content"]
    assert {block["type"] for block in card["body"]} == {"RichTextBlock"}
    runs = [run for block in card["body"] for run in block["inlines"]]
    assert {run["type"] for run in runs} == {"TextRun"}
    assert "msteams" not in card
    assert "actions" not in card
    assert all(run["text"].isprintable() and "\u202e" not in run["text"] for run in runs)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_message_for_slack_has_no_text_that_calls_or_links(text: str) -> None:
    """Plain text with entities only, within Slack's lengths."""
    message: Any = slack_message(hostile(text))
    shown = texts(message)
    assert not any("<" in t or ">" in t for t in shown)
    assert not any("&" in t.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "") for t in shown)
    header, *sections = message["blocks"]
    assert 1 <= len(header["text"]["text"]) <= 150
    assert message["mrkdwn"] is False
    fields = [field for section in sections for field in section["fields"]]
    assert all(field["type"] == "plain_text" and len(field["text"]) <= 2000 for field in fields)
    assert all(1 <= len(section["fields"]) <= 10 for section in sections)


def test_what_is_shown_is_one_line_without_marks_that_turn_it() -> None:
    assert plain("a\r\n\tb\u2028c") == "a b c"
    assert plain("\u202egnp.exe\u202c") == "gnp.exe"
    assert plain("مرحبا") == "مرحبا"
    assert (len(plain("x" * 300)), plain("x" * 300)[-1]) == (256, "…")
    assert escaped("<a&b>") == "&lt;a&amp;b&gt;"


# --- the others


async def test_a_mesh_event_tells_of_each_transition_under_the_alerts_key() -> None:
    stream = InMemoryEventStream()
    for transition in TRANSITIONS:
        await AlertEvents(stream).handle(notice(transition))
    assert {event.key for event in stream.events} == {f"alert/{'ab' * 16}"}
    assert [event.data["transition"] for event in stream.events] == list(TRANSITIONS)
    assert {event.type for event in stream.events} == {"AlertChanged"}


async def test_remediation_has_the_resource_looked_at_when_it_fires_and_the_node_where_there_is_none() -> (
    None
):
    asked: list[tuple[str, str]] = []

    async def touch(resource: str, cause: str) -> None:
        asked.append((resource, cause))

    for transition in TRANSITIONS:
        await Remediation(touch).handle(notice(transition))
    await Remediation(touch).handle(notice(resource=""))
    await Remediation(touch).handle(notice(resource="", node=""))
    group = ORDERS.partition("/providers/")[0]
    assert asked == [(ORDERS, "alert deadlocks"), (group, "alert deadlocks")]


async def test_a_metric_counts_each_notice_by_what_it_is() -> None:
    written: list[tuple[str, Mapping[str, str], float]] = []

    class Written:
        async def publish(self, name: str, dimensions: Mapping[str, str], value: float, at: datetime) -> None:
            written.append((name, dimensions, value))

    await AlertMetric(Written()).handle(notice(domain=""))
    ((name, dimensions, value),) = written
    assert (name, value, dimensions["Transition"], dimensions["Domain"]) == ("Alerts", 1.0, "fired", "none")
    assert len(dimensions) <= 10


async def test_the_registry_has_record_and_every_other_under_its_name() -> None:
    events = AlertEvents(InMemoryEventStream())
    found = registry([events])
    assert set(found) == {"record", "mesh-event"}
    await found["record"].handle(notice())
