"""Resources inside resources, which a group's list does not show: covered, cheaply, and let go of with their node."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.domain.errors import Denied, MeshError, NotFound, Transient, Waiting
from shared.domain.ids import NodeKey
from shared.domain.node import EVERYTHING, Coverage
from shared.ports import Resource
from shared.reconcile.diagnostics_children import children_of, fixed_children, has_children, listed, to_list
from tests.support.mesh import TAGS, InMemoryMesh

NOW = datetime(2026, 1, 5, tzinfo=UTC)
SERVICES = ("blob", "file", "queue", "table")


def node(mesh: InMemoryMesh, name: str = "sales", tags: dict[str, str] | None = None) -> NodeKey:
    """A group without a network: an account, and a server whose database the group's list leaves out."""
    key = mesh.group(name)
    mesh.cloud.create_group(key, {**TAGS, "mesh-network": "none"} if tags is None else tags)
    mesh.cloud.create_resource(account(key), kind="StorageV2")
    mesh.cloud.create_resource(server(key))
    add_database(mesh, key, "orders")
    return key


def account(key: NodeKey) -> str:
    return f"{key.group_id}/providers/Microsoft.Storage/storageAccounts/{key.group}"


def server(key: NodeKey) -> str:
    return f"{key.group_id}/providers/Microsoft.Sql/servers/{key.group}"


def add_database(mesh: InMemoryMesh, key: NodeKey, name: str) -> str:
    database = f"{server(key)}/databases/{name}"
    mesh.cloud.create_resource(database, kind="v12.0,user")
    mesh.cloud.hide(database)
    return database


def ours(mesh: InMemoryMesh) -> set[str]:
    """What carries our setting, by what follows the provider."""
    found = [r for r, settings in mesh.cloud.settings.items() if "meshplane" in settings]
    return {r.partition("/providers/")[2].partition("/")[2].split("/", 1)[1] for r in found}


async def onboarded() -> tuple[InMemoryMesh, NodeKey]:
    mesh = InMemoryMesh()
    key = node(mesh)
    await mesh.event(key.group_id)
    await mesh.until_quiet()
    return mesh, key


async def test_services_and_databases_are_covered_with_what_they_are_in() -> None:
    mesh, key = await onboarded()
    assert (await mesh.record(key)).state == "Ready"
    services = {f"sales/{part}services/default" for part in SERVICES}
    assert ours(mesh) == {"sales", *services, "sales/databases/orders"}


async def test_a_converged_look_lists_no_children_and_reads_no_settings() -> None:
    mesh, key = await onboarded()
    mesh.arm.calls.clear()
    await mesh.event(key.group_id)
    await mesh.until_quiet()
    assert "list_children" not in mesh.arm.calls
    assert "list_diagnostic_settings" not in mesh.arm.calls
    assert len((await mesh.record(key)).coverage) == 7


async def test_a_new_database_is_found_by_its_event() -> None:
    mesh, key = await onboarded()
    database = add_database(mesh, key, "returns")
    mesh.arm.calls.clear()
    await mesh.event(database, "Microsoft.Sql/servers/databases/write")
    await mesh.until_quiet()
    assert "sales/databases/returns" in ours(mesh)
    assert mesh.arm.calls.count("list_children") == 1


async def test_a_new_database_without_an_event_is_found_within_a_day() -> None:
    mesh, key = await onboarded()
    add_database(mesh, key, "returns")
    await mesh.resync_all()
    assert "sales/databases/returns" in ours(mesh)


async def test_a_database_that_is_gone_leaves_no_row() -> None:
    mesh, key = await onboarded()
    mesh.cloud.delete_resource(f"{server(key)}/databases/orders")
    await mesh.event(f"{server(key)}/databases/orders", "Microsoft.Sql/servers/databases/delete")
    await mesh.until_quiet()
    record = await mesh.record(key)
    assert (record.state, [c.id for c in record.coverage if "databases" in c.id]) == ("Ready", [])


@pytest.mark.parametrize(
    ("error", "state"),
    [(Denied("AuthorizationFailed", "no"), "NotReady"), (Transient("Busy", "x"), "Pending")],
)
async def test_children_that_cannot_be_listed_are_named_and_all_else_is_covered(
    error: MeshError, state: str
) -> None:
    mesh = InMemoryMesh()
    key = node(mesh)
    mesh.arm.inject("list_children", error)
    await mesh.event(key.group_id)
    await mesh.step()
    record = await mesh.record(key)
    observed = next(c for c in record.conditions if c.type == "Observed")
    assert (record.state, observed.reason) == (state, error.reason)
    assert f"{server(key)}/databases" in observed.message
    assert len(ours(mesh)) == 5
    await mesh.event(key.group_id)
    await mesh.until_quiet()
    assert "sales/databases/orders" in ours(mesh)
    assert (await mesh.record(key)).state == "Ready"


async def test_once_azure_throttles_no_further_children_are_listed() -> None:
    mesh = InMemoryMesh()
    key = mesh.group("sales")
    mesh.cloud.create_group(key, {**TAGS, "mesh-network": "none"})
    for number in range(40):
        mesh.cloud.create_resource(f"{server(key)}{number}")
    mesh.arm.inject("list_children", Waiting("TooManyRequests", "x", retry_after=17), times=8)
    await mesh.event(key.group_id)
    await mesh.step()
    assert mesh.arm.calls.count("list_children") == 8
    await mesh.until_quiet()
    assert (await mesh.record(key)).state == "Ready"


