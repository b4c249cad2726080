"""Rules, compiled once: which of them a kind of record concerns is found once, and remembered.

What `Match` says of category, operation, level, result, resource type and metric is the same for all
records of one kind, so it costs a dictionary lookup a record however many rules there are. Only fields
by path are judged record by record, for the rules whose other conditions hold.
"""

from collections.abc import Callable, Iterable, Sequence

import msgspec

from shared.telemetry.aggregate import bucket_width
from shared.telemetry.decode import Decoder
from shared.telemetry.matching_fields import Path, Value, number_of, reader, roots_of, test_of, text_of
from shared.telemetry.matching_words import level_of, result_of
from shared.telemetry.record import Record
from shared.telemetry.rule import Absence, Each, GroupBy, Match, Rule, Threshold

CUSTOM = "meshcustom"
"""The category of custom events, whose operation is their type."""
REMEMBERED = 10_000
"""Kinds of records, whichever resources send them, whose rules are remembered."""
_LONGEST_PART = 256  # characters of a field's value that tell one alert from another

type Opened = dict[str, Value]


class Traits(msgspec.Struct, frozen=True):
    """What rules ask of a kind of record, in lower case and in normal words; what is not said is empty."""

    category: str
    operation: str
    level: str
    result: str
    result_word: str
    resource_type: str
    metric: str


class CompiledRule:
    """A rule in the form in which records are judged."""

    __slots__ = ("by", "dedupe", "fields", "name", "number", "sketched", "threshold", "timeless", "width")

    def __init__(self, rule: Rule) -> None:
        condition = rule.condition
        self.name = rule.name
        self.by: GroupBy = rule.group_by
        self.fields = tuple((reader(f.path), test_of(f)) for f in rule.match.fields)
        self.dedupe = tuple(map(reader, rule.dedupe))
        self.timeless = isinstance(condition, Absence)
        self.threshold = isinstance(condition, Threshold)
        self.number = reader(condition.of) if isinstance(condition, Threshold) else None
        self.sketched = isinstance(condition, Threshold) and condition.aggregation == "percentile"
        # One bucket holds all where nothing is counted over a window.
        self.width = 0 if isinstance(condition, Each | Absence) else bucket_width(condition.window)

    def holds(self, record: Record, opened: Opened) -> bool:
        """Raises what reading a field raises."""
        return all(test(read(record, opened)) for read, test in self.fields)

    def value(self, record: Record, opened: Opened) -> float | None:
        """The number that the rule's threshold is about, or None where the record has none."""
        return number_of(self.number(record, opened)) if self.number else None

    def parts(self, record: Record, opened: Opened) -> str:
        """What the values of the dedupe fields add to the group, one a line."""
        return "".join("\n" + _part(read(record, opened)) for read in self.dedupe)


def _part(value: Value) -> str:
    return " ".join(text_of(value)[:_LONGEST_PART].split())


class Matcher:
    """A fixed set of rules; `decoder` keeps of each record what they read."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = {rule.name: rule for rule in rules}
        self.decoder = Decoder(_roots(rules))
        self._by_metric: dict[str, list[_Candidate]] = {}
        self._by_category: dict[str, list[_Candidate]] = {}
        self._others: list[_Candidate] = []
        self._found: dict[Traits, tuple[CompiledRule, ...]] = {}
        self.kinds: object = None  # what `shared.telemetry.kinds` remembers for these rules
        for order, rule in enumerate(rules):
            self._add(order, rule)

    def _add(self, order: int, rule: Rule) -> None:
        candidate = _Candidate((order, _static(rule.match), CompiledRule(rule)))
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


def _roots(rules: Iterable[Rule]) -> set[str]:
    return {root for rule in rules for path in _paths(rule) for root in roots_of(path)}


def _paths(rule: Rule) -> list[Path]:
    of = [rule.condition.of] if isinstance(rule.condition, Threshold) else []
    return [*(f.path for f in rule.match.fields), *rule.dedupe, *of]


def traits_of(key: tuple[str | int | None, ...], resource_type: str) -> Traits:
    """Of the first `KIND_FIELDS` fields of a record."""
    _, category, operation, event, level, upper, result, status, signature, code, metric = key
    word = result or status
    return Traits(
        category=_lower(category),
        operation=_lower(operation or event),
        level=level_of(level or upper, word),
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
        tests.append(lambda t: t.result in result or t.result_word in result)
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
