"""Private endpoints and both ends of their connections, by plain requests.

A PUT answers 201 with `Azure-AsyncOperation`; a target's side may answer at once (storage), in an operation that is the
connection's own URL (key vaults), or in one of the provider's (SQL, Event Hubs): all read from recordings.
"""

from collections.abc import Sequence
from typing import cast

from shared.adapters.arm.connection import ArmConnection, Body, decoded
from shared.adapters.arm.networks import API_VERSION
from shared.adapters.arm.private_link_shapes import (
    LONGEST_REQUEST,
    TARGET_VERSIONS,
    ConnectionsBody,
    EndpointBody,
    InterfaceBody,
    LinkResourcesBody,
    Names,
    ZoneGroupsBody,
    endpoint,
)
from shared.domain.errors import NotFound, Terminal
from shared.domain.ids import name_of, type_of
from shared.domain.plan import Accepted
from shared.domain.private_link import PrivateEndpoint, PrivateEndpointConnection, PrivateLinkGroup

_STATE = "privateLinkServiceConnectionState"


class ArmPrivateLinks(ArmConnection):
    """PrivateLinks at one endpoint."""

    async def list_private_link_groups(self, target: str) -> Sequence[PrivateLinkGroup]:
        """What endpoints may lead to; nothing is asked of a type that is not in the table."""
        found: list[PrivateLinkGroup] = []
        link = self._collection(target, "privateLinkResources")
        while link:
            page = decoded(await self._read(link, target), LinkResourcesBody, target)
            found += page.groups
            link = page.next_link or ""
        return found

    async def list_private_endpoint_connections(self, target: str) -> Sequence[PrivateEndpointConnection]:
        found: list[PrivateEndpointConnection] = []
        link = self._collection(target, "privateEndpointConnections")
        while link:
            page = decoded(await self._read(link, target), ConnectionsBody, target)
            found += page.connections
            link = page.next_link or ""
        return found

    async def approve_connection(self, connection_id: str, message: str) -> Accepted:
        """The connection is put back as it was read, approved; one that is approved already is left alone."""
        version = TARGET_VERSIONS.get(type_of(connection_id).rpartition("/")[0])
        if version is None:
            raise Terminal("UnknownConnection", "no type that is approved from here", target=connection_id)
        body = (await self._get(connection_id, version)).body
        properties = cast("Body", body.get("properties") or {})
        state = cast("Body", properties.get(_STATE) or {})
        if state.get("status") == "Approved":
            return Accepted()
        approved = {**state, "status": "Approved", "description": message}
        return await self._put(
            connection_id, version, {**body, "properties": {**properties, _STATE: approved}}
        )

    async def get_private_endpoint(self, endpoint_id: str) -> PrivateEndpoint:
        read = await self._read(self._url(endpoint_id, API_VERSION), endpoint_id)
        body = decoded(read, EndpointBody, endpoint_id)
        groups = await self._read(self._url(f"{endpoint_id}/privateDnsZoneGroups", API_VERSION), endpoint_id)
        names = body.names if body.names.addresses else await self._interface_names(body.interface)
        return endpoint(body, names, decoded(groups, ZoneGroupsBody, endpoint_id))

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
        asked = {
            "privateLinkServiceId": target,
            "groupIds": [group],
            "requestMessage": message[:LONGEST_REQUEST],
        }
        connection = {"name": name_of(endpoint_id), "properties": asked}
        kind = "manualPrivateLinkServiceConnections" if manual else "privateLinkServiceConnections"
        body: Body = {"location": location, "properties": {"subnet": {"id": subnet}, kind: [connection]}}
        return await self._put(endpoint_id, API_VERSION, body)

    async def delete_private_endpoint(self, endpoint_id: str) -> Accepted:
        return await self._delete(endpoint_id, API_VERSION)

    async def put_zone_group(self, zone_group_id: str, zones: Sequence[str]) -> Accepted:
        configs = [
            {"name": name_of(zone).replace(".", "-"), "properties": {"privateDnsZoneId": zone}}
            for zone in zones
        ]
        return await self._put(zone_group_id, API_VERSION, {"properties": {"privateDnsZoneConfigs": configs}})

    async def delete_zone_group(self, zone_group_id: str) -> Accepted:
        return await self._delete(zone_group_id, API_VERSION)

    async def _interface_names(self, interface: str) -> Names:
        """Read from the network interface: the endpoint itself keeps quiet while a zone group has its names."""
        if not interface:
            return Names()
        try:
            read = await self._read(self._url(interface, API_VERSION), interface)
        except NotFound:
            return Names()  # it comes after the endpoint and goes before it
        return decoded(read, InterfaceBody, interface).names

    def _collection(self, target: str, name: str) -> str:
        version = TARGET_VERSIONS.get(type_of(target))
        return self._url(f"{target}/{name}", version) if version else ""
