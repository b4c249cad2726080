"""The handler `app-event`: a custom event in Application Insights."""

from shared.ports.telemetry import AppEvents, Notice
from shared.telemetry.handlers.event_data import NAME, event_data, event_key


class AlertAppEvent:
    """Handler; one event `AlertChanged` for each notice."""

    name = "app-event"

    def __init__(self, events: AppEvents) -> None:
        self._events = events

    async def handle(self, notice: Notice) -> None:
        self._events.write(NAME, {"key": event_key(notice), **event_data(notice)}, notice.at)
