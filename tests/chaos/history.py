"""A random history of what people do to one group, and the state that it has to end in."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

from local.caller import Json, RequestFailed
from tests.e2e.mesh import GROUPS, NETWORKS, SETTING, VAULTS, WORKSPACES, Mesh, wait_for

FAULTS: tuple[Json, ...] = (
    {"status": 500},
    {"status": 503, "code": "ServiceUnavailable", "times": 2},
    {"status": 409, "code": "AnotherOperationInProgress"},
    {"status": 429, "code": "SubscriptionRequestsThrottled", "headers": {"Retry-After": "1"}},
    {"status": 403, "code": "AuthorizationFailed"},
    {"drop": "before"},
    {"drop": "after"},
    {"delay": 3},
    {"fail_operation": True, "code": "InternalServerError"},
)


@dataclass
class History:
    """Acts on one group as its seed says, and remembers what of it must matter in the end."""

    mesh: Mesh
    seed: int
    tagged: bool = False
    networked: bool = False
    vaults: set[int] = field(default_factory=set)
    theirs: set[int] = field(default_factory=set)
    acts: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.group = f"chaos-{self.seed}"
        self.random = random.Random(self.seed)
        self._made = 0

    def live(self, length: int) -> None:
        """A node is made, `length` things happen to it, and it ends as a node, as none, or gone and made anew."""
        self._make()
        for _ in range(length):
            self._meet_fault()
            act = self.random.choice(self._choices())
            self.acts.append(act.__name__)
            # What Meshplane or Azure is doing at the moment may be in the way of a person; they leave it.
            try:
                act()
            except RequestFailed as error:
                self.acts.append(f"refused: {str(error)[-120:]}")
            # Time for the mesh to be in the middle of something, or through with it.
            time.sleep(self.random.uniform(0.1, 2.5))
        (self.tag if self.random.random() < 0.7 else self.untag)()

    def expected(self) -> Json:
        """What Azure holds for the group once all is calm: settings by resource, and the states of both sides."""
        ours = ["meshplane"] if self.tagged else []
        settings = {
            self.mesh.vault_id(self.group, n): sorted([*ours, *(["theirs"] if n in self.theirs else [])])
            for n in sorted(self.vaults)
        }
        if self.networked:
            settings[self.mesh.network_id(self.group)] = ours
        sides = [["Connected", "FullyInSync"]] * 2 if self.tagged and self.networked else []
        return {"settings": settings, "sides": sides}

    def observed(self) -> Json:
        """What Azure holds for the group now."""
        states = [cast(Json, side["properties"]) for side in self.mesh.sides(self.group)]
        return {
            "settings": {r: sorted(str(s["name"]) for s in self.mesh.settings(r)) for r in self._resources()},
            "sides": [[s["peeringState"], s["peeringSyncLevel"]] for s in states],
        }

    # --- what people do

    def tag(self) -> None:
        self.mesh.tag(self.group, "Replace", mesh_node=self.group)
        self.tagged = True

    def untag(self) -> None:
        self.mesh.tag(self.group, "Replace", team="ours")
        self.tagged = False

    def mistype(self) -> None:
        self.mesh.tag(self.group, "Replace", mesh_node=self.group, mesh_network="hbu")
        self.tagged = True

    def add_vault(self) -> None:
        number = self._made
        self._made += 1
        self.mesh.create_vault(self.group, number)
        self.vaults.add(number)

    def remove_vault(self) -> None:
        if self.vaults:
            number = self.random.choice(sorted(self.vaults))
            self.mesh.delete(self.mesh.vault_id(self.group, number), VAULTS)
            self.vaults.discard(number)

    def add_their_setting(self) -> None:
        if self.vaults:
            number = self.random.choice(sorted(self.vaults))
            own = (
                f"{self.mesh.group_id('mesh-hub')}/providers/Microsoft.OperationalInsights/workspaces/theirs"
            )
            self.mesh.arm("PUT", own, WORKSPACES, {"location": "westeurope", "properties": {}})
            log = {"category": "AuditEvent", "enabled": True}
            setting = self.mesh.setting_id(self.mesh.vault_id(self.group, number), "theirs")
            self.mesh.arm("PUT", setting, SETTING, {"properties": {"workspaceId": own, "logs": [log]}})
            self.theirs.add(number)

    def remove_our_setting(self) -> None:
        if resources := self._resources():
            self.mesh.delete(self.mesh.setting_id(self.random.choice(resources)), SETTING)

    def cut(self) -> None:
        sides = self.mesh.sides(self.group)
        if sides:
            self.mesh.delete(str(self.random.choice(sides)["id"]), NETWORKS)

    def readdress(self) -> None:
        self.mesh.create_network(self.group)
        self.networked = True

    def remove_network(self) -> None:
        self.mesh.delete(self.mesh.network_id(self.group), NETWORKS)
        self.networked = False

    def remove_and_make_anew(self) -> None:
        self.mesh.delete_group(self.group)
        wait_for("the group is gone", lambda: not self.mesh.exists(self.mesh.group_id(self.group), GROUPS))
        self.vaults.clear()
        self._make()

    def _resources(self) -> list[str]:
        vaults = [self.mesh.vault_id(self.group, n) for n in sorted(self.vaults)]
        return [*vaults, *([self.mesh.network_id(self.group)] if self.networked else [])]

    def _choices(self) -> list[Callable[[], None]]:
        often = [self.tag, self.add_vault, self.cut, self.remove_our_setting]
        seldom = [
            self.untag,
            self.mistype,
            self.remove_vault,
            self.add_their_setting,
            self.readdress,
            self.remove_network,
            self.remove_and_make_anew,
        ]
        return [*often, *often, *seldom]

    def _make(self) -> None:
        self.mesh.create(self.group, vaults=0)
        self.tagged = self.networked = True
        self.add_vault()

    def _meet_fault(self) -> None:
        if self.random.random() < 0.6:
            places = (f"/{self.group}/", f"/resourcegroups/{self.group}$", self.mesh.hub_prefix(self.group))
            fault = self.random.choice(FAULTS)
            self.mesh.inject({"path": self.random.choice(places)}, fault)
            self.acts.append(f"fault {fault}")
