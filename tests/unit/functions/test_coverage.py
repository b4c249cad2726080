"""Coverage over HTTP."""

from datetime import timedelta

import msgspec

from shared.domain.ids import NodeKey
from shared.domain.node import Coverage
from shared.domain.sinks import CategoryRule
from shared.ports.telemetry import Volume
from tests.support.mesh import SUBSCRIPTION
from tests.unit.functions.api import Api, api

SALES = {"subscription": SUBSCRIPTION, "group": "sales"}


def filled() -> Api:
    """One of the two nodes has a vault that reports everywhere and one that lacks its stream."""
    found = api()
    now = found.mesh.clock.now()
    rows = (
        Coverage("/v1", "covered", now, True, "", ("meshplane",), ("workspace",), ("workspace",)),
        Coverage(
            "/v2",
            "blocked",
            now - timedelta(hours=1),
            reason="no event-hub sink for westus",
            wanted=("workspace", "event-hub"),
            covers=("workspace",),
            code="NoSinkInRegion",
        ),
    )
    key = NodeKey.of(SUBSCRIPTION, "sales")
    record = found.mesh.nodes.records[key]
    found.mesh.nodes.records[key] = msgspec.structs.replace(record, coverage=rows, telemetry="logs+stream")
    return found


async def test_the_whole_mesh_is_one_sum_with_its_exceptions_and_the_oldest_look() -> None:
    said = await filled().ask("mesh_coverage")
    assert (said.status, said.body["nodes"], said.body["complete"]) == (200, 2, 1)
    counts = said.body["counts"]
    assert counts["sinks"] == [
        {"kind": "workspace", "wanted": 2, "covered": 2},
        {"kind": "event-hub", "wanted": 1, "covered": 0},
    ]
    assert counts["exceptions"] == [{"reason": "NoSinkInRegion", "resources": 1}]
    assert counts["age_seconds"] == 3600


async def test_nodes_are_listed_with_their_counts_page_by_page() -> None:
    found = filled()
    first = await found.ask("list_coverage", query={"top": "1"})
    second = await found.ask("list_coverage", query={"top": "1", "continuation": first.body["continuation"]})
    groups = [said.body["items"][0]["group"] for said in (first, second)]
    assert (groups, second.body["continuation"]) == (["marketing", "sales"], "")
    assert second.body["items"][0]["counts"]["covered"] == 1


async def test_one_node_shows_each_resource_and_what_its_stream_says_it_costs() -> None:
    found = filled()
    day, node = found.mesh.clock.now().date().isoformat(), f"node/{SUBSCRIPTION}/sales"
    await found.app.volumes.add(
        [Volume(node=node, category="AuditEvent", day=day, bytes=2 * 10**9, records=10)]
    )
    said = await found.ask("node_coverage", path=SALES)
    assert [(r["id"], r["code"]) for r in said.body["resources"]] == [("/v1", ""), ("/v2", "NoSinkInRegion")]
    cost = said.body["cost"]
    assert (cost["days"], cost["gigabytes_a_day"], cost["currency"]) == (1, 2.0, "USD")
    assert cost["monthly"] > 100


async def test_the_policy_of_the_mesh_shows_what_it_saves() -> None:
    found = filled()
    mesh = msgspec.structs.replace(
        found.app.mesh, categories=(CategoryRule("archive", category="AuditEvent"),)
    )
    found.app = msgspec.structs.replace(found.app, mesh=mesh)
    day, node = found.mesh.clock.now().date().isoformat(), f"node/{SUBSCRIPTION}/sales"
    await found.app.volumes.add([Volume(node=node, category="AuditEvent", day=day, bytes=10**9, records=1)])
    cost = (await found.ask("node_coverage", path=SALES)).body["cost"]
    assert (cost["categories"][0]["treatment"], cost["saved"] > 60) == ("archive", True)


async def test_a_node_that_nobody_knows_is_not_found() -> None:
    said = await filled().ask("node_coverage", path={**SALES, "group": "nobody"})
    assert (said.status, said.body["code"]) == (404, "NodeNotFound")
