"""ResourceManager: what our own identity may do."""

import pytest

from shared.adapters.arm.permissions import read_permissions
from shared.domain.errors import NotFound, Transient
from shared.domain.permissions import Permission, allowed
from tests.contract.azure import Azure


async def test_permissions_of_a_subscription_a_group_and_a_network_tell_what_may_be_written(
    azure: Azure,
) -> None:
    key = azure.key("sales")
    await azure.create_group(key)
    network = f"{key.group_id}/providers/Microsoft.Network/virtualNetworks/net"
    await azure.put_network(network, "10.1.0.0/16")
    for scope in (f"/subscriptions/{key.subscription}", key.group_id, network):
        assert allowed(await azure.port.list_permissions(scope), "Microsoft.Network/virtualNetworks/write")


async def test_there_are_no_permissions_in_a_group_that_is_gone(azure: Azure) -> None:
    key = azure.key("gone")
    with pytest.raises(NotFound) as missing:
        await azure.port.list_permissions(key.group_id)
    assert missing.value.reason == "ResourceGroupNotFound"


def test_a_page_of_permissions_may_leave_members_out_and_lead_to_the_next() -> None:
    """The shapes of "Permissions - List For Resource Group"; Azure writes null where it has nothing to say."""
    page = (
        b'{"value": [{"actions": ["*/read"], "notActions": null, "dataActions": []}, {"notActions": ["a"]}],'
        b' "nextLink": "https://management.azure.com/next"}'
    )
    found, link = read_permissions(page, "/somewhere")
    assert found == [Permission(("*/read",)), Permission((), ("a",))]
    assert link == "https://management.azure.com/next"
    assert read_permissions(b'{"value": []}', "/somewhere") == ([], "")
    with pytest.raises(Transient):
        read_permissions(b'{"value": [{"actions"', "/somewhere")
