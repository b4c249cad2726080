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
from shared.domain.errors import MeshError, NotFound, Terminal
from shared.domain.ids import normal_id, same_id
from shared.domain.node import EVERYTHING, Coverage, CoverageStatus
from shared.domain.plan import DeleteSetting, PutSetting, SettingStep
from shared.ports import Resource
from shared.reconcile.observation import Diagnostics, Look

REASON_LENGTH = 200  # of what Azure said, in each row
NAMED = 3  # resources in one message


class Sink(msgspec.Struct, frozen=True):
    """Where telemetry goes, and under which setting name."""

    setting: str
    workspace: str


class Enforcement(msgspec.Struct, frozen=True):
    """What is known after looking, and what has to be written; `errors` are why some of it is not known."""

    coverage: tuple[Coverage, ...]
    steps: tuple[SettingStep, ...]
    findings: tuple[Finding, ...]
    errors: tuple[MeshError, ...] = ()


def to_check(
    resources: Iterable[Resource],
    coverage: Iterable[Coverage],
    touched: Sequence[str],
    now: datetime,
    audit_seconds: float,
) -> list[Resource]:
    """The resources whose compliance is unknown, stale, or touched by an event since.

    What is blocked is looked at each time: a right that was granted, or a setting that made room, raises no event
    that names the resource.
    """
    if EVERYTHING in touched:
        return list(resources)
    fresh_after = now - timedelta(seconds=audit_seconds)
    settled = {
        normal_id(c.id)
        for c in coverage
        if c.checked_at > fresh_after
        and c.status in ("covered", "unsupported")
        and normal_id(c.id) not in touched
    }
    return [r for r in resources if normal_id(r.id) not in settled]


def enforce(
    resources: Sequence[Resource],
    known: Iterable[Coverage],
    looked_at: Mapping[str, Look],
    sink: Sink,
    now: datetime,
) -> Enforcement:
    """The settings that are missing, towards which sink, for the resources that were looked at.

    One that could not be read is looked at again, and keeps nobody else from being observed.
    """
    before = {normal_id(c.id): c for c in known}
    coverage: list[Coverage] = []
    steps: list[SettingStep] = []
    findings: list[Finding] = []
    errors: list[MeshError] = []
    for resource in resources:
        row = before.get(normal_id(resource.id))
        found = looked_at.get(normal_id(resource.id))
        if isinstance(found, Diagnostics):
            row, follows = _judge(resource, found, sink, now, recorded=row is not None and row.owned)
            findings += [follows] if isinstance(follows, Finding) else []
            steps += [follows] if isinstance(follows, PutSetting | DeleteSetting) else []
        elif found or row is None:
            error = found or _unseen(resource)
            row = _unread(resource, error, row, now)
            findings.append(_not_read(resource, error))
            errors.append(error)
        coverage.append(row)
    return Enforcement(tuple(coverage), tuple(steps), _gathered(findings), tuple(errors))


def _unseen(resource: Resource) -> MeshError:
    return NotFound("NotLookedAt", "It has not been looked at yet.", target=resource.id)


def _unread(resource: Resource, error: MeshError, known: Coverage | None, now: datetime) -> Coverage:
    """Not covered, whatever was known before; ours is ours until somebody has seen that it is not there."""
    status: CoverageStatus = "blocked" if isinstance(error, Terminal) else "missing"
    reason = f"{error.reason}: {error.message}"[:REASON_LENGTH]
    return Coverage(resource.id, status, now, owned=known is not None and known.owned, reason=reason)


def _not_read(resource: Resource, error: MeshError) -> Finding:
    """A 404 for what Azure lists: it was deleted in between, or the list and the answers differ for a moment."""
    said = f"{error.reason}: {error.message.rstrip('.')}."
    if isinstance(error, NotFound):
        message = f"{resource.id} is not observed yet: Azure lists it, but did not find it when asked."
        return Finding(OBSERVED, "NotFoundYet", f"{message} The next look tells.", "warning", waiting=True)
    if isinstance(error, Terminal):
        message = f"{resource.id} cannot be read: {said} Correct it, then POST .../reconcile."
        return Finding(OBSERVED, error.reason, message)
    message = f"{resource.id} could not be read: {said} Meshplane tries again by itself."
    return Finding(OBSERVED, error.reason, message, "warning", waiting=True)


