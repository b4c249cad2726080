"""Requests to Microsoft.Network. Writes answer with `Azure-AsyncOperation`; deletions with `Location` too."""

from dataclasses import dataclass

from local.arm.documents import object_in
from local.arm.errors import network_child_not_found
from local.arm.ids import ResourceId
from local.arm.messages import ArmRequest, ArmResponse
from local.arm.paging import page
from local.arm.placement import check_parent_of_deleted
from local.arm.providers.microsoft_network.answers import PEERING_PUT, Answers, id_of, read
from local.arm.providers.microsoft_network.behaviour import Networks
from local.arm.providers.microsoft_network.contention import check_nobody_joins, check_peering_free
from local.arm.providers.microsoft_network.models import (
    NETWORKS,
    PEERINGS,
    SUBNETS,
    new_etag,
)
from local.arm.providers.microsoft_network.peerings import Peerings
from local.arm.providers.microsoft_network.plain import PlainResources
from local.arm.providers.microsoft_network.plain_routes import mount as mount_plain
from local.arm.providers.microsoft_network.plain_types import TYPES
from local.arm.providers.microsoft_network.polling import Polling, Render
from local.arm.providers.microsoft_network.preconditions import Change, check_etag, check_name, unchanged
from local.arm.providers.microsoft_network.private_endpoints.routes import made as private_endpoints
from local.arm.providers.microsoft_network.security_documents import (
    RULES,
    SECURITY_GROUPS,
    rule_document,
)
from local.arm.providers.microsoft_network.security_groups import SecurityGroups
from local.arm.providers.microsoft_network.security_routes import mount as mount_security
from local.arm.providers.microsoft_network.subnets import Subnets
from local.arm.providers.microsoft_network.versions import versioned
from local.arm.resource_manager import ResourceManager
from local.arm.routing import Router
from local.arm.store import Resource


def mount(router: Router, manager: ResourceManager) -> None:
    peerings = Peerings(manager)
    subnets = Subnets(manager)
    networks = Networks(manager, subnets, peerings)
    plain = PlainResources(manager)
    plain.register()
    peerings.register()
    networks.register()
    security = SecurityGroups(manager)
    security.register()
    endpoints = private_endpoints(router, manager)
    documents: dict[str, Render] = {
        NETWORKS: networks.document,
        SUBNETS: subnets.document,
        PEERINGS: peerings.document,
        SECURITY_GROUPS: security.document,
        **{kind.type: plain.document for kind in TYPES.values()},
        **{f"{kind.type}/{name}": plain.part_document for kind in TYPES.values() for name in kind.parts},
        **endpoints.documents(),
        RULES: lambda found: rule_document(found, security.owner_of(found.id, "read")),
    }
    polling = Polling(manager, documents)
    answers = Answers(manager, polling)
    mount_security(router, manager, security, answers)
    endpoints.mount(router, answers)
    _mount(router, polling, NetworkRoutes(manager, networks, peerings, answers))
    mount_plain(router, manager, plain, answers)


def _mount(router: Router, polling: Polling, routes: "NetworkRoutes") -> None:
    provider = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Network"
    network = provider + "/virtualNetworks/{network}"
    everywhere = "/subscriptions/{subscription}/providers/Microsoft.Network"
    for method, pattern, handler in (
        ("GET", everywhere + "/locations/{location}/operations/{operation}", polling.status),
        ("GET", everywhere + "/locations/{location}/operationResults/{operation}", polling.result),
        ("GET", everywhere + "/virtualNetworks", routes.list_networks),
        ("GET", provider + "/virtualNetworks", routes.list_networks),
        ("PUT", network, routes.put_network),
        ("GET", network, routes.get_network),
        ("PATCH", network, routes.patch_network),
        ("DELETE", network, routes.delete_network),
        ("GET", network + "/subnets", routes.list_subnets),
        ("PUT", network + "/subnets/{subnet}", routes.put_subnet),
        ("GET", network + "/subnets/{subnet}", routes.get_subnet),
        ("DELETE", network + "/subnets/{subnet}", routes.delete_subnet),
        ("GET", network + "/virtualNetworkPeerings", routes.list_peerings),
        ("PUT", network + "/virtualNetworkPeerings/{peering}", routes.put_peering),
        ("GET", network + "/virtualNetworkPeerings/{peering}", routes.get_peering),
        ("DELETE", network + "/virtualNetworkPeerings/{peering}", routes.delete_peering),
    ):
        router.add(method, pattern, versioned(handler))


