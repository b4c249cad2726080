"""The documents of workspaces and of their operations."""

import uuid
from datetime import timedelta

from local.arm.clock import timestamp
from local.arm.documents import JsonObject, copied, object_in, text_in
from local.arm.ids import ResourceId
from local.arm.operations import LongOperation

_NAMES = uuid.UUID("6b0d77a4-6a5b-4b8f-8f53-2b8c9a3de7a1")
# Asked for or not, a new workspace gets one of these; older tiers become the first.
_TIERS = {name.lower(): name for name in ("PerGB2018", "CapacityReservation", "LACluster")}
_SMALLEST_RESERVATION = 100
_OWN = ("customerId", "provisioningState", "createdDate", "modifiedDate")


def new_etag() -> str:
    """A quoted guid, without the `W/` of the network provider."""
    return f'"{uuid.uuid4()}"'


def properties_of(resource: ResourceId, given: JsonObject, previous: JsonObject, now: str) -> JsonObject:
    """The stored properties: what was given, on what was there, on the defaults."""
    passed: JsonObject = {name: copied(value) for name, value in given.items() if name not in _OWN}
    return {
        "customerId": previous.get("customerId", str(uuid.uuid5(_NAMES, resource.key))),
        "provisioningState": "Succeeded",
        "retentionInDays": 30,
        "publicNetworkAccessForIngestion": "Enabled",
        "publicNetworkAccessForQuery": "Enabled",
        **passed,
        "sku": _sku(object_in(passed, "sku"), object_in(previous, "sku"), now),
        "features": {
            "legacy": 0,
            "searchVersion": 1,
            "enableLogAccessUsingOnlyResourcePermissions": True,
            **object_in(passed, "features"),
        },
        "workspaceCapping": {
            "dailyQuotaGb": -1.0,
            "quotaNextResetTime": now,
            "dataIngestionStatus": "RespectQuota",
            **object_in(passed, "workspaceCapping"),
        },
        "createdDate": previous.get("createdDate", now),
        "modifiedDate": now,
    }


def operation_document(operation: LongOperation) -> JsonObject:
    """What `operationstatuses` answers: the end and an empty result only when it has ended."""
    document: JsonObject = {
        "id": f"/subscriptions/{operation.subscription}/providers/Microsoft.OperationalInsights/locations/"
        f"{operation.location}/operationstatuses/{operation.id}",
        "name": operation.id,
        "status": operation.status,
        "startTime": timestamp(operation.started),
    }
    if operation.running:
        return document
    document["endTime"] = timestamp(operation.ended or operation.started + timedelta())
    if operation.failure is None:
        return {**document, "properties": {}}
    return {**document, "error": operation.failure}


def _sku(given: JsonObject, previous: JsonObject, now: str) -> JsonObject:
    name = _TIERS.get((text_in(given, "name") or text_in(previous, "name") or "").lower(), "PerGB2018")
    sku: JsonObject = {"name": name}
    if name == "CapacityReservation":
        level = given.get("capacityReservationLevel", previous.get("capacityReservationLevel", 0))
        sku["capacityReservationLevel"] = max(level if isinstance(level, int) else 0, _SMALLEST_RESERVATION)
    sku["lastSkuUpdate"] = previous.get("lastSkuUpdate", now)
    return sku