def _gathered(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """One finding for each reason, which names the first few resources: a thousand may have the same."""
    groups: dict[tuple[str, bool], list[Finding]] = {}
    for finding in findings:
        groups.setdefault((finding.reason, finding.waiting), []).append(finding)
    return tuple(_as_one(group) for group in groups.values())


def _as_one(group: Sequence[Finding]) -> Finding:
    named = [f.message for f in group[:NAMED]]
    more = [f"{len(group) - NAMED} more likewise."] if len(group) > NAMED else []
    return msgspec.structs.replace(group[0], message=" ".join([*named, *more]))


def _judge(
    resource: Resource, found: Diagnostics, sink: Sink, now: datetime, *, recorded: bool
) -> tuple[Coverage, SettingStep | Finding | None]:
    """What is known of a resource that was read, and what follows: something to write, or what is in the way."""
    own = _own(found, sink, recorded=recorded)
    if same_id(resource.id, sink.workspace):
        reason = "it is the sink itself"
        return Coverage(resource.id, "unsupported", now, owned=own is not None, reason=reason), None
    if not found.categories:
        return Coverage(resource.id, "unsupported", now, reason="its type has no diagnostic settings"), None
    names = frozenset(c.name for c in found.categories)
    others = tuple(s for s in found.settings if s is not own)
    if own and names <= covered(others, found.categories, sink.workspace):
        # Somebody pointed it elsewhere or narrowed it, and somebody else's sends everything by now.
        step = DeleteSetting(resource.id, own.name, "superfluous: other settings send every category")
        return Coverage(resource.id, "missing", now, owned=True), step
    if names <= covered(found.settings, found.categories, sink.workspace):
        return Coverage(resource.id, "covered", now, owned=own is not None), None
    if own is None and (blocked := _in_the_way(resource, found, sink)):
        return Coverage(resource.id, "blocked", now, reason=blocked.message[:REASON_LENGTH]), blocked
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


def _in_the_way(resource: Resource, found: Diagnostics, sink: Sink) -> Finding | None:
    """Why a setting of ours cannot be added without taking away what somebody else made."""
    if foreign := _named(found, sink):
        message = (
            f"{resource.id} cannot be observed: it has a setting {foreign.name!r}, the name that the mesh uses, "
            f"which sends to {_sinks(foreign)} and is not recorded as the mesh's own. Meshplane leaves it alone: "
            f"make it again under another name and delete this one."
        )
        return Finding(OBSERVED, "SettingNameTaken", message)
    if len(found.settings) < SETTINGS_A_RESOURCE:
        return None
    names = ", ".join(repr(s.name) for s in found.settings)
    message = (
        f"{resource.id} cannot be observed: it has {len(found.settings)} settings already ({names}), the most that "
        f"Azure allows. Remove one, or send it to the mesh's workspace."
    )
    return Finding(OBSERVED, "SettingsBlocked", message)


def _sinks(setting: DiagnosticSetting) -> str:
    sinks = (setting.workspace, setting.event_hub_rule, setting.storage_account)
    return " and ".join(sink for sink in sinks if sink) or "nowhere"


def release(
    resources: Iterable[Resource],
    known: Iterable[Coverage],
    looked_at: Mapping[str, Look],
    sink: Sink,
    now: datetime,
) -> Enforcement:
    """What is still owned after looking, and the deletions that remain; a resource no longer listed owns nothing.

    Owned is what `_own` says. What could not be read stays owned:
    only a list without the resource says that it is gone. One that was never recorded as ours, and may not be read,
    keeps nobody from leaving.
    """
    owned = {normal_id(c.id): c for c in known if c.owned}
    kept: list[Coverage] = []
    steps: list[SettingStep] = []
    unread: list[tuple[Resource, MeshError]] = []
    for resource in resources:
        row = owned.get(normal_id(resource.id))
        found = looked_at.get(normal_id(resource.id)) or (_unseen(resource) if row else None)
        if isinstance(found, MeshError):
            kept += [_unread(resource, found, row, now)] if row else []
            unread += [(resource, found)] if row or not isinstance(found, Terminal) else []
        elif found and _own(found, sink, recorded=row is not None):
            kept.append(Coverage(resource.id, "covered", now, owned=True))
            steps.append(DeleteSetting(resource.id, sink.setting, "the group is no longer a node"))
    findings = _gathered(_not_read(resource, error) for resource, error in unread)
    return Enforcement(tuple(kept), tuple(steps), findings, tuple(error for _, error in unread))


def _own(found: Diagnostics, sink: Sink, *, recorded: bool) -> DiagnosticSetting | None:
    """Our setting: it carries our name, and is recorded as ours or sends to our workspace and nowhere else.

    The name alone says nothing: somebody may use the same one for a sink of theirs, or run a mesh of that name.
    """
    named = _named(found, sink)
    return named if named and (recorded or _as_we_make_it(named, sink)) else None


def _named(found: Diagnostics, sink: Sink) -> DiagnosticSetting | None:
    return next((s for s in found.settings if s.name.lower() == sink.setting.lower()), None)


def _as_we_make_it(setting: DiagnosticSetting, sink: Sink) -> bool:
    elsewhere = setting.event_hub_rule or setting.event_hub or setting.storage_account
    return bool(sink.workspace) and same_id(setting.workspace, sink.workspace) and not elsewhere
