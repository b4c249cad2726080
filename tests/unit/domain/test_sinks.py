"""Which sink a resource reports to, by kind, region and domain; what is wrong with sinks and rules."""

import pytest

from shared.domain.diagnostics import Category, DiagnosticSetting, Selection
from shared.domain.sinks import CategoryRule, Sink, SinkKind, places, region_of, rule_faults, sink_faults
from tests.support.sinks import (
    ACCOUNT,
    ARCHIVE,
    ELSEWHERE,
    REGION,
    RULE,
    STREAM,
    VAULT,
    WORKSPACE,
    node_sinks,
)

NORTH = Sink("storage", f"{ACCOUNT}north", region="North Europe")
FINANCE = Sink("workspace", f"{WORKSPACE}-finance", domain="Finance")
IN_REGION = Sink("workspace", f"{WORKSPACE}-north", region=ELSEWHERE)
OWN_ARCHIVE = Sink("storage", f"{ACCOUNT}finance", region=REGION, domain="finance")
EVERY = (STREAM, ARCHIVE, NORTH, FINANCE, IN_REGION, OWN_ARCHIVE)


@pytest.mark.parametrize(
    ("kind", "location", "domain", "found"),
    [
        ("workspace", REGION, "", WORKSPACE),
        ("workspace", ELSEWHERE, "", IN_REGION.id),
        ("workspace", REGION, "finance", FINANCE.id),
        ("workspace", ELSEWHERE, "finance", FINANCE.id),
        ("workspace", "global", "", WORKSPACE),
        ("storage", REGION, "", ARCHIVE.id),
        ("storage", "West Europe", "", ARCHIVE.id),
        ("storage", ELSEWHERE, "", NORTH.id),
        ("storage", REGION, "finance", OWN_ARCHIVE.id),
        ("storage", ELSEWHERE, "finance", NORTH.id),
        ("storage", "westus", "", ""),
        ("storage", "global", "", ARCHIVE.id),
        ("event-hub", ELSEWHERE, "", ""),
        ("event-hub", "global", "", RULE),
    ],
)
def test_a_sink_is_that_of_the_domain_then_that_of_the_region_then_the_hub_s(
    kind: SinkKind, location: str, domain: str, found: str
) -> None:
    sink = node_sinks("all", *EVERY, domain=domain).sink(kind, location)
    assert (sink.id if sink else "") == found


def test_what_lies_in_no_region_uses_the_sink_nearest_to_its_node() -> None:
    near = node_sinks("all", *EVERY, location=ELSEWHERE).sink("storage", "global")
    assert near == NORTH


@pytest.mark.parametrize(
    ("telemetry", "kinds"),
    [
        ("logs", ["workspace"]),
        ("logs+stream", ["workspace", "event-hub"]),
        ("logs+archive", ["workspace", "storage"]),
        ("all", ["workspace", "event-hub", "storage"]),
        ("", ["workspace"]),
    ],
)
def test_a_tag_asks_for_kinds_of_sink(telemetry: str, kinds: list[str]) -> None:
    found = node_sinks(telemetry).wanted(VAULT, "Microsoft.KeyVault/vaults", REGION, [Category("AuditEvent")])
    assert [sink.kind for sink in found.sinks] == kinds
    assert found.kinds == tuple(kinds)


def test_the_mark_changes_with_what_concerns_the_node_and_with_nothing_else() -> None:
    plain = node_sinks("logs", FINANCE)
    assert plain.mark == WORKSPACE
    marks = {
        node_sinks("logs", STREAM).mark,
        node_sinks("all", STREAM).mark,
        node_sinks("logs", FINANCE, domain="FINANCE").mark,
        node_sinks("logs", STREAM, rules=(CategoryRule("exclude", category="AuditEvent"),)).mark,
    }
    assert len(marks | {plain.mark}) == 5
    assert node_sinks("all", STREAM, FINANCE).mark == node_sinks("all", STREAM).mark


def test_the_first_rule_that_fits_decides() -> None:
    rules = (
        CategoryRule("archive", "Microsoft.KeyVault/vaults", "AuditEvent"),
        CategoryRule("exclude", category="auditevent"),
    )
    sinks = node_sinks("all", rules=rules)
    offered = [Category("AuditEvent")]
    vault = sinks.wanted(VAULT, "microsoft.keyvault/VAULTS", REGION, offered)
    other = sinks.wanted(VAULT, "Microsoft.Sql/servers", REGION, offered)
    assert ([s.kind for s in vault.sinks], other.kinds) == (["storage"], ())


@pytest.mark.parametrize(
    ("setting", "found"),
    [
        (DiagnosticSetting("s", Selection()), {}),
        (DiagnosticSetting("s", Selection(), WORKSPACE.upper() + "/"), {"workspace": WORKSPACE.lower()}),
        (
            DiagnosticSetting("s", Selection(), event_hub_rule=RULE.upper(), event_hub="Telemetry"),
            {"event-hub": STREAM.place},
        ),
        (DiagnosticSetting("s", Selection(), storage_account=ACCOUNT), {"storage": ARCHIVE.place}),
    ],
)
def test_where_a_setting_sends_to_is_compared_in_any_spelling(
    setting: DiagnosticSetting, found: dict[str, str]
) -> None:
    assert places(setting) == found


@pytest.mark.parametrize(
    ("sink", "said"),
    [
        (Sink("workspace", ACCOUNT, domain="d"), "no id of a Log Analytics workspace"),
        (Sink("workspace", WORKSPACE), "needs a region or a domain"),
        (Sink("storage", ACCOUNT), "needs its region"),
        (Sink("storage", WORKSPACE, region=REGION), "no id of a storage account"),
        (Sink("event-hub", RULE, region=REGION), "an Event Hub's name is needed"),
        (Sink("event-hub", RULE.rsplit("/", 2)[0], hub="h", region=REGION), "authorization rule"),
        (Sink("storage", ACCOUNT, hub="h", region=REGION), "nothing else has one"),
    ],
)
def test_a_wrong_sink_is_named_with_what_is_wrong(sink: Sink, said: str) -> None:
    assert any("sink 1" in fault and said in fault for fault in sink_faults([sink]))


def test_two_sinks_for_the_same_resources_are_refused() -> None:
    again = Sink("storage", f"{ACCOUNT}2", region="West Europe")
    assert any("two sinks" in fault and REGION in fault for fault in sink_faults([ARCHIVE, again]))
    assert sink_faults(EVERY) == []


def test_a_rule_about_everything_is_refused() -> None:
    assert rule_faults([CategoryRule("exclude", category="A"), CategoryRule("archive")]) == [
        "rule 2 names neither a type nor a category: it would be about everything."
    ]


@pytest.mark.parametrize(("location", "region"), [("Global", ""), ("", ""), ("West Europe", REGION)])
def test_a_region_is_known_by_name_and_display_name(location: str, region: str) -> None:
    assert region_of(location) == region
