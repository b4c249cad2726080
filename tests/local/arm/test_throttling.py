"""Quotas, on a clock that stands still until the test moves it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from local.arm.clock import ManualClock
from local.arm.throttling import Limit, Limits
from tests.support.local_arm import NETWORK, LocalArm, group_path, network_path, running_arm

GROUPS = group_path("").rstrip("/")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def arm(tmp_path: Path, clock: ManualClock) -> AsyncIterator[LocalArm]:
    """Resource Manager with Azure's own limits."""
    async with running_arm(tmp_path, clock=clock, limits=Limits()) as running:
        yield running


async def test_reads_are_counted_down_refused_and_refilled(arm: LocalArm, clock: ManualClock) -> None:
    """250 reads at once, then 429 with Retry-After 1; a second later 25 more."""
    left = [
        int((await arm.call("GET", GROUPS)).headers["x-ms-ratelimit-remaining-subscription-reads"])
        for _ in range(250)
    ]
    assert (left[0], left[-1]) == (249, 0)
    refused = await arm.call("GET", GROUPS)
    assert (refused.status, refused.error) == (429, "SubscriptionRequestsThrottled")
    assert refused.headers["Retry-After"] == "1"
    clock.advance(1)
    statuses = [(await arm.call("GET", GROUPS)).status for _ in range(26)]
    assert statuses == [200] * 25 + [429]


async def test_principals_and_kinds_have_buckets_of_their_own(arm: LocalArm) -> None:
    """One principal's empty read bucket stops neither its writes nor another's reads."""
    arm.manager.throttling.configure(Limits(reads=Limit(1, 0.1)))
    await arm.call("GET", GROUPS)
    refused = await arm.call("GET", GROUPS)
    assert (refused.status, refused.headers["Retry-After"]) == (429, "10")
    assert (await arm.call("GET", GROUPS, principal="another")).status == 200
    assert (await arm.call("PUT", group_path("a"), {"location": "westeurope"})).status == 201


async def test_all_principals_together_have_15_times_as_much(arm: LocalArm) -> None:
    """The sixteenth principal is refused where each may read once."""
    arm.manager.throttling.configure(Limits(reads=Limit(1, 0.1)))
    statuses = [(await arm.call("GET", GROUPS, principal=f"p{index}")).status for index in range(16)]
    assert statuses == [200] * 15 + [429]


async def test_the_network_provider_has_a_budget_per_region(arm: LocalArm, clock: ManualClock) -> None:
    """Its writes end at 1000 per five minutes, in the network provider's own error shape; reads go on."""
    limits = Limits(writes=Limit(5000, 1))
    arm.manager.throttling.configure(limits)
    await arm.make_group("mesh")
    body = {"location": "westeurope", "properties": {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}}}
    for _ in range(1000):
        arm.manager.throttling.admit_network(
            "write", arm.manager.configuration.subscriptions[0], "westeurope"
        )
    refused = await arm.call("PUT", network_path("mesh", "v"), body, version=NETWORK)
    assert (refused.status, refused.error, "details" in str(refused.body)) == (429, "TooManyRequests", True)
    clock.advance(1)
    assert (await arm.call("PUT", network_path("mesh", "v"), body, version=NETWORK)).status == 201
    assert (await arm.call("GET", network_path("mesh", "v"), version=NETWORK)).status == 200
