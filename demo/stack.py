"""The local Azure with Meshplane running on it: the one place that knows both."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from demo.rights import grant
from local.functions_app import FunctionsHost
from local.identity.tokens import ManagedIdentity
from local.stack import DEFAULT_FOLDER, Endpoints, LocalAzure, Options, Ports

ROOT = Path(__file__).resolve().parent.parent
HUB_GROUP = "mesh-hub"
HUB_PREFIX = "10.0.0.0/16"
REGION = "westeurope"
TELEMETRY_HUB = "telemetry"
PARTITIONS = 4
REPLAY_GROUP = "replay"
ZONES = ("privatelink.blob.core.windows.net", "privatelink.database.windows.net")
POOLS = ("10.64.0.0/16",)
EVENT_FUNCTION = "resource_events"
SAMPLE = ROOT / "local.settings.sample.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class StackOptions:
    """`settings` are app settings that replace or add to those worked out here; ports of 0 are chosen free.

    Without `logs` there is no log store. `partitions` are the telemetry hub's. `zones` are names of private DNS zones
    in the hub's group, `pools` prefixes for nodes without a network. With `storage_logged` every request to storage can
    be asked for. `package` is a folder that `make package` wrote: the app in it then runs as in the cloud.
    Without `with_app` the local Azure is there alone, for an app that somebody else starts. `identity_headers` are
    principals' values for `IDENTITY_HEADER` that others know, `event_hubs_key` is that of Event Hubs; without them they
    are random.
    """

    folder: Path = DEFAULT_FOLDER
    instances: int = 1
    ports: Ports = field(default_factory=Ports)
    functions_port: int = 0
    settings: Mapping[str, str] = field(default_factory=dict)
    keep: bool = False
    logs: bool = True
    partitions: int = PARTITIONS
    zones: Sequence[str] = ()
    pools: Sequence[str] = ()
    storage_logged: bool = False
    package: Path | None = None
    with_app: bool = True
    identity_headers: Mapping[str, str] = field(default_factory=dict)
    event_hubs_key: str = ""


class MeshStack:
    """Starts the local Azure, then the app; then Event Grid is told of the app's webhook."""

    def __init__(self, options: StackOptions | None = None) -> None:
        self.options = options or StackOptions()
        self.azure = LocalAzure(
            Options(
                folder=self.options.folder,
                hubs={TELEMETRY_HUB: self.options.partitions, "mesh-events": 1},
                consumer_groups={TELEMETRY_HUB: (REPLAY_GROUP,)},
                logged={TELEMETRY_HUB: "records", "mesh-events": "events"} if self.options.logs else {},
                ports=self.options.ports,
                keep=self.options.keep,
                identity_headers=self.options.identity_headers,
                event_hubs_key=self.options.event_hubs_key,
                storage_logged=self.options.storage_logged,
            )
        )
        self._app: FunctionsHost | None = None

    @property
    def app(self) -> FunctionsHost:
        """The functions host that runs Meshplane."""
        if self._app is None:
            raise RuntimeError("Meshplane does not run")
        return self._app

    @property
    def app_log(self) -> Path:
        """Where the functions host and its workers write, or will write."""
        return self.options.folder.resolve() / "functions-host.log"

    @property
    def endpoints(self) -> Endpoints:
        return self.azure.endpoints

    @property
    def subscription(self) -> str:
        return self.endpoints.subscriptions[0]

    def start(self) -> None:
        """Raises ChildFailed, with what the part said, where one does not come up; the others are stopped."""
        try:
            endpoints = self.azure.start()
            grant(self.azure.caller(), {"node": [f"/subscriptions/{s}" for s in endpoints.subscriptions]})
            if self.options.with_app:
                self._start_app(endpoints)
        except BaseException:
            self.stop()
            raise

    def _start_app(self, endpoints: Endpoints) -> None:
        hub = hub_settings(self.subscription, self.options.zones, self.options.pools)
        mesh = {"MESH_HUBS": hub, "MESH_SINKS": sink_settings(self.subscription)}
        package = self.options.package
        self._app = FunctionsHost(
            package / "meshplane" if package else ROOT,
            {**app_settings(endpoints), **mesh, **self.options.settings},
            self.options.folder,
            instances=self.options.instances,
            port=self.options.functions_port,
            platform=package / "platform" if package else None,
        )
        self._app.start()
        self.azure.register_webhook(self._app.event_grid_url(EVENT_FUNCTION), name="meshplane")

    def stop(self) -> None:
        """The app first, so that it can finish what runs."""
        app, self._app = self._app, None
        try:
            if app is not None:
                app.stop()
        finally:
            self.azure.stop()

    def check(self) -> None:
        """Raises ChildFailed when a part has ended by itself."""
        self.azure.check()
        if self._app is not None:
            self._app.check()

    def create_hub(self) -> None:
        """What the settings name: a group, network, workspace, zones and sinks. Nodes may be attached after it."""
        caller = self.azure.caller()
        network = {"properties": {"addressSpace": {"addressPrefixes": [HUB_PREFIX]}}}
        account = {"kind": "StorageV2", "sku": {"name": "Standard_LRS"}}
        for resource, version, more in (
            (_hub_group(self.subscription), "2021-04-01", {}),
            (hub_network(self.subscription), "2023-09-01", network),
            (workspace(self.subscription), "2023-09-01", {"properties": {}}),
            (stream(self.subscription), "2024-01-01", {"sku": {"name": "Standard"}}),
            (archive(self.subscription), "2023-05-01", account),
        ):
            caller.complete("PUT", f"{resource}?api-version={version}", {"location": REGION, **more})
        self.grant_hub()
        for zone in self.options.zones:
            path = f"{zone_id(self.subscription, zone)}?api-version=2020-06-01"
            caller.complete("PUT", path, {"location": "global"})

    def grant_hub(self) -> None:
        """The app's roles in the hub's group, which has to be there; that for nodes it has from the start."""
        hub = [_hub_group(self.subscription)]
        grant(self.azure.caller(), {"hub": hub, "sink": hub})

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def hub_network(subscription: str) -> str:
    """The resource id of the hub's virtual network."""
    return f"{_hub_group(subscription)}/providers/Microsoft.Network/virtualNetworks/hub"


