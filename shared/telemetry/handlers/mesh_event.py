"""The handler `mesh-event`: an alert's changes on the mesh's own Event Hub."""

from shared.domain.node import MeshEvent
from shared.ports import EventStream
from shared.ports.telemetry import Notice


class AlertEvents:
    """Handler; publishes `AlertChanged` under the alert's key, so that those of one alert keep their order."""

    name = "mesh-event"

    def __init__(self, events: EventStream) -> None:
        self._events = events

    async def handle(self, notice: Notice) -> None:
        alert = notice.alert
        data = {
            "notice": notice.id,
            "transition": notice.transition,
            "state": alert.state,
            "rule": alert.rule,
            "severity": alert.severity,
            "node": alert.node,
            "domain": alert.domain,
            "resource": alert.resource,
            "title": alert.title,
            "count": str(alert.count),
        }
        event = MeshEvent(type="AlertChanged", key=f"alert/{alert.id}", at=notice.at, data=data)
        await self._events.publish([event])
