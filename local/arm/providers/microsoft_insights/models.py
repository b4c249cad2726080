"""Which resource types have diagnostics, and the documents of settings and categories."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from local.arm.documents import JsonObject, as_json, flag_in, object_in, objects_in, text_in, texts_in

GROUPS_SINCE = "2021-05-01-preview"
UNNAMED = ("Logs",)
_SINKS = (
    "storageAccountId",
    "serviceBusRuleId",
    "workspaceId",
    "eventHubAuthorizationRuleId",
    "eventHubName",
)


@dataclass(frozen=True, slots=True)
class DiagnosticType:
    """What one resource type can send: log categories, the groups it knows, metric categories."""

    logs: tuple[str, ...]
    groups: tuple[str, ...]
    audit: tuple[str, ...]
    metrics: tuple[str, ...]

    def covered(self, group: str) -> tuple[str, ...]:
        """The categories of a group."""
        return self.audit if group.lower() == "audit" else self.logs


@cache
def _facts() -> dict[str, DiagnosticType]:
    text = files(__package__).joinpath("diagnostic_types.json").read_text(encoding="utf-8")
    document: JsonObject = json.loads(text)
    return {type_: _fact(object_in(document, type_)) for type_ in document}


def _fact(found: JsonObject) -> DiagnosticType:
    """The catalogue names only the groups of some types: one category stands for those in them (inferred)."""
    logs, groups, audit, metrics = (tuple(texts_in(found, p)) for p in ("logs", "groups", "audit", "metrics"))
    unnamed = bool(groups) and not logs
    return DiagnosticType(UNNAMED if unnamed else logs, groups, UNNAMED if unnamed else audit, metrics)


def diagnostic_type(type_: str) -> DiagnosticType | None:
    """None for types without diagnostics."""
    return _facts().get(type_.lower())


def lowered_scope(scope: str) -> str:
    """The resource's path as ids of settings spell it: in lower case."""
    return scope.lower()


def stored_setting(properties: JsonObject) -> JsonObject:
    """A PUT's properties in their normal form: every sink, explicit nulls, all fields of each category."""
    stored: JsonObject = {name: text_in(properties, name) for name in _SINKS}
    stored["metrics"] = [_entry(entry, groups=False) for entry in objects_in(properties, "metrics")]
    stored["logs"] = [_entry(entry, groups=True) for entry in objects_in(properties, "logs")]
    stored["logAnalyticsDestinationType"] = text_in(properties, "logAnalyticsDestinationType")
    partner = text_in(properties, "marketplacePartnerId")
    return {**stored, "marketplacePartnerId": partner} if partner else stored


def setting_document(
    scope: str, name: str, properties: JsonObject, version: str, location: str | None
) -> JsonObject:
    """The document of a setting; nulls are explicit, and versions before 2021 know no category groups."""
    current = version >= GROUPS_SINCE
    shown = dict(properties)
    if not current:
        shown["logs"] = [_without_group(entry) for entry in objects_in(properties, "logs")]
    return {
        "id": f"{lowered_scope(scope)}/providers/microsoft.insights/diagnosticSettings/{name}",
        "type": "Microsoft.Insights/diagnosticSettings" if current else None,
        "name": name,
        "location": location if current else None,
        "kind": None,
        "tags": None,
        "properties": shown,
        "identity": None,
    }


def completed(properties: JsonObject, facts: DiagnosticType) -> JsonObject:
    """A single GET adds what the setting leaves out, disabled; lists and PUT do not."""
    logs, metrics = objects_in(properties, "logs"), objects_in(properties, "metrics")
    by_group = any(text_in(entry, "categoryGroup") for entry in logs)
    missing = [] if by_group else _missing(facts.logs, logs)
    return {
        **properties,
        "metrics": [*metrics, *(_disabled(name, groups=False) for name in _missing(facts.metrics, metrics))],
        "logs": [*logs, *(_disabled(name, groups=True) for name in missing)],
    }


def category_document(scope: str, name: str, kind: str, groups: Sequence[str], version: str) -> JsonObject:
    """`kind` is Logs or Metrics."""
    properties: JsonObject = {"categoryType": kind}
    if version >= GROUPS_SINCE:
        properties["categoryGroups"] = as_json(list(groups))
    return {
        "id": f"{lowered_scope(scope)}/providers/microsoft.insights/diagnosticSettingsCategories/{name}",
        "type": "microsoft.insights/diagnosticSettingsCategories",
        "name": name,
        "location": None,
        "kind": None,
        "tags": None,
        "properties": properties,
        "identity": None,
    }


def _entry(entry: JsonObject, *, groups: bool) -> JsonObject:
    retention = object_in(entry, "retentionPolicy")
    days = retention.get("days")
    made: JsonObject = {"category": text_in(entry, "category")}
    if groups:
        made["categoryGroup"] = text_in(entry, "categoryGroup")
    made["enabled"] = flag_in(entry, "enabled")
    made["retentionPolicy"] = {
        "enabled": flag_in(retention, "enabled"),
        "days": days if isinstance(days, int) else 0,
    }
    return made


def _disabled(name: str, *, groups: bool) -> JsonObject:
    return _entry({"category": name, "enabled": False}, groups=groups)


def _missing(known: Sequence[str], entries: Sequence[JsonObject]) -> list[str]:
    present = {(text_in(entry, "category") or "").lower() for entry in entries}
    return [name for name in known if name.lower() not in present]


def _without_group(entry: JsonObject) -> JsonObject:
    return {name: value for name, value in entry.items() if name != "categoryGroup"}
