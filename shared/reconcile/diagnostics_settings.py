"""Which settings one resource is to have of ours, and in which order to write them, around Azure's limits. Pure.

At most five settings a resource, one sink of each kind in a setting, and no category twice towards one sink: Azure
answers 409 (Azure Monitor, "Diagnostic settings", limitations).
"""

from collections.abc import Mapping, Sequence

import msgspec

from shared.domain.conditions import OBSERVED, Finding
from shared.domain.diagnostics import (
    SETTINGS_A_RESOURCE,
    Category,
    DiagnosticSetting,
    Selection,
    selection_differences,
    selection_of,
    sent,
)
from shared.domain.ids import same_id
from shared.domain.plan import MISSING, DeleteSetting, PutSetting, SettingStep
from shared.domain.sinks import Sink, SinkKind, covered, places, setting_to

_FIELDS = {
    "workspace": "workspaceId",
    "event_hub_rule": "eventHubAuthorizationRuleId",
    "event_hub": "eventHubName",
    "storage_account": "storageAccountId",
}

_SUPERFLUOUS = "superfluous: nothing is left that only it is to send"

type Names = Mapping[SinkKind, str]
type Need = Mapping[Sink, frozenset[str]]
"""The names of categories by the sink that is to get them."""


class Arrangement(msgspec.Struct, frozen=True):
    """What follows for one resource: writes in their order, and what is in the way of the rest.

    `covers` are the kinds of sink that get all they are to get now, `then` those that do after the steps; `names` are
    those of our settings that are there or will be, `kept` those that stay.
    """

    steps: tuple[SettingStep, ...] = ()
    covers: tuple[SinkKind, ...] = ()
    then: tuple[SinkKind, ...] = ()
    names: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    blocked: Finding | None = None


def arrange(
    resource: str,
    categories: tuple[Category, ...],
    settings: Sequence[DiagnosticSetting],
    own: Sequence[DiagnosticSetting],
    wanted: Need,
    names: Names,
) -> Arrangement:
    """The owned settings that, beside those of others, send each sink what it is to get, as far as Azure allows."""
    others = [s for s in settings if s not in own]
    covers = _covering(settings, categories, wanted)
    missing = {sink: need - covered(others, categories, sink) for sink, need in wanted.items()}
    if len(covers) == len(_kinds(wanted)) and all(_needed(s, categories, wanted, missing) for s in own):
        ours = tuple(s.name for s in own)
        return Arrangement(covers=covers, then=covers, names=ours, kept=ours)
    desired, taken = _nameable(_desired(categories, missing, names), others)
    room = SETTINGS_A_RESOURCE - len(others)
    kept = _fitted(desired, room, categories, missing)
    steps = _ordered(resource, own, kept, room, categories)
    then = _covering([*others, *kept], categories, wanted)
    made = dict.fromkeys([*(s.name for s in own), *(s.name for s in kept)])
    left = {s: need - covered([*others, *kept], categories, s) for s, need in missing.items()}
    left = {sink: names for sink, names in left.items() if names}
    blocked = _in_the_way(resource, others, taken, left) if left else None
    return Arrangement(steps, covers, then, tuple(made), tuple(s.name for s in kept), blocked)


def _kinds(wanted: Need) -> list[SinkKind]:
    return [sink.kind for sink, need in wanted.items() if need]


def _covering(
    settings: Sequence[DiagnosticSetting], categories: tuple[Category, ...], wanted: Need
) -> tuple[SinkKind, ...]:
    return tuple(
        sink.kind for sink, need in wanted.items() if need and need <= covered(settings, categories, sink)
    )


def _needed(
    setting: DiagnosticSetting, categories: tuple[Category, ...], wanted: Need, missing: Need
) -> bool:
    """Whether one of ours sends nothing but what it should, to nowhere but where it should, and nobody else does."""
    names = sent(setting.selection, categories)
    by_place = {sink.place: sink for sink in wanted}
    sinks = [by_place.get(place) for place in places(setting).values()]
    return bool(sinks) and all(s and names <= wanted[s] and names & missing[s] for s in sinks)


def _desired(categories: tuple[Category, ...], missing: Need, names: Names) -> list[DiagnosticSetting]:
    """One setting for all sinks that are to get the same; each is named by the first of its sinks."""
    together: dict[Selection, list[Sink]] = {}
    for sink, need in missing.items():
        if need:
            together.setdefault(selection_of(need, categories), []).append(sink)
    return [setting_to(names[sinks[0].kind], chosen, sinks) for chosen, sinks in together.items()]


def _nameable(
    desired: Sequence[DiagnosticSetting], others: Sequence[DiagnosticSetting]
) -> tuple[list[DiagnosticSetting], list[DiagnosticSetting]]:
    """Those whose name is free, and the settings of others that have the names of the rest."""
    theirs = {s.name.lower(): s for s in others}
    free = [s for s in desired if s.name.lower() not in theirs]
    return free, [theirs[s.name.lower()] for s in desired if s.name.lower() in theirs]


