"""Event Hubs connections that bindings name: a connection string, or a namespace with a managed identity."""

from azure.eventhub.aio import EventHubConsumerClient, EventHubProducerClient
from azure.eventhub.extensions.checkpointstoreblobaio import BlobCheckpointStore

from local.functions_host.host.functions import Binding
from local.functions_host.host.host_json import EventHubs, seconds
from local.functions_host.host.settings import AppSettings, ConfigurationError
from local.functions_host.host.storage import Connections

CHECKPOINTS = "azure-webjobs-eventhub"


class HubClients:
    """Makes clients for the hub that a binding names. Raises ConfigurationError when a setting is missing."""

    def __init__(self, settings: AppSettings, connections: Connections) -> None:
        self._settings = settings
        self._connections = connections

    def consumer(self, binding: Binding, options: EventHubs) -> EventHubConsumerClient:
        """A client of the trigger's consumer group that balances partitions and checkpoints in blobs."""
        connection_string, namespace = self._where(binding)
        hub, group = self._hub(binding), self._settings.resolve(binding.text("consumerGroup", "$Default"))
        container = self._connections.blobs().get_container_client(CHECKPOINTS)
        checkpoints = BlobCheckpointStore("", "", container_client=container)
        balance = seconds(options.load_balancing_update_interval)
        expiry = seconds(options.partition_ownership_expiration_interval)
        if connection_string:
            return EventHubConsumerClient.from_connection_string(
                connection_string,
                group,
                eventhub_name=hub,
                checkpoint_store=checkpoints,
                load_balancing_interval=balance,
                partition_ownership_expiration_interval=expiry,
            )
        return EventHubConsumerClient(
            namespace,
            hub,
            group,
            self._connections.credential(),
            checkpoint_store=checkpoints,
            load_balancing_interval=balance,
            partition_ownership_expiration_interval=expiry,
        )

    def producer(self, binding: Binding) -> EventHubProducerClient:
        """A client that sends to the output binding's hub."""
        connection_string, namespace = self._where(binding)
        hub = self._hub(binding)
        if connection_string:
            return EventHubProducerClient.from_connection_string(connection_string, eventhub_name=hub)
        return EventHubProducerClient(namespace, hub, self._connections.credential())

    def _hub(self, binding: Binding) -> str:
        return self._settings.resolve(binding.text("eventHubName"))

    def _where(self, binding: Binding) -> tuple[str | None, str]:
        name = binding.text("connection")
        connection_string = self._settings.get(f"AzureWebJobs{name}") or self._settings.get(name)
        namespace = self._settings.get(f"{name}__fullyQualifiedNamespace", "")
        if not connection_string and not namespace:
            raise ConfigurationError(
                f"connection '{name}' is not set: "
                f"neither '{name}' nor '{name}__fullyQualifiedNamespace' has a value"
            )
        return connection_string, namespace
