"""Diagnostic settings: what a resource offers, what its settings send, and how a setting names what it is to send.

Limits and rules: Azure Monitor's "Diagnostic settings in Azure Monitor" and its REST API
2021-05-01-preview. Compliance is judged by sink and category, never by a setting's name.
"""

from collections.abc import Iterable

import msgspec

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


def sent(selection: Selection, categories: Iterable[Category]) -> frozenset[str]:
    """The names of the offered categories that a selection sends."""
    return frozenset(c.name for c in categories if _sends(selection, c))


def _sends(selection: Selection, category: Category) -> bool:
    if category.is_metric:
        return bool({category.name.lower(), ALL_METRICS.lower()} & _lower(selection.metrics))
    groups = _lower(frozenset(category.groups)) | {ALL_LOGS.lower()}
    return category.name.lower() in _lower(selection.logs) or bool(groups & _lower(selection.groups))


def selection_of(names: frozenset[str], categories: tuple[Category, ...]) -> Selection:
    """The selection that sends the categories of these names and no others.

    The group `allLogs` where the resource knows it and all of its logs are meant: it includes categories that Azure
    adds later. Azure refuses a group beside single categories, so otherwise they are listed.
    """
    logs = frozenset(c.name for c in categories if not c.is_metric)
    metrics = frozenset(c.name for c in categories if c.is_metric) & names
    if logs and logs <= names and any(ALL_LOGS in c.groups for c in categories):
        return Selection(groups=frozenset({ALL_LOGS}), metrics=metrics)
    return Selection(logs=logs & names, metrics=metrics)


def selection_differences(actual: Selection, wanted: Selection) -> tuple[str, ...]:
    """The differing lists, each as `field: [actual] -> [wanted]`."""
    return tuple(
        f"{field}: {sorted(getattr(actual, field))} -> {sorted(getattr(wanted, field))}"
        for field in Selection.__struct_fields__
        if _lower(getattr(actual, field)) != _lower(getattr(wanted, field))
    )


def _lower(names: frozenset[str]) -> frozenset[str]:
    return frozenset(n.lower() for n in names)
