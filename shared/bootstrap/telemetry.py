"""The telemetry plane: from a batch of events to alerts, and from alerts to whoever is to be told."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from shared.adapters.app_events import OtelAppEvents
from shared.adapters.custom_metrics import CustomMetrics
from shared.adapters.http import HttpSender
from shared.bootstrap.outside import Outside
from shared.bootstrap.reconciling import new_id
from shared.domain.ids import NodeKey
from shared.ports.telemetry import Handler
from shared.reconcile.intake import Intake
from shared.settings import Settings
from shared.telemetry.absence import AbsenceWatch
from shared.telemetry.alert_desk import AlertDesk
from shared.telemetry.alerting import Alerting
from shared.telemetry.closing import Closing
from shared.telemetry.delivery import Delivery
from shared.telemetry.handlers import registry
from shared.telemetry.handlers.app_event import AlertAppEvent
from shared.telemetry.handlers.mesh_event import AlertEvents
from shared.telemetry.handlers.metric import AlertMetric
from shared.telemetry.handlers.remediate import Remediation
from shared.telemetry.handlers.webhook import Webhook
from shared.telemetry.judge import Judge
from shared.telemetry.known_nodes import KnownNodes
from shared.telemetry.log_queries import LogQueries
from shared.telemetry.position import Position
from shared.telemetry.process import TelemetryProcessor, Touch
from shared.telemetry.replay import TelemetryReplay
from shared.telemetry.rulebook import Rulebook
from shared.telemetry.rules_probe import RulesProbe
from shared.telemetry.volumes import VolumeMeter

if TYPE_CHECKING:
    from shared.telemetry.rule import Rule

QUERIES = Path(__file__).resolve().parents[2] / "infra" / "queries"


class Telemetry:
    """One of each."""

    def __init__(self, settings: Settings, outside: Outside, intake: Intake) -> None:
        clock, windows, nodes = outside.clock, outside.windows, outside.nodes
        alerts, silences = outside.alerts, outside.silences
        self._folders = settings.rule_folders
        self._handlers = handlers(settings, outside, intake)
        rules, known = Rulebook(self._read_rules), KnownNodes(nodes, clock)
        self.alerting = Alerting(alerts, silences, outside.queue, clock)
        self.alert_desk = AlertDesk(alerts, silences, nodes, outside.history, outside.queue, clock, new_id)
        self.delivery = Delivery(
            alerts, silences, self._handlers, outside.history, outside.dead_letters, outside.queue, clock
        )
        judge = Judge(windows, self.alerting, clock)
        self.processor = TelemetryProcessor(
            known,
            rules,
            judge,
            outside.dead_letters,
            _touch(intake),
            VolumeMeter(outside.volumes, clock),
            Position(windows, clock),
            clock,
        )
        self.replay = TelemetryReplay(
            outside.reader, known, rules, judge, self.alerting, self.processor, clock
        )
        self.closing = Closing(rules, windows, self.alerting, clock)
        self.absence = AbsenceWatch(rules, windows, nodes, alerts, self.alerting, outside.reader, clock)
        self.queries = LogQueries(outside.logs, QUERIES)
        self.probe = RulesProbe(rules)

    def _read_rules(self) -> "Sequence[Rule]":
        """Imports what reads YAML when the first batch comes."""
        from shared.telemetry.rule_files import load_rules

        return load_rules(self._folders, self._handlers)


def handlers(settings: Settings, outside: Outside, intake: Intake) -> Mapping[str, Handler]:
    """The handlers that the settings allow: adding one is adding it here (docs/handlers.md)."""
    sender, metrics, clock = HttpSender(outside.clock), settings.metrics, outside.clock
    found: list[Handler] = [
        AlertEvents(outside.events),
        Remediation(intake.touch),
        AlertAppEvent(OtelAppEvents()),
    ]
    found += [Webhook(w.name, w.url, w.template, w.secret, sender, clock) for w in settings.webhooks]
    if metrics.endpoint:
        custom = CustomMetrics(metrics.endpoint, metrics.resource, outside.credential, sender)
        found.append(AlertMetric(custom))
    return registry(found)


def _touch(intake: Intake) -> Touch:
    """What telemetry asks for: the key follows from the resource, which may be a hub's."""

    async def touch(_key: NodeKey, resource: str, cause: str) -> None:
        await intake.touch(resource, cause)

    return touch
