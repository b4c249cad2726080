"""Resource Manager in memory: the same refusals and states as the real one, as far as the port shows them."""

from collections.abc import Mapping, Sequence

from shared.domain.calls import count_call
from shared.domain.diagnostics import Category, DiagnosticSetting
from shared.domain.errors import NotFound
from shared.domain.exposure import Access, ExposedType
from shared.domain.ids import NodeKey, normal_id, type_of
from shared.domain.network import PeeringFlags, VirtualNetwork
from shared.domain.permissions import Permission
from shared.domain.plan import Accepted
from shared.ports import Group, Resource
from tests.fakes import peering_rules, setting_rules
from tests.fakes.calls import absent
from tests.fakes.catalogue import CATEGORIES
from tests.fakes.networks import FakeNetworks
from tests.fakes.private_dns import FakePrivateDns
from tests.fakes.private_links import FakePrivateLinks
from tests.fakes.service_rules import FakeServiceRules
from tests.fakes.state import Network, network_part

PAGE = 1000
EVERYTHING = Permission(("*",))


class FakeResourceManager(FakeNetworks, FakePrivateDns, FakePrivateLinks, FakeServiceRules):
    """Azure over a Cloud."""

    # --- groups and resources

    async def get_group(self, key: NodeKey) -> Group:
        with await self._call("get_group"):
            return self._group(key)

    async def list_groups_with_tag(self, subscription: str, tag: str) -> Sequence[Group]:
        with await self._call("list_groups_with_tag"):
            keys = sorted(k for k in self.cloud.groups if k.subscription == subscription.lower())
            groups = [self.cloud.groups[key] for key in keys]
            return [g for g in groups if tag.lower() in {name.lower() for name in g.tags}]

    async def list_resources(self, key: NodeKey) -> Sequence[Resource]:
        with await self._call("list_resources"):
            self._group(key)
            found = [
                r
                for r in self.cloud.resources.values()
                if NodeKey.containing(r.id) == key and normal_id(r.id) not in self.cloud.hidden
            ]
            for _ in range(PAGE, len(found), PAGE):
                count_call(write=False)
            return found

    async def list_access(self, key: NodeKey, kind: ExposedType) -> Mapping[str, Access]:
        with await self._call("list_access"):
            self._group(key)
            there = [n for n, r in self.cloud.resources.items() if NodeKey.containing(r.id) == key]
            return {n: self.cloud.access_of(n, kind) for n in there if type_of(n) == kind.name.lower()}

    async def list_permissions(self, scope: str) -> Sequence[Permission]:
        with await self._call("list_permissions"):
            key, granted = NodeKey.containing(scope), self.cloud.permissions
            subscription = normal_id(scope).partition("/resourcegroups/")[0]
            wide = granted.get(subscription, [] if granted else [EVERYTHING])
            if key is None:
                return wide
            self._group(key)
            inherited = [*wide, *granted.get(normal_id(key.group_id), [EVERYTHING])]
            return [*inherited, *granted.get(normal_id(scope), [])]

    # --- networks

    async def list_networks(self, key: NodeKey) -> Sequence[VirtualNetwork]:
        with await self._call("list_networks"):
            self._group(key)
            found = [n for n in self.cloud.networks.values() if NodeKey.containing(n.id) == key]
            return [self.cloud.show(network) for network in found]

    async def get_network(self, network_id: str) -> VirtualNetwork:
        with await self._call("get_network"):
            network = self.cloud.networks.get(normal_id(network_id))
            if network is None:
                raise absent(network_id)
            return self.cloud.show(network)

    async def put_peering(
        self, peering_id: str, remote_network: str, flags: PeeringFlags, *, sync: bool
    ) -> Accepted:
        with await self._call("put_peering", write=True):
            network = self._writable_network(peering_id)
            self._refuse_while_running(network.id, remote_network)
            remote = peering_rules.check(self.cloud, network, peering_id, remote_network, flags)
            side = peering_rules.begin(network, remote, peering_id, flags, sync=sync)
            return self._accept(
                [network_part(side.id), side.remote],
                lambda: peering_rules.finish(self.cloud, side, flags),
                lambda: peering_rules.abandon(side),
            )

    async def delete_peering(self, peering_id: str) -> Accepted:
        with await self._call("delete_peering", write=True):
            network = self.cloud.network_of(peering_id)
            side = peering_rules.side_named(network, peering_id) if network else None
            if network is None or side is None:
                return Accepted()
            self._refuse_while_running(network.id, side.remote)
            side.provisioning = "Deleting"
            return self._accept(
                [network_part(side.id), side.remote],
                lambda: peering_rules.remove(self.cloud, side),
                lambda: peering_rules.abandon(side),
            )

    # --- diagnostic settings

    async def list_diagnostic_categories(self, resource: str) -> Sequence[Category]:
        with await self._call("list_diagnostic_categories"):
            self._existing(resource)
            return CATEGORIES.get(type_of(resource), ())

    async def list_diagnostic_settings(self, resource: str) -> Sequence[DiagnosticSetting]:
        with await self._call("list_diagnostic_settings"):
            self._existing(resource)
            return list(self.cloud.settings.get(normal_id(resource), {}).values())

    async def list_children(self, parent: str, collection: str, version: str) -> Sequence[Resource]:
        with await self._call("list_children"):
            self._existing(parent)
            return self.cloud.children(parent, collection)

    async def put_diagnostic_setting(self, resource: str, setting: DiagnosticSetting) -> DiagnosticSetting:
        with await self._call("put_diagnostic_setting", write=True):
            self._existing(resource)
            self._refuse_while_deleting(resource)
            others = self.cloud.settings.get(normal_id(resource), {})
            setting_rules.check(resource, setting, tuple(others.values()))
            setting_rules.check_regions(resource, setting, self.cloud.location)
            self.cloud.add_setting(resource, setting)
            return setting

    async def delete_diagnostic_setting(self, resource: str, name: str) -> None:
        with await self._call("delete_diagnostic_setting", write=True):
            if self.cloud.exists(resource):
                self.cloud.delete_setting(resource, name)

    def _writable_network(self, peering_id: str) -> Network:
        network = self.cloud.network_of(peering_id)
        if network is None:
            raise NotFound("ParentResourceNotFound", "the virtual network was not found", target=peering_id)
        self._refuse_while_deleting(network.id)
        return network
