"""What docs/governance.md says of policies is what the code takes."""

import re
from pathlib import Path

from shared.governance.policy_files import load_policies
from shared.governance.policy_schema import (
    AllowedNetworkOptionsForm,
    AllowedRegionsForm,
    AllowedResourceTypesForm,
    ExemptionForm,
    PolicyForm,
    PublicNetworkAccessForm,
    RequiredTagsForm,
    ScopeForm,
    SharesForm,
    TelemetryCoverageForm,
)
from tests.docs.__main__ import DOCS

PAGE = (DOCS / "governance.md").read_text(encoding="utf-8")
KINDS = (
    AllowedRegionsForm,
    RequiredTagsForm,
    PublicNetworkAccessForm,
    TelemetryCoverageForm,
    AllowedNetworkOptionsForm,
    AllowedResourceTypesForm,
)


def _rows(before: str) -> list[list[str]]:
    """The cells of the first table after some words, without its head."""
    lines = PAGE[PAGE.index(before) :].splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith("|---"))
    end = next(n for n, line in enumerate(lines) if n > start and not line.startswith("|"))
    return [line.split("|")[1:-1] for line in lines[start + 1 : end]]


def _words(*cells: str) -> set[str]:
    return {word for cell in cells for word in re.findall(r"`([\w-]+)`", cell)}


def test_each_key_is_explained_and_no_other() -> None:
    for heading, form in (
        ("### A policy", PolicyForm),
        ("### applies", ScopeForm),
        ("### exemptions", ExemptionForm),
    ):
        assert _words(*(row[0] for row in _rows(heading))) == set(form.__struct_fields__), heading


def test_each_kind_is_explained_with_its_keys() -> None:
    told = {row[0].strip(" `"): _words(row[1]) for row in _rows("### require")}
    assert told == {str(form.__struct_config__.tag): set(form.__struct_fields__) for form in KINDS}
    [coverage] = [row[2] for row in _rows("### require") if "telemetry-coverage" in row[0]]
    assert _words(coverage) == set(SharesForm.__struct_fields__)


def test_the_example_policies_are_policies(tmp_path: Path) -> None:
    found = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert found
    for number, text in enumerate(found):
        (tmp_path / f"{number}.yaml").write_text(text, encoding="utf-8")
    policies = load_policies([tmp_path])
    assert policies.faults == ()
    assert policies.items


def test_the_folder_to_copy_has_every_kind_and_no_fault() -> None:
    policies = load_policies([DOCS.parent / "examples" / "policies"])
    assert policies.faults == ()
    assert {policy.kind for policy in policies.items} == {str(form.__struct_config__.tag) for form in KINDS}
    assert {policy.domain for policy in policies.items} == {"", "sales"}


def test_the_line_that_tests_a_folder_prints_its_faults(tmp_path: Path) -> None:
    """The documented command, on a folder with a mistake in it."""
    [command] = re.findall(r"-c \"(.*?)\"\n", PAGE)
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "p.yaml").write_text("name: 1\n", encoding="utf-8")
    said: list[str] = []
    code = command.replace("Path('policies')", f"Path({str(tmp_path / 'policies')!r})")
    exec(code, {"print": said.append})
    assert "policies/p.yaml:1: " in said[0]
