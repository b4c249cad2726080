"""Policies from YAML files: what can be used, and every fault of every file, with file and line."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import yaml

from shared.domain.governance import Policies, Policy
from shared.domain.governance_tightening import loosened
from shared.forms.reading import Reading, read, suggestion
from shared.forms.yaml_tree import LARGEST, Refused, documents, line_of
from shared.governance.policy_made import policy_made
from shared.governance.policy_schema import PolicyForm

LIBRARY = Path(__file__).parent / "library"
DOMAINS = "domains"
"""The folder in a folder of policies whose folders are those of domains, by the value of `mesh-domain`."""
_MOST_FILES = 200
MOST_POLICIES = 100
"""Names, of which each may have a version of each domain: a node's row has a column for each that it violates."""


def load_policies(folders: Iterable[Path] = (LIBRARY,)) -> Policies:
    """The policies of every `*.yaml` in the folders, and in `domains/<domain>` of each; raises nothing.

    What cannot be read, and what would loosen one of the mesh's, is left out and told of.
    """
    files = _Files()
    folders = tuple(folders)
    for folder in folders:
        files.read_folder(folder, "")
    for folder in folders:
        for inner in _inside(folder / DOMAINS):
            files.read_folder(inner, inner.name)
    return Policies(tuple(files.policies.values()), tuple(files.faults))


def _inside(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.is_dir()) if folder.is_dir() else []


class _Files:
    """Reads one file after the other and gathers what is wrong."""

    def __init__(self) -> None:
        self._sources: dict[tuple[str, str], str] = {}
        self.policies: dict[tuple[str, str], Policy] = {}
        self.faults: list[str] = []

    def read_folder(self, folder: Path, domain: str) -> None:
        try:
            paths = sorted(p for p in folder.iterdir() if p.suffix.lower() in (".yaml", ".yml"))
        except OSError as error:
            self.faults.append(f"{folder}: cannot be read: {error.strerror}")
            return
        if len(paths) > _MOST_FILES or not (paths or _inside(folder / DOMAINS)):
            self.faults.append(f"{folder}: holds {len(paths)} files *.yaml, not 1 to {_MOST_FILES}")
            return
        label = (
            f"{folder.parent.parent.resolve().name}/{DOMAINS}/{domain}" if domain else folder.resolve().name
        )
        for path in paths:
            self._read_file(path, f"{label}/{path.name}", domain)

    def _read_file(self, path: Path, label: str, domain: str) -> None:
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
            self.faults.append(f"{label}: holds no policy")
        for document in found:
            for node in self._policies_in(document, label):
                self._read_policy(node, label, domain)

    def _policies_in(self, document: yaml.Node, label: str) -> Iterator[yaml.Node]:
        """The document itself, or what its `policies` lists."""
        entries = document.value if isinstance(document, yaml.MappingNode) else []
        lists = [part for key, part in entries if key.value == "policies"]
        if not lists:
            yield document
            return
        for key, _ in entries:
            if key.value != "policies":
                text = f"{key.value!r} is no key beside 'policies'{suggestion(str(key.value), ['policies'])}"
                self.faults.append(f"{label}:{line_of(key)}: {text}")
        for part in lists:
            if isinstance(part, yaml.SequenceNode) and part.value:
                yield from part.value
            else:
                self.faults.append(f"{label}:{line_of(part)}: policies: is not a list of policies")

    def _read_policy(self, node: yaml.Node, label: str, domain: str) -> None:
        source = f"{label}:{line_of(node)}"
        reading = read(PolicyForm, node)
        policy = policy_made(reading, source, domain)
        if policy:
            self._check_against_the_mesh(policy, reading)
        self.faults += [f"{label}:{fault.line}: {fault.text}" for fault in sorted(reading.faults)]
        if policy is None or reading.faults:
            return
        key = (domain.casefold(), policy.name)
        first = self._sources.setdefault(key, source)
        if first != source:
            self.faults.append(f"{source}: name: {policy.name!r} is the name of a policy already, at {first}")
        elif len({name for _, name in self.policies} | {policy.name}) > MOST_POLICIES:
            self.faults.append(f"{source}: there are more than {MOST_POLICIES} policies")
        else:
            self.policies[key] = policy

    def _check_against_the_mesh(self, policy: Policy, reading: Reading[PolicyForm]) -> None:
        mesh = self.policies.get(("", policy.name))
        if policy.domain and mesh:
            for path, text in loosened(mesh, policy):
                reading.fault(path, f"{text}: a domain may only tighten it ({mesh.source})")
