"""Rules from YAML files: every fault of every file at once, with file and line, before the first record is judged."""

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

import yaml

from shared.forms.files import FormFiles
from shared.forms.reading import read
from shared.forms.yaml_tree import line_of
from shared.telemetry.rule import Rule
from shared.telemetry.rule_made import rule_made
from shared.telemetry.rule_schema import RuleForm

LIBRARY = Path(__file__).parent / "library"
HANDLERS = frozenset({"record", "mesh-event", "app-event", "metric", "remediate"})
"""What there is without settings; a webhook's name is added by who knows the settings."""
_MOST_RULES = 2_000


class RulesError(Exception):
    """Every fault of the rules, one a line: `library/sql.yaml:12: condition.window: '5x' is not a duration …`."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("The rules cannot be used:\n" + "\n".join(f"  - {fault}" for fault in faults))
        self.faults = tuple(faults)


def load_rules(
    folders: Iterable[Path] = (LIBRARY,), handlers: Collection[str] = HANDLERS
) -> tuple[Rule, ...]:
    """The rules of every `*.yaml` in the folders, in the order of folders, file names and lines.

    `handlers` are the names that rules may use; `record` always may be used, and so may `webhook`, which stands for
    all that begin with `webhook:`, be there any or none. Raises RulesError.
    """
    found = _Rules(handlers)
    for folder in folders:
        found.read_folder(folder)
    if found.faults:
        raise RulesError(found.faults)
    return tuple(found.rules.values())


class _Rules:
    """Reads one file after the other and gathers what is wrong."""

    def __init__(self, handlers: Collection[str]) -> None:
        self._handlers = handlers
        self._sources: dict[str, str] = {}
        self.rules: dict[str, Rule] = {}
        self._files = FormFiles("rule", "rules")
        self.faults = self._files.faults

    def read_folder(self, folder: Path) -> None:
        for node, file in self._files.in_folder(folder, folder.resolve().name):
            self._read_rule(node, file)

    def _read_rule(self, node: yaml.Node, label: str) -> None:
        source = f"{label}:{line_of(node)}"
        reading = read(RuleForm, node)
        rule = rule_made(reading, source, self._handlers)
        self.faults += [f"{label}:{fault.line}: {fault.text}" for fault in sorted(reading.faults)]
        name = reading.value.name if reading.value else ""
        first = self._sources.setdefault(name, source) if name else source
        if first != source:
            self.faults.append(f"{source}: name: {name!r} is the name of a rule already, at {first}")
        elif len(self.rules) >= _MOST_RULES:
            self.faults.append(f"{source}: there are more than {_MOST_RULES} rules")
        elif rule:
            self.rules[name] = rule
