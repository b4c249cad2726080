"""Azure as people use it, and what tests do to it, beside a running app."""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property
from itertools import count
from threading import Lock
from typing import cast

from demo.stack import REGION
from local.caller import Answer, Caller, Json, RequestFailed
from local.stack import LocalAzure
from shared.domain.ids import NodeKey
from shared.domain.naming import hub_peering_prefix
from tests.e2e.hubs import EDGE_ZONES, GROUP, HUB, PLACES, Place, hub_id, workspace_id, zone_ids

# How long a test waits before it calls something stuck: no claim about how fast anything is.
PATIENCE = 150.0
SECONDS_BETWEEN_LOOKS = 0.7
EVENT_DELAY = 1.0
GROUPS, NETWORKS, SETTING = "2021-04-01", "2023-09-01", "2021-05-01-preview"
# What people's tools try again: the network provider takes one write at a time on what belongs together.
BUSY = ("ReferencedResourceNotProvisioned", "AnotherOperationInProgress", "RetryableError")
IN_SYNC = [("Connected", "FullyInSync")] * 2
VAULTS, WORKSPACES, TAGS, ZONES = "2022-07-01", "2023-09-01", "2021-04-01", "2020-06-01"


def most_looks(few: int, began: float) -> int:
    """How often a group is looked at, at most, because of what came since `began` on the monotonic clock.

    Events of `EVENT_DELAY` seconds are one look: `few` where all came at once, more where sending them took longer.
    """
    return max(few, 2 + math.ceil((time.monotonic() - began) / EVENT_DELAY))


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


