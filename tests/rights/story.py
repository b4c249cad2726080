"""All that the product does in Azure, once: it ends with the mesh as it began."""

import json
from collections.abc import Iterable

from demo.rights import VERSION, Role, definition, definition_body
from shared.domain.edge import Interface
from tests.rights.app import ANNE, App
from tests.rights.landscape import HUBS, NODES, SINKS, Land, group, resource, zone
from tests.support.local_arm import LocalArm
from tests.support.rights import OWNER, grant

NAMES = ("sales", "reports", "apart", "mesh-a", "mesh-b", "pooled")
TARGETS: dict[str, tuple[Interface, str]] = {
    "Microsoft.Storage/storageAccounts": ("storage", ""),
    "Microsoft.KeyVault/vaults": ("resource", ""),
    "Microsoft.Sql/servers": ("sql", ""),
    "Microsoft.EventHub/namespaces": ("eventhub", ""),
    "Microsoft.Synapse/workspaces": ("synapse", ""),
    "Microsoft.DataFactory/factories": ("resource", "dataFactory"),
    "Microsoft.Databricks/workspaces": ("resource", "databricks_ui_api"),
    "Microsoft.DocumentDB/databaseAccounts": ("resource", ""),
}
"""What private endpoints lead to: the interface of such edges, and the part of those that have several."""
RULED = tuple(TARGETS)[:4]
"""Those with firewalls that let subnets in."""
EVERYWHERE: dict[Role, list[str]] = {
    "node": [f"/subscriptions/{NODES}"],
    "hub": [group(name, HUBS) for name in ("east", "west", "names")],
    "operations": [f"/subscriptions/{HUBS}"],
    "sink": [group("sinks", SINKS)],
}
"""Where infra/roles/README.md says that the roles are assigned."""


async def may_approve(arm: LocalArm, allowed: bool) -> None:
    """Whether the role for nodes, as it is defined in Azure, lets private endpoints approve themselves."""
    body = definition_body("node", [f"/subscriptions/{NODES}"])
    if not allowed:
        text = json.dumps(body).replace("privateEndpointConnectionsApproval/action", "read")
        body = json.loads(text)
    path = definition(f"/subscriptions/{NODES}", "node")
    answer = await arm.call("PUT", path, body, version=VERSION, principal=OWNER)
    assert answer.status == 201, answer


async def prepare(land: Land) -> None:
    """Hubs, zones and sinks; the groups that become nodes; and the product's roles."""
    await land.hubs()
    await grant(land.arm, EVERYWHERE)
    await land.provider("sales")
    await land.consumer("reports", "10.3.0", "hub")
    await land.consumer("apart", "10.4.0", "endpoints")
    await land.consumer("mesh-a", "10.5.0", "mesh")
    await land.consumer("mesh-b", "10.6.0", "mesh")
    await land.group(group("pooled"), mesh_node="pooled")


async def onboard(app: App) -> None:
    """Nodes of the options that attach: by a hub, to each other, by endpoints alone, with a network from a pool."""
    await app.look()
    await _all(app, "Ready")


async def ask_owners(app: App) -> None:
    """Edges that may not approve themselves, one to every kind of target: their owners would have to."""
    for kind, (interface, part) in TARGETS.items():
        await app.ask("reports", "sales", resource("sales", kind), "private-endpoint", interface, part)
    await app.until_quiet()


async def connect(app: App) -> None:
    """They are approved, now that it is allowed. Edges of other ways; and some whose names in the hub are taken."""
    for kind, (interface, part) in list(TARGETS.items())[:2]:
        await app.ask("apart", "sales", resource("sales", kind), "private-endpoint", interface, part)
    for kind in RULED:
        await app.ask("reports", "sales", resource("sales", kind), "service-endpoint", TARGETS[kind][0])
    await app.ask("mesh-a", "reports", "", "peering", "peering")
    await app.look()
    await _edges(app, "Active")


async def repair(land: Land, app: App) -> None:
    """A name that somebody deleted from the hub's zone is written again."""
    name = resource("sales", "Microsoft.Sql/servers").rpartition("/")[2]
    record = f"{zone('privatelink.database.windows.net')}/A/{name}"
    await land.delete(record, "2020-06-01")
    await app.look()
    assert land.arm.manager.store.find(record) is not None


async def examine(app: App) -> Iterable[str]:
    """What health and the doctor ask; the rights that the doctor finds missing or cannot tell."""
    await app.probe()
    found = await app.doctor.examine()
    return [f"{t.code} {t.subject}" for t in found.troubles if t.area == "rights" and t.severity != "note"]


async def part(land: Land, app: App) -> None:
    """Every edge is revoked, every node leaves."""
    for edge in await app.edges():
        await app.parts.desk.revoke(ANNE, edge.key, "done")
    await app.until_quiet()
    await _edges(app, "Revoked")
    await land.untag(NAMES)
    await app.look()
    await _all(app, "Offboarded")


async def _all(app: App, state: str) -> None:
    others = {n: (r.state, r.conditions) for n in NAMES if (r := await app.node(n)).state != state}
    assert not others, f"nodes that are not {state}: {others}"


async def _edges(app: App, state: str) -> None:
    others = {e.request.target: (e.state, e.conditions) for e in await app.edges() if e.state != state}
    assert not others, f"edges that are not {state}: {others}"
