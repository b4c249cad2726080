"""The healer: the writes that repair a pair of peerings, whatever state it is in. Pure."""

from typing import Literal

from shared.domain.network import flag_differences
from shared.domain.plan import DeletePeering, NetworkStep, PutPeering
from shared.reconcile.pair import Pair, Side
from shared.reconcile.repairs import AILMENTS, BEHIND, LEVELS, REPAIRS, Action, AilmentRow, Look, Repair


def ailment_of(side: Side) -> AilmentRow:
    """What is wrong with a side that is there, taken by itself."""
    actual = side.actual
    if actual is None:
        return AILMENTS[-1]
    differ = bool(flag_differences(actual.flags, side.flags))
    return next(
        row
        for row in AILMENTS
        if (not row.provisioning or actual.provisioning_state in row.provisioning)
        and row.owned in (None, side.owned)
        and row.flags_differ in (None, differ)
        and (not row.level or actual.sync_level in row.level)
    )


def look(side: Side, *, second: bool = False) -> Look:
    """A side as the table sees it."""
    if side.gone:
        return Look("gone")
    wanted = second and side.flags.use_remote_gateways
    actual = side.actual
    if actual is None:
        return Look("missing", gateway="wanted" if wanted else "")
    leaving = side.owned and actual.flags.use_remote_gateways
    # A state or level that the API does not document is put right, or believed to be right, respectively.
    return Look(
        _state(actual.state),
        ailment_of(side).ailment,
        actual.sync_level if actual.sync_level in LEVELS else LEVELS[0],
        side.owned,
        "wanted" if wanted else "leaving" if leaving else "",
    )


def diagnose(pair: Pair) -> Repair:
    """The row that a pair is in."""
    first, second = look(pair[0]), look(pair[1], second=True)
    return next(row for row in REPAIRS if row.first.matches(first) and row.second.matches(second))


def heal(pair: Pair) -> list[NetworkStep]:
    """The writes that bring a pair nearer to Connected and in sync on both sides, in order; none where it is, where
    Azure is still working on it, and none to a side that is not ours."""
    row = diagnose(pair)
    taken = (_act(action, pair, row) for action in row.actions)
    return [step for step in taken if step is not None]


def waits(pair: Pair) -> list[Side]:
    """The sides that Azure is still working on."""
    return [side for side in pair if ailment_of(side).ailment == "busy"]


def left_alone(pair: Pair) -> list[Side]:
    """The sides that need repair and that somebody else made: their owner's to repair, or to delete."""
    actions = diagnose(pair).actions
    names: tuple[Action, Action] = ("leave first", "leave second")
    return [side for side, action in zip(pair, names, strict=True) if action in actions]


def _act(action: Action, pair: Pair, row: Repair) -> NetworkStep | None:
    verb, _, which = action.partition(" ")
    if verb in ("wait", "leave"):
        return None
    side = pair[0] if which == "first" else pair[1]
    if verb == "delete":
        return DeletePeering(side.id, row.why, side.on_hub)
    why, differences = _reason(side)
    sync = verb == "sync" or (side.actual is not None and side.actual.sync_level in BEHIND)
    return PutPeering(
        side.id, side.remote_network, side.flags, row.why or why, side.on_hub, sync, differences
    )


def _reason(side: Side) -> tuple[str, tuple[str, ...]]:
    """Why a side is written, and which of its fields differ."""
    actual = side.actual
    if actual is None:
        return "missing", ()
    if actual.state == "Disconnected":
        return "disconnected: the other side was deleted", ("state: Disconnected -> Connected",)
    row = ailment_of(side)
    match row.ailment:
        case "failed":
            return row.why, (f"provisioningState: {actual.provisioning_state} -> Succeeded",)
        case "flags":
            return row.why, flag_differences(actual.flags, side.flags)
        case "behind":
            return row.why, (f"peeringSyncLevel: {actual.sync_level} -> FullyInSync",)
    if actual.state != "Connected":
        return "it waits for the other side", (f"state: {actual.state} -> Connected",)
    return "the other side needs it written again", ()


def _state(state: str) -> Literal["Initiated", "Connected", "Disconnected"]:
    return "Connected" if state == "Connected" else "Disconnected" if state == "Disconnected" else "Initiated"
