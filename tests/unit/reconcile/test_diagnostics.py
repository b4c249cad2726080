"""Which setting a resource gets, judged by sink and category and never by name."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.domain.diagnostics import Category, DiagnosticSetting, Selection
from shared.domain.naming import setting_names
from shared.domain.node import EVERYTHING, Coverage
from shared.domain.plan import DeleteSetting, PutSetting
from shared.domain.sinks_choice import NodeSinks
from shared.ports import Resource
from shared.reconcile.diagnostics import Enforcement, enforce, release, to_check
from shared.reconcile.observation import Diagnostics
from tests.fakes.catalogue import CATEGORIES
from tests.support.mesh import SUBSCRIPTION, WORKSPACE

NOW = datetime(2026, 1, 5, tzinfo=UTC)
VAULT = Resource(
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/sales/providers/Microsoft.KeyVault/vaults/V",
    "Microsoft.KeyVault/vaults",
    "westeurope",
)
SINKS = NodeSinks(WORKSPACE, known={WORKSPACE.lower(): 0})
NAMES = setting_names("meshplane")
OF_A_VAULT = CATEGORIES["microsoft.keyvault/vaults"]
ALL = Selection(groups=frozenset({"allLogs"}), metrics=frozenset({"AllMetrics"}))
AUDIT_EVENT = Selection(logs=frozenset({"AuditEvent"}))


def setting(
    selection: Selection, name: str = "theirs", workspace: str = WORKSPACE, **sinks: str
) -> DiagnosticSetting:
    return DiagnosticSetting(name, selection, workspace, **sinks)


def enforced(
    *settings: DiagnosticSetting,
    categories: tuple[Category, ...] = OF_A_VAULT,
    resource: Resource = VAULT,
    recorded: bool = False,
) -> Enforcement:
    known = [Coverage(resource.id, "covered", NOW, owned=True)] if recorded else []
    return enforce(
        [resource], known, {resource.id.lower(): Diagnostics(categories, settings)}, SINKS, NAMES, NOW
    )


def written(found: Enforcement) -> Selection | None:
    return next((s.selection for s in found.steps if isinstance(s, PutSetting)), None)


def test_a_resource_without_settings_gets_all_logs_and_metrics() -> None:
    found = enforced()
    assert (written(found), found.coverage[0].status, found.coverage[0].owned) == (ALL, "missing", True)


def test_a_foreign_setting_that_covers_everything_is_enough_under_any_name_and_spelling() -> None:
    found = enforced(setting(ALL, "theirs", WORKSPACE.upper() + "/"))
    assert (found.steps, found.coverage[0].status, found.coverage[0].owned) == ((), "covered", False)


def test_a_setting_under_our_name_that_covers_nothing_is_not_enough() -> None:
    assert written(enforced(setting(AUDIT_EVENT, "MESHPLANE"))) == ALL


@pytest.mark.parametrize(
    ("theirs", "rest"),
    [
        (
            AUDIT_EVENT,
            Selection(logs=frozenset({"AzurePolicyEvaluationDetails"}), metrics=frozenset({"AllMetrics"})),
        ),
        (
            Selection(groups=frozenset({"audit"})),
            Selection(logs=frozenset({"AzurePolicyEvaluationDetails"}), metrics=frozenset({"AllMetrics"})),
        ),
        (Selection(groups=frozenset({"allLogs"})), Selection(metrics=frozenset({"AllMetrics"}))),
        (Selection(metrics=frozenset({"AllMetrics"})), Selection(groups=frozenset({"allLogs"}))),
    ],
)
def test_beside_a_foreign_setting_only_what_it_leaves_out_is_sent(theirs: Selection, rest: Selection) -> None:
    assert written(enforced(setting(theirs))) == rest


def test_a_setting_that_sends_elsewhere_covers_nothing_here() -> None:
    assert written(enforced(setting(ALL, workspace=WORKSPACE + "2"))) == ALL
    assert written(enforced(setting(ALL, workspace="", storage_account="/s"))) == ALL


def test_five_foreign_settings_leave_no_room_and_are_named() -> None:
    found = enforced(*(setting(AUDIT_EVENT, f"theirs-{n}", f"{WORKSPACE}{n}") for n in range(5)))
    assert (found.steps, found.coverage[0].status) == ((), "blocked")
    assert all(f"'theirs-{n}'" in found.findings[0].message for n in range(5))


def test_our_own_among_five_is_mended() -> None:
    theirs = [setting(AUDIT_EVENT, f"theirs-{n}", f"{WORKSPACE}{n}") for n in range(4)]
    assert written(enforced(*theirs, setting(AUDIT_EVENT, "meshplane"))) == ALL


def test_an_own_setting_that_drifted_is_written_with_the_fields_that_differ() -> None:
    (step,) = enforced(setting(AUDIT_EVENT, "meshplane")).steps
    assert isinstance(step, PutSetting)
    assert (step.why, [d.split(":")[0] for d in step.differences]) == (
        "differs",
        ["logs", "groups", "metrics"],
    )


def test_an_own_setting_that_was_pointed_elsewhere_comes_back() -> None:
    (step,) = enforced(setting(ALL, "meshplane", WORKSPACE + "2"), recorded=True).steps
    assert isinstance(step, PutSetting)
    assert step.differences == (f"workspaceId: {WORKSPACE}2 -> {WORKSPACE}",)


def test_an_own_setting_that_others_made_superfluous_is_deleted() -> None:
    """Somebody pointed it elsewhere: it would go on sending this resource's records to wherever that is."""
    found = enforced(setting(AUDIT_EVENT, "meshplane", WORKSPACE + "2"), setting(ALL), recorded=True)
    assert [(type(s), s.resource) for s in found.steps] == [(DeleteSetting, VAULT.id)]


