"""Many nodes at once, with every quota of Azure on."""

import pytest

from benchmarks.attaching import SHARE_REFUSED, measured

NODES, BROKEN = 200, 20

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("many"), pytest.mark.timeout(900)]


def test_two_hundred_nodes_tagged_at_once_are_all_attached_to_one_hub_and_azure_refuses_next_to_nothing() -> (
    None
):
    """None is lost: `measured` raises where one is not Ready, or the hub lacks a Connected peering of one."""
    attached, healed = measured(NODES, BROKEN)
    assert attached.calls >= NODES * 5
    assert attached.share_refused < SHARE_REFUSED
    assert healed.share_refused < SHARE_REFUSED
