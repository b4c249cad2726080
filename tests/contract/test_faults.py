"""What goes wrong at Resource Manager arrives as our error, once and without being tried again, whatever it was."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from shared.adapters.arm.resource_manager import ArmResourceManager
from shared.domain.calls import Calls, counted_calls
from shared.domain.errors import Denied, MeshError, NotFound, Terminal, Transient, Waiting
from shared.domain.ids import NodeKey
from shared.domain.network import PeeringFlags
from tests.contract.conftest import SCOPE
from tests.support.local_arm import NETWORK, LocalArm
from tests.support.rights import CREDENTIAL, guarded_arm

# aiohttp itself sends an idempotent request once more where a connection that it kept open turns out to be closed.
TWICE = 2
VNETS = "providers/Microsoft.Network/virtualNetworks"


@dataclass
class Broken:
    """A group with two networks at a Resource Manager that can be told to fail."""

    arm: LocalArm
    port: ArmResourceManager
    key: NodeKey

    @property
    def peering(self) -> str:
        return f"{self.key.group_id}/{VNETS}/n1/virtualNetworkPeerings/p"

    async def fail(self, **fault: object) -> None:
        await self.arm.control("POST", "/faults", fault)

    async def put_peering(self) -> str:
        there = f"{self.key.group_id}/{VNETS}/n2"
        return (await self.port.put_peering(self.peering, there, PeeringFlags(), sync=False)).url

    async def peerings(self) -> int:
        return len((await self.port.get_network(f"{self.key.group_id}/{VNETS}/n1")).peerings)


@pytest.fixture
async def broken(tmp_path: Path) -> AsyncIterator[Broken]:
    async with guarded_arm(tmp_path) as arm:
        key = NodeKey.of(arm.manager.configuration.subscriptions[0], "broken")
        await arm.call("PUT", key.group_id, {"location": "westeurope"})
        for number in (1, 2):
            space = {"properties": {"addressSpace": {"addressPrefixes": [f"10.{number}.0.0/16"]}}}
            body = {"location": "westeurope", **space}
            answer = await arm.call("PUT", f"{key.group_id}/{VNETS}/n{number}", body, version=NETWORK)
            assert answer.status < 300
        port = ArmResourceManager(arm.url, CREDENTIAL, SCOPE, ca_file=str(arm.ca_file))
        yield Broken(arm, port, key)
        await port.close()


@pytest.mark.parametrize(
    ("fault", "kind", "reason", "retry_after"),
    [
        (
            {"status": 429, "code": "TooManyRequests", "headers": {"Retry-After": "17"}},
            Waiting,
            "TooManyRequests",
            17,
        ),
        ({"status": 409, "code": "AnotherOperationInProgress"}, Waiting, "AnotherOperationInProgress", None),
        ({"status": 503, "code": "ServerBusy"}, Transient, "ServerBusy", None),
        ({"status": 500}, Transient, "InternalServerError", None),
        ({"status": 403, "code": "AuthorizationFailed"}, Denied, "AuthorizationFailed", None),
        ({"status": 401, "code": "ExpiredAuthenticationToken"}, Denied, "ExpiredAuthenticationToken", None),
        ({"status": 404, "code": "ResourceGroupNotFound"}, NotFound, "ResourceGroupNotFound", None),
        (
            {"status": 409, "code": "MissingSubscriptionRegistration"},
            Terminal,
            "MissingSubscriptionRegistration",
            None,
        ),
        (
            {"status": 307, "code": "Moved", "headers": {"Location": "https://evil.example/"}},
            Terminal,
            "Moved",
            None,
        ),
        ({"drop": "before"}, Transient, "", None),
        ({"drop": "after"}, Transient, "", None),
    ],
)
async def test_a_failing_call_raises_our_error_after_one_attempt(
    broken: Broken, fault: dict[str, object], kind: type[MeshError], reason: str, retry_after: float | None
) -> None:
    await broken.fail(**fault, times=5)
    calls = Calls()
    counting = counted_calls.set(calls)
    with pytest.raises(MeshError) as failure:
        await broken.port.get_group(broken.key)
    counted_calls.reset(counting)
    assert type(failure.value) is kind
    assert failure.value.reason == (reason or failure.value.reason)
    assert failure.value.retry_after == retry_after
    assert calls == Calls(reads=1)


async def test_a_write_whose_answer_was_lost_took_effect_and_may_be_repeated(broken: Broken) -> None:
    await broken.fail(drop="after", match={"kind": "write"}, times=TWICE)
    with pytest.raises(Transient):
        await broken.put_peering()
    assert await broken.peerings() == 1
    await broken.put_peering()
    assert await broken.peerings() == 1


async def test_a_write_that_never_arrived_had_no_effect(broken: Broken) -> None:
    await broken.fail(drop="before", match={"kind": "write"}, times=TWICE)
    with pytest.raises(Transient):
        await broken.put_peering()
    assert await broken.peerings() == 0


async def test_an_operation_that_fails_later_says_why(broken: Broken) -> None:
    await broken.fail(fail_operation=True, code="RetryableError", message="Later.", match={"kind": "write"})
    url = await broken.put_peering()
    status = await broken.port.get_operation(url)
    assert (status.state, status.code, status.message) == ("Failed", "RetryableError", "Later.")


async def test_a_page_that_fails_in_the_middle_of_a_list_is_no_short_list(broken: Broken) -> None:
    identities = "providers/Microsoft.ManagedIdentity/userAssignedIdentities"
    for number in range(1001):
        path = f"{broken.key.group_id}/{identities}/i{number}"
        await broken.arm.call("PUT", path, {"location": "westeurope"}, version="2023-01-31")
    await broken.fail(delay=0, times=1, match={"path": "/resources"})  # the first page is answered as it is
    await broken.fail(status=503, code="ServerBusy", match={"path": "/resources"})
    with pytest.raises(Transient):
        await broken.port.list_resources(broken.key)
    assert len(await broken.port.list_resources(broken.key)) == 1003
