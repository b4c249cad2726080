"""ResourceManager: settings towards several sinks, and children that a group's list does not show."""

import pytest

from shared.domain.diagnostics import DiagnosticSetting, Selection
from shared.domain.errors import MeshError, NotFound
from shared.domain.ids import name_of, normal_id, same_id
from tests.contract.azure import Azure

EVERYTHING = Selection(groups=frozenset({"allLogs"}), metrics=frozenset({"AllMetrics"}))
METRICS = Selection(metrics=frozenset({"AllMetrics"}))
AUDIT = Selection(logs=frozenset({"AuditEvent"}))


class Sinks:
    """A vault, and one sink of each kind in its region."""

    def __init__(self, azure: Azure) -> None:
        self.azure, self.port = azure, azure.port
        self.key = azure.key("sinks")
        group = f"{self.key.group_id}/providers"
        self.vault = f"{group}/Microsoft.KeyVault/vaults/{azure.unique('meshvault')}"
        self.workspace = f"{group}/Microsoft.OperationalInsights/workspaces/logs"
        self.account = f"{group}/Microsoft.Storage/storageAccounts/{azure.unique('mesharchive')}"
        self.namespace = f"{group}/Microsoft.EventHub/namespaces/{azure.unique('meshstream')}"
        self.rule = f"{self.namespace}/authorizationRules/RootManageSharedAccessKey"
        self.server = f"{group}/Microsoft.Sql/servers/{azure.unique('meshsql')}"

    def setting(self, name: str, selection: Selection, *kinds: str) -> DiagnosticSetting:
        return DiagnosticSetting(
            name,
            selection,
            workspace=self.workspace if "workspace" in kinds else "",
            event_hub_rule=self.rule if "event-hub" in kinds else "",
            event_hub="telemetry" if "event-hub" in kinds else "",
            storage_account=self.account if "storage" in kinds else "",
        )


@pytest.fixture
async def sinks(azure: Azure) -> Sinks:
    found = Sinks(azure)
    await azure.create_group(found.key)
    for resource in (found.vault, found.workspace, found.account, found.namespace):
        await azure.create_resource(resource)
    return found


async def test_one_setting_carries_all_three_sinks_and_gives_them_up_again(sinks: Sinks) -> None:
    await sinks.port.put_diagnostic_setting(
        sinks.vault, sinks.setting("mesh", EVERYTHING, "workspace", "event-hub", "storage")
    )
    [found] = await sinks.port.list_diagnostic_settings(sinks.vault)
    assert same_id(found.workspace, sinks.workspace)
    assert same_id(found.event_hub_rule, sinks.rule)
    assert same_id(found.storage_account, sinks.account)
    assert (found.event_hub, found.selection) == ("telemetry", EVERYTHING)
    await sinks.port.put_diagnostic_setting(sinks.vault, sinks.setting("mesh", EVERYTHING, "workspace"))
    [found] = await sinks.port.list_diagnostic_settings(sinks.vault)
    assert (found.event_hub_rule, found.event_hub, found.storage_account) == ("", "", "")


@pytest.mark.parametrize("kind", ["workspace", "event-hub", "storage"])
async def test_no_sink_of_any_kind_gets_a_category_twice(sinks: Sinks, kind: str) -> None:
    await sinks.port.put_diagnostic_setting(sinks.vault, sinks.setting("theirs", AUDIT, kind))
    with pytest.raises(MeshError) as refusal:
        await sinks.port.put_diagnostic_setting(sinks.vault, sinks.setting("mesh", EVERYTHING, kind))
    assert refusal.value.reason == "Conflict"
    await sinks.port.put_diagnostic_setting(sinks.vault, sinks.setting("mesh", METRICS, kind))


async def test_a_network_that_is_no_sink_of_logs_is_refused_by_its_name(sinks: Sinks) -> None:
    gone = DiagnosticSetting("mesh", EVERYTHING, storage_account=f"{sinks.account}gone")
    with pytest.raises(MeshError) as refusal:
        await sinks.port.put_diagnostic_setting(sinks.vault, gone)
    assert normal_id(f"{sinks.account}gone") in refusal.value.message.lower()


async def test_the_services_of_a_storage_account_have_settings_of_their_own(sinks: Sinks) -> None:
    for service in ("blob", "file", "queue", "table"):
        child = f"{sinks.account}/{service}Services/default"
        offered = await sinks.port.list_diagnostic_categories(child)
        assert {"StorageRead", "StorageWrite", "StorageDelete"} <= {c.name for c in offered}
        await sinks.port.put_diagnostic_setting(
            child, DiagnosticSetting("mesh", Selection(groups=frozenset({"allLogs"})), sinks.workspace)
        )
        assert [s.name for s in await sinks.port.list_diagnostic_settings(child)] == ["mesh"]
        await sinks.port.delete_diagnostic_setting(child, "mesh")
        assert list(await sinks.port.list_diagnostic_settings(child)) == []


async def test_the_databases_of_a_server_are_listed_with_their_region(sinks: Sinks) -> None:
    await sinks.azure.create_resource(sinks.server)
    await sinks.azure.create_resource(f"{sinks.server}/databases/sales")
    found = {
        name_of(r.id): r for r in await sinks.port.list_children(sinks.server, "databases", "2021-11-01")
    }
    assert "sales" in found
    assert found["sales"].location == "westeurope"
    assert found["sales"].type.lower() == "microsoft.sql/servers/databases"


async def test_the_children_of_what_is_gone_are_not_found(sinks: Sinks) -> None:
    with pytest.raises(NotFound):
        await sinks.port.list_children(sinks.server, "databases", "2021-11-01")
