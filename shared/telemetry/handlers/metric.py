"""The handler `metric`: one point for each notice in Azure Monitor's custom metrics."""

from shared.ports.telemetry import Metrics, Notice
from shared.telemetry.handlers.plain import plain

NAME = "Alerts"


class AlertMetric:
    """Handler; the metric `Alerts`, by transition, rule, severity, node and domain."""

    name = "metric"

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    async def handle(self, notice: Notice) -> None:
        alert = notice.alert
        dimensions = {
            "Transition": notice.transition,
            "Rule": alert.rule,
            "Severity": alert.severity,
            "Node": alert.node or "none",
            "Domain": plain(alert.domain) or "none",
        }
        await self._metrics.publish(NAME, dimensions, 1.0, notice.at)
