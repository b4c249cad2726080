"""Private link resources of services, and the connections that endpoints make to them."""

import pytest

from local.arm.documents import JsonObject, object_in, objects_in, texts_in
from local.arm.operations import OperationsMode
from local.arm.providers.private_link_targets.table import targets
from tests.local.arm.private_link import (
    ENDPOINT,
    GROUP,
    STORAGE,
    ZONE_GROUP,
    addresses_in,
    connections_of,
    endpoint_body,
    make_endpoint,
    make_place,
    make_zone,
    properties_of,
    state_of,
    zone_group_body,
)
from tests.support.local_arm import NETWORK, Answer, LocalArm, resource_path

_NAMES = [
    ("Microsoft.Storage/storageAccounts", "dfs", "s", "s.dfs.core.windows.net", "s"),
    ("Microsoft.KeyVault/vaults", "vault", "s", "s.vault.azure.net", "s"),
    ("Microsoft.Sql/servers", "sqlServer", "s", "s.database.windows.net", "s"),
    ("Microsoft.EventHub/namespaces", "namespace", "s", "s.servicebus.windows.net", "s"),
    ("Microsoft.Synapse/workspaces", "SqlOnDemand", "s", "s-ondemand.sql.azuresynapse.net", "s-ondemand"),
    (
        "Microsoft.DataFactory/factories",
        "dataFactory",
        "s",
        "s.westeurope.datafactory.azure.net",
        "s.westeurope",
    ),
    ("Microsoft.DataFactory/factories", "portal", "s", "adf.azure.com", "@"),
    (
        "Microsoft.Databricks/workspaces",
        "browser_authentication",
        "s",
        "westeurope.pl-auth.azuredatabricks.net",
        "westeurope.pl-auth",
    ),
    ("Microsoft.DocumentDB/databaseAccounts", "Sql", "s", "s.documents.azure.com", "s"),
]


def _decision(status: str, description: str | None = None) -> JsonObject:
    state: JsonObject = {"status": status}
    if description is not None:
        state["description"] = description
    return {"properties": {"privateLinkServiceConnectionState": state}}


async def _decide(arm: LocalArm, connection: JsonObject, status: str, description: str = "why") -> Answer:
    return await arm.call("PUT", str(connection["id"]), _decision(status, description), version=STORAGE)


@pytest.mark.parametrize(("type_", "group", "name", "fqdn", "record"), _NAMES)
async def test_every_service_has_its_names_and_zones(
    arm: LocalArm, type_: str, group: str, name: str, fqdn: str, record: str
) -> None:
    """The group is among the private link resources; the endpoint answers for the public name, whose record is in
    the zone that the resource requires."""
    place = await make_place(arm)
    target = await arm.make(GROUP, f"{type_}/{name}")
    listed = await arm.call("GET", target + "/privateLinkResources", version=STORAGE)
    (link,) = [item for item in objects_in(listed.body, "value") if item["name"] == group]
    (zone_name,) = texts_in(object_in(link, "properties"), "requiredZoneNames")
    zone = resource_path(GROUP, f"Microsoft.Network/privateDnsZones/{zone_name}")
    await make_zone(arm, zone, place.network)
    await make_endpoint(arm, endpoint_body(place, target=target, groups=(group,)))
    first = objects_in(await properties_of(arm), "customDnsConfigs")[0]
    assert first == {"fqdn": fqdn, "ipAddresses": ["10.1.0.4"]}
    await arm.call("PUT", ZONE_GROUP, zone_group_body(zone), version=NETWORK)
    assert await addresses_in(arm, f"{zone}/A/{record}") == ["10.1.0.4"]
    resolved = await arm.control("GET", f"/resolve?network={place.network}&name={fqdn}")
    assert resolved["addresses"] == ["10.1.0.4"]


async def test_a_member_each_has_an_address(arm: LocalArm) -> None:
    """Cosmos DB has one for the account and one for its region."""
    place = await make_place(arm)
    target = await arm.make(GROUP, "Microsoft.DocumentDB/databaseAccounts/db")
    await make_endpoint(arm, endpoint_body(place, target=target, groups=("Sql",)))
    assert (await properties_of(arm))["customDnsConfigs"] == [
        {"fqdn": "db.documents.azure.com", "ipAddresses": ["10.1.0.4"]},
        {"fqdn": "db-westeurope.documents.azure.com", "ipAddresses": ["10.1.0.5"]},
    ]


