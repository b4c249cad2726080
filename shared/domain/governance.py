"""Governance as data: policies, where they apply, and how a node stands towards each. Pure.

A policy says what every node that it applies to has to be like. All that apply count: a domain's policies come on top
of the mesh's and never take one's place, so that a domain can only tighten.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Literal

import msgspec

from shared.domain.sinks import SinkKind

type Mode = Literal["audit", "enforce"]
type Weight = Literal["warning", "error", "critical"]
type Verdict = Literal["compliant", "violating", "exempt", "unknown"]
VERDICTS: tuple[Verdict, ...] = ("violating", "unknown", "exempt", "compliant")
"""The worst first."""

GOVERNED = "Governed"
"""Shown only by a node that a policy applies to."""
POLICY_VIOLATED = "PolicyViolated"


class _Requirement(msgspec.Struct, frozen=True, tag_field="kind"):
    """What a node has to be like."""


class AllowedRegions(_Requirement, frozen=True, tag="allowed-regions"):
    """The group and all that is in it lie in one of these regions, or in none (`global`)."""

    regions: tuple[str, ...]


class RequiredTags(_Requirement, frozen=True, tag="required-tags"):
    """The group has these tags, each with a value that one of its patterns fits."""

    tags: Mapping[str, tuple[str, ...]]


class PublicNetworkAccess(_Requirement, frozen=True, tag="public-network-access"):
    """Resources of the types are not reachable from public networks; no types stand for all that are known.

    With `selected_networks` a firewall that lets only named networks and addresses in is enough.
    """

    types: tuple[str, ...] = ("*",)
    selected_networks: bool = False


class TelemetryCoverage(_Requirement, frozen=True, tag="telemetry-coverage"):
    """Of the resources that have diagnostics, this share in percent reports all it is to, by kind of sink."""

    least: Mapping[SinkKind, float]


class AllowedNetworkOptions(_Requirement, frozen=True, tag="allowed-network-options"):
    """The node has chosen one of these with `mesh-network`."""

    options: tuple[str, ...]


class AllowedResourceTypes(_Requirement, frozen=True, tag="allowed-resource-types"):
    """All that is in the group is of one of these types, in which `*` stands for any run of characters."""

    types: tuple[str, ...]


type Requirement = (
    AllowedRegions
    | RequiredTags
    | PublicNetworkAccess
    | TelemetryCoverage
    | AllowedNetworkOptions
    | AllowedResourceTypes
)
KINDS: dict[type[_Requirement], str] = {
    AllowedRegions: "allowed-regions",
    RequiredTags: "required-tags",
    PublicNetworkAccess: "public-network-access",
    TelemetryCoverage: "telemetry-coverage",
    AllowedNetworkOptions: "allowed-network-options",
    AllowedResourceTypes: "allowed-resource-types",
}


class Scope(msgspec.Struct, frozen=True):
    """Which nodes: of each that is given one pattern has to fit. `nodes` are groups, or `<subscription>/<group>`."""

    domains: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()
    tags: Mapping[str, tuple[str, ...]] = {}


class Exemption(msgspec.Struct, frozen=True):
    """Nodes for which a policy does not count until the end of a day (UTC), and why."""

    nodes: tuple[str, ...]
    until: date
    reason: str


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """One policy. `domain` is whose it is, empty for the mesh's; `source` the file and line that it was read from."""

    name: str
    title: str
    require: Requirement
    mode: Mode = "audit"
    severity: Weight = "warning"
    domain: str = ""
    applies: Scope = Scope()
    exemptions: tuple[Exemption, ...] = ()
    remedy: str = ""
    description: str = ""
    source: str = ""

    @property
    def kind(self) -> str:
        """The word by which files name what it requires."""
        return KINDS[type(self.require)]


class Policies(msgspec.Struct, frozen=True):
    """All that can be used, the mesh's first; `faults` are why others cannot, with file and line."""

    items: tuple[Policy, ...] = ()
    faults: tuple[str, ...] = ()


NO_POLICIES = Policies()


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How a node stands towards one policy, that is towards all of that name which apply.

    `findings` counts what speaks against it, `resources` are the first of those concerned. `until` is the day on
    which an exemption ends. `since` is when the verdict became what it is. `kept` says that the policy cannot be read
    at present and the verdict is the last that was known. `given_by` are the domains whose policies of that name say
    so, in lower case; the empty one is the mesh's.
    """

    policy: str
    verdict: Verdict
    mode: Mode
    severity: Weight = "warning"
    message: str = ""
    resources: tuple[str, ...] = ()
    findings: int = 0
    until: date | None = None
    since: datetime | None = None
    kept: bool = False
    given_by: tuple[str, ...] = ()

    @property
    def withholds(self) -> bool:
        """Whether the node is kept from being Ready, and from new edges."""
        return self.mode == "enforce" and self.verdict == "violating"
