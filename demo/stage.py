"""What every scene of the demo works with, and what is kept of each node for the table at the end."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec

from demo.api import MeshApi, Node
from demo.azure import Azure
from demo.edges import Edge, EdgeApi
from demo.receiver import Receiver
from demo.stack import MeshStack
from demo.telemetry_api import Silence, TelemetryApi
from demo.watch import Watch
from demo.world import Team

APP = "app"  # the name of the principal that Meshplane runs as


class Request(msgspec.Struct, frozen=True):
    """One request that the local Resource Manager received."""

    number: int
    principal: str
    method: str
    path: str
    kind: str


@dataclass(frozen=True, slots=True)
class Moment:
    """Now, on the calendar's clock and on the monotonic one."""

    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    monotonic: float = field(default_factory=time.monotonic)


@dataclass(slots=True)
class Stage:
    """`tagged` is when a group was tagged, `onboarded` the node as it was once it had settled.

    `edges` are those that were asked for, by what they are called here, as they were once they were Active.
    `broken` is when a peering went over which a worker was killed, `sent` when telemetry had arrived, `silence` what
    was to be quiet.
    """

    stack: MeshStack
    azure: Azure
    api: MeshApi
    watch: Watch
    receiver: Receiver
    tagged: dict[str, Moment] = field(default_factory=dict)
    onboarded: dict[str, Node] = field(default_factory=dict)
    edges: dict[str, Edge] = field(default_factory=dict)
    broken: Moment | None = None
    sent: Moment | None = None
    silence: Silence | None = None

    @property
    def subscription(self) -> str:
        return self.stack.subscription

    def tag(self, team: Team) -> None:
        """A team tags its group: from here on it is to be a node."""
        tags = ", ".join(f"{name}={value}" for name, value in team.tags.items())
        self.watch.did(f"{team.group} is tagged {tags}")
        self.tagged[team.group] = Moment()
        self.azure.tag(team.group, team.tags)

    def keep(self, group: str) -> None:
        """Remembers a node as it is now. Raises ApiFailed."""
        node = self.api.node(group)
        if node is not None:
            self.onboarded[group] = node

    @property
    def telemetry_api(self) -> TelemetryApi:
        return TelemetryApi(self.api, self.subscription)

    @property
    def edge_api(self) -> EdgeApi:
        return EdgeApi(self.api)

    def requests_since(self, number: int) -> list[Request]:
        """What Resource Manager received after the request of that number; 0 for all."""
        answer = self.stack.azure.control("GET", f"/operations?since={number}")
        return msgspec.convert(answer["value"], list[Request])

    def control(self, method: str, path: str, body: object = None) -> Mapping[str, object]:
        """A request to the control endpoint of the local Azure."""
        return self.stack.azure.control(method, path, body)
