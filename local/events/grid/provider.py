"""`Microsoft.EventGrid` in the local Resource Manager: event subscriptions, and delivery of what happens.

Long operations answer as in the recordings of azure-cli: PUT and PATCH 201 with `Azure-AsyncOperation` alone,
DELETE 202 with it and `Location`. A failed handshake is a failed operation, and leaves things as they were.
"""

from dataclasses import dataclass
from typing import cast

from local.arm.activity import CompletedOperation
from local.arm.documents import Json, JsonObject, merged, object_in, text_in
from local.arm.errors import ArmError, resource_not_found
from local.arm.ids import ResourceId
from local.arm.messages import ArmRequest, ArmResponse
from local.arm.operations import Effects, LongOperation
from local.arm.resource_manager import ResourceManager
from local.arm.routing import Router
from local.arm.store import Resource
from local.events.grid import filters, schemas, subscriptions
from local.events.grid.dead_letters import BlobDeadLetters
from local.events.grid.delivery import DeliveryService
from local.events.grid.subscriptions import EventSubscription, InvalidSubscription
from local.events.grid.webhook import HandshakeFailed, Webhook

_PROVIDER = "/providers/Microsoft.EventGrid"
_SCOPES = ("/subscriptions/{subscription}", "/subscriptions/{subscription}/resourceGroups/{group}")
_SYSTEM_TOPIC = f"{_SCOPES[1]}{_PROVIDER}/systemTopics/{{topic}}"
_TYPE = "Microsoft.EventGrid/eventSubscriptions"
_SYSTEM_TOPIC_TYPE = "Microsoft.EventGrid/systemTopics/eventSubscriptions"
_PUT, _DELETE = "eventgrid-subscription-put", "eventgrid-subscription-delete"
_LOCATION = "global"
_RETRY_AFTER = 10


@dataclass(frozen=True, slots=True)
class _Target:
    """What a request is about: the subscription's id and type, and the scope whose events it gets."""

    id: ResourceId
    type: str
    topic: str


