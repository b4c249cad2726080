"""Rules, compiled once: which of them a kind of record concerns is found once, and remembered.

What `Match` says of category, operation, level, result, resource type and metric is the same for all
records of one kind, so it costs a dictionary lookup a record however many rules there are. Only fields
by path are judged record by record, for the rules whose other conditions hold.
"""

from collections.abc import Callable, Iterable, Sequence

import msgspec

from shared.telemetry.aggregate import bucket_width
from shared.telemetry.decode import Decoder
from shared.telemetry.matching_fields import (
    Opened,
    Path,
    Value,
    start_of,
    tells_kinds_apart,
    test_of,
    text_of,
    value_at,
)
from shared.telemetry.matching_open import Opener, roots_of
from shared.telemetry.matching_words import level_of, result_of
from shared.telemetry.rule import Absence, Each, FieldMatch, GroupBy, Match, Rule, Threshold

CUSTOM = "meshcustom"
"""The category of custom events, whose operation is their type."""
REMEMBERED = 10_000
"""Kinds of records, whichever resources send them, whose rules are remembered."""
_LONGEST_PART = 256  # characters of a field's value that tell one alert from another


class Traits(msgspec.Struct, frozen=True):
    """What rules ask of a kind of record, in lower case and in normal words; what is not said is empty."""

    category: str
    operation: str
    level: str
    result: str
    result_word: str
    resource_type: str
    metric: str


type Test = Callable[[Value], bool]
type FieldTest = tuple[Path, Path, Test]
"""The start of a field's path, the rest of it, and what is asked of the value."""


class CompiledRule:
    """A rule in the form in which records are judged."""

    __slots__ = (
        *(
            "by",
            "dedupe",
            "fields",
            "grouped",
            "kind_fields",
            "name",
            "number",
            "paths",
            "sketched",
            "timeless",
        ),
        "width",
    )

    def __init__(self, rule: Rule, tests: dict[str, FieldTest]) -> None:
        """`tests` are those of the rules before: many rules ask the same of a field."""
        condition = rule.condition
        fields = rule.match.fields
        self.name = rule.name
        self.by: GroupBy = rule.group_by
        self.kind_fields = [(f.path, test_of(f)) for f in fields if tells_kinds_apart(f.path)]
        # By what is written of it: 1 and true are equal, and are not the same to ask for.
        self.fields = [tests.setdefault(repr(f), _test(f)) for f in fields if not tells_kinds_apart(f.path)]
        self.dedupe = rule.dedupe
        self.grouped = all(map(tells_kinds_apart, rule.dedupe))
        self.timeless = isinstance(condition, Absence)
        self.number = condition.of if isinstance(condition, Threshold) else None
        self.sketched = isinstance(condition, Threshold) and condition.aggregation == "percentile"
        # One bucket holds all where nothing is counted over a window.
        self.width = 0 if isinstance(condition, Each | Absence) else bucket_width(condition.window)
        dedupe = [] if self.grouped else rule.dedupe
        self.paths = frozenset([*(p for p in _paths(rule) if not tells_kinds_apart(p)), *dedupe])

    def concerns(self, kind: Opened) -> bool:
        """Whether the fields hold that are the same for all records of a kind."""
        return all(test(value_at(kind, path)) for path, test in self.kind_fields)

    def parts(self, opened: Opened) -> str:
        """What the values of the dedupe fields add to the group, one a line."""
        return "".join("\n" + _part(value_at(opened, path)) for path in self.dedupe)


def _test(field: FieldMatch) -> FieldTest:
    start = start_of(field.path)
    return start, field.path[len(start) :], test_of(field)


def _part(value: Value) -> str:
    """Without halves of characters, which JSON may write and no row can hold."""
    text = " ".join(text_of(value)[:_LONGEST_PART].split())
    return text.encode(errors="replace").decode()


