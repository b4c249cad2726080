"""What people do to their cloud, within what Azure lets them: each act answers the event that Azure would raise."""

from shared.domain.diagnostics import DiagnosticSetting, Selection
from shared.domain.errors import MeshError
from shared.domain.ids import NodeKey, name_of, normal_id
from shared.domain.network import PeeringFlags
from shared.reconcile.intake import ResourceEvent
from tests.fakes import Cloud, peering_rules, setting_rules
from tests.fakes.state import Network, Side
from tests.support.mesh import HUB_NETWORK, SUBSCRIPTION, TAGS, WORKSPACE, vault_of

NAMES = ("sales", "stock", "plant")
TAGGINGS: tuple[dict[str, str], ...] = (
    TAGS,
    {},
    {"Mesh-Node": "stock", "mesh-owner": "someone@example.com"},
    {},
    {**TAGS, "mesh-network": "hbu"},
    {**TAGS, "mesh-network": "none"},
    {**TAGS, "mesh-node": "<script>"},
    {**TAGS, "mesh-telemetry": "everything"},
)
THIRD_GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/elsewhere"
THIRD_NETWORK = f"{THIRD_GROUP}/providers/Microsoft.Network/virtualNetworks/third"
THIRD_PREFIX = "10.99.0.0/16"
OTHER_WORKSPACE = f"{THIRD_GROUP}/providers/Microsoft.OperationalInsights/workspaces/theirs"
# What the vault's settings of other people send; none of these lists every log by name, see `edit_setting`.
SELECTIONS = (
    Selection(logs=frozenset({"AuditEvent"})),
    Selection(metrics=frozenset({"AllMetrics"})),
    Selection(groups=frozenset({"allLogs"})),
    Selection(groups=frozenset({"allLogs"}), metrics=frozenset({"AllMetrics"})),
)


