"""What Azure adds to a storage account, read off the recordings of 2017 to 2025."""

from local.arm.documents import JsonObject, as_json, object_in, tags_in, text_in

# Kind: the services that it has an endpoint for.
_SERVICES = {
    "BlobStorage": ("dfs", "blob", "table"),
    "Storage": ("blob", "queue", "table", "file"),
    "StorageV2": ("dfs", "web", "blob", "queue", "table", "file"),
}
# Web pages are served by one of several zones.
_HOSTS = {"web": "z6.web"}
_KEYS_SINCE = "2021-02-01"
# New accounts are closed to anonymous readers since the end of 2023; versions stand for their time.
_CLOSED_SINCE = "2023-01-01"
_CONNECTIONS_SINCE = "2019-06-01"


def completed(body: JsonObject, name: str, previous: JsonObject, now: str, version: str) -> JsonObject:
    """The body of a PUT as it is kept; `previous` are the properties that were there, `now` the time of the request."""
    sku = object_in(body, "sku")
    tier = (text_in(sku, "name") or "Standard_LRS").partition("_")[0]
    kind = text_in(body, "kind") or "StorageV2"
    given = object_in(body, "properties")
    services = _SERVICES.get(kind, _SERVICES["StorageV2"])
    added = _added(kind, now, version)
    kept: JsonObject = {
        name: value
        for name, value in previous.items()
        if name in added or name == "privateEndpointConnections"
    }
    properties: JsonObject = {
        **added,
        **kept,
        "primaryEndpoints": {
            service: f"https://{name}.{_HOSTS.get(service, service)}.core.windows.net/"
            for service in services
        },
        **{name: value for name, value in given.items() if value is not None},
    }
    tags = as_json(tags_in(body))
    body = {name: value for name, value in body.items() if value is not None}
    return {
        **body,
        "kind": kind,
        "sku": {"name": "Standard_LRS", **sku, "tier": tier},
        "tags": tags,
        "properties": properties,
    }


def _added(kind: str, now: str, version: str) -> JsonObject:
    """The properties that a new account has unless its maker says otherwise."""
    switched_on: JsonObject = {"keyType": "Account", "enabled": True, "lastEnabledTime": now}
    return {
        "keyCreationTime": {"key1": now, "key2": now},
        "allowCrossTenantReplication": False,
        "minimumTlsVersion": "TLS1_2",
        "allowBlobPublicAccess": version < _CLOSED_SINCE,
        "supportsHttpsTrafficOnly": True,
        "encryption": {
            "services": {"file": {**switched_on}, "blob": {**switched_on}},
            "keySource": "Microsoft.Storage",
        },
        "creationTime": now,
        **({} if kind == "Storage" else {"accessTier": "Hot"}),
        "allowCrossTenantDelegationSas": False,
    }


def as_of(document: JsonObject, version: str) -> JsonObject:
    """The document as a version shows it."""
    hidden = {
        name
        for name, since in (
            ("keyCreationTime", _KEYS_SINCE),
            ("privateEndpointConnections", _CONNECTIONS_SINCE),
            ("allowBlobPublicAccess", _CONNECTIONS_SINCE),
            ("allowCrossTenantReplication", _KEYS_SINCE),
            ("minimumTlsVersion", _CONNECTIONS_SINCE),
            ("allowCrossTenantDelegationSas", "2025-06-01"),
        )
        if version < since
    }
    properties: JsonObject = {
        name: value for name, value in object_in(document, "properties").items() if name not in hidden
    }
    return {**document, "properties": properties}