class EventGrid:
    """An extension of Resource Manager (see local.arm.extension).

    `blob_connection_string` is the storage that dead letters go to; without it they are dropped.
    """

    def __init__(self, blob_connection_string: str | None = None) -> None:
        self._blob_connection_string = blob_connection_string
        self._webhook = Webhook()
        self._manager: ResourceManager | None = None
        self.delivery = DeliveryService(self._webhook, self._find)

    def mount(self, router: Router, manager: ResourceManager) -> None:
        self._manager = manager
        parents = [f"{scope}{_PROVIDER}" for scope in _SCOPES]
        for parent in parents:
            router.add("GET", f"{parent}/topicTypes/{{type}}/eventSubscriptions", self._list_by_topic_type)
        for parent in (*parents, _SYSTEM_TOPIC):
            collection = f"{parent}/eventSubscriptions"
            router.add("GET", collection, self._list)
            router.add("PUT", f"{collection}/{{name}}", self._put)
            router.add("PATCH", f"{collection}/{{name}}", self._patch)
            router.add("GET", f"{collection}/{{name}}", self._get)
            router.add("DELETE", f"{collection}/{{name}}", self._delete)
            router.add("POST", f"{collection}/{{name}}/getFullUrl", self._full_url)
        operations = f"{parents[0]}/locations/{{location}}"
        router.add("GET", f"{operations}/operationsStatus/{{operation}}", self._operation_status)
        router.add("GET", f"{operations}/operationResults/{{operation}}", self._operation_result)
        manager.operations.register(_PUT, Effects(succeed=self._provisioned, fail=_nothing))
        manager.operations.register(_DELETE, Effects(succeed=self._deleted, fail=_nothing))

    async def start(self, manager: ResourceManager) -> None:
        await self._webhook.start()
        if self._blob_connection_string:
            self.delivery.letters = BlobDeadLetters(self._blob_connection_string)
        manager.feed.subscribe(self._on_operation)

    async def stop(self) -> None:
        await self.delivery.stop()
        await self._webhook.stop()
        if self.delivery.letters is not None:
            await self.delivery.letters.close()

    @property
    def _resources(self) -> ResourceManager:
        if self._manager is None:
            raise RuntimeError("Event Grid is not mounted in a Resource Manager")
        return self._manager

    def _on_operation(self, operation: CompletedOperation) -> None:
        for resource in self._known():
            subscription = _parsed(resource)
            if not subscription.covers(operation.resource_id):
                continue
            event = schemas.resource_event(operation, subscription.topic)
            if filters.matches(subscription.filter, event):
                self.delivery.submit(subscription, event)

    def _known(self) -> list[Resource]:
        store = self._resources.store
        return [*store.of_type(_TYPE), *store.of_type(_SYSTEM_TOPIC_TYPE)]

    def _find(self, identifier: str) -> EventSubscription | None:
        resource = self._resources.store.find(identifier)
        return _parsed(resource) if resource else None

    async def _put(self, request: ArmRequest) -> ArmResponse:
        target = self._target(request)
        return await self._create(request, target, object_in(request.document(), "properties"))

    async def _patch(self, request: ArmRequest) -> ArmResponse:
        """The body's members stand directly in it, not under `properties`."""
        target = self._target(request)
        existing = self._existing(target)
        return await self._create(request, target, merged(_given(existing), request.document()))

    async def _create(self, request: ArmRequest, target: _Target, given: JsonObject) -> ArmResponse:
        try:
            subscription = subscriptions.parse(
                given, id=target.id.text, name=target.id.name, topic=target.topic
            )
        except InvalidSubscription as error:
            raise ArmError(400, "InvalidRequest", str(error), cause=None) from error
        state = "Updating" if self._resources.store.find(target.id.text) else "Creating"
        failure: JsonObject | None = None
        try:
            await self._webhook.validate(subscription)
        except HandshakeFailed as error:
            failure = {"code": "URL validation", "message": str(error)}
        else:
            body: JsonObject = {"topic": target.topic, "provisioningState": state, "given": given}
            self._resources.store.put(Resource(id=target.id, type=target.type, body=body))
        # Begun only now: an operation ends by itself, and must not before its outcome is known.
        operation = self._start(request, _PUT, target)
        operation.failure = failure
        return ArmResponse(
            status=201,
            body=_shown(target.id, target.type, subscription, given, state),
            headers=self._polling(request, operation, "operationsStatus"),
            operation=operation,
        )

    def _get(self, request: ArmRequest) -> ArmResponse:
        return ArmResponse(body=_answer(self._existing(self._target(request))))

    def _list(self, request: ArmRequest) -> ArmResponse:
        prefix = f"{request.path.rstrip('/')}/".lower()
        found = [_answer(item) for item in self._known() if item.key.rpartition("/")[0] + "/" == prefix]
        return ArmResponse(body={"value": cast(Json, found)})

    def _list_by_topic_type(self, request: ArmRequest) -> ArmResponse:
        """What `az eventgrid event-subscription list` asks for: the subscriptions to one kind of scope."""
        scope = request.path.lower().partition(_PROVIDER.lower())[0]
        is_group = request.parameters["type"].lower() == "microsoft.resources.resourcegroups"
        found = [
            _answer(item)
            for item in self._resources.store.of_type(_TYPE)
            if f"{item.id.scope}/".lower().startswith(f"{scope}/") and (item.id.group is not None) == is_group
        ]
        return ArmResponse(body={"value": cast(Json, found)})

    def _delete(self, request: ArmRequest) -> ArmResponse:
        target = self._target(request)
        if self._resources.store.find(target.id.text) is None:
            return ArmResponse(status=204)
        operation = self._start(request, _DELETE, target)
        headers = {
            **self._polling(request, operation, "operationsStatus"),
            **self._polling(request, operation, "operationResults"),
        }
        return ArmResponse(status=202, headers=headers, operation=operation)

    def _full_url(self, request: ArmRequest) -> ArmResponse:
        subscription = _parsed(self._existing(self._target(request)))
        return ArmResponse(body={"endpointUrl": subscription.endpoint_url})

    def _operation_status(self, request: ArmRequest) -> ArmResponse:
        operation = self._operation(request)
        body: JsonObject = {"id": request.url, "name": operation.id, "status": operation.status}
        if operation.failure is not None and not operation.running:
            body["error"] = operation.failure
        mode = self._resources.operations.mode
        return ArmResponse(body=body, headers=mode.retry_headers(_RETRY_AFTER) if operation.running else {})

    def _operation_result(self, request: ArmRequest) -> ArmResponse:
        operation = self._operation(request)
        if operation.running:
            headers = self._polling(request, operation, "operationResults")
            return ArmResponse(status=202, headers=headers)
        return ArmResponse(status=204)

    def _operation(self, request: ArmRequest) -> LongOperation:
        operations = self._resources.operations
        identifier = request.parameters["operation"].lower()
        operations.note_read(identifier)
        operations.settle()
        found = operations.find(identifier)
        if found is None:
            raise ArmError(404, "NotFound", f"Operation '{identifier}' was not found.", cause=None)
        return found

    def _start(self, request: ArmRequest, effect: str, target: _Target) -> LongOperation:
        return self._resources.operations.start(
            name=effect,
            subscription=request.subscription,
            location=_LOCATION,
            target=target.id.text,
            effect=effect,
            retry_after=_RETRY_AFTER,
        )

    def _polling(self, request: ArmRequest, operation: LongOperation, kind: str) -> dict[str, str]:
        """The header that names where to poll, and how soon."""
        name = "Azure-AsyncOperation" if kind == "operationsStatus" else "Location"
        url = (
            f"{request.base_url}/subscriptions/{request.subscription}{_PROVIDER}/locations/{_LOCATION}/{kind}"
            f"/{operation.id.upper()}?api-version={request.api_version}"
        )
        return {name: url, **self._resources.operations.mode.retry_headers(_RETRY_AFTER)}

    def _target(self, request: ArmRequest) -> _Target:
        path = request.path.removesuffix("/getFullUrl")
        identifier = ResourceId.parse(path)
        if identifier is None:
            raise ArmError(400, "InvalidRequest", f"'{path}' is not a resource id.", cause=None)
        if request.group:
            self._resources.store.group(request.subscription, request.group)
        if "topic" not in request.parameters:
            return _Target(identifier, _TYPE, identifier.scope)
        parent = identifier.parent
        topic = self._resources.store.find(parent.text) if parent else None
        if topic is None:
            raise resource_not_found(parent or identifier)
        source = text_in(topic.properties, "source") or ""
        return _Target(identifier, _SYSTEM_TOPIC_TYPE, source)

    def _existing(self, target: _Target) -> Resource:
        resource = self._resources.store.find(target.id.text)
        if resource is None:
            message = f"The event subscription '{target.id.text}' could not be found."
            raise ArmError(404, "ResourceNotFound", message, cause=None)
        return resource

    def _provisioned(self, operation: LongOperation) -> None:
        resource = self._resources.store.find(operation.target)
        if resource is not None:
            resource.body["provisioningState"] = "Succeeded"

    def _deleted(self, operation: LongOperation) -> None:
        self._resources.remove(operation.target)


def _nothing(_operation: LongOperation) -> None:
    """What a failed operation does: nothing was stored before its handshake succeeded."""


def _given(resource: Resource) -> JsonObject:
    return object_in(resource.body, "given")


def _parsed(resource: Resource) -> EventSubscription:
    topic = text_in(resource.body, "topic") or ""
    return subscriptions.parse(_given(resource), id=resource.id.text, name=resource.name, topic=topic)


def _answer(resource: Resource) -> JsonObject:
    state = text_in(resource.body, "provisioningState") or "Succeeded"
    return _shown(resource.id, resource.type, _parsed(resource), _given(resource), state)


def _shown(
    identifier: ResourceId, type_: str, subscription: EventSubscription, given: JsonObject, state: str
) -> JsonObject:
    return {
        "properties": cast(Json, subscriptions.shown(subscription, given, state)),
        "systemData": None,
        "id": identifier.text,
        "name": identifier.name,
        "type": type_,
    }
