"""The local Azure as a whole: starts its processes in order, says where they are, and stops every one."""

import secrets
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from local import azurite, certificates
from local.arm.resource_manager import DEFAULT_SUBSCRIPTION
from local.azurite import Azurite, StorageRequest
from local.caller import Caller, Json
from local.certificates import Certificates
from local.child import ROOT, Child
from local.identity.tokens import DEFAULT_TENANT

type Carried = Literal["records", "events"]

DEFAULT_FOLDER = ROOT / ".local-azure"
# The function app's managed identity, and the person at the keyboard.
DEFAULT_PRINCIPALS = ("app", "operator")
SECONDS_TO_START = 120.0
# The consumer group that the log store reads with.
LOGS_GROUP = "logs"
EVENT_SUBSCRIPTIONS = "2022-06-15"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Loopback ports; 0 takes a free one."""

    resource_manager: int = 0
    identity: int = 0
    logs: int = 0
    event_hubs: int = 0
    blobs: int = 0
    queues: int = 0
    tables: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What to start. `folder` holds certificates, secrets, logs and, with `keep`, the data for the next start.

    The last of the `principals` is the person at the keyboard, and Owner of every subscription; the others may do what
    they are assigned, which is nothing at first. `hubs` maps the names of event hubs to their number of partitions,
    `consumer_groups` to the groups they have beside `$Default`. `logged` names those that feed the log store, with what
    they carry: `records` as Azure Monitor streams them, or an application's own `events`; without any there is no log
    store. With `storage_logged` every request to storage can be asked for. `identity_headers` are principals' values
    for `IDENTITY_HEADER` that others know beforehand; those of the rest are random. So is the Event Hubs key, unless
    `event_hubs_key` is what others know: command lines show it.
    """

    folder: Path = DEFAULT_FOLDER
    subscriptions: tuple[str, ...] = (DEFAULT_SUBSCRIPTION,)
    principals: tuple[str, ...] = DEFAULT_PRINCIPALS
    hubs: Mapping[str, int] = field(default_factory=dict)
    consumer_groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    logged: Mapping[str, Carried] = field(default_factory=dict)
    ports: Ports = Ports()
    tenant: str = DEFAULT_TENANT
    keep: bool = False
    identity_headers: Mapping[str, str] = field(default_factory=dict)
    event_hubs_key: str = ""
    storage_logged: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """Where everything is. URLs have no trailing slash.

    `identity_headers` holds each principal's value for `IDENTITY_HEADER`. `ca_file` is the local authority
    alone, `ca_bundle` it and every public one (for `SSL_CERT_FILE` and `REQUESTS_CA_BUNDLE`).
    `event_hubs_connection_string` and `_namespace` are empty when no hub was asked for, `logs` when none is logged.
    """

    resource_manager: str
    control: str
    ca_file: Path
    ca_bundle: Path
    identity_endpoint: str
    identity_headers: Mapping[str, str]
    storage_connection_string: str
    blobs: str
    queues: str
    tables: str
    event_hubs_connection_string: str
    event_hubs_namespace: str
    logs: str
    subscriptions: tuple[str, ...]
    tenant: str


