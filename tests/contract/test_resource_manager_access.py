"""ResourceManager: whether resources are reachable from public networks."""

import pytest

from shared.adapters.arm.access import read_access
from shared.domain.errors import NotFound, Transient
from shared.domain.exposure import EXPOSED, ExposedType
from shared.domain.ids import normal_id
from tests.contract.azure import Azure

STORAGE, VAULT = EXPOSED["microsoft.storage/storageaccounts"], EXPOSED["microsoft.keyvault/vaults"]


async def test_one_list_tells_the_access_to_all_of_a_groups_resources_of_a_type(azure: Azure) -> None:
    key, other = azure.key("sales"), azure.key("other")
    accounts = []
    for group in (key, other):
        await azure.create_group(group)
    for group, name in ((key, "open"), (key, "firewalled"), (other, "elsewhere")):
        accounts.append(f"{group.group_id}/providers/{STORAGE.name}/{azure.unique(name)}")
        await azure.create_resource(accounts[-1])
    await azure.create_resource(f"{key.group_id}/providers/{VAULT.name}/{azure.unique('v')}")
    await azure.close_firewall(accounts[1])
    assert await azure.port.list_access(key, STORAGE) == {
        normal_id(accounts[0]): "public",
        normal_id(accounts[1]): "selected",
    }


@pytest.mark.parametrize("kind", EXPOSED.values(), ids=list(EXPOSED))
async def test_a_group_without_resources_of_a_type_has_nothing_to_tell(
    azure: Azure, kind: ExposedType
) -> None:
    key = azure.key("empty")
    await azure.create_group(key)
    assert await azure.port.list_access(key, kind) == {}


async def test_there_is_no_access_in_a_group_that_is_gone(azure: Azure) -> None:
    with pytest.raises(NotFound):
        await azure.port.list_access(azure.key("gone"), VAULT)


def test_a_page_may_lead_to_the_next_and_one_that_is_cut_off_tells_nothing() -> None:
    page = (
        b'{"value": [{"id": "/Subscriptions/S/x", "properties": {"publicNetworkAccess": "Disabled"}}],'
        b' "nextLink": "https://management.azure.com/next"}'
    )
    assert read_access(page, VAULT, "/g") == (
        {"/subscriptions/s/x": "closed"},
        "https://management.azure.com/next",
    )
    with pytest.raises(Transient):
        read_access(b'{"value": [{"id"', VAULT, "/g")
