"""Rules as a mesh has them: the library first, then what its teams write after the library's example."""

from collections.abc import Sequence
from itertools import count, cycle

import msgspec

from shared.telemetry.rule import Each, Match, Rule
from shared.telemetry.rule_files import load_rules

ERRORS = Rule(
    name="errors", title="", severity="error", match=Match(level=("critical", "error")), condition=Each()
)
_CATEGORIES = (
    "jobs",
    "clusters",
    "notebook",
    "pipelineruns",
    "activityruns",
    "storageread",
    "storagewrite",
    "auditevent",
)


def rules_of(number: int) -> Sequence[Rule]:
    """So many rules. One is about records at error level; up to the library's size they are the library's.

    Each beyond it is a library's rule in other hands: every tenth about the very same records, with conditions of its
    own; the others about categories and metrics that this stream does not carry, as most of a large set are.
    """
    library = load_rules()
    if number == 1:
        return [ERRORS]
    rules = list(library[:: max(1, len(library) // number)][:number])
    for place, rule in zip(count(), cycle(library)):
        if len(rules) >= number:
            return rules
        match = rule.match if place % 10 == 0 else _elsewhere(rule.match, place)
        rules.append(msgspec.structs.replace(rule, name=f"{rule.name}-{place}", match=match))
    return rules


def _elsewhere(match: Match, place: int) -> Match:
    if match.metric:
        return msgspec.structs.replace(match, metric=tuple(f"{m}-{place}" for m in match.metric))
    return msgspec.structs.replace(match, category=(f"{_CATEGORIES[place % len(_CATEGORIES)]}-{place}",))
