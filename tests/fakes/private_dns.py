"""The pretended Resource Manager makes private DNS zones and links them to networks."""

from collections.abc import Sequence

from shared.domain.errors import NotFound, error_for
from shared.domain.ids import name_of, normal_id, same_id
from shared.domain.plan import Accepted
from shared.domain.private_link import PrivateZone, ZoneLink
from tests.fakes.calls import FakeCalls, absent
from tests.fakes.state import Link, Zone

OVERLAP = "A virtual network cannot be linked to multiple zones with overlapping namespaces."


class FakePrivateDns(FakeCalls):
    """PrivateDns over a Cloud."""

    async def get_zone(self, zone_id: str) -> PrivateZone:
        with await self._call("get_zone"):
            zone = self.cloud.zones.get(normal_id(zone_id))
            if zone is None:
                raise absent(zone_id)
            return PrivateZone(zone.id, zone.mesh)

    async def put_zone(self, zone_id: str, mesh: str) -> Accepted:
        with await self._call("put_zone", write=True):
            self._writable_group(zone_id)
            if normal_id(zone_id) in self.cloud.zones:
                return Accepted()
            self._refuse_while_running(zone_id)

            def finish() -> None:
                self.cloud.create_zone(zone_id).mesh = mesh

            return self._accept([zone_id], finish, _nothing)

    async def delete_zone(self, zone_id: str) -> Accepted:
        with await self._call("delete_zone", write=True):
            zone = self.cloud.zones.get(normal_id(zone_id))
            if zone is None:
                return Accepted()
            self._refuse_while_running(zone_id)
            if zone.links:
                message = "Cannot delete resource while nested resources exist."
                raise error_for(409, "CannotDeleteResource", message, target=zone_id)
            return self._accept([zone_id], lambda: self.cloud.delete_resource(zone.id), _nothing)

    async def get_addresses(self, zone_id: str, name: str) -> Sequence[str]:
        with await self._call("get_addresses"):
            return sorted(self.cloud.records(zone_id).get(name.lower(), ()))

    async def list_zone_links(self, zone_id: str) -> Sequence[ZoneLink]:
        with await self._call("list_zone_links"):
            zone = self.cloud.zones.get(normal_id(zone_id))
            if zone is None:
                raise absent(zone_id)
            return [ZoneLink(k.id, k.network, k.provisioning, k.state) for k in zone.links.values()]

    async def put_zone_link(self, link_id: str, network: str) -> Accepted:
        with await self._call("put_zone_link", write=True):
            zone = self._zone_of(link_id)
            if zone is None:
                raise NotFound("ParentResourceNotFound", "the zone was not found", target=link_id)
            self._refuse_while_deleting(link_id)
            self._refuse_while_running(link_id)
            if refusal := self._refusal(zone, link_id, network):
                # Recorded: private DNS accepts what it will refuse, and says so at the operation's end.
                return self._accept([link_id], _nothing, _nothing, failure=refusal)
            return self._provision_link(zone, link_id, network)

    async def delete_zone_link(self, link_id: str) -> Accepted:
        with await self._call("delete_zone_link", write=True):
            zone = self._zone_of(link_id)
            link = zone.links.get(name_of(link_id).lower()) if zone else None
            if zone is None or link is None:
                return Accepted()
            self._refuse_while_running(link_id)
            link.provisioning = "Deleting"

            def finish() -> None:
                zone.links.pop(name_of(link_id).lower(), None)

            return self._accept([link_id], finish, lambda: _failed(link))

    def _provision_link(self, zone: Zone, link_id: str, network: str) -> Accepted:
        link = zone.links.setdefault(name_of(link_id).lower(), Link(link_id, network))
        link.network, link.provisioning, link.state = network, "Updating", "InProgress"

        def finish() -> None:
            link.provisioning, link.state = "Succeeded", "Completed"

        return self._accept([link_id], finish, lambda: _failed(link))

    def _refusal(self, zone: Zone, link_id: str, network: str) -> tuple[str, str] | None:
        if normal_id(network) not in self.cloud.networks:
            return "BadRequest", f"The virtual network '{network}' could not be found."
        twins = [z for z in self.cloud.zones.values() if z.name == zone.name]
        for link in (link for twin in twins for link in twin.links.values()):
            if same_id(link.network, network) and not same_id(link.id, link_id):
                return "BadRequest", OVERLAP
        return None

    def _zone_of(self, link_id: str) -> Zone | None:
        return self.cloud.zones.get(normal_id(link_id).partition("/virtualnetworklinks/")[0])


def _failed(link: Link) -> None:
    link.provisioning = "Failed"


def _nothing() -> None:
    """What is refused was never there, and what was not deleted stays."""