@dataclass(frozen=True, slots=True)
class NetworkRoutes:
    manager: ResourceManager
    networks: Networks
    peerings: Peerings
    answers: Answers

    def list_networks(self, request: ArmRequest) -> ArmResponse:
        prefix = f"/subscriptions/{request.subscription}/"
        if request.group:
            prefix = self.manager.store.group(request.subscription, request.group).key + "/"
        found = [item for item in self.manager.store.of_type(NETWORKS) if item.key.startswith(prefix.lower())]
        body = page(
            request,
            found,
            key=lambda item: item.key,
            render=self.networks.document,
            size=self.manager.page_size,
        )
        return ArmResponse(body=body)

    def get_network(self, request: ArmRequest) -> ArmResponse:
        found = self.networks.get(id_of(request))
        self.manager.operations.note_read(found.key)
        return read(self.networks.document(found), found)

    def put_network(self, request: ArmRequest) -> ArmResponse:
        change = self.networks.put(
            id_of(request),
            request.document(),
            request.headers.get("if-match"),
            version=request.api_version,
        )
        document = self.networks.document(change.resource)
        return self.answers.written(request, change, document, "PutVirtualNetworkOperation")

    def patch_network(self, request: ArmRequest) -> ArmResponse:
        found = self.networks.patch_tags(id_of(request), request.document())
        return ArmResponse(body=self.networks.document(found))

    def delete_network(self, request: ArmRequest) -> ArmResponse:
        return self.answers.deleted(
            request, self.networks.delete(id_of(request)), "DeleteVirtualNetworkOperation"
        )

    def list_subnets(self, request: ArmRequest) -> ArmResponse:
        network = self._collection_owner(request)
        found = self.manager.store.children(network.id, "subnets")
        return ArmResponse(body={"value": [self.networks.subnets.document(subnet) for subnet in found]})

    def get_subnet(self, request: ArmRequest) -> ArmResponse:
        found = self.networks.subnets.get(id_of(request))
        self.manager.operations.note_read(found.key)
        network = self.networks.subnets.network_of(found.id)
        return read(self.networks.subnets.document(found), network)

    def put_subnet(self, request: ArmRequest) -> ArmResponse:
        check_nobody_joins(self.manager, id_of(request), request)
        change = self.networks.subnets.put(
            id_of(request),
            request.document(),
            request.headers.get("if-match"),
            version=request.api_version,
        )
        document = self.networks.subnets.document(change.resource)
        return self.answers.written(request, change, document, "PutSubnetOperation")

    def delete_subnet(self, request: ArmRequest) -> ArmResponse:
        return self.answers.deleted(
            request, self.networks.subnets.delete(id_of(request)), "DeleteSubnetOperation"
        )

    def list_peerings(self, request: ArmRequest) -> ArmResponse:
        network = self._collection_owner(request)
        found = self.manager.store.children(network.id, "virtualNetworkPeerings")
        return ArmResponse(body={"value": [self.peerings.document(peering) for peering in found]})

    def get_peering(self, request: ArmRequest) -> ArmResponse:
        found = self.peerings.get(id_of(request))
        self.manager.operations.note_read(found.key)
        return read(self.peerings.document(found), self.networks.subnets.network_of(found.id))

    def put_peering(self, request: ArmRequest) -> ArmResponse:
        """`syncRemoteAddressSpace=true` takes over the remote's present address space."""
        body = request.document()
        group = self.manager.store.group_for_writing(request.subscription, request.group)
        peering = id_of(request).spelled(group.name, PEERINGS)
        check_name(peering)
        network = self._parent(peering)
        existing = self.manager.store.find(peering.text)
        check_etag(request.headers.get("if-match"), network if existing else None, peering)
        remote = self.peerings.remote_of(peering, object_in(body, "properties"))
        check_peering_free(self.manager.operations, peering, remote.id, request)
        before = self.peerings.document(existing) if existing else None
        sync = request.query.get("syncremoteaddressspace", "").lower() == "true"
        stored, created = self.peerings.put(peering, body, sync=sync)
        settled = unchanged(before, self.peerings.document(stored))
        if not settled:
            stored.properties["provisioningState"] = "Updating"
            network.body["etag"] = new_etag()
        change = Change(stored, created, settled)
        document = self.peerings.document(stored)
        return self.answers.written(
            request, change, document, "PutVirtualNetworkPeeringOperation", PEERING_PUT
        )

    def delete_peering(self, request: ArmRequest) -> ArmResponse:
        peering = id_of(request)
        self.manager.store.group_for_writing(request.subscription, request.group)
        check_parent_of_deleted(peering, self.manager.store)
        found = self.manager.store.find(peering.text)
        if found is not None:
            check_peering_free(self.manager.operations, peering, None, request)
            found.properties["provisioningState"] = "Deleting"
        return self.answers.deleted(request, found, "DeleteVirtualNetworkPeeringOperation")

    def _parent(self, child: ResourceId) -> Resource:
        parent = child.parent
        if parent is None:
            raise network_child_not_found(child)
        return self.networks.get(parent)

    def _collection_owner(self, request: ArmRequest) -> Resource:
        parent = ResourceId.parse(request.path.rpartition("/")[0])
        assert parent is not None
        return self.networks.get(parent)
