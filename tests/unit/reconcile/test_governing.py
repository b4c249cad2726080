"""Policies in a node's reconcile: what it shows, what keeps it from being Ready, and that nothing is ever written."""

import asyncio
from dataclasses import dataclass

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.conditions import Condition
from shared.domain.errors import Denied, Waiting
from shared.domain.governance import (
    AllowedNetworkOptions,
    AllowedRegions,
    AllowedResourceTypes,
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


# --- what cannot be known, and what is never done


async def test_access_that_may_not_be_read_is_unknown_and_read_again_at_each_look() -> None:
    mesh = InMemoryMesh()
    mesh.policies = policies(PublicNetworkAccess(), "enforce")
    mesh.arm.inject("list_access", Denied("AuthorizationFailed", "no right"), times=100)
    found = World(mesh, mesh.create_node())
    await found.looked()
    shown, record = await found.governed(), await mesh.record(found.key)
    assert shown is not None
    assert (shown.status, shown.reason) == ("Unknown", "PolicyUnknown")
    assert "AuthorizationFailed" in shown.message
    assert record.state == "Ready"
    mesh.arm.calm_down()
    await found.looked()
    shown = await found.governed()
    assert shown is not None
    assert shown.reason == "PolicyViolated"


async def test_access_that_could_not_be_read_just_now_stays_as_it_was_and_is_read_again() -> None:
    found = await world(policies(PublicNetworkAccess(), "enforce"))
    vault = (await found.mesh.record(found.key)).exposures[0].id
    found.mesh.arm.inject("list_access", Waiting("TooManyRequests", "later"))
    await found.mesh.event(vault)
    await found.mesh.until_quiet()
    assert (await found.mesh.record(found.key)).state == "NotReady"
    before = found.mesh.arm.calls.count("list_access")
    await found.looked()
    assert found.mesh.arm.calls.count("list_access") == before + 1


async def test_access_is_read_again_once_a_day() -> None:
    found = await world(policies(PublicNetworkAccess()))
    await found.mesh.resync_all()
    assert found.mesh.arm.calls.count("list_access") == 2


async def test_what_leaves_the_mesh_is_judged_no_more() -> None:
    found = await world(policies(AllowedRegions(("northeurope",)), "enforce"))
    found.mesh.cloud.tag(found.key, {})
    await found.looked()
    record = await found.mesh.record(found.key)
    assert (record.state, record.standings, record.exposures) == ("Offboarded", (), ())


async def test_a_dry_run_reads_and_judges_and_records_nothing() -> None:
    found = await world(policies(PublicNetworkAccess()))
    before = await found.mesh.record(found.key)
    decision = await found.mesh.engine.plan(found.key)
    assert decision.plan.empty
    assert await found.mesh.record(found.key) == before


async def test_a_sweep_over_a_node_that_violates_everything_writes_nothing() -> None:
    found = await world(EVERYTHING)
    writes = [call for call in found.mesh.arm.calls if call.startswith(("put_", "delete_"))]
    await found.mesh.resync_all()
    after = [call for call in found.mesh.arm.calls if call.startswith(("put_", "delete_"))]
    assert after == writes


_REQUIREMENTS: tuple[Requirement, ...] = (
    AllowedRegions(("nowhere",)),
    RequiredTags({"absent": ("*",)}),
    PublicNetworkAccess(),
    TelemetryCoverage({"storage": 100.0}),
    AllowedNetworkOptions(("none",)),
    AllowedResourceTypes(("none/*",)),
)
EVERYTHING = Policies(
    tuple(
        Policy(name=f"p{number}", title="T", require=require, mode="enforce")
        for number, require in enumerate(_REQUIREMENTS)
    )
)


@settings(max_examples=30, deadline=None)
@given(
    kept=st.sets(st.integers(0, 5)),
    mode=st.sampled_from(["audit", "enforce"]),
    network=st.sampled_from(["hub", "none", "endpoints", "wrong"]),
)
def test_policies_never_change_what_is_written(kept: set[int], mode: Mode, network: str) -> None:
    """The same node, with policies and without: the same writes in the same order; in audit the same state too."""

    async def lived(of: Policies) -> tuple[list[str], str]:
        found = await world(of, {**TAGS, "mesh-network": network})
        await found.mesh.resync_all()
        record = await found.mesh.record(found.key)
        calls = [call for call in found.mesh.arm.calls if call.startswith(("put_", "delete_"))]
        return calls, record.state

    some = tuple(
        msgspec.structs.replace(one, mode=mode) for n, one in enumerate(EVERYTHING.items) if n in kept
    )
    plain, governed = asyncio.run(lived(Policies())), asyncio.run(lived(Policies(some)))
    assert governed[0] == plain[0]
    if mode == "audit":
        assert governed[1] == plain[1]
