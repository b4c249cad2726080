"""Nothing in infra/ is open, told or old without somebody having said why."""

import pytest

from tests.infra.deployment import evaluator_of
from tests.infra.hardening import (
    CLOSED,
    idle_entries,
    listed_version,
    open_by_default,
    passed_secrets,
    told_secrets,
    versions_without_reason,
    wrong_versions,
)
from tests.infra.reader.evaluate import Evaluator, Value
from tests.infra.reader.file import read, read_text
from tests.infra.sources import INFRA, all_bicep

OPEN: dict[str, str] = {
    "modules/storage.bicep Microsoft.Storage/storageAccounts publicNetworkAccess": (
        "without private endpoints its firewall lets in the app's subnet alone (networkAcls, defaultAction Deny)"
    ),
    "modules/eventhubs.bicep Microsoft.EventHub/namespaces publicNetworkAccess": (
        "Azure Monitor comes as a trusted service, which a disabled public network keeps out; rules deny all others"
    ),
    "modules/eventhubs.bicep Microsoft.EventHub/namespaces/networkRuleSets publicNetworkAccess": "as above",
    "modules/eventhubs.bicep Microsoft.EventHub/namespaces disableLocalAuth": (
        "Azure Monitor streams with a rule's key and knows no identity; without `streaming` it is closed"
    ),
    "modules/functionapp.bicep Microsoft.Web/sites publicNetworkAccess": (
        "Event Grid has no private way to a function; the default of its address rules is Deny"
    ),
    "modules/functionapp.bicep Microsoft.Web/sites siteConfig.scmIpSecurityRestrictionsDefaultAction": (
        "azd deploys from wherever it runs, with a token of Microsoft Entra; `deployAddresses` closes it"
    ),
    "modules/monitoring.bicep Microsoft.OperationalInsights/workspaces publicNetworkAccessForIngestion": (
        "Azure Monitor's own sending is not concerned, the app's telemetry is; closing it needs a private link scope"
    ),
    "modules/monitoring.bicep Microsoft.OperationalInsights/workspaces publicNetworkAccessForQuery": (
        "people and the API ask with tokens; closing it needs a private link scope"
    ),
    "modules/monitoring.bicep Microsoft.Insights/components publicNetworkAccessForIngestion": (
        "the app's telemetry, with its identity alone; closing it needs a private link scope"
    ),
    "modules/monitoring.bicep Microsoft.Insights/components publicNetworkAccessForQuery": (
        "people ask with tokens; closing it needs a private link scope"
    ),
}
"""What is open with the defaults, and why."""


def test_what_is_open_by_default_has_a_reason_and_every_reason_something_open() -> None:
    found = [fault for f in all_bicep() for fault in open_by_default(f, evaluator_of(f))]
    assert sorted(found) == sorted(OPEN)


def test_no_secret_is_read_told_or_handed_on_in_the_open() -> None:
    for file in all_bicep():
        assert told_secrets(file) == []
        targets = {m.path: read((file.path.parent / m.path).resolve()) for m in file.modules.values()}
        assert passed_secrets(file, targets) == []


def test_api_versions_are_those_that_were_looked_up() -> None:
    assert [fault for file in all_bicep() for fault in wrong_versions(file)] == []


def test_old_versions_and_previews_have_a_reason_and_the_table_has_nothing_idle() -> None:
    policy = "Microsoft.Insights/diagnosticSettings"  # deployed by a policy, besides
    used = {listed_version(r.type)[0] for f in all_bicep() for r in f.resources.values()} | {policy}
    assert versions_without_reason() == []
    assert idle_entries(used) == []


ACCOUNT = """
@secure()
param key string
param open bool = false
var both = '${key}-x'
resource account 'Microsoft.Storage/storageAccounts@2024-01-01' = {
  name: 'x'
  properties: {
    allowBlobPublicAccess: false
    allowSharedKeyAccess: open
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: open ? 'Enabled' : 'Disabled'
    networkAcls: {
      defaultAction: 'Deny'
    }
  }
}
module inner 'inner.bicep' = {
  params: {
    key: key
    has: empty(key)
  }
}
output id string = account.id
"""
INNER = "@secure()\nparam key string\nparam has bool\nparam plain string = ''\n"


def faults(text: str, symbols: dict[str, Value] | None = None) -> list[str]:
    file = read_text(INFRA / "account.bicep", text)
    inner = read_text(INFRA / "inner.bicep", INNER)
    opened = open_by_default(file, Evaluator(file, symbols or {}))
    handed = passed_secrets(file, {"inner.bicep": inner})
    return [*opened, *told_secrets(file), *handed, *wrong_versions(file)]


def test_what_is_closed_and_keeps_its_secrets_has_no_faults() -> None:
    assert faults(ACCOUNT) == []
    assert len(faults(ACCOUNT, {"open": True})) == 2


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("allowBlobPublicAccess: false", "allowBlobPublicAccess: true"),
        ("    allowBlobPublicAccess: false\n", ""),
        ("defaultAction: 'Deny'", "defaultAction: 'Allow'"),
        ("param open bool = false", "param open bool = true"),
        ("param open bool = false", "param open bool"),
        ("= account.id", "= account.listKeys().keys[0].value"),
        ("= account.id", "= listKeys(account.id, '2024-01-01').keys[0].value"),
        ("= account.id", "= key"),
        ("= account.id", "= both"),
        ("= account.id", "= account.properties.primaryConnectionString"),
        ("has: empty(key)", "has: empty(key)\n    plain: key"),
        ("@2024-01-01", "@2019-04-01"),
        ("storageAccounts@2024-01-01", "storageAccountz@2024-01-01"),
    ],
)
def test_each_check_notices_what_it_is_for(old: str, new: str) -> None:
    assert ACCOUNT.count(old) == 1
    assert faults(ACCOUNT.replace(old, new))


def test_every_type_that_has_to_be_closed_is_deployed() -> None:
    """A type that is gone or spelled otherwise would be checked no more."""
    deployed = {r.type for f in all_bicep() for r in f.resources.values() if not r.is_existing}
    assert sorted(CLOSED.keys() - deployed) == []
