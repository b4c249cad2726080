"""How a node stands towards its policies: a pure function of what was observed. Nothing here asks for a write."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from shared.domain.exposure import EXPOSED, Exposure
from shared.domain.governance import (
    VERDICTS,
    AllowedNetworkOptions,
    AllowedRegions,
    AllowedResourceTypes,
    Exemption,
    Policies,
    Policy,
    PublicNetworkAccess,
    RequiredTags,
    Requirement,
    Scope,
    Standing,
    TelemetryCoverage,
    Verdict,
)
from shared.domain.ids import NodeKey, normal_id
from shared.domain.node import Coverage
from shared.domain.sinks import SinkKind, region_of
from shared.domain.wildcards import fits_any

NAMED = 5
"""Resources that a standing names."""
LONGEST = 600
"""Characters of a standing's message, of which a node may have many."""


class Governed(msgspec.Struct, frozen=True):
    """A resource of the group, or something in one."""

    id: str
    type: str
    location: str


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """A node as policies see it. What is None could not be told by this look.

    `tags` are all of the group's, `network` the option that it chose, `coverage` what is known of its diagnostics.
    """

    key: NodeKey
    domain: str
    environment: str
    location: str
    resources: tuple[Governed, ...]
    tags: Mapping[str, str] | None
    network: str | None
    coverage: tuple[Coverage, ...] | None
    exposures: tuple[Exposure, ...] = ()


class _Fault(NamedTuple):
    """What speaks against a node; of no resource, it is the group itself."""

    message: str
    resource: str = ""


class _Judged(NamedTuple):
    """What came of one requirement: faults, or why nobody can tell; `later` where the next look will."""

    faults: Sequence[_Fault] = ()
    unknown: str = ""
    later: bool = False


def evaluate(
    policies: Policies, subject: Subject, before: Sequence[Standing], now: datetime
) -> tuple[Standing, ...]:
    """A standing for each name of a policy that applies, in the order of the names.

    What needs tags that this look did not read stays as it was `before`. So does, while some policies cannot be read,
    what is known of those that are not there: a mistake in a file lets nobody off.
    """
    known = {standing.policy: standing for standing in before}
    found: dict[str, list[Standing]] = {}
    for policy in policies.items:
        applies = _applies(policy, subject)
        if applies is None:
            if policy.name in known:
                found.setdefault(policy.name, []).append(known[policy.name])
        elif applies:
            found.setdefault(policy.name, []).append(_standing(policy, subject, known.get(policy.name), now))
    if policies.faults:
        readable = {(policy.name, policy.domain.casefold()) for policy in policies.items}
        for name, standing in known.items():
            if not readable.issuperset((name, domain) for domain in standing.given_by or ("",)):
                found.setdefault(name, []).append(msgspec.structs.replace(standing, kept=True))
    standings = sorted(map(_worst, found.values()), key=lambda s: s.policy)
    return tuple(_dated(s, known.get(s.policy), now) for s in standings)


def wanted_exposures(policies: Policies, domain: str, environment: str, key: NodeKey) -> tuple[str, ...]:
    """The types, in lower case, whose access some policy that may apply to a node asks for."""
    patterns = [
        pattern
        for policy in policies.items
        if isinstance(policy.require, PublicNetworkAccess)
        and _of_domain(policy, domain)
        and _placed(policy.applies, key, domain, environment)
        for pattern in policy.require.types
    ]
    return tuple(kind for kind in EXPOSED if fits_any(patterns, kind))


# --- where a policy applies


def _applies(policy: Policy, subject: Subject) -> bool | None:
    """None where the tags would tell, which are not known."""
    if not _of_domain(policy, subject.domain):
        return False
    if not _placed(policy.applies, subject.key, subject.domain, subject.environment):
        return False
    if not policy.applies.tags:
        return True
    if subject.tags is None:
        return None
    values = _lower(subject.tags)
    return all(fits_any(some, values.get(tag.lower(), "")) for tag, some in policy.applies.tags.items())


