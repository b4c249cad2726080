"""Governance over HTTP."""

from datetime import timedelta

from msgspec.structs import replace

from shared.domain.governance import AllowedRegions, Policies, Policy, Standing, Verdict
from shared.domain.ids import NodeKey
from tests.support.mesh import SUBSCRIPTION
from tests.unit.functions.api import Api, api

EU = Policy(name="eu", title="In the EU", require=AllowedRegions(("westeurope",)), source="mesh/eu.yaml:1")


def standing(verdict: Verdict, policy: str = "eu") -> Standing:
    return Standing(policy=policy, verdict=verdict, mode="audit", message=f"{policy} {verdict}", findings=1)


def filled(found: Api | None = None) -> Api:
    """Sales violates one policy and complies with another; marketing complies with the one."""
    found = found or api()
    found.mesh.policies = Policies((EU,), ("mesh/bad.yaml:3: mode: 'audt' is not one of audit, enforce",))
    stood = {"sales": ("Retail", ("violating", "compliant")), "marketing": ("retail", ("compliant",))}
    for group, (domain, verdicts) in stood.items():
        key = NodeKey.of(SUBSCRIPTION, group)
        standings = tuple(
            standing(verdict, policy)  # type: ignore[arg-type]
            for verdict, policy in zip(verdicts, ("eu", "tags"), strict=False)
        )
        record = found.mesh.nodes.records[key]
        found.mesh.nodes.records[key] = replace(record, domain=domain, standings=standings)
    return found


def counts(compliant: int = 0, violating: int = 0) -> dict[str, int]:
    found = {"compliant": compliant, "violating": violating, "exempt": 0, "unknown": 0}
    return {"evaluated": compliant + violating, **found}


async def test_the_report_counts_nodes_by_domain_and_policy_and_tells_what_cannot_be_used() -> None:
    said = (await filled().ask("governance")).body
    assert (said["nodes"], said["unjudged"], len(said["faults"])) == (2, 0, 1)
    assert [(p["name"], p["kind"], p["mode"]) for p in said["policies"]] == [
        ("eu", "allowed-regions", "audit")
    ]
    [domain] = said["domains"]
    assert (domain["domain"].lower(), domain["nodes"]) == ("retail", 2)
    assert [(p["policy"], p["counts"]) for p in domain["policies"]] == [
        ("eu", counts(1, 1)),
        ("tags", counts(1)),
    ]


async def test_the_trend_has_a_point_for_each_day_and_now() -> None:
    found = filled()
    clock = found.mesh.clock
    for _ in range(3):
        assert await found.app.governance.record()
        assert await found.app.governance.record() is None
        clock.advance(timedelta(days=1).total_seconds())
    filled(found)
    key = NodeKey.of(SUBSCRIPTION, "sales")
    found.mesh.nodes.records[key] = replace(found.mesh.nodes.records[key], standings=(standing("compliant"),))
    said = (await found.ask("governance", query={"policy": "eu", "days": "3"})).body
    trend = said["domains"][0]["policies"][0]["trend"]
    today = clock.now().date()
    assert [(p["day"], p["counts"]["violating"]) for p in trend] == [
        ((today - timedelta(days=2)).isoformat(), 1),
        ((today - timedelta(days=1)).isoformat(), 1),
        (today.isoformat(), 0),
    ]
    assert said["totals"][0]["trend"] == trend


async def test_findings_are_listed_by_verdict_policy_domain_and_node() -> None:
    found = filled()

    async def groups(**query: str) -> list[str]:
        said = await found.ask("list_governance_findings", query=query)
        return [item["group"] for item in said.body["items"]]

    assert await groups() == ["sales"]
    assert await groups(policy="tags") == []
    assert await groups(domain="RETAIL", policy="eu") == ["sales"]
    assert await groups(domain="finance") == []
    assert await groups(node=f"{SUBSCRIPTION}/sales") == ["sales"]
    assert await groups(node=f"{SUBSCRIPTION}/marketing") == []
    assert await groups(verdict="exempt") == []


async def test_a_node_shows_how_it_stands_towards_each_policy() -> None:
    said = await filled().ask("get_node", path={"subscription": SUBSCRIPTION, "group": "sales"})
    assert [(s["policy"], s["verdict"]) for s in said.body["governance"]] == [
        ("eu", "violating"),
        ("tags", "compliant"),
    ]
