"""Network rules of services: who may name which subnet, and what the rules look like afterwards."""

import pytest

from local.arm.documents import JsonObject, object_in, objects_in
from local.arm.operations import OperationsMode
from tests.support.local_arm import AT_ONCE, NETWORK, Answer, LocalArm, network_path, resource_path

VNET = network_path("mesh", "v")
OPEN, CLOSED = f"{VNET}/subnets/open", f"{VNET}/subnets/closed"
STORAGE = resource_path("mesh", "Microsoft.Storage/storageAccounts/meshdata")
VAULT = resource_path("mesh", "Microsoft.KeyVault/vaults/secrets")
SERVER = resource_path("mesh", "Microsoft.Sql/servers/sales")
RULE = f"{SERVER}/virtualNetworkRules/from-open"
HUBS = resource_path("mesh", "Microsoft.EventHub/namespaces/events")
SERVICES = ("Microsoft.Storage", "Microsoft.KeyVault", "Microsoft.Sql", "Microsoft.EventHub")
_VERSION = "2024-01-01"


@pytest.fixture(autouse=True)
async def _subnets(arm: LocalArm) -> None:
    """One subnet with every service endpoint, one with none."""
    await arm.make_group("mesh")
    await arm.make_network("mesh", "v", "10.0.0.0/16")
    await put_subnet(arm, OPEN, "10.0.0.0/24", *SERVICES)
    await put_subnet(arm, CLOSED, "10.0.1.0/24")


async def put_subnet(arm: LocalArm, subnet: str, prefix: str, *services: str) -> Answer:
    body = {
        "properties": {"addressPrefix": prefix, "serviceEndpoints": [{"service": name} for name in services]}
    }
    return await arm.call("PUT", subnet, body, version=NETWORK)


def _acls(*subnets: str, **flags: object) -> JsonObject:
    rules = [{"id": subnet, **flags} for subnet in subnets]
    return {"properties": {"networkAcls": {"defaultAction": "Deny", "virtualNetworkRules": rules}}}  # type: ignore[dict-item]


async def test_endpoints_of_a_subnet(arm: LocalArm) -> None:
    """Azure spells the services and fills in where each reaches; a PUT replaces them all."""
    await put_subnet(arm, CLOSED, "10.0.1.0/24", "microsoft.storage", "Microsoft.Sql", "MICROSOFT.KEYVAULT")
    found = object_in((await arm.call("GET", CLOSED, version=NETWORK)).body, "properties")
    assert found["serviceEndpoints"] == [
        {
            "provisioningState": "Succeeded",
            "service": "Microsoft.Storage",
            "locations": ["westeurope", "northeurope"],
        },
        {"provisioningState": "Succeeded", "service": "Microsoft.Sql", "locations": ["westeurope"]},
        {"provisioningState": "Succeeded", "service": "Microsoft.KeyVault", "locations": ["*"]},
    ]
    await put_subnet(arm, CLOSED, "10.0.1.0/24", "Microsoft.EventHub")
    found = object_in((await arm.call("GET", CLOSED, version=NETWORK)).body, "properties")
    assert [entry["service"] for entry in objects_in(found, "serviceEndpoints")] == ["Microsoft.EventHub"]


async def test_an_unknown_service_refuses_the_subnet(arm: LocalArm) -> None:
    """Alone and as part of a network; nothing changes."""
    refused = await put_subnet(arm, CLOSED, "10.0.1.0/24", "Microsoft.Nonsense")
    assert (refused.status, refused.error) == (400, "SubnetHasServiceEndpointWithInvalidServiceName")
    found = object_in((await arm.call("GET", CLOSED, version=NETWORK)).body, "properties")
    assert found["serviceEndpoints"] == []


async def test_a_subnet_changed_meanwhile_is_not_overwritten(arm: LocalArm) -> None:
    """Two writers who read the same subnet: If-Match lets only the first through."""
    read = await arm.call("GET", OPEN, version=NETWORK)
    match = {"If-Match": read.headers["ETag"]}
    first = await arm.call(
        "PUT", OPEN, {"properties": {"addressPrefix": "10.0.0.0/24"}}, version=NETWORK, headers=match
    )
    second = await arm.call("PUT", OPEN, read.body, version=NETWORK, headers=match)
    assert (first.status, second.status, second.error) == (200, 412, "PreconditionFailed")


