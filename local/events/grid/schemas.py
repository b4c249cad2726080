"""Resource events in the two schemas Event Grid delivers, from operations that Resource Manager completed.

Fields and spellings follow the published examples of `Microsoft.Resources` events.
"""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal

from local.arm.activity import CompletedOperation

type Schema = Literal["EventGridSchema", "CloudEventSchemaV1_0"]
type Event = dict[str, object]

EVENT_TYPES = tuple(
    f"Microsoft.Resources.Resource{kind}{outcome}"
    for kind in ("Write", "Delete", "Action")
    for outcome in ("Success", "Failure", "Cancel")
)

_STATUS = {"Success": "Succeeded", "Failure": "Failed", "Cancel": "Canceled"}
_MICROSOFT = "http://schemas.microsoft.com/identity/claims"
_XMLSOAP = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims"
# Short claim names of a token, and the long ones under which they arrive in an event.
_LONG_NAMES = {
    "oid": f"{_MICROSOFT}/objectidentifier",
    "tid": f"{_MICROSOFT}/tenantid",
    "idp": f"{_MICROSOFT}/identityprovider",
    "scp": f"{_MICROSOFT}/scope",
    "sub": f"{_XMLSOAP}/nameidentifier",
    "upn": f"{_XMLSOAP}/upn",
    "unique_name": f"{_XMLSOAP}/name",
    "given_name": f"{_XMLSOAP}/givenname",
    "family_name": f"{_XMLSOAP}/surname",
}
# The local identities are all services. Most events of a real subscription come from people, and carry what
# identifies them: this person does not exist, and is added so that a receiver's handling of it can be tested.
_PERSON = {
    "name": "Robin Example",
    "ipaddr": "203.0.113.7",
    _LONG_NAMES["given_name"]: "Robin",
    _LONG_NAMES["family_name"]: "Example",
    _LONG_NAMES["upn"]: "robin@example.com",
    _LONG_NAMES["unique_name"]: "robin@example.com",
    _LONG_NAMES["scp"]: "user_impersonation",
}


def timestamp(moment: datetime) -> str:
    """ISO 8601 with the seven decimals and the `Z` of .NET, as in every event of Azure."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z"


def resource_event(operation: CompletedOperation, topic: str) -> Event:
    """`Microsoft.Resources.Resource…` in the Event Grid schema; a fresh id each time it is called."""
    return {
        "id": str(uuid.uuid4()),
        "topic": topic,
        "subject": operation.resource_id,
        "eventType": f"Microsoft.Resources.Resource{operation.kind}{operation.outcome}",
        "eventTime": timestamp(operation.time),
        "data": _data(operation),
        "dataVersion": "2",
        "metadataVersion": "1",
    }


def as_cloud_event(event: Event) -> Event:
    """The same event as CloudEvents 1.0: other names around the same `data`."""
    return {
        "id": event["id"],
        "source": event["topic"],
        "subject": event["subject"],
        "type": event["eventType"],
        "time": event["eventTime"],
        "data": event["data"],
        "specversion": "1.0",
    }


def _data(operation: CompletedOperation) -> Event:
    return {
        "authorization": {
            "scope": operation.resource_id,
            "action": operation.operation_name,
            "evidence": {
                "role": "Contributor",
                "roleAssignmentScope": f"/subscriptions/{operation.subscription_id}",
                "principalId": str(operation.principal.get("oid", "")),
                "principalType": "User",
            },
        },
        "claims": claims(operation.principal),
        "correlationId": operation.correlation_id,
        "httpRequest": {
            "clientRequestId": operation.correlation_id,
            "clientIpAddress": _PERSON["ipaddr"],
            "method": operation.http_method,
            "url": operation.http_url,
        },
        "resourceProvider": operation.operation_name.partition("/")[0],
        "resourceUri": operation.resource_id,
        "operationName": operation.operation_name,
        "status": _STATUS[operation.outcome],
        "subscriptionId": operation.subscription_id,
        "tenantId": str(operation.principal.get("tid", "")),
    }


def claims(principal: Mapping[str, object]) -> dict[str, str]:
    """The caller's token claims under the names and as the strings that events carry, and a made-up person's."""
    named = {_LONG_NAMES.get(name, name): _text(value) for name, value in principal.items()}
    return {**_PERSON, **named}


def _text(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
