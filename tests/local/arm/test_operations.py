"""When long operations end: at once, after reads, after seconds; and how they fail."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from local.arm.activity import CompletedOperation
from local.arm.clock import ManualClock
from local.arm.documents import object_in
from local.arm.operations import OperationsMode
from tests.support.local_arm import NETWORK, LocalArm, group_path, network_path, running_arm

SPOKE = network_path("node-a", "spoke")
BODY = {"location": "westeurope", "properties": {"addressSpace": {"addressPrefixes": ["10.1.0.0/16"]}}}


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def arm(tmp_path: Path, clock: ManualClock) -> AsyncIterator[LocalArm]:
    """Operations take ten seconds of a clock that the test moves."""
    mode = OperationsMode(advance="after-seconds", amount=10, retry_after=2.5)
    async with running_arm(tmp_path, clock=clock, operations=mode) as running:
        await running.make_group("node-a")
        yield running


async def _state(arm: LocalArm) -> object:
    found = await arm.call("GET", SPOKE, version=NETWORK)
    return object_in(found.body, "properties")["provisioningState"]


async def test_after_seconds(arm: LocalArm, clock: ManualClock) -> None:
    """Updating for ten seconds, then Succeeded; a fraction of a second to wait is announced in milliseconds."""
    begun = await arm.call("PUT", SPOKE, BODY, version=NETWORK)
    assert begun.headers["x-ms-retry-after-ms"] == "2500"
    assert "Retry-After" not in begun.headers
    clock.advance(9.9)
    assert await _state(arm) == "Updating"
    clock.advance(0.1)
    assert await _state(arm) == "Succeeded"


async def test_changing_the_mode_ends_what_is_due(arm: LocalArm) -> None:
    """Going over to at-once ends what still ran."""
    await arm.call("PUT", SPOKE, BODY, version=NETWORK)
    await arm.control("PUT", "/mode", {"operations": {"advance": "at-once"}})
    assert await _state(arm) == "Succeeded"


async def test_a_deletion_shows_deleting_until_it_ends(arm: LocalArm, clock: ManualClock) -> None:
    """A network on its way out can still be read; afterwards it is a 404."""
    await arm.call("PUT", SPOKE, BODY, version=NETWORK)
    clock.advance(10)
    deleting = await arm.call("DELETE", SPOKE, version=NETWORK)
    assert await _state(arm) == "Deleting"
    poll = await arm.call("GET", deleting.headers["Location"])
    assert (poll.status, "Azure-AsyncOperation" in poll.headers) == (202, True)
    clock.advance(10)
    assert (await arm.call("GET", deleting.headers["Location"])).status == 204
    assert (await arm.call("GET", SPOKE, version=NETWORK)).status == 404


async def test_a_failure_comes_later(arm: LocalArm, clock: ManualClock) -> None:
    """201 first, then a 200 poll whose status is Failed; the resource says Failed; the event is a failure."""
    events: list[CompletedOperation] = []
    arm.manager.feed.subscribe(events.append)
    fault = {"match": {"method": "PUT"}, "fail_operation": True, "code": "NoCapacity", "message": "No."}
    await arm.control("POST", "/faults", fault)
    begun = await arm.call("PUT", SPOKE, BODY, version=NETWORK)
    assert begun.status == 201
    assert events == []
    clock.advance(10)
    poll = await arm.call("GET", begun.headers["Azure-AsyncOperation"])
    expected = {"code": "NoCapacity", "message": "No.", "details": []}
    assert (poll.status, poll.body) == (200, {"status": "Failed", "error": expected})
    assert await _state(arm) == "Failed"
    assert [(event.operation_name, event.outcome) for event in events] == [
        ("Microsoft.Network/virtualNetworks/write", "Failure")
    ]


async def test_what_failed_is_provisioned_by_the_same_write_again(arm: LocalArm, clock: ManualClock) -> None:
    """A PUT that changes nothing is not settled while the last one failed."""
    fault = {"match": {"method": "PUT"}, "fail_operation": True, "code": "NoCapacity", "message": "No."}
    await arm.control("POST", "/faults", fault)
    await arm.call("PUT", SPOKE, BODY, version=NETWORK)
    clock.advance(10)
    assert await _state(arm) == "Failed"
    await arm.call("PUT", SPOKE, BODY, version=NETWORK)
    assert await _state(arm) == "Updating"
    clock.advance(10)
    assert await _state(arm) == "Succeeded"


async def test_a_failed_deletion_brings_the_resource_back(arm: LocalArm, clock: ManualClock) -> None:
    """A group whose deletion fails is Succeeded again and keeps what it had."""
    fault = {"match": {"method": "DELETE"}, "fail_operation": True, "code": "Locked", "message": "No."}
    await arm.control("POST", "/faults", fault)
    deleting = await arm.call("DELETE", group_path("node-a"))
    clock.advance(10)
    poll = await arm.call("GET", deleting.headers["Location"])
    assert (poll.status, poll.error) == (409, "Locked")
    assert (await arm.call("GET", group_path("node-a"))).body["properties"] == {
        "provisioningState": "Succeeded"
    }


async def test_an_operation_nobody_knows(arm: LocalArm) -> None:
    """Polling a made-up operation is a 404 in each of the three places."""
    subscription = group_path("").partition("/resourceGroups")[0]
    for path in (
        "/providers/Microsoft.Network/locations/westeurope/operations/x",
        "/operationresults/eHh4",
        "/providers/Microsoft.Storage/locations/westeurope/asyncoperations/x",
    ):
        assert (await arm.call("GET", subscription + path)).status == 404


async def test_operations_end_while_nobody_asks(tmp_path: Path) -> None:
    """On the machine's clock an operation ends, and raises its event, without another request."""
    ended = asyncio.Event()
    mode = OperationsMode(advance="after-seconds", amount=0.05)
    async with running_arm(tmp_path, operations=mode) as arm:
        await arm.make_group("node-a")
        arm.manager.feed.subscribe(lambda _event: ended.set())
        await arm.call("PUT", SPOKE, BODY, version=NETWORK)
        assert not ended.is_set()
        await asyncio.wait_for(ended.wait(), 5)
