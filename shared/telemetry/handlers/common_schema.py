"""Azure Monitor's common alert schema ("Common alert schema", essentialsVersion 1.0), so that what takes its alerts
takes these.

Its `monitoringService` is `Meshplane`, its `alertContext` this module's `AlertContext`. The schema knows an alert that
is Fired and one that is Resolved; that somebody acknowledged it is not told.
"""

from datetime import datetime

import msgspec

from shared.domain.ids import name_of
from shared.ports import Severity
from shared.ports.telemetry import Notice

SEVERITIES: dict[Severity, str] = {"critical": "Sev0", "error": "Sev1", "warning": "Sev2"}


class Essentials(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """What every alert of Azure Monitor has."""

    alert_id: str
    alert_rule: str
    severity: str
    signal_type: str
    monitor_condition: str
    monitoring_service: str
    alert_target_ids: tuple[str, ...] = msgspec.field(name="alertTargetIDs")
    configuration_items: tuple[str, ...]
    origin_alert_id: str
    fired_date_time: datetime
    resolved_date_time: datetime | None = None
    description: str
    essentials_version: str
    alert_context_version: str


class AlertContext(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What ours add: `noticeId` is the same on every try, `count` that of the present episode."""

    notice_id: str
    node: str
    domain: str
    category: str
    operation: str
    count: int
    episode: int
    first_at: datetime
    last_at: datetime
    reason: str


class Data(msgspec.Struct, frozen=True, rename="camel"):
    """The two parts."""

    essentials: Essentials
    alert_context: AlertContext


class CommonAlert(msgspec.Struct, frozen=True, rename="camel"):
    """The whole body."""

    data: Data
    schema_id: str = "azureMonitorCommonAlertSchema"


def common_alert(notice: Notice) -> CommonAlert | None:
    """The body that tells of a notice; None where the schema has no word for it."""
    alert = notice.alert
    if notice.transition == "acknowledged":
        return None
    over = notice.transition == "resolved"
    essentials = Essentials(
        alert_id=f"meshplane/alerts/{alert.id}",
        alert_rule=alert.rule,
        severity=SEVERITIES[alert.severity],
        signal_type="Log",
        monitor_condition="Resolved" if over else "Fired",
        monitoring_service="Meshplane",
        alert_target_ids=tuple(t for t in (alert.resource,) if t),
        configuration_items=tuple(name_of(t) for t in (alert.resource,) if t),
        origin_alert_id=notice.id.rpartition("-")[0],
        fired_date_time=alert.first_at,
        resolved_date_time=notice.at if over else None,
        description=alert.title,
        essentials_version="1.0",
        alert_context_version="1.0",
    )
    context = AlertContext(
        notice_id=notice.id,
        node=alert.node,
        domain=alert.domain,
        category=alert.category,
        operation=alert.operation,
        count=alert.count,
        episode=alert.episode,
        first_at=alert.first_at,
        last_at=alert.last_at,
        reason=alert.reason if over else "",
    )
    return CommonAlert(Data(essentials, context))