def _fitted(
    desired: Sequence[DiagnosticSetting],
    room: int,
    categories: tuple[Category, ...],
    missing: Need,
) -> list[DiagnosticSetting]:
    """As many settings as there is room for; the sinks of the rest join one whose categories they all lack."""
    kept = list(desired[: max(room, 0)])
    by_place = {sink.place: sink for sink in missing}
    for sink in (by_place[place] for setting in desired[len(kept) :] for place in places(setting).values()):
        hosts = [k for k in kept if sent(k.selection, categories) <= missing[sink]]
        if hosts:
            host = max(hosts, key=lambda k: len(sent(k.selection, categories)))
            joined = [by_place[place] for place in places(host).values()]
            kept[kept.index(host)] = setting_to(host.name, host.selection, [*joined, sink])
    return kept


def _ordered(
    resource: str,
    own: Sequence[DiagnosticSetting],
    wanted: Sequence[DiagnosticSetting],
    room: int,
    categories: tuple[Category, ...],
) -> tuple[SettingStep, ...]:
    """Writes that Azure accepts one after the other: what is new before what is superfluous goes, where it fits."""
    before = {s.name.lower(): s for s in own}
    state, kept = dict(before), {s.name.lower() for s in wanted}
    puts = [s for s in wanted if _differs(state.get(s.name.lower()), s)]
    superfluous = [s for s in own if s.name.lower() not in kept]
    steps: list[SettingStep] = []
    while puts or superfluous:
        fits = (
            s for s in puts if not _rivals(s, state, categories) and len({*state, s.name.lower()}) <= room
        )
        if ready := next(fits, None):
            puts.remove(ready)
            state[ready.name.lower()] = ready
            steps.append(_put(resource, ready, before.get(ready.name.lower())))
            continue
        # Two of ours that change places: one of them goes first and comes back.
        gone = superfluous.pop(0) if superfluous else _rivals(puts[0], state, categories)[0]
        del state[gone.name.lower()]
        steps.append(DeleteSetting(resource, gone.name, _SUPERFLUOUS))
    return tuple(steps)


def _rivals(
    setting: DiagnosticSetting, state: Mapping[str, DiagnosticSetting], categories: tuple[Category, ...]
) -> list[DiagnosticSetting]:
    """The settings of other names beside which Azure would refuse it: the same category to the same sink."""
    names, where = sent(setting.selection, categories), places(setting).items()
    return [
        other
        for name, other in state.items()
        if name != setting.name.lower()
        and where & places(other).items()
        and names & sent(other.selection, categories)
    ]


def _differs(actual: DiagnosticSetting | None, wanted: DiagnosticSetting) -> bool:
    return actual is None or bool(_differences(actual, wanted))


def _differences(actual: DiagnosticSetting, wanted: DiagnosticSetting) -> tuple[str, ...]:
    """The fields that differ, each as `field: actual -> wanted`."""
    sinks = [
        f"{named}: {getattr(actual, field) or 'none'} -> {getattr(wanted, field) or 'none'}"
        for field, named in _FIELDS.items()
        if not same_id(getattr(actual, field), getattr(wanted, field))
    ]
    return (*selection_differences(actual.selection, wanted.selection), *sinks)


def _put(resource: str, wanted: DiagnosticSetting, actual: DiagnosticSetting | None) -> PutSetting:
    return PutSetting(
        resource,
        wanted.name,
        wanted.workspace,
        wanted.selection,
        "differs" if actual else MISSING,
        _differences(actual, wanted) if actual else (),
        wanted.event_hub_rule,
        wanted.event_hub,
        wanted.storage_account,
    )


def _in_the_way(
    resource: str,
    others: Sequence[DiagnosticSetting],
    taken: Sequence[DiagnosticSetting],
    left: Need,
) -> Finding:
    """Why something cannot be sent without taking away what somebody else made: what, where to, and whose."""
    lost = " and ".join(f"{', '.join(sorted(names))} to {sink.id}" for sink, names in left.items())
    if taken:
        message = (
            f"{resource} cannot be observed: it has a setting {taken[0].name!r}, a name that the mesh uses, "
            f"which sends to {_told(taken[0])} and is not recorded as the mesh's own. Meshplane leaves it alone: "
            f"make it again under another name and delete this one. Not sent: {lost}."
        )
        return Finding(OBSERVED, "SettingNameTaken", message)
    theirs = ", ".join(f"{s.name!r} (to {_told(s)})" for s in others)
    message = (
        f"{resource} cannot be observed: others made {len(others)} of the {SETTINGS_A_RESOURCE} settings that Azure "
        f"allows: {theirs}. Remove one, or add the mesh's sinks to one of them. Not sent: {lost}."
    )
    return Finding(OBSERVED, "SettingsBlocked", message)


def _told(setting: DiagnosticSetting) -> str:
    sinks = (setting.workspace, setting.event_hub_rule, setting.storage_account)
    return " and ".join(sink for sink in sinks if sink) or "nowhere"
