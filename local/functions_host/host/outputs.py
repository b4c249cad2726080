"""Output bindings: queue messages and events that a function returned or set."""

from collections.abc import Awaitable, Callable
from contextlib import suppress

import msgspec
from azure.core.exceptions import AzureError, ResourceExistsError, ResourceNotFoundError
from azure.eventhub import EventData
from azure.eventhub.aio import EventHubProducerClient
from azure.eventhub.exceptions import EventHubError

from local.functions_host.host.functions import Binding, Function
from local.functions_host.host.hub_clients import HubClients
from local.functions_host.host.invocation import FunctionFailed
from local.functions_host.host.settings import AppSettings, ConfigurationError
from local.functions_host.host.storage import DEFAULT_CONNECTION, Connections, encode_message
from local.functions_host.messages import InvocationResponse, TypedData

type Write = Callable[[list[bytes]], Awaitable[None]]


class Outputs:
    """Writes what invocations put out. Targets are looked up when functions are registered, not when they run."""

    def __init__(
        self, settings: AppSettings, connections: Connections, hubs: HubClients, encoding: str
    ) -> None:
        self._hubs = hubs
        self._producers: list[EventHubProducerClient] = []
        self._settings = settings
        self._connections = connections
        self._encoding = encoding
        self._writers: dict[tuple[str, str], Write] = {}

    def register(self, function: Function) -> None:
        """Prepare a function's outputs. Raises ConfigurationError for a kind this host does not have."""
        for binding in function.outputs.values():
            if binding.type.lower() != "http":
                self._writers[function.id, binding.name] = self._writer(binding)

    async def write(self, function: Function, response: InvocationResponse) -> None:
        """Write every output of an invocation that succeeded. Raises FunctionFailed, as Azure fails the call."""
        values = {parameter.name: parameter.data for parameter in response.output_data}
        if response.return_value is not None:
            values["$return"] = response.return_value
        for name, value in values.items():
            writer = self._writers.get((function.id, name))
            if writer and value is not None:
                try:
                    await writer(_items(value))
                except (AzureError, EventHubError) as error:
                    raise FunctionFailed(f"output '{name}' could not be written: {error}") from error

    async def close(self) -> None:
        """Close the connections that were opened to write."""
        for producer in self._producers:
            await producer.close()

    def _writer(self, binding: Binding) -> Write:
        if binding.type.lower() == "queue":
            return self._queue_writer(binding)
        if binding.type.lower() == "eventhub":
            return self._event_hub_writer(binding)
        raise ConfigurationError(f"output binding '{binding.type}' is not supported")

    def _queue_writer(self, binding: Binding) -> Write:
        service = self._connections.queues(binding.text("connection", DEFAULT_CONNECTION))
        queue = service.get_queue_client(self._settings.resolve(binding.text("queueName")).lower())

        async def write(items: list[bytes]) -> None:
            for item in items:
                message = encode_message(item, self._encoding)
                try:
                    await queue.send_message(message)
                except ResourceNotFoundError:
                    with suppress(ResourceExistsError):
                        await queue.create_queue()
                    await queue.send_message(message)

        return write

    def _event_hub_writer(self, binding: Binding) -> Write:
        producer = self._hubs.producer(binding)
        self._producers.append(producer)

        async def write(items: list[bytes]) -> None:
            await producer.send_batch([EventData(item) for item in items])

        return write


def _items(value: TypedData) -> list[bytes]:
    """A list in JSON is one item per element; anything else is one item."""
    if value.bytes is not None:
        return [value.bytes]
    if value.json is None:
        return [(value.string or "").encode()]
    decoded = msgspec.json.decode(value.json)
    elements = decoded if isinstance(decoded, list) else [decoded]
    return [item.encode() if isinstance(item, str) else msgspec.json.encode(item) for item in elements]
