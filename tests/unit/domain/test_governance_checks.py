"""How a node stands towards its policies: each kind, where they apply, exemptions, and what domains may do."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from shared.domain.exposure import Access, Exposure
from shared.domain.governance import (
    AllowedNetworkOptions,
    AllowedRegions,
    AllowedResourceTypes,
    Exemption,
    Mode,
    Policies,
    Policy,
    PublicNetworkAccess,
    RequiredTags,
    Requirement,
    Scope,
    Standing,
    TelemetryCoverage,
    Verdict,
)
from shared.domain.governance_checks import LONGEST, NAMED, Governed, Subject, evaluate, wanted_exposures
from shared.domain.governance_shown import governed, withheld
from shared.domain.ids import NodeKey
from shared.domain.node import Coverage

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
KEY = NodeKey.of("00000000-0000-4000-8000-000000000001", "sales-prod")
ACCOUNT = "/g/providers/Microsoft.Storage/storageAccounts/a"
VAULT = "/g/providers/Microsoft.KeyVault/vaults/v"
SUBJECT = Subject(
    key=KEY,
    domain="Retail",
    environment="prod",
    location="westeurope",
    resources=(
        Governed(ACCOUNT, "Microsoft.Storage/storageAccounts", "West Europe"),
        Governed(VAULT, "Microsoft.KeyVault/vaults", "westeurope"),
        Governed("/g/dns", "Microsoft.Network/privateDnsZones", "global"),
    ),
    tags={"Cost-Center": "CC-7", "mesh-node": "sales"},
    network="hub",
    coverage=(Coverage(ACCOUNT, "covered", NOW, covers=("workspace",), wanted=("workspace",)),),
)


def policy(require: Requirement, mode: Mode = "audit", name: str = "p", **more: object) -> Policy:
    return replace(Policy(name=name, title="A title.", require=require, mode=mode), **more)


def stood(*policies: Policy, subject: Subject = SUBJECT, before: tuple[Standing, ...] = ()) -> Standing:
    [standing] = evaluate(Policies(policies), subject, before, NOW)
    return standing


def verdict(require: Requirement, subject: Subject = SUBJECT) -> Verdict:
    return stood(policy(require), subject=subject).verdict


# --- kinds


@pytest.mark.parametrize(
    ("regions", "expected"),
    [
        (("West Europe",), "compliant"),
        (("westeurope", "northeurope"), "compliant"),
        (("northeurope",), "violating"),
    ],
)
def test_regions_are_compared_by_name_or_display_name_and_global_is_none(
    regions: tuple[str, ...], expected: Verdict
) -> None:
    assert verdict(AllowedRegions(regions)) == expected


def test_a_resource_elsewhere_is_named() -> None:
    away = replace(SUBJECT, resources=(Governed(VAULT, "Microsoft.KeyVault/vaults", "eastus"),))
    found = stood(policy(AllowedRegions(("westeurope",)), remedy="Move it."), subject=away)
    assert (found.verdict, found.resources, found.findings) == ("violating", (VAULT,), 1)
    assert found.message == f"A title: {VAULT} lies in eastus. Move it."


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({"cost-center": ("CC-*",)}, "compliant"),
        ({"COST-CENTER": ("x", "cc-7")}, "compliant"),
        ({"cost-center": ("CC-*",), "owner": ("*",)}, "violating"),
        ({"cost-center": ("CC-?",)}, "violating"),
    ],
)
def test_tags_are_required_with_values(tags: Mapping[str, tuple[str, ...]], expected: Verdict) -> None:
    assert verdict(RequiredTags(tags)) == expected


def test_a_tags_value_is_never_repeated_for_it_may_be_somebodys_address() -> None:
    subject = replace(SUBJECT, tags={"contact": "anna@example.com"})
    assert "anna" not in stood(policy(RequiredTags({"contact": ("team-*",)})), subject=subject).message


@pytest.mark.parametrize(
    ("account", "vault", "selected", "expected"),
    [
        ("closed", "closed", False, "compliant"),
        ("selected", "closed", False, "violating"),
        ("selected", "closed", True, "compliant"),
        ("public", "closed", True, "violating"),
        ("unknown", "closed", True, "unknown"),
        ("unknown", "public", True, "violating"),
    ],
)
def test_access_is_judged_and_what_cannot_be_told_is_unknown(
    account: Access, vault: Access, selected: bool, expected: Verdict
) -> None:
    seen = (Exposure(ACCOUNT.upper(), account, NOW), Exposure(VAULT, vault, NOW))
    require = PublicNetworkAccess(selected_networks=selected)
    assert verdict(require, replace(SUBJECT, exposures=seen)) == expected


def test_access_is_unknown_before_it_is_read_and_other_types_are_not_judged() -> None:
    assert verdict(PublicNetworkAccess(("Microsoft.Storage/*",))) == "unknown"
    assert verdict(PublicNetworkAccess(("Microsoft.Sql/*",))) == "compliant"


@pytest.mark.parametrize(
    ("least", "expected"),
    [
        ({"workspace": 100.0}, "violating"),
        ({"workspace": 50.0}, "compliant"),
        ({"workspace": 50.0, "event-hub": 1.0}, "violating"),
    ],
)
def test_coverage_is_a_share_of_what_has_diagnostics(least: dict[str, float], expected: Verdict) -> None:
    rows = (
        Coverage(ACCOUNT, "covered", NOW),  # as from before there were several sinks
        Coverage(VAULT, "missing", NOW, wanted=("workspace",)),
        Coverage("/g/none", "unsupported", NOW),
    )
    require = TelemetryCoverage(least)  # type: ignore[arg-type]
    assert verdict(require, replace(SUBJECT, coverage=rows)) == expected
    assert verdict(require, replace(SUBJECT, coverage=())) == "compliant"
    assert verdict(require, replace(SUBJECT, coverage=None)) == "unknown"


def test_network_options_and_resource_types_are_allowed_by_lists() -> None:
    assert verdict(AllowedNetworkOptions(("hub", "endpoints"))) == "compliant"
    assert verdict(AllowedNetworkOptions(("endpoints",))) == "violating"
    assert verdict(AllowedNetworkOptions(("hub",)), replace(SUBJECT, network=None)) == "unknown"
    types = ("microsoft.storage/*", "Microsoft.KeyVault/vaults", "Microsoft.Network/*")
    assert verdict(AllowedResourceTypes(types)) == "compliant"
    assert stood(policy(AllowedResourceTypes(types[:1]))).findings == 2


# --- where


@pytest.mark.parametrize(
    ("scope", "applies"),
    [
        (Scope(), True),
        (Scope(domains=("retail",)), True),
        (Scope(domains=("finance", "re*")), True),
        (Scope(domains=("finance",)), False),
        (Scope(environments=("prod",), nodes=("sales-*",)), True),
        (Scope(environments=("test",), nodes=("sales-*",)), False),
        (Scope(nodes=(f"{KEY.subscription}/*",)), True),
        (Scope(nodes=("*/marketing",)), False),
        (Scope(tags={"cost-center": ("CC-*",)}), True),
        (Scope(tags={"cost-center": ("DD-*",)}), False),
        (Scope(tags={"absent": ("*",)}), True),
    ],
)
def test_a_policy_applies_where_everything_that_it_names_fits(scope: Scope, applies: bool) -> None:
    found = evaluate(Policies((policy(AllowedRegions(("nowhere",)), applies=scope),)), SUBJECT, (), NOW)
    assert bool(found) == applies


def test_the_policy_of_a_domain_is_for_its_nodes_alone() -> None:
    own = policy(AllowedRegions(("nowhere",)), domain="RETAIL")
    assert stood(own).verdict == "violating"
    assert evaluate(Policies((replace(own, domain="finance"),)), SUBJECT, (), NOW) == ()


def test_only_types_that_a_policy_of_the_node_asks_for_are_to_be_read() -> None:
    vaults = policy(PublicNetworkAccess(("Microsoft.KeyVault/*",)), domain="retail")
    assert wanted_exposures(Policies((vaults,)), "Retail", "", KEY) == ("microsoft.keyvault/vaults",)
    assert wanted_exposures(Policies((vaults,)), "finance", "", KEY) == ()
    assert wanted_exposures(Policies((policy(AllowedRegions(("x",))),)), "", "", KEY) == ()


# --- exemptions


def exempted(until: date) -> Policy:
    exemption = Exemption(("sales-*",), until, "Agreed with the board.")
    return policy(AllowedRegions(("nowhere",)), "enforce", exemptions=(exemption,))


def test_an_exemption_counts_until_the_end_of_its_last_day() -> None:
    today = stood(exempted(NOW.date()))
    assert (today.verdict, today.until, today.withholds) == ("exempt", NOW.date(), False)
    assert "Exempt until 2026-11-22: Agreed with the board." in today.message
    late = NOW.replace(hour=23, minute=59)
    [still] = evaluate(Policies((exempted(NOW.date()),)), SUBJECT, (), late)
    assert still.verdict == "exempt"
    [over] = evaluate(Policies((exempted(NOW.date()),)), SUBJECT, (today,), late + timedelta(minutes=1))
    assert (over.verdict, over.withholds) == ("violating", True)
    assert "Its exemption ended on 2026-11-22." in over.message


def test_an_exemption_of_others_lets_nobody_off_and_who_complies_needs_none() -> None:
    other = replace(exempted(NOW.date()), exemptions=(Exemption(("other",), NOW.date(), "x"),))
    assert stood(other).verdict == "violating"
    assert (
        stood(replace(exempted(NOW.date()), require=AllowedRegions(("westeurope",)))).verdict == "compliant"
    )


# --- what is known


def test_what_only_tags_tell_stays_as_it_was_while_they_are_not_read() -> None:
    required = policy(RequiredTags({"cost-center": ("CC-*",)}), "enforce")
    scoped = policy(AllowedRegions(("nowhere",)), name="q", applies=Scope(tags={"cost-center": ("CC-*",)}))
    before = evaluate(Policies((required, scoped)), SUBJECT, (), NOW)
    unread = replace(SUBJECT, tags=None)
    later = NOW + timedelta(hours=1)
    assert evaluate(Policies((required, scoped)), unread, before, later) == before
    [unknown] = evaluate(Policies((required, scoped)), unread, (), later)
    assert (unknown.policy, unknown.verdict) == ("p", "unknown")


def test_while_policies_cannot_be_read_what_was_known_of_them_is_kept() -> None:
    enforced = policy(AllowedRegions(("nowhere",)), "enforce")
    before = evaluate(Policies((enforced,)), SUBJECT, (), NOW)
    [kept] = evaluate(Policies((), ("mesh/p.yaml:1: a fault",)), SUBJECT, before, NOW)
    assert (kept.withholds, kept.kept) == (True, True)
    assert "cannot be read" in withheld((kept,))[0].message
    assert evaluate(Policies(()), SUBJECT, (kept,), NOW) == ()


@pytest.mark.parametrize("own", ["elsewhere", "retail"])
def test_a_domain_s_policy_of_the_name_lets_nobody_off_the_mesh_s_that_cannot_be_read(own: str) -> None:
    """Neither the nodes of other domains, to which it does not apply, nor its own, which it may ask for less."""
    enforced = policy(AllowedRegions(("nowhere",)), "enforce")
    loose = policy(AllowedRegions(("westeurope",)), domain=own)
    before = evaluate(Policies((enforced, loose)), SUBJECT, (), NOW)
    broken = Policies((loose,), ("mesh/p.yaml:1: a fault",))
    [kept] = evaluate(broken, SUBJECT, before, NOW)
    assert (kept.withholds, kept.kept) == (True, True)
    [still] = evaluate(broken, SUBJECT, (kept,), NOW)
    assert still == kept
    mended = stood(policy(AllowedRegions(("westeurope",)), "enforce"), loose, before=(still,))
    assert (mended.verdict, mended.kept) == ("compliant", False)


def test_a_domain_s_policy_that_cannot_be_read_counts_on_beside_the_mesh_s() -> None:
    mesh = policy(AllowedRegions(("westeurope",)))
    tighter = policy(AllowedRegions(("nowhere",)), "enforce", domain="retail")
    before = evaluate(Policies((mesh, tighter)), SUBJECT, (), NOW)
    [kept] = evaluate(Policies((mesh,), ("mesh/domains/retail/p.yaml:1: a fault",)), SUBJECT, before, NOW)
    assert (kept.withholds, kept.kept) == (True, True)


def test_a_fault_elsewhere_keeps_nobody_from_mending_what_can_be_read() -> None:
    """What the mesh's policy said is judged anew although the domain's, with which the node complied, has a fault."""
    mesh = policy(RequiredTags({"owner": ("*",)}), "enforce")
    tighter = policy(RequiredTags({"cost-center": ("*",)}), "enforce", domain="retail")
    before = evaluate(Policies((mesh, tighter)), SUBJECT, (), NOW)
    mended = replace(SUBJECT, tags={**(SUBJECT.tags or {}), "owner": "us"})
    [found] = evaluate(Policies((mesh,), ("mesh/domains/retail/p.yaml:1: a fault",)), mended, before, NOW)
    assert (found.verdict, found.kept) == ("compliant", False)


def test_a_verdict_is_dated_from_when_it_became_so() -> None:
    first = stood(policy(AllowedRegions(("nowhere",))))
    later = NOW + timedelta(hours=1)
    [same] = evaluate(Policies((policy(AllowedRegions(("elsewhere",))),)), SUBJECT, (first,), later)
    [healed] = evaluate(Policies((policy(AllowedRegions(("westeurope",))),)), SUBJECT, (first,), later)
    assert (first.since, same.since, healed.since) == (NOW, NOW, later)


def test_messages_and_lists_are_bounded() -> None:
    many = tuple(Governed(f"/{'x' * 200}{n}", "t/t", "eastus") for n in range(1000))
    found = stood(policy(AllowedRegions(("westeurope",))), subject=replace(SUBJECT, resources=many))
    assert (found.findings, len(found.resources)) == (1000, NAMED)
    assert len(found.message) <= LONGEST


# --- what a node shows


def test_unknown_and_exempt_are_shown_as_such() -> None:
    [unknown] = governed((stood(policy(PublicNetworkAccess())),))
    assert (unknown.status, unknown.reason, unknown.severity) == ("Unknown", "PolicyUnknown", "info")
    [exempt] = governed((stood(exempted(NOW.date())),))
    assert (exempt.status, exempt.reason) == ("True", "Exempt")
    assert governed(()) == ()


# --- properties

regions = st.sampled_from(["westeurope", "northeurope", "eastus"])
modes: st.SearchStrategy[Mode] = st.sampled_from(["audit", "enforce"])
requirements: st.SearchStrategy[Requirement] = st.one_of(
    st.builds(AllowedRegions, st.lists(regions, min_size=1).map(tuple)),
    st.builds(RequiredTags, st.just({"cost-center": ("CC-*",)})),
    st.builds(PublicNetworkAccess),
    st.builds(TelemetryCoverage, st.just({"workspace": 100.0})),
    st.builds(AllowedNetworkOptions, st.lists(st.sampled_from(["hub", "none"]), min_size=1).map(tuple)),
    st.builds(AllowedResourceTypes, st.sampled_from([("*",), ("Microsoft.Sql/*",)])),
)
exemptions = st.lists(
    st.builds(
        Exemption,
        st.just(("*",)),
        st.dates(date(2026, 11, 20), date(2026, 11, 25)),
        st.just("agreed"),
    ),
    max_size=2,
).map(tuple)
any_policy = st.builds(
    Policy,
    name=st.sampled_from(["a", "b"]),
    title=st.just("A title"),
    require=requirements,
    mode=modes,
    domain=st.sampled_from(["", "retail"]),
    exemptions=exemptions,
)
subjects = st.builds(
    replace,
    st.just(SUBJECT),
    location=regions,
    tags=st.sampled_from([{}, {"cost-center": "CC-1"}]),
    network=st.sampled_from(["hub", "none", None]),
    exposures=st.lists(
        st.builds(
            Exposure,
            st.sampled_from([ACCOUNT, VAULT]),
            st.sampled_from(["public", "selected", "closed", "unknown"]),
            st.just(NOW),
        )
    ).map(tuple),
)


@given(policies=st.lists(any_policy), subject=subjects)
def test_an_audit_policy_never_keeps_a_node_from_being_ready(
    policies: list[Policy], subject: Subject
) -> None:
    audits = tuple(replace(one, mode="audit") for one in policies)
    standings = evaluate(Policies(audits), subject, (), NOW)
    assert withheld(standings) == ()
    assert all(condition.severity != "error" for condition in governed(standings))


@given(mesh=st.lists(any_policy), own=st.lists(any_policy), subject=subjects)
def test_what_a_domain_adds_only_ever_tightens(
    mesh: list[Policy], own: list[Policy], subject: Subject
) -> None:
    """Whoever is withheld by the mesh's policies is so with any policies of a domain, under the same names too."""
    wide = tuple(replace(one, domain="") for one in mesh)
    both = (*wide, *(replace(one, domain="retail") for one in own))
    alone = {s.policy for s in evaluate(Policies(wide), subject, (), NOW) if s.withholds}
    together = {s.policy for s in evaluate(Policies(both), subject, (), NOW) if s.withholds}
    assert alone <= together


@given(policies=st.lists(any_policy), subject=subjects)
def test_judging_again_changes_nothing(policies: list[Policy], subject: Subject) -> None:
    first = evaluate(Policies(tuple(policies)), subject, (), NOW)
    assert evaluate(Policies(tuple(policies)), subject, first, NOW + timedelta(seconds=1)) == first
