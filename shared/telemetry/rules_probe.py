"""Whether the rules can be used, for the health page: while they cannot, no batch is judged or acknowledged."""

from shared.domain.errors import Terminal
from shared.telemetry.rulebook import Rulebook

SHOWN = 20
"""Faults that the answer lists."""


class RulesProbe:
    """Probe: reads the rules of this process, as its first batch does."""

    name = "rules"

    def __init__(self, rules: Rulebook) -> None:
        self._rules = rules

    async def check(self) -> str:
        from shared.telemetry.rule_files import RulesError  # no part of a cold start

        try:
            return f"{len(self._rules.rules)} rules are judged."
        except RulesError as error:
            more = len(error.faults) - SHOWN
            told = [*error.faults[:SHOWN], *([f"and {more} more"] if more > 0 else [])]
            raise Terminal("RulesInvalid", "; ".join(told)) from None
