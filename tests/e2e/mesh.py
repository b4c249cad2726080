"""One running stack that many tests share: each has resource groups of its own, and looks from outside.

The app runs on three instances with short times: what would take minutes in the cloud takes seconds here.
"""

import json
import time
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from pathlib import Path
from threading import Lock
from typing import cast
from urllib.parse import quote

from azure.core.exceptions import ResourceExistsError
from azure.data.tables import TableServiceClient
from azure.eventhub import EventData, EventHubProducerClient
from azure.storage.queue import QueueClient, TextBase64EncodePolicy

from demo.stack import PARTITIONS, REGION, ROOT, TELEMETRY_HUB, app_settings, hub_network, workspace
from local.caller import Answer, Caller, Json, RequestFailed
from local.functions_app import FunctionsHost
from local.stack import LocalAzure, Options
from shared.domain.ids import NodeKey
from shared.domain.mesh import RECONCILE_QUEUE
from shared.domain.naming import hub_peering_prefix

INSTANCES = 3
LEASE_SECONDS = 6
PATIENCE = 60.0
SECONDS_BETWEEN_LOOKS = 0.7
NEVER = "0 0 0 1 1 *"
SETTINGS = {
    "MESH_EVENT_DELAY_SECONDS": "1",
    "MESH_LEASE_SECONDS": str(LEASE_SECONDS),
    "MESH_RESYNC_SCHEDULE": "*/5 * * * * *",
    "MESH_DISCOVERY_SCHEDULE": NEVER,
}
GROUPS, NETWORKS, SETTING = "2021-04-01", "2023-09-01", "2021-05-01-preview"
# What people's tools try again: the network provider takes one write at a time on what belongs together.
BUSY = ("ReferencedResourceNotProvisioned", "AnotherOperationInProgress", "RetryableError")
VAULTS, WORKSPACES, TAGS = "2022-07-01", "2023-09-01", "2021-04-01"
OBJECT_ID = "http://schemas.microsoft.com/identity/claims/objectidentifier"


@dataclass(frozen=True, slots=True)
class Response:
    """What an HTTP request to the app came to; `body` is empty where it was no JSON."""

    status: int
    content_type: str
    body: Json
    text: str


class NotSeen(AssertionError):
    """Something did not happen in time; the message says what was seen last."""


