"""A mesh in three subscriptions, of nodes, hubs and sinks: each role is needed where it is assigned, nowhere else."""

import json
from collections.abc import Sequence
from pathlib import Path

from local.arm.throttling import Limit, Limits
from shared.domain.exposure import EXPOSED
from tests.support.local_arm import NETWORK, RESOURCES, LocalArm

NODES = "b0000000-0000-4000-8000-000000000001"
HUBS = "b0000000-0000-4000-8000-000000000002"
SINKS = "b0000000-0000-4000-8000-000000000003"
SUBSCRIPTIONS = (NODES, HUBS, SINKS)
REGION = "westeurope"
_MANY = Limit(100_000, 10_000)
AMPLE = Limits(reads=_MANY, writes=_MANY, deletes=_MANY, network_writes=_MANY, network_reads=_MANY)
"""So much is left, as each answer says, that the product never waits for its quotas."""
ZONES = (
    "privatelink.blob.core.windows.net",
    "privatelink.vaultcore.azure.net",
    "privatelink.database.windows.net",
    "privatelink.servicebus.windows.net",
    "privatelink.sql.azuresynapse.net",
    "privatelink.datafactory.azure.net",
    "privatelink.azuredatabricks.net",
    "privatelink.documents.azure.com",
)
POLICY = """
name: closed
title: Nothing is public
description: So that the access of every type is read.
require: {kind: public-network-access, types: ["*"]}
mode: audit
remedy: Close it.
"""
MORE: dict[str, dict[str, object]] = {
    "microsoft.storage/storageaccounts": {"kind": "StorageV2", "sku": {"name": "Standard_LRS"}},
    "microsoft.eventhub/namespaces": {"sku": {"name": "Standard"}},
}


def group(name: str, subscription: str = NODES) -> str:
    return f"/subscriptions/{subscription}/resourceGroups/{name}"


def inside(name: str, relative: str, subscription: str = NODES) -> str:
    return f"{group(name, subscription)}/providers/{relative}"


def resource(name: str, kind: str) -> str:
    """The one of a type in a provider's group."""
    return inside(name, f"{kind}/{name}{kind[-4:].lower()}")


def network(name: str, subscription: str = NODES) -> str:
    return inside(name, f"Microsoft.Network/virtualNetworks/{name}", subscription)


def hub_network(name: str) -> str:
    return network(name, HUBS)


def zone(name: str) -> str:
    return inside("names", f"Microsoft.Network/privateDnsZones/{name}", HUBS)


def settings(folder: Path) -> dict[str, str]:
    """`folder` is where the policy is put."""
    (folder / "closed.yaml").write_text(POLICY)
    workspace = inside("sinks", "Microsoft.OperationalInsights/workspaces/logs", SINKS)
    rule = "Microsoft.EventHub/namespaces/stream/authorizationRules/RootManageSharedAccessKey"
    hubs: list[dict[str, object]] = [
        {"id": "east", "network": hub_network("east"), "peers": ["west"], "pools": ["10.64.0.0/16"]},
        {"id": "west", "network": hub_network("west"), "region": "northeurope"},
    ]
    zones = [zone(name) for name in ZONES]
    sinks = [
        {"kind": "event-hub", "id": inside("sinks", rule, SINKS), "hub": "telemetry", "region": REGION},
        {
            "kind": "storage",
            "id": inside("sinks", "Microsoft.Storage/storageAccounts/keep", SINKS),
            "region": REGION,
        },
    ]
    return {
        "MESH_SUBSCRIPTIONS": NODES,
        "MESH_HUBS": json.dumps([{**hub, "workspace": workspace, "zones": zones} for hub in hubs]),
        "MESH_SINKS": json.dumps(sinks),
        "MESH_POLICIES": str(folder),
        "MESH_ANYONE_ASKS": "true",
        "MESH_APPROVAL_RULES": json.dumps([{"name": "everything", "ruling": "accept"}]),
    }


class Land:
    """What people do, who own everything."""

    def __init__(self, arm: LocalArm) -> None:
        self.arm = arm

    async def put(self, path: str, body: object, version: str = NETWORK) -> None:
        made = await self.arm.call("PUT", path, body, version=version)
        assert made.status in (200, 201, 202), (path, made)

    async def delete(self, path: str, version: str = NETWORK) -> None:
        gone = await self.arm.call("DELETE", path, version=version)
        assert gone.status in (200, 202, 204), (path, gone)

    async def group(self, path: str, **tags: str) -> None:
        named = {name.replace("_", "-"): value for name, value in tags.items()}
        await self.put(path, {"location": REGION, "tags": named}, RESOURCES)

    async def make(self, path: str, **more: object) -> None:
        kind = "/".join(path.rpartition("/providers/")[2].split("/")[:2]).lower()
        await self.put(path, {"location": REGION, "properties": {}, **MORE.get(kind, {}), **more})

    async def network(
        self, path: str, prefix: str, *subnets: dict[str, object], region: str = REGION
    ) -> None:
        space = {"addressSpace": {"addressPrefixes": [prefix]}, "subnets": list(subnets)}
        await self.put(path, {"location": region, "properties": space})

    async def hubs(self) -> None:
        """Two hubs that are peers, zones, and sinks."""
        for number, name in enumerate(("east", "west")):
            await self.group(group(name, HUBS))
            await self.network(hub_network(name), f"10.{number}.0.0/16")
        await self.group(group("names", HUBS))
        for name in ZONES:
            await self.put(zone(name), {"location": "global"}, "2020-06-01")
        await self.group(group("sinks", SINKS))
        for kind in (
            "OperationalInsights/workspaces/logs",
            "EventHub/namespaces/stream",
            "Storage/storageAccounts/keep",
        ):
            await self.make(inside("sinks", f"Microsoft.{kind}", SINKS))

    async def provider(self, name: str) -> None:
        """A node with a resource of each type whose access is judged, and with what is inside some of them."""
        await self.group(group(name), mesh_node=name, mesh_telemetry="all")
        await self.network(network(name), "10.2.0.0/24", subnet("workload", "10.2.0.0/26"))
        for exposed in EXPOSED.values():
            await self.make(resource(name, exposed.name))
        for kind, child in (
            ("Microsoft.Sql/servers", "databases"),
            ("Microsoft.Sql/managedInstances", "databases"),
            ("Microsoft.Synapse/workspaces", "sqlPools"),
            ("Microsoft.Synapse/workspaces", "bigDataPools"),
            ("Microsoft.Web/sites", "slots"),
        ):
            await self.make(f"{resource(name, kind)}/{child}/one")

    async def consumer(self, name: str, prefix: str, option: str = "hub") -> None:
        """A node with a network whose first subnet refers to a security group, a route table and a NAT gateway."""
        await self.group(group(name), mesh_node=name, mesh_network=option)
        refers: dict[str, object] = {}
        for part, type_ in (
            ("networkSecurityGroup", "networkSecurityGroups"),
            ("routeTable", "routeTables"),
            ("natGateway", "natGateways"),
        ):
            guard = inside(name, f"Microsoft.Network/{type_}/{name}")
            refers[part] = {"id": guard}
            await self.make(guard)
        first, second = f"{prefix}.0/26", f"{prefix}.64/26"
        await self.network(
            network(name),
            f"{prefix}.0/24",
            subnet("workload", first, **refers),
            subnet("private-endpoints", second),
        )

    async def untag(self, names: Sequence[str]) -> None:
        for name in names:
            await self.group(group(name))


def subnet(name: str, prefix: str, **more: object) -> dict[str, object]:
    return {"name": name, "properties": {"addressPrefix": prefix, **more}}
