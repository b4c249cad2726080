"""What a look makes of resources that cannot be read, of strange settings, and of a lease that runs out meanwhile."""

import asyncio
from collections.abc import Sequence

import pytest

from shared.domain.diagnostics import Category
from shared.domain.errors import Denied, MeshError, NotFound
from shared.domain.ids import NodeKey
from shared.ports import Resource
from shared.reconcile.observation import CategoryCache
from tests.support.mesh import TAGS, InMemoryMesh, vault_of


def node_of_vaults(mesh: InMemoryMesh, name: str, count: int) -> NodeKey:
    """A tagged group with so many vaults and no network."""
    key = mesh.group(name)
    mesh.cloud.create_group(key, TAGS)
    for number in range(count):
        mesh.cloud.create_resource(vault_of(key, str(number)))
    return key


def ours(mesh: InMemoryMesh) -> list[str]:
    """The resources that exist and carry our setting."""
    return [r for r, found in mesh.cloud.settings.items() if "meshplane" in found and mesh.cloud.exists(r)]


def refuse(mesh: InMemoryMesh, method: str, resources: Sequence[str], error: MeshError) -> None:
    """Reading these resources fails, after a moment in which others have begun to."""
    real = getattr(mesh.arm, method)

    async def read(resource: str) -> object:
        if resource in resources:
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            raise error
        return await real(resource)

    setattr(mesh.arm, method, read)


# --- categories


def vault(mesh: InMemoryMesh, key: NodeKey, name: str) -> Resource:
    return mesh.cloud.resources[vault_of(key, name).lower()]


async def test_an_error_of_one_resource_is_no_error_of_others_of_its_type() -> None:
    mesh = InMemoryMesh()
    key = node_of_vaults(mesh, "sales", 3)
    refuse(mesh, "list_diagnostic_categories", [vault_of(key, "0")], Denied("AuthorizationFailed", "no"))
    cache = CategoryCache(mesh.arm, mesh.clock)
    found = await asyncio.gather(
        *(cache.of(vault(mesh, key, str(n))) for n in range(3)), return_exceptions=True
    )
    assert [isinstance(f, Denied) for f in found] == [True, False, False]
    assert found[1] == found[2] != ()


async def test_one_node_does_not_show_the_error_of_another() -> None:
    mesh = InMemoryMesh()
    one, two = node_of_vaults(mesh, "one", 1), node_of_vaults(mesh, "two", 3)
    refuse(mesh, "list_diagnostic_categories", [vault_of(one, "0")], Denied("AuthorizationFailed", "no"))
    for key in (one, two):
        await mesh.event(key.group_id)
    mesh.clock.advance(3)
    await asyncio.gather(mesh.engine.reconcile(one), mesh.engine.reconcile(two))
    await mesh.until_quiet()
    assert [(await mesh.record(key)).state for key in (one, two)] == ["NotReady", "Ready"]


@pytest.mark.parametrize(("seconds", "reads"), [(3599, 1), (3600, 2)])
async def test_categories_are_shared_by_those_who_ask_at_once_and_kept_for_an_hour(
    seconds: float, reads: int
) -> None:
    mesh = InMemoryMesh()
    key = node_of_vaults(mesh, "sales", 8)
    cache = CategoryCache(mesh.arm, mesh.clock)
    offered: list[tuple[Category, ...]] = await asyncio.gather(
        *(cache.of(vault(mesh, key, str(n))) for n in range(8))
    )
    mesh.clock.advance(seconds)
    await cache.of(vault(mesh, key, "0"))
    assert len(set(offered)) == 1
    assert mesh.arm.calls.count("list_diagnostic_categories") == reads


async def test_a_resource_that_is_gone_is_not_remembered_as_what_its_type_offers() -> None:
    mesh = InMemoryMesh()
    key = node_of_vaults(mesh, "sales", 2)
    gone = vault(mesh, key, "0")
    mesh.cloud.delete_resource(gone.id)
    cache = CategoryCache(mesh.arm, mesh.clock)
    with pytest.raises(NotFound):
        await cache.of(gone)
    assert await cache.of(vault(mesh, key, "1"))