def _of_domain(policy: Policy, domain: str) -> bool:
    return not policy.domain or policy.domain.casefold() == domain.casefold()


def _placed(scope: Scope, key: NodeKey, domain: str, environment: str) -> bool:
    return (
        (not scope.domains or fits_any(scope.domains, domain))
        and (not scope.environments or fits_any(scope.environments, environment))
        and (not scope.nodes or _names(scope.nodes, key))
    )


def _names(patterns: Sequence[str], key: NodeKey) -> bool:
    return any(
        fits_any([pattern], f"{key.subscription}/{key.group}" if "/" in pattern else key.group)
        for pattern in patterns
    )


# --- standings


def _standing(policy: Policy, subject: Subject, before: Standing | None, now: datetime) -> Standing:
    judged = _judge(policy.require, subject)
    standing = Standing(
        policy=policy.name,
        verdict="compliant",
        mode=policy.mode,
        severity=policy.severity,
        given_by=(policy.domain.casefold(),),
    )
    if judged.unknown and not judged.faults:
        if before and judged.later:
            return msgspec.structs.replace(before, mode=policy.mode, severity=policy.severity, kept=False)
        return msgspec.structs.replace(standing, verdict="unknown", message=judged.unknown[:LONGEST])
    if not judged.faults:
        return standing
    exemption, lapsed = _exemption(policy.exemptions, subject.key, now)
    verdict: Verdict = "exempt" if exemption else "violating"
    concerned = [fault.resource for fault in judged.faults if fault.resource]
    return msgspec.structs.replace(
        standing,
        verdict=verdict,
        message=_message(policy, judged.faults, exemption, lapsed),
        resources=tuple(concerned[:NAMED]),
        findings=len(judged.faults),
        until=exemption.until if exemption else None,
    )


def _exemption(
    exemptions: Iterable[Exemption], key: NodeKey, now: datetime
) -> tuple[Exemption | None, Exemption | None]:
    """The one that counts, the longest where several do; and, where none does any more, the last that did."""
    today = now.astimezone(UTC).date()
    named = sorted((e for e in exemptions if _names(e.nodes, key)), key=lambda e: e.until)
    last = named[-1] if named else None
    return (last, None) if last and last.until >= today else (None, last)


def _message(
    policy: Policy, faults: Sequence[_Fault], exemption: Exemption | None, lapsed: Exemption | None
) -> str:
    told = [fault.message for fault in faults[:NAMED]]
    if len(faults) > NAMED:
        told.append(f"{len(faults) - NAMED} more likewise.")
    if exemption:
        told.append(f"Exempt until {exemption.until.isoformat()}: {exemption.reason.rstrip('.')}.")
    if lapsed:
        told.append(f"Its exemption ended on {lapsed.until.isoformat()}.")
    told += [policy.remedy] if policy.remedy else []
    return f"{policy.title.rstrip('.')}: {' '.join(told)}"[:LONGEST]


def _worst(standings: Sequence[Standing]) -> Standing:
    """Of policies of one name, each counts: the worst verdict, in the mode of those that give it."""
    worst = min(standings, key=lambda s: (not s.withholds, VERDICTS.index(s.verdict), s.mode != "enforce"))
    same = [s for s in standings if s.verdict == worst.verdict]
    givers = tuple(sorted({domain for s in same for domain in s.given_by}))
    told = [worst] if worst.kept or worst.verdict != "violating" else [s for s in same if not s.kept]
    others = [s.message for s in told if s is not worst]
    message = " ".join([worst.message, *others])[:LONGEST]
    return msgspec.structs.replace(worst, message=message, given_by=givers)


def _dated(standing: Standing, before: Standing | None, now: datetime) -> Standing:
    since = before.since if before and before.verdict == standing.verdict else None
    return msgspec.structs.replace(standing, since=since or now)


# --- what is required


