"""Policies from YAML files: what can be used, and every fault of every file, with file and line."""

from collections.abc import Iterable
from pathlib import Path

import yaml

from shared.domain.governance import Policies, Policy
from shared.domain.governance_tightening import loosened
from shared.forms.files import FormFiles
from shared.forms.reading import Reading, read
from shared.forms.yaml_tree import line_of
from shared.governance.policy_made import policy_made
from shared.governance.policy_schema import PolicyForm

LIBRARY = Path(__file__).parent / "library"
DOMAINS = "domains"
"""The folder in a folder of policies whose folders are those of domains, by the value of `mesh-domain`."""
MOST_POLICIES = 100
"""Names, of which each may have a version of each domain: a node's row has a column for each that it violates."""


def load_policies(folders: Iterable[Path] = (LIBRARY,)) -> Policies:
    """The policies of every `*.yaml` in the folders, and in `domains/<domain>` of each; raises nothing.

    What cannot be read, and what would loosen one of the mesh's, is left out and told of.
    """
    found = _Policies()
    folders = tuple(folders)
    for folder in folders:
        found.read_folder(folder, "")
    for folder in folders:
        for inner in _inside(folder / DOMAINS):
            found.read_folder(inner, inner.name)
    return Policies(tuple(found.policies.values()), tuple(found.faults))


def _inside(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.is_dir()) if folder.is_dir() else []


class _Policies:
    """Reads one file after the other and gathers what is wrong."""

    def __init__(self) -> None:
        self._sources: dict[tuple[str, str], str] = {}
        self.policies: dict[tuple[str, str], Policy] = {}
        self._files = FormFiles("policy", "policies")
        self.faults = self._files.faults

    def read_folder(self, folder: Path, domain: str) -> None:
        label = (
            f"{folder.parent.parent.resolve().name}/{DOMAINS}/{domain}" if domain else folder.resolve().name
        )
        of_domains = bool(_inside(folder / DOMAINS))
        for node, file in self._files.in_folder(folder, label, may_be_empty=of_domains):
            self._read_policy(node, file, domain)

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
