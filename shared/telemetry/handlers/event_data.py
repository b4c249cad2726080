"""What an event tells of an alert: the same on the mesh's own stream and in Application Insights.

So that one query of the alert history (`infra/queries/alert-history.kql`) reads either.
"""

from shared.ports.telemetry import Notice
from shared.telemetry.handlers.plain import plain

NAME = "AlertChanged"


def event_key(notice: Notice) -> str:
    """The alert's key: events of one alert keep their order under it."""
    return f"alert/{notice.alert.id}"


def event_data(notice: Notice) -> dict[str, str]:
    """Names and texts; `notice` is the same on every try."""
    alert = notice.alert
    return {
        "notice": notice.id,
        "transition": notice.transition,
        "state": alert.state,
        "rule": alert.rule,
        "severity": alert.severity,
        "node": alert.node,
        "domain": plain(alert.domain),
        "resource": alert.resource,
        "title": plain(alert.title),
        "count": str(alert.count),
    }
