"""One running stack that many tests share: each has resource groups of its own, and looks from outside.

The app runs on three instances with short times: what would take minutes in the cloud takes seconds here.
"""

import json
import urllib.error
import urllib.request
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import cast
from urllib.parse import quote

from azure.core.exceptions import ResourceExistsError
from azure.data.tables import TableServiceClient
from azure.eventhub import EventData, EventHubProducerClient
from azure.storage.queue import QueueClient, TextBase64EncodePolicy

from demo.rights import grant
from demo.stack import PARTITIONS, ROOT, TELEMETRY_HUB, app_settings
from local.caller import Json
from local.functions_app import FunctionsHost
from local.stack import Carried, LocalAzure, Options
from shared.domain.mesh import RECONCILE_QUEUE
from tests.e2e.azure import (
    GROUPS,
    NETWORKS,
    PATIENCE,
    SETTING,
    VAULTS,
    WORKSPACES,
    Azure,
    NotSeen,
    wait_for,
)
from tests.e2e.hubs import GROUP, PLACES, hub_settings, sink_settings
from tests.support.receiver import running_receiver

__all__ = [
    "GROUPS",
    "INSTANCES",
    "LEASE_SECONDS",
    "NETWORKS",
    "SETTING",
    "VAULTS",
    "WORKSPACES",
    "Mesh",
    "NotSeen",
    "Response",
    "conditions",
    "is_calm",
    "resource_event",
    "running_mesh",
    "wait_for",
]

INSTANCES = 3
LEASE_SECONDS = 6
FULL_MESH = 3
NEVER = "0 0 0 1 1 *"
WEBHOOK_SECRET = "a secret between two of us"
SETTINGS = {
    "MESH_EVENT_DELAY_SECONDS": "1",
    "MESH_LEASE_SECONDS": str(LEASE_SECONDS),
    "MESH_RESYNC_SCHEDULE": "*/5 * * * * *",
    "MESH_DISCOVERY_SCHEDULE": NEVER,
    "MESH_JUDGE_SCHEDULE": "*/5 * * * * *",
    "MESH_FULL_MESH": str(FULL_MESH),
    "MESH_POLICIES": f"shared/governance/library, {ROOT / 'tests/e2e/policies'}",
}
OBJECT_ID = "http://schemas.microsoft.com/identity/claims/objectidentifier"


@dataclass(frozen=True, slots=True)
class Response:
    """What an HTTP request to the app came to; `body` is empty where it was no JSON."""

    status: int
    content_type: str
    body: Json
    text: str

    @property
    def is_of_a_killed_worker(self) -> bool:
        """Whether it is the host's own: errors of the app have a body."""
        return self.status == 500 and not self.text


