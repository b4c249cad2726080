"""Diagnostic settings: what a resource offers, what its settings cover, what is missing for a sink.

Limits and rules: Azure Monitor's "Diagnostic settings in Azure Monitor" and its REST API
2021-05-01-preview. Compliance is judged by sink and category, never by a setting's name.
"""

import msgspec

from shared.domain.ids import same_id

SETTINGS_A_RESOURCE = 5
ALL_LOGS = "allLogs"
ALL_METRICS = "AllMetrics"


class Category(msgspec.Struct, frozen=True):
    """A category a resource offers; `groups` are the category groups that contain it."""

    name: str
    is_metric: bool = False
    groups: tuple[str, ...] = ()


class Selection(msgspec.Struct, frozen=True):
    """What one setting sends: single log categories, log category groups, metric categories; enabled ones only."""

    logs: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    metrics: frozenset[str] = frozenset()

    @property
    def empty(self) -> bool:
        return not (self.logs or self.groups or self.metrics)


class DiagnosticSetting(msgspec.Struct, frozen=True):
    """A diagnostic setting as Azure answers it; a sink that it does not use is empty."""

    name: str
    selection: Selection
    workspace: str = ""
    event_hub_rule: str = ""
    event_hub: str = ""
    storage_account: str = ""


def covered(
    settings: tuple[DiagnosticSetting, ...], categories: tuple[Category, ...], workspace: str
) -> frozenset[str]:
    """The names of the categories that some setting sends to the workspace, whoever made it."""
    towards = [s.selection for s in settings if same_id(s.workspace, workspace)]
    return frozenset(c.name for c in categories if any(_sends(s, c) for s in towards))


def _sends(selection: Selection, category: Category) -> bool:
    if category.is_metric:
        return bool({category.name.lower(), ALL_METRICS.lower()} & _lower(selection.metrics))
    groups = _lower(frozenset(category.groups)) | {ALL_LOGS.lower()}
    return category.name.lower() in _lower(selection.logs) or bool(groups & _lower(selection.groups))


def wanted_selection(categories: tuple[Category, ...], covered_by_others: frozenset[str]) -> Selection:
    """What an owned setting has to send so that with the others' every category is covered exactly once.

    The group `allLogs` where the resource knows it and nobody else sends a log to this sink: it
    includes categories that Azure adds later. Azure refuses one category twice towards a sink, and a
    group beside single categories, so otherwise the missing ones are listed.
    """
    logs = frozenset(c.name for c in categories if not c.is_metric)
    metrics = frozenset(c.name for c in categories if c.is_metric) - covered_by_others
    if not logs & covered_by_others and any(ALL_LOGS in c.groups for c in categories):
        return Selection(groups=frozenset({ALL_LOGS}), metrics=metrics)
    return Selection(logs=logs - covered_by_others, metrics=metrics)


def selection_differences(actual: Selection, wanted: Selection) -> tuple[str, ...]:
    """The differing lists, each as `field: [actual] -> [wanted]`."""
    return tuple(
        f"{field}: {sorted(getattr(actual, field))} -> {sorted(getattr(wanted, field))}"
        for field in Selection.__struct_fields__
        if _lower(getattr(actual, field)) != _lower(getattr(wanted, field))
    )


def _lower(names: frozenset[str]) -> frozenset[str]:
    return frozenset(n.lower() for n in names)
