"""What exists in the pretended cloud, and how people change it behind the mesh's back."""

from collections.abc import Mapping

import msgspec

from shared.domain.diagnostics import DiagnosticSetting
from shared.domain.exposure import Access, ExposedType
from shared.domain.ids import NodeKey, name_of, normal_id, same_id, type_of
from shared.domain.network import Peering, Subnet, VirtualNetwork
from shared.domain.permissions import Permission
from shared.ports import Group, Resource
from tests.fakes.catalogue import STORAGE_SERVICES
from tests.fakes.connections import Connections
from tests.fakes.state import Network, Side, SubnetState, Zone

LOCATION = "westeurope"


class Cloud(Connections):
    """Groups, resources, networks and diagnostic settings; its methods are what people do from outside."""

    def __init__(self) -> None:
        super().__init__()
        self.groups: dict[NodeKey, Group] = {}
        self.resources: dict[str, Resource] = {}
        self.settings: dict[str, dict[str, DiagnosticSetting]] = {}
        self.hidden: set[str] = set()
        self.permissions: dict[str, list[Permission]] = {}
        self.access: dict[str, Access] = {}

    # --- groups and resources

    def create_group(
        self, key: NodeKey, tags: Mapping[str, str] | None = None, location: str = LOCATION
    ) -> Group:
        group = Group(key.group_id, location, dict(tags or {}))
        self.groups[key] = group
        return group

    def tag(self, key: NodeKey, tags: Mapping[str, str]) -> None:
        """Replaces the group's tags."""
        self.groups[key] = msgspec.structs.replace(self.groups[key], tags=dict(tags))

    def begin_deleting_group(self, key: NodeKey) -> None:
        """The group refuses writes from now on; `delete_group` is when it is gone."""
        self.groups[key] = msgspec.structs.replace(self.groups[key], deleting=True)

    def delete_group(self, key: NodeKey) -> None:
        """Removes the group and what is inside."""
        self.groups.pop(key, None)
        for resource_id in [r for r in self.resources if NodeKey.containing(r) == key]:
            self.delete_resource(resource_id)

    def create_resource(self, resource_id: str, location: str = LOCATION, kind: str = "") -> Resource:
        resource = Resource(resource_id, _type_as_spelled(resource_id), location, kind)
        self.resources[normal_id(resource_id)] = resource
        return resource

    def access_of(self, resource_id: str, kind: ExposedType) -> Access:
        """What a resource says of its access, unless somebody set it: that its firewall is closed, or nothing."""
        firewall = self.firewalls.get(normal_id(resource_id))
        selected = bool(kind.firewall) and firewall is not None and not firewall.open
        return self.access.get(normal_id(resource_id), "selected" if selected else kind.silent)

    def delete_resource(self, resource_id: str) -> None:
        """Removes it with its children. Its settings stay behind and apply again if it is re-created."""
        here = normal_id(resource_id)
        for found in [r for r in self.resources if r == here or r.startswith(here + "/")]:
            del self.resources[found]
        network = self.networks.pop(here, None)
        for side in list(network.sides.values()) if network else []:
            self._disconnect(side.remote, here)
        self.forget_connections(here)

    def exists(self, resource_id: str) -> bool:
        here = normal_id(resource_id)
        account = here.rpartition("/")[0].rpartition("/")[0]
        return here in self.resources or (type_of(here) in STORAGE_SERVICES and account in self.resources)

    def hide(self, resource_id: str) -> None:
        """From now on the group's list does not show it, as it leaves children out; collections do."""
        self.hidden.add(normal_id(resource_id))

    def children(self, parent: str, collection: str) -> list[Resource]:
        """What is in one collection of a resource."""
        start = f"{normal_id(parent)}/{collection.lower()}/"
        return [r for i, r in self.resources.items() if i.startswith(start) and "/" not in i[len(start) :]]

    def location(self, resource_id: str) -> str | None:
        """Where a resource lies, or what it is part of; None where there is none."""
        here = normal_id(resource_id)
        account = here.rpartition("/")[0].rpartition("/")[0]
        found = self.resources.get(here) or self.resources.get(account)
        return found.location if found else None

    # --- networks

    def create_network(
        self, network_id: str, *prefixes: str, location: str = LOCATION, gateway: bool = False
    ) -> Network:
        self.create_resource(network_id, location)
        network = Network(network_id, location, prefixes, gateway)
        self.networks[normal_id(network_id)] = network
        return network

    def create_zone(self, zone_id: str) -> Zone:
        self.create_resource(zone_id, "global")
        return self.zones.setdefault(normal_id(zone_id), Zone(zone_id))

    def resize_network(self, network_id: str, *prefixes: str) -> None:
        """Changes the address space: what is peered with it falls out of sync."""
        self.networks[normal_id(network_id)].prefixes = prefixes

    def delete_peering(self, peering_id: str) -> None:
        """Removes one side; the other side becomes Disconnected."""
        network = self.network_of(peering_id)
        side = network.sides.pop(name_of(peering_id).lower(), None) if network else None
        if network and side:
            self._disconnect(side.remote, network.id)

    def network_of(self, peering_id: str) -> Network | None:
        return self.networks.get(normal_id(peering_id).partition("/virtualnetworkpeerings/")[0])

    def show(self, network: Network) -> VirtualNetwork:
        """The network as Resource Manager would answer it."""
        sides = sorted(network.sides.values(), key=lambda side: normal_id(side.id))
        return VirtualNetwork(
            id=network.id,
            name=name_of(network.id),
            location=network.location,
            address_prefixes=network.prefixes,
            provisioning_state=network.provisioning,
            peerings=tuple(self._show_side(network, side) for side in sides),
            subnets=tuple(map(self._show_subnet, network.subnets.values())),
        )

    def _show_subnet(self, subnet: SubnetState) -> Subnet:
        endpoints = sum(same_id(e.subnet, subnet.id) for e in self.endpoints.values())
        return Subnet(
            id=subnet.id,
            name=name_of(subnet.id),
            address_prefixes=subnet.prefixes,
            security_group=subnet.security_group,
            delegated=bool(subnet.delegation),
            service_endpoints=tuple(subnet.service_endpoints),
            private_endpoints=endpoints,
            ip_configurations=subnet.ip_configurations + endpoints,
        )

    def _show_side(self, network: Network, side: Side) -> Peering:
        return Peering(
            id=side.id,
            name=name_of(side.id),
            remote_network=side.remote,
            state=side.state,
            sync_level=self._sync_level(network, side),
            provisioning_state=side.provisioning,
            remote_address_prefixes=side.remote_prefixes,
            flags=side.flags,
        )

    def _sync_level(self, network: Network, side: Side) -> str:
        remote = self.networks.get(normal_id(side.remote))
        back = remote.side_to(network.id) if remote else None
        local_behind = remote is not None and side.remote_prefixes != remote.prefixes
        remote_behind = back is None or back.remote_prefixes != network.prefixes
        if local_behind:
            return "LocalAndRemoteNotInSync" if remote_behind else "LocalNotInSync"
        return "RemoteNotInSync" if remote_behind else "FullyInSync"

    def _disconnect(self, network_id: str, from_network: str) -> None:
        network = self.networks.get(normal_id(network_id))
        side = network.side_to(from_network) if network else None
        if side:
            side.state = "Disconnected"

    # --- diagnostic settings

    def add_setting(self, resource_id: str, setting: DiagnosticSetting) -> None:
        """A setting that somebody else made; no rule is applied."""
        self.settings.setdefault(normal_id(resource_id), {})[setting.name.lower()] = setting

    def delete_setting(self, resource_id: str, name: str) -> None:
        self.settings.get(normal_id(resource_id), {}).pop(name.lower(), None)

    def snapshot(self) -> dict[str, object]:
        """What two histories have to agree on, as plain values that compare."""
        return {
            "groups": {str(key): dict(group.tags) for key, group in self.groups.items()},
            "peerings": {
                peering.id: (
                    normal_id(peering.remote_network),
                    peering.state,
                    peering.sync_level,
                    peering.flags,
                )
                for network in self.networks.values()
                for peering in self.show(network).peerings
            },
            "settings": {
                resource: dict(settings)
                for resource, settings in self.settings.items()
                if settings and self.exists(resource)
            },
            **self.connection_snapshot(),
        }


def _type_as_spelled(resource_id: str) -> str:
    segments = resource_id.rpartition("/providers/")[2].split("/")
    return "/".join([segments[0], *segments[1::2]])
