"""Which peerings a node's networks need, and how it gets from those it has to those: a pure function of what was seen.

Make before break: what is no longer wanted goes once everything that is wanted is Connected; before where Azure
takes one of the two only; at once where the network that it connects is not the node's to connect.
"""

from collections.abc import Collection, Sequence

import msgspec

from shared.domain.conditions import CONNECTED, Finding
from shared.domain.ids import normal_id
from shared.domain.network import VirtualNetwork
from shared.domain.permissions import Known
from shared.domain.plan import NetworkStep, PutPeering
from shared.reconcile.former import WHY, Ours, in_the_way
from shared.reconcile.healer import heal, left_alone, waits
from shared.reconcile.options.attached import with_turn
from shared.reconcile.options.scene import WantedPair
from shared.reconcile.pair import Pair, connected, give_up_addresses
from shared.reconcile.preflight import Party, preflight
from shared.reconcile.rights import Need, missing, needs_of

SCARCE = 250
"""Peerings: the network provider's quota lets no more nodes be attached to a hub before a plan is too old."""

type Decided = tuple[list[NetworkStep], list[Finding]]


def connect(
    own: Sequence[VirtualNetwork],
    wanted: Sequence[WantedPair],
    leaving: Sequence[Ours],
    *,
    keep: bool,
    known: Known,
) -> Decided:
    """The steps that connect every network of a node, and what stands in the way.

    With `keep` what is `leaving` stays even when the new connection stands. `known` is what may be written where.
    """
    kept = {normal_id(n.id) for n in own}
    stale = [
        o.deleted(f"its network {o.spoke} is gone" if o.far else WHY) for o in leaving if o.spoke not in kept
    ]
    gone = {normal_id(s.id) for s in stale}
    steps: list[NetworkStep] = list(stale)
    findings: list[Finding] = []
    for network in own:
        here = normal_id(network.id)
        more, found = _replace(
            [w for w in wanted if w.between[0] == here],
            [o for o in leaving if o.spoke == here],
            gone,
            keep=keep,
            known=known,
        )
        steps += more
        findings += found
    return steps, findings


def stands(wanted: Sequence[WantedPair]) -> bool:
    """Whether every connection that is wanted is there: traffic passes."""
    return all(_connected(w) for w in wanted)


def needs(wanted: Sequence[WantedPair]) -> list[Need]:
    """The rights that the node's own writes to its pairs take, as far as there is something to write."""
    return [n for w in wanted if w.pair and not w.leader for n in needs_of(heal(w.pair))]


def disconnect(found: Sequence[Ours]) -> list[NetworkStep]:
    """The steps that remove what is ours of a node's connections, the node's sides first."""
    why = "the group is no longer a node"
    return [*(o.deleted(why) for o in found if not o.far), *(o.deleted(why) for o in found if o.far)]


def _replace(
    wanted: Sequence[WantedPair],
    leaving: Sequence[Ours],
    gone: Collection[str],
    *,
    keep: bool,
    known: Known,
) -> Decided:
    deletions: list[NetworkStep] = [o.deleted(WHY) for o in leaving]
    if refused := in_the_way(leaving, wanted):
        after = {*gone, *(normal_id(s.id) for s in deletions)}
        steps, findings = _pairs(wanted, after, known)
        if not steps or any(f.severity == "error" for f in findings):
            return steps, findings
        first: list[NetworkStep] = [
            o.deleted(f"before the new connection is made: {refused}") for o in leaving
        ]
        one_turn = {o.turn for o in leaving if o.turn} <= {getattr(s, "on_hub", "") for s in steps}
        # A plan waits for one turn: what lies on another hub's network is another plan.
        return ([*first, *steps] if one_turn else first), findings
    steps, findings = _pairs(wanted, gone, known)
    if not steps and stands(wanted) and not keep:
        return deletions, findings
    return steps, findings


def _pairs(wanted: Sequence[WantedPair], gone: Collection[str], known: Known) -> Decided:
    steps: list[NetworkStep] = []
    findings: list[Finding] = []
    for one in wanted:
        more, found = _pair(one, gone, known) if one.pair else ([], [])
        steps += more
        findings += [*found, *one.notes]
    return steps, findings


def _pair(wanted: WantedPair, gone: Collection[str], known: Known) -> Decided:
    pair, parties = wanted.pair, wanted.parties
    if pair is None or parties is None:
        return [], []
    updating = [s.id for s in waits(pair)]
    if updating or wanted.local.provisioning_state == "Updating":
        message = f"Azure is still working on {updating[0] if updating else wanted.local.id}."
        return [], [Finding(CONNECTED, "Updating", message, "info", waiting=True)]
    repair, foreign = heal(pair), left_alone(pair)
    if not repair and not foreign:
        return [], []
    against = preflight(pair, *parties, leaving=gone)
    if not wanted.leader:
        against += missing(needs_of(repair), known)
    if any(f.severity == "error" or f.waiting for f in against):
        return ([] if wanted.leader else _given_up(pair, against)), against
    if repair and wanted.leader:
        return [], [*against, *_foreign([s.id for s in foreign]), _asked(wanted)]
    bounded = [_bounded(step, pair, parties) for step in repair]
    return with_turn(bounded, wanted.turn), [*against, *_foreign([s.id for s in foreign])]


def _bounded(step: NetworkStep, pair: Pair, parties: tuple[Party, Party]) -> NetworkStep:
    """A step that adds a peering to a hub which has little room left, with how many it takes."""
    for side, party in zip(pair, parties, strict=True):
        scarce = party.capacity - len(party.network.peerings) <= SCARCE
        if isinstance(step, PutPeering) and step.id == side.id and side.on_hub and not side.actual and scarce:
            return msgspec.structs.replace(step, most=party.capacity)
    return step


def _given_up(pair: Pair, against: Sequence[Finding]) -> list[NetworkStep]:
    return give_up_addresses(pair) if any(f.reason == "AddressSpaceOverlap" for f in against) else []


def _connected(wanted: WantedPair) -> bool:
    if wanted.pair is not None:
        return connected(wanted.pair)
    return wanted.side is not None and wanted.side.state == "Connected"


def _asked(wanted: WantedPair) -> Finding:
    if wanted.patient:
        message = f"{wanted.leader} writes the pair with {wanted.remote} and has been asked to."
        return Finding(CONNECTED, "PartnerAsked", message, "info", waiting=True)
    message = f"{wanted.leader} was to write the pair with {wanted.remote} and did not: see what its conditions say."
    return Finding(CONNECTED, "PairNotMade", message)


def _foreign(broken: Sequence[str]) -> list[Finding]:
    if not broken:
        return []
    message = (
        f"{', '.join(broken)} needs repair, but Meshplane did not make it and leaves it alone. Repair it, or delete"
        " it so that Meshplane can make its own: Azure allows one peering between two networks."
    )
    return [Finding(CONNECTED, "ForeignPeering", message)]
