"""Links of private DNS zones by plain requests: no client for them is among the dependencies.

A write answers 202, and what is wrong with it stands in the operation that it names; a DELETE of what is not there
answers 204 (recordings of 2020-06-01).
"""

from collections.abc import Sequence

import msgspec

from shared.adapters.arm.connection import ArmConnection, decoded
from shared.domain.plan import Accepted
from shared.domain.private_link import ZoneLink

API_VERSION = "2020-06-01"


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


class ArmPrivateDns(ArmConnection):
    """PrivateDns at one endpoint."""

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
