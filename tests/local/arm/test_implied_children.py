"""Children that exist with their parent, and which types have diagnostics at all."""

import json
from pathlib import Path

import pytest

from local.arm.documents import objects_in
from local.arm.providers.microsoft_insights.models import UNNAMED, diagnostic_type
from tests.support.local_arm import LocalArm, resource_path

ACCOUNT = resource_path("node-a", "Microsoft.Storage/storageAccounts/data")
SERVER = resource_path("node-a", "Microsoft.Sql/servers/orders")
CATALOGUE = (
    Path(__file__).resolve().parents[4] / "shared/real-data/E-diagnostics/derived-diagnostic-types.json"
)


async def test_an_account_has_its_services_from_the_start(arm: LocalArm) -> None:
    """One `default` a service, which no list of the group shows."""
    await arm.make_group("node-a")
    await arm.make("node-a", "Microsoft.Storage/storageAccounts/data")
    for service in ("blob", "file", "queue", "table"):
        listed = await arm.call("GET", f"{ACCOUNT}/{service}Services", version="2023-01-01")
        [found] = objects_in(listed.body, "value")
        alone = await arm.call("GET", f"{ACCOUNT}/{service}Services/default", version="2023-01-01")
        assert found == alone.body
        assert str(found["id"]).lower() == f"{ACCOUNT}/{service}services/default".lower()
        assert found["type"] == f"Microsoft.Storage/storageAccounts/{service}Services"


async def test_a_server_has_a_master_database_beside_those_that_were_made(arm: LocalArm) -> None:
    await arm.make_group("node-a")
    await arm.make("node-a", "Microsoft.Sql/servers/orders")
    await arm.make("node-a", "Microsoft.Sql/servers/orders/databases/sales")
    listed = await arm.call("GET", f"{SERVER}/databases", version="2021-11-01")
    found = {str(d["name"]): d for d in objects_in(listed.body, "value")}
    assert set(found) == {"master", "sales"}
    assert (found["master"]["kind"], str(found["master"]["managedBy"]).lower()) == (
        "v12.0,system",
        SERVER.lower(),
    )
    assert found["master"]["location"] == found["sales"]["location"]


async def test_the_children_of_nothing_are_not_found(arm: LocalArm) -> None:
    for path in (f"{ACCOUNT}gone/blobServices", f"{SERVER}gone/databases", f"{SERVER}gone/databases/master"):
        assert (await arm.call("GET", path, version="2021-11-01")).status == 404


def test_every_type_of_the_catalogue_has_diagnostics_and_its_groups() -> None:
    """Where the catalogue names no categories of a type, one stands for those of its groups."""
    if not CATALOGUE.exists():
        pytest.skip("the recorded catalogue of types is not here")
    types = json.loads(CATALOGUE.read_text())
    assert len(types) == 150
    for found in types:
        facts = diagnostic_type(found["type"])
        assert facts is not None, found["type"]
        assert facts.logs or facts.metrics, found["type"]
        assert bool(facts.logs) == bool(facts.groups or found["log_categories"]), found["type"]
        assert facts.logs == UNNAMED or "Logs" not in facts.logs
