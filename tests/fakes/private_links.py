"""The pretended Resource Manager makes private endpoints, their connections and their names."""

from collections.abc import Sequence

from shared.domain.errors import NotFound, error_for
from shared.domain.ids import name_of, normal_id, same_id, type_of
from shared.domain.plan import Accepted
from shared.domain.private_link import PrivateEndpoint, PrivateEndpointConnection, PrivateLinkGroup
from tests.fakes.calls import FakeCalls, absent
from tests.fakes.services import PRIVATE_LINK_GROUPS
from tests.fakes.state import Endpoint, network_part

MOST_ENDPOINTS = 1000
"""In one network."""


class FakePrivateLinks(FakeCalls):
    """PrivateLinks over a Cloud."""

    async def list_private_link_groups(self, target: str) -> Sequence[PrivateLinkGroup]:
        with await self._call("list_private_link_groups"):
            self._existing(target)
            return PRIVATE_LINK_GROUPS.get(type_of(target), ())

    async def list_private_endpoint_connections(self, target: str) -> Sequence[PrivateEndpointConnection]:
        with await self._call("list_private_endpoint_connections"):
            self._existing(target)
            return [
                PrivateEndpointConnection(e.connection, e.id, e.state)
                for e in self.cloud.endpoints.values()
                if same_id(e.target, target)
            ]

    async def approve_connection(self, connection_id: str, message: str) -> Accepted:
        with await self._call("approve_connection", write=True):
            found = next(
                (e for e in self.cloud.endpoints.values() if same_id(e.connection, connection_id)), None
            )
            if found is None:
                raise absent(connection_id)
            self._refuse_while_running(found.target)

            def finish() -> None:
                self.cloud.answer_connection(found.id, "Approved")
                found.message = message

            return self._accept([found.target], finish, lambda: None)

    async def get_private_endpoint(self, endpoint_id: str) -> PrivateEndpoint:
        with await self._call("get_private_endpoint"):
            endpoint = self.cloud.endpoints.get(normal_id(endpoint_id))
            if endpoint is None:
                raise absent(endpoint_id)
            return PrivateEndpoint(
                id=endpoint.id,
                location=endpoint.location,
                subnet=endpoint.subnet,
                target=endpoint.target,
                group=endpoint.group,
                provisioning_state=endpoint.provisioning,
                connection_state=endpoint.state,
                addresses=(endpoint.address,),
                names=self.cloud.public_names(endpoint),
                zones=endpoint.zones,
                records=self.cloud.records_of(endpoint),
            )

    async def put_private_endpoint(
        self,
        endpoint_id: str,
        location: str,
        subnet: str,
        target: str,
        group: str,
        *,
        manual: bool,
        message: str,
    ) -> Accepted:
        with await self._call("put_private_endpoint", write=True):
            self._writable_group(endpoint_id)
            self._refuse_while_running(network_part(subnet))
            found = self.cloud.endpoints.get(normal_id(endpoint_id))
            if found is None:
                address = self._address_for(subnet)
                self._check_target(target, group)
                state = "Pending" if manual else "Approved"
                found = Endpoint(
                    endpoint_id, location, subnet, target, group, message, state, address, known=not manual
                )
                self.cloud.create_resource(endpoint_id, location)
                self.cloud.endpoints[normal_id(endpoint_id)] = found
            _check_unchanged(found, subnet, target, group)
            return self._provision_endpoint(found)

    async def delete_private_endpoint(self, endpoint_id: str) -> Accepted:
        with await self._call("delete_private_endpoint", write=True):
            found = self.cloud.endpoints.get(normal_id(endpoint_id))
            if found is None:
                return Accepted()
            network = network_part(found.subnet)
            self._refuse_while_running(network)
            found.provisioning = "Deleting"
            return self._accept(
                [network], lambda: self.cloud.delete_resource(found.id), lambda: _failed(found)
            )

    async def put_zone_group(self, zone_group_id: str, zones: Sequence[str]) -> Accepted:
        with await self._call("put_zone_group", write=True):
            endpoint = self.cloud.endpoints.get(
                normal_id(zone_group_id).partition("/privatednszonegroups/")[0]
            )
            if endpoint is None:
                raise NotFound(
                    "ParentResourceNotFound", "the private endpoint was not found", target=zone_group_id
                )
            if endpoint.zone_groups.keys() - {name_of(zone_group_id).lower()}:
                message = "Cannot create more than one private dns zone groups in the private endpoint."
                raise error_for(400, "MultiplePrivateDnsZoneGroupsNotAllowed", message, target=endpoint.id)
            for zone in zones:
                if normal_id(zone) not in self.cloud.zones:
                    raise error_for(400, "InvalidResourceReference", f"{zone} was not found.", target=zone)
            network = network_part(endpoint.subnet)
            self._refuse_while_running(network)

            def finish() -> None:
                self.cloud.forget_records(endpoint)
                endpoint.zone_groups[name_of(zone_group_id).lower()] = tuple(zones)
                self.cloud.write_records(endpoint)

            return self._accept([network], finish, lambda: None)

    async def delete_zone_group(self, zone_group_id: str) -> Accepted:
        with await self._call("delete_zone_group", write=True):
            endpoint = self.cloud.endpoints.get(
                normal_id(zone_group_id).partition("/privatednszonegroups/")[0]
            )
            if endpoint is None or name_of(zone_group_id).lower() not in endpoint.zone_groups:
                return Accepted()
            network = network_part(endpoint.subnet)
            self._refuse_while_running(network)

            def finish() -> None:
                self.cloud.forget_records(endpoint)
                endpoint.zone_groups.pop(name_of(zone_group_id).lower(), None)

            return self._accept([network], finish, _unchanged)

    def _provision_endpoint(self, endpoint: Endpoint) -> Accepted:
        endpoint.provisioning = "Updating"

        def finish() -> None:
            endpoint.provisioning = "Succeeded"

        return self._accept([network_part(endpoint.subnet)], finish, lambda: _failed(endpoint))

    def _address_for(self, subnet: str) -> str:
        found = self.cloud.subnet_of(subnet)
        if found is None:
            raise error_for(400, "InvalidResourceReference", f"{subnet} was not found.", target=subnet)
        network = self.cloud.networks[network_part(subnet)]
        if self.cloud.show(network).private_endpoints >= MOST_ENDPOINTS:
            raise error_for(
                400,
                "PrivateEndpointsPerVirtualNetworkLimitReached",
                "The network is full.",
                target=network.id,
            )
        address = self.cloud.free_address(found)
        if address is None:
            raise error_for(400, "SubnetIsFull", f"{subnet} has no free address.", target=subnet)
        return address

    def _check_target(self, target: str, group: str) -> None:
        if not self.cloud.exists(target):
            raise error_for(400, "InvalidResourceReference", f"{target} was not found.", target=target)
        offered = [g.name.lower() for g in PRIVATE_LINK_GROUPS.get(type_of(target), ())]
        if group.lower() not in offered:
            raise error_for(
                400, "BadRequest", f"Invalid groupId: {target} has no part {group}.", target=target
            )


def _check_unchanged(found: Endpoint, subnet: str, target: str, group: str) -> None:
    same = same_id(found.subnet, subnet) and same_id(found.target, target)
    if not same or found.group.lower() != group.lower():
        message = "Delete it and create it again."
        raise error_for(400, "PrivateEndpointPropertyCannotBeChanged", message, target=found.id)


def _unchanged() -> None:
    """What was not deleted stays."""


def _failed(endpoint: Endpoint) -> None:
    endpoint.provisioning = "Failed"
