"""Which settings one resource gets, over what is wanted, what is there already, whose it is, and what is in the way."""

import pytest

from shared.domain.diagnostics import DiagnosticSetting
from shared.domain.plan import DeleteSetting, PutSetting
from shared.domain.sinks import CategoryRule, Sink
from tests.support.sinks import (
    ACCOUNT,
    ALL,
    ARCHIVE,
    AUDIT,
    ELSEWHERE,
    LOGS,
    METRICS,
    NAMESPACE,
    RULE,
    WORKSPACE,
    Observed,
    described,
    node_sinks,
    setting,
)

NOISY = CategoryRule("archive", "Microsoft.KeyVault/vaults", "AuditEvent")
GONE = CategoryRule("exclude", category="auditevent")
EVERYTHING = "AllMetrics allLogs"
REST = "AllMetrics AzurePolicyEvaluationDetails"


def foreign(*what: tuple[object, str]) -> list[DiagnosticSetting]:
    return [setting(f"theirs-{n}", selection, sends) for n, (selection, sends) in enumerate(what)]  # type: ignore[arg-type]


EXAMPLES = [
    # tag, rules, settings of others, ours afterwards, kinds that get everything
    ("logs", (), [], {"meshplane": f"w: {EVERYTHING}"}, "workspace"),
    ("logs+stream", (), [], {"meshplane": f"we: {EVERYTHING}"}, "workspace event-hub"),
    ("logs+archive", (), [], {"meshplane": f"ws: {EVERYTHING}"}, "workspace storage"),
    ("all", (), [], {"meshplane": f"wes: {EVERYTHING}"}, "workspace event-hub storage"),
    # Whoever made it, what is covered is left alone.
    ("all", (), [(ALL, "wes")], {}, "workspace event-hub storage"),
    ("all", (), [(ALL, "w")], {"meshplane.stream": f"es: {EVERYTHING}"}, "workspace event-hub storage"),
    ("all", (), [(ALL, "ws")], {"meshplane.stream": f"e: {EVERYTHING}"}, "workspace event-hub storage"),
    ("all", (), [(ALL, "we")], {"meshplane.archive": f"s: {EVERYTHING}"}, "workspace event-hub storage"),
    (
        "logs+stream",
        (),
        [(AUDIT, "w")],
        {"meshplane": f"w: {REST}", "meshplane.stream": f"e: {EVERYTHING}"},
        "workspace event-hub",
    ),
    (
        "all",
        (),
        [(AUDIT, "e"), (METRICS, "s")],
        {
            "meshplane": f"w: {EVERYTHING}",
            "meshplane.stream": f"e: {REST}",
            "meshplane.archive": "s: allLogs",
        },
        "workspace event-hub storage",
    ),
    ("logs+stream", (), [(LOGS, "we")], {"meshplane": "we: AllMetrics"}, "workspace event-hub"),
    # Policy.
    ("logs", (GONE,), [], {"meshplane": f"w: {REST}"}, "workspace"),
    ("all", (GONE,), [], {"meshplane": f"wes: {REST}"}, "workspace event-hub storage"),
    (
        "all",
        (NOISY,),
        [],
        {"meshplane": f"we: {REST}", "meshplane.archive": f"s: {EVERYTHING}"},
        "workspace event-hub storage",
    ),
    (
        "logs",
        (NOISY,),
        [],
        {"meshplane": f"w: {REST}", "meshplane.archive": "s: AuditEvent"},
        "workspace storage",
    ),
    # Four of others leave room for one of ours: what fits joins it.
    (
        "all",
        (),
        [(AUDIT, str(n)) for n in range(4)],
        {"meshplane": f"wes: {EVERYTHING}"},
        "workspace event-hub storage",
    ),
    (
        "all",
        (NOISY,),
        [(AUDIT, str(n)) for n in range(4)],
        {"meshplane": f"wes: {REST}"},
        "workspace event-hub",
    ),
    (
        "logs+stream",
        (),
        [(AUDIT, "w"), *((AUDIT, str(n)) for n in range(3))],
        {"meshplane": f"we: {REST}"},
        "workspace",
    ),
    ("all", (), [(AUDIT, str(n)) for n in range(5)], {}, ""),
]


