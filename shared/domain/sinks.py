"""Sinks: where telemetry may go, as the settings name it, and which settings of Azure's lead there. Pure.

A diagnostic setting names a Log Analytics workspace, an authorization rule of an Event Hubs namespace with the name of
an Event Hub in it, and a storage account, each at most once (Azure Monitor's REST API 2021-05-01-preview).
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

import msgspec

from shared.domain.diagnostics import Category, DiagnosticSetting, Selection, sent
from shared.domain.ids import NodeKey, normal_id

type SinkKind = Literal["workspace", "event-hub", "storage"]
KINDS: tuple[SinkKind, ...] = ("workspace", "event-hub", "storage")
"""In their rank: what is a sink itself reports only to sinks before it, so that nothing ever goes round."""

ASKED: dict[str, tuple[SinkKind, ...]] = {
    "logs": ("workspace",),
    "logs+stream": ("workspace", "event-hub"),
    "logs+archive": ("workspace", "storage"),
    "all": KINDS,
}
"""What each value of the tag `mesh-telemetry` asks for."""

_IDS: dict[SinkKind, tuple[str, re.Pattern[str]]] = {
    "workspace": (
        "a Log Analytics workspace",
        re.compile(r"/providers/microsoft\.operationalinsights/workspaces/[^/]+$", re.IGNORECASE),
    ),
    "event-hub": (
        "an authorization rule of an Event Hubs namespace",
        re.compile(
            r"/providers/microsoft\.eventhub/namespaces/[^/]+/authorizationrules/[^/]+$", re.IGNORECASE
        ),
    ),
    "storage": (
        "a storage account",
        re.compile(r"/providers/microsoft\.storage/storageaccounts/[^/]+$", re.IGNORECASE),
    ),
}


class Sink(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One destination: `id` is the resource id of a workspace, a storage account, or of an authorization rule of the
    namespace in which `hub` lies. `region` is where it lies, `domain` the only domain that it serves.
    """

    kind: SinkKind
    id: str
    hub: str = ""
    region: str = ""
    domain: str = ""

    @property
    def place(self) -> str:
        """What tells destinations apart: which rule leads into a namespace is of no matter."""
        return f"{self.root}/{self.hub.lower()}" if self.kind == "event-hub" else self.root

    @property
    def root(self) -> str:
        """The normal id of the workspace, the account or the namespace."""
        return _root(self.kind, self.id)


class CategoryRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What becomes of some categories, whatever a node asks for: nothing, or the archive alone.

    `type` is a full resource type, `category` one of its log or metric categories; `*` is any.
    """

    action: Literal["exclude", "archive"]
    type: str = "*"
    category: str = "*"

    def applies(self, resource_type: str, category: str) -> bool:
        """Whether the rule is about a category of a type, in any case."""
        return _fits(self.type, resource_type) and _fits(self.category, category)


def _fits(pattern: str, name: str) -> bool:
    return pattern == "*" or pattern.lower() == name.lower()


def _root(kind: SinkKind, sink_id: str) -> str:
    return (
        normal_id(sink_id).partition("/authorizationrules/")[0] if kind == "event-hub" else normal_id(sink_id)
    )


def places(setting: DiagnosticSetting) -> dict[SinkKind, str]:
    """Where a setting sends to, as `Sink.place`. Without a name, an Event Hub of its own for each category."""
    found: dict[SinkKind, str] = {}
    if setting.workspace:
        found["workspace"] = normal_id(setting.workspace)
    if setting.event_hub_rule:
        found["event-hub"] = f"{_root('event-hub', setting.event_hub_rule)}/{setting.event_hub.lower()}"
    if setting.storage_account:
        found["storage"] = normal_id(setting.storage_account)
    return found


def covered(
    settings: Iterable[DiagnosticSetting], categories: tuple[Category, ...], sink: Sink
) -> frozenset[str]:
    """The names of the categories that some setting sends to the sink, whoever made it."""
    towards = (s.selection for s in settings if places(s).get(sink.kind) == sink.place)
    return frozenset[str]().union(*(sent(selection, categories) for selection in towards))


def setting_to(name: str, selection: Selection, sinks: Iterable[Sink]) -> DiagnosticSetting:
    """A setting that sends to these sinks, at most one of each kind."""
    by = {sink.kind: sink for sink in sinks}
    workspace, hub, storage = (by.get(kind) for kind in KINDS)
    return DiagnosticSetting(
        name,
        selection=selection,
        workspace=workspace.id if workspace else "",
        event_hub_rule=hub.id if hub else "",
        event_hub=hub.hub if hub else "",
        storage_account=storage.id if storage else "",
    )


def sink_faults(sinks: Sequence[Sink]) -> list[str]:
    """Everything that is wrong with the sinks of the settings, each in a sentence."""
    alone = [fault for number, sink in enumerate(sinks, 1) for fault in _faults_of(f"sink {number}", sink)]
    same = Counter((s.kind, region_of(s.region), s.domain.lower()) for s in sinks)
    doubled = [
        f"two sinks are of the kind {kind} for {region or 'every region'} and {domain or 'every domain'}."
        for (kind, region, domain), times in same.items()
        if times > 1
    ]
    return [*alone, *doubled]


def _faults_of(named: str, sink: Sink) -> Iterator[str]:
    what, pattern = _IDS[sink.kind]
    if not pattern.search(sink.id) or NodeKey.containing(sink.id) is None:
        yield f"id of {named} is no id of {what}."
    if bool(sink.hub) != (sink.kind == "event-hub"):
        yield f"hub of {named}: an Event Hub's name is needed for an event-hub, and nothing else has one."
    if sink.kind == "workspace" and not (sink.region or sink.domain):
        yield f"{named} needs a region or a domain: for all others the hub's workspace is there."
    if sink.kind != "workspace" and not sink.region:
        yield f"{named} needs its region: Azure sends there from that region alone."


def rule_faults(rules: Sequence[CategoryRule]) -> list[str]:
    """Everything that is wrong with the rules about categories, each in a sentence."""
    return [
        f"rule {number} names neither a type nor a category: it would be about everything."
        for number, rule in enumerate(rules, 1)
        if rule.type == rule.category == "*"
    ]


def region_of(location: str) -> str:
    """A region's name from that or its display name; empty for what lies in none."""
    plain = location.replace(" ", "").lower()
    return "" if plain == "global" else plain
