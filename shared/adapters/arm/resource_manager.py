"""The Azure port: groups, resources, peerings, operations and diagnostic settings on Azure's clients."""

import json
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from shared.adapters.arm import shapes
from shared.adapters.arm.access import ArmAccess
from shared.adapters.arm.children import read_children
from shared.adapters.arm.connection import uri
from shared.adapters.arm.network_writes import ArmNetworks
from shared.adapters.arm.networks import networks_path, read_network, read_networks
from shared.adapters.arm.operations import accepted, operation_status
from shared.adapters.arm.permissions import ArmPermissions
from shared.adapters.arm.private_dns import ArmPrivateDns
from shared.adapters.arm.private_links import ArmPrivateLinks
from shared.adapters.arm.service_rules import ArmServiceRules
from shared.adapters.arm.translate import ArmErrors
from shared.domain.diagnostics import Category, DiagnosticSetting
from shared.domain.errors import MeshError, NotFound, Terminal
from shared.domain.ids import NodeKey
from shared.domain.network import PeeringFlags, VirtualNetwork
from shared.domain.plan import Accepted, OperationStatus
from shared.ports import Group, Resource

if TYPE_CHECKING:
    from azure.core.pipeline import PipelineResponse
    from azure.mgmt.network.aio.operations import VirtualNetworkPeeringsOperations

_NETWORK_ID = re.compile(
    r"^/subscriptions/([^/]+)/resourcegroups/([^/]+)/providers/microsoft\.network/virtualnetworks/([^/]+)"
    r"(?:/virtualnetworkpeerings/([^/]+))?/?$",
    re.IGNORECASE,
)
_UNSUPPORTED = "ResourceTypeNotSupported"


class ArmResourceManager(
    ArmAccess, ArmNetworks, ArmPermissions, ArmPrivateDns, ArmPrivateLinks, ArmServiceRules
):
    """Azure at one endpoint."""

    async def get_group(self, key: NodeKey) -> Group:
        with ArmErrors(key.group_id):
            return shapes.group(
                await (await self._sdk()).resources(key.subscription).resource_groups.get(key.group)
            )

    async def list_groups_with_tag(self, subscription: str, tag: str) -> Sequence[Group]:
        with ArmErrors(f"/subscriptions/{subscription}"):
            found = (
                (await self._sdk()).resources(subscription).resource_groups.list(filter=f"tagName eq '{tag}'")
            )
            return [shapes.group(one) async for one in found]

    async def list_resources(self, key: NodeKey) -> Sequence[Resource]:
        with ArmErrors(key.group_id):
            found = (
                (await self._sdk()).resources(key.subscription).resources.list_by_resource_group(key.group)
            )
            return [shapes.resource(one) async for one in found]

    async def list_networks(self, key: NodeKey) -> Sequence[VirtualNetwork]:
        found: list[VirtualNetwork] = []
        link = self._endpoint + networks_path(key.subscription, key.group)
        while link:
            page, link = read_networks(await self._read(link, key.group_id), key.group_id)
            found += page
        return found

    async def get_network(self, network_id: str) -> VirtualNetwork:
        place = _place(network_id)
        url = self._endpoint + networks_path(place.subscription, place.group, place.network)
        return read_network(await self._read(url, network_id), network_id)

    async def put_peering(
        self, peering_id: str, remote_network: str, flags: PeeringFlags, *, sync: bool
    ) -> Accepted:
        place, answer = _place(peering_id), _Answer()
        with ArmErrors(peering_id):
            peerings = await self._peerings(place.subscription)
            poller = await peerings.begin_create_or_update(
                place.group,
                place.network,
                place.peering,
                shapes.peering_body(remote_network, flags),
                sync_remote_address_space="true" if sync else None,
                polling=False,
                cls=answer.take,
            )
            await poller.result()
        return answer.accepted

    async def delete_peering(self, peering_id: str) -> Accepted:
        place, answer = _place(peering_id), _Answer()
        try:
            with ArmErrors(peering_id):
                peerings = await self._peerings(place.subscription)
                poller = await peerings.begin_delete(
                    place.group, place.network, place.peering, polling=False, cls=answer.take
                )
                await poller.result()
        except NotFound:
            return Accepted()
        return answer.accepted

    async def get_operation(self, url: str) -> OperationStatus:
        from azure.core.rest import HttpRequest

        with ArmErrors(url):
            response = await (await self._sdk()).send(HttpRequest("GET", url))
            return operation_status(response.status_code, response.headers, response.text(), url)

    async def list_diagnostic_categories(self, resource: str) -> Sequence[Category]:
        try:
            with ArmErrors(resource):
                found = (await self._sdk()).monitor().diagnostic_settings_category.list(uri(resource))
                return [shapes.category(one) async for one in found]
        except MeshError as error:
            if error.reason == _UNSUPPORTED:
                return ()
            raise

    async def list_diagnostic_settings(self, resource: str) -> Sequence[DiagnosticSetting]:
        try:
            with ArmErrors(resource):
                found = (await self._sdk()).monitor().diagnostic_settings.list(uri(resource))
                return [shapes.setting(one) async for one in found]
        except MeshError as error:
            if error.reason == _UNSUPPORTED:
                return ()
            raise

    async def list_children(self, parent: str, collection: str, version: str) -> Sequence[Resource]:
        found: list[Resource] = []
        link = self._url(f"{parent}/{collection}", version)
        while link:
            page, link = read_children(await self._read(link, parent), parent)
            found += page
        return found

    async def put_diagnostic_setting(self, resource: str, setting: DiagnosticSetting) -> DiagnosticSetting:
        body = shapes.setting_body(setting)
        with ArmErrors(resource):
            settings = (await self._sdk()).monitor().diagnostic_settings
            return shapes.setting(await settings.create_or_update(uri(resource), setting.name, body))

    async def delete_diagnostic_setting(self, resource: str, name: str) -> None:
        try:
            with ArmErrors(resource):
                await (await self._sdk()).monitor().diagnostic_settings.delete(uri(resource), name)
        except NotFound:
            return

    async def check_subscription(self, subscription: str) -> str:
        """The state of a subscription, such as `Enabled`: one read that the identity is always allowed."""
        url = f"{self._endpoint}/subscriptions/{subscription}?api-version=2022-12-01"
        return str(json.loads(await self._read(url, f"/subscriptions/{subscription}")).get("state", ""))

    async def _peerings(self, subscription: str) -> "VirtualNetworkPeeringsOperations":
        return (await (await self._sdk()).networks(subscription)).virtual_network_peerings


class _Answer:
    """Takes the first answer to a write, which says how it goes on; the SDK's poller would wait for the end."""

    accepted = Accepted()

    def take(self, response: "PipelineResponse[Any, Any]", _body: object, _headers: object) -> None:
        found = response.http_response
        self.accepted = accepted(found.status_code, found.headers, found.text())


class _Place(NamedTuple):
    subscription: str
    group: str
    network: str
    peering: str


def _place(resource_id: str) -> _Place:
    match = _NETWORK_ID.match(resource_id)
    if not match:
        raise Terminal("NotANetwork", "not the id of a virtual network or a peering", target=resource_id)
    return _Place(match[1], match[2], match[3], match[4] or "")
