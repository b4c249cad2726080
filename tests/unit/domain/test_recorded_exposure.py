"""What recorded resources say of their access: the names of properties are Azure's."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from shared.domain.exposure import EXPOSED, access_of

RECORDINGS = (
    Path(__file__).resolve().parents[4]
    / "shared/real-data/B-recordings/azure-cli/network/tests/latest/recordings"
)
pytestmark = pytest.mark.skipif(
    not RECORDINGS.exists(), reason="the recordings (../shared/real-data) are not here"
)
_ONE = re.compile(r"/providers/(microsoft\.[a-z]+/[a-z]+)/[^/?]+\?", re.IGNORECASE)


@pytest.mark.parametrize(
    ("recording", "kind", "expected"),
    [
        ("test_private_endpoint_connection_cosmosdb", "microsoft.documentdb/databaseaccounts", {"closed"}),
        ("test_private_link_resource_cosmosdb", "microsoft.documentdb/databaseaccounts", {"public"}),
        (
            "test_private_endpoint_connection_postgres_flexible_server",
            "microsoft.dbforpostgresql/flexibleservers",
            {"public"},
        ),
        ("test_private_link_resource_flexible_server", "microsoft.dbformysql/flexibleservers", {"public"}),
        ("test_private_endpoint_connection_eventhub", "microsoft.eventhub/namespaces", {"public"}),
        ("test_private_endpoint_connection_keyvault", "microsoft.keyvault/vaults", {"public"}),
    ],
)
def test_the_switch_is_where_a_recording_has_it(recording: str, kind: str, expected: set[str]) -> None:
    """Each says Enabled, or Disabled; and is closed once that very property says Disabled."""
    found = list(_resources(RECORDINGS / f"{recording}.yaml", kind))
    assert found
    assert {access_of(EXPOSED[kind], one) for one in found} == expected
    for one in found:
        _at(one, EXPOSED[kind].switch[:-1])[EXPOSED[kind].switch[-1]] = "Disabled"
    assert {access_of(EXPOSED[kind], one) for one in found} == {"closed"}


def _resources(file: Path, kind: str) -> list[dict[str, Any]]:
    """The resources of a type that a recording shows, where they say something about their access."""
    recorded = yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    found = []
    for exchange in recorded["interactions"]:
        request, response = exchange["request"], exchange["response"]
        match = _ONE.search(request["uri"])
        if (
            request["method"] == "GET"
            and match
            and match[1].lower() == kind
            and response["status"]["code"] == 200
        ):
            found.append(json.loads(response["body"]["string"]))
    return [one for one in found if _at(one, EXPOSED[kind].switch[:-1]).get(EXPOSED[kind].switch[-1])]


def _at(one: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    for name in path:
        one = one.get(name) or {}
    return one
