"""Private endpoints and their connections as our values; the bodies have the shape of recorded ones."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from shared.adapters.arm.private_link_shapes import (
    ConnectionsBody,
    EndpointBody,
    InterfaceBody,
    LinkResourcesBody,
    Names,
    ZoneGroupsBody,
    endpoint,
)
from shared.domain.private_link import PrivateEndpointConnection, PrivateLinkGroup

RECORDINGS = Path(__file__).resolve().parents[4] / "shared" / "real-data" / "B-recordings"
NETWORK = RECORDINGS / "azure-cli/network/tests/latest/recordings"
FILES = (
    NETWORK / "test_private_endpoint_connection_storage_account.yaml",
    NETWORK / "test_private_endpoint_connection_keyvault.yaml",
    NETWORK / "test_private_endpoint_connection_eventhub.yaml",
    NETWORK / "test_network_private_endpoint_private_dns_zone_group.yaml",
    RECORDINGS / "aso/v2/internal/controllers/recordings/Test_Networking_PrivateEndpoint_20250301_CRUD.yaml",
)


def body(kind: str = "privateLinkServiceConnections", **properties: object) -> EndpointBody:
    asked = {
        "privateLinkServiceId": "/target",
        "groupIds": ["blob"],
        "privateLinkServiceConnectionState": {"status": "Pending", "description": "please"},
    }
    found: dict[str, object] = {
        "provisioningState": "Succeeded",
        "subnet": {"id": "/subnet"},
        "privateLinkServiceConnections": [],
        "manualPrivateLinkServiceConnections": [],
        kind: [{"name": "c", "properties": asked}],
        "networkInterfaces": [{"id": "/nic"}],
        "customDnsConfigs": [],
        **properties,
    }
    document = {"id": "/endpoint", "location": "westeurope", "properties": found}
    return msgspec.json.decode(json.dumps(document), type=EndpointBody)


@pytest.mark.parametrize("kind", ["privateLinkServiceConnections", "manualPrivateLinkServiceConnections"])
def test_a_connection_is_found_whichever_way_it_was_asked_for(kind: str) -> None:
    found = endpoint(body(kind), Names(), ZoneGroupsBody())
    assert (found.target, found.group, found.connection_state) == ("/target", "blob", "Pending")


def test_an_endpoint_without_zone_group_tells_its_names_itself() -> None:
    config = [{"fqdn": "a.blob.core.windows.net", "ipAddresses": ["10.0.0.4", "10.0.0.5"]}]
    found = body(customDnsConfigs=config).names
    assert found == Names(("10.0.0.4", "10.0.0.5"), ("a.blob.core.windows.net",))


def test_names_that_a_zone_group_keeps_are_those_of_the_interface() -> None:
    found = body()
    assert (found.names, found.interface) == (Names(), "/nic")
    configurations = [
        {"properties": {"privateIPAddress": "10.0.0.4", "privateLinkConnectionProperties": {"fqdns": ["a"]}}},
        {"properties": {"privateIPAddress": "10.0.0.5", "privateLinkConnectionProperties": {"fqdns": ["b"]}}},
        {"properties": {"privateIPAddress": "10.0.0.6", "privateLinkConnectionProperties": None}},
    ]
    document = {"properties": {"ipConfigurations": configurations}}
    interface = msgspec.json.decode(json.dumps(document), type=InterfaceBody)
    assert interface.names == Names(("10.0.0.4", "10.0.0.5", "10.0.0.6"), ("a", "b"))


def test_a_connection_whose_endpoint_is_gone_names_none() -> None:
    document = {"value": [{"id": "/c", "properties": {"privateEndpoint": None}}]}
    found = msgspec.json.decode(json.dumps(document), type=ConnectionsBody)
    assert found.connections == [PrivateEndpointConnection("/c", "", "")]


def test_a_part_that_names_no_zones_has_none() -> None:
    document = {"value": [{"properties": {"groupId": "sql", "requiredZoneNames": None}}]}
    found = msgspec.json.decode(json.dumps(document), type=LinkResourcesBody)
    assert found.groups == [PrivateLinkGroup("sql", ())]


@pytest.mark.skipif(not RECORDINGS.exists(), reason="the recordings (../shared/real-data) are not here")
def test_recorded_answers_are_understood() -> None:
    checks: dict[str, Callable[[str], bool]] = {
        "privateendpoints": _is_whole,
        "privatelinkresources": lambda text: all(
            group.zones for group in msgspec.json.decode(text, type=LinkResourcesBody).groups
        ),
        "privateendpointconnections": lambda text: all(
            c.endpoint and c.state for c in msgspec.json.decode(text, type=ConnectionsBody).connections
        ),
        "privatednszonegroups": lambda text: all(msgspec.json.decode(text, type=ZoneGroupsBody).zones),
        "networkinterfaces": lambda text: bool(msgspec.json.decode(text, type=InterfaceBody).names.addresses),
    }
    seen = set()
    for url, text in _answers():
        segments = url.partition("?")[0].lower().rstrip("/").split("/")
        name = segments[-2] if segments[-2] in ("privateendpoints", "networkinterfaces") else segments[-1]
        if name in checks:
            assert checks[name](text), url
            seen.add(name)
    assert seen == set(checks)


def _is_whole(text: str) -> bool:
    found = msgspec.json.decode(text, type=EndpointBody)
    shown = endpoint(found, found.names, ZoneGroupsBody())
    whole = shown.id and shown.location and shown.subnet and shown.target and shown.connection_state
    return bool(whole and found.interface)


def _answers() -> Iterator[tuple[str, str]]:
    for file in FILES:
        for exchange in yaml.load(file.read_text(), yaml.CSafeLoader)["interactions"]:
            response: dict[str, Any] = exchange["response"]
            answer = response["body"]
            text = answer["string"] if isinstance(answer, dict) else answer
            status = response.get("code") or response["status"]["code"]
            if exchange["request"]["method"] == "GET" and status == 200 and text:
                yield exchange["request"].get("uri") or exchange["request"]["url"], text
