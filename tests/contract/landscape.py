"""A group with networks, subnets, zones and services, at any Azure: where the network suites take place."""

from dataclasses import dataclass

from shared.domain.errors import MeshError
from shared.domain.ids import NodeKey
from shared.domain.network import Subnet, VirtualNetwork
from shared.domain.plan import Accepted, OperationStatus
from shared.ports.network import Azure as Port
from tests.contract.azure import Azure, finished

STORAGE = "Microsoft.Storage/storageAccounts"
VAULT = "Microsoft.KeyVault/vaults"
SQL = "Microsoft.Sql/servers"
EVENT_HUBS = "Microsoft.EventHub/namespaces"
IDENTITY = "Microsoft.ManagedIdentity/userAssignedIdentities"


@dataclass(frozen=True)
class Landscape:
    """Everything lies in the group `key`."""

    azure: Azure
    key: NodeKey

    @property
    def port(self) -> Port:
        return self.azure.port

    def id(self, kind: str, name: str) -> str:
        return f"{self.key.group_id}/providers/{kind}/{name}"

    def network(self, name: str = "net") -> str:
        return self.id("Microsoft.Network/virtualNetworks", name)

    def subnet(self, name: str = "default", network: str = "net") -> str:
        return f"{self.network(network)}/subnets/{name}"

    def security_group(self, name: str = "guard") -> str:
        return self.id("Microsoft.Network/networkSecurityGroups", name)

    def zone(self, name: str) -> str:
        return self.id("Microsoft.Network/privateDnsZones", name)

    def endpoint(self, name: str = "link") -> str:
        return self.id("Microsoft.Network/privateEndpoints", name)

    def service(self, kind: str, name: str = "svc") -> str:
        return self.id(kind, self.azure.unique(name))

    async def make_network(self, name: str = "net", prefix: str = "10.1.0.0/16") -> str:
        """A network with the subnet `default` in the first /24."""
        await self.azure.put_network(self.network(name), prefix)
        await self.azure.create_subnet(self.subnet("default", name), prefix.replace("/16", "/24"))
        return self.network(name)

    async def make_service(self, kind: str, name: str = "svc") -> str:
        target = self.service(kind, name)
        await self.azure.create_resource(target)
        return target

    async def end(self, accepted: Accepted) -> OperationStatus:
        return await finished(self.azure, accepted)

    async def done(self, accepted: Accepted) -> None:
        status = await self.end(accepted)
        assert status.state == "Succeeded", status

    async def read(self, name: str = "net") -> VirtualNetwork:
        return await self.port.get_network(self.network(name))

    async def read_subnet(self, name: str = "default", network: str = "net") -> Subnet:
        [found] = [s for s in (await self.read(network)).subnets if s.name == name]
        return found

    async def refused(self, accepted: Accepted | MeshError) -> str:
        """The code that a write is refused with, at once or at its operation's end."""
        if isinstance(accepted, MeshError):
            return accepted.reason
        status = await self.end(accepted)
        assert status.state == "Failed", status
        return status.code


async def landscape(azure: Azure, name: str = "land") -> Landscape:
    found = Landscape(azure, azure.key(name))
    await azure.create_group(found.key)
    return found
