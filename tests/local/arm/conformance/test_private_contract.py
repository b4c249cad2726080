"""What Azure's OpenAPI documents declare for private DNS and private endpoints, held against the local answers."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from local.arm.documents import JsonObject
from tests.local.arm.conformance.openapi import OPENAPI, SPECIFICATION, answer_schema, violations
from tests.local.arm.private_link import (
    ENDPOINT,
    GROUP,
    ZONE,
    ZONE_GROUP,
    endpoint_body,
    make_place,
    zone_group_body,
)
from tests.support.local_arm import LocalArm, network_path

pytestmark = pytest.mark.skipif(not OPENAPI.is_dir(), reason="Azure's OpenAPI documents are not here")

_GROUP = "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.Network"
_NETWORK = SPECIFICATION / "network/resource-manager/Microsoft.Network/stable/2024-01-01/privateEndpoint.json"
_DNS = SPECIFICATION / "privatedns/resource-manager/Microsoft.Network/stable/2020-06-01/privatedns.json"
_ENDPOINTS = _GROUP + "/privateEndpoints/{privateEndpointName}"
_ZONES = _GROUP + "/privateDnsZones/{privateZoneName}"
_RECORDS = _ZONES + "/{recordType}/{relativeRecordSetName}"
_LINKS = _ZONES + "/virtualNetworkLinks/{virtualNetworkLinkName}"

# Azure answers these although no document declares them: recordings show them.
_SHOWN_ALL_THE_SAME = (
    "body.properties.resourceGuid is not declared",
    "body.type is not declared",
    *(
        f"body.properties.privateDnsZoneConfigs[].{name} is not declared"
        for name in ("id", "etag", "type", "properties.provisioningState")
    ),
)


@dataclass(frozen=True, slots=True)
class Step:
    """One operation, the document and path that declare it, and what it is expected to answer."""

    method: str
    path: str
    file: Path
    declared: str
    status: int
    body: JsonObject | None = None


_TEXTS: JsonObject = {"properties": {"ttl": 60, "txtRecords": [{"value": ["text"]}]}}
_LINK: JsonObject = {
    "location": "global",
    "properties": {"virtualNetwork": {"id": network_path(GROUP, "spoke")}, "registrationEnabled": True},
}


def _steps(endpoint: JsonObject) -> list[Step]:
    link, record = ZONE + "/virtualNetworkLinks/l", ZONE + "/TXT/t"
    return [
        Step("PUT", ENDPOINT, _NETWORK, _ENDPOINTS, 201, endpoint),
        Step("PUT", ENDPOINT, _NETWORK, _ENDPOINTS, 200, endpoint),
        Step("PUT", ZONE, _DNS, _ZONES, 202, {"location": "global"}),
        Step("GET", ZONE, _DNS, _ZONES, 200),
        Step("PUT", link, _DNS, _LINKS, 202, _LINK),
        Step("GET", link, _DNS, _LINKS, 200),
        Step("PUT", record, _DNS, _RECORDS, 201, _TEXTS),
        Step("PUT", record, _DNS, _RECORDS, 200, _TEXTS),
        Step("GET", record, _DNS, _RECORDS, 200),
        Step("GET", ZONE + "/ALL", _DNS, _ZONES + "/ALL", 200),
        Step("GET", ZONE + "/SOA/@", _DNS, _RECORDS, 200),
        Step("PUT", ZONE_GROUP, _NETWORK, _zone_group(), 201, zone_group_body(ZONE)),
        Step("GET", ZONE_GROUP, _NETWORK, _zone_group(), 200),
        Step("GET", ENDPOINT, _NETWORK, _ENDPOINTS, 200),
        Step("DELETE", ZONE_GROUP, _NETWORK, _zone_group(), 202),
        Step("DELETE", ZONE_GROUP, _NETWORK, _zone_group(), 204),
        Step("DELETE", ENDPOINT, _NETWORK, _ENDPOINTS, 202),
        Step("DELETE", record, _DNS, _RECORDS, 200),
        Step("DELETE", record, _DNS, _RECORDS, 204),
        Step("DELETE", link, _DNS, _LINKS, 202),
        Step("DELETE", ZONE, _DNS, _ZONES, 202),
        Step("DELETE", ZONE, _DNS, _ZONES, 204),
    ]


def _zone_group() -> str:
    return _ENDPOINTS + "/privateDnsZoneGroups/{privateDnsZoneGroupName}"


async def test_answers_are_declared(arm: LocalArm) -> None:
    """Statuses as recorded, and documents with nothing but what their schemas declare, in the declared types."""
    wrong: list[str] = []
    for step in _steps(endpoint_body(await make_place(arm))):
        version = "2020-06-01" if step.file == _DNS else "2024-01-01"
        answer = await arm.call(step.method, step.path, step.body, version=version)
        assert answer.status == step.status, (step, answer)
        # Deletions and accepted requests have no schema.
        if answer.body:
            schema = answer_schema(step.file, step.method, step.declared, step.status)
            found = violations(answer.body, schema)
            wrong += [
                f"{step.method} {step.path}: {item}" for item in found if item not in _SHOWN_ALL_THE_SAME
            ]
    assert not wrong, "\n".join(wrong)
