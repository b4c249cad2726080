"""The SDK's models as our values. What Azure leaves out or writes as null is empty here."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from shared.domain.diagnostics import Category, DiagnosticSetting, Selection
from shared.domain.network import PeeringFlags
from shared.ports import Group, Resource

if TYPE_CHECKING:
    from azure.mgmt.monitor.v2021_05_01_preview import models as monitor
    from azure.mgmt.network import models as network
    from azure.mgmt.resource.resources import models as resources


def group(found: "resources.ResourceGroup") -> Group:
    state = found.properties.provisioning_state if found.properties else ""
    return Group(
        found.id or "", found.location or "", dict(found.tags or {}), (state or "").lower() == "deleting"
    )


def resource(found: "resources.GenericResourceExpanded") -> Resource:
    return Resource(found.id or "", found.type or "", found.location or "", found.kind or "")


def peering_body(remote_network: str, flags: PeeringFlags) -> "network.VirtualNetworkPeering":
    from azure.mgmt.network import models

    properties = models.VirtualNetworkPeeringPropertiesFormat(
        remote_virtual_network=models.SubResource(id=remote_network),
        allow_virtual_network_access=flags.allow_virtual_network_access,
        allow_forwarded_traffic=flags.allow_forwarded_traffic,
        allow_gateway_transit=flags.allow_gateway_transit,
        use_remote_gateways=flags.use_remote_gateways,
    )
    return models.VirtualNetworkPeering(properties=properties)


def category(found: "monitor.DiagnosticSettingsCategoryResource") -> Category:
    is_metric = (found.category_type or "").lower() == "metrics"
    return Category(found.name or "", is_metric, tuple(found.category_groups or ()))


def setting(found: "monitor.DiagnosticSettingsResource") -> DiagnosticSetting:
    """A setting with what it has enabled: GET lists a disabled `AllMetrics` that nobody asked for."""
    logs = [log for log in found.logs or () if log.enabled]
    metrics = [metric for metric in found.metrics or () if metric.enabled]
    return DiagnosticSetting(
        name=found.name or "",
        selection=Selection(
            logs=_named(log.category for log in logs),
            groups=_named(log.category_group for log in logs),
            metrics=_named(metric.category for metric in metrics),
        ),
        workspace=found.workspace_id or "",
        event_hub_rule=found.event_hub_authorization_rule_id or "",
        event_hub=found.event_hub_name or "",
        storage_account=found.storage_account_id or "",
    )


def setting_body(wanted: DiagnosticSetting) -> "monitor.DiagnosticSettingsResource":
    from azure.mgmt.monitor.v2021_05_01_preview import models

    selection = wanted.selection
    return models.DiagnosticSettingsResource(
        workspace_id=wanted.workspace or None,
        event_hub_authorization_rule_id=wanted.event_hub_rule or None,
        event_hub_name=wanted.event_hub or None,
        storage_account_id=wanted.storage_account or None,
        logs=[
            *(models.LogSettings(enabled=True, category=name) for name in sorted(selection.logs)),
            *(models.LogSettings(enabled=True, category_group=name) for name in sorted(selection.groups)),
        ],
        metrics=[models.MetricSettings(enabled=True, category=name) for name in sorted(selection.metrics)],
    )


def _named(names: Iterable[str | None]) -> frozenset[str]:
    return frozenset(name for name in names if name)
