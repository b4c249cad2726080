"""Requests to Microsoft.Network. Writes answer with `Azure-AsyncOperation`; deletions with `Location` too."""

from dataclasses import dataclass

from local.arm.documents import JsonObject, object_in
from local.arm.errors import network_child_not_found
from local.arm.ids import ResourceId
from local.arm.messages import ArmRequest, ArmResponse
from local.arm.operations import LongOperation
from local.arm.paging import page
from local.arm.providers.generic.behaviour import Resources
from local.arm.providers.microsoft_network.behaviour import REMOVE, SETTLE, Networks
from local.arm.providers.microsoft_network.contention import check_peering_free
from local.arm.providers.microsoft_network.models import (
    NETWORKS,
    PEERINGS,
    etag_of,
    new_etag,
    simple_document,
    subnet_document,
)
from local.arm.providers.microsoft_network.peerings import Peerings
from local.arm.providers.microsoft_network.polling import Polling
from local.arm.providers.microsoft_network.preconditions import Change, check_etag, check_name, unchanged
from local.arm.providers.microsoft_network.simple import TYPES, SimpleResources
from local.arm.providers.microsoft_network.subnets import Subnets
from local.arm.providers.microsoft_network.versions import versioned
from local.arm.resource_manager import ResourceManager
from local.arm.routing import Router
from local.arm.store import Resource

# What the recordings announce in Retry-After.
_NETWORK_PUT = 3
_PEERING_PUT = 10
_DELETE = 10


def mount(router: Router, manager: ResourceManager) -> None:
    peerings = Peerings(manager)
    subnets = Subnets(manager)
    networks = Networks(manager, subnets, peerings)
    simple = SimpleResources(manager, Resources(manager))
    peerings.register()
    networks.register()
    polling = Polling(manager, networks.document, peerings.document)
    routes = NetworkRoutes(manager, networks, peerings, simple, polling)
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
    for type_ in TYPES:
        router.add("PUT", f"{provider}/{type_}/{{name}}", routes.put_simple)
        router.add("GET", f"{provider}/{type_}/{{name}}", routes.get_simple)
        router.add("DELETE", f"{provider}/{type_}/{{name}}", routes.delete_simple)


