"""Which resource types offer which diagnostic categories: an excerpt of Azure Monitor's published list."""

from shared.domain.diagnostics import Category

ALL = ("allLogs",)
AUDIT = ("allLogs", "audit")


def _metric() -> Category:
    return Category("AllMetrics", is_metric=True)


def _storage_service() -> tuple[Category, ...]:
    logs = tuple(Category(name, groups=AUDIT) for name in ("StorageRead", "StorageWrite", "StorageDelete"))
    return (*logs, Category("Transaction", is_metric=True))


CATEGORIES: dict[str, tuple[Category, ...]] = {
    "microsoft.network/virtualnetworks": (Category("VMProtectionAlerts", groups=ALL), _metric()),
    "microsoft.keyvault/vaults": (
        Category("AuditEvent", groups=AUDIT),
        Category("AzurePolicyEvaluationDetails", groups=ALL),
        _metric(),
    ),
    "microsoft.storage/storageaccounts": (Category("Transaction", is_metric=True),),
    **{
        f"microsoft.storage/storageaccounts/{service}services": _storage_service()
        for service in ("blob", "file", "queue", "table")
    },
    "microsoft.sql/servers/databases": (
        Category("SQLInsights", groups=ALL),
        Category("Errors", groups=ALL),
        Category("Deadlocks", groups=ALL),
        Category("Basic", is_metric=True),
    ),
    # A type whose categories belong to no group.
    "microsoft.datafactory/factories": (
        Category("ActivityRuns"),
        Category("PipelineRuns"),
        Category("TriggerRuns"),
        _metric(),
    ),
    "microsoft.operationalinsights/workspaces": (Category("Audit", groups=AUDIT), _metric()),
}
"""By lower-case type; a type that is missing here supports no diagnostic settings."""

STORAGE_SERVICES = frozenset(t for t in CATEGORIES if t.startswith("microsoft.storage/storageaccounts/"))
"""Children that exist with their account and that no list of a group's resources shows."""
