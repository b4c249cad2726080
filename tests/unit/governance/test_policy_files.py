"""Policies from files: what is read, every fault with its line, and that a domain only tightens."""

from datetime import date
from pathlib import Path

import pytest

from shared.domain.errors import Terminal
from shared.domain.governance import (
    AllowedRegions,
    Exemption,
    PublicNetworkAccess,
    RequiredTags,
    Scope,
    TelemetryCoverage,
)
from shared.governance.policy_book import SHOWN, PoliciesProbe, PolicyBook
from shared.governance.policy_files import LIBRARY, MOST_POLICIES, load_policies

EU = "name: eu\ntitle: In the EU\nrequire: {kind: allowed-regions, regions: [westeurope, northeurope]}\n"


def written(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def faults(folder: Path, **files: str) -> tuple[str, ...]:
    return load_policies([written(folder, **files)]).faults


def test_a_whole_policy_is_read(tmp_path: Path) -> None:
    text = """
name: tags
title: Costs are charged
description: Agreed with finance.
severity: error
mode: enforce
require:
  kind: required-tags
  tags:
    cost-center: [CC-*, "0"]
    owner: "*"
applies: {domains: [sales, mark*], environments: prod, tags: {tier: gold}}
exemptions:
  - {nodes: legacy-*, until: 2027-01-31, reason: Moves in January}
remedy: Tag the group.
"""
    found = load_policies([written(tmp_path, tags=text)])
    assert found.faults == ()
    [policy] = found.items
    assert policy.require == RequiredTags({"cost-center": ("CC-*", "0"), "owner": ("*",)})
    assert policy.applies == Scope(("sales", "mark*"), ("prod",), (), {"tier": ("gold",)})
    assert policy.exemptions == (Exemption(("legacy-*",), date(2027, 1, 31), "Moves in January"),)
    assert (policy.mode, policy.severity, policy.kind) == ("enforce", "error", "required-tags")
    assert policy.source == f"{tmp_path.name}/tags.yaml:2"


@pytest.mark.parametrize(
    ("change", "line", "told"),
    [
        ("mode: enforced", 4, "'enforced' is not one of audit, enforce; did you mean 'enforce'?"),
        ("modes: audit", 4, "modes: is no key here; did you mean 'mode'?"),
        (
            "exemptions: [{nodes: a, until: 2027-02-30, reason: x}]",
            4,
            "'2027-02-30' is no day of the calendar",
        ),
        ("exemptions: [{nodes: a, until: soon, reason: x}]", 4, "'soon' is not a day such as 2027-01-31"),
        ("exemptions: [{nodes: a, reason: x}]", 4, "'until' is missing"),
        ("applies: {domain: sales}", 4, "applies.domain: is no key here; did you mean 'domains'?"),
        ("applies: &x {domains: sales}", 4, "anchors and aliases"),
        ("title: Twice", 4, "'title' is there twice"),
    ],
)
def test_what_is_not_understood_is_refused_with_its_line(
    tmp_path: Path, change: str, line: int, told: str
) -> None:
    [fault] = faults(tmp_path, eu=f"{EU}{change}\n")
    assert fault.startswith(f"{tmp_path.name}/eu.yaml:{line}: ")
    assert told in fault


@pytest.mark.parametrize(
    ("require", "told"),
    [
        ("{kind: telemetry-coverage, least: {}}", "names no kind of sink"),
        ("{kind: telemetry-coverage, least: {workspace: 101}}", "'101' is not a number from 0 to 100"),
        ("{kind: public-network-access, types: Microsoft.Compute/*}", "fits none of the known types"),
        ("{kind: allowed-regions, regions: []}", "has 0 elements"),
        ("{kind: allowed-network-options, options: [spoke]}", "'spoke' is not one of endpoints"),
        ("{kind: allowed-region, regions: [a]}", "did you mean 'allowed-regions'?"),
        ("{regions: [a]}", "'kind' is missing"),
    ],
)
def test_each_kind_says_what_it_needs(tmp_path: Path, require: str, told: str) -> None:
    [fault] = faults(tmp_path, p=f"name: p\ntitle: P\nrequire: {require}\n")
    assert f"{tmp_path.name}/p.yaml:3: " in fault
    assert told in fault


def test_kinds_with_defaults(tmp_path: Path) -> None:
    text = "policies:\n" + "".join(
        f"  - {{name: {name}, title: T, require: {require}}}\n"
        for name, require in (
            ("access", "{kind: public-network-access}"),
            ("coverage", "{kind: telemetry-coverage, least: {event_hub: 90}}"),
        )
    )
    access, coverage = load_policies([written(tmp_path, all=text)]).items
    assert access.require == PublicNetworkAccess(("*",), selected_networks=False)
    assert coverage.require == TelemetryCoverage({"event-hub": 90.0})
    assert access.mode == "audit"


def test_what_is_right_counts_beside_what_is_wrong(tmp_path: Path) -> None:
    found = load_policies([written(tmp_path, eu=EU, broken="name: [", empty="# nothing\n")])
    assert [policy.name for policy in found.items] == ["eu"]
    assert len(found.faults) == 2


def test_a_name_is_taken_once_by_the_mesh_and_once_by_each_domain(tmp_path: Path) -> None:
    files = {"a": EU, "b": EU, "domains__sales__a": EU, "domains__sales__b": EU, "domains__finance__a": EU}
    found = load_policies([written(tmp_path, **files)])
    assert [(p.name, p.domain) for p in found.items] == [("eu", ""), ("eu", "finance"), ("eu", "sales")]
    assert len(found.faults) == 2
    assert all("is the name of a policy already" in fault for fault in found.faults)


def test_a_folder_that_is_not_there_or_empty_is_told_of(tmp_path: Path) -> None:
    [absent, empty] = load_policies([tmp_path / "absent", tmp_path]).faults
    assert "cannot be read" in absent
    assert "holds 0 files" in empty


def test_more_policies_than_a_row_has_columns_for_are_refused(tmp_path: Path) -> None:
    many = "---\n".join(EU.replace("name: eu", f"name: eu-{n}") for n in range(MOST_POLICIES + 1))
    found = load_policies([written(tmp_path, many=many)])
    assert (len(found.items), len(found.faults)) == (MOST_POLICIES, 1)


# --- domains


def domain_faults(tmp_path: Path, mesh: str, own: str) -> tuple[str, ...]:
    def text(require: str) -> str:
        return f"name: p\ntitle: T\nmode: enforce\nrequire: {{kind: {require}}}\n"

    return faults(tmp_path, p=text(mesh), domains__sales__p=text(own))


@pytest.mark.parametrize(
    ("mesh", "own", "told"),
    [
        ("allowed-regions, regions: [West Europe]", "allowed-regions, regions: [westeurope]", ""),
        ("allowed-regions, regions: [westeurope]", "allowed-regions, regions: [eastus]", "allows eastus"),
        ("allowed-regions, regions: [eastus]", "allowed-network-options, options: [hub]", "require.kind"),
        ("required-tags, tags: {a: 'CC-*'}", "required-tags, tags: {A: CC-1, b: '*'}", ""),
        ("required-tags, tags: {a: 'CC-*'}", "required-tags, tags: {b: '*'}", "leaves out a"),
        ("required-tags, tags: {a: 'CC-*'}", "required-tags, tags: {a: '*'}", "allows a to be *"),
        ("public-network-access", "public-network-access, types: Microsoft.Sql/*", "leaves out *"),
        ("public-network-access, types: Microsoft.Sql/*", "public-network-access", ""),
        ("public-network-access", "public-network-access, selected_networks: true", "selected_networks"),
        ("telemetry-coverage, least: {workspace: 90}", "telemetry-coverage, least: {workspace: 100}", ""),
        ("telemetry-coverage, least: {workspace: 90}", "telemetry-coverage, least: {storage: 100}", "90 %"),
        (
            "allowed-network-options, options: [hub]",
            "allowed-network-options, options: [none]",
            "allows none",
        ),
        ("allowed-resource-types, types: [a/*]", "allowed-resource-types, types: [a/b]", ""),
        ("allowed-resource-types, types: [a/b]", "allowed-resource-types, types: [a/*]", "allows a/*"),
    ],
)
def test_a_domain_tightens_a_policy_of_the_mesh_and_never_loosens_it(
    tmp_path: Path, mesh: str, own: str, told: str
) -> None:
    found = domain_faults(tmp_path, mesh, own)
    assert len(found) == bool(told)
    if told:
        assert told in found[0]
        assert f"{tmp_path.name}/domains/sales/p.yaml:4: " in found[0]
        assert f"a domain may only tighten it ({tmp_path.name}/p.yaml:1)" in found[0]


def test_a_domain_does_not_audit_what_the_mesh_enforces_nor_speak_for_others(tmp_path: Path) -> None:
    own = f"{EU}applies: {{domains: finance}}\n"
    [speaks] = faults(tmp_path / "a", eu=EU, domains__sales__eu=own)
    assert "is not for a domain to say" in speaks
    [audits] = faults(tmp_path / "b", eu=f"{EU}mode: enforce\n", domains__sales__eu=EU)
    assert "mode: is audit; the mesh's policy of this name is enforce" in audits


def test_the_meshs_policies_are_known_whatever_the_order_of_folders(tmp_path: Path) -> None:
    first = written(tmp_path / "teams", domains__sales__eu=EU.replace("northeurope", "eastus"))
    second = written(tmp_path / "mesh", eu=EU)
    found = load_policies([first, second])
    assert [(p.domain, p.require) for p in found.items] == [
        ("", AllowedRegions(("westeurope", "northeurope")))
    ]
    assert "allows eastus" in found.faults[0]


# --- this process


def test_the_library_can_be_used_and_withholds_nothing() -> None:
    found = load_policies([LIBRARY])
    assert found.faults == ()
    assert {policy.mode for policy in found.items} == {"audit"}


async def test_health_tells_of_every_fault_and_of_how_many_are_judged(tmp_path: Path) -> None:
    assert await PoliciesProbe(PolicyBook(load_policies)).check() == "1 policies are judged."
    many = "---\n".join(f"name: p\n{n}: x\n" for n in range(SHOWN))
    book = PolicyBook(lambda: load_policies([written(tmp_path, many=many)]))
    with pytest.raises(Terminal) as raised:
        await PoliciesProbe(book).check()
    assert raised.value.reason == "PoliciesInvalid"
    assert f"{tmp_path.name}/many.yaml:" in raised.value.message
    assert " more" in raised.value.message