@pytest.mark.parametrize(("tag", "rules", "others", "ours", "covers"), EXAMPLES)
def test_settings_follow_from_what_is_wanted_and_what_is_there(
    tag: str,
    rules: tuple[CategoryRule, ...],
    others: list[tuple[object, str]],
    ours: dict[str, str],
    covers: str,
) -> None:
    vault = Observed()
    vault.have(*foreign(*others))
    vault.settle(node_sinks(tag, rules=rules))
    assert described(vault.settings) == ours
    assert vault.row.covers == tuple(covers.split())
    assert all(vault.settings[s.name] == s for s in foreign(*others))


def test_what_cannot_be_sent_is_named_with_what_is_in_the_way_and_where_that_sends() -> None:
    vault = Observed()
    vault.have(*foreign(*((AUDIT, str(n)) for n in range(4))))
    found = vault.settle(node_sinks("all", rules=(NOISY,)))
    [blocked] = found.findings
    assert blocked.reason == "SettingsBlocked"
    for said in ("AuditEvent", ACCOUNT, "'theirs-0'", f"{WORKSPACE}-3", "4 of the 5"):
        assert said in blocked.message
    assert (vault.row.status, vault.row.code) == ("blocked", "SettingsBlocked")


def test_more_sinks_join_the_setting_that_is_ours_already() -> None:
    vault = Observed()
    vault.settle(node_sinks("logs"))
    (step,) = vault.enforce(node_sinks("all")).steps
    assert isinstance(step, PutSetting)
    assert (step.name, step.why) == ("meshplane", "differs")
    assert [d.split(":")[0] for d in step.differences] == [
        "eventHubAuthorizationRuleId",
        "eventHubName",
        "storageAccountId",
    ]


@pytest.mark.parametrize("rules", [(), (NOISY,)])
def test_turning_sinks_off_removes_only_what_is_ours(rules: tuple[CategoryRule, ...]) -> None:
    vault, theirs = Observed(), setting("theirs", METRICS, "es")
    vault.have(theirs)
    vault.settle(node_sinks("all", rules=rules))
    vault.settle(node_sinks("logs"))
    assert described(vault.settings) == {"meshplane": f"w: {EVERYTHING}"}
    assert vault.settings["theirs"] == theirs
    assert vault.row.names == ("meshplane",)


def test_a_sink_that_left_the_settings_is_taken_out_of_what_is_ours() -> None:
    vault = Observed()
    vault.settle(node_sinks("all"))
    vault.settle(node_sinks("all", ARCHIVE))
    assert described(vault.settings) == {"meshplane": f"ws: {EVERYTHING}"}
    assert (vault.row.status, vault.row.code) == ("blocked", "NoSinkInRegion")


def test_a_drifted_setting_is_written_back_with_the_fields_that_differ() -> None:
    vault = Observed()
    vault.settle(node_sinks("all"))
    vault.have(setting("meshplane", AUDIT, "ws"))
    (step,) = vault.plan(node_sinks("all")).steps
    assert isinstance(step, PutSetting)
    fields = [d.split(":")[0] for d in step.differences]
    assert fields == ["logs", "groups", "metrics", "eventHubAuthorizationRuleId", "eventHubName"]


def test_a_setting_of_ours_that_says_the_same_in_other_words_is_left_alone() -> None:
    """Somebody listed the categories instead of the group, and used another rule of the same namespace."""
    vault = Observed()
    listed = setting("meshplane", ALL, "we")
    vault.have(
        DiagnosticSetting(
            "meshplane",
            type(ALL)(logs=frozenset({"auditevent", "AzurePolicyEvaluationDetails"}), metrics=ALL.metrics),
            WORKSPACE.upper(),
            f"{NAMESPACE.upper()}/authorizationRules/other",
            "TELEMETRY",
        ),
        recorded=[listed.name],
    )
    assert vault.plan(node_sinks("logs+stream")).steps == ()


def test_an_event_hub_of_another_name_in_the_namespace_is_another_sink() -> None:
    vault = Observed()
    vault.have(DiagnosticSetting("theirs", ALL, event_hub_rule=RULE, event_hub="insights"))
    vault.settle(node_sinks("logs+stream"))
    assert described(vault.settings) == {"meshplane": f"we: {EVERYTHING}"}


