"""What the Resource Manager suite needs of an Azure: the port, and hands that change things behind its back."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import uuid4

from azure.core.rest import HttpRequest

from shared.adapters.arm.resource_manager import ArmResourceManager
from shared.adapters.arm.sdk import SdkClients
from shared.domain.ids import NodeKey, same_id, type_of
from shared.domain.plan import Accepted, OperationStatus
from shared.ports.network import Azure as Port
from tests.contract.bodies import BODIES, CLOSED, VERSIONS
from tests.contract.samples import SUBSCRIPTION
from tests.fakes import Cloud, FakeClock, FakeResourceManager

LOCATION = "westeurope"


class Azure(Protocol):
    """`subscription` is where everything happens; group names are unique to the test."""

    subscription: str

    @property
    def port(self) -> Port: ...

    def key(self, name: str) -> NodeKey: ...

    def unique(self, name: str) -> str:
        """The name of something whose names are everybody's, such as a storage account's."""
        ...

    async def create_group(self, key: NodeKey, tags: dict[str, str] | None = None) -> None: ...

    async def delete_group(self, key: NodeKey) -> None: ...

    async def create_resource(self, resource_id: str) -> None: ...

    async def delete_resource(self, resource_id: str) -> None: ...

    async def put_network(self, network_id: str, *prefixes: str) -> None:
        """Creates it, or changes its address space and leaves its peerings alone."""
        ...

    async def create_subnet(self, subnet_id: str, prefix: str) -> None: ...

    async def create_zone(self, zone_id: str) -> None: ...

    async def addresses(self, zone_id: str, name: str) -> set[str]:
        """What a private zone answers to a name; nothing where it has no A record."""
        ...

    async def close_firewall(self, target: str) -> None:
        """Only who is named by a rule is let through from now on."""
        ...

    async def reject(self, endpoint_id: str, target: str) -> None:
        """The target's owner rejects a private endpoint."""
        ...

    async def wait(self, seconds: float) -> None: ...


@dataclass
class FakeAzure:
    port: FakeResourceManager
    cloud: Cloud
    clock: FakeClock
    subscription: str = SUBSCRIPTION

    def key(self, name: str) -> NodeKey:
        return NodeKey.of(self.subscription, name)

    def unique(self, name: str) -> str:
        return name

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

    async def create_subnet(self, subnet_id: str, prefix: str) -> None:
        self.cloud.create_subnet(subnet_id, prefix)

    async def create_zone(self, zone_id: str) -> None:
        self.cloud.create_zone(zone_id)

    async def addresses(self, zone_id: str, name: str) -> set[str]:
        return self.cloud.records(zone_id).get(name, set())

    async def close_firewall(self, target: str) -> None:
        self.cloud.close_firewall(target)

    async def reject(self, endpoint_id: str, target: str) -> None:
        self.cloud.answer_connection(endpoint_id, "Rejected")

    async def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)


@dataclass
class RealAzure:
    """Resource Manager itself or the local one, changed through Azure's own clients."""

    endpoint: str
    port: ArmResourceManager
    sdk: SdkClients
    subscription: str
    polling_interval: float
    suffix: str = field(default_factory=lambda: f"-{uuid4().hex[:8]}")
    made: list[NodeKey] = field(default_factory=list)

    def key(self, name: str) -> NodeKey:
        return NodeKey.of(self.subscription, name + self.suffix)

    def unique(self, name: str) -> str:
        return name + self.suffix.replace("-", "")

    async def create_group(self, key: NodeKey, tags: dict[str, str] | None = None) -> None:
        groups = self.sdk.resources(self.subscription).resource_groups
        self.made.append(key)
        await groups.create_or_update(key.group, {"location": LOCATION, "tags": tags or {}})

    async def delete_group(self, key: NodeKey) -> None:
        groups = self.sdk.resources(self.subscription).resource_groups
        self.made.remove(key)
        await self._end(await groups.begin_delete(key.group, polling_interval=self.polling_interval))

    async def create_resource(self, resource_id: str) -> None:
        body: dict[str, Any] = {
            "location": LOCATION,
            "properties": {},
            **BODIES.get(type_of(resource_id), {}),
        }
        await self._put(resource_id, body)

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

    async def create_subnet(self, subnet_id: str, prefix: str) -> None:
        await self._put(subnet_id, {"properties": {"addressPrefix": prefix}})

    async def create_zone(self, zone_id: str) -> None:
        await self._put(zone_id, {"location": "global", "properties": {}})

    async def addresses(self, zone_id: str, name: str) -> set[str]:
        found = await self._ask("GET", f"{zone_id}/A/{name}", VERSIONS[type_of(zone_id)])
        records = found.get("properties", {}).get("aRecords", [])
        return {record["ipv4Address"] for record in records}

    async def close_firewall(self, target: str) -> None:
        if type_of(target) in CLOSED:
            suffix, method, body = CLOSED[type_of(target)]
            await self._ask(method, target + suffix, VERSIONS[type_of(target)], body)

    async def reject(self, endpoint_id: str, target: str) -> None:
        connections = await self.port.list_private_endpoint_connections(target)
        [connection] = [c for c in connections if same_id(c.endpoint, endpoint_id)]
        state = {"status": "Rejected", "description": "no"}
        body = {"properties": {"privateLinkServiceConnectionState": state}}
        await self._ask("PUT", connection.id, VERSIONS[type_of(target)], body)

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

    async def _ask(self, method: str, path: str, version: str, body: object = None) -> dict[str, Any]:
        """One plain request; nothing where what was asked for is not there."""
        request = HttpRequest(method, f"{self.endpoint}{path}?api-version={version}", json=body)
        response = await self.sdk.send(request)
        if response.status_code == 404:
            return {}
        assert response.status_code < 300, (response.status_code, response.text())
        found: dict[str, Any] = json.loads(response.text() or "{}")
        return found


async def finished(azure: Azure, accepted: Accepted) -> OperationStatus:
    """What became of a write in the end."""
    status = OperationStatus("Succeeded")
    while accepted.url:
        status = await azure.port.get_operation(accepted.url)
        if status.state != "Running":
            break
        await azure.wait(status.retry_after)
    return status
