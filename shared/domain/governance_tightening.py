"""What keeps a domain's policy from loosening one of the mesh's that has the same name. Pure.

Both count in any case; a policy that could only be the weaker one says something that its domain does not get.
"""

from collections.abc import Iterator, Sequence

from shared.domain.governance import (
    AllowedNetworkOptions,
    AllowedRegions,
    AllowedResourceTypes,
    Policy,
    PublicNetworkAccess,
    RequiredTags,
    TelemetryCoverage,
)
from shared.domain.sinks import region_of
from shared.domain.wildcards import fits_any

_MODES = ("audit", "enforce")


def loosened(mesh: Policy, own: Policy) -> Iterator[tuple[str, str]]:
    """The members (as paths) by which a domain's policy asks for less than the mesh's of its name, and how."""
    if own.kind != mesh.kind:
        yield "require.kind", f"is {own.kind}; the mesh's policy of this name is {mesh.kind}"
        return
    if _MODES.index(own.mode) < _MODES.index(mesh.mode):
        yield "mode", f"is {own.mode}; the mesh's policy of this name is {mesh.mode}"
    for path, more in _more(mesh, own):
        yield f"require.{path}", f"allows {', '.join(more)}, which the mesh's policy of this name does not"
    match mesh.require, own.require:
        case RequiredTags() as theirs, RequiredTags() as ours:
            yield from _tags(theirs, ours)
        case PublicNetworkAccess() as theirs, PublicNetworkAccess() as ours:
            yield from _access(theirs, ours)
        case TelemetryCoverage() as theirs, TelemetryCoverage() as ours:
            for sink, least in theirs.least.items():
                if ours.least.get(sink, 0.0) < least:
                    yield (
                        "require.least",
                        f"asks for less of {sink} than the {least:g} % of the mesh's policy",
                    )


def _more(mesh: Policy, own: Policy) -> Iterator[tuple[str, list[str]]]:
    """What an allow-list has beyond that of the mesh."""
    match mesh.require, own.require:
        case AllowedRegions() as theirs, AllowedRegions() as ours:
            allowed = {region_of(r) for r in theirs.regions}
            found = ("regions", [r for r in ours.regions if region_of(r) not in allowed])
        case AllowedNetworkOptions() as theirs, AllowedNetworkOptions() as ours:
            found = ("options", [o for o in ours.options if o not in theirs.options])
        case AllowedResourceTypes() as theirs, AllowedResourceTypes() as ours:
            found = ("types", _beyond(theirs.types, ours.types))
        case _:
            return
    if found[1]:
        yield found


def _tags(theirs: RequiredTags, ours: RequiredTags) -> Iterator[tuple[str, str]]:
    own = {tag.lower(): patterns for tag, patterns in ours.tags.items()}
    for tag, patterns in theirs.tags.items():
        if tag.lower() not in own:
            yield "require.tags", f"leaves out {tag}, which the mesh's policy of this name requires"
        elif more := _beyond(patterns, own[tag.lower()]):
            allowed = f"{', '.join(more)}, which the mesh's policy of this name does not"
            yield "require.tags", f"allows {tag} to be {allowed}"


def _access(theirs: PublicNetworkAccess, ours: PublicNetworkAccess) -> Iterator[tuple[str, str]]:
    if missing := _beyond(ours.types, theirs.types):
        yield "require.types", f"leaves out {', '.join(missing)}, which the mesh's policy of this name covers"
    if ours.selected_networks and not theirs.selected_networks:
        yield "require.selected_networks", "is true; in the mesh's policy of this name it is not"


def _beyond(allowed: Sequence[str], wanted: Sequence[str]) -> list[str]:
    return [one for one in wanted if not fits_any(allowed, one)]
