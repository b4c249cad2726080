"""Counts what conforms, and knows the differences that are listed with a reason."""

import re
import tomllib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.local.arm.conformance.replay import Outcome

_LIST = Path(__file__).with_name("known_differences.toml")


@dataclass(frozen=True, slots=True)
class Known:
    difference: str
    reason: str
    file: str = ""
    request: str = ".*"

    def covers(self, file: str, outcome: Outcome, difference: str) -> bool:
        request = f"{outcome.kind} {outcome.exchange.method}"
        return (
            re.search(self.file, file) is not None
            and re.fullmatch(self.request, request) is not None
            and re.fullmatch(self.difference, difference, re.DOTALL) is not None
        )


def known_differences() -> list[Known]:
    document = tomllib.loads(_LIST.read_text(encoding="utf-8"))
    return [Known(**entry) for entry in document["known"]]


@dataclass(slots=True)
class Tally:
    """Over all recordings of a run."""

    alike: int = 0
    listed: int = 0
    unlisted: int = 0
    recorded: int = 0
    network: int = 0
    network_alike: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    known: list[Known] = field(default_factory=known_differences)
    used: set[Known] = field(default_factory=set)

    def add(self, file: str, outcomes: Sequence[Outcome]) -> list[str]:
        """Count the outcomes of one recording; the differences that are not listed, one sentence each."""
        found: list[str] = []
        for outcome in outcomes:
            of_network = "/providers/microsoft.network/" in outcome.exchange.path.lower()
            self.recorded += 1
            self.network += of_network
            if outcome.skipped:
                self.skipped[outcome.skipped] += 1
                continue
            new = [item for item in outcome.differences if not self._explained(file, outcome, item)]
            self.alike += not outcome.differences
            self.network_alike += of_network and not outcome.differences
            self.listed += bool(outcome.differences) and not new
            self.unlisted += bool(new)
            what = f"{outcome.exchange.index} {outcome.exchange.method} {outcome.exchange.path[-90:]}"
            found += [f"{what}: {difference}" for difference in new]
        return found

    def line(self) -> str:
        compared = self.alike + self.listed + self.unlisted
        left_out = ", ".join(f"{count} {reason}" for reason, count in self.skipped.most_common())
        return (
            f"recordings: {self.alike} of {compared} answers conform ({_share(self.alike, compared)}), {self.listed} "
            f"differ for a listed reason, {self.unlisted} differ; of all {self.recorded} recorded exchanges "
            f"{_share(self.alike, self.recorded)}, of the {self.network} of the network provider "
            f"{_share(self.network_alike, self.network)}; left out: {left_out}"
        )

    def _explained(self, file: str, outcome: Outcome, difference: str) -> bool:
        for entry in self.known:
            if entry.covers(file, outcome, difference):
                self.used.add(entry)
                return True
        return False


def _share(part: int, whole: int) -> str:
    return f"{part / max(whole, 1):.1%}"


TALLY = Tally()