def _judge(require: Requirement, subject: Subject) -> _Judged:
    match require:
        case AllowedRegions():
            return _Judged(_regions(require, subject))
        case RequiredTags():
            return _tags(require, subject)
        case PublicNetworkAccess():
            return _access(require, subject)
        case TelemetryCoverage():
            return _coverage(require, subject)
        case AllowedNetworkOptions():
            return _options(require, subject)
        case AllowedResourceTypes():
            return _Judged(_types(require, subject))


def _regions(require: AllowedRegions, subject: Subject) -> list[_Fault]:
    allowed = {region_of(region) for region in require.regions}

    def outside(location: str) -> bool:
        return region_of(location) not in (*allowed, "")

    faults = [_Fault(f"the group lies in {subject.location}.")] if outside(subject.location) else []
    return faults + [
        _Fault(f"{r.id} lies in {r.location}.", r.id) for r in subject.resources if outside(r.location)
    ]


def _tags(require: RequiredTags, subject: Subject) -> _Judged:
    if subject.tags is None:
        return _Judged(unknown="The group's tags are read at its next look.", later=True)
    values, faults = _lower(subject.tags), []
    for tag, patterns in require.tags.items():
        value = values.get(tag.lower(), "")
        if not value:
            faults.append(_Fault(f"the group has no tag {tag}."))
        elif not fits_any(patterns, value):
            # Values may be people's addresses: which one it is, the group shows.
            faults.append(_Fault(f"the group's tag {tag} has a value that is none of {', '.join(patterns)}."))
    return _Judged(faults)


def _access(require: PublicNetworkAccess, subject: Subject) -> _Judged:
    known = {normal_id(e.id): e for e in subject.exposures}
    faults: list[_Fault] = []
    doubts: list[str] = []
    for resource in subject.resources:
        if resource.type.lower() not in EXPOSED or not fits_any(require.types, resource.type):
            continue
        seen = known.get(normal_id(resource.id))
        if seen is None or seen.access == "unknown":
            doubts.append(f"{resource.id} ({seen.code if seen and seen.code else 'NotToldByAzure'})")
        elif seen.access == "public" or (seen.access == "selected" and not require.selected_networks):
            faults.append(_Fault(f"{resource.id} is reachable from public networks.", resource.id))
    more = ", …" if len(doubts) > NAMED else ""
    unknown = f"Whether these are public cannot be told: {', '.join(doubts[:NAMED])}{more}." if doubts else ""
    return _Judged(faults, unknown)


def _coverage(require: TelemetryCoverage, subject: Subject) -> _Judged:
    if subject.coverage is None:
        return _Judged(unknown="What reports is told once the node's tags are put right.")
    rows = [row for row in subject.coverage if row.status != "unsupported"]
    faults: list[_Fault] = []
    for sink, least in require.least.items():
        lacking = [row.id for row in rows if not _covers(row, sink)]
        share = 100.0 * (len(rows) - len(lacking)) / len(rows) if rows else 100.0
        if share < least:
            told = f"{len(rows) - len(lacking)} of {len(rows)} resources report to {sink}, not {least:g} %."
            faults.append(_Fault(told, lacking[0]))
    return _Judged(faults)


def _covers(row: Coverage, sink: SinkKind) -> bool:
    return sink in row.covers or (row.status == "covered" and not row.wanted and sink == "workspace")


def _options(require: AllowedNetworkOptions, subject: Subject) -> _Judged:
    if subject.network is None:
        return _Judged(unknown="The tag mesh-network has a value that is not allowed.")
    if subject.network in require.options:
        return _Judged()
    return _Judged([_Fault(f"the node has the network option {subject.network}.")])


def _types(require: AllowedResourceTypes, subject: Subject) -> list[_Fault]:
    return [
        _Fault(f"{r.id} is of the type {r.type}.", r.id)
        for r in subject.resources
        if not fits_any(require.types, r.type)
    ]


def _lower(tags: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value.strip() for name, value in tags.items()}
