"""Which diagnostic settings a node's resources need: pure functions of what was observed."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from shared.domain.conditions import OBSERVED, Finding
from shared.domain.diagnostics import DiagnosticSetting
from shared.domain.errors import MeshError, NotFound, Terminal
from shared.domain.ids import normal_id
from shared.domain.node import EVERYTHING, Coverage, CoverageStatus
from shared.domain.plan import DeleteSetting, SettingStep
from shared.domain.sinks import SinkKind, places, region_of
from shared.domain.sinks_choice import NodeSinks, Wanted
from shared.ports import Resource
from shared.reconcile.diagnostics_children import has_children
from shared.reconcile.diagnostics_settings import Arrangement, Names, arrange
from shared.reconcile.observation import Diagnostics, Look

REASON_LENGTH = 200  # of what Azure said, in each row
NAMED = 3  # resources in one message
UNSUPPORTED_FOR = timedelta(days=30)
"""So long a type that supports no diagnostic settings is taken at its word."""

NO_DIAGNOSTICS = "NoDiagnostics"
IS_SINK = "IsSink"
EXCLUDED = "Excluded"
NO_SINK = "NoSinkInRegion"
_UNSUPPORTED = {
    NO_DIAGNOSTICS: "its type has no diagnostic settings",
    IS_SINK: "it is a sink itself, and would report to itself or round",
    EXCLUDED: "MESH_TELEMETRY_POLICY excludes all that it could send",
}


class Enforcement(msgspec.Struct, frozen=True):
    """What is known after looking, and what has to be written; `errors` are why some of it is not known.

    `then` are the rows of `coverage` that are different once every step for their resource was performed.
    """

    coverage: tuple[Coverage, ...]
    steps: tuple[SettingStep, ...]
    findings: tuple[Finding, ...]
    errors: tuple[MeshError, ...] = ()
    then: tuple[Coverage, ...] = ()


def to_check(
    resources: Iterable[Resource],
    coverage: Iterable[Coverage],
    touched: Sequence[str],
    now: datetime,
    audit_seconds: float,
) -> list[Resource]:
    """The resources whose compliance is unknown, stale, or touched by an event since.

    What is blocked is looked at each time: a right that was granted, or a setting that made room, raises no event
    that names the resource. What only the mesh's settings keep from being covered is not.
    """
    if EVERYTHING in touched:
        return list(resources)
    fresh_after = now - timedelta(seconds=audit_seconds)
    settled = {
        normal_id(c.id)
        for c in coverage
        if _settled(c, fresh_after, now - UNSUPPORTED_FOR) and normal_id(c.id) not in touched
    }
    return [r for r in resources if normal_id(r.id) not in settled]


def _settled(row: Coverage, fresh_after: datetime, asked_after: datetime) -> bool:
    if row.status == "unsupported" and row.code == NO_DIAGNOSTICS and not has_children(row.id):
        return row.checked_at > asked_after
    settled = row.status in ("covered", "unsupported") or row.code == NO_SINK
    return settled and row.checked_at > fresh_after


def enforce(
    resources: Sequence[Resource],
    known: Iterable[Coverage],
    looked_at: Mapping[str, Look],
    sinks: NodeSinks,
    names: Names,
    now: datetime,
) -> Enforcement:
    """The settings that are missing, towards which sinks, for the resources that were looked at.

    One that could not be read is looked at again, and keeps nobody else from being observed.
    """
    before = {normal_id(c.id): c for c in known}
    coverage: list[Coverage] = []
    then: list[Coverage] = []
    steps: list[SettingStep] = []
    findings: list[Finding] = []
    errors: list[MeshError] = []
    for resource in resources:
        row = before.get(normal_id(resource.id))
        found = looked_at.get(normal_id(resource.id))
        if isinstance(found, Diagnostics):
            row, after, made = _judge(resource, found, row, sinks, names, now)
            then.append(after)
            findings += [made.blocked] if made.blocked else []
            steps += made.steps
        elif found or row is None:
            error = found or _unseen(resource)
            row = _unread(resource, error, row, now)
            findings.append(_not_read(resource, error))
            errors.append(error)
        coverage.append(row)
    findings += _lacking(resources, [*coverage, *then], sinks)
    return Enforcement(tuple(coverage), tuple(steps), _gathered(findings), tuple(errors), tuple(then))


def _unseen(resource: Resource) -> MeshError:
    return NotFound("NotLookedAt", "It has not been looked at yet.", target=resource.id)


def _unread(resource: Resource, error: MeshError, known: Coverage | None, now: datetime) -> Coverage:
    """Not covered, whatever was known before; ours is ours until somebody has seen that it is not there."""
    status: CoverageStatus = "blocked" if isinstance(error, Terminal) else "missing"
    reason = f"{error.reason}: {error.message}"[:REASON_LENGTH]
    known = known or Coverage(resource.id, status, now, kind=resource.kind)
    return msgspec.structs.replace(
        known, id=resource.id, status=status, checked_at=now, reason=reason, covers=(), code=error.reason
    )


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
    resource: Resource,
    found: Diagnostics,
    known: Coverage | None,
    sinks: NodeSinks,
    names: Names,
    now: datetime,
) -> tuple[Coverage, Coverage, Arrangement]:
    """What is known of a resource that was read, what will be once all is written, and what is to be written."""
    wanted = sinks.wanted(resource.id, resource.type, resource.location, found.categories)
    own = _own(found, sinks, names, known)
    made = arrange(resource.id, found.categories, found.settings, own, wanted.sinks, names)
    status, code, reason = _standing(resource, found, made, wanted, sinks)
    then = Coverage(
        resource.id,
        status,
        now,
        bool(made.kept),
        reason,
        made.kept,
        wanted.kinds,
        made.then,
        code,
        resource.kind,
    )
    if not made.steps:
        return then, then, made
    # Owned from here on: the claim is recorded before the first write.
    row = msgspec.structs.replace(then, owned=True, names=made.names, covers=made.covers)
    if not made.blocked:
        row = msgspec.structs.replace(row, status="missing", code="", reason="")
    return row, then, made


def _standing(
    resource: Resource, found: Diagnostics, made: Arrangement, wanted: Wanted, sinks: NodeSinks
) -> tuple[CoverageStatus, str, str]:
    """How a resource stands once all is written: the status, one word for counting, a sentence for people."""
    if made.blocked:
        return "blocked", made.blocked.reason, made.blocked.message[:REASON_LENGTH]
    if wanted.lacking:
        return "blocked", NO_SINK, f"no {' and no '.join(wanted.lacking)} sink for {_place(resource)}"
    if wanted.kinds:
        return "covered", "", ""
    reporting = any(sinks.may_report(resource.id, kind) for kind in sinks.asked)
    code = (EXCLUDED if reporting else IS_SINK) if found.categories else NO_DIAGNOSTICS
    return "unsupported", code, _UNSUPPORTED[code]


def _lacking(resources: Sequence[Resource], rows: Iterable[Coverage], sinks: NodeSinks) -> list[Finding]:
    """One finding for each region in which sinks are missing: which kinds, and for which resources."""
    lacking = {normal_id(r.id): r for r in rows if r.code == NO_SINK}
    affected: dict[tuple[str, tuple[SinkKind, ...]], list[Resource]] = {}
    for resource in resources:
        if row := lacking.get(normal_id(resource.id)):
            missing = tuple(k for k in row.wanted if sinks.sink(k, resource.location) is None)
            if missing:  # a sink that came since is found at the resource's next look
                affected.setdefault((_place(resource), missing), []).append(resource)
    return [
        Finding(
            OBSERVED,
            "NoSinkInRegion",
            f"MESH_SINKS has no {' and no '.join(kinds)} sink for {place}, where {len(some)} of the node's resources "
            f"are to report to one: {', '.join(r.id for r in some[:NAMED])}{', …' if len(some) > NAMED else ''}. "
            "Add it, or change the tag mesh-telemetry. Everything else is sent meanwhile.",
        )
        for (place, kinds), some in affected.items()
    ]


def _place(resource: Resource) -> str:
    return region_of(resource.location) or "resources of no region"


def release(
    resources: Iterable[Resource],
    known: Iterable[Coverage],
    looked_at: Mapping[str, Look],
    sinks: NodeSinks,
    names: Names,
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
        elif found and (own := _own(found, sinks, names, row)):
            ours = tuple(s.name for s in own)
            kept.append(Coverage(resource.id, "covered", now, True, names=ours, kind=resource.kind))
            steps += [DeleteSetting(resource.id, name, "the group is no longer a node") for name in ours]
    findings = _gathered(_not_read(resource, error) for resource, error in unread)
    return Enforcement(tuple(kept), tuple(steps), findings, tuple(error for _, error in unread))


def _own(
    found: Diagnostics, sinks: NodeSinks, names: Names, known: Coverage | None
) -> tuple[DiagnosticSetting, ...]:
    """Our settings: they carry our names, and are recorded as ours or send to the mesh's sinks and nowhere else.

    The name alone says nothing: somebody may use the same one for a sink of theirs, or run a mesh of that name.
    """
    ours = {name.lower() for name in names.values()}
    recorded = {name.lower() for name in _recorded(names, known)}
    return tuple(
        s
        for s in found.settings
        if s.name.lower() in ours and (s.name.lower() in recorded or _as_we_make_it(s, sinks))
    )


def _recorded(names: Names, known: Coverage | None) -> tuple[str, ...]:
    if known is None or not known.owned:
        return ()
    return known.names or (names["workspace"],)


def _as_we_make_it(setting: DiagnosticSetting, sinks: NodeSinks) -> bool:
    where = places(setting).values()
    return bool(where) and all(sinks.is_ours(place) for place in where)
