"""What each network option is shown with, and what Azure holds once the mesh has come to rest, as plain data."""

from collections.abc import Awaitable, Callable, Collection

import msgspec

from shared.domain.artefacts import rule_id, service_endpoint_id
from shared.domain.ids import NodeKey, name_of, normal_id, same_id, type_of
from shared.domain.network import Peering
from tests.docs.world import World
from tests.fakes.services import SERVICE_OF_TYPE
from tests.fakes.state import Network, SubnetState, Zone

SERVER = "Microsoft.Sql/servers/sales-sql"
ACCOUNT = "Microsoft.Storage/storageAccounts/salesdata"
FLAGS = {
    "allow_virtual_network_access": "allowVirtualNetworkAccess",
    "allow_forwarded_traffic": "allowForwardedTraffic",
    "allow_gateway_transit": "allowGatewayTransit",
    "use_remote_gateways": "useRemoteGateways",
}


class Row(msgspec.Struct, frozen=True):
    """One thing and what is worth telling of it; `inside` are the things that lie in it."""

    id: str
    label: str
    detail: str
    owned: bool = False
    inside: tuple["Row", ...] = ()


class Card(msgspec.Struct, frozen=True):
    """One side of a peering."""

    name: str
    local: str
    remote: str
    state: str
    flags: tuple[tuple[str, bool], ...]
    owned: bool


class Box(msgspec.Struct, frozen=True):
    """A virtual network."""

    id: str
    name: str
    prefixes: str
    owned: bool
    note: str
    cards: tuple[Card, ...]
    subnets: tuple[Row, ...]


class GroupBox(msgspec.Struct, frozen=True):
    """A resource group with its networks; `tag` is what it chose."""

    name: str
    tag: str
    networks: tuple[Box, ...]
    rows: tuple[Row, ...]


class Line(msgspec.Struct, frozen=True):
    """A way from one thing to another that no peering carries."""

    start: str
    end: str


class Picture(msgspec.Struct, frozen=True):
    """Three groups, what leads from one to another, and maybe a group aside that nothing leads to."""

    title: str
    top: GroupBox
    left: GroupBox
    right: GroupBox
    lines: tuple[Line, ...] = ()
    aside: GroupBox | None = None


async def _hub(world: World) -> None:
    sales = await world.node("sales", "hub", "10.1.0.0/16")
    reports = await world.node("reports", "hub")
    server = await world.resource(sales, SERVER)
    await world.edge(reports, sales, "sql", server)


async def _mesh(world: World) -> None:
    for number, name in enumerate(("sales", "reports", "stock"), 1):
        await world.node(name, "mesh", f"10.{number}.0.0/16")


async def _endpoints(world: World) -> None:
    sales = await world.node("sales", "endpoints", "10.1.0.0/16")
    reports = await world.node("reports", "endpoints")
    server, account = await world.resource(sales, SERVER), await world.resource(sales, ACCOUNT)
    await world.edge(reports, sales, "sql", server)
    await world.edge(reports, sales, "storage", account, "service-endpoint")


async def _sandbox(world: World) -> None:
    sales = await world.node("sales", "hub", "10.1.0.0/16")
    reports = await world.node("reports", "sandbox")
    server = await world.resource(sales, SERVER)
    await world.edge(reports, sales, "sql", server)


async def _none(world: World) -> None:
    await world.node("sales", "hub", "10.1.0.0/16")
    reports = await world.node("reports", "none", "10.2.0.0/16")
    await world.resource(reports, "Microsoft.KeyVault/vaults/reports-vault")


SCENES: dict[str, tuple[str, Callable[[World], Awaitable[None]], str]] = {
    "hub": ("hub: both nodes are spokes of the hub", _hub, "hub"),
    "mesh": ("mesh: every node is peered with every other", _mesh, "stock"),
    "endpoints": ("endpoints: no peering, edges alone", _endpoints, "hub"),
    "sandbox": ("sandbox: reports hangs on the hub by a closed peering", _sandbox, "hub"),
    "none": ("none: reports is left as it is", _none, "hub"),
}
"""By option: the title, what people do, and the group that is drawn on top."""


async def picture_of(option: str) -> Picture:
    """What Azure holds of an option's scene."""
    title, people, top = SCENES[option]
    world = World()
    await people(world)
    owned = await world.owned()
    groups = {key.group: _group(world, key, owned) for key in world.cloud.groups}
    return Picture(
        title,
        groups[top],
        groups["reports"],
        groups["sales"],
        tuple(_lines(world)),
        None if top == "hub" else groups["hub"],
    )


