"""Private DNS zones by plain requests: no client for them is among the dependencies.

A write answers 202, and what is wrong with it stands in the operation that it names; a DELETE of what is not there
answers 204 (recordings of 2020-06-01).
"""

from collections.abc import Sequence

import msgspec

from shared.adapters.arm.connection import ArmConnection, Body, decoded
from shared.domain.errors import NotFound
from shared.domain.plan import Accepted
from shared.domain.private_link import PrivateZone, ZoneLink

API_VERSION = "2020-06-01"
MESH_TAG = "meshplane"
"""On a zone that a mesh made: that mesh's name."""


class _Reference(msgspec.Struct):
    id: str = ""


class _LinkProperties(msgspec.Struct, rename="camel"):
    virtual_network: _Reference = msgspec.field(default_factory=_Reference)
    provisioning_state: str = ""
    virtual_network_link_state: str = ""


class _Link(msgspec.Struct):
    id: str
    properties: _LinkProperties = msgspec.field(default_factory=_LinkProperties)


class _Links(msgspec.Struct, rename="camel"):
    value: tuple[_Link, ...] = ()
    next_link: str | None = None


class _Zone(msgspec.Struct):
    id: str
    tags: dict[str, str] | None = None


class _Address(msgspec.Struct):
    ipv4: str = msgspec.field(default="", name="ipv4Address")


class _RecordProperties(msgspec.Struct, rename="camel"):
    a_records: tuple[_Address, ...] = ()


class _RecordSet(msgspec.Struct):
    properties: _RecordProperties = msgspec.field(default_factory=_RecordProperties)


class ArmPrivateDns(ArmConnection):
    """PrivateDns at one endpoint."""

    async def get_zone(self, zone_id: str) -> PrivateZone:
        found = decoded(await self._read(self._url(zone_id, API_VERSION), zone_id), _Zone, zone_id)
        return PrivateZone(found.id, (found.tags or {}).get(MESH_TAG, ""))

    async def put_zone(self, zone_id: str, mesh: str) -> Accepted:
        try:
            await self.get_zone(zone_id)
        except NotFound:
            body: Body = {"location": "global", "tags": {MESH_TAG: mesh}, "properties": {}}
            return await self._put(zone_id, API_VERSION, body, if_none_match="*")
        return Accepted()

    async def delete_zone(self, zone_id: str) -> Accepted:
        return await self._delete(zone_id, API_VERSION)

    async def get_addresses(self, zone_id: str, name: str) -> Sequence[str]:
        try:
            read = await self._read(self._url(f"{zone_id}/A/{name}", API_VERSION), zone_id)
        except NotFound:
            return ()
        return [a.ipv4 for a in decoded(read, _RecordSet, zone_id).properties.a_records]

    async def list_zone_links(self, zone_id: str) -> Sequence[ZoneLink]:
        found: list[ZoneLink] = []
        link = self._url(f"{zone_id}/virtualNetworkLinks", API_VERSION)
        while link:
            page = decoded(await self._read(link, zone_id), _Links, zone_id)
            found += map(_shown, page.value)
            link = page.next_link or ""
        return found

    async def put_zone_link(self, link_id: str, network: str) -> Accepted:
        properties = {"registrationEnabled": False, "virtualNetwork": {"id": network}}
        return await self._put(link_id, API_VERSION, {"location": "global", "properties": properties})

    async def delete_zone_link(self, link_id: str) -> Accepted:
        return await self._delete(link_id, API_VERSION)


def _shown(link: _Link) -> ZoneLink:
    inside = link.properties
    network = inside.virtual_network.id
    return ZoneLink(link.id, network, inside.provisioning_state, inside.virtual_network_link_state)
