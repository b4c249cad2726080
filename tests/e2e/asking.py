"""People who ask for edges: an instance of the app that trusts the platform's sign-in, beside the stack's own."""

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import cast
from urllib.parse import urlencode

from demo.people import ANNE, BERT, OPERATOR, Person
from local.caller import Json
from local.functions_app import FunctionsHost
from tests.e2e.azure import NETWORKS, PATIENCE, NotSeen, properties_of, wait_for
from tests.e2e.hubs import BERLIN
from tests.e2e.mesh import Mesh, Response

REGION = BERLIN.region
STORAGE, SQL = "2023-05-01", "2021-11-01"
READER = Person("Rita", "00000000-0000-4000-8000-0000000000e3", "Mesh.Reader")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of service: `zone` is the name that edges to it resolve in, without `privatelink.`."""

    interface: str
    type: str
    version: str
    host: str
    body: Mapping[str, object]


KINDS = {
    "sql": Kind("sql", "Microsoft.Sql/servers", SQL, "{}.database.windows.net", {"properties": {}}),
    "blob": Kind(
        "storage",
        "Microsoft.Storage/storageAccounts",
        STORAGE,
        "{}.blob.core.windows.net",
        {"kind": "StorageV2", "sku": {"name": "Standard_LRS"}, "properties": {}},
    ),
    "events": Kind(
        "eventhub",
        "Microsoft.EventHub/namespaces",
        "2021-11-01",
        "{}.servicebus.windows.net",
        {"sku": {"name": "Standard", "tier": "Standard"}, "properties": {}},
    ),
    "synapse": Kind(
        "synapse", "Microsoft.Synapse/workspaces", "2021-06-01", "{}.sql.azuresynapse.net", {"properties": {}}
    ),
    "vault": Kind(
        "resource",
        "Microsoft.KeyVault/vaults",
        "2022-07-01",
        "{}.vault.azure.net",
        {"properties": {"sku": {"family": "A", "name": "standard"}}},
    ),
}


class Desk:
    """Where people ask for edges and decide about them; and what Azure then holds of these."""

    _networks = count(1)

    def __init__(self, mesh: Mesh, host: FunctionsHost) -> None:
        self.mesh = mesh
        self.host = host

    # --- nodes and what they hold

    def node(self, group: str, *kinds: str, option: str = "none") -> None:
        """A Ready node with a network, a subnet in it, and services of these kinds. Raises NotSeen."""
        mesh, number = self.mesh, next(self._networks)
        mesh.create_group(group, REGION, {})
        subnet = {"name": "workload", "properties": {"addressPrefix": f"10.220.{number}.0/25"}}
        space = {"addressPrefixes": [f"10.220.{number}.0/24"]}
        body = {"location": REGION, "properties": {"addressSpace": space, "subnets": [subnet]}}
        mesh.arm("PUT", mesh.network_id(group), NETWORKS, body)
        for kind in kinds:
            self.create(group, kind)
        mesh.tag(group, "Merge", mesh_node=group, mesh_network=option)
        mesh.ready(group)

    def nodes(self, *wanted: tuple[str, str, tuple[str, ...]]) -> None:
        """Several at once: group, option, kinds."""
        with ThreadPoolExecutor(len(wanted)) as pool:
            for each in [pool.submit(self.node, g, *kinds, option=o) for g, o, kinds in wanted]:
                each.result()

    def create(self, group: str, kind: str) -> None:
        found = KINDS[kind]
        properties = {**cast(Json, found.body["properties"])}
        if kind == "vault":
            properties["tenantId"] = self.mesh.azure.endpoints.tenant
        body = {**found.body, "location": REGION, "properties": properties}
        self.mesh.arm("PUT", self.target(group, kind), found.version, body)

    def target(self, group: str, kind: str) -> str:
        return f"{self.mesh.group_id(group)}/providers/{KINDS[kind].type}/{self.name(group, kind)}"

    def name(self, group: str, kind: str) -> str:
        return f"{group}{kind}".replace("-", "")

    def subnet(self, group: str) -> str:
        return f"{self.mesh.network_id(group)}/subnets/workload"

    def endpoints(self, group: str) -> list[Json]:
        """The private endpoints of a group."""
        path = f"{self.mesh.group_id(group)}/providers/Microsoft.Network/privateEndpoints"
        answer = self.mesh.operator.request("GET", f"{path}?api-version={NETWORKS}")
        return cast(list[Json], answer.body["value"])

    def resolves(self, group: str, kind: str, owner: str) -> tuple[str, list[str]]:
        """What a machine in a group's network is told about the name of another's service: status and addresses."""
        name = KINDS[kind].host.format(self.name(owner, kind))
        query = urlencode({"network": self.mesh.network_id(group), "name": name})
        found = self.mesh.control("GET", f"/resolve?{query}")
        return str(found["status"]), cast(list[str], found.get("addresses") or [])

    def decide(self, group: str, kind: str, status: str) -> None:
        """The owner of a service decides about the one connection that was asked for, in Azure."""
        target, version = self.target(group, kind), KINDS[kind].version
        path = f"{target}/privateEndpointConnections?api-version={version}"
        [connection] = cast(list[Json], self.mesh.operator.request("GET", path).body["value"])
        state = {"status": status, "description": "decided by its owner"}
        body = {"properties": {"privateLinkServiceConnectionState": state}}
        self.mesh.arm("PUT", str(connection["id"]), version, body)

    # --- edges

    def send(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        person: Person | None = BERT,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """A request in somebody's name; None is nobody, with the function key alone."""
        return self.mesh.http(
            f"{self.host.endpoint}/api/{path}",
            method,
            key=self.host.function_key,
            body=None if body is None else json.dumps(body).encode(),
            headers={**(person.headers if person else {}), **(headers or {})},
        )

    def body(self, consumer: str, provider: str, kind: str, **more: object) -> Json:
        """A request for an edge; `peering` has no target."""
        subscription = self.mesh.subscription
        target = {} if kind == "peering" else {"target": self.target(provider, kind)}
        return {
            "consumer": f"{subscription}/{consumer}",
            "provider": f"{subscription}/{provider}",
            "interface": kind if kind == "peering" else KINDS[kind].interface,
            "purpose": "to be tested",
            **target,
            **more,
        }

    def ask(self, consumer: str, provider: str, kind: str, **more: object) -> str:
        """Asks for an edge; its id."""
        answer = self.send("POST", "edges", self.body(consumer, provider, kind, **more), person=ANNE)
        assert answer.status == 201, answer.text
        return str(answer.body["id"])

    def granted(self, consumer: str, provider: str, kind: str, **more: object) -> str:
        """Asks for an edge and has it approved; its id."""
        edge = self.ask(consumer, provider, kind, **more)
        self.command(edge, "approve")
        return edge

    def active(self, consumer: str, provider: str, kind: str, **more: object) -> str:
        """The id of an edge that has become Active. Raises NotSeen."""
        edge = self.granted(consumer, provider, kind, **more)
        self.until(edge, "Active")
        return edge

    def command(self, edge: str, command: str, **more: object) -> Json:
        answer = self.send("POST", f"edges/{edge}/{command}", {"reason": "it is a test", **more})
        assert answer.status == 200, answer.text
        return answer.body

    def look(self, edge: str) -> None:
        """Has an edge looked at again."""
        assert self.send("POST", f"edges/{edge}/reconcile", person=OPERATOR).status == 202

    def edge(self, edge: str) -> Json:
        """The edge in full; asked for again where the worker that was asked has just been killed."""

        def look() -> Json | None:
            answer = self.send("GET", f"edges/{edge}", person=READER)
            assert answer.status == 200 or answer.is_of_a_killed_worker, answer.text
            return answer.body or None

        return wait_for(f"edge {edge}", look)

    def until(self, edge: str, *states: str, reason: str = "", seconds: float = PATIENCE) -> Json:
        """The edge once it is in one of these states, with a condition of this reason. Raises NotSeen."""
        last: list[object] = []

        def seen() -> Json | None:
            found = self.edge(edge)
            conditions = cast(list[Json], found["conditions"])
            last[:] = [found["state"], conditions, found["route"], found["last_run"]]
            said = {str(c["reason"]) for c in conditions}
            return found if found["state"] in states and (not reason or reason in said) else None

        try:
            return wait_for(f"edge {edge} {states} {reason}", seen, seconds)
        except NotSeen as error:
            raise NotSeen(f"{error}; last seen: {last}") from None

    def history(self, edge: str) -> list[str]:
        """The states that an edge went through, as its history tells, the first one first."""
        told = cast(list[Json], self.edge(edge)["history"])
        changes = [str(cast(list[str], entry["changes"])[0]) for entry in reversed(told)]
        return [c.partition(" -> ")[2] for c in changes if c.startswith("state: ")]


def status_of(endpoint: Json) -> str:
    """What an endpoint's target says to it."""
    properties = properties_of(endpoint)
    connections = cast(
        list[Json],
        properties.get("privateLinkServiceConnections")
        or properties.get("manualPrivateLinkServiceConnections"),
    )
    return str(cast(Json, properties_of(connections[0])["privateLinkServiceConnectionState"])["status"])


_open: list[Desk] = []


@contextmanager
def open_desk(mesh: Mesh) -> Iterator[Desk]:
    """The desk for the length of a block, on a functions host of its own with one worker."""
    host = mesh.host(mesh.folder / "desk", {"MESH_PLATFORM_AUTH": "true"}, instances=1)
    host.start()
    desk = Desk(mesh, host)
    _open.append(desk)
    try:
        yield desk
    finally:
        _open.remove(desk)
        host.stop()


def the_desk() -> Desk:
    """The one that is open, for scenarios that run beside each other."""
    return _open[-1]
