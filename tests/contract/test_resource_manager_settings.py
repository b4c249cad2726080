"""ResourceManager: diagnostic settings and categories."""

import pytest

from shared.domain.diagnostics import DiagnosticSetting, Selection
from shared.domain.errors import MeshError, NotFound, Terminal
from shared.domain.ids import same_id
from tests.contract.azure import Azure

NETWORK = "providers/Microsoft.Network/virtualNetworks/net"
IDENTITY = "providers/Microsoft.ManagedIdentity/userAssignedIdentities/id"
WORKSPACE = "providers/Microsoft.OperationalInsights/workspaces"
EVERYTHING = Selection(groups=frozenset({"allLogs"}), metrics=frozenset({"AllMetrics"}))
LOGS = Selection(logs=frozenset({"VMProtectionAlerts"}))
METRICS = Selection(metrics=frozenset({"AllMetrics"}))


class Observed:
    """A network with diagnostics, and workspaces to send to."""

    def __init__(self, azure: Azure) -> None:
        self.port = azure.port
        self.azure = azure
        self.group = azure.key("observed").group_id
        self.resource = f"{self.group}/{NETWORK}"

    def workspace(self, number: int = 1) -> str:
        return f"{self.group}/{WORKSPACE}/w{number}"

    async def put(self, name: str, selection: Selection, workspace: int = 1) -> DiagnosticSetting:
        place = self.workspace(workspace)
        return await self.port.put_diagnostic_setting(
            self.resource, DiagnosticSetting(name, selection, place)
        )

    async def settings(self) -> dict[str, DiagnosticSetting]:
        return {s.name: s for s in await self.port.list_diagnostic_settings(self.resource)}


@pytest.fixture
async def observed(azure: Azure) -> Observed:
    found = Observed(azure)
    await azure.create_group(azure.key("observed"))
    await azure.put_network(found.resource, "10.1.0.0/16")
    for number in (1, 2):
        await azure.create_resource(found.workspace(number))
    return found


async def test_categories_come_with_their_groups_and_metrics(observed: Observed) -> None:
    found = {c.name: c for c in await observed.port.list_diagnostic_categories(observed.resource)}
    assert set(found) == {"VMProtectionAlerts", "AllMetrics"}
    assert not found["VMProtectionAlerts"].is_metric
    assert "allLogs" in found["VMProtectionAlerts"].groups
    assert found["AllMetrics"].is_metric


async def test_a_type_without_diagnostics_offers_nothing_and_has_no_settings(observed: Observed) -> None:
    identity = f"{observed.group}/{IDENTITY}"
    await observed.azure.create_resource(identity)
    assert list(await observed.port.list_diagnostic_categories(identity)) == []
    assert list(await observed.port.list_diagnostic_settings(identity)) == []
    with pytest.raises(Terminal) as refusal:
        await observed.port.put_diagnostic_setting(
            identity, DiagnosticSetting("mesh", EVERYTHING, observed.workspace())
        )
    assert refusal.value.reason == "ResourceTypeNotSupported"


@pytest.mark.parametrize("selection", [EVERYTHING, LOGS, METRICS])
async def test_a_setting_comes_back_as_it_was_put(observed: Observed, selection: Selection) -> None:
    stored = await observed.put("mesh", selection)
    [listed] = await observed.port.list_diagnostic_settings(observed.resource)
    for found in (stored, listed):
        assert (found.name, found.selection) == ("mesh", selection)
        assert same_id(found.workspace, observed.workspace())
        assert (found.event_hub_rule, found.event_hub, found.storage_account) == ("", "", "")


async def test_putting_a_setting_again_replaces_it(observed: Observed) -> None:
    await observed.put("mesh", EVERYTHING)
    await observed.put("mesh", LOGS, workspace=2)
    [found] = await observed.port.list_diagnostic_settings(observed.resource)
    assert found.selection == LOGS
    assert same_id(found.workspace, observed.workspace(2))


async def test_one_category_goes_to_one_sink_once(observed: Observed) -> None:
    await observed.put("theirs", LOGS)
    with pytest.raises(MeshError) as refusal:
        await observed.put("mesh", EVERYTHING)
    assert refusal.value.reason == "Conflict"
    assert "theirs" in refusal.value.message
    await observed.put("mesh", METRICS)
    await observed.put("elsewhere", EVERYTHING, workspace=2)
    assert set(await observed.settings()) == {"theirs", "mesh", "elsewhere"}


async def test_a_sixth_setting_is_refused(observed: Observed) -> None:
    for number in range(3, 8):
        await observed.azure.create_resource(observed.workspace(number))
    for number in range(1, 6):
        await observed.put(f"s{number}", METRICS, workspace=number)
    with pytest.raises(MeshError) as refusal:
        await observed.put("s6", METRICS, workspace=6)
    assert "limit of 5" in refusal.value.message
    await observed.put("s5", LOGS, workspace=5)  # one of the five may still change


async def test_an_unknown_category_and_a_group_beside_categories_are_refused(observed: Observed) -> None:
    for wrong in (
        Selection(logs=frozenset({"NoSuchCategory"})),
        Selection(logs=frozenset({"VMProtectionAlerts"}), groups=frozenset({"allLogs"})),
    ):
        with pytest.raises(Terminal):
            await observed.put("mesh", wrong)
    assert await observed.settings() == {}


async def test_deleting_twice_or_what_never_was_is_done(observed: Observed) -> None:
    await observed.put("mesh", EVERYTHING)
    for name in ("mesh", "mesh", "never"):
        await observed.port.delete_diagnostic_setting(observed.resource, name)
    assert await observed.settings() == {}


async def test_a_resource_that_is_gone_is_not_found_and_has_no_setting_to_delete(observed: Observed) -> None:
    gone = f"{observed.group}/providers/Microsoft.Network/virtualNetworks/gone"
    with pytest.raises(NotFound):
        await observed.port.list_diagnostic_categories(gone)
    with pytest.raises(NotFound):
        await observed.port.list_diagnostic_settings(gone)
    with pytest.raises(NotFound):
        await observed.port.put_diagnostic_setting(
            gone, DiagnosticSetting("mesh", EVERYTHING, observed.workspace())
        )
    await observed.port.delete_diagnostic_setting(gone, "mesh")


async def test_names_and_ids_in_another_case_are_the_same(observed: Observed) -> None:
    await observed.put("mesh", EVERYTHING)
    loud = observed.resource.upper()
    [found] = await observed.port.list_diagnostic_settings(loud)
    assert found.selection == EVERYTHING
    await observed.port.put_diagnostic_setting(
        loud, DiagnosticSetting("MESH", LOGS, observed.workspace().upper())
    )
    assert len(await observed.settings()) == 1
    await observed.port.delete_diagnostic_setting(loud, "Mesh")
    assert await observed.settings() == {}
