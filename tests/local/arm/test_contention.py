"""What a second write meets while the network provider is still busy with the first."""

import pytest

from local.arm.documents import object_in
from local.arm.operations import OperationsMode
from tests.support.local_arm import AT_ONCE, NETWORK, LocalArm, network_path

HUB = network_path("mesh", "hub")
SPOKE = network_path("mesh", "spoke")


@pytest.fixture(autouse=True)
async def _networks(arm: LocalArm) -> None:
    await arm.make_group("mesh")
    for name, prefix in (("hub", "10.0.0.0/16"), ("spoke", "10.1.0.0/16"), ("other", "10.2.0.0/16")):
        await arm.make_network("mesh", name, prefix)
    arm.manager.operations.mode = OperationsMode(advance="after-reads", amount=1, retry_after=None)


async def _busy_with_subnet(arm: LocalArm, network: str, prefix: str) -> str:
    begun = await arm.call(
        "PUT", network + "/subnets/s", {"properties": {"addressPrefix": prefix}}, version=NETWORK
    )
    assert begun.status == 201
    return begun.headers["Azure-AsyncOperation"]


async def test_a_second_subnet_meets_a_lock(arm: LocalArm) -> None:
    """429 RetryableError with the recorded detail and Retry-After 11: a lock, not quota."""
    await _busy_with_subnet(arm, HUB, "10.0.0.0/24")
    refused = await arm.call(
        "PUT", HUB + "/subnets/t", {"properties": {"addressPrefix": "10.0.1.0/24"}}, version=NETWORK
    )
    assert (refused.status, refused.error, refused.headers["Retry-After"]) == (429, "RetryableError", "11")
    assert "RetryableErrorDueToAnotherOperation" in str(refused.body)


async def test_a_peering_meets_a_network_that_is_being_changed(arm: LocalArm) -> None:
    """400 ReferencedResourceNotProvisioned though the network says Succeeded, on either side; then it works."""
    poll = await _busy_with_subnet(arm, HUB, "10.0.0.0/24")
    seen = object_in((await arm.call("GET", HUB, version=NETWORK)).body, "properties")
    assert seen["provisioningState"] == "Succeeded"
    for local, remote in ((HUB, SPOKE), (SPOKE, HUB)):
        refused = await arm.peer(local, remote, "p")
        assert (refused.status, refused.error) == (400, "ReferencedResourceNotProvisioned")
        assert "PutSubnetOperation" in str(refused.body)
    await arm.call("GET", poll)
    assert (await arm.peer(SPOKE, HUB, "p")).status == 201


async def test_two_peerings_of_one_network_at_a_time(arm: LocalArm) -> None:
    """409 AnotherOperationInProgress without Retry-After; it names the operation to wait for."""
    first = await arm.peer(HUB, SPOKE, "to-spoke")
    refused = await arm.peer(HUB, network_path("mesh", "other"), "to-other")
    assert (refused.status, refused.error) == (409, "AnotherOperationInProgress")
    assert "Retry-After" not in refused.headers
    assert first.headers["Azure-AsyncOperation"] in str(refused.body)
    deletion = await arm.call("DELETE", HUB + "/virtualNetworkPeerings/to-spoke", version=NETWORK)
    assert deletion.error == "AnotherOperationInProgress"
    arm.manager.operations.mode = AT_ONCE
    assert (await arm.peer(HUB, network_path("mesh", "other"), "to-other")).status == 201


async def test_a_simple_resource_takes_one_operation_at_a_time(arm: LocalArm) -> None:
    """A network security group that is being made cannot be deleted yet."""
    group = await arm.make("mesh", "Microsoft.Network/networkSecurityGroups/nsg")
    refused = await arm.call("DELETE", group, version=NETWORK)
    assert (refused.status, refused.error) == (409, "AnotherOperationInProgress")
    await arm.call("GET", group, version=NETWORK)
    deleted = await arm.call("DELETE", group, version=NETWORK)
    assert (deleted.status, "Location" in deleted.headers) == (202, True)


async def test_both_sides_of_a_pair_at_a_time(arm: LocalArm) -> None:
    """A peering operation on the other network is no hindrance, whichever peering it makes."""
    assert (await arm.peer(HUB, SPOKE, "to-spoke")).status == 201
    assert (await arm.peer(SPOKE, HUB, "to-hub")).status == 201
    assert (await arm.peer(network_path("mesh", "other"), HUB, "to-hub")).status == 201