class LocalAzure:
    """The processes of the local Azure for the length of a `with` block, or from `start` to `stop`.

    They are tied to this process: whatever ends it, `kill -9` included, ends them (see local.tether). In an
    event loop, run `start` and `stop` with `asyncio.to_thread`.
    """

    def __init__(self, options: Options | None = None) -> None:
        self._options = options or Options()
        self._folder = self._options.folder.resolve()
        self._running = ExitStack()
        self._children: list[Child] = []
        self._endpoints: Endpoints | None = None
        self._storage: Azurite | None = None

    @property
    def endpoints(self) -> Endpoints:
        if self._endpoints is None:
            raise RuntimeError("the local Azure does not run")
        return self._endpoints

    def start(self) -> Endpoints:
        """Start every part and wait until all of them serve.

        Raises ChildFailed, with the end of the part's own log, when one does not come up; the others are then
        stopped again.
        """
        try:
            self._endpoints = self._start()
        except BaseException:
            self.stop()
            raise
        return self._endpoints

    def stop(self) -> None:
        """Stop every part that runs, the last started first, each even when another did not stop well."""
        self._endpoints = None
        self._children.clear()
        self._running.close()

    def check(self) -> None:
        """Raises ChildFailed when a part has ended by itself."""
        for child in self._children:
            if child.returncode is not None:
                raise child.failure(f"ended by itself with exit status {child.returncode}")

    def caller(self, principal: str | None = None) -> Caller:
        """Requests to Resource Manager as a principal, by default the last of the options."""
        found = self.endpoints
        name = principal or self._options.principals[-1]
        return Caller(
            found.resource_manager, found.ca_file, found.identity_endpoint, found.identity_headers[name]
        )

    def control(self, method: str, path: str, body: object = None) -> Json:
        """A request to the control endpoint, for example `control("PUT", "/event-grid", {"duplicates": 2})`.

        `path` follows `/_control`. See local.arm.control and local.events.grid.control for what there is.
        """
        return self.caller().request(method, f"/_control{path}", body).body

    def storage_requests(self) -> list[StorageRequest]:
        """Every request to tables, queues and blobs since the start, where `storage_logged` was asked for."""
        return self._storage.requests() if self._storage else []

    def register_webhook(
        self, url: str, *, name: str = "webhook", subscription: str | None = None, **properties: object
    ) -> None:
        """Subscribe a webhook to every resource event of an Azure subscription (by default the first).

        `properties` go into the event subscription as they are: `filter`, `retryPolicy`,
        `deadLetterDestination`, `eventDeliverySchema`. Raises RequestFailed when the handshake fails.
        """
        scope = f"/subscriptions/{subscription or self.endpoints.subscriptions[0]}"
        path = f"{scope}/providers/Microsoft.EventGrid/eventSubscriptions/{name}"
        destination = {"endpointType": "WebHook", "properties": {"endpointUrl": url}}
        body = {"properties": {"destination": destination, **properties}}
        self.caller().complete("PUT", f"{path}?api-version={EVENT_SUBSCRIPTIONS}", body)

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

    def _start(self) -> Endpoints:
        options = self._options
        self._folder.mkdir(parents=True, exist_ok=True)
        served = certificates.ensure(self._folder / "certificates")
        headers = {
            name: options.identity_headers.get(name) or self._secret(f"identity-{name}")
            for name in options.principals
        }
        # What starts slowly starts first; Resource Manager needs Azurite's address and comes last.
        identity = self._module("local.identity", self._identity_arguments(headers))
        hubs = self._module("local.events.hubs", self._hubs_arguments()) if options.hubs else None
        storage = self._azurite()
        manager = self._module("local.arm", self._manager_arguments(served, storage))
        hubs_ready = hubs.wait_until_ready(SECONDS_TO_START) if hubs else {}
        connection = str(hubs_ready.get("connection_string", ""))
        logs = (
            self._module("local.logs", self._logs_arguments(served, connection)) if options.logged else None
        )
        manager_ready = manager.wait_until_ready(SECONDS_TO_START)
        logs_ready = logs.wait_until_ready(SECONDS_TO_START) if logs else {}
        endpoint = str(manager_ready["endpoint"]).rstrip("/")
        return Endpoints(
            resource_manager=endpoint,
            control=f"{endpoint}/_control",
            ca_file=served.authority,
            ca_bundle=served.bundle,
            identity_endpoint=str(identity.wait_until_ready(SECONDS_TO_START)["endpoint"]),
            identity_headers=headers,
            storage_connection_string=storage.connection_string,
            blobs=storage.blob_endpoint,
            queues=storage.queue_endpoint,
            tables=storage.table_endpoint,
            event_hubs_connection_string=connection,
            event_hubs_namespace=str(hubs_ready.get("endpoint", "")),
            logs=str(logs_ready.get("endpoint", "")),
            subscriptions=options.subscriptions,
            tenant=options.tenant,
        )

    def _azurite(self) -> Azurite:
        ports = self._options.ports
        running = azurite.start(
            self._folder / "azurite" if self._options.keep else None,
            self._log("azurite"),
            azurite.Ports(ports.blobs, ports.queues, ports.tables),
            requests_logged=self._options.storage_logged,
        )
        self._storage = running
        self._running.callback(running.stop)
        self._children.append(running.child)
        return running

    def _module(self, module: str, arguments: list[str]) -> Child:
        child = Child.start_module(module, arguments, self._log(module.removeprefix("local.")))
        self._running.callback(child.stop)
        self._children.append(child)
        return child

    def _log(self, part: str) -> Path:
        return self._folder / "logs" / f"{part}.log"

    def _secret_file(self, name: str) -> Path:
        """A file with a random secret that only this user can read, the same on every start."""
        file = self._folder / f"{name}.secret"
        if not file.exists():
            file.touch(mode=0o600)
            file.write_text(secrets.token_urlsafe(32))
        return file

    def _secret(self, name: str) -> str:
        return self._secret_file(name).read_text()

    def _identity_arguments(self, headers: Mapping[str, str]) -> list[str]:
        principals = [("--principal", f"{name}={secret}") for name, secret in headers.items()]
        return [
            *("--token-key-file", str(self._secret_file("token-key"))),
            *("--tenant", self._options.tenant),
            *("--port", str(self._options.ports.identity)),
            *(word for pair in principals for word in pair),
        ]

    def _hubs_arguments(self) -> list[str]:
        options = self._options
        hubs = [("--hub", f"{name}={partitions}") for name, partitions in options.hubs.items()]
        groups = [
            ("--consumer-group", f"{hub}={group}")
            for hub, names in options.consumer_groups.items()
            for group in names
        ] + [("--consumer-group", f"{hub}={LOGS_GROUP}") for hub in options.logged]
        port = ("--port", str(options.ports.event_hubs))
        key = ("--key", options.event_hubs_key) if options.event_hubs_key else ()
        return [*port, *key, *(word for pair in [*hubs, *groups] for word in pair)]

    def _logs_arguments(self, served: Certificates, connection: str) -> list[str]:
        # In a file of this user's: a command line is seen by all.
        source = self._folder / "logs-source.secret"
        source.touch(mode=0o600)
        source.write_text(connection)
        return [
            *("--certificate", str(served.certificate)),
            *("--private-key", str(served.private_key)),
            *("--token-key-file", str(self._secret_file("token-key"))),
            *("--port", str(self._options.ports.logs)),
            *("--event-hubs-file", str(source)),
            *(word for hub, kind in self._options.logged.items() for word in ("--hub", f"{hub}={kind}")),
        ]

    def _manager_arguments(self, served: Certificates, storage: Azurite) -> list[str]:
        options = self._options
        known = [("--subscription", subscription) for subscription in options.subscriptions]
        owner = ("--owner", options.principals[-1])
        return [
            *("--certificate", str(served.certificate)),
            *("--private-key", str(served.private_key)),
            *("--token-key-file", str(self._secret_file("token-key"))),
            *("--port", str(options.ports.resource_manager)),
            *("--blob-connection-string", storage.connection_string),
            *(("--state", str(self._folder / "resource-manager.json")) if options.keep else ()),
            *(word for pair in [*known, owner] for word in pair),
        ]
