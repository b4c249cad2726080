"""Rules from YAML files: every fault of every file at once, with file and line, before the first record is judged."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path

import yaml

from shared.forms.reading import read, suggestion
from shared.forms.yaml_tree import LARGEST, Refused, documents, line_of
from shared.telemetry.rule import Rule
from shared.telemetry.rule_made import rule_made
from shared.telemetry.rule_schema import RuleForm

LIBRARY = Path(__file__).parent / "library"
HANDLERS = frozenset({"record", "mesh-event", "app-event", "metric", "remediate"})
"""What there is without settings; a webhook's name is added by who knows the settings."""
_MOST_FILES = 200
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
    files = _Files(handlers)
    for folder in folders:
        files.read_folder(folder)
    if files.faults:
        raise RulesError(files.faults)
    return tuple(files.rules.values())


class _Files:
    """Reads one file after the other and gathers what is wrong."""

    def __init__(self, handlers: Collection[str]) -> None:
        self._handlers = handlers
        self._sources: dict[str, str] = {}
        self.rules: dict[str, Rule] = {}
        self.faults: list[str] = []

    def read_folder(self, folder: Path) -> None:
        try:
            paths = sorted(p for p in folder.iterdir() if p.suffix.lower() in (".yaml", ".yml"))
        except OSError as error:
            self.faults.append(f"{folder}: cannot be read: {error.strerror}")
            return
        if not 0 < len(paths) <= _MOST_FILES:
            self.faults.append(f"{folder}: holds {len(paths)} files *.yaml, not 1 to {_MOST_FILES}")
            return
        for path in paths:
            self._read_file(path, f"{folder.resolve().name}/{path.name}")

    def _read_file(self, path: Path, label: str) -> None:
        try:
            with path.open("rb") as file:
                content = file.read(LARGEST + 1)
        except OSError as error:
            self.faults.append(f"{label}: cannot be read: {error.strerror}")
            return
        try:
            found = documents(content)
        except Refused as refused:
            self.faults.append(f"{label}:{refused.fault.line}: {refused.fault.text}")
            return
        if not found:
            self.faults.append(f"{label}: holds no rule")
        for document in found:
            for node in self._rules_in(document, label):
                self._read_rule(node, label)

    def _rules_in(self, document: yaml.Node, label: str) -> Iterator[yaml.Node]:
        """The document itself, or what its `rules` lists."""
        entries = document.value if isinstance(document, yaml.MappingNode) else []
        lists = [part for key, part in entries if key.value == "rules"]
        if not lists:
            yield document
            return
        for key, _ in entries:
            if key.value != "rules":
                text = f"{key.value!r} is no key beside 'rules'{suggestion(str(key.value), ['rules'])}"
                self.faults.append(f"{label}:{line_of(key)}: {text}")
        for part in lists:
            if isinstance(part, yaml.SequenceNode) and part.value:
                yield from part.value
            else:
                self.faults.append(f"{label}:{line_of(part)}: rules: is not a list of rules")

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
