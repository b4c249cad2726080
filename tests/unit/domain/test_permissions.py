"""What an identity may do: actions compared as Azure compares them."""

import pytest

from shared.domain.permissions import Permission, allowed

WRITE = "Microsoft.Network/virtualNetworks/virtualNetworkPeerings/write"


@pytest.mark.parametrize(
    ("actions", "is_allowed"),
    [
        (("*",), True),
        (("*/read",), False),
        (("*/write",), True),
        (("Microsoft.Network/*",), True),
        (("microsoft.network/VIRTUALNETWORKS/*/Write",), True),
        ((WRITE,), True),
        (("Microsoft.Network/virtualNetworks/write",), False),
        (("Microsoft.Network/virtualNetworks/virtualNetworkPeerings/*",), True),
        (("Microsoft.Network/virtualNetworks",), False),
        (("Microsoft-Network/virtualNetworks/virtualNetworkPeerings/write",), False),
        (("Microsoft.NetworkX/*", "Microsoft.Storage/*"), False),
        ((), False),
    ],
)
def test_an_action_is_allowed_by_its_name_or_by_wildcards_in_any_spelling(
    actions: tuple[str, ...], is_allowed: bool
) -> None:
    assert allowed([Permission(actions)], WRITE) is is_allowed


def test_what_one_role_leaves_out_it_does_not_allow_and_another_one_may() -> None:
    contributor = Permission(("*",), ("Microsoft.Authorization/*/Write", "microsoft.network/*/WRITE"))
    assert not allowed([contributor], WRITE)
    assert allowed([contributor], "Microsoft.Network/virtualNetworks/peer/action")
    assert allowed([contributor, Permission(("Microsoft.Network/virtualNetworks/*",))], WRITE)
    assert not allowed([], WRITE)