@dataclass(frozen=True, slots=True)
class NetworkRoutes:
    manager: ResourceManager
    networks: Networks
    peerings: Peerings
    simple: SimpleResources
    polling: Polling

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
        found = self.networks.get(_id(request))
        self.manager.operations.note_read(found.key)
        return _read(self.networks.document(found), found)

    def put_network(self, request: ArmRequest) -> ArmResponse:
        change = self.networks.put(
            _id(request),
            request.document(),
            request.headers.get("if-match"),
            version=request.api_version,
        )
        document = self.networks.document(change.resource)
        return self._written(request, change, document, "PutVirtualNetworkOperation", _NETWORK_PUT)

    def patch_network(self, request: ArmRequest) -> ArmResponse:
        found = self.networks.patch_tags(_id(request), request.document())
        return ArmResponse(body=self.networks.document(found))

    def delete_network(self, request: ArmRequest) -> ArmResponse:
        return self._deleted(request, self.networks.delete(_id(request)), "DeleteVirtualNetworkOperation")

    def list_subnets(self, request: ArmRequest) -> ArmResponse:
        network = self._collection_owner(request)
        found = self.manager.store.children(network.id, "subnets")
        return ArmResponse(body={"value": [subnet_document(subnet, network) for subnet in found]})

    def get_subnet(self, request: ArmRequest) -> ArmResponse:
        found = self.networks.subnets.get(_id(request))
        self.manager.operations.note_read(found.key)
        network = self.networks.subnets.network_of(found.id)
        return _read(subnet_document(found, network), network)

    def put_subnet(self, request: ArmRequest) -> ArmResponse:
        change = self.networks.subnets.put(
            _id(request),
            request.document(),
            request.headers.get("if-match"),
            version=request.api_version,
        )
        document = subnet_document(change.resource, self.networks.subnets.network_of(change.resource.id))
        return self._written(request, change, document, "PutSubnetOperation", _NETWORK_PUT)

    def delete_subnet(self, request: ArmRequest) -> ArmResponse:
        return self._deleted(request, self.networks.subnets.delete(_id(request)), "DeleteSubnetOperation")

    def list_peerings(self, request: ArmRequest) -> ArmResponse:
        network = self._collection_owner(request)
        found = self.manager.store.children(network.id, "virtualNetworkPeerings")
        return ArmResponse(body={"value": [self.peerings.document(peering) for peering in found]})

    def get_peering(self, request: ArmRequest) -> ArmResponse:
        found = self.peerings.get(_id(request))
        self.manager.operations.note_read(found.key)
        return _read(self.peerings.document(found), self.networks.subnets.network_of(found.id))

    def put_peering(self, request: ArmRequest) -> ArmResponse:
        """`syncRemoteAddressSpace=true` takes over the remote's present address space."""
        body = request.document()
        group = self.manager.store.group_for_writing(request.subscription, request.group)
        peering = _id(request).spelled(group.name, PEERINGS)
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
        return self._written(request, change, document, "PutVirtualNetworkPeeringOperation", _PEERING_PUT)

    def delete_peering(self, request: ArmRequest) -> ArmResponse:
        peering = _id(request)
        self.manager.store.group_for_writing(request.subscription, request.group)
        found = self.manager.store.find(peering.text)
        if found is not None:
            check_peering_free(self.manager.operations, peering, None, request)
            found.properties["provisioningState"] = "Deleting"
        return self._deleted(request, found, "DeleteVirtualNetworkPeeringOperation")

    def get_simple(self, request: ArmRequest) -> ArmResponse:
        found = self.simple.get(_id(request))
        self.manager.operations.note_read(found.key)
        return _read(simple_document(found), found)

    def put_simple(self, request: ArmRequest) -> ArmResponse:
        stored, created = self.simple.put(_id(request), request)
        name = f"Put{stored.id.types[0][0].upper()}{stored.id.types[0][1:-1]}Operation"
        return self._written(request, Change(stored, created), simple_document(stored), name, _NETWORK_PUT)

    def delete_simple(self, request: ArmRequest) -> ArmResponse:
        found = self.simple.delete(_id(request), request)
        return self._deleted(request, found, "DeleteOperation")

    def _parent(self, child: ResourceId) -> Resource:
        parent = child.parent
        if parent is None:
            raise network_child_not_found(child)
        return self.networks.get(parent)

    def _collection_owner(self, request: ArmRequest) -> Resource:
        parent = ResourceId.parse(request.path.rpartition("/")[0])
        assert parent is not None
        return self.networks.get(parent)

    def _written(
        self, request: ArmRequest, change: Change, document: JsonObject, name: str, retry_after: int
    ) -> ArmResponse:
        if change.settled:
            return ArmResponse(
                body=document, headers=self.polling.headers(request, self._finished(change.resource, name))
            )
        operation = self.networks.begin(name, change.resource, SETTLE, retry_after)
        return ArmResponse(
            status=201 if change.created else 200,
            body=document,
            headers={
                **self.polling.headers(request, operation),
                **self.manager.operations.mode.retry_headers(retry_after),
            },
            operation=operation,
        )

    def _finished(self, resource: Resource, name: str) -> LongOperation:
        """An operation for a write that changed nothing: there to be polled, already Succeeded."""
        operation = self.networks.begin(name, resource, SETTLE, _NETWORK_PUT)
        self.manager.operations.finish_unchanged(operation)
        return operation

    def _deleted(self, request: ArmRequest, found: Resource | None, name: str) -> ArmResponse:
        if found is None:
            return ArmResponse(status=204)
        operation = self.networks.begin(name, found, REMOVE, _DELETE)
        headers = {
            **self.polling.headers(request, operation, location=True),
            **self.manager.operations.mode.retry_headers(_DELETE),
        }
        return ArmResponse(status=202, headers=headers, operation=operation)


def _id(request: ArmRequest) -> ResourceId:
    resource = ResourceId.parse(request.path)
    assert resource is not None
    return resource


def _read(document: JsonObject, carrier: Resource) -> ArmResponse:
    """The ETag header comes with GET only."""
    return ArmResponse(body=document, headers={"ETag": etag_of(carrier)})
