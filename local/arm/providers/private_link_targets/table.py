"""Which groups of which services private endpoints may connect to, and how each service shows its connections.

The table is `targets.json`, one entry a resource type: from the recordings where there are any (storage, key vault,
Event Hubs, Data Factory, Cosmos DB), else from the API documents and
https://learn.microsoft.com/azure/private-link/private-endpoint-dns.
"""

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from local.arm.documents import JsonObject, object_in, objects_in, text_in, texts_in
from local.arm.store import Resource

_FILE = Path(__file__).with_name("targets.json")


@dataclass(frozen=True, slots=True)
class Member:
    """One address of an endpoint: what it is called, and the public names that lead to it."""

    name: str
    fqdns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Naming:
    """`suffix` is what public names have in the place of the private `zone`."""

    zone: str
    suffix: str

    def record(self, fqdn: str) -> str:
        """The name of a public name's record set in the zone: `@` where it is the zone's own name."""
        return fqdn.removesuffix(self.suffix).rstrip(".") or "@"


@dataclass(frozen=True, slots=True)
class Group:
    """A part of a service that can be reached privately, with the names of one resource."""

    id: str
    naming: Naming
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class Connections:
    """How a service names and shows the connections of its resources.

    `style` is how approvals end: `at-once`; `own-url` (the connection is its own polling URL), `operation-status`
    (a polling URL beneath the connection), `enqueued` and `provider-url` (beneath the provider; the first answers
    with a status alone). `final`: only what is pending can be approved. `shows`: optional parts of the document.
    """

    name: str
    description: str
    actions: str | None
    type: str
    shows: tuple[str, ...]
    style: str
    final: bool
    ready: str


@dataclass(frozen=True, slots=True)
class Target:
    """`listed`: whether the resource's own document lists its connections (`always`, `when-any`, `never`)."""

    type: str
    groups: tuple[JsonObject, ...]
    connections: Connections
    resources_type: str
    connections_type: str
    listed: str

    def groups_of(self, resource: Resource) -> list[Group]:
        """The groups of one resource, with its names filled in."""
        values = _values(resource)
        return [_group(document, values) for document in self.groups]

    def group(self, resource: Resource, identifier: str) -> Group | None:
        wanted = identifier.lower()
        return next((group for group in self.groups_of(resource) if group.id.lower() == wanted), None)

    def naming(self, identifier: str) -> Naming | None:
        """How the names of a group are made private, also when the resource has gone."""
        wanted = identifier.lower()
        found = (group for group in self.groups if (text_in(group, "id") or "").lower() == wanted)
        return next((_naming(group) for group in found), None)


@cache
def targets() -> dict[str, Target]:
    """By resource type in lower case."""
    documents = json.loads(_FILE.read_text(encoding="utf-8"))
    return {type_.lower(): _target(type_, document) for type_, document in documents.items()}


def target_of(type_: str) -> Target | None:
    return targets().get(type_.lower())


def _target(type_: str, document: JsonObject) -> Target:
    shown = object_in(document, "connection")
    connections_type = f"{type_}/{text_in(document, 'connections') or 'privateEndpointConnections'}"
    return Target(
        type=type_,
        groups=tuple(objects_in(document, "groups")),
        connections=Connections(
            name=text_in(shown, "name") or "{guid}",
            description=text_in(shown, "description") or "",
            actions=text_in(shown, "actions"),
            type=text_in(shown, "type") or connections_type,
            shows=tuple(texts_in(shown, "shows")),
            style=text_in(shown, "style") or "at-once",
            final=shown.get("final") is True,
            ready=text_in(shown, "ready") or "Succeeded",
        ),
        resources_type=f"{type_}/{text_in(document, 'resources') or 'privateLinkResources'}",
        connections_type=connections_type,
        listed=text_in(document, "listed") or "always",
    )


def _group(document: JsonObject, values: dict[str, str]) -> Group:
    members = object_in(document, "members")
    return Group(
        id=text_in(document, "id") or "",
        naming=_naming(document),
        members=tuple(
            Member(
                name.format_map(values),
                tuple(fqdn.format_map(values) for fqdn in texts_in(members, name)),
            )
            for name in members
        ),
    )


def _naming(group: JsonObject) -> Naming:
    zone = text_in(group, "zone") or ""
    return Naming(zone, text_in(group, "suffix") or zone.removeprefix("privatelink."))


def _values(resource: Resource) -> dict[str, str]:
    number = int(hashlib.sha256(resource.key.encode()).hexdigest(), 16)
    workspace = f"adb-{number % 10**16:016d}.{number % 20}.azuredatabricks.net"
    return {
        "name": resource.name.lower(),
        "region": resource.location,
        "workspace": text_in(resource.properties, "workspaceUrl") or workspace,
    }
