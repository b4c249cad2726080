"""Requests to plain resources of the network provider."""

from dataclasses import dataclass

from local.arm.documents import JsonObject
from local.arm.ids import ResourceId
from local.arm.messages import ArmRequest, ArmResponse
from local.arm.paging import page
from local.arm.providers.microsoft_network import gateways
from local.arm.providers.microsoft_network.answers import Answers, id_of, read
from local.arm.providers.microsoft_network.models import GATEWAYS
from local.arm.providers.microsoft_network.plain import GATEWAY_MADE, PlainResources
from local.arm.providers.microsoft_network.plain_types import TYPES, PlainType
from local.arm.providers.microsoft_network.preconditions import Change
from local.arm.providers.microsoft_network.versions import versioned
from local.arm.resource_manager import ResourceManager
from local.arm.routing import Router

_PART_PUT = 2


def mount(router: Router, manager: ResourceManager, plain: PlainResources, answers: Answers) -> None:
    routes = PlainRoutes(manager, plain, answers)
    provider = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Network"
    everywhere = "/subscriptions/{subscription}/providers/Microsoft.Network"
    for kind in TYPES.values():
        one = f"{provider}/{kind.name}/{{name}}"
        for method, pattern, handler in (
            ("GET", f"{everywhere}/{kind.name}", routes.list),
            ("GET", f"{provider}/{kind.name}", routes.list),
            ("PUT", one, routes.put),
            ("GET", one, routes.get),
            ("PATCH", one, routes.patch),
            ("DELETE", one, routes.delete),
        ):
            router.add(method, pattern, versioned(handler))
        for name in (name for name, part in kind.parts.items() if part.addressable):
            part = f"{one}/{name}/{{part}}"
            for method, pattern, handler in (
                ("GET", f"{one}/{name}", routes.list_parts),
                ("PUT", part, routes.put_part),
                ("GET", part, routes.get_part),
                ("DELETE", part, routes.delete_part),
            ):
                router.add(method, pattern, versioned(handler))


@dataclass(frozen=True, slots=True)
class PlainRoutes:
    manager: ResourceManager
    plain: PlainResources
    answers: Answers

    def list(self, request: ArmRequest) -> ArmResponse:
        prefix = f"/subscriptions/{request.subscription}/"
        if request.group:
            prefix = self.manager.store.group(request.subscription, request.group).key + "/"
        kind = TYPES[request.path.rpartition("/")[2].lower()]
        found = [
            item for item in self.manager.store.of_type(kind.type) if item.key.startswith(prefix.lower())
        ]
        size = self.manager.page_size
        body = page(request, found, key=lambda item: item.key, render=self.plain.document, size=size)
        return ArmResponse(body=body)

    def get(self, request: ArmRequest) -> ArmResponse:
        found = self.plain.get(id_of(request))
        self.manager.operations.note_read(found.key)
        document = self.plain.document(found)
        return read(document, found) if self.plain.kind(found.id).tagged else ArmResponse(body=document)

    def put(self, request: ArmRequest) -> ArmResponse:
        change = self.plain.put(id_of(request), request)
        kind = self.plain.kind(change.resource.id)
        document = self.plain.document(change.resource)
        if kind.type != GATEWAYS:
            return self._written(request, change, document, kind)
        response = self._written(request, change, gateways.begun(document), kind)
        if response.operation is not None:
            response.operation.effect = GATEWAY_MADE
        return response

    def patch(self, request: ArmRequest) -> ArmResponse:
        """Tags, replaced as a whole."""
        found = self.plain.patch_tags(id_of(request), request.document())
        return ArmResponse(body=self.plain.document(found))

    def delete(self, request: ArmRequest) -> ArmResponse:
        resource = id_of(request)
        found = self.plain.delete(resource, request)
        return self.answers.deleted(
            request, found, f"Delete{_singular(self.plain.kind(resource).name)}Operation"
        )

    def list_parts(self, request: ArmRequest) -> ArmResponse:
        owner = self.plain.get(_parent(request))
        collection = request.path.rpartition("/")[2]
        found = self.manager.store.children(owner.id, collection)
        return ArmResponse(body={"value": [self.plain.part_document(item) for item in found]})

    def get_part(self, request: ArmRequest) -> ArmResponse:
        found = self.plain.get_part(id_of(request))
        self.manager.operations.note_read(found.key)
        return read(self.plain.part_document(found), self.plain.owner_of(found.id, "read"))

    def put_part(self, request: ArmRequest) -> ArmResponse:
        change = self.plain.put_part(id_of(request), request)
        name = f"Put{_singular(change.resource.id.types[-1])}Operation"
        return self.answers.written(
            request, change, self.plain.part_document(change.resource), name, _PART_PUT
        )

    def delete_part(self, request: ArmRequest) -> ArmResponse:
        part = id_of(request)
        name = f"Delete{_singular(part.types[-1])}Operation"
        return self.answers.deleted(request, self.plain.delete_part(part), name)

    def _written(
        self, request: ArmRequest, change: Change, document: JsonObject, kind: PlainType
    ) -> ArmResponse:
        response = self.answers.written(
            request, change, document, f"Put{_singular(kind.name)}Operation", kind.retry_after or 0
        )
        if kind.retry_after is None:
            # Done with the answer, although it announces an operation.
            response.headers.pop("Retry-After", None)
            response.headers.pop("x-ms-retry-after-ms", None)
        return response


def _singular(name: str) -> str:
    """`publicIPAddresses` in the name of an operation: PublicIpAddress."""
    single = name.removesuffix("es") if name.endswith("sses") else name.removesuffix("s")
    return single[0].upper() + single[1:].replace("IP", "Ip")


def _parent(request: ArmRequest) -> ResourceId:
    parent = ResourceId.parse(request.path.rpartition("/")[0])
    assert parent is not None
    return parent
