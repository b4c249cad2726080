"""A node as its policies see it, and what has to be read for them. Pure; nothing here asks for a write."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec

from shared.domain.errors import MeshError, Terminal
from shared.domain.exposure import Exposure
from shared.domain.governance import Policies, Standing
from shared.domain.governance_checks import Governed, Subject, evaluate, wanted_exposures
from shared.domain.ids import normal_id
from shared.domain.mesh import Timing
from shared.domain.node import EVERYTHING, Coverage, NodeRecord
from shared.domain.tags import read_tags
from shared.ports import Group
from shared.reconcile.hub_choice import is_member
from shared.reconcile.observation import Observation


def exposures_to_read(
    policies: Policies, record: NodeRecord, seen: Observation, now: datetime, timing: Timing
) -> list[str]:
    """The types whose access has to be read: of a resource it is unknown, stale, or an event named it since.

    What could not be read is read at each look: a right that was granted raises no event that names the resource.
    """
    if seen.group is None or not is_member(seen.group):
        return []
    touched = (*record.taken, *record.touched)
    fresh_after = now - timedelta(seconds=timing.audit)
    known = {normal_id(e.id) for e in record.exposures if e.checked_at > fresh_after and not e.code}
    there: dict[str, bool] = {}
    for resource in seen.resources:
        name = normal_id(resource.id)
        due = name not in known or name in touched or EVERYTHING in touched
        there[resource.type.lower()] = there.get(resource.type.lower(), False) or due
    domain, environment = _place(record, seen.group)
    return [t for t in wanted_exposures(policies, domain, environment, record.key) if there.get(t)]


def subject_of(
    policies: Policies, record: NodeRecord, seen: Observation, group: Group, now: datetime
) -> Subject:
    """The node as policies see it, but for its coverage, which is known once all is written."""
    domain, environment = _place(record, group)
    wanted = wanted_exposures(policies, domain, environment, record.key)
    return Subject(
        key=record.key,
        domain=domain,
        environment=environment,
        location=group.location,
        resources=tuple(Governed(r.id, r.type, r.location) for r in seen.resources),
        tags=group.tags if seen.all_tags else None,
        network=read_tags(group.tags)[0].network,
        coverage=None,
        exposures=tuple(_exposures(record, seen, wanted, now)),
    )


def standings_of(
    policies: Policies,
    subject: Subject | None,
    coverage: tuple[Coverage, ...],
    judged: bool,
    record: NodeRecord,
    now: datetime,
) -> tuple[Standing, ...]:
    """How the node stands after a run; none where the group is no node. `judged` says that coverage was decided."""
    if subject is None:
        return ()
    whole = msgspec.structs.replace(subject, coverage=coverage if judged else None)
    return evaluate(policies, whole, record.standings, now)


def _place(record: NodeRecord, group: Group) -> tuple[str, str]:
    """The domain and the environment that the tags name, or named before one had a wrong value."""
    tags = read_tags(group.tags)[0]
    domain = record.domain if tags.domain is None else tags.domain
    return domain, record.environment if tags.environment is None else tags.environment


def _exposures(
    record: NodeRecord, seen: Observation, wanted: tuple[str, ...], now: datetime
) -> Iterator[Exposure]:
    """What is known after looking. What passes by itself leaves what was known; a refusal leaves nothing."""
    known = {normal_id(e.id): e for e in record.exposures}
    for resource in seen.resources:
        kind, name = resource.type.lower(), normal_id(resource.id)
        if kind not in wanted:
            continue
        look = seen.exposures.get(kind)
        if look is None or (isinstance(look, MeshError) and not isinstance(look, Terminal)):
            row = known.get(name) or Exposure(resource.id, "unknown", now, "NotLookedAt")
            yield msgspec.structs.replace(row, code=look.reason) if look else row
        elif isinstance(look, Terminal):
            yield Exposure(resource.id, "unknown", now, look.reason)
        elif name in look:
            yield Exposure(resource.id, look[name], now)
        else:
            yield Exposure(resource.id, "unknown", now, "NotListed")
