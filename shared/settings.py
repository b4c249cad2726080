"""The settings: the only reader of the environment. Names everything that is missing or wrong at once.

`AzureWebJobsStorage` and `MESH_EVENTHUB` follow the platform's convention for connections: the setting itself is a
connection string, or settings with the suffixes `__accountName`, `__tableServiceUri` and `__queueServiceUri`, or
`__fullyQualifiedNamespace`, name the service for use with the managed identity.
"""

import os
import re
from collections.abc import Mapping

import msgspec

from shared.domain.ids import NodeKey
from shared.domain.mesh import Mesh, Timing
from shared.domain.network import Hub

PUBLIC_RESOURCE_MANAGER = "https://management.azure.com"
_SUFFIX = "core.windows.net"
_NAME = re.compile(r"^[a-z][a-z0-9-]{1,23}$")
_NETWORK = re.compile(r"/providers/microsoft\.network/virtualnetworks/[^/]+$", re.IGNORECASE)
_WORKSPACE = re.compile(r"/providers/microsoft\.operationalinsights/workspaces/[^/]+$", re.IGNORECASE)


class SettingsError(Exception):
    """Every setting that is missing or wrong, one a line."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("Meshplane cannot start:\n" + "\n".join(f"  - {fault}" for fault in faults))
        self.faults = faults


class StorageSettings(msgspec.Struct, frozen=True):
    """Either a connection string, or the endpoints of both services."""

    connection_string: str = ""
    tables_endpoint: str = ""
    queues_endpoint: str = ""


class EventHubSettings(msgspec.Struct, frozen=True):
    """Either a connection string, or the namespace's host name; and the hub that mesh events go to."""

    connection_string: str
    namespace: str
    mesh_events: str
    telemetry: str


class Settings(msgspec.Struct, frozen=True):
    """All that the environment decides."""

    mesh: Mesh
    timing: Timing
    storage: StorageSettings
    event_hub: EventHubSettings
    resource_manager: str
    resource_manager_scope: str


def load_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """The settings of this process. Raises SettingsError."""
    reader = _Reader(os.environ if environment is None else environment)
    settings = reader.settings()
    if reader.faults:
        raise SettingsError(reader.faults)
    return settings


