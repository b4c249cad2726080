"""What the Resource Manager suite needs of an Azure: the port, and hands that change things behind its back."""

import asyncio
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import uuid4

from shared.adapters.arm.resource_manager import ArmResourceManager
from shared.adapters.arm.sdk import SdkClients
from shared.domain.ids import NodeKey, type_of
from shared.domain.plan import Accepted, OperationStatus
from shared.ports import ResourceManager
from tests.contract.samples import SUBSCRIPTION
from tests.fakes import Cloud, FakeClock

LOCATION = "westeurope"
VERSIONS = {
    "microsoft.network/virtualnetworks": "2024-05-01",
    "microsoft.operationalinsights/workspaces": "2023-09-01",
    "microsoft.managedidentity/userassignedidentities": "2023-01-31",
}


class Azure(Protocol):
    """`subscription` is where everything happens; group names are unique to the test."""

    subscription: str

    @property
    def port(self) -> ResourceManager: ...

    def key(self, name: str) -> NodeKey: ...

    async def create_group(self, key: NodeKey, tags: dict[str, str] | None = None) -> None: ...

    async def delete_group(self, key: NodeKey) -> None: ...

    async def create_resource(self, resource_id: str) -> None: ...

    async def delete_resource(self, resource_id: str) -> None: ...

    async def put_network(self, network_id: str, *prefixes: str) -> None:
        """Creates it, or changes its address space and leaves its peerings alone."""
        ...

    async def wait(self, seconds: float) -> None: ...


@dataclass
class FakeAzure:
    port: ResourceManager
    cloud: Cloud
    clock: FakeClock
    subscription: str = SUBSCRIPTION

    def key(self, name: str) -> NodeKey:
        return NodeKey.of(self.subscription, name)

    async def create_group(self, key: NodeKey, tags: dict[str, str] | None = None) -> None:
        self.cloud.create_group(key, tags)

    async def delete_group(self, key: NodeKey) -> None:
        self.cloud.delete_group(key)

    async def create_resource(self, resource_id: str) -> None:
        self.cloud.create_resource(resource_id)

    async def delete_resource(self, resource_id: str) -> None:
        self.cloud.delete_resource(resource_id)

    async def put_network(self, network_id: str, *prefixes: str) -> None:
        if self.cloud.exists(network_id):
            self.cloud.resize_network(network_id, *prefixes)
        else:
            self.cloud.create_network(network_id, *prefixes)

    async def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)


@dataclass
class RealAzure:
    """Resource Manager itself or the local one, changed through Azure's own clients."""

    port: ArmResourceManager
    sdk: SdkClients
    subscription: str
    polling_interval: float
    suffix: str = field(default_factory=lambda: f"-{uuid4().hex[:8]}")
    made: list[NodeKey] = field(default_factory=list)

    def key(self, name: str) -> NodeKey:
        return NodeKey.of(self.subscription, name + self.suffix)

    async def create_group(self, key: NodeKey, tags: dict[str, str] | None = None) -> None:
        groups = self.sdk.resources(self.subscription).resource_groups
        self.made.append(key)
        await groups.create_or_update(key.group, {"location": LOCATION, "tags": tags or {}})

    async def delete_group(self, key: NodeKey) -> None:
        groups = self.sdk.resources(self.subscription).resource_groups
        self.made.remove(key)
        await self._end(await groups.begin_delete(key.group, polling_interval=self.polling_interval))

    async def create_resource(self, resource_id: str) -> None:
        await self._put(resource_id, {"location": LOCATION, "properties": {}})

    async def delete_resource(self, resource_id: str) -> None:
        resources = self.sdk.resources(self.subscription).resources
        version = VERSIONS[type_of(resource_id)]
        interval = self.polling_interval
        await self._end(
            await resources.begin_delete_by_id(resource_id, api_version=version, polling_interval=interval)
        )

    async def put_network(self, network_id: str, *prefixes: str) -> None:
        space = {"addressPrefixes": list(prefixes)}
        await self._put(network_id, {"location": LOCATION, "properties": {"addressSpace": space}})

    async def wait(self, seconds: float) -> None:
        await asyncio.sleep(min(seconds, self.polling_interval))

    async def remove_everything(self) -> None:
        """What a suite on a live subscription leaves behind is removed, without waiting for it."""
        groups = self.sdk.resources(self.subscription).resource_groups
        for key in self.made:
            await groups.begin_delete(key.group, polling=False)

    async def _put(self, resource_id: str, body: dict[str, Any]) -> None:
        resources = self.sdk.resources(self.subscription).resources
        version = VERSIONS[type_of(resource_id)]
        interval = self.polling_interval
        await self._end(
            await resources.begin_create_or_update_by_id(
                resource_id, body, api_version=version, polling_interval=interval
            )
        )

    async def _end(self, poller: Any) -> None:
        await poller.result()


async def finished(azure: Azure, accepted: Accepted) -> OperationStatus:
    """What became of a write in the end."""
    status = OperationStatus("Succeeded")
    while accepted.url:
        status = await azure.port.get_operation(accepted.url)
        if status.state != "Running":
            break
        await azure.wait(status.retry_after)
    return status
