"""The doctor's findings: each ill that it knows is named with what to do, and a mesh that is well has no errors."""

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from shared.domain.edge import EdgeRecord, EdgeRequest
from shared.domain.errors import Denied, MeshError, Transient
from shared.domain.examination import Setup, Trouble
from shared.domain.hub import HubRecord
from shared.domain.ids import EdgeKey, HubKey, NodeKey, normal_id
from shared.domain.mesh import Mesh
from shared.domain.network import Hub
from shared.domain.node import NodeRecord
from shared.domain.permissions import Permission
from shared.domain.sinks import Sink
from shared.ports import DeadLetter
from shared.reconcile.doctor.examiner import Doctor
from shared.reconcile.doctor.roles import NAMES, read_roles, scopes_of
from shared.reconcile.doctor.setup import facts_of, of_setup
from tests.support.mesh import HUB_GROUP, HUB_NETWORK, SUBSCRIPTION, WORKSPACE, InMemoryMesh

ROLES = Path(__file__).resolve().parents[3] / "infra" / "roles"
WIDE = f"/subscriptions/{SUBSCRIPTION}"
ZONE = f"{HUB_GROUP}/providers/Microsoft.Network/privateDnsZones/privatelink.blob.core.windows.net"
HUB = Hub("hub", HUB_NETWORK, WORKSPACE, zones=(ZONE,), pools=("10.64.0.0/24",))
ELSEWHERE = "00000000-0000-0000-0000-000000000002"


def setup(**changes: object) -> Setup:
    """Settings about which there is nothing to say."""
    well = Setup(
        mesh=Mesh("meshplane", (HUB,), (SUBSCRIPTION,), principal="us"),
        platform_authentication=True,
        anyone_asks=False,
        longest_lease_days=365,
        approval_rules=1,
        webhooks=1,
        metrics=False,
        resource_manager="https://management.azure.com",
        logs="https://api.loganalytics.azure.com",
        storage="identity",
        event_hubs="identity",
    )
    return msgspec.structs.replace(well, **changes)


def doctor(mesh: InMemoryMesh, told: Setup | None = None, roles: Path = ROLES) -> Doctor:
    return Doctor(
        told or setup(),
        mesh.arm,
        mesh.nodes,
        mesh.edges,
        mesh.hubs,
        mesh.addresses,
        mesh.dead_letters,
        mesh.clock,
        roles,
    )


async def found(mesh: InMemoryMesh, told: Setup | None = None, roles: Path = ROLES) -> dict[str, Trouble]:
    """The findings by their code, without the one that is always there."""
    examined = await doctor(mesh, told, roles).examine()
    return {t.code: t for t in examined.troubles if t.code != "DataRightsNotAsked"}


async def test_a_mesh_that_is_well_has_nothing_to_be_said_about() -> None:
    assert await found(InMemoryMesh()) == {}


def changed(**changes: object) -> Mesh:
    return msgspec.structs.replace(setup().mesh, **changes)


@pytest.mark.parametrize(
    ("told", "code", "severity"),
    [
        (setup(platform_authentication=False), "CallersUnknown", "warning"),
        (setup(anyone_asks=True), "AnyoneAsks", "note"),
        (setup(storage="connection string"), "SecretInSettings", "warning"),
        (setup(event_hubs="connection string"), "SecretInSettings", "warning"),
        (setup(mesh=changed(principal="")), "PrincipalUnknown", "warning"),
        (setup(mesh=changed(hubs=(replace(HUB, region="westeurope"),))), "RegionsWithoutHub", "note"),
        (setup(logs=""), "LogStoreMissing", "note"),
        (setup(webhooks=0), "NobodyTold", "note"),
        (setup(mesh=changed(hubs=(replace(HUB, zones=()),))), "HubWithoutZones", "note"),
        (setup(mesh=changed(hubs=(replace(HUB, pools=()),))), "HubWithoutPools", "note"),
        (setup(mesh=changed(hubs=(HUB, replace(HUB, id="b")))), "HubsNotPeered", "note"),
    ],
)
def test_a_setting_that_may_surprise_is_named_and_no_other(told: Setup, code: str, severity: str) -> None:
    said = list(of_setup(told))
    assert [(t.code, t.severity) for t in said] == [(code, severity)]
    assert all(t.what and t.remedy for t in said)


