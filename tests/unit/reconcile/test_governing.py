"""Policies in a node's reconcile: what it shows, what keeps it from being Ready, and that nothing is ever written."""

from dataclasses import dataclass

from shared.domain.conditions import Condition
from shared.domain.governance import (
    AllowedRegions,
    Mode,
    Policies,
    Policy,
    PublicNetworkAccess,
    RequiredTags,
    Requirement,
    TelemetryCoverage,
)
from shared.domain.ids import NodeKey, normal_id
from tests.support.mesh import TAGS, InMemoryMesh


def policies(require: Requirement, mode: Mode = "audit", name: str = "p") -> Policies:
    return Policies((Policy(name=name, title="A title", require=require, mode=mode, remedy="Mend it."),))


@dataclass
class World:
    mesh: InMemoryMesh
    key: NodeKey

    async def looked(self) -> None:
        await self.mesh.event(self.key.group_id)
        await self.mesh.until_quiet()

    async def governed(self) -> Condition | None:
        record = await self.mesh.record(self.key)
        return next((c for c in record.conditions if c.type == "Governed"), None)


async def world(of: Policies, tags: dict[str, str] | None = None) -> World:
    mesh = InMemoryMesh()
    mesh.policies = of
    found = World(mesh, mesh.create_node(tags=tags))
    await found.looked()
    return found


async def test_a_node_without_policies_shows_nothing_of_them() -> None:
    found = await world(Policies())
    assert await found.governed() is None
    assert (await found.mesh.record(found.key)).standings == ()


async def test_what_an_audit_policy_finds_is_a_warning_and_the_node_is_ready() -> None:
    found = await world(policies(AllowedRegions(("northeurope",))))
    shown, record = await found.governed(), await found.mesh.record(found.key)
    assert shown is not None
    assert (shown.status, shown.reason, shown.severity) == ("False", "PolicyViolated", "warning")
    assert "Policy p: A title: the group lies in westeurope." in shown.message
    assert "Mend it." in shown.message
    assert record.state == "Ready"


async def test_an_enforced_policy_keeps_the_node_from_being_ready_until_it_complies() -> None:
    found = await world(policies(RequiredTags({"cost-center": ("CC-*",)}), "enforce"))
    record = await found.mesh.record(found.key)
    ready = record.conditions[0]
    assert (record.state, ready.type, ready.status, ready.reason) == (
        "NotReady",
        "Ready",
        "False",
        "PolicyViolated",
    )
    found.mesh.cloud.tag(found.key, {**TAGS, "Cost-Center": "cc-7"})
    await found.looked()
    shown = await found.governed()
    assert (await found.mesh.record(found.key)).state == "Ready"
    assert shown is not None
    assert (shown.status, shown.reason) == ("True", "AsWanted")


async def test_coverage_is_judged_once_all_settings_are_written() -> None:
    found = await world(policies(TelemetryCoverage({"workspace": 100.0}), "enforce"))
    assert (await found.mesh.record(found.key)).state == "Ready"


async def test_access_is_read_with_one_request_for_each_type_and_then_remembered() -> None:
    found = await world(policies(PublicNetworkAccess()))
    shown = await found.governed()
    assert shown is not None
    assert (shown.status, shown.reason) == ("False", "PolicyViolated")
    record = await found.mesh.record(found.key)
    assert [e.access for e in record.exposures] == ["public", "public"]
    assert record.standings[0].findings == 2
    assert found.mesh.arm.calls.count("list_access") == 1
    for resource in record.exposures:
        found.mesh.cloud.access[normal_id(resource.id)] = "closed"
    await found.looked()
    assert found.mesh.arm.calls.count("list_access") == 1
    await found.mesh.event(record.exposures[0].id)
    await found.mesh.until_quiet()
    assert found.mesh.arm.calls.count("list_access") == 2
    shown = await found.governed()
    assert shown is not None
    assert shown.status == "True"