def _group(world: World, key: NodeKey, owned: Collection[str]) -> GroupBox:
    cloud = world.cloud
    here = [r for r in cloud.resources.values() if NodeKey.containing(r.id) == key]
    networks = [n for n in cloud.networks.values() if NodeKey.containing(n.id) == key]
    zones = [z for z in cloud.zones.values() if NodeKey.containing(z.id) == key]
    shown = {normal_id(i) for i in (*(n.id for n in networks), *(z.id for z in zones), *cloud.endpoints)}
    others = [r.id for r in here if normal_id(r.id) not in shown]
    tag = cloud.groups[key].tags.get("mesh-network", "")
    rows = sorted((_resource(world, i, owned) for i in others), key=lambda row: row.detail, reverse=True)
    return GroupBox(
        key.group,
        f"mesh-network: {tag}" if tag else "",
        tuple(_box(world, n, owned) for n in networks),
        (*(_zone(z, owned) for z in zones), *rows),
    )


def _box(world: World, network: Network, owned: Collection[str]) -> Box:
    notes = (["with a gateway"] if network.gateway else []) + _settings(world, network.id)
    return Box(
        network.id,
        name_of(network.id),
        ", ".join(network.prefixes),
        normal_id(network.id) in owned,
        " · ".join(notes),
        tuple(_card(network.id, p, owned) for p in world.cloud.show(network).peerings),
        tuple(_subnet(world, s, owned) for s in network.subnets.values()),
    )


def _card(network: str, side: Peering, owned: Collection[str]) -> Card:
    flags = tuple((shown, bool(getattr(side.flags, name))) for name, shown in FLAGS.items())
    state = f"{side.state}, {side.sync_level}"
    return Card(side.name, network, side.remote_network, state, flags, normal_id(side.id) in owned)


def _subnet(world: World, subnet: SubnetState, owned: Collection[str]) -> Row:
    guard = f"security group {name_of(subnet.security_group)}" if subnet.security_group else ""
    services = [
        Row(
            service_endpoint_id(subnet.id, s),
            f"service endpoint {s}",
            "in the subnet's own list",
            normal_id(service_endpoint_id(subnet.id, s)) in owned,
        )
        for s in subnet.service_endpoints
    ]
    endpoints = [
        Row(e.id, name_of(e.id), f"private endpoint {e.address}, {e.state}", normal_id(e.id) in owned)
        for e in world.cloud.endpoints.values()
        if same_id(e.subnet, subnet.id)
    ]
    label = f"subnet {name_of(subnet.id)}  {', '.join(subnet.prefixes)}"
    ours = normal_id(subnet.id).partition("/subnets/")[0] in owned
    return Row(subnet.id, label, guard, ours, (*endpoints, *services))


def _zone(zone: Zone, owned: Collection[str]) -> Row:
    links = [
        Row(
            link.id,
            f"link → {name_of(link.network)}",
            f"of group {NodeKey.containing(link.network).group}",  # type: ignore[union-attr]
            normal_id(link.id) in owned,
        )
        for link in zone.links.values()
    ]
    records = [
        Row(f"{zone.id}/A/{name}", f"A {name} → {e.address}", "by the endpoint's zone group", True)
        for name, e in zone.records.items()
    ]
    return Row(zone.id, name_of(zone.id), "private DNS zone", False, (*links, *records))


def _resource(world: World, resource: str, owned: Collection[str]) -> Row:
    told = [type_of(resource).split("/")[-1], *_settings(world, resource)]
    firewall = world.cloud.firewalls.get(normal_id(resource))
    rules = [
        Row(rule_id(resource, s), f"network rule: {name_of(s)}", "lets that subnet in", True)
        for s in (firewall.subnets.values() if firewall else ())
    ]
    kind = _SPELLED.get(type_of(resource), told[0])
    ours = normal_id(resource) in owned
    return Row(resource, name_of(resource), " · ".join([kind, *told[1:]]), ours, tuple(rules))


_SPELLED = {
    "microsoft.sql/servers": "SQL server",
    "microsoft.storage/storageaccounts": "storage account",
    "microsoft.keyvault/vaults": "key vault",
    "microsoft.operationalinsights/workspaces": "Log Analytics workspace",
    "microsoft.network/networksecuritygroups": "network security group",
}


def _settings(world: World, resource: str) -> list[str]:
    settings = world.cloud.settings.get(normal_id(resource), {})
    return [f"setting {s.name} → {name_of(s.workspace)}" for s in settings.values()]


def _lines(world: World) -> list[Line]:
    endpoints = [Line(e.id, e.target) for e in world.cloud.endpoints.values()]
    services = [
        Line(service_endpoint_id(subnet, SERVICE_OF_TYPE[type_of(target)]), rule_id(target, subnet))
        for target, firewall in world.cloud.firewalls.items()
        for subnet in firewall.subnets.values()
    ]
    return [*endpoints, *services]