def wait_for[T](what: str, look: Callable[[], T | None], seconds: float = PATIENCE) -> T:
    """The first answer of `look` that is true. Raises NotSeen."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > deadline:
            raise NotSeen(f"{what}: not within {seconds:.0f} s")
        time.sleep(SECONDS_BETWEEN_LOOKS)
    return found


class Mesh:
    """A running stack, its API, its Azure, and what can be done to both."""

    def __init__(self, folder: Path) -> None:
        self.azure = LocalAzure(Options(folder=folder, hubs={TELEMETRY_HUB: PARTITIONS, "mesh-events": 1}))
        self._folder = folder
        self._networks = count(1)
        self._lock = Lock()
        self._seen = 0

    # --- start and stop

    def start(self) -> None:
        """The local Azure, a hub with a workspace, the app, and Event Grid told of its webhook."""
        self.azure.start()
        try:
            # Quotas are tested by themselves; here they would only make one test wait for another.
            operations = {"advance": "after-seconds", "amount": 0.2, "retry_after": 0.3}
            self.control("PUT", "/mode", {"throttling": {"enabled": False}, "operations": operations})
            self._create_hub()
            self.app.start()
            self.azure.register_webhook(self.webhook, name="meshplane")
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        try:
            self.app.stop()
        finally:
            self.azure.stop()

    @cached_property
    def app(self) -> FunctionsHost:
        """The functions host with the app as it is, but for how soon a message is delivered again."""
        return self.host(self._folder, {})

    def host(self, folder: Path, settings: Mapping[str, str]) -> FunctionsHost:
        """A functions host for the app on this Azure, not started."""
        values = {**app_settings(self.azure.endpoints), **SETTINGS, **settings}
        return FunctionsHost(impatient_app(folder), values, folder, instances=INSTANCES)

    @property
    def webhook(self) -> str:
        return self.app.event_grid_url("resource_events")

    @property
    def subscription(self) -> str:
        return self.azure.endpoints.subscriptions[0]

    # --- the app

    def api(
        self, path: str, method: str = "GET", *, key: str | None = None, body: bytes | None = None
    ) -> Response:
        """A request to a path under /api with the function key, or with another."""
        return self.http(f"{self.app.endpoint}/api/{path}", method, key=key, body=body)

    def http(self, url: str, method: str, *, key: str | None = None, body: bytes | None = None) -> Response:
        headers = {"x-functions-key": self.app.function_key if key is None else key}
        data = b"" if body is None and method == "POST" else body
        request = urllib.request.Request(
            url, data, {**headers, "Content-Type": "application/json"}, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return _response(answer.status, answer.headers.get("Content-Type"), answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return _response(error.code, error.headers.get("Content-Type"), error.read())

    def node_path(self, group: str) -> str:
        return f"nodes/{self.subscription}/{quote(group)}"

    def node(self, group: str) -> Json | None:
        """The node in full, None where the mesh knows none."""
        answer = self.api(self.node_path(group))
        assert answer.status in (200, 404), answer.text
        return answer.body if answer.status == 200 else None

    def reconcile(self, group: str) -> None:
        assert self.api(f"{self.node_path(group)}/reconcile", "POST").status == 202

    def settled(self, group: str, state: str, seconds: float = PATIENCE) -> Json:
        """The node once it has this state and nothing is left to look at."""
        last: list[object] = []

        def look() -> Json | None:
            node = self.node(group)
            last[:] = [node and (node["state"], node["generation"], conditions(node), node["last_run"])]
            calm = node and node["generation"] == node["observed_generation"]
            return node if node and calm and node["state"] == state else None

        try:
            return wait_for(f"{group} {state}", look, seconds)
        except NotSeen as error:
            raise NotSeen(f"{error}; last seen: {last}") from None

    def ready(self, group: str, seconds: float = PATIENCE) -> Json:
        return self.settled(group, "Ready", seconds)

    def found(self, group: str, kind: str, reason: str, seconds: float = PATIENCE) -> Json:
        """The condition of a type once it has this reason."""

        def look() -> Json | None:
            node = self.node(group)
            return next((c for c in conditions(node) if (c["type"], c["reason"]) == (kind, reason)), None)

        return wait_for(f"{group} {kind} {reason}", look, seconds)

    def run_by_hand(self, function: str) -> None:
        """Run a function now, as an administrator may."""
        url = f"{self.app.endpoint}/admin/functions/{function}"
        assert self.http(url, "POST", key=self.app.master_key, body=b"{}").status == 202

    def dead_letters(self) -> list[Json]:
        return self.pages("deadletters")

    def pages(self, path: str) -> list[Json]:
        """Every item of a list, page by page."""
        items: list[Json] = []
        continuation = ""
        while True:
            joint = "&" if "?" in path else "?"
            answer = self.api(f"{path}{joint}continuation={quote(continuation)}" if continuation else path)
            assert answer.status == 200, answer.text
            items += cast(list[Json], answer.body["items"])
            continuation = str(answer.body["continuation"])
            if not continuation:
                return items

    def deliver(self, *events: object) -> int:
        """Events handed to the webhook as Event Grid would; the HTTP status."""
        body = json.dumps(list(events)).encode()
        request = urllib.request.Request(
            self.webhook, body, {"aeg-event-type": "Notification", "Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    # --- Azure, as people use it

    @cached_property
    def operator(self) -> Caller:
        return self.azure.caller("operator")

    def arm(self, method: str, path: str, version: str, body: object = None) -> Answer:
        """One request as the operator, its long operation waited for; tried again while Azure is busy."""

        def attempt() -> Answer | None:
            try:
                return self.operator.complete(method, f"{path}?api-version={version}", body)
            except RequestFailed as error:
                if any(code in str(error) for code in BUSY):
                    return None
                raise

        return wait_for(f"{method} {path}", attempt)

    def group_id(self, group: str) -> str:
        return f"/subscriptions/{self.subscription}/resourceGroups/{group}"

    def network_id(self, group: str) -> str:
        return f"{self.group_id(group)}/providers/Microsoft.Network/virtualNetworks/net"

    def vault_id(self, group: str, number: int = 0) -> str:
        return f"{self.group_id(group)}/providers/Microsoft.KeyVault/vaults/{group}-kv{number}"

    def create(
        self, group: str, tags: Mapping[str, str] | None = None, *, vaults: int = 1, network: bool = True
    ) -> None:
        """A group with a network of its own addresses and some key vaults; tagged as a node unless said otherwise.

        Nodes without a network need not wait for each other at the hub.
        """
        wanted = {"mesh-node": group} if tags is None else tags
        self.arm("PUT", self.group_id(group), GROUPS, {"location": REGION, "tags": wanted})
        for number in range(vaults):
            self.create_vault(group, number)
        if network:
            self.create_network(group)

    def create_vault(self, group: str, number: int) -> None:
        properties = {"tenantId": self.azure.endpoints.tenant, "sku": {"family": "A", "name": "standard"}}
        self.arm("PUT", self.vault_id(group, number), VAULTS, {"location": REGION, "properties": properties})

    def create_network(self, group: str, prefix: str = "") -> str:
        """Puts the group's network with the address prefix, by default one that nobody else has."""
        with self._lock:
            number = next(self._networks)
        chosen = prefix or f"10.{1 + number // 256}.{number % 256}.0/24"
        self._put_network(self.network_id(group), chosen)
        return chosen

    def tag(self, group: str, operation: str, **tags: str) -> None:
        """Merge, Replace or Delete tags; underscores in names stand for hyphens."""
        named = {name.replace("_", "-"): value for name, value in tags.items()}
        path = f"{self.group_id(group)}/providers/Microsoft.Resources/tags/default"
        self.arm("PATCH", path, TAGS, {"operation": operation, "properties": {"tags": named}})

    def delete(self, path: str, version: str) -> None:
        self.arm("DELETE", path, version)

    def delete_group(self, group: str) -> None:
        """Asks for it; Azure takes its time."""
        self.operator.request("DELETE", f"{self.group_id(group)}?api-version={GROUPS}")

    def exists(self, path: str, version: str) -> bool:
        try:
            self.operator.request("GET", f"{path}?api-version={version}")
        except RequestFailed as error:
            if ": 404 " not in str(error):
                raise
            return False
        return True

    def peerings(self, network: str) -> list[Json]:
        """The peerings of a network; none where the network is gone."""
        if not self.exists(network, NETWORKS):
            return []
        answer = self.operator.request("GET", f"{network}/virtualNetworkPeerings?api-version={NETWORKS}")
        return cast(list[Json], answer.body["value"])

    def hub_peerings(self, group: str) -> list[Json]:
        """The hub's peerings that Meshplane made for a node."""
        return [
            p
            for p in self.peerings(hub_network(self.subscription))
            if str(p["name"]).startswith(self.hub_prefix(group))
        ]

    def hub_prefix(self, group: str) -> str:
        return hub_peering_prefix("meshplane", NodeKey.of(self.subscription, group))

    def sides(self, group: str) -> list[Json]:
        """Both sides of a node's connection, as far as they are there: the node's first."""
        return [*self.peerings(self.network_id(group)), *self.hub_peerings(group)]

    def settings(self, resource: str) -> list[Json]:
        """The diagnostic settings of a resource."""
        path = f"{resource}/providers/Microsoft.Insights/diagnosticSettings?api-version={SETTING}"
        return cast(list[Json], self.operator.request("GET", path).body["value"])

    def setting_id(self, resource: str, name: str = "meshplane") -> str:
        return f"{resource}/providers/Microsoft.Insights/diagnosticSettings/{name}"

    def assert_attached(self, group: str) -> None:
        """Azure holds all that makes a node: both peerings in sync, one setting of ours on what supports it."""
        states = [_properties(p) for p in self.sides(group)]
        found = [(s["peeringState"], s["peeringSyncLevel"]) for s in states]
        assert found == [("Connected", "FullyInSync")] * 2
        self.assert_observed(group)
        assert [s["name"] for s in self.settings(self.network_id(group))].count("meshplane") == 1

    def assert_observed(self, group: str) -> None:
        """The group's key vault has one setting of ours."""
        assert [s["name"] for s in self.settings(self.vault_id(group))].count("meshplane") == 1

    def assert_clean(self, group: str) -> None:
        """Azure holds nothing of ours in a group, which may be gone, nor on the hub for it."""
        assert self.hub_peerings(group) == []
        assert [p["name"] for p in self.peerings(self.network_id(group))] == []
        for resource in (self.network_id(group), self.vault_id(group)):
            if self.exists(resource, NETWORKS if "Network" in resource else VAULTS):
                assert "meshplane" not in [s["name"] for s in self.settings(resource)]

    # --- what is done to Azure

    def control(self, method: str, path: str, body: object = None) -> Json:
        return self.azure.control(method, path, body)

    def deliveries(self, counter: str) -> int:
        """A counter of Event Grid's: `attempts`, `pending` and others."""
        return cast(int, cast(Json, self.control("GET", "/event-grid")["counters"])[counter])

    def fault(self, path: str, *, method: str | None = None, **fault: object) -> str:
        """What happens to the app's next matching request, or to `times` of them; the fault's id."""
        return self.inject({"path": path, **({"method": method} if method else {})}, fault)

    def inject(self, match: Mapping[str, object], fault: Mapping[str, object]) -> str:
        """As `fault`, for any match that the control endpoint knows."""
        return str(self.control("POST", "/faults", {"match": {"principal": "app", **match}, **fault})["id"])

    def hits(self, fault: str) -> int:
        listed = cast(list[Json], self.control("GET", "/faults")["value"])
        return next(cast(int, f["hits"]) for f in listed if f["id"] == fault)

    def mark(self) -> int:
        """A place in the log of requests, for `requests`."""
        with self._lock:
            found = cast(list[Json], self.control("GET", f"/operations?since={self._seen}")["value"])
            self._seen = cast(int, found[-1]["number"]) if found else self._seen
            return self._seen

    def requests(self, since: int, about: str = "", *, writes: bool = False) -> list[Json]:
        """The app's requests since a mark, those of one group and of its peerings on the hub where it is given."""
        found = cast(list[Json], self.control("GET", f"/operations?since={since}")["value"])
        names = (f"/resourcegroups/{about}/", self.hub_prefix(about)) if about else ("",)
        return [
            r
            for r in found
            if r["principal"] == "app"
            and any(name in f"{r['path']}/".lower() for name in names)
            and (not writes or r["kind"] in ("write", "delete", "action"))
        ]

    def written(self, since: int, group: str) -> list[str]:
        """The ids that the app wrote about a group since a mark; what Azure refused is left out."""
        return [
            str(r["path"])
            for r in self.requests(since, group, writes=True)
            if 200 <= cast(int, r["status"]) < 300
        ]

    # --- storage and streams

    def queue(self, name: str = RECONCILE_QUEUE) -> QueueClient:
        """The app's queue, made if it is not there yet, for texts in base64. Close it."""
        queue = QueueClient.from_connection_string(
            self.azure.endpoints.storage_connection_string,
            name,
            message_encode_policy=TextBase64EncodePolicy(),
        )
        with suppress(ResourceExistsError):
            queue.create_queue()
        return queue

    def tables(self) -> TableServiceClient:
        """The app's tables. Close it."""
        return TableServiceClient.from_connection_string(self.azure.endpoints.storage_connection_string)

    def stored(self) -> str:
        """Everything in every table as one text, documents unpacked."""
        with self.tables() as service:
            return "\n".join(
                f"{name}: {_text(value)}"
                for table in service.list_tables()
                for row in service.get_table_client(table.name).list_entities()
                for name, value in row.items()
            )

    def send(self, bodies: Sequence[bytes], partition: str = "0") -> None:
        """Events into the telemetry hub."""
        producer = EventHubProducerClient.from_connection_string(
            self.azure.endpoints.event_hubs_connection_string, eventhub_name=TELEMETRY_HUB
        )
        with producer:
            producer.send_batch([EventData(body) for body in bodies], partition_id=partition)

    def _create_hub(self) -> None:
        group = self.group_id("mesh-hub")
        self.arm("PUT", group, GROUPS, {"location": REGION})
        self._put_network(hub_network(self.subscription), "10.0.0.0/16")
        self.arm("PUT", workspace(self.subscription), WORKSPACES, {"location": REGION, "properties": {}})

    def _put_network(self, network: str, prefix: str) -> None:
        properties = {"addressSpace": {"addressPrefixes": [prefix]}}
        self.arm("PUT", network, NETWORKS, {"location": REGION, "properties": properties})