async def test_the_table_is_complete() -> None:
    """Every service that edges lead to, each group with a zone."""
    groups = {type_: {str(group["id"]) for group in target.groups} for type_, target in targets().items()}
    assert groups["microsoft.storage/storageaccounts"] == {"blob", "file", "queue", "table", "dfs", "web"}
    assert groups["microsoft.synapse/workspaces"] == {"Sql", "SqlOnDemand", "Dev"}
    assert groups["microsoft.databricks/workspaces"] == {"databricks_ui_api", "browser_authentication"}
    for target in targets().values():
        assert all(str(group["zone"]).startswith("privatelink.") for group in target.groups)


async def test_one_private_link_resource(arm: LocalArm) -> None:
    """By name, and 404 for one that the service does not have or without the service."""
    place = await make_place(arm)
    found = await arm.call("GET", place.account + "/privateLinkResources/blob", version=STORAGE)
    assert object_in(found.body, "properties")["groupId"] == "blob"
    for path in (place.account + "/privateLinkResources/no", place.account + "x/privateLinkResources"):
        assert (await arm.call("GET", path, version=STORAGE)).error == "ResourceNotFound"


async def test_a_connection_is_part_of_the_resource(arm: LocalArm) -> None:
    """Listed beneath it and inside its document, whatever a PUT or PATCH of it says."""
    place = await make_place(arm)
    await make_endpoint(arm, endpoint_body(place))
    (connection,) = await connections_of(arm, place.account)
    assert object_in(connection, "properties") == {
        "provisioningState": "Succeeded",
        "privateEndpoint": {"id": ENDPOINT},
        "privateLinkServiceConnectionState": {
            "status": "Approved",
            "description": "Auto-Approved",
            "actionRequired": "None",
        },
    }
    await arm.make(
        GROUP, "Microsoft.Storage/storageAccounts/lake", properties={"privateEndpointConnections": []}
    )
    account = await properties_of(arm, place.account, STORAGE)
    assert account["privateEndpointConnections"] == [connection]
    forged: JsonObject = {"properties": {"privateEndpointConnections": []}}
    await arm.call("PATCH", place.account, forged, version=STORAGE)
    account = await properties_of(arm, place.account, STORAGE)
    assert account["privateEndpointConnections"] == [connection]
    await arm.call("DELETE", ENDPOINT, version=NETWORK)
    account = await properties_of(arm, place.account, STORAGE)
    assert account["privateEndpointConnections"] == []


async def test_a_manual_connection_waits_for_the_owner(arm: LocalArm) -> None:
    """Pending on both sides with the request's message; approval reaches the endpoint, so does a rejection."""
    place = await make_place(arm)
    body = endpoint_body(place, manual=True)
    (item,) = objects_in(object_in(body, "properties"), "manualPrivateLinkServiceConnections")
    object_in(item, "properties")["requestMessage"] = "please"
    made = await make_endpoint(arm, body)
    assert object_in(made.body, "properties")["privateLinkServiceConnections"] == []
    assert await state_of(arm) == {"status": "Pending", "description": "please", "actionsRequired": "None"}
    assert (await properties_of(arm))["customDnsConfigs"] == []
    (connection,) = await connections_of(arm, place.account)
    approved = await _decide(arm, connection, "Approved", "yes")
    assert approved.status == 200
    assert await state_of(arm) == {"status": "Approved", "description": "yes", "actionsRequired": "None"}
    assert len(objects_in(await properties_of(arm), "customDnsConfigs")) == 1
    await _decide(arm, connection, "Rejected", "no")
    assert (await state_of(arm))["status"] == "Rejected"


async def test_storage_does_not_approve_what_was_decided(arm: LocalArm) -> None:
    """400 as recorded, for what is approved or rejected already, and for words it does not know."""
    place = await make_place(arm)
    await make_endpoint(arm, endpoint_body(place))
    (connection,) = await connections_of(arm, place.account)
    for status in ("Approved", "Perhaps"):
        refused = await _decide(arm, connection, status)
        assert (refused.status, refused.error) == (400, "InvalidValuesForRequestParameters")
    assert (await _decide(arm, connection, "Rejected")).status == 200
    assert (await _decide(arm, connection, "Approved")).status == 400


async def test_deleting_a_connection_disconnects_the_endpoint(arm: LocalArm) -> None:
    """Storage answers 200, then 404 for the connection; the endpoint stays and can be deleted."""
    place = await make_place(arm)
    await make_endpoint(arm, endpoint_body(place))
    (connection,) = await connections_of(arm, place.account)
    assert (await arm.call("DELETE", str(connection["id"]), version=STORAGE)).status == 200
    assert (await arm.call("GET", str(connection["id"]), version=STORAGE)).error == "NotFound"
    assert (await arm.call("DELETE", str(connection["id"]), version=STORAGE)).status == 204
    assert (await state_of(arm))["status"] == "Disconnected"
    assert (await arm.call("DELETE", ENDPOINT, version=NETWORK)).status == 202