async def test_storage_rules(arm: LocalArm) -> None:
    """PATCH answers 200 with every list; rules get an action and a state, which tells when the subnet has gone."""
    await arm.make(
        "mesh", "Microsoft.Storage/storageAccounts/meshdata", sku={"name": "Standard_LRS"}, kind="StorageV2"
    )
    patched = await arm.call("PATCH", STORAGE, _acls(OPEN), version=_VERSION)
    rule = {"id": OPEN, "action": "Allow", "state": "Succeeded"}
    assert patched.status == 200
    assert object_in(patched.body, "properties", "networkAcls") == {
        "ipv6Rules": [],
        "bypass": "AzureServices",
        "virtualNetworkRules": [rule],
        "ipRules": [],
        "defaultAction": "Deny",
    }
    other = await arm.call(
        "PATCH",
        STORAGE,
        {"properties": {"networkAcls": {"ipRules": [{"value": "1.2.3.4"}]}}},
        version=_VERSION,
    )
    assert object_in(other.body, "properties", "networkAcls")["virtualNetworkRules"] == [rule]
    await arm.call("DELETE", OPEN, version=NETWORK)
    left = object_in((await arm.call("GET", STORAGE, version=_VERSION)).body, "properties", "networkAcls")
    assert left["virtualNetworkRules"] == [{**rule, "state": "NetworkSourceDeleted"}]


async def test_storage_refuses_a_subnet_without_endpoint(arm: LocalArm) -> None:
    """At once for an account that exists; a new one fails in its poll, and never was."""
    body = {"location": "westeurope", "sku": {"name": "Standard_LRS"}, "kind": "StorageV2", **_acls(CLOSED)}
    begun = await arm.call("PUT", STORAGE, body, version=_VERSION)
    assert (begun.status, begun.body, "Azure-AsyncOperation" in begun.headers) == (202, {}, False)
    polled = await arm.call("GET", begun.headers["Location"])
    assert (polled.status, polled.body["status"], polled.error) == (
        400,
        "Failed",
        "NetworkAclsValidationFailure",
    )
    assert (await arm.call("GET", STORAGE, version=_VERSION)).status == 404
    await arm.make("mesh", "Microsoft.Storage/storageAccounts/meshdata")
    refused = await arm.call("PATCH", STORAGE, _acls(OPEN, CLOSED), version=_VERSION)
    assert (refused.status, refused.error) == (400, "NetworkAclsValidationFailure")
    assert "SubnetsHaveNoServiceEndpointsConfigured:Subnets closed" in str(refused.body)
    gone = await arm.call("PATCH", STORAGE, _acls(f"{VNET}/subnets/nowhere"), version=_VERSION)
    assert gone.error == "NetworkAclsValidationFailure"


async def test_vault_rules(arm: LocalArm) -> None:
    """Subnets come back in lower case; a missing endpoint may be ignored; the rest of the vault stays."""
    made = await arm.call(
        "PUT", VAULT, {"location": "westeurope", "properties": {"tenantId": "t", "sku": {"name": "standard"}}}
    )
    assert (made.status, "networkAcls" in object_in(made.body, "properties")) == (200, False)
    patched = await arm.call("PATCH", VAULT, _acls(OPEN))
    found = object_in(patched.body, "properties")
    assert (patched.status, found["publicNetworkAccess"], found["tenantId"]) == (200, "Enabled", "t")
    assert object_in(found, "networkAcls")["virtualNetworkRules"] == [{"id": OPEN.lower()}]
    refused = await arm.call("PATCH", VAULT, _acls(OPEN, CLOSED))
    assert (refused.status, refused.error) == (400, "VirtualNetworkNotValid")
    ignored = await arm.call("PATCH", VAULT, _acls(CLOSED, ignoreMissingVnetServiceEndpoint=True))
    assert ignored.status == 200


async def _sql_rule(arm: LocalArm, subnet: str, **flags: object) -> Answer:
    body = {"properties": {"virtualNetworkSubnetId": subnet, **flags}}
    return await arm.call("PUT", RULE, body, version="2023-08-01")