class _Reader:
    """Reads one setting after the other and gathers what is wrong."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self.faults: list[str] = []

    def settings(self) -> Settings:
        for name in ("MESH_RESYNC_SCHEDULE", "MESH_DISCOVERY_SCHEDULE", "MESH_TELEMETRY_CONSUMER_GROUP"):
            self._needed(name, _MEANING[name])  # read by the platform, in a trigger's binding
        endpoint = self._get("MESH_RESOURCE_MANAGER") or PUBLIC_RESOURCE_MANAGER
        if not endpoint.startswith("https://"):
            self.faults.append("MESH_RESOURCE_MANAGER must be an https:// address.")
        return Settings(
            self._mesh(),
            self._timing(),
            self._storage(),
            self._event_hub(),
            endpoint.rstrip("/"),
            self._get("MESH_RESOURCE_MANAGER_SCOPE") or f"{endpoint.rstrip('/')}/.default",
        )

    def _get(self, name: str) -> str:
        return self._environment.get(name, "").strip()

    def _needed(self, name: str, meaning: str) -> str:
        value = self._get(name)
        if not value:
            self.faults.append(f"{name} is missing: {meaning}.")
        return value

    def _mesh(self) -> Mesh:
        name = self._get("MESH_NAME") or "meshplane"
        if not _NAME.match(name):
            self.faults.append("MESH_NAME must be 2 to 24 lower-case letters, digits and hyphens.")
        return Mesh(name, self._hubs(), self._subscriptions(), self._get("MESH_PRINCIPAL_ID"))

    def _subscriptions(self) -> tuple[str, ...]:
        listed = self._needed(
            "MESH_SUBSCRIPTIONS", "the subscription ids that the mesh looks after, by commas"
        )
        found = tuple(s.strip().lower() for s in listed.split(",") if s.strip())
        for subscription in found:
            try:
                NodeKey.of(subscription, "group")
            except ValueError as error:
                self.faults.append(f"MESH_SUBSCRIPTIONS: {error}.")
        return found

    def _hubs(self) -> tuple[Hub, ...]:
        text = self._needed("MESH_HUBS", "a JSON array of hubs, each with id, network and workspace")
        if not text:
            return ()
        try:
            hubs = msgspec.json.decode(text, type=tuple[Hub, ...])
        except msgspec.DecodeError as error:
            self.faults.append(f"MESH_HUBS is not a JSON array of hubs: {error}.")
            return ()
        if not hubs:
            self.faults.append("MESH_HUBS is an empty array: the mesh needs at least one hub.")
        for hub in hubs:
            if not _NETWORK.search(hub.network) or not NodeKey.containing(hub.network):
                self.faults.append(f"MESH_HUBS: network of hub {hub.id!r} is no virtual network id.")
            if not _WORKSPACE.search(hub.workspace) or not NodeKey.containing(hub.workspace):
                self.faults.append(
                    f"MESH_HUBS: workspace of hub {hub.id!r} is no Log Analytics workspace id."
                )
        if len({hub.id for hub in hubs}) < len(hubs):
            self.faults.append("MESH_HUBS: two hubs have the same id.")
        return hubs

    def _timing(self) -> Timing:
        default = Timing()
        return Timing(
            event_delay=self._seconds("MESH_EVENT_DELAY_SECONDS", default.event_delay),
            lease=self._seconds("MESH_LEASE_SECONDS", default.lease),
            resync=self._seconds("MESH_RESYNC_SECONDS", default.resync),
            audit=self._seconds("MESH_AUDIT_SECONDS", default.audit),
        )

    def _seconds(self, name: str, default: float) -> float:
        text = self._get(name)
        if not text:
            return default
        try:
            seconds = float(text)
        except ValueError:
            seconds = -1.0
        if not 0.1 <= seconds <= 7 * 86400:
            self.faults.append(f"{name} must be a number of seconds from 0.1 to 604800, not {text!r}.")
            return default
        return seconds

    def _storage(self) -> StorageSettings:
        name = "AzureWebJobsStorage"
        text, account = self._get(name), self._get(f"{name}__accountName")
        if text:
            return StorageSettings(connection_string=text)
        tables = self._get(f"{name}__tableServiceUri") or (account and f"https://{account}.table.{_SUFFIX}")
        queues = self._get(f"{name}__queueServiceUri") or (account and f"https://{account}.queue.{_SUFFIX}")
        if not (tables and queues):
            meaning = f"a connection string; or {name}__accountName; or {name}__tableServiceUri and __queueServiceUri"
            self.faults.append(f"{name} is missing: {meaning}.")
        return StorageSettings(tables_endpoint=tables, queues_endpoint=queues)

    def _event_hub(self) -> EventHubSettings:
        name = "MESH_EVENTHUB"
        text, namespace = self._get(name), self._get(f"{name}__fullyQualifiedNamespace")
        if not (text or namespace):
            self.faults.append(f"{name} is missing: a connection string, or {name}__fullyQualifiedNamespace.")
        telemetry = self._needed("MESH_TELEMETRY_HUB", _MEANING["MESH_TELEMETRY_HUB"])
        return EventHubSettings(text, namespace, self._get("MESH_EVENTS_HUB") or "mesh-events", telemetry)


_MEANING = {
    "MESH_RESYNC_SCHEDULE": "when due keys are looked for, as NCRONTAB, such as 0 * * * * *",
    "MESH_DISCOVERY_SCHEDULE": "when tagged groups are looked for, as NCRONTAB, such as 30 */5 * * * *",
    "MESH_TELEMETRY_HUB": "the Event Hub that Azure Monitor sends telemetry to",
    "MESH_TELEMETRY_CONSUMER_GROUP": "the consumer group to read telemetry with, such as $Default",
}