def test_hubs_that_name_each_other_are_peered_and_a_metric_is_being_told() -> None:
    hubs = (HUB, replace(HUB, id="b", peers=("hub",)))
    assert list(of_setup(setup(mesh=changed(hubs=hubs), webhooks=0, metrics=True))) == []


def test_what_is_shown_of_the_settings_holds_no_more_than_that_there_is_a_secret() -> None:
    facts = facts_of(setup(storage="connection string"))
    assert facts["AzureWebJobsStorage"] == "by connection string"
    assert facts["MESH_HUBS"] == "hub (every region, 1 zones, 1 pools)"


def test_every_role_is_needed_somewhere_in_a_mesh_with_a_hub_and_sinks_elsewhere() -> None:
    """The scopes are those of infra/roles/README.md, and each action of a role is looked for at one of them."""
    there = HUB_GROUP.replace(SUBSCRIPTION, ELSEWHERE)
    hub = Hub("hub", HUB_NETWORK.replace(SUBSCRIPTION, ELSEWHERE), WORKSPACE, zones=(ZONE,))
    sinks = (
        Sink(
            "event-hub", f"{there}/providers/Microsoft.EventHub/namespaces/n/authorizationRules/send", "hub"
        ),
        Sink("storage", f"{there}/providers/Microsoft.Storage/storageAccounts/a"),
    )
    roles = read_roles(ROLES)
    scopes = scopes_of(changed(hubs=(hub,), sinks=sinks), roles)
    assert {(normal_id(s.id), s.role) for s in scopes} == {
        (WIDE, roles["node"].name),
        (normal_id(there), roles["hub"].name),
        (normal_id(HUB_GROUP), roles["hub"].name),
        (f"/subscriptions/{ELSEWHERE}", roles["operations"].name),
        (normal_id(HUB_GROUP), roles["sink"].name),
        (normal_id(there), roles["sink"].name),
    }
    for name in NAMES:
        looked_for = {a for s in scopes if s.role == roles[name].name for a in s.actions}
        assert set(roles[name].actions) - looked_for <= {"Microsoft.Authorization/permissions/read"}


async def test_a_subscription_without_the_role_is_an_error_that_names_what_is_missing() -> None:
    mesh = InMemoryMesh()
    mesh.cloud.permissions[normal_id(WIDE)] = [Permission(("*/read",))]
    trouble = (await found(mesh))["RightsMissing"]
    assert (trouble.severity, trouble.subject) == ("error", WIDE)
    assert "Microsoft.Network/virtualNetworks/virtualNetworkPeerings/write" in trouble.what
    assert "Microsoft.Network/virtualNetworks/read" not in trouble.what
    assert WIDE in trouble.remedy


async def test_a_role_in_every_nodes_group_is_enough_for_these_and_said_to_be_less() -> None:
    mesh = InMemoryMesh()
    key = mesh.create_node()
    await mesh.event(key.group_id)
    await mesh.until_quiet()
    mesh.cloud.permissions[normal_id(WIDE)] = []
    said = await found(mesh)
    assert said["RightsOfGroupsOnly"].severity == "warning"
    mesh.cloud.permissions[normal_id(key.group_id)] = []
    assert (await found(mesh))["RightsMissing"].severity == "error"


async def test_a_role_on_the_sink_itself_is_as_good_as_one_on_its_group() -> None:
    mesh = InMemoryMesh()
    actions = read_roles(ROLES)["node"].actions
    mesh.cloud.permissions[normal_id(WIDE)] = [Permission(actions)]
    mesh.cloud.permissions[normal_id(HUB_GROUP)] = []
    assert (await found(mesh))["RightsMissing"].subject.lower() == WORKSPACE.lower()
    mesh.cloud.permissions[normal_id(WORKSPACE)] = [Permission(read_roles(ROLES)["sink"].actions)]
    assert await found(mesh) == {}