async def test_a_sql_rule_comes_and_goes(arm: LocalArm) -> None:
    """202 with both headers and the operation's name; Initializing, then Ready; dropped the same way."""
    await arm.make("mesh", "Microsoft.Sql/servers/sales")
    arm.manager.operations.mode = OperationsMode(advance="after-reads", amount=2, retry_after=None)
    begun = await _sql_rule(arm, OPEN)
    assert (begun.status, begun.body["operation"]) == (202, "UpsertVnetFirewallRule")
    assert begun.headers["Retry-After"] == "15"
    running = await arm.call("GET", RULE)
    assert object_in(running.body, "properties")["state"] == "Initializing"
    assert (await arm.call("GET", begun.headers["Azure-AsyncOperation"])).body["status"] == "Succeeded"
    ready = await arm.call("GET", begun.headers["Location"])
    assert ready.body == {
        "id": RULE,
        "name": "from-open",
        "type": "Microsoft.Sql/servers/virtualNetworkRules",
        "properties": {
            "virtualNetworkSubnetId": OPEN,
            "ignoreMissingVnetServiceEndpoint": False,
            "state": "Ready",
        },
    }
    listed = await arm.call("GET", f"{SERVER}/virtualNetworkRules")
    assert [item["name"] for item in objects_in(listed.body, "value")] == ["from-open"]
    arm.manager.operations.mode = AT_ONCE
    dropped = await arm.call("DELETE", RULE)
    assert (dropped.status, dropped.body["operation"]) == (202, "DropVnetFirewallRule")
    assert [(await arm.call(method, RULE)).status for method in ("GET", "DELETE")] == [404, 204]


@pytest.mark.parametrize(
    ("subnet", "location", "words"),
    [
        (CLOSED, "westeurope", "do not have ServiceEndpoints for Microsoft.Sql"),
        (OPEN, "northeurope", "cannot be ACL-ed to virtual network in westeurope"),
        (f"{VNET}/subnets/nowhere", "westeurope", "could not be found"),
    ],
)
async def test_a_sql_rule_fails_late(arm: LocalArm, subnet: str, location: str, words: str) -> None:
    """Accepted with 202; the operation ends Failed and says why; the rule stays, Failed."""
    await arm.call("PUT", SERVER, {"location": location}, version="2023-08-01")
    begun = await _sql_rule(arm, subnet)
    polled = await arm.call("GET", begun.headers["Azure-AsyncOperation"])
    assert (begun.status, polled.status, polled.error) == (202, 200, "VirtualNetworkRuleBadRequest")
    assert words in str(polled.body)
    assert object_in((await arm.call("GET", RULE)).body, "properties")["state"] == "Failed"


async def test_sql_conditions(arm: LocalArm) -> None:
    """A missing endpoint may be ignored; a server without public access takes no rules; no server, no rule."""
    assert (await _sql_rule(arm, OPEN)).error == "ParentResourceNotFound"
    await arm.make("mesh", "Microsoft.Sql/servers/sales")
    begun = await _sql_rule(arm, CLOSED, ignoreMissingVnetServiceEndpoint=True)
    assert (await arm.call("GET", begun.headers["Azure-AsyncOperation"])).body["status"] == "Succeeded"
    await arm.call("PATCH", SERVER, {"properties": {"publicNetworkAccess": "Disabled"}})
    assert (await _sql_rule(arm, OPEN)).error == "DenyPublicEndpointEnabled"


async def test_event_hub_rules(arm: LocalArm) -> None:
    """One set a namespace, there from the start; PUT replaces it; Basic namespaces have none."""
    rules = f"{HUBS}/networkRuleSets/default"
    assert (await arm.call("GET", rules)).error == "ResourceNotFound"
    await arm.make("mesh", "Microsoft.EventHub/namespaces/events", sku={"name": "Standard"})
    first = object_in((await arm.call("GET", rules)).body, "properties")
    assert (first["defaultAction"], first["virtualNetworkRules"]) == ("Allow", [])

    async def put(subnet: str, *, ignore: bool = False) -> Answer:
        rule = {"subnet": {"id": subnet}, "ignoreMissingVnetServiceEndpoint": ignore}
        return await arm.call(
            "PUT", rules, {"properties": {"defaultAction": "Deny", "virtualNetworkRules": [rule]}}
        )

    stored = await put(OPEN)
    assert (stored.status, stored.body["name"]) == (200, "default")
    assert object_in(stored.body, "properties") == {
        "publicNetworkAccess": "Enabled",
        "defaultAction": "Deny",
        "virtualNetworkRules": [{"subnet": {"id": OPEN}, "ignoreMissingVnetServiceEndpoint": False}],
        "ipRules": [],
        "trustedServiceAccessEnabled": False,
    }
    refused = await put(CLOSED)
    assert (refused.status, refused.error) == (400, "BadRequest")
    assert (await put(CLOSED, ignore=True)).status == 200
    assert len(objects_in((await arm.call("GET", f"{HUBS}/networkRuleSets")).body, "value")) == 1
    await arm.call("PATCH", HUBS, {"sku": {"name": "Basic"}})
    assert (await put(OPEN)).error == "BadRequest"
