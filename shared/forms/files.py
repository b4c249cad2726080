"""Folders of YAML files, each of which holds one thing or a list of them: rules, policies."""

from collections.abc import Iterator
from pathlib import Path

import yaml

from shared.forms.reading import suggestion
from shared.forms.yaml_tree import LARGEST, Refused, documents, line_of

_MOST_FILES = 200


class FormFiles:
    """Finds what files hold, one after the other, and gathers what is wrong, each with file and line.

    `one` is what a thing is called, `listed` the key of a document that lists several.
    """

    def __init__(self, one: str, listed: str) -> None:
        self._one = one
        self._listed = listed
        self.faults: list[str] = []

    def in_folder(
        self, folder: Path, label: str, *, may_be_empty: bool = False
    ) -> Iterator[tuple[yaml.Node, str]]:
        """Each thing that the `*.yaml` of a folder hold, and its file as faults name it; `label` names the folder."""
        try:
            paths = sorted(p for p in folder.iterdir() if p.suffix.lower() in (".yaml", ".yml"))
        except OSError as error:
            self.faults.append(f"{folder}: cannot be read: {error.strerror}")
            return
        if len(paths) > _MOST_FILES or not (paths or may_be_empty):
            self.faults.append(f"{folder}: holds {len(paths)} files *.yaml, not 1 to {_MOST_FILES}")
            return
        for path in paths:
            file = f"{label}/{path.name}"
            for document in self._documents(path, file):
                for node in self._things_in(document, file):
                    yield node, file

    def _documents(self, path: Path, file: str) -> list[yaml.Node]:
        try:
            with path.open("rb") as opened:
                content = opened.read(LARGEST + 1)
        except OSError as error:
            self.faults.append(f"{file}: cannot be read: {error.strerror}")
            return []
        try:
            found = documents(content)
        except Refused as refused:
            self.faults.append(f"{file}:{refused.fault.line}: {refused.fault.text}")
            return []
        if not found:
            self.faults.append(f"{file}: holds no {self._one}")
        return found

    def _things_in(self, document: yaml.Node, file: str) -> Iterator[yaml.Node]:
        """The document itself, or what it lists."""
        name = self._listed
        entries = document.value if isinstance(document, yaml.MappingNode) else []
        lists = [part for key, part in entries if key.value == name]
        if not lists:
            yield document
            return
        for key, _ in entries:
            if key.value != name:
                text = f"{key.value!r} is no key beside {name!r}{suggestion(str(key.value), [name])}"
                self.faults.append(f"{file}:{line_of(key)}: {text}")
        for part in lists:
            if isinstance(part, yaml.SequenceNode) and part.value:
                yield from part.value
            else:
                self.faults.append(f"{file}:{line_of(part)}: {name}: is not a list of {name}")