def test_two_of_ours_that_have_to_change_places_do_so_without_a_conflict() -> None:
    vault = Observed()
    vault.have(
        setting("meshplane", ALL, "es"),
        setting("meshplane.stream", AUDIT, "w"),
        recorded=["meshplane", "meshplane.stream"],
    )
    vault.settle(node_sinks("all", rules=(NOISY,)))
    assert described(vault.settings) == {
        "meshplane": f"we: {REST}",
        "meshplane.archive": f"s: {EVERYTHING}",
    }


def test_a_name_of_ours_that_somebody_uses_blocks_only_what_needs_it() -> None:
    vault = Observed()
    theirs = setting("meshplane.archive", AUDIT, "7")
    vault.have(theirs)
    found = vault.settle(node_sinks("all", rules=(NOISY,)))
    assert vault.settings["meshplane.archive"] == theirs
    assert described(vault.settings)["meshplane"] == f"we: {REST}"
    assert [f.reason for f in found.findings] == ["SettingNameTaken"]
    assert "'meshplane.archive'" in found.findings[0].message


def test_a_region_without_a_sink_gets_the_rest_and_says_what_is_missing_where() -> None:
    vault = Observed(location=ELSEWHERE)
    found = vault.enforce(node_sinks("all"))
    assert described(vault.settings) == {"meshplane": f"w: {EVERYTHING}"}
    [finding] = found.findings
    for said in ("no event-hub and no storage sink", ELSEWHERE, vault.resource.id, "MESH_SINKS"):
        assert said in finding.message
    assert (finding.reason, finding.severity, finding.waiting) == ("NoSinkInRegion", "error", False)
    # Said again at each look, and nothing is read for it.
    assert vault.plan(node_sinks("all")).findings == found.findings


def test_an_archive_only_category_goes_where_the_node_asks_while_there_is_no_archive() -> None:
    """A policy that saves money loses nothing."""
    vault = Observed(location=ELSEWHERE)
    found = vault.settle(node_sinks("logs", rules=(NOISY,)))
    assert described(vault.settings) == {"meshplane": f"w: {EVERYTHING}"}
    assert [f.reason for f in found.findings] == ["NoSinkInRegion"]


def test_a_type_of_which_policy_excludes_everything_keeps_no_setting_of_ours() -> None:
    vault = Observed()
    vault.settle(node_sinks("all"))
    vault.settle(node_sinks("all", rules=(CategoryRule("exclude", "microsoft.keyvault/VAULTS"),)))
    assert described(vault.settings) == {}
    assert (vault.row.status, vault.row.code, vault.row.owned) == ("unsupported", "Excluded", False)


@pytest.mark.parametrize(
    ("resource", "allowed"),
    [
        (WORKSPACE, ""),
        (NAMESPACE, "w"),
        (ACCOUNT, "we"),
        (f"{ACCOUNT}/blobServices/default", "we"),
        (ACCOUNT.replace("archive", "another"), "wes"),
    ],
)
def test_a_sink_reports_only_to_sinks_before_it_so_that_nothing_goes_round(
    resource: str, allowed: str
) -> None:
    sinks = node_sinks("all")
    kinds = {"w": "workspace", "e": "event-hub", "s": "storage"}
    found = "".join(letter for letter, kind in kinds.items() if sinks.may_report(resource, kind))  # type: ignore[arg-type]
    assert found == allowed


def test_the_archive_s_own_blob_service_is_not_archived() -> None:
    service = Observed(f"{ACCOUNT}/blobServices/default")
    service.settle(node_sinks("all"))
    [ours] = described(service.settings).values()
    assert ours.startswith("we: ")
    assert (service.row.status, service.row.wanted) == ("covered", ("workspace", "event-hub"))


def test_another_hub_s_workspace_is_a_sink_as_well() -> None:
    """Two workspaces that log to each other would be a loop of two."""
    finance = Sink("workspace", f"{WORKSPACE}2", domain="finance")
    assert not node_sinks("logs", finance).may_report(finance.id, "workspace")


def test_nothing_is_planned_twice_for_a_deleted_and_a_made_setting() -> None:
    vault = Observed()
    vault.settle(node_sinks("all", rules=(NOISY,)))
    found = vault.enforce(node_sinks("all"))
    assert [type(s) for s in found.steps] == [DeleteSetting, PutSetting]
    assert vault.plan(node_sinks("all")).steps == ()
