"""A mesh with two hubs, private zones and address pools, and a probe that sees whether nodes are ever cut off."""

from collections.abc import Callable

import msgspec

from shared.domain.ids import NodeKey, same_id
from shared.domain.mesh import Mesh
from shared.domain.network import Hub
from shared.domain.node import NodeRecord
from tests.fakes import Cloud
from tests.fakes.state import Network
from tests.support.mesh import HUB_GROUP, HUB_NETWORK, SUBSCRIPTION, TAGS, WORKSPACE, InMemoryMesh, network_of

ZONE = f"{HUB_GROUP}/providers/Microsoft.Network/privateDnsZones/privatelink.vaultcore.azure.net"
SECOND_ZONE = ZONE.replace("/resourceGroups/hub/", "/resourceGroups/hub2/")
SECOND_NETWORK = HUB_NETWORK.replace("/virtualNetworks/hub", "/virtualNetworks/hub-b")
SECOND_WORKSPACE = WORKSPACE.replace("/logs", "/logs-b")
FIRST = Hub("hub", HUB_NETWORK, WORKSPACE, zones=(ZONE,), pools=("10.64.0.0/16",))
SECOND = Hub("hub-b", SECOND_NETWORK, SECOND_WORKSPACE, zones=(ZONE,), pools=("10.65.0.0/16",))


class Plane(InMemoryMesh):
    """Two hubs in one region, and nodes whose network option may be changed."""

    def __init__(
        self, *, operation_seconds: float = 0.0, first: Hub = FIRST, second: Hub = SECOND, full_mesh: int = 10
    ) -> None:
        cloud = Cloud()
        for group in ("hub", "hub2"):
            cloud.create_group(NodeKey.of(SUBSCRIPTION, group))
        cloud.create_network(HUB_NETWORK, "10.0.0.0/16", gateway=first.gateway)
        cloud.create_network(SECOND_NETWORK, "10.250.0.0/16", gateway=second.gateway)
        for workspace in (WORKSPACE, SECOND_WORKSPACE):
            cloud.create_resource(workspace)
        for zone in (ZONE, SECOND_ZONE):
            cloud.create_resource(zone)
            cloud.create_zone(zone)
        mesh = Mesh("meshplane", (first, second), (SUBSCRIPTION,), full_mesh=full_mesh)
        super().__init__(operation_seconds=operation_seconds, cloud=cloud, mesh=mesh)

    def configure(self, *hubs: Hub, **changes: object) -> None:
        """A new process with other settings."""
        self.mesh = msgspec.structs.replace(self.mesh, hubs=hubs or self.mesh.hubs, **changes)
        self.restart()

    async def onboard(self, option: str, name: str = "sales", prefix: str = "10.1.0.0/16") -> NodeKey:
        key = self.create_node(name, prefix, {**TAGS, "mesh-network": option})
        await self.look(key)
        return key

    async def switch(self, key: NodeKey, option: str, **tags: str) -> NodeRecord:
        more = {name.replace("_", "-"): value for name, value in tags.items()}
        self.cloud.tag(key, {**TAGS, "mesh-network": option, **more})
        return await self.look(key)

    async def look(self, key: NodeKey) -> NodeRecord:
        await self.event(key.group_id)
        await self.until_quiet()
        return await self.record(key)

    # --- what Azure holds

    def network(self, network_id: str) -> Network:
        return self.cloud.networks[network_id.lower()]

    def remotes(self, key: NodeKey) -> set[str]:
        """The names of the networks that a node's network is peered with."""
        return self.remotes_of(network_of(key))

    def remotes_of(self, network_id: str) -> set[str]:
        return {s.remote.rsplit("/", 1)[-1] for s in self.network(network_id).sides.values()}

    def linked(self, key: NodeKey) -> list[str]:
        """The zones that a node's network is linked to."""
        return [
            zone.id
            for zone in self.cloud.zones.values()
            for link in zone.links.values()
            if same_id(link.network, network_of(key))
        ]

    def passes(self, one: str, other: str, *, closed: bool | None = False) -> bool:
        """Whether a pair is Connected; open on both sides, `closed` on both, or (None) either."""
        sides = self.network(one).side_to(other), self.network(other).side_to(one)
        return all(
            s is not None
            and s.state == "Connected"
            and (closed is None or s.flags.allow_virtual_network_access is not closed)
            for s in sides
        )

    def connected(self, key: NodeKey, option: str, *, loosely: bool = False) -> bool:
        """Whether a node has what its option stands for; `loosely` where flags are on their way."""
        network = network_of(key)
        if option in ("hub", "sandbox"):
            closed = None if loosely else option == "sandbox"
            return any(self.passes(network, h.network, closed=closed) for h in self.mesh.hubs)
        if option == "mesh":
            others = [m for m in self.rosters.rosters.get("mesh", ()) if m.key != key]
            return bool(others) and all(self.passes(network, n) for m in others for n in m.networks)
        return option == "none" or bool(self.linked(key))

    def always(self, holds: Callable[[], bool]) -> list[int]:
        """Watches the cloud at every call from now on; the answer lists the calls at which something did not hold."""
        broken: list[int] = []
        real = self.arm._call

        async def call(name: str, *, write: bool = False) -> object:
            going = await real(name, write=write)
            if not holds():
                broken.append(len(self.arm.calls))
            return going

        self.arm._call = call  # type: ignore[method-assign,assignment]
        return broken


def reason(record: NodeRecord, kind: str = "Ready") -> tuple[str, str]:
    return next((c.status, c.reason) for c in record.conditions if c.type == kind)


def writes(mesh: InMemoryMesh) -> list[str]:
    return [c for c in mesh.arm.calls if c.startswith(("put", "delete")) and "diagnostic" not in c]


def reads(mesh: InMemoryMesh) -> list[str]:
    return [c for c in mesh.arm.calls if c.startswith(("get", "list")) and "diagnostic" not in c]
