"""Which diagnostic settings a node's resources need: pure functions of what was observed."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from shared.domain.conditions import OBSERVED, Finding
from shared.domain.diagnostics import (
    SETTINGS_A_RESOURCE,
    DiagnosticSetting,
    Selection,
    covered,
    selection_differences,
    wanted_selection,
)
from shared.domain.ids import normal_id, same_id
from shared.domain.node import EVERYTHING, Coverage
from shared.domain.plan import DeleteSetting, PutSetting, SettingStep
from shared.ports import Resource
from shared.reconcile.observation import Diagnostics


class Sink(msgspec.Struct, frozen=True):
    """Where telemetry goes, and under which setting name."""

    setting: str
    workspace: str


class Enforcement(msgspec.Struct, frozen=True):
    """What is known after looking, and what has to be written."""

    coverage: tuple[Coverage, ...]
    steps: tuple[SettingStep, ...]
    findings: tuple[Finding, ...]


def to_check(
    resources: Iterable[Resource],
    coverage: Iterable[Coverage],
    touched: Sequence[str],
    now: datetime,
    audit_seconds: float,
) -> list[Resource]:
    """The resources whose compliance is unknown, stale, or touched by an event since."""
    if EVERYTHING in touched:
        return list(resources)
    fresh_after = now - timedelta(seconds=audit_seconds)
    settled = {
        normal_id(c.id)
        for c in coverage
        if c.checked_at > fresh_after and c.status != "missing" and normal_id(c.id) not in touched
    }
    return [r for r in resources if normal_id(r.id) not in settled]


def enforce(
    resources: Sequence[Resource],
    known: Iterable[Coverage],
    looked_at: Mapping[str, Diagnostics],
    sink: Sink,
    now: datetime,
) -> Enforcement:
    """The settings that are missing, towards which sink, for the resources that were looked at."""
    before = {normal_id(c.id): c for c in known}
    coverage: list[Coverage] = []
    steps: list[SettingStep] = []
    for resource in resources:
        found = looked_at.get(normal_id(resource.id))
        if found is None:
            coverage.append(before.get(normal_id(resource.id)) or _unseen(resource, now))
            continue
        row, step = _judge(resource, found, sink, now)
        coverage.append(row)
        steps += [step] if step else []
    blocked = [_blocked(c) for c in coverage if c.status == "blocked"]
    unseen = [_vanished(c) for c in coverage if c.status == "missing" and not c.owned]
    return Enforcement(tuple(coverage), tuple(steps), (*blocked, *unseen))


def _unseen(resource: Resource, now: datetime) -> Coverage:
    """The group lists it, yet its settings were not to be found: most likely it was deleted in between."""
    return Coverage(resource.id, "missing", now, reason="Azure lists it, but did not find it when asked")


def _vanished(row: Coverage) -> Finding:
    message = f"{row.id} is not observed yet: {row.reason}. The next look tells."
    return Finding(OBSERVED, "NotFoundYet", message, "warning")


def _judge(
    resource: Resource, found: Diagnostics, sink: Sink, now: datetime
) -> tuple[Coverage, SettingStep | None]:
    if same_id(resource.id, sink.workspace):
        return Coverage(resource.id, "unsupported", now, reason="it is the sink itself"), None
    if not found.categories:
        return Coverage(resource.id, "unsupported", now, reason="its type has no diagnostic settings"), None
    own = _own(found, sink)
    names = frozenset(c.name for c in found.categories)
    others = tuple(s for s in found.settings if s is not own)
    if own and names <= covered(others, found.categories, sink.workspace):
        # Somebody pointed it elsewhere or narrowed it, and somebody else's sends everything by now.
        step = DeleteSetting(resource.id, own.name, "superfluous: other settings send every category")
        return Coverage(resource.id, "missing", now, owned=True), step
    if names <= covered(found.settings, found.categories, sink.workspace):
        return Coverage(resource.id, "covered", now, owned=own is not None), None
    if own is None and len(found.settings) >= SETTINGS_A_RESOURCE:
        return Coverage(resource.id, "blocked", now, reason=_full(found.settings)), None
    selection = wanted_selection(found.categories, covered(others, found.categories, sink.workspace))
    # Owned from here on: the claim is recorded before the first write.
    return Coverage(resource.id, "missing", now, owned=True), _setting(resource, selection, own, sink)


def _setting(
    resource: Resource, selection: Selection, own: DiagnosticSetting | None, sink: Sink
) -> PutSetting:
    if own is None:
        return PutSetting(resource.id, sink.setting, sink.workspace, selection, "missing")
    differences = selection_differences(own.selection, selection)
    if not same_id(own.workspace, sink.workspace):
        differences = (*differences, f"workspaceId: {own.workspace or 'none'} -> {sink.workspace}")
    return PutSetting(resource.id, sink.setting, sink.workspace, selection, "differs", differences)


def _full(settings: Sequence[DiagnosticSetting]) -> str:
    names = ", ".join(repr(s.name) for s in settings)
    return f"it has {len(settings)} settings already ({names}), the most that Azure allows"


def _blocked(row: Coverage) -> Finding:
    message = f"{row.id} cannot be observed: {row.reason}. Remove one, or send it to the mesh's workspace."
    return Finding(OBSERVED, "SettingsBlocked", message)


def release(
    resources: Iterable[Resource],
    known: Iterable[Coverage],
    looked_at: Mapping[str, Diagnostics],
    sink: Sink,
    now: datetime,
) -> tuple[tuple[Coverage, ...], tuple[DeleteSetting, ...]]:
    """What is still owned after looking, and the deletions that remain; a resource that is gone owns nothing.

    Owned is what carries our name and is recorded as ours, or leads to our sink.
    """
    recorded = {normal_id(c.id) for c in known if c.owned}
    kept = tuple(
        Coverage(resource.id, "covered", now, owned=True)
        for resource in resources
        if (found := looked_at.get(normal_id(resource.id)))
        and (own := _own(found, sink))
        and (normal_id(resource.id) in recorded or same_id(own.workspace, sink.workspace))
    )
    why = "the group is no longer a node"
    return kept, tuple(DeleteSetting(row.id, sink.setting, why) for row in kept)


def _own(found: Diagnostics, sink: Sink) -> DiagnosticSetting | None:
    return next((s for s in found.settings if s.name.lower() == sink.setting.lower()), None)
