"""What Azure was recorded to answer about peerings: states and levels that the healer's tables know and judge."""

from collections.abc import Iterator

import pytest

from local.arm.documents import JsonObject, flag_in, object_in, text_in
from shared.domain.ids import normal_id
from shared.domain.network import Peering, PeeringFlags
from shared.reconcile.healer import diagnose
from shared.reconcile.pair import Side
from shared.reconcile.repairs import LEVELS, STATES
from tests.local.arm.conformance.recordings import RECORDINGS, exchanges

pytestmark = pytest.mark.skipif(
    not RECORDINGS.exists(), reason="the recordings (../shared/real-data) are not here"
)
NAMES = ("test_network_vnet_peering.yaml", "Test_Networking_VirtualNetworkPeering_*_CRUD.yaml")


def answers() -> Iterator[Peering]:
    """Each recorded answer that is one peering, in the order of its recording."""
    for path in sorted(p for name in NAMES for p in RECORDINGS.rglob(name)):
        for exchange in exchanges(path):
            if text_in(object_in(exchange.document, "properties"), "peeringState"):
                yield _peering(exchange.document)


def _peering(body: JsonObject) -> Peering:
    properties = object_in(body, "properties")
    return Peering(
        text_in(body, "id") or "",
        text_in(body, "name") or "",
        text_in(object_in(properties, "remoteVirtualNetwork"), "id") or "",
        text_in(properties, "peeringState") or "",
        text_in(properties, "peeringSyncLevel") or "",
        text_in(properties, "provisioningState") or "",
        (),
        PeeringFlags(
            flag_in(properties, "allowVirtualNetworkAccess"),
            flag_in(properties, "allowForwardedTraffic"),
            flag_in(properties, "allowGatewayTransit"),
            flag_in(properties, "useRemoteGateways"),
        ),
    )


def side(actual: Peering | None, flags: PeeringFlags) -> Side:
    return Side(actual, actual.id if actual else "/other", "", flags, "", owned=True)


def test_every_recorded_state_and_level_is_in_the_tables() -> None:
    found = list(answers())
    assert {p.state for p in found} == {"Initiated", "Connected"} < set(STATES)
    assert {p.sync_level for p in found if p.sync_level} <= set(LEVELS)
    assert {p.provisioning_state for p in found} == {"Updating", "Succeeded"}


def test_what_azure_answers_while_a_pair_is_made_is_judged_as_such() -> None:
    """The first side Initiated: the other is put. Both Connected: nothing is left. Updating: it is waited for."""
    rows = set()
    for answer in answers():
        other = None if answer.state == "Initiated" else answer
        row = diagnose((side(answer, answer.flags), side(other, PeeringFlags())))
        rows.add((answer.provisioning_state, answer.state, row.actions if other is None else ()))
        if other is not None and answer.provisioning_state == "Succeeded":
            pair = side(answer, answer.flags), side(other, other.flags)
            assert diagnose(pair).actions == ()
    assert rows == {
        ("Updating", "Initiated", ("wait",)),
        ("Updating", "Connected", ()),
        ("Succeeded", "Initiated", ("put second",)),
        ("Succeeded", "Connected", ()),
    }


def test_a_recorded_id_is_the_peering_of_its_network() -> None:
    for answer in answers():
        assert "/virtualnetworkpeerings/" in normal_id(answer.id)
        assert answer.remote_network