class Mesh(Azure):
    """A running stack, its API, its Azure, and what can be done to both."""

    def __init__(self, folder: Path) -> None:
        streams = {TELEMETRY_HUB: PARTITIONS, "mesh-events": 1}
        logged: dict[str, Carried] = {TELEMETRY_HUB: "records", "mesh-events": "events"}
        super().__init__(
            LocalAzure(
                Options(
                    folder=folder, hubs=streams, consumer_groups={TELEMETRY_HUB: ("replay",)}, logged=logged
                )
            )
        )
        self.folder = folder
        self._receiving = ExitStack()
        self.receiver = self._receiving.enter_context(running_receiver())

    # --- start and stop

    def start(self) -> None:
        """The local Azure, hubs with workspaces, the app, and Event Grid told of its webhook."""
        self.azure.start()
        try:
            # Quotas are tested by themselves; here they would only make one test wait for another.
            operations = {"advance": "after-seconds", "amount": 0.2, "retry_after": 0.3}
            self.control("PUT", "/mode", {"throttling": {"enabled": False}, "operations": operations})
            self.create_hubs()
            hubs = [self.group_id(GROUP)]
            subscriptions = [f"/subscriptions/{self.subscription}"]
            grant(self.operator, {"node": subscriptions, "hub": hubs, "sink": hubs})
            self.app.start()
            self.azure.register_webhook(self.webhook, name="meshplane")
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        try:
            self.app.stop()
        finally:
            self._receiving.close()
            self.azure.stop()

    @cached_property
    def app(self) -> FunctionsHost:
        """The functions host with the app as it is, but for how soon a message is delivered again."""
        return self.host(self.folder, {})

    def host(self, folder: Path, settings: Mapping[str, str], instances: int = INSTANCES) -> FunctionsHost:
        """A functions host for the app on this Azure, not started."""
        hubs = {
            "MESH_HUBS": hub_settings(self.subscription),
            "MESH_SINKS": sink_settings(self.subscription),
            "MESH_WEBHOOKS": webhook_settings(self.receiver.url),
        }
        values = {**app_settings(self.azure.endpoints), **hubs, **SETTINGS, **settings}
        return FunctionsHost(impatient_app(folder), values, folder, instances=instances)

    @property
    def webhook(self) -> str:
        return self.app.event_grid_url("resource_events")

    # --- the app

    def api(
        self, path: str, method: str = "GET", *, key: str | None = None, body: bytes | None = None
    ) -> Response:
        """A request to a path under /api with the function key, or with another."""
        return self.http(f"{self.app.endpoint}/api/{path}", method, key=key, body=body)

    def http(
        self,
        url: str,
        method: str,
        *,
        key: str | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        sent = {"x-functions-key": self.app.function_key if key is None else key, **(headers or {})}
        data = b"" if body is None and method == "POST" else body
        request = urllib.request.Request(
            url, data, {"Content-Type": "application/json", **sent}, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return _response(answer.status, answer.headers.get("Content-Type"), answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return _response(error.code, error.headers.get("Content-Type"), error.read())

    def node_path(self, group: str) -> str:
        return f"nodes/{self.subscription}/{quote(group)}"

    def node(self, group: str) -> Json | None:
        """The node in full, None where the mesh knows none, or where the worker that was asked has just been killed."""
        answer = self.api(self.node_path(group))
        assert answer.status in (200, 404) or answer.is_of_a_killed_worker, answer.text
        return answer.body if answer.status == 200 else None

    def reconcile(self, group: str) -> None:
        """Asks for a look; again where the worker that was asked has just been killed."""

        def accepted() -> bool:
            answer = self.api(f"{self.node_path(group)}/reconcile", "POST")
            assert answer.status == 202 or answer.is_of_a_killed_worker, answer.text
            return answer.status == 202

        wait_for("the request is accepted", accepted)

    def settled(self, group: str, state: str, seconds: float = PATIENCE) -> Json:
        """The node once it has this state and nothing is left to look at."""
        last: list[object] = []

        def look() -> Json | None:
            node = self.node(group)
            last[:] = [node and (node["state"], node["generation"], conditions(node), node["last_run"])]
            return node if node and node["state"] == state and is_calm(node) else None

        try:
            return wait_for(f"{group} {state}", look, seconds)
        except NotSeen as error:
            raise NotSeen(f"{error}; last seen: {last}") from None

    def at_rest(self) -> bool:
        """Whether nothing runs, of any node or hub, and nothing is about to: the first look at each hub is over too."""
        hubs = [self.api(f"hubs/{place.id}").body for place in PLACES]
        if not all(hub["state"] == "Ready" and hub["next_due"] and not _is_due_soon(hub) for hub in hubs):
            return False
        with self.tables() as service, service.get_table_client("nodes") as table:
            due = table.query_entities("next_due lt @soon", parameters={"soon": _soon()}, select=["RowKey"])
            return not list(due)

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
            with urllib.request.urlopen(request, timeout=120) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code

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


def webhook_settings(url: str) -> str:
    """Two webhooks of one receiver: one that is signed, and one as Teams takes it."""
    signed = {"name": "ops", "url": f"{url}/ops", "secret": WEBHOOK_SECRET}
    return json.dumps([signed, {"name": "team", "url": f"{url}/team", "template": "teams"}])


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


def is_calm(node: Json) -> bool:
    """Whether every event was taken in, and the run that did has ended."""
    return node["generation"] == node["observed_generation"] and not _is_due_soon(node)


def _is_due_soon(record: Json) -> bool:
    """Whether somebody is to look at a key soon; while a run holds it, it is due when the run's lease ends."""
    due = record["next_due"]
    return due is not None and datetime.fromisoformat(str(due)) < _soon()


def _soon() -> datetime:
    return datetime.now(UTC) + timedelta(seconds=LEASE_SECONDS + 1)


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