class Matcher:
    """A fixed set of rules; `decoder` keeps of each record what they read."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = {rule.name: rule for rule in rules}
        self.decoder = Decoder(roots_of(path for rule in rules for path in _paths(rule)))
        self._by_metric: dict[str, list[_Candidate]] = {}
        self._by_category: dict[str, list[_Candidate]] = {}
        self._others: list[_Candidate] = []
        self._found: dict[Traits, tuple[CompiledRule, ...]] = {}
        self._openers: dict[frozenset[Path], Opener] = {}
        told = [p for rule in rules for p in _paths(rule) if tells_kinds_apart(p)]
        self.kind_opener = Opener(told)
        self.kinds: object = None  # what `shared.telemetry.kinds` remembers for these rules
        tests: dict[str, FieldTest] = {}
        for order, rule in enumerate(rules):
            self._add(order, rule, CompiledRule(rule, tests))

    def _add(self, order: int, rule: Rule, compiled: CompiledRule) -> None:
        candidate = _Candidate((order, _static(rule.match), compiled))
        match = rule.match
        if match.metric:
            _index(self._by_metric, match.metric, candidate)
        elif match.category or match.custom:
            _index(self._by_category, match.category or (CUSTOM,), candidate)
        else:
            self._others.append(candidate)

    def rules_for(self, traits: Traits) -> tuple[CompiledRule, ...]:
        """The rules that a kind of record concerns unless one of its fields says otherwise, in their order."""
        found = self._found.get(traits)
        if found is None:
            if len(self._found) >= REMEMBERED:
                self._found.clear()
            self._found[traits] = found = self._find(traits)
        return found

    def opener_for(self, rules: Iterable[CompiledRule]) -> Opener | None:
        """What opens records for some rules, or None where they read nothing but what tells kinds apart."""
        paths = frozenset[Path]().union(*(r.paths for r in rules))
        if paths and paths not in self._openers:
            self._openers[paths] = Opener(paths)
        return self._openers.get(paths)

    def _find(self, traits: Traits) -> tuple[CompiledRule, ...]:
        index = self._by_metric if traits.metric else self._by_category
        candidates = [*index.get(traits.metric or traits.category, ()), *self._others]
        holding = [c for c in candidates if c[1](traits)]
        return tuple(compiled for _, _, compiled in sorted(holding, key=lambda c: c[0]))


class _Candidate(tuple[int, Callable[[Traits], bool], CompiledRule]):
    """A rule's place, what a kind has to be for it, and the rule."""

    __slots__ = ()


def _index(index: dict[str, list[_Candidate]], names: Iterable[str], candidate: _Candidate) -> None:
    for name in {n.lower() for n in names}:
        index.setdefault(name, []).append(candidate)


def _paths(rule: Rule) -> list[Path]:
    of = [rule.condition.of] if isinstance(rule.condition, Threshold) else []
    return [*(f.path for f in rule.match.fields), *rule.dedupe, *of]


def traits_of(key: tuple[str | int | None, ...], resource_type: str) -> Traits:
    """Of the first `KIND_FIELDS` fields of a record."""
    _, operation, category, result, signature, level, upper, event, status, other, code, metric = key
    word = result or status or other
    return Traits(
        category=_lower(category),
        operation=_lower(operation or event),
        level=level_of(level or upper),
        result=result_of(word, signature, code),
        result_word=_lower(word),
        resource_type=resource_type,
        metric=_lower(metric),
    )


def _lower(said: str | int | None) -> str:
    return "" if said is None else str(said).strip().lower()


def _static(match: Match) -> Callable[[Traits], bool]:
    """All of a match but its fields."""
    tests: list[Callable[[Traits], bool]] = []
    category, level, result = _names(match.category), _names(match.level), _names(match.result)
    metric, custom = _names(match.metric), _names(match.custom)
    operation, resource_type = _pattern(match.operation), _pattern(match.resource_type)
    if match != Match():
        tests.append(lambda t: t.metric in metric if metric else not t.metric)
    if category:
        tests.append(lambda t: t.category in category)
    if level:
        tests.append(lambda t: t.level in level)
    if result:
        own = result - {"success", "failure"}
        tests.append(lambda t: t.result in result or t.result_word in own)
    if custom:
        tests.append(lambda t: t.category == CUSTOM and t.operation in custom)
    if match.operation:
        tests.append(lambda t: operation(t.operation))
    if match.resource_type:
        tests.append(lambda t: resource_type(t.resource_type))
    return lambda traits: all(test(traits) for test in tests)


def _names(names: Iterable[str]) -> frozenset[str]:
    return frozenset(n.lower() for n in names)


def _pattern(names: Iterable[str]) -> Callable[[str], bool]:
    exact = frozenset(n.lower() for n in names if not n.endswith("*"))
    starts = tuple(n[:-1].lower() for n in names if n.endswith("*"))
    return lambda text: text in exact or text.startswith(starts)
