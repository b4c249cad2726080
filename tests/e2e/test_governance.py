"""Policies on the running stack: seen in the report, enforced, and healed by tagging."""

import json
from typing import cast

import pytest

from local.caller import Json
from tests.e2e.beside import beside
from tests.e2e.mesh import VAULTS, Mesh, conditions, wait_for

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("stack"), pytest.mark.timeout(900)]

DOMAIN = "governed"


def governed(mesh: Mesh, group: str, **tags: str) -> None:
    """A node of the domain that has policies, with a vault, once it was looked at."""
    named = {"mesh-node": group, "mesh-domain": DOMAIN, "mesh-network": "none", **tags}
    mesh.create(group, named, network=False)
    wait_for(f"{group} is judged", lambda: len(standings(mesh, group)) == 4)


def standings(mesh: Mesh, group: str) -> dict[str, str]:
    """The verdict of each policy on a node."""
    node = mesh.node(group)
    return {str(s["policy"]): str(s["verdict"]) for s in cast(list[Json], node["governance"])} if node else {}


def counted(mesh: Mesh, policy: str) -> Json:
    """What the report says of a policy in the domain now."""
    report = mesh.api(f"governance?domain={DOMAIN}&policy={policy}").body
    [domain] = cast(list[Json], report["domains"])
    [found] = cast(list[Json], domain["policies"])
    return cast(Json, found["counts"])


def found(mesh: Mesh, policy: str, verdict: str = "violating") -> set[str]:
    """The groups of the domain of which a policy came to a verdict."""
    items = mesh.pages(f"governance/findings?policy={policy}&domain={DOMAIN}&verdict={verdict}")
    return {str(item["group"]) for item in items}


@beside
def test_an_enforced_policy_withholds_a_node_until_its_group_is_tagged(mesh: Mesh) -> None:
    """NotReady with what to do, in the report, refused new edges; a tag is enough, and nothing else was written."""
    governed(mesh, "governed-charged")
    node = mesh.settled("governed-charged", "NotReady")
    ready = next(c for c in conditions(node) if c["type"] == "Ready")
    assert ready["reason"] == "PolicyViolated"
    assert "Tag the group with its cost center." in str(ready["message"])
    assert "governed-charged" in found(mesh, "charged")
    assert cast(int, counted(mesh, "charged")["violating"]) >= 1
    refused = mesh.api("edges", "POST", body=json.dumps(edge(mesh, "governed-charged")).encode())
    assert (refused.status, refused.body["code"]) == (409, "PolicyEnforced"), refused.text
    since = mesh.mark()
    mesh.tag("governed-charged", "Merge", cost_center="CC-42")
    node = mesh.ready("governed-charged")
    assert mesh.written(since, "governed-charged") == []
    assert standings(mesh, "governed-charged")["charged"] == "compliant"
    wait_for("the finding is gone", lambda: "governed-charged" not in found(mesh, "charged"))


@beside
def test_what_is_audited_is_shown_and_the_node_is_ready(mesh: Mesh) -> None:
    """A vault that is public and a region that is not allowed; the vault closed, an event tells, the rest stays."""
    governed(mesh, "governed-audited", **{"cost-center": "CC-1"})
    mesh.ready("governed-audited")
    assert standings(mesh, "governed-audited") == {
        "charged": "compliant",
        "home-region": "violating",
        "telemetry-covered": "compliant",
        "vaults-closed": "violating",
    }
    properties = {
        "tenantId": mesh.azure.endpoints.tenant,
        "sku": {"family": "A", "name": "standard"},
        "publicNetworkAccess": "Disabled",
    }
    body = {"location": mesh.region("governed-audited"), "properties": properties}
    mesh.arm("PUT", mesh.vault_id("governed-audited"), VAULTS, body)
    wait_for("closed", lambda: standings(mesh, "governed-audited")["vaults-closed"] == "compliant")
    condition = mesh.found("governed-audited", "Governed", "PolicyViolated")
    assert (condition["status"], condition["severity"]) == ("False", "warning")
    assert "home-region" in str(condition["message"])
    assert mesh.ready("governed-audited")["state"] == "Ready"


@beside
def test_a_node_that_is_exempt_is_counted_as_such_and_the_day_is_recorded(mesh: Mesh) -> None:
    """The timer's counts of today are there once, however often it runs."""
    governed(mesh, "governed-exempt", **{"cost-center": "CC-1"})
    mesh.ready("governed-exempt")
    assert found(mesh, "home-region", "exempt") == {"governed-exempt"}
    assert counted(mesh, "home-region")["exempt"] == 1
    wait_for("a day is recorded", lambda: recorded(mesh))
    report = mesh.api(f"governance?domain={DOMAIN}&policy=home-region").body
    [domain] = cast(list[Json], report["domains"])
    [policy] = cast(list[Json], domain["policies"])
    assert len(cast(list[Json], policy["trend"])) == 1
    assert report["faults"] == []


def recorded(mesh: Mesh) -> bool:
    """Whether the domain's day is written down; if not, has the timer do it, however lately it did."""
    mark = {"PartitionKey": "mark", "RowKey": "mark"}
    with mesh.tables() as service, service.get_table_client("governance") as table:
        if "governance" in {one.name for one in service.list_tables()}:
            domain = {"domain": f"of {DOMAIN}"}
            if list(table.query_entities("PartitionKey eq @domain", parameters=domain, select=["RowKey"])):
                return True
            table.delete_entity(mark)
    mesh.run_by_hand("discovery")
    return False


def edge(mesh: Mesh, consumer: str) -> Json:
    """A request for an edge to somebody's vault."""
    provider = "governed-elsewhere"
    return {
        "consumer": f"{mesh.subscription}/{consumer}",
        "provider": f"{mesh.subscription}/{provider}",
        "interface": "resource",
        "target": f"{mesh.group_id(provider)}/providers/Microsoft.KeyVault/vaults/v",
        "purpose": "to see it refused",
    }