class People:
    """Acts return None where Azure refuses them or there is nothing to act upon."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        cloud.create_group(NodeKey.of(SUBSCRIPTION, "elsewhere"))
        cloud.create_network(THIRD_NETWORK, THIRD_PREFIX)

    def create_group(self, key: NodeKey, choice: int) -> ResourceEvent | None:
        if key in self.cloud.groups:
            return None
        self.cloud.create_group(key, TAGGINGS[choice % len(TAGGINGS)])
        return _group_event(key, "write")

    def complete(self, key: NodeKey, choice: int) -> ResourceEvent | None:
        """A group with a network and two vaults, tagged."""
        event = self.create_group(key, 0)
        if event:
            self.add_network(key, 0)
            for vault in range(2):
                self.add_resource(key, vault)
        return event

    def begin_deleting(self, key: NodeKey, choice: int) -> ResourceEvent | None:
        if key not in self.cloud.groups:
            return None
        self.cloud.begin_deleting_group(key)
        return _group_event(key, "delete")

    def delete_group(self, key: NodeKey, choice: int) -> ResourceEvent | None:
        if key not in self.cloud.groups:
            return None
        self.cloud.delete_group(key)
        return _group_event(key, "delete")

    def tag(self, key: NodeKey, choice: int) -> ResourceEvent | None:
        if self._closed(key):
            return None
        self.cloud.tag(key, TAGGINGS[choice % len(TAGGINGS)])
        return ResourceEvent(key.group_id, "Microsoft.Resources/tags/write")

    # --- resources

    def add_resource(self, key: NodeKey, choice: int) -> ResourceEvent | None:
        if self._closed(key):
            return None
        types = ("Microsoft.KeyVault/vaults", "Microsoft.DataFactory/factories", "Microsoft.Compute/disks")
        resource = f"{key.group_id}/providers/{types[choice // 2 % 3]}/{key.group}-{'ab'[choice % 2]}"
        if self.cloud.exists(resource):
            return None
        self._forget_settings(resource)
        self.cloud.create_resource(resource)
        return ResourceEvent(resource, "write")

    def replace_resource(self, key: NodeKey, choice: int) -> ResourceEvent | None:
        """Deleted and made again under its id, so that its settings apply again."""
        resource = vault_of(key, "ab"[choice % 2])
        if self._closed(key) or not self.cloud.exists(resource):
            return None
        self.cloud.delete_resource(resource)
        self.cloud.create_resource(resource)
        return ResourceEvent(resource, "write")

    def _forget_settings(self, resource: str) -> None:
        """The settings of a resource that was deleted long ago do not apply again.

        In Azure they may: in a group that stopped being a node before, only an event tells the mesh of it, and these
        histories lose events (`test_attacks.py` shows it with the event).
        """
        self.cloud.settings.pop(normal_id(resource), None)

    def delete_resource(self, key: NodeKey, choice: int) -> ResourceEvent | None:
        found = sorted(r for r in self.cloud.resources if NodeKey.containing(r) == key)
        if not found or self._closed(key):
            return None
        resource = found[choice % len(found)]
        self.cloud.delete_resource(resource)
        return ResourceEvent(resource, "delete")

    # --- diagnostic settings

    def delete_setting(self, key: NodeKey, choice: int) -> ResourceEvent | None:
        settings = self._settings(key)
        if not settings:
            return None
        resource, name = settings[choice % len(settings)]
        self.cloud.delete_setting(resource, name)
        return _setting_event(resource, name, "delete")

    def edit_setting(self, key: NodeKey, choice: int) -> ResourceEvent | None:
        """Somebody narrows or repoints a setting that the mesh made."""
        mine = [r for r, name in self._settings(key) if name == "meshplane" and "vaults" in r]
        if not mine:
            return None
        resource = mine[choice % len(mine)]
        workspace = OTHER_WORKSPACE if choice % 3 == 2 else WORKSPACE
        return self._put(resource, DiagnosticSetting("meshplane", SELECTIONS[choice % 2], workspace))

    def add_setting(self, key: NodeKey, choice: int) -> ResourceEvent | None:
        """Somebody else's setting, to the mesh's workspace or to theirs."""
        resource = vault_of(key, "ab"[choice % 2])
        workspace = OTHER_WORKSPACE if choice % 3 == 2 else WORKSPACE
        name = f"theirs-{choice % 6}"
        return self._put(resource, DiagnosticSetting(name, SELECTIONS[choice // 3 % 4], workspace))

    def _put(self, resource: str, setting: DiagnosticSetting) -> ResourceEvent | None:
        key = NodeKey.containing(resource)
        if not self.cloud.exists(resource) or key is None or self._closed(key):
            return None
        try:
            existing = tuple(self.cloud.settings.get(normal_id(resource), {}).values())
            setting_rules.check(resource, setting, existing)
        except MeshError:
            return None
        self.cloud.add_setting(resource, setting)
        return _setting_event(resource, setting.name, "write")

    # --- networks

    def add_network(self, key: NodeKey, choice: int) -> ResourceEvent | None:
        network = self._network_id(key, choice)
        if self._closed(key) or self.cloud.exists(network):
            return None
        self._forget_settings(network)
        self.cloud.create_network(network, _prefix(key, choice))
        return ResourceEvent(network, "write")

    def resize(self, key: NodeKey, choice: int) -> ResourceEvent | None:
        """Changes an address space; Azure refuses one that overlaps where the network is peered."""
        network = self.cloud.networks.get(normal_id(self._network_id(key, choice)))
        prefix = _prefix(key, choice)
        peered = network and (network.sides or self._hub.side_to(network.id))
        if network is None or (peered and choice % 6 > 3):
            return None
        more = (prefix.replace(".0.0/16", ".0.0/17"),) if choice % 3 == 1 else (prefix,)
        self.cloud.resize_network(network.id, *more)
        return ResourceEvent(network.id, "write")

    def resize_hub(self, key: NodeKey, choice: int) -> ResourceEvent | None:
        more = ("10.200.0.0/16",) if choice % 2 else ()
        self.cloud.resize_network(HUB_NETWORK, "10.0.0.0/16", *more)
        return ResourceEvent(HUB_NETWORK, "write")

    def delete_peering(self, key: NodeKey, choice: int) -> ResourceEvent | None:
        side = self._side(key, choice)
        if side is None:
            return None
        self.cloud.delete_peering(side.id)
        return ResourceEvent(side.id, "delete")

    def edit_peering(self, key: NodeKey, choice: int) -> ResourceEvent | None:
        side = self._side(key, choice)
        if side is None or not name_of(side.id).startswith("meshplane-"):
            return None
        side.flags = PeeringFlags(allow_virtual_network_access=False)
        return ResourceEvent(side.id, "write")

    def add_peering(self, key: NodeKey, choice: int) -> ResourceEvent | None:
        """Somebody else's peering: between a node and the hub, or from the hub to a third network."""
        network = self.cloud.networks.get(normal_id(self._network_id(key, choice)))
        third = self.cloud.networks[THIRD_NETWORK.lower()]
        pairs = [(self._hub, third), (third, self._hub)]
        pairs += [(network, self._hub), (self._hub, network)] if network else []
        local, remote = pairs[choice // 2 % len(pairs)]
        peering = f"{local.id}/virtualNetworkPeerings/theirs-{name_of(remote.id)}"
        flags = PeeringFlags()
        try:
            peering_rules.check(self.cloud, local, peering, remote.id, flags)
        except MeshError:
            return None
        side = peering_rules.begin(local, remote, peering, flags, sync=True)
        peering_rules.finish(self.cloud, side, flags)
        return ResourceEvent(peering, "write")

    # --- what is there

    @property
    def _hub(self) -> Network:
        return self.cloud.networks[HUB_NETWORK.lower()]

    def _closed(self, key: NodeKey) -> bool:
        group = self.cloud.groups.get(key)
        return group is None or group.deleting

    def _settings(self, key: NodeKey) -> list[tuple[str, str]]:
        return sorted(
            (resource, name)
            for resource, settings in self.cloud.settings.items()
            for name in settings
            if NodeKey.containing(resource) == key and self.cloud.exists(resource)
        )

    def _side(self, key: NodeKey, choice: int) -> Side | None:
        own = [n for n in self.cloud.networks.values() if NodeKey.containing(n.id) == key]
        sides = [s for n in own for s in n.sides.values()]
        sides += [
            s
            for s in self._hub.sides.values()
            if NodeKey.containing(s.remote) == key or normal_id(s.remote) == THIRD_NETWORK.lower()
        ]
        sides.sort(key=lambda s: normal_id(s.id))
        return sides[choice % len(sides)] if sides else None

    def _network_id(self, key: NodeKey, choice: int) -> str:
        return f"{key.group_id}/providers/Microsoft.Network/virtualNetworks/net-{choice % 2}"


def _prefix(key: NodeKey, choice: int) -> str:
    """Of the node's own; of the hub or of the third network for some choices."""
    number = NAMES.index(key.group)
    if choice % 6 == 4:
        return "10.0.128.0/20"
    if choice % 6 == 5:
        return f"10.99.{16 * number}.0/20"
    return f"10.{10 + 10 * number + choice % 2}.0.0/16"


def _group_event(key: NodeKey, verb: str) -> ResourceEvent:
    return ResourceEvent(key.group_id, f"Microsoft.Resources/subscriptions/resourceGroups/{verb}")


def _setting_event(resource: str, name: str, verb: str) -> ResourceEvent:
    setting = f"{resource}/providers/Microsoft.Insights/diagnosticSettings/{name}"
    return ResourceEvent(setting, f"Microsoft.Insights/diagnosticSettings/{verb}")