async def test_key_vault_decides_in_a_long_operation(arm: LocalArm) -> None:
    """200 Updating, the connection being its own polling URL; its deletion is polled there too, until 204."""
    place = await make_place(arm)
    vault = await arm.make(GROUP, "Microsoft.KeyVault/vaults/kv")
    await make_endpoint(arm, endpoint_body(place, target=vault, groups=("vault",)))
    (connection,) = await connections_of(arm, vault)
    assert (connection["name"], "etag" in connection) == ("link", False)
    arm.manager.operations.mode = OperationsMode(advance="after-reads", amount=1)
    decided = await _decide(arm, connection, "Rejected")
    assert (decided.status, object_in(decided.body, "properties")["provisioningState"]) == (200, "Updating")
    assert "etag" in decided.body
    await arm.call("GET", decided.headers["Azure-AsyncOperation"])
    settled = await arm.call("GET", decided.headers["Azure-AsyncOperation"])
    assert object_in(settled.body, "properties")["provisioningState"] == "Succeeded"
    deleted = await arm.call("DELETE", str(connection["id"]), version="2023-07-01")
    assert (deleted.status, "Azure-AsyncOperation" in deleted.headers) == (202, False)
    await arm.call("GET", deleted.headers["Location"])
    assert (await arm.call("GET", deleted.headers["Location"])).status == 204


async def test_event_hubs_have_a_status_beneath_the_connection(arm: LocalArm) -> None:
    """202 Updating for a decision, 202 without a body for a deletion, and a status that names itself."""
    place = await make_place(arm)
    hub = await arm.make(GROUP, "Microsoft.EventHub/namespaces/ns")
    await make_endpoint(arm, endpoint_body(place, target=hub, groups=("namespace",)))
    (connection,) = await connections_of(arm, hub)
    assert connection["type"] == "Microsoft.EventHub/Namespaces/PrivateEndpointConnections"
    arm.manager.operations.mode = OperationsMode(advance="after-reads", amount=2)
    deleted = await arm.call("DELETE", str(connection["id"]), version="2024-01-01")
    assert (deleted.status, deleted.body) == (202, {})
    statuses = [
        (await arm.call("GET", deleted.headers["Azure-AsyncOperation"])).body["status"] for _ in range(2)
    ]
    assert statuses == ["Deleting", "Succeeded"]
    assert await connections_of(arm, hub) == []


@pytest.mark.parametrize(
    ("relative", "group"),
    [
        ("Microsoft.DocumentDB/databaseAccounts/db", "Sql"),
        ("Microsoft.Sql/servers/sql", "sqlServer"),
        ("Microsoft.Databricks/workspaces/dbx", "databricks_ui_api"),
    ],
)
async def test_other_services_answer_202_and_are_polled(arm: LocalArm, relative: str, group: str) -> None:
    """With both headers; the endpoint hears of the decision, and of the deletion."""
    place = await make_place(arm)
    target = await arm.make(GROUP, relative)
    await make_endpoint(arm, endpoint_body(place, target=target, groups=(group,), manual=True))
    (connection,) = await connections_of(arm, target)
    decided = await _decide(arm, connection, "Approved", "yes")
    assert decided.status == 202
    assert (await arm.call("GET", decided.headers["Azure-AsyncOperation"])).body == {"status": "Succeeded"}
    result = await arm.call("GET", decided.headers["Location"])
    state = object_in(result.body, "properties", "privateLinkServiceConnectionState")
    assert (result.status, state["status"], state["description"]) == (200, "Approved", "yes")
    assert (await state_of(arm))["status"] == "Approved"
    assert len(objects_in(await properties_of(arm, target, "2023-01-01"), "privateEndpointConnections")) == 1
    deleted = await arm.call("DELETE", str(connection["id"]), version="2023-01-01")
    assert (await arm.call("GET", deleted.headers["Location"])).status == 204
    assert (await state_of(arm))["status"] == "Disconnected"


async def test_connections_survive_a_restart(arm: LocalArm) -> None:
    """Still decided by the owner afterwards."""
    place = await make_place(arm)
    await make_endpoint(arm, endpoint_body(place, manual=True))
    state = await arm.control("GET", "/state")
    await arm.control("POST", "/reset")
    await arm.control("PUT", "/state", state)
    (connection,) = await connections_of(arm, place.account)
    await _decide(arm, connection, "Approved")
    assert (await state_of(arm))["status"] == "Approved"
