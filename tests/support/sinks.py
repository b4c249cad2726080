"""A vault with sinks of every kind, over the fake Resource Manager: settings are put there and then planned."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime

from shared.domain.diagnostics import Category, DiagnosticSetting, Selection
from shared.domain.ids import NodeKey
from shared.domain.mesh import Mesh
from shared.domain.naming import setting_names
from shared.domain.network import Hub
from shared.domain.node import Coverage
from shared.domain.plan import PutSetting
from shared.domain.sinks import CategoryRule, Sink
from shared.domain.sinks_choice import NodeSinks
from shared.ports import Resource
from shared.reconcile.diagnostics import Enforcement, enforce
from shared.reconcile.observation import Diagnostics
from tests.fakes import Cloud, FakeClock, FakeResourceManager

SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
REGION, ELSEWHERE = "westeurope", "northeurope"
_PROVIDERS = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/mesh/providers"
WORKSPACE = f"{_PROVIDERS}/Microsoft.OperationalInsights/workspaces/logs"
ACCOUNT = f"{_PROVIDERS}/Microsoft.Storage/storageAccounts/archive"
NAMESPACE = f"{_PROVIDERS}/Microsoft.EventHub/namespaces/stream"
RULE = f"{NAMESPACE}/authorizationRules/diagnostics"
STREAM = Sink("event-hub", RULE, hub="telemetry", region=REGION)
ARCHIVE = Sink("storage", ACCOUNT, region=REGION)
NETWORK = f"{_PROVIDERS}/Microsoft.Network/virtualNetworks/hub"
VAULT = f"{_PROVIDERS.replace('/mesh/', '/sales/')}/Microsoft.KeyVault/vaults/v"
NAMES = setting_names("meshplane")
NOW = datetime(2026, 1, 5, tzinfo=UTC)

ALL = Selection(groups=frozenset({"allLogs"}), metrics=frozenset({"AllMetrics"}))
LOGS = Selection(groups=frozenset({"allLogs"}))
METRICS = Selection(metrics=frozenset({"AllMetrics"}))
AUDIT = Selection(logs=frozenset({"AuditEvent"}))
POLICY_LOG = Selection(logs=frozenset({"AzurePolicyEvaluationDetails"}))


def node_sinks(
    telemetry: str = "all",
    *sinks: Sink,
    rules: tuple[CategoryRule, ...] = (),
    domain: str = "",
    location: str = REGION,
) -> NodeSinks:
    """The sinks of a node whose mesh has these, by default a stream and an archive in its region."""
    mesh = Mesh(
        "meshplane",
        (Hub("hub", NETWORK, WORKSPACE),),
        (SUBSCRIPTION,),
        sinks=sinks or (STREAM, ARCHIVE),
        categories=rules,
    )
    return NodeSinks.of(mesh, WORKSPACE, telemetry, domain, location)


def setting(name: str, selection: Selection, sends: str) -> DiagnosticSetting:
    """A setting to some of the mesh's sinks (`w`, `e`, `s`) or to others' (`x`, `y` and digits: workspaces)."""
    others = [c for c in sends if c not in "wes"]
    return DiagnosticSetting(
        name,
        selection,
        workspace=WORKSPACE if "w" in sends else f"{WORKSPACE}-{others[0]}" if others else "",
        event_hub_rule=RULE if "e" in sends else "",
        event_hub="telemetry" if "e" in sends else "",
        storage_account=ACCOUNT if "s" in sends else "",
    )


def sends(setting: DiagnosticSetting) -> str:
    """Which of the mesh's sinks a setting sends to, as letters."""
    parts = {"w": setting.workspace, "e": setting.event_hub_rule, "s": setting.storage_account}
    return "".join(letter for letter, sink in parts.items() if sink)


class Observed:
    """One resource, its settings in the fake, and what the mesh knows of it."""

    def __init__(self, resource: str = VAULT, location: str = REGION) -> None:
        self.cloud = Cloud()
        self.arm = FakeResourceManager(self.cloud, FakeClock(), 0.0)
        for group in ("mesh", "sales"):
            self.cloud.create_group(NodeKey.of(SUBSCRIPTION, group))
        for sink in (WORKSPACE, ACCOUNT, NAMESPACE):
            self.cloud.create_resource(sink, REGION)
        self.resource: Resource = self.cloud.resources.get(resource.lower()) or self.cloud.create_resource(
            resource, location
        )
        self.known: tuple[Coverage, ...] = ()

    def have(self, *settings: DiagnosticSetting, recorded: Iterable[str] = ()) -> None:
        """Settings that are there, of which the mesh has recorded some as its own."""
        for one in settings:
            self.cloud.add_setting(self.resource.id, one)
        if names := tuple(recorded):
            self.known = (Coverage(self.resource.id, "covered", NOW, owned=True, names=names),)

    @property
    def settings(self) -> dict[str, DiagnosticSetting]:
        return {s.name: s for s in self.cloud.settings.get(self.resource.id.lower(), {}).values()}

    @property
    def row(self) -> Coverage:
        return self.known[0]

    def plan(self, sinks: NodeSinks) -> Enforcement:
        """What a look at it comes to."""
        offered = asyncio.run(_categories(self.arm, self.resource.id))
        looks = {self.resource.id.lower(): Diagnostics(offered, tuple(self.settings.values()))}
        return enforce([self.resource], self.known, looks, sinks, NAMES, NOW)

    def enforce(self, sinks: NodeSinks) -> Enforcement:
        """Looks, and writes what follows: each write must be one that Azure accepts."""
        found = self.plan(sinks)
        self.known = found.coverage
        asyncio.run(self._write(found))
        if found.steps and all(isinstance(s, PutSetting) for s in found.steps):
            self.known = found.then
        return found

    async def _write(self, found: Enforcement) -> None:
        for step in found.steps:
            if isinstance(step, PutSetting):
                await self.arm.put_diagnostic_setting(step.resource, step.setting)
            else:
                await self.arm.delete_diagnostic_setting(step.resource, step.name)

    def settle(self, sinks: NodeSinks, passes: int = 3) -> Enforcement:
        """Looks and writes until nothing more is planned, within so many passes."""
        for _ in range(passes):
            found = self.enforce(sinks)
            if not found.steps:
                return found
        found = self.plan(sinks)
        assert found.steps == (), found.steps
        self.known = found.coverage
        return found


async def _categories(arm: FakeResourceManager, resource: str) -> tuple[Category, ...]:
    return tuple(await arm.list_diagnostic_categories(resource))


def described(settings: dict[str, DiagnosticSetting]) -> dict[str, str]:
    """Each of our settings as `sinks: what it sends`."""
    return {
        name: f"{sends(s)}: {' '.join(sorted(s.selection.groups | s.selection.logs | s.selection.metrics))}"
        for name, s in settings.items()
        if name.startswith("meshplane")
    }
