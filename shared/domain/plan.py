"""Plans: the steps from what is to what should be, as data.

The same plan is what the dry run shows, what the tests check and what is performed.
"""

from datetime import datetime
from typing import ClassVar, Literal

import msgspec

from shared.domain.conditions import Finding
from shared.domain.diagnostics import DiagnosticSetting, Selection
from shared.domain.network import PeeringFlags
from shared.domain.steps import (
    EndpointStep,
    Method,
    RuleStep,
    SecurityGroupStep,
    VirtualNetworkStep,
    ZoneStep,
)


class PutPeering(msgspec.Struct, frozen=True, tag="PutPeering"):
    """Create or update one side of a peering; `sync` copies the remote's present address space.

    `most` is how many peerings its network takes, where so few are left that they are counted once more right before
    this one is made.
    """

    id: str
    remote_network: str
    flags: PeeringFlags
    why: str
    on_hub: str = ""  # the hub's id where this side lies on a hub: such writes are serialised
    sync: bool = False
    differences: tuple[str, ...] = ()
    most: int = 0
    method: ClassVar[Method] = "PUT"


class DeletePeering(msgspec.Struct, frozen=True, tag="DeletePeering"):
    """Delete one owned side of a peering."""

    id: str
    why: str
    on_hub: str = ""
    method: ClassVar[Method] = "DELETE"


MISSING = "missing"
"""Why a setting is written that was not there at all."""


class PutSetting(msgspec.Struct, frozen=True, tag="PutSetting"):
    """Create or replace an owned diagnostic setting of a resource; a sink that it does not use is empty."""

    resource: str
    name: str
    workspace: str
    selection: Selection
    why: str
    differences: tuple[str, ...] = ()
    event_hub_rule: str = ""
    event_hub: str = ""
    storage_account: str = ""
    method: ClassVar[Method] = "PUT"

    @property
    def setting(self) -> DiagnosticSetting:
        """The setting as it is to be."""
        return DiagnosticSetting(
            self.name,
            self.selection,
            self.workspace,
            self.event_hub_rule,
            self.event_hub,
            self.storage_account,
        )

    @property
    def id(self) -> str:
        """The setting's resource id."""
        return setting_id(self.resource, self.name)


class DeleteSetting(msgspec.Struct, frozen=True, tag="DeleteSetting"):
    """Delete an owned diagnostic setting of a resource."""

    resource: str
    name: str
    why: str
    method: ClassVar[Method] = "DELETE"

    @property
    def id(self) -> str:
        """The setting's resource id."""
        return setting_id(self.resource, self.name)


def setting_id(resource: str, name: str) -> str:
    """The resource id of a diagnostic setting."""
    return f"{resource}/providers/Microsoft.Insights/diagnosticSettings/{name}"


type NetworkStep = (
    PutPeering | DeletePeering | SecurityGroupStep | VirtualNetworkStep | ZoneStep | EndpointStep | RuleStep
)
type SettingStep = PutSetting | DeleteSetting
type Step = NetworkStep | SettingStep


class Plan(msgspec.Struct, frozen=True):
    """Network steps in order (one long operation at a time), settings in order by resource, and what is in the way."""

    network: tuple[NetworkStep, ...] = ()
    settings: tuple[SettingStep, ...] = ()
    findings: tuple[Finding, ...] = ()
    made_at: datetime | None = None
    generation: int = 0
    done: int = 0  # so many of the network steps are finished
    queued: int = (
        0  # so often in a row nothing but another node's writes to the hub kept the next step from starting
    )

    @property
    def empty(self) -> bool:
        """Whether nothing would be written."""
        return not (self.network or self.settings)

    @property
    def steps(self) -> tuple[Step, ...]:
        """Every step, network first."""
        return (*self.network, *self.settings)

    @property
    def hub(self) -> str:
        """The hub whose network the steps write, or change from the other side; empty where they write none."""
        hubs = (s.on_hub for s in self.network if isinstance(s, PutPeering | DeletePeering))
        return next((hub for hub in hubs if hub), "")

    @property
    def remaining(self) -> tuple[NetworkStep, ...]:
        """The network steps that are still to be performed."""
        return self.network[self.done :]


class Operation(msgspec.Struct, frozen=True):
    """A long operation that Resource Manager accepted, to be looked at again at `poll_at`."""

    url: str
    target: str
    started_at: datetime
    poll_at: datetime
    on_hub: str = ""


class OperationStatus(msgspec.Struct, frozen=True):
    """What Resource Manager said of an operation; `retry_after` in seconds where it is still running."""

    state: Literal["Running", "Succeeded", "Failed"]
    retry_after: float = 0.0
    code: str = ""
    message: str = ""


class Accepted(msgspec.Struct, frozen=True):
    """The answer to a network write: a polling URL where it is still running, none where it is done."""

    url: str = ""
    retry_after: float = 0.0