def impatient_app(folder: Path) -> Path:
    """The app with a host.json that gives a failed message back soon; in the cloud it takes half a minute."""
    app = folder / "app"
    if not app.exists():
        app.mkdir(parents=True)
        for name in ("function_app.py", "functions", "shared"):
            (app / name).symlink_to(ROOT / name)
        settings = json.loads((ROOT / "host.json").read_text())
        settings["extensions"]["queues"] |= {
            "visibilityTimeout": "00:00:01",
            "maxPollingInterval": "00:00:01",
        }
        (app / "host.json").write_text(json.dumps(settings))
    return app


def conditions(node: Json | None) -> list[Json]:
    return cast(list[Json], node["conditions"]) if node else []


def resource_event(resource: str, number: int, **data: object) -> Json:
    """An event of a subscription's topic about a resource."""
    return {
        "id": f"{number:08d}-0000-4000-8000-000000000000",
        "topic": "/".join(resource.split("/")[:3]),
        "subject": resource,
        "eventType": "Microsoft.Resources.ResourceWriteSuccess",
        "eventTime": "2026-11-01T12:00:00.0000000Z",
        "data": {
            "resourceUri": resource,
            "operationName": "Microsoft.Resources/tags/write",
            "status": "Succeeded",
            **data,
        },
        "dataVersion": "2",
        "metadataVersion": "1",
    }


def _properties(document: Json) -> Json:
    return cast(Json, document["properties"])


def _text(value: object) -> str:
    if not isinstance(value, bytes):
        return str(value)
    try:
        return zlib.decompress(value).decode(errors="replace")
    except zlib.error:
        return value.decode(errors="replace")


def _response(status: int, content_type: str | None, content: bytes) -> Response:
    text = content.decode(errors="replace")
    try:
        body = json.loads(text)
    except ValueError:
        body = {}
    return Response(status, content_type or "", body if isinstance(body, dict) else {"value": body}, text)


_running: list[tuple[Mesh, int]] = []


@contextmanager
def running_mesh(folder: Path) -> Iterator[Mesh]:
    """The one stack of this test process: the first to ask starts it, the last to leave stops it."""
    if not _running:
        mesh = Mesh(folder)
        mesh.start()
        _running.append((mesh, 0))
    mesh, users = _running.pop()
    _running.append((mesh, users + 1))
    try:
        yield mesh
    finally:
        _, users = _running.pop()
        if users > 1:
            _running.append((mesh, users - 1))
        else:
            mesh.stop()
