"""What resources say of their access to public networks, by type."""

import pytest

from shared.domain.exposure import EXPOSED, Access, access_of

VAULT = EXPOSED["microsoft.keyvault/vaults"]


@pytest.mark.parametrize(
    ("kind", "properties", "expected"),
    [
        ("microsoft.keyvault/vaults", {}, "public"),
        ("microsoft.keyvault/vaults", {"publicNetworkAccess": None}, "public"),
        ("microsoft.keyvault/vaults", {"publicNetworkAccess": "Enabled"}, "public"),
        ("microsoft.keyvault/vaults", {"publicNetworkAccess": "disabled"}, "closed"),
        ("microsoft.storage/storageaccounts", {"publicNetworkAccess": "SecuredByPerimeter"}, "closed"),
        ("microsoft.storage/storageaccounts", {"networkAcls": {"defaultAction": "Deny"}}, "selected"),
        ("microsoft.storage/storageaccounts", {"networkAcls": {"defaultAction": "Allow"}}, "public"),
        (
            "microsoft.storage/storageaccounts",
            {"publicNetworkAccess": "Disabled", "networkAcls": {"defaultAction": "Allow"}},
            "closed",
        ),
        ("microsoft.storage/storageaccounts", {"publicNetworkAccess": "SomethingNew"}, "unknown"),
        ("microsoft.sql/servers", {"networkAcls": {"defaultAction": "Deny"}}, "public"),
        ("microsoft.sql/managedinstances", {"publicDataEndpointEnabled": False}, "closed"),
        ("microsoft.sql/managedinstances", {"publicDataEndpointEnabled": True}, "public"),
        ("microsoft.sql/managedinstances", {}, "closed"),
        (
            "microsoft.dbforpostgresql/flexibleservers",
            {"network": {"publicNetworkAccess": "Disabled"}},
            "closed",
        ),
        ("microsoft.dbforpostgresql/flexibleservers", {"publicNetworkAccess": "Disabled"}, "public"),
        ("microsoft.search/searchservices", {"publicNetworkAccess": "enabled"}, "public"),
        ("microsoft.web/sites", {"publicNetworkAccess": ""}, "unknown"),
        ("microsoft.web/sites", {"publicNetworkAccess": "Disabled"}, "closed"),
    ],
)
def test_each_type_says_it_its_own_way(kind: str, properties: dict[str, object], expected: Access) -> None:
    assert access_of(EXPOSED[kind], {"id": "/x", "properties": properties}) == expected


@pytest.mark.parametrize("body", [{}, {"properties": None}, {"properties": []}, None])
def test_an_answer_without_properties_is_taken_as_silence(body: object) -> None:
    assert access_of(VAULT, body) == "public"
