"""The handler `mesh-event`: an alert's changes on the mesh's own Event Hub."""

from shared.domain.node import MeshEvent
from shared.ports import EventStream
from shared.ports.telemetry import Notice
from shared.telemetry.handlers.event_data import NAME, event_data, event_key


class AlertEvents:
    """Handler; publishes `AlertChanged` under the alert's key, so that those of one alert keep their order."""

    name = "mesh-event"

    def __init__(self, events: EventStream) -> None:
        self._events = events

    async def handle(self, notice: Notice) -> None:
        event = MeshEvent(type=NAME, key=event_key(notice), at=notice.at, data=event_data(notice))
        await self._events.publish([event])