def workspace(subscription: str) -> str:
    """The resource id of the mesh's Log Analytics workspace."""
    return f"{_hub_group(subscription)}/providers/Microsoft.OperationalInsights/workspaces/mesh-logs"


def stream(subscription: str) -> str:
    """The resource id of the Event Hubs namespace that resources of the region may stream to."""
    return f"{_hub_group(subscription)}/providers/Microsoft.EventHub/namespaces/mesh-stream"


def archive(subscription: str) -> str:
    """The resource id of the storage account that keeps what resources of the region archive."""
    return f"{_hub_group(subscription)}/providers/Microsoft.Storage/storageAccounts/mesharchive"


def zone_id(subscription: str, zone: str) -> str:
    """The resource id of a private DNS zone of the hub's."""
    return f"{_hub_group(subscription)}/providers/Microsoft.Network/privateDnsZones/{zone}"


def _hub_group(subscription: str) -> str:
    return f"/subscriptions/{subscription}/resourceGroups/{HUB_GROUP}"


def hub_settings(subscription: str, zones: Sequence[str] = (), pools: Sequence[str] = ()) -> str:
    """`MESH_HUBS` for the one hub."""
    hub = {
        "id": "hub",
        "network": hub_network(subscription),
        "workspace": workspace(subscription),
        "zones": [zone_id(subscription, zone) for zone in zones],
        "pools": list(pools),
    }
    return json.dumps([hub])


def sink_settings(subscription: str) -> str:
    """`MESH_SINKS`: the region's Event Hub, which Meshplane reads, and its archive."""
    rule = f"{stream(subscription)}/authorizationRules/RootManageSharedAccessKey"
    return json.dumps(
        [
            {"kind": "event-hub", "id": rule, "hub": TELEMETRY_HUB, "region": REGION},
            {"kind": "storage", "id": archive(subscription), "region": REGION},
        ]
    )


def app_settings(endpoints: Endpoints) -> dict[str, str]:
    """The app settings of `local.settings.sample.json`, with the addresses of a running local Azure."""
    sample = json.loads(SAMPLE.read_text())["Values"]
    subscription = endpoints.subscriptions[0]
    return {
        **sample,
        "AzureWebJobsStorage": endpoints.storage_connection_string,
        "MESH_EVENTHUB": endpoints.event_hubs_connection_string,
        "MESH_SUBSCRIPTIONS": ",".join(endpoints.subscriptions),
        "MESH_HUBS": hub_settings(subscription),
        "MESH_RESOURCE_MANAGER": endpoints.resource_manager,
        "MESH_LOGS": endpoints.logs,
        "MESH_EVENT_DELAY_SECONDS": "1",
        "MESH_RESYNC_SCHEDULE": "*/10 * * * * *",
        "MESH_JUDGE_SCHEDULE": "*/10 * * * * *",
        "MESH_PRINCIPAL_ID": ManagedIdentity("app").object_id,
        # What the platform gives an app with a managed identity, and the local authority that TLS is checked with.
        "IDENTITY_ENDPOINT": endpoints.identity_endpoint,
        "IDENTITY_HEADER": endpoints.identity_headers["app"],
        "SSL_CERT_FILE": str(endpoints.ca_bundle),
    }
