"""What is known of all records of one kind: the node they belong to, the rules they concern, the groups they fall in.

A kind is what a resource says of itself in the same words: its id, category, operation, level, result
and metric as they are spelled. Azure's services send few kinds many times.
"""

from math import inf

import msgspec

from shared.domain.ids import NodeKey, normal_id
from shared.telemetry.attribute import Attribution, Place
from shared.telemetry.healing import key_of_operation
from shared.telemetry.matching import CompiledRule, Matcher, traits_of
from shared.telemetry.matching_fields import Opened
from shared.telemetry.matching_open import Opener
from shared.telemetry.record import KIND_NAMES, Record

REMEMBERED = 32_768
"""Kinds remembered as they are spelled: about 20 MB."""
REMEMBERED_TEXT = 16 * 1024 * 1024
"""Characters of their keys: a record may write megabytes into one field, and another thing the next time."""
METRICS = "AllMetrics"
"""What diagnostic settings call the category of all metrics."""

type KindKey = tuple[str | int | None, ...]
type Group = tuple[str, str]
"""A rule's name, and what it groups by."""
type Volume = tuple[str, str]
"""A node, and one of its diagnostic categories."""


class Target:
    """A rule that a kind concerns, with the group that its records fall in; None where each record says it."""

    __slots__ = ("group", "prefix", "rule", "seen_is_enough")

    def __init__(self, rule: CompiledRule, prefix: str, kind: Opened) -> None:
        self.rule = rule
        self.prefix = prefix + rule.parts(kind) if rule.grouped else prefix
        self.seen_is_enough = rule.timeless and rule.grouped and not rule.fields
        self.group: Group | None = (rule.name, self.prefix) if rule.grouped else None


class Sighting(msgspec.Struct, frozen=True):
    """A group that is not silent: that there are records is all that a rule about absence asks."""

    group: Group
    node: str
    resource: str


NEVER = (-inf, 0)


class Watch:
    """Groups that are seen together; in what records and when is summed up when a batch has been read."""

    __slots__ = ("newest", "records", "sightings")

    def __init__(self, sightings: tuple[Sighting, ...]) -> None:
        self.sightings = sightings
        self.records = 0
        self.newest: tuple[float, int] = NEVER


class Kind:
    """All that does not differ between records of one kind that have to be looked at."""

    __slots__ = ("category", "node", "opener", "operation", "order", "resource", "targets", "touch")

    def __init__(self, key: KindKey, node: str, targets: tuple[Target, ...], opener: Opener | None) -> None:
        resource, operation, category, _, _, _, _, event, _, _, _, metric = key
        self.node = node
        self.resource = str(resource)
        self.category = str(category or (METRICS if metric else ""))
        self.operation = str(operation or event or metric or "")
        self.order = (self.resource, self.category, self.operation)
        self.touch = _touch(key)
        self.targets = targets
        self.opener = opener


class Tray:
    """Counts, in one batch, what can be counted without a look at the records.

    Empty between batches. `newest` is when the last event was enqueued, and its sequence number. Kinds whose records
    have to be looked at have a tray each, which knows them; most do not, and share one where they count for the same.
    """

    __slots__ = ("bytes", "kind", "newest", "records", "volume", "watch")

    def __init__(self, volume: Volume | None, watch: Watch | None, kind: Kind | None) -> None:
        self.volume = volume
        self.watch = watch
        self.kind = kind
        self.records = 0
        self.bytes = 0.0
        self.newest = (0.0, 0)


class Kinds(dict[KindKey, Tray]):
    """Where records are counted, by the first `KIND_FIELDS` fields of theirs; a kind that is new is made."""

    def __init__(self, attribution: Attribution, matcher: Matcher) -> None:
        super().__init__()
        self.attribution = attribution
        self._matcher = matcher
        self._length = 0
        self._words: dict[str | int | None, str | int | None] = {}
        self._texts: dict[str, str] = {}
        self._volumes: dict[Volume, Volume] = {}
        self._watches: dict[tuple[Sighting, ...], Watch] = {}
        self._trays: dict[tuple[Volume | None, Watch | None], Tray] = {}

    def __missing__(self, key: KindKey) -> Tray:
        self._length += sum(len(word) for word in key if isinstance(word, str))
        if len(self) >= REMEMBERED or self._length > REMEMBERED_TEXT:
            self._length = 0
            for memory in (self, self._words, self._texts, self._volumes, self._watches, self._trays):
                memory.clear()
        # Words that kinds share are kept once: it takes less memory, and less time to compare.
        key = tuple(map(self._words.setdefault, key, key))
        self[key] = tray = self._made(key)
        return tray

    def _made(self, key: KindKey) -> Tray:
        place = self.attribution.place_of(str(key[0]))
        if place.node is None:
            return self._tray(None, (), Kind(key, "", (), None))
        node, resource = self._once(str(place.node)), self._once(normal_id(str(key[0])))
        targets = self._targets(key, place, resource)
        sightings = tuple(_sighting(t, place.node, resource) for t in targets if t.seen_is_enough)
        targets = [t for t in targets if not t.seen_is_enough]
        opener = self._matcher.opener_for([t.rule for t in targets])
        kind = Kind(key, node, tuple(targets), opener)
        volume = (node, kind.category)
        return self._tray(self._volumes.setdefault(volume, volume), sightings, kind)

    def _once(self, text: str) -> str:
        return self._texts.setdefault(text, text)

    def _targets(self, key: KindKey, place: Place, resource: str) -> list[Target]:
        like = msgspec.convert(dict(zip(KIND_NAMES, key, strict=True)), Record)
        told = self._matcher.kind_opener.open(like)
        group = {"node": self._once(str(place.node)), "resource": resource, "domain": place.domain}
        rules = [
            r for r in self._matcher.rules_for(traits_of(key, place.type)) if group[r.by] and r.concerns(told)
        ]
        return [Target(rule, group[rule.by], told) for rule in rules]

    def _tray(self, volume: Volume | None, sightings: tuple[Sighting, ...], kind: Kind) -> Tray:
        watch = self._watches.setdefault(sightings, Watch(sightings)) if sightings else None
        if kind.targets or kind.touch:
            return Tray(volume, watch, kind)
        return self._trays.setdefault((volume, watch), Tray(volume, watch, None))


def _touch(key: KindKey) -> NodeKey | None:
    resource, operation, _, result, _, _, _, _, status, other, _, _ = key
    return key_of_operation(str(resource), str(operation or ""), str(result or status or other or ""))


def _sighting(target: Target, node: NodeKey, resource: str) -> Sighting:
    by = target.rule.by
    where = {"node": node.group_id, "resource": resource, "domain": ""}[by]
    return Sighting((target.rule.name, target.prefix), "" if by == "domain" else str(node), where)


def kinds_of(attribution: Attribution, matcher: Matcher) -> Kinds:
    """What was remembered for these rules, anew where the nodes have changed."""
    kinds = matcher.kinds
    if not isinstance(kinds, Kinds) or kinds.attribution is not attribution:
        matcher.kinds = kinds = Kinds(attribution, matcher)
    return kinds
