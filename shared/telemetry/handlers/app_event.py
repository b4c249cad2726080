"""The handler `app-event`: a custom event in Application Insights."""

from shared.ports.telemetry import AppEvents, Notice
from shared.telemetry.handlers.plain import plain

NAME = "MeshAlert"


class AlertAppEvent:
    """Handler; one event `MeshAlert` for each notice."""

    name = "app-event"

    def __init__(self, events: AppEvents) -> None:
        self._events = events

    async def handle(self, notice: Notice) -> None:
        alert = notice.alert
        properties = {
            "notice": notice.id,
            "transition": notice.transition,
            "rule": alert.rule,
            "severity": alert.severity,
            "node": alert.node,
            "domain": plain(alert.domain),
            "resource": alert.resource,
            "title": plain(alert.title),
            "count": str(alert.count),
        }
        self._events.write(NAME, properties, notice.at)