@pytest.mark.parametrize("error", [Denied("AuthorizationFailed", "no"), Transient("TimedOut", "no")])
async def test_what_azure_does_not_tell_is_said_as_such(error: MeshError) -> None:
    mesh = InMemoryMesh()
    mesh.arm.inject("list_permissions", error, times=99)
    assert (await found(mesh))["RightsNotTold"].severity == "warning"


async def test_without_the_role_files_it_says_that_it_cannot_know(tmp_path: Path) -> None:
    assert (await found(InMemoryMesh(), roles=tmp_path))["RolesNotDeployed"].severity == "warning"


@pytest.mark.parametrize(("minutes", "severity"), [(4, ""), (6, "note"), (16, "warning"), (61, "error")])
async def test_a_key_that_is_overdue_weighs_more_the_longer_it_is(minutes: int, severity: str) -> None:
    mesh = InMemoryMesh()
    key = NodeKey.of(SUBSCRIPTION, "late")
    due = mesh.clock.now() - timedelta(minutes=minutes)
    mesh.nodes.records[key] = NodeRecord(key=key, state="Ready", next_due=due, etag="1")
    said = await found(mesh)
    assert [t.severity for t in said.values()] == ([severity] if severity else [])
    if severity:
        assert said["KeysOverdue"].subject == str(key)


async def test_what_was_given_up_is_counted_by_kind_and_reason() -> None:
    mesh = InMemoryMesh()
    for number in range(3):
        await mesh.dead_letters.add(
            DeadLetter(id=str(number), kind="key", at=mesh.clock.now(), reason="r", source="s")
        )
    key, edge = NodeKey.of(SUBSCRIPTION, "ill"), EdgeKey("e" * 32)
    mesh.nodes.records[key] = NodeRecord(key=key, state="NotReady", etag="1")
    request = EdgeRequest(consumer=key, provider=NodeKey.of(SUBSCRIPTION, "other"), interface="peering")
    await mesh.edges.save(
        EdgeRecord(key=edge, request=request, state="Failed", requested_by="x", requested_at=mesh.clock.now())
    )
    await mesh.hubs.save(HubRecord(key=HubKey("hub"), state="NotReady", used=450, capacity=500))
    said = await found(mesh)
    assert "3 could not be handled" in said["DeadLetters"].what
    assert set(said) == {"DeadLetters", "NodesNotReady", "EdgesFailed", "HubNotReady", "HubNearlyFull"}


async def test_a_pool_that_is_nearly_given_out_is_told_of() -> None:
    mesh = InMemoryMesh()
    for number in range(15):
        key = NodeKey.of(SUBSCRIPTION, f"n{number}")
        network = f"{key.group_id}/providers/Microsoft.Network/virtualNetworks/net"
        await mesh.addresses.allocate(HUB.pools, 28, network, key)
    assert (await found(mesh))["PoolNearlyFull"].subject == HUB.pools[0]


async def test_a_store_that_fails_is_a_finding_and_keeps_nothing_else_from_being_told() -> None:
    mesh = InMemoryMesh()
    told = setup(platform_authentication=False)

    class Broken:
        async def list(self, **_: object) -> object:
            raise Transient("ServerBusy", "not now")

    examined = await Doctor(
        told,
        mesh.arm,
        mesh.nodes,
        mesh.edges,
        mesh.hubs,
        mesh.addresses,
        Broken(),  # type: ignore[arg-type]  # of the port it is asked one thing
        mesh.clock,
        ROLES,
    ).examine()
    codes = {t.code: t.severity for t in examined.troubles}
    assert codes == {"NotTold": "error", "CallersUnknown": "warning", "DataRightsNotAsked": "note"}
    assert examined.troubles[0].code == "NotTold"
