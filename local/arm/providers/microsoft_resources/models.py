"""The documents of Microsoft.Resources, with the fields in the order of the recordings."""

import base64
import json

from local.arm.catalog import LOCATIONS
from local.arm.documents import Json, JsonObject, as_json, object_in
from local.arm.store import Resource, ResourceGroup

_TYPE_SINCE = "2019-10-01"
_LISTED = ("kind", "managedBy", "location", "sku", "plan", "identity", "tags", "zones")


def group_document(group: ResourceGroup, version: str) -> JsonObject:
    """Versions before October 2019 do not show the type."""
    document: JsonObject = {"id": group.id, "name": group.name}
    if version >= _TYPE_SINCE:
        document["type"] = "Microsoft.Resources/resourceGroups"
    document["location"] = group.location
    if group.managed_by:
        document["managedBy"] = group.managed_by
    if group.tags is not None:
        document["tags"] = as_json(dict(group.tags))
    document["properties"] = {"provisioningState": group.state}
    return document


def listed_document(resource: Resource, expand: frozenset[str], *, by_tag: bool = False) -> JsonObject:
    """A resource in a list: no properties; `$expand` adds createdTime, changedTime, provisioningState.

    A list that is filtered `by_tag` comes from an index that knows nothing but where a resource is.
    """
    if by_tag:
        return {
            "id": resource.id.text,
            "name": "/".join(resource.id.names),
            "type": resource.type,
            "location": resource.location,
        }
    document: JsonObject = {
        "id": resource.id.text,
        "name": "/".join(resource.id.names),
        "type": resource.type,
    }
    document |= {name: resource.body[name] for name in _LISTED if name in resource.body}
    if "createdtime" in expand:
        document["createdTime"] = resource.created
    if "changedtime" in expand:
        document["changedTime"] = resource.changed
    if "provisioningstate" in expand:
        document["provisioningState"] = resource.properties.get("provisioningState", "Succeeded")
    return document


def tags_document(scope: str, tags: dict[str, str]) -> JsonObject:
    return {
        "id": f"{scope}/providers/Microsoft.Resources/tags/default",
        "name": "default",
        "type": "Microsoft.Resources/tags",
        "properties": {"tags": as_json(dict(tags))},
    }


def subscription_document(subscription: str, tenant: str) -> JsonObject:
    return {
        "id": f"/subscriptions/{subscription}",
        "authorizationSource": "RoleBased",
        "managedByTenants": [],
        "subscriptionId": subscription,
        "tenantId": tenant,
        "displayName": f"Local {subscription[-4:]}",
        "state": "Enabled",
        "subscriptionPolicies": {
            "locationPlacementId": "Public_2014-09-01",
            "quotaId": "PayAsYouGo_2014-09-01",
            "spendingLimit": "Off",
        },
    }


def tenant_document(tenant: str) -> JsonObject:
    return {
        "id": f"/tenants/{tenant}",
        "tenantId": tenant,
        "countryCode": "DE",
        "displayName": "Local",
        "domains": ["local.onmicrosoft.com"],
        "tenantCategory": "Home",
        "defaultDomain": "local.onmicrosoft.com",
        "tenantType": "AAD",
    }


def location_documents(subscription: str) -> list[Json]:
    return [
        {
            "id": f"/subscriptions/{subscription}/locations/{name}",
            "name": name,
            "type": "Region",
            "displayName": display,
            "regionalDisplayName": display,
            "metadata": {"regionType": "Physical", "regionCategory": "Recommended"},
        }
        for name, display in LOCATIONS.items()
    ]


def deletion_job(operation_id: str, location: str) -> str:
    """The opaque token in the URL of a group deletion; Azure's is an encoded job id too."""
    job = json.dumps({"jobId": f"RESOURCEGROUPDELETIONJOB-{operation_id}", "jobLocation": location})
    return base64.urlsafe_b64encode(job.encode()).decode().rstrip("=")


def operation_of_job(token: str) -> str:
    """The operation id in such a token, empty where the token is none of ours."""
    try:
        job = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except ValueError:
        return ""
    return str(object_in({"job": job}, "job").get("jobId", "")).partition("-")[2]


def blocked_deletion(group: str, blocked: dict[str, list[str]]) -> JsonObject:
    """Why a group could not be deleted, in the PascalCase that only this answer has."""
    names = ", ".join(f"'{identifier.partition('/providers/')[2]}'" for identifier in blocked)
    return {
        "Error": {
            "Code": "ResourceGroupDeletionTimeout",
            "Target": None,
            "Message": f"Deletion of resource group '{group}' did not finish within the allowed time as resources "
            f"with identifiers {names} could not be deleted. The provisioning state of the resource group will be "
            "rolled back. Please check audit logs for more details.",
            "Details": [
                {
                    "Code": None,
                    "Target": identifier,
                    "Message": f"In use by {', '.join(users)}",
                    "Details": None,
                }
                for identifier, users in blocked.items()
            ],
        }
    }
