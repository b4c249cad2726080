"""Networks and security groups, made and removed by plain requests of the network provider's API."""

from collections.abc import Sequence

from shared.adapters.arm.connection import ArmConnection, Body
from shared.adapters.arm.networks import API_VERSION
from shared.domain.errors import Conflict, NotFound
from shared.domain.plan import Accepted
from shared.domain.steps import NewSubnet


class ArmNetworks(ArmConnection):
    """Networks at one endpoint."""

    async def put_security_group(self, group_id: str, location: str) -> Accepted:
        """Creates it with Azure's default rules; one that is there stays as it is, since a PUT would empty it."""
        if await self._is_there(group_id):
            return Accepted()
        return await self._put(group_id, API_VERSION, {"location": location, "properties": {}})

    async def delete_security_group(self, group_id: str) -> Accepted:
        return await self._delete(group_id, API_VERSION)

    async def put_network(
        self,
        network_id: str,
        location: str,
        address_prefixes: Sequence[str],
        subnets: Sequence[NewSubnet],
        security_group: str,
    ) -> Accepted:
        # Read first: that the network provider honours If-None-Match is written nowhere. It is sent all the same.
        if await self._is_there(network_id):
            raise Conflict("NetworkExists", "a virtual network of this name is there", target=network_id)
        properties = {
            "addressSpace": {"addressPrefixes": list(address_prefixes)},
            "subnets": [_subnet(subnet, security_group) for subnet in subnets],
        }
        body: Body = {"location": location, "properties": properties}
        return await self._put(network_id, API_VERSION, body, If_None_Match="*")

    async def delete_network(self, network_id: str) -> Accepted:
        return await self._delete(network_id, API_VERSION)

    async def _is_there(self, resource: str) -> bool:
        try:
            await self._get(resource, API_VERSION)
        except NotFound as missing:
            if missing.reason == "ResourceGroupNotFound":
                raise
            return False
        return True


def _subnet(wanted: NewSubnet, security_group: str) -> Body:
    properties: Body = {
        "addressPrefix": wanted.prefix,
        # Rules of a security group do not apply to private endpoints unless a network says so: Azure's default.
        "privateEndpointNetworkPolicies": "Disabled",
    }
    if security_group:
        properties["networkSecurityGroup"] = {"id": security_group}
    if wanted.delegation:
        name = wanted.delegation.replace("/", ".")
        properties["delegations"] = [{"name": name, "properties": {"serviceName": wanted.delegation}}]
    return {"name": wanted.name, "properties": properties}