async def test_a_node_that_leaves_takes_its_settings_off_children_too() -> None:
    mesh, key = await onboarded()
    mesh.cloud.tag(key, {})
    await mesh.event(key.group_id)
    await mesh.until_quiet()
    assert ((await mesh.record(key)).state, ours(mesh)) == ("Offboarded", set())


async def test_a_node_does_not_leave_while_children_that_were_ours_may_not_be_listed() -> None:
    """They are read one by one instead: nothing of ours stays behind on what the record knows."""
    mesh, key = await onboarded()
    real = mesh.arm.list_children

    async def refused(parent: str, collection: str, version: str) -> list[Resource]:
        raise Denied("AuthorizationFailed", "no")

    mesh.arm.list_children = refused  # type: ignore[method-assign]
    mesh.cloud.tag(key, {})
    await mesh.event(key.group_id)
    await mesh.until_quiet()
    assert ours(mesh) == set()
    mesh.arm.list_children = real  # type: ignore[method-assign]
    await mesh.resync_all()
    assert (await mesh.record(key)).state == "Offboarded"


async def test_a_child_that_the_group_s_list_shows_is_looked_at_once() -> None:
    mesh = InMemoryMesh()
    key = node(mesh)
    mesh.cloud.create_resource(f"{server(key)}/databases/shown", kind="v12.0,user")
    await mesh.event(key.group_id)
    await mesh.until_quiet()
    ids = [c.id for c in (await mesh.record(key)).coverage]
    assert len(ids) == len({i.lower() for i in ids}) == 8


async def test_a_parent_that_vanishes_before_its_children_are_listed_holds_nobody_up() -> None:
    mesh = InMemoryMesh()
    key = node(mesh)
    mesh.arm.inject("list_children", NotFound("ResourceNotFound", "x"))
    await mesh.event(key.group_id)
    await mesh.until_quiet()
    assert (await mesh.record(key)).state == "Ready"


# --- the table


def resource(kind: str, type_: str) -> Resource:
    return Resource(f"/subscriptions/s/resourceGroups/g/providers/{type_}/p", type_, "westeurope", kind)


@pytest.mark.parametrize(
    ("kind", "services"),
    [
        ("StorageV2", SERVICES),
        ("", SERVICES),
        ("BlobStorage", ("blob",)),
        ("BlockBlobStorage", ("blob",)),
        ("FileStorage", ("file",)),
    ],
)
def test_an_account_has_the_services_of_its_kind(kind: str, services: tuple[str, ...]) -> None:
    found = fixed_children([resource(kind, "Microsoft.Storage/storageAccounts")])
    assert [c.type.rsplit("/", 1)[1] for c in found] == [f"{s}Services" for s in services]
    assert {c.location for c in found} == {"westeurope"}


@pytest.mark.parametrize(
    ("type_", "collections"),
    [
        ("Microsoft.Sql/servers", ["databases"]),
        ("microsoft.SQL/managedInstances", ["databases"]),
        ("Microsoft.Synapse/workspaces", ["sqlPools", "bigDataPools"]),
        ("Microsoft.Web/sites", ["slots"]),
        ("Microsoft.KeyVault/vaults", []),
        ("Microsoft.Storage/storageAccounts", []),
    ],
)
def test_which_collections_are_listed_is_data(type_: str, collections: list[str]) -> None:
    assert [one.collection.name for one in listed([resource("", type_)])] == collections


def rows(age: float, *more: str) -> list[Coverage]:
    parent = resource("", "Microsoft.Sql/servers").id
    at = NOW - timedelta(seconds=age)
    return [Coverage(parent, "covered", at), *(Coverage(f"{parent}/{m}", "covered", at) for m in more)]


@pytest.mark.parametrize(
    ("known", "touched", "again"),
    [
        ([], (), True),
        (rows(0), (), False),
        (rows(86401), (), True),
        (rows(0), (EVERYTHING,), True),
        (rows(0), (resource("", "Microsoft.Sql/servers").id.lower(),), True),
        (rows(0), (f"{resource('', 'Microsoft.Sql/servers').id}/databases/d".lower(),), True),
        (rows(0), (f"{resource('', 'Microsoft.Sql/servers').id}/firewallRules/d".lower(),), False),
        (rows(0, "databases"), (), True),
        (rows(0, "databases/d"), (), False),
    ],
)
def test_a_collection_is_listed_when_it_is_unknown_stale_touched_or_failed(
    known: list[Coverage], touched: tuple[str, ...], again: bool
) -> None:
    inside = listed([resource("", "Microsoft.Sql/servers")])
    assert bool(to_list(inside, known, touched, NOW, 86400)) is again


def test_what_was_not_listed_is_remembered_with_its_flavour() -> None:
    parent = resource("", "Microsoft.Sql/servers")
    known = [Coverage(f"{parent.id}/databases/d", "covered", NOW, kind="v12.0,user")]
    (child,), failed = children_of([parent], known, {})
    assert (child.type, child.location, child.kind) == (
        "Microsoft.Sql/servers/databases",
        "westeurope",
        "v12.0,user",
    )
    assert failed == {}
    assert has_children(parent.id)
    assert not has_children(child.id)
