"""Looks at alerts: over HTTP, and through the eyes of the webhook's receiver."""

from demo.stage import Stage
from demo.telemetry_api import Alert
from demo.watch import Look, Seen
from demo.world import SALES


def alert_of(stage: Stage, rule: str) -> Alert | None:
    """The alert of sales that a rule raised."""
    return next((a for a in stage.telemetry_api.alerts(SALES.group) if a.rule == rule), None)


def raised(stage: Stage, rule: str) -> Look:
    """Whether a rule has raised its alert."""

    def look() -> Seen:
        alert = alert_of(stage, rule)
        return Seen(alert is not None, f"{alert.severity}, {alert.title}" if alert else "no alert yet")

    return look


def told(stage: Stage, rule: str) -> Look:
    """Whether the receiver heard of a rule's alert, once, from Meshplane."""

    def look() -> Seen:
        alert = alert_of(stage, rule)
        notices = stage.receiver.of(alert.id) if alert else []
        if len(notices) != 1:
            return Seen(False, f"{len(notices)} notices")
        [notice] = notices
        signed = "its HMAC is right" if notice.ours else "its HMAC is WRONG"
        return Seen(notice.ours, f"{notice.condition}, {notice.severity}, {signed}")

    return look
