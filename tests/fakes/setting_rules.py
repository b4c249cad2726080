"""What Azure Monitor refuses about a diagnostic setting."""

from collections.abc import Callable

from shared.domain.diagnostics import SETTINGS_A_RESOURCE, Category, DiagnosticSetting
from shared.domain.errors import error_for
from shared.domain.ids import normal_id, type_of
from tests.fakes.catalogue import CATEGORIES


def check(resource: str, setting: DiagnosticSetting, existing: tuple[DiagnosticSetting, ...]) -> None:
    """Raises what Azure Monitor would answer to a setting that breaks one of its rules."""
    offered = CATEGORIES.get(type_of(resource), ())
    if not offered:
        message = f"The resource type '{type_of(resource)}' does not support diagnostic settings."
        raise error_for(400, "ResourceTypeNotSupported", message, target=resource)
    _check_names(resource, setting, offered)
    others = [s for s in existing if s.name.lower() != setting.name.lower()]
    if len(others) >= SETTINGS_A_RESOURCE:
        message = f"The limit of {SETTINGS_A_RESOURCE} diagnostic settings was reached."
        raise error_for(409, "Conflict", message, target=resource)
    for other in others:
        shared = _sent(other, offered) & _sent(setting, offered)
        if shared and (sinks := _sinks(other) & _sinks(setting)):
            message = f"Data sink '{min(sinks)[0]}' is already used in diagnostic setting '{other.name}'"
            message += f" for category '{min(shared)}'."
            raise error_for(409, "Conflict", message, target=resource)


def check_regions(resource: str, setting: DiagnosticSetting, location: Callable[[str], str | None]) -> None:
    """Raises what Azure Monitor would answer to a storage or Event Hub sink in another region than the resource's."""
    here = location(resource)
    namespace = normal_id(setting.event_hub_rule).partition("/authorizationrules/")[0]
    for sink in (setting.storage_account, namespace):
        if sink and (there := location(sink)) is None:
            raise error_for(400, "BadRequest", f"Resource '{sink}' was not found.", target=resource)
        if sink and here not in (None, "", "global") and there != here:
            message = f"Resources should be in the same region. Resource '{resource}' is in region '{here}'"
            raise error_for(400, "BadRequest", f"{message} and resource '{sink}' is in region '{there}'.")


def _sinks(setting: DiagnosticSetting) -> set[tuple[str, str]]:
    ids = (setting.workspace, setting.storage_account)
    hub = (normal_id(setting.event_hub_rule), setting.event_hub.lower())
    return {(normal_id(i), "") for i in ids if i} | ({hub} if setting.event_hub_rule else set())


def _check_names(resource: str, setting: DiagnosticSetting, offered: tuple[Category, ...]) -> None:
    logs = {c.name for c in offered if not c.is_metric}
    groups = {g for c in offered for g in c.groups}
    metrics = {c.name for c in offered if c.is_metric} | {"AllMetrics"}
    sent = setting.selection
    wrong = (sent.logs - logs) | (sent.groups - groups) | (sent.metrics - metrics)
    if wrong or sent.empty or (sent.groups and sent.logs):
        message = (
            f"Category {sorted(wrong)} is not supported." if wrong else "Groups exclude single categories."
        )
        raise error_for(400, "BadRequest", message, target=resource)


def _sent(setting: DiagnosticSetting, offered: tuple[Category, ...]) -> set[str]:
    chosen = setting.selection
    return {
        c.name
        for c in offered
        if c.name in chosen.logs | chosen.metrics
        or chosen.groups & set(c.groups)
        or (c.is_metric and "AllMetrics" in chosen.metrics)
    }
