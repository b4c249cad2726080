"""The pretended Resource Manager makes and removes networks and their security groups."""

from collections.abc import Sequence

from shared.domain.errors import Conflict, MeshError, error_for
from shared.domain.ids import normal_id, same_id
from shared.domain.plan import Accepted
from shared.domain.steps import NewSubnet
from tests.fakes.calls import FakeCalls
from tests.fakes.state import Network, SubnetState


class FakeNetworks(FakeCalls):
    """Networks over a Cloud."""

    async def put_security_group(self, group_id: str, location: str) -> Accepted:
        with await self._call("put_security_group", write=True):
            self._writable_group(group_id)
            self._refuse_while_running(group_id)
            self.cloud.create_resource(group_id, location)
            return self._accept([group_id], _nothing, _nothing)

    async def delete_security_group(self, group_id: str) -> Accepted:
        with await self._call("delete_security_group", write=True):
            if not self.cloud.exists(group_id):
                return Accepted()
            self._refuse_while_running(group_id)
            user = next((s for s in self._subnets() if same_id(s.security_group, group_id)), None)
            if user:
                raise _in_use("InUseNetworkSecurityGroupCannotBeDeleted", group_id, user.id)
            return self._accept([group_id], lambda: self.cloud.delete_resource(group_id), _nothing)

    async def put_network(
        self,
        network_id: str,
        location: str,
        address_prefixes: Sequence[str],
        subnets: Sequence[NewSubnet],
        security_group: str,
    ) -> Accepted:
        with await self._call("put_network", write=True):
            self._writable_group(network_id)
            if normal_id(network_id) in self.cloud.networks:
                raise Conflict("PreconditionFailed", "The virtual network is there.", target=network_id)
            if security_group and not self.cloud.exists(security_group):
                raise error_for(400, "InvalidResourceReference", f"{security_group} was not found.")
            network = self.cloud.create_network(network_id, *address_prefixes, location=location)
            for subnet in subnets:
                self.cloud.create_subnet(
                    f"{network_id}/subnets/{subnet.name}",
                    subnet.prefix,
                    security_group=security_group,
                    delegation=subnet.delegation,
                )
            return self._provision_network(network)

    async def delete_network(self, network_id: str) -> Accepted:
        with await self._call("delete_network", write=True):
            network = self.cloud.networks.get(normal_id(network_id))
            if network is None:
                return Accepted()
            self._refuse_while_running(network.id)
            for subnet in self.cloud.show(network).subnets:
                if subnet.ip_configurations:
                    raise _in_use("InUseSubnetCannotBeDeleted", subnet.id, network.id)
            network.provisioning = "Deleting"
            return self._accept(
                [network.id], lambda: self.cloud.delete_resource(network.id), lambda: _failed(network)
            )

    def _provision_network(self, network: Network) -> Accepted:
        network.provisioning = "Updating"

        def finish() -> None:
            network.provisioning = "Succeeded"

        return self._accept([network.id], finish, lambda: _failed(network))

    def _subnets(self) -> list[SubnetState]:
        return [s for network in self.cloud.networks.values() for s in network.subnets.values()]


def _failed(network: Network) -> None:
    network.provisioning = "Failed"


def _in_use(code: str, target: str, user: str) -> MeshError:
    return error_for(400, code, f"{target} is in use by {user} and cannot be deleted.", target=target)


def _nothing() -> None:
    """Such a write shows nothing while it runs."""
