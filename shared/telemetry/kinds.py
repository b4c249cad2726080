"""What is known of all records of one kind: the node they belong to, the rules they concern, the groups they fall in.

A kind is what a resource says of itself in the same words: its id, category, operation, level, result
and metric as they are spelled. Azure's services send few kinds many times.
"""

from collections.abc import Sequence

from shared.domain.ids import NodeKey, normal_id
from shared.telemetry.attribute import Attribution
from shared.telemetry.healing import key_of_operation
from shared.telemetry.matching import CompiledRule, Matcher, traits_of

REMEMBERED = 32_768
"""Kinds remembered as they are spelled."""
LONGEST_ID = 2048
METRICS = "AllMetrics"
"""What diagnostic settings call the category of all metrics."""

type KindKey = tuple[str | int | None, ...]
type Group = tuple[str, str]
"""A rule's name, and what it groups by."""


class Target:
    """A rule that a kind concerns, with the group that its records fall in; None where each record says it."""

    __slots__ = ("group", "prefix", "rule")

    def __init__(self, rule: CompiledRule, prefix: str) -> None:
        self.rule = rule
        self.prefix = prefix
        self.group: Group | None = None if rule.dedupe else (rule.name, prefix)


class Kind:
    """All that does not differ between records of one kind."""

    __slots__ = (
        "category",
        "node",
        "operation",
        "order",
        "resource",
        "targets",
        "timeless",
        "touch",
        "volume",
    )

    def __init__(self, key: KindKey, attribution: Attribution, matcher: Matcher) -> None:
        resource, category, operation, event, _, _, result, status, _, _, metric = key
        place = attribution.place_of(str(resource))
        self.resource = str(resource)
        self.category = str(category or (METRICS if metric else ""))
        self.operation = str(operation or event or metric or "")
        self.order = (self.resource, self.category, self.operation)
        self.node = place.node
        self.touch = key_of_operation(self.resource, str(operation or ""), str(result or status or ""))
        self.volume = None if place.node is None else (str(place.node), self.category)
        self.targets: Sequence[Target] = ()
        self.timeless: Sequence[Target] = ()
        if place.node is not None:
            targets = _targets(
                matcher.rules_for(traits_of(key, place.type)), place.node, self.resource, place.domain
            )
            self.targets = tuple(t for t in targets if not t.rule.timeless or t.rule.fields or t.rule.dedupe)
            self.timeless = tuple(t for t in targets if t not in self.targets)


def _targets(rules: Sequence[CompiledRule], node: NodeKey, resource: str, domain: str) -> list[Target]:
    group = {"node": str(node), "resource": normal_id(resource), "domain": domain}
    return [Target(rule, group[rule.by]) for rule in rules if group[rule.by]]


class Kinds(dict[KindKey, Kind]):
    """The kinds that came by, found by the first `KIND_FIELDS` fields of a record; one that is new is made."""

    def __init__(self, attribution: Attribution, matcher: Matcher) -> None:
        super().__init__()
        self.attribution = attribution
        self._matcher = matcher

    def __missing__(self, key: KindKey) -> Kind:
        if len(self) >= REMEMBERED:
            self.clear()
        self[key] = kind = Kind(key, self.attribution, self._matcher)
        return kind


def kinds_of(attribution: Attribution, matcher: Matcher) -> Kinds:
    """What was remembered for these rules, anew where the nodes have changed."""
    kinds = matcher.kinds
    if not isinstance(kinds, Kinds) or kinds.attribution is not attribution:
        matcher.kinds = kinds = Kinds(attribution, matcher)
    return kinds
