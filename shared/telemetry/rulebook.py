"""The rules of this process: read by the first batch, for they are no part of a cold start."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

from shared.telemetry.matching import Matcher
from shared.telemetry.rule import Rule
from shared.telemetry.windows import rule_key


class Rulebook:
    """Rules by their names and by the keys of their rows; `load` raises where they cannot be used."""

    def __init__(self, load: Callable[[], Sequence[Rule]]) -> None:
        self._load = load

    @cached_property
    def rules(self) -> Sequence[Rule]:
        return tuple(self._load())

    @cached_property
    def matcher(self) -> Matcher:
        return Matcher(self.rules)

    @cached_property
    def by_name(self) -> Mapping[str, Rule]:
        return {rule.name: rule for rule in self.rules}

    @cached_property
    def by_key(self) -> Mapping[str, Rule]:
        return {rule_key(rule): rule for rule in self.rules}
