"""Random histories with several sinks: whatever people do to tags, settings and accounts ends as the calm one does."""

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.domain.ids import NodeKey, normal_id
from shared.domain.mesh import Mesh
from shared.domain.network import Hub
from shared.domain.sinks import CategoryRule, Sink
from shared.domain.tags import is_node
from shared.reconcile.intake import ResourceEvent
from tests.fakes import Cloud
from tests.support.chaos import MISHAPS, TIME, Act, Chaos, without_the_mesh
from tests.support.mesh import HUB_GROUP, HUB_NETWORK, SUBSCRIPTION, TAGS, WORKSPACE, InMemoryMesh, vault_of
from tests.support.people import People

ACCOUNT = f"{HUB_GROUP}/providers/Microsoft.Storage/storageAccounts/archive"
NAMESPACE = f"{HUB_GROUP}/providers/Microsoft.EventHub/namespaces/stream"
SINKS = (
    Sink("storage", ACCOUNT, region="westeurope"),
    Sink("event-hub", f"{NAMESPACE}/authorizationRules/r", hub="telemetry", region="westeurope"),
)
POLICY = (CategoryRule("archive", "Microsoft.KeyVault/vaults", "AuditEvent"),)
ALONE = {**TAGS, "mesh-network": "none"}
WISHES: tuple[dict[str, str], ...] = (
    ALONE,
    {},
    *({**ALONE, "mesh-telemetry": wish} for wish in ("logs", "logs+stream", "logs+archive", "all", "all")),
)
ACTS = (
    *("tag", "tag", "tag", "add_resource", "delete_resource"),
    *("delete_setting", "edit_setting", "add_setting", "add_setting"),
    *MISHAPS[:2],
    *["worker"] * 3,
    *TIME * 3,
)
_OWN = {"meshplane", "meshplane.stream", "meshplane.archive"}


class Archivists(People):
    """People who change what telemetry their groups ask for, and have accounts and databases in them."""

    def tag(self, key: NodeKey, choice: int) -> ResourceEvent | None:
        self.cloud.tag(key, WISHES[choice % len(WISHES)])
        return ResourceEvent(key.group_id, "Microsoft.Resources/tags/write")

    def add_resource(self, key: NodeKey, choice: int) -> ResourceEvent | None:
        part = ("Storage/storageAccounts/a", "Sql/servers/s", "Sql/servers/s/databases/d")[choice % 3]
        resource = f"{key.group_id}/providers/Microsoft.{part}"
        orphan = part.endswith("/d") and not self.cloud.exists(resource.rsplit("/", 2)[0])
        if self.cloud.exists(resource) or orphan:
            return None
        self.cloud.settings = {
            r: s for r, s in self.cloud.settings.items() if not r.startswith(normal_id(resource))
        }
        self.cloud.create_resource(resource)
        if part.endswith("/d"):
            self.cloud.hide(resource)
        return ResourceEvent(resource, "write")


def new_mesh(cloud: Cloud | None = None, rules: tuple[CategoryRule, ...] = ()) -> InMemoryMesh:
    hub = Hub("hub", HUB_NETWORK, WORKSPACE)
    mesh = Mesh("meshplane", (hub,), (SUBSCRIPTION,), sinks=SINKS, categories=rules)
    made = InMemoryMesh(cloud=cloud, mesh=mesh)
    for sink in (ACCOUNT, NAMESPACE):
        made.cloud.create_resource(sink)
    return made


def left_alone(cloud: Cloud) -> Cloud:
    """The cloud without anything of the mesh's."""
    fresh = without_the_mesh(cloud)
    fresh.hidden = set(cloud.hidden)
    fresh.settings = {
        r: {n: s for n, s in found.items() if n not in _OWN} for r, found in fresh.settings.items()
    }
    return fresh


def seen(mesh: InMemoryMesh) -> tuple[object, object]:
    return (
        mesh.cloud.snapshot()["settings"],
        {
            k: (r.state, r.conditions[0].reason)
            for k, r in mesh.nodes.records.items()
            if r.state != "Offboarded"
        },
    )


@settings(
    max_examples=120,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
@given(
    acts=st.lists(
        st.tuples(
            st.sampled_from(ACTS), st.integers(0, 1), st.integers(0, 11), st.sampled_from((1, 1, 2, 0))
        ),
        min_size=4,
        max_size=30,
    ),
    rules=st.sampled_from(((), POLICY)),
    seed=st.integers(0, 2**16),
)
@pytest.mark.timeout(300)
def test_any_history_of_wishes_ends_as_the_calm_one_and_then_nothing_is_written(
    acts: list[Act], rules: tuple[CategoryRule, ...], seed: int
) -> None:
    asyncio.run(_settles(acts, rules, seed))


async def _settles(acts: list[Act], rules: tuple[CategoryRule, ...], seed: int) -> None:
    mesh = new_mesh(rules=rules)
    chaos = Chaos(mesh, seed)
    chaos.people = Archivists(mesh.cloud)
    for number, name in enumerate(("sales", "stock")):
        key = NodeKey.of(SUBSCRIPTION, name)
        mesh.cloud.create_group(key, WISHES[5 * number])
        for vault in "ab":
            mesh.cloud.create_resource(vault_of(key, vault))
        chaos.undelivered.append(ResourceEvent(key.group_id, "write"))
    await chaos.play(acts)
    await chaos.rest()
    calm = new_mesh(left_alone(mesh.cloud), rules)
    await calm.resync.discover()
    await calm.until_quiet()
    assert seen(mesh) == seen(calm)
    nodes = {key for key, group in mesh.cloud.groups.items() if is_node(group.tags)}
    elsewhere = [
        r
        for r, found in mesh.cloud.settings.items()
        if _OWN & set(found) and mesh.cloud.exists(r) and NodeKey.containing(r) not in nodes
    ]
    assert elsewhere == []
    assert all(len(found) <= 5 for found in mesh.cloud.settings.values())
    mesh.arm.calls.clear()
    await mesh.resync_all()
    assert [c for c in mesh.arm.calls if c.startswith(("put", "delete"))] == []


@pytest.mark.parametrize("gone", [ACCOUNT, NAMESPACE])
async def test_a_sink_that_is_gone_keeps_nothing_from_the_workspace(gone: str) -> None:
    """Azure refuses the whole setting: the condition has its message, and the workspace gets all meanwhile."""
    mesh = new_mesh()
    mesh.cloud.delete_resource(gone)
    key = NodeKey.of(SUBSCRIPTION, "sales")
    mesh.cloud.create_group(key, {**ALONE, "mesh-telemetry": "all"})
    mesh.cloud.create_resource(vault_of(key, "a"))
    await mesh.event(key.group_id)
    await mesh.until_quiet()
    record = await mesh.record(key)
    assert record.state == "NotReady"
    assert normal_id(gone) in record.conditions[0].message.lower()
    [ours] = mesh.cloud.settings[vault_of(key, "a").lower()].values()
    assert (ours.workspace, ours.event_hub_rule, ours.storage_account) == (WORKSPACE, "", "")
    assert record.coverage[0].status == "missing"
    mesh.cloud.create_resource(gone)
    await mesh.resync_all()
    [ours] = mesh.cloud.settings[vault_of(key, "a").lower()].values()
    assert (await mesh.record(key)).state == "Ready"
    assert bool(ours.event_hub_rule and ours.storage_account)