class Azure:
    """The local Azure: each test has resource groups of its own in it."""

    def __init__(self, azure: LocalAzure) -> None:
        self.azure = azure
        self._networks = count(1)
        self._lock = Lock()
        self._regions: dict[str, str] = {}
        self._seen = 0

    def region(self, group: str) -> str:
        return self._regions.get(group, REGION)

    @property
    def subscription(self) -> str:
        return self.azure.endpoints.subscriptions[0]

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
        self,
        group: str,
        tags: Mapping[str, str] | None = None,
        *,
        vaults: int = 1,
        network: bool = True,
        region: str = REGION,
    ) -> None:
        """A group with a network of its own addresses and some key vaults; tagged as a node unless said otherwise.

        Nodes without a network need not wait for each other at the hub.
        """
        wanted = {"mesh-node": group} if tags is None else tags
        self.create_group(group, region, wanted)
        for number in range(vaults):
            self.create_vault(group, number)
        if network:
            self.create_network(group)

    def create_group(self, group: str, region: str, tags: Mapping[str, str]) -> None:
        self._regions[group] = region
        self.arm("PUT", self.group_id(group), GROUPS, {"location": region, "tags": tags})

    def create_vault(self, group: str, number: int) -> None:
        properties = {"tenantId": self.azure.endpoints.tenant, "sku": {"family": "A", "name": "standard"}}
        body = {"location": self.region(group), "properties": properties}
        self.arm("PUT", self.vault_id(group, number), VAULTS, body)

    def create_network(self, group: str, prefix: str = "") -> str:
        """Puts the group's network with the address prefix, by default one that nobody else has."""
        with self._lock:
            number = next(self._networks)
        chosen = prefix or f"10.{1 + number // 256}.{number % 256}.0/24"
        self.put_network(self.network_id(group), chosen, self.region(group))
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

    def hub_peerings(self, group: str, place: Place = HUB) -> list[Json]:
        """The peerings on a hub that Meshplane made for a node."""
        found = self.peerings(hub_id(self.subscription, place))
        return [p for p in found if str(p["name"]).startswith(self.hub_prefix(group))]

    def hub_prefix(self, group: str) -> str:
        return hub_peering_prefix("meshplane", NodeKey.of(self.subscription, group))

    def sides(self, group: str, place: Place = HUB) -> list[Json]:
        """Both sides of a node's connection, as far as they are there: the node's first."""
        return [*self.peerings(self.network_id(group)), *self.hub_peerings(group, place)]

    def settings(self, resource: str) -> list[Json]:
        """The diagnostic settings of a resource."""
        path = f"{resource}/providers/Microsoft.Insights/diagnosticSettings?api-version={SETTING}"
        return cast(list[Json], self.operator.request("GET", path).body["value"])

    def setting_id(self, resource: str, name: str = "meshplane") -> str:
        return f"{resource}/providers/Microsoft.Insights/diagnosticSettings/{name}"

    def sync_states(self, group: str) -> list[tuple[object, object]]:
        """How both sides of a node's connection stand."""
        states = [properties_of(p) for p in self.sides(group)]
        return [(s["peeringState"], s["peeringSyncLevel"]) for s in states]

    def connected(self, group: str) -> bool:
        """Whether both sides are Connected and in sync."""
        return self.sync_states(group) == IN_SYNC

    def assert_attached(self, group: str) -> None:
        """Azure holds all that makes a node: both peerings in sync, one setting of ours on what supports it."""
        assert self.sync_states(group) == IN_SYNC
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

    @contextmanager
    def failing(self, path: str, *, method: str | None = None, **fault: object) -> Iterator[str]:
        """As `fault`, for every matching request of the block; the fault's id."""
        injected = self.fault(path, method=method, times=None, **fault)
        try:
            yield injected
        finally:
            self.control("DELETE", f"/faults/{injected}")

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

    def looks(self, since: int, group: str) -> list[Json]:
        """The app's reads of a group since a mark: each run begins with one."""
        path = self.group_id(group).lower()
        return [r for r in self.requests(since, group) if str(r["path"]).lower() == path]

    def written(self, since: int, group: str) -> list[str]:
        """The ids that the app wrote about a group since a mark; what Azure refused is left out."""
        return [
            str(r["path"])
            for r in self.requests(since, group, writes=True)
            if 200 <= cast(int, r["status"]) < 300
        ]

    def put_network(self, network: str, prefix: str, region: str = REGION) -> None:
        properties = {"addressSpace": {"addressPrefixes": [prefix]}}
        self.arm("PUT", network, NETWORKS, {"location": region, "properties": properties})

    # --- hubs

    def create_hubs(self) -> None:
        """Every hub that the settings name, with its workspace, and the zones that they share."""
        self.create_group(GROUP, REGION, {})
        for zone in zone_ids(self.subscription, EDGE_ZONES):
            self.arm("PUT", zone, ZONES, {"location": "global"})
        with ThreadPoolExecutor(len(PLACES)) as pool:
            list(pool.map(self._create_hub, PLACES))

    def _create_hub(self, place: Place) -> None:
        network = hub_id(self.subscription, place)
        self.put_network(network, place.prefix, place.region)
        self.arm(
            "PUT",
            workspace_id(self.subscription, place),
            WORKSPACES,
            {"location": place.region, "properties": {}},
        )
        if place.more.get("gateway"):
            self._create_gateway(network, place)

    def _create_gateway(self, network: str, place: Place) -> None:
        """What makes a network lend a gateway: one that lies in its GatewaySubnet."""
        provider = network.rsplit("/", 2)[0]
        address, subnet = f"{provider}/publicIPAddresses/{place.id}", f"{network}/subnets/GatewaySubnet"
        front = {"publicIPAllocationMethod": "Static"}
        self.arm(
            "PUT",
            address,
            NETWORKS,
            {"location": place.region, "sku": {"name": "Standard"}, "properties": front},
        )
        prefix = f"{place.prefix.rpartition('.0.0/')[0]}.255.0/27"
        self.arm("PUT", subnet, NETWORKS, {"properties": {"addressPrefix": prefix}})
        inside = {"subnet": {"id": subnet}, "publicIPAddress": {"id": address}}
        gateway = {
            "gatewayType": "Vpn",
            "vpnType": "RouteBased",
            "sku": {"name": "VpnGw1AZ", "tier": "VpnGw1AZ"},
            "ipConfigurations": [{"name": "c", "properties": inside}],
        }
        path = f"{provider}/virtualNetworkGateways/{place.id}"
        self.arm("PUT", path, NETWORKS, {"location": place.region, "properties": gateway})


def properties_of(document: Json) -> Json:
    """The `properties` of a resource."""
    return cast(Json, document["properties"])
