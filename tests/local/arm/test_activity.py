"""The feed of completed operations: what Event Grid's resource events are made of."""

from local.arm.activity import CompletedOperation
from tests.support.local_arm import INSIGHTS, NETWORK, LocalArm, group_path, network_path, resource_path

GROUP = group_path("node-a")


def _watch(arm: LocalArm) -> list[CompletedOperation]:
    events: list[CompletedOperation] = []
    arm.manager.feed.subscribe(events.append)
    return events


def _names(events: list[CompletedOperation]) -> list[tuple[str, str]]:
    return [(event.operation_name, event.outcome) for event in events]


async def test_writes_deletes_and_failures_are_told_reads_are_not(arm: LocalArm) -> None:
    """Each with its kind, status, correlation id and the caller's claims."""
    events = _watch(arm)
    vault = resource_path("node-a", "Microsoft.KeyVault/vaults/kv")
    made = await arm.call("PUT", GROUP, {"location": "westeurope"})
    await arm.call("GET", GROUP)
    await arm.call("PATCH", GROUP + "/providers/microsoft.resources/tags/default", {"operation": "Merge"})
    await arm.call("PUT", vault, {})
    await arm.call("PUT", vault, {"location": "westeurope"})
    await arm.call("DELETE", vault + "/providers/microsoft.insights/diagnosticsettings/x", version=INSIGHTS)
    await arm.call("DELETE", vault)
    assert _names(events) == [
        ("Microsoft.Resources/subscriptions/resourceGroups/write", "Success"),
        ("Microsoft.Resources/tags/write", "Success"),
        ("Microsoft.KeyVault/vaults/write", "Failure"),
        ("Microsoft.KeyVault/vaults/write", "Success"),
        ("Microsoft.Insights/diagnosticSettings/delete", "Success"),
        ("Microsoft.KeyVault/vaults/delete", "Success"),
    ]
    first = events[0]
    assert (first.kind, first.status_code, first.resource_group, first.resource_id) == (
        "Write",
        201,
        "node-a",
        GROUP,
    )
    assert first.correlation_id == made.headers["x-ms-correlation-request-id"]
    assert first.principal["oid"]


async def test_refused_callers_leave_no_event(arm: LocalArm) -> None:
    """A 401 and a 429 are not in the activity log."""
    events = _watch(arm)
    async with arm.session.put(f"{arm.url}{GROUP}?api-version=2022-09-01", json={}) as response:
        assert response.status == 401
    await arm.control("POST", "/faults", {"status": 429, "code": "TooManyRequests"})
    await arm.call("PUT", GROUP, {"location": "westeurope"})
    assert events == []


async def test_deleting_a_group_tells_of_everything_in_it(arm: LocalArm) -> None:
    """One event for each resource and one for the group, in that order, under one correlation id."""
    await arm.make_group("node-a")
    await arm.make_network("node-a", "spoke", "10.1.0.0/16")
    await arm.make("node-a", "Microsoft.KeyVault/vaults/kv")
    events = _watch(arm)
    await arm.call("DELETE", GROUP)
    assert _names(events) == [
        ("Microsoft.Network/virtualNetworks/delete", "Success"),
        ("Microsoft.KeyVault/vaults/delete", "Success"),
        ("Microsoft.Resources/subscriptions/resourceGroups/delete", "Success"),
    ]
    assert events[0].resource_id == network_path("node-a", "spoke")
    assert len({event.correlation_id for event in events}) == 1


async def test_a_subscriber_can_leave(arm: LocalArm) -> None:
    """After unsubscribing nothing arrives any more."""
    events: list[CompletedOperation] = []
    leave = arm.manager.feed.subscribe(events.append)
    await arm.make_group("a")
    leave()
    await arm.make_group("b")
    assert [event.resource_group for event in events] == ["a"]


async def test_an_unchanged_network_write_is_told_once(arm: LocalArm) -> None:
    """A PUT without change has no operation to wait for, and still is an event."""
    await arm.make_group("node-a")
    await arm.make_network("node-a", "spoke", "10.1.0.0/16")
    events = _watch(arm)
    await arm.make_network("node-a", "spoke", "10.1.0.0/16")
    await arm.call("GET", network_path("node-a", "spoke"), version=NETWORK)
    assert _names(events) == [("Microsoft.Network/virtualNetworks/write", "Success")]