def test_a_type_without_groups_has_its_categories_listed() -> None:
    found = enforced(categories=CATEGORIES["microsoft.datafactory/factories"])
    assert written(found) == Selection(
        logs=frozenset({"ActivityRuns", "PipelineRuns", "TriggerRuns"}), metrics=frozenset({"AllMetrics"})
    )


def test_a_type_with_metrics_only_gets_metrics_only() -> None:
    found = enforced(categories=CATEGORIES["microsoft.storage/storageaccounts"])
    assert written(found) == Selection(metrics=frozenset({"Transaction"}))


def test_a_type_without_diagnostics_is_unsupported() -> None:
    found = enforced(categories=())
    assert (found.steps, found.coverage[0].status) == ((), "unsupported")


def test_the_sink_does_not_log_to_itself() -> None:
    sink = Resource(WORKSPACE.upper(), "Microsoft.OperationalInsights/workspaces", "westeurope")
    found = enforced(resource=sink, categories=CATEGORIES["microsoft.operationalinsights/workspaces"])
    assert (found.steps, found.coverage[0].status) == ((), "unsupported")


def test_a_resource_that_is_listed_but_was_not_found_is_said_to_be_unobserved() -> None:
    found = enforce([VAULT], [], {}, SINKS, NAMES, NOW)
    assert (found.coverage[0].status, [f.reason for f in found.findings]) == ("missing", ["NotFoundYet"])


def coverage(status: str = "covered", age: float = 0.0) -> Coverage:
    assert status in ("covered", "missing")
    return Coverage(
        VAULT.id.upper(), "covered" if status == "covered" else "missing", NOW - timedelta(seconds=age)
    )


@pytest.mark.parametrize(
    ("known", "touched", "looked_at"),
    [
        ([], (), True),
        ([coverage()], (), False),
        ([coverage()], (VAULT.id.lower(),), True),
        ([coverage()], (EVERYTHING,), True),
        ([coverage("missing")], (), True),
        ([coverage(age=86399)], (), False),
        ([coverage(age=86401)], (), True),
    ],
)
def test_settings_are_read_where_compliance_is_unknown_stale_or_touched(
    known: list[Coverage], touched: tuple[str, ...], looked_at: bool
) -> None:
    assert bool(to_check([VAULT], known, touched, NOW, 86400)) is looked_at


@pytest.mark.parametrize(
    ("recorded", "present", "deleted"),
    [
        (True, setting(ALL, "meshplane"), True),
        (True, setting(ALL, "meshplane", WORKSPACE + "2"), True),
        (False, setting(ALL, "meshplane"), True),
        (False, setting(ALL, "meshplane", WORKSPACE + "2"), False),
        (True, setting(ALL, "theirs"), False),
    ],
)
def test_what_is_released_carries_our_name_and_is_recorded_or_leads_to_our_sink(
    recorded: bool, present: DiagnosticSetting, deleted: bool
) -> None:
    known = [Coverage(VAULT.id, "covered", NOW, owned=True)] if recorded else []
    looked_at = {VAULT.id.lower(): Diagnostics(OF_A_VAULT, (present,))}
    left = release([VAULT], known, looked_at, SINKS, NAMES, NOW)
    assert (len(left.coverage), len(left.steps)) == (int(deleted), int(deleted))


def test_a_step_says_which_resource_and_workspace() -> None:
    (step,) = enforced().steps
    assert isinstance(step, PutSetting)
    assert (step.resource, step.name, step.workspace, step.why) == (
        VAULT.id,
        "meshplane",
        WORKSPACE,
        "missing",
    )


def unsupported(age_days: float, code: str = "NoDiagnostics", resource: Resource = VAULT) -> Coverage:
    return Coverage(resource.id, "unsupported", NOW - timedelta(days=age_days), code=code)


ACCOUNT = Resource(
    VAULT.id.replace("Microsoft.KeyVault/vaults", "Microsoft.Storage/storageAccounts"),
    "Microsoft.Storage/storageAccounts",
    "westeurope",
)


@pytest.mark.parametrize(
    ("known", "touched", "looked_at"),
    [
        (unsupported(29), (), False),
        (unsupported(31), (), True),
        (unsupported(1), (VAULT.id.lower(),), True),
        # What only looks unsupported, and what has children, is looked at as often as anything.
        (unsupported(2, "Excluded"), (), True),
        (unsupported(2, resource=ACCOUNT), (), True),
    ],
)
def test_a_type_that_supports_nothing_is_remembered_for_long_with_the_date(
    known: Coverage, touched: tuple[str, ...], looked_at: bool
) -> None:
    resource = ACCOUNT if known.id == ACCOUNT.id else VAULT
    assert bool(to_check([resource], [known], touched, NOW, 86400)) is looked_at


def test_what_only_lacks_a_sink_is_not_read_at_each_look() -> None:
    known = Coverage(VAULT.id, "blocked", NOW, code="NoSinkInRegion")
    assert to_check([VAULT], [known], (), NOW, 86400) == []
    assert to_check([VAULT], [Coverage(VAULT.id, "blocked", NOW, code="SettingsBlocked")], (), NOW, 86400)
