"""The tables of docs/rules.md and docs/samples.md: the library, and what recorded telemetry says to its rules."""

from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import groupby

from shared.domain.ids import NodeKey, type_of
from shared.telemetry.attribute import Attribution
from shared.telemetry.batch import read_batch
from shared.telemetry.decode import decode
from shared.telemetry.event import StreamEvent
from shared.telemetry.matching import Matcher
from shared.telemetry.record import Record, Undecodable
from shared.telemetry.rule import Absence, Condition, Count, Each, Rate, Rule, Threshold
from shared.telemetry.rule_files import load_rules
from tests.unit.telemetry.library_samples import Sample, holds, manifest
from tests.unit.telemetry.recordings import body_of, files

_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))
_SIGNS = {"gt": ">", "gte": "≥", "lt": "<", "lte": "≤"}


def library() -> str:
    """A table for each file, of its rules."""
    parts: list[str] = []
    for file, rules in groupby(load_rules(), key=lambda rule: rule.source.partition(":")[0]):
        parts += [f"\n### {file.rpartition('/')[2]}\n", _table(_HEAD, map(_row, rules))]
    return "".join(parts)


_HEAD = ("rule", "severity", "when", "why", "fires on", "not on")


def _row(rule: Rule) -> list[str]:
    sides = manifest()[rule.name]
    kinds = [_kind(sides["fires"]), _kind(sides["quiet"])]
    return [f"`{rule.name}`", rule.severity, _when(rule.condition), rule.description, *kinds]


def _kind(sample: Sample) -> str:
    """Whether Azure sent it so."""
    if not sample.recorded:
        return "constructed"
    return (
        f"recorded, {', '.join(f'`{path}`' for path in sample.changes)} changed"
        if sample.changes
        else "recorded"
    )


def _when(condition: Condition) -> str:
    match condition:
        case Each():
            return "each"
        case Count(at_least=at_least, window=window):
            return f"{at_least:,} in {_time(window)}"
        case Rate(per_minute=per_minute, window=window):
            return f"{per_minute:g} a minute over {_time(window)}"
        case Absence(period=period):
            return f"nothing for {_time(period)}"
        case Threshold():
            what = (
                f"p{condition.percentile:g}"
                if condition.aggregation == "percentile"
                else condition.aggregation
            )
            number = f"{_SIGNS[condition.comparison]} {condition.value:,g}"
            return f"{what} of `{'.'.join(condition.of)}` {number} in {_time(condition.window)}"


def _time(seconds: float) -> str:
    size, unit = next((size, unit) for size, unit in _UNITS if seconds % size == 0 or size == 1)
    return f"{seconds / size:g} {unit}"


def recorded() -> str:
    """A row for each file of recorded telemetry."""
    rules = [rule for rule in load_rules() if not isinstance(rule.condition, Absence)]
    head = ("sample", "type", "decoded", "attributed", "rules fired", "matched, not enough to fire")
    return _table(head, (_sample(name, rules) for name in files()))


def _sample(name: str, rules: list[Rule]) -> list[str]:
    body = body_of(name)
    items = decode(body)
    records = [item for item in items if isinstance(item, Record)]
    nodes = {node for record in records if (node := NodeKey.containing(record.resource))}
    event = StreamEvent(body, "0", "0", 0, datetime(2026, 1, 5, tzinfo=UTC))
    found = read_batch([event], Attribution(nodes), Matcher(rules))
    conditions = {rule.name: rule.condition for rule in rules}
    fired = {tally.rule for tally in found.tallies if holds(conditions[tally.rule], tally)}
    matched = {tally.rule for tally in found.tallies} - fired
    broken = [item.reason.partition(":")[0] for item in items if isinstance(item, Undecodable)]
    dead = f", {len(broken)} dead letter: {broken[0]}" if broken else ""
    types = ", ".join(sorted({_type(record) for record in records}))
    attributed = str(found.records - found.unattributed)
    return [f"`{name}`", types or "—", f"{len(records)}{dead}", attributed, _named(fired), _named(matched)]


def _named(rules: Iterable[str]) -> str:
    return ", ".join(f"`{rule}`" for rule in sorted(rules)) or "—"


def _type(record: Record) -> str:
    """The resource type, or what a record without a resource calls itself."""
    resource = record.resource.lower()
    if "/providers/" in resource:
        return f"`{type_of(record.resource)}`"
    return f"{record.category or 'unknown'} (no resource id)"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    names = list(head)
    lines = [names, ["---"] * len(names), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
