"""Firewalls of services: one rule is added or taken out, everything else goes back as it was read."""

import pytest

from shared.adapters.arm.connection import Body
from shared.adapters.arm.firewalls import FIREWALLS, Firewall, network_rules, with_rule, without_rule

STORAGE = FIREWALLS["microsoft.storage/storageaccounts"]
VAULT = FIREWALLS["microsoft.keyvault/vaults"]
EVENT_HUBS = FIREWALLS["microsoft.eventhub/namespaces"]
NETWORK = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/n"
THEIRS, OURS = f"{NETWORK}/subnets/theirs", f"{NETWORK}/subnets/ours"


def acls(*rules: Body, default: str = "Deny") -> Body:
    return {
        "bypass": "Logging, Metrics",
        "defaultAction": default,
        "ipRules": [{"value": "198.51.100.7", "action": "Allow"}],
        "resourceAccessRules": [{"tenantId": "t", "resourceId": "/r"}],
        "somethingNew": {"kept": True},
        "virtualNetworkRules": list(rules),
    }


def test_a_storage_rule_joins_the_others_and_nothing_else_is_sent() -> None:
    theirs: Body = {"id": THEIRS, "action": "Allow", "state": "Succeeded"}
    account: Body = {"id": "/a", "properties": {"networkAcls": acls(theirs), "accessTier": "Hot"}}
    assert with_rule(STORAGE, account, OURS) == {
        "properties": {"networkAcls": acls(theirs, {"id": OURS})},
    }


def test_a_vault_rule_is_taken_out_and_the_others_stay_as_they_were_spelled() -> None:
    theirs: Body = {"id": THEIRS.lower(), "ignoreMissingVnetServiceEndpoint": True}
    vault: Body = {"properties": {"networkAcls": acls(theirs, {"id": OURS.lower()})}}
    assert without_rule(VAULT, vault, OURS) == {"properties": {"networkAcls": acls(theirs)}}


def test_a_rule_set_of_event_hubs_goes_back_whole() -> None:
    theirs: Body = {"subnet": {"id": THEIRS}, "ignoreMissingVnetServiceEndpoint": True}
    found: Body = {"id": "/n/networkRuleSets/default", "location": "w", "properties": acls(theirs)}
    written = with_rule(EVENT_HUBS, found, OURS)
    assert written == {**found, "properties": acls(theirs, {"subnet": {"id": OURS}})}
    assert without_rule(EVENT_HUBS, written, OURS.upper()) == found


@pytest.mark.parametrize("firewall", FIREWALLS.values(), ids=list(FIREWALLS))
def test_a_resource_without_rules_stays_open_when_the_first_comes(firewall: Firewall) -> None:
    empty: Body = {"properties": {}}
    assert network_rules(firewall, empty).open
    written = with_rule(firewall, empty, OURS)
    assert written is not None
    found = network_rules(firewall, written)
    assert (found.subnets, found.open) == ((OURS,), True)


@pytest.mark.parametrize("firewall", FIREWALLS.values(), ids=list(FIREWALLS))
def test_a_rule_that_is_there_or_never_was_is_no_change(firewall: Firewall) -> None:
    written = with_rule(firewall, {"properties": {}}, OURS)
    assert written is not None
    assert with_rule(firewall, written, OURS.upper()) is None
    assert without_rule(firewall, written, THEIRS) is None


@pytest.mark.parametrize(
    ("default", "public", "is_open"),
    [
        ("Allow", None, True),
        ("Allow", "Enabled", True),
        ("Allow", "Disabled", False),
        ("Allow", "SecuredByPerimeter", False),
        ("Deny", "Enabled", False),
    ],
)
def test_open_is_who_lets_everybody_through(default: str, public: str | None, is_open: bool) -> None:
    account: Body = {"properties": {"networkAcls": acls(default=default), "publicNetworkAccess": public}}
    found = network_rules(STORAGE, account)
    assert found.open is is_open
    assert found.closed is (public not in (None, "Enabled"))
