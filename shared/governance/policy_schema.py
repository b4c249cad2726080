"""What a policy looks like as people write it, and the JSON Schema made of it.

These types are the one definition: `shared.governance.policy_files` reads YAML by them, and `policy.schema.json`, by
which editors complete, is generated from them. What they mean is told in `shared.domain.governance`.
"""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType, field

from shared.domain.governance import Mode, Weight
from shared.forms.schema import Form, Line, schema_of, text

SCHEMA_FILE = "policy.schema.json"

Name = Annotated[
    str,
    text(
        "a name such as regions-of-the-eu, of at most 64 characters",
        pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$",
        most=64,
    ),
]
Prose = Annotated[str, text("a text of 1 to 1000 characters", least=1, most=1000)]
Pattern = Annotated[
    str, text("a text of 1 to 256 characters, in which * stands for any others", least=1, most=256)
]
TagName = Annotated[str, text("a tag's name of 1 to 512 characters", least=1, most=512)]
Region = Annotated[str, text("a region such as westeurope", pattern=r"^[A-Za-z0-9][A-Za-z0-9 ]{1,63}$")]
Day = Annotated[
    str,
    Meta(
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
        extra={"what": "a day such as 2027-01-31", "plain": "timestamp"},
    ),
]
Share = Annotated[float, Meta(ge=0, le=100)]
_Some = Meta(min_length=1, max_length=100)
type Patterns = Pattern | Annotated[list[Pattern], _Some]
type Tags = Annotated[dict[TagName, Patterns], Meta(min_length=1, max_length=50)]
type Option = Literal["hub", "mesh", "endpoints", "sandbox", "none"]


class AllowedRegionsForm(Form, tag="allowed-regions", tag_field="kind"):
    """The group and all that is in it lie in one of these regions, or in none."""

    regions: Annotated[list[Region], _Some]


class RequiredTagsForm(Form, tag="required-tags", tag_field="kind"):
    """The group has these tags."""

    tags: Tags


class PublicNetworkAccessForm(Form, tag="public-network-access", tag_field="kind"):
    """Resources are not reachable from public networks."""

    types: Patterns | UnsetType = UNSET
    selected_networks: bool = False


class SharesForm(Form):
    """Shares in percent by kind of sink."""

    workspace: Share | UnsetType = UNSET
    event_hub: Share | UnsetType = UNSET
    storage: Share | UnsetType = UNSET


class TelemetryCoverageForm(Form, tag="telemetry-coverage", tag_field="kind"):
    """A share of the resources that have diagnostics reports all it is to."""

    least: SharesForm


class AllowedNetworkOptionsForm(Form, tag="allowed-network-options", tag_field="kind"):
    """The node has chosen one of these with mesh-network."""

    options: Annotated[list[Option], _Some]


class AllowedResourceTypesForm(Form, tag="allowed-resource-types", tag_field="kind"):
    """All that is in the group is of one of these types."""

    types: Annotated[list[Pattern], _Some]


type RequirementForm = (
    AllowedRegionsForm
    | RequiredTagsForm
    | PublicNetworkAccessForm
    | TelemetryCoverageForm
    | AllowedNetworkOptionsForm
    | AllowedResourceTypesForm
)


class ScopeForm(Form):
    """Which nodes: of each list that is given, one has to fit."""

    domains: Patterns | UnsetType = UNSET
    environments: Patterns | UnsetType = UNSET
    nodes: Patterns | UnsetType = UNSET
    tags: Tags | UnsetType = UNSET


class ExemptionForm(Form):
    """Nodes for which the policy does not count until the end of a day."""

    nodes: Patterns
    until: Day
    reason: Line


class PolicyForm(Form):
    """One policy: what is required of whom, and what follows where it is not so."""

    name: Name
    title: Line
    require: RequirementForm
    mode: Mode = "audit"
    severity: Weight = "warning"
    applies: ScopeForm | UnsetType = UNSET
    exemptions: Annotated[list[ExemptionForm], Meta(max_length=100)] = field(default_factory=list)
    remedy: Prose | UnsetType = UNSET
    description: Prose | UnsetType = UNSET


class PoliciesForm(Form):
    """A file of several policies."""

    policies: Annotated[list[PolicyForm], Meta(min_length=1, max_length=100)]


_TOLD: dict[type[Form], dict[str, str]] = {
    AllowedRegionsForm: {"regions": "Names or display names: westeurope, West Europe."},
    RequiredTagsForm: {
        "tags": "By the tag's name: a value or several, in which * stands for any characters."
    },
    PublicNetworkAccessForm: {
        "types": "Such as Microsoft.Storage/*; all that are known unless said.",
        "selected_networks": "Whether a firewall that admits only named networks is enough.",
    },
    SharesForm: {
        "workspace": "Percent of the resources that report to a workspace.",
        "event_hub": "Percent of the resources that report to an Event Hub.",
        "storage": "Percent of the resources that report to storage.",
    },
    TelemetryCoverageForm: {"least": "The least share for each kind of sink."},
    AllowedNetworkOptionsForm: {"options": "hub, mesh, endpoints, sandbox, none."},
    AllowedResourceTypesForm: {"types": "Such as Microsoft.Sql/*."},
    ScopeForm: {
        "domains": "Values of mesh-domain.",
        "environments": "Values of mesh-environment.",
        "nodes": "Groups, or <subscription>/<group>.",
        "tags": "Tags of the group, each with the values that it may have.",
    },
    ExemptionForm: {
        "nodes": "Groups, or <subscription>/<group>.",
        "until": "The last day on which it counts, in UTC.",
        "reason": "Why, and who agreed.",
    },
    PolicyForm: {
        "name": "Its identity: lower-case words with hyphens.",
        "title": "What people read first.",
        "require": "What a node has to be like.",
        "mode": "audit: it is shown; enforce: the node is not Ready and gets no new edges.",
        "severity": "How bad it is, for reports.",
        "applies": "To which nodes; to all unless said.",
        "exemptions": "Who is let off, until when and why.",
        "remedy": "What a team can do, shown with every violation.",
        "description": "Why there is such a policy.",
    },
    PoliciesForm: {"policies": "One after the other."},
}
"""What editors show beside each key."""


def policy_schema() -> dict[str, object]:
    """The JSON Schema (2020-12) of one YAML document: a policy, or `policies:` with a list of them."""
    title = "A Meshplane policy, or a list of them under `policies`"
    return schema_of(PolicyForm, PoliciesForm, _TOLD, {SharesForm: {"minProperties": 1}}, title)
