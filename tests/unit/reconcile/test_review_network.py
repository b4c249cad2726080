"""What a review broke about networks, hubs and their writes, each with the test that it lacked."""

import re
from itertools import product

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.errors import Terminal, Waiting, error_for
from shared.domain.ids import NodeKey
from shared.domain.mesh import Mesh
from shared.domain.naming import hub_peering_name, spoke_peering_name
from shared.domain.network import Hub
from shared.domain.node import NodeRecord
from shared.ports import Group
from tests.support.mesh import (
    HUB_NETWORK,
    SUBSCRIPTION,
    TAGS,
    WORKSPACE,
    InMemoryMesh,
    network_of,
    vault_of,
)

KEY = NodeKey.of(SUBSCRIPTION, "sales")
HUB = Hub("hub", HUB_NETWORK, WORKSPACE)


async def settled(**more: float) -> InMemoryMesh:
    """A mesh with one node that is Ready."""
    mesh = InMemoryMesh(operation_seconds=more.get("operation_seconds", 0.0))
    mesh.create_node()
    await mesh.event(KEY.group_id)
    await mesh.until_quiet()
    assert (await mesh.record(KEY)).state == "Ready"
    mesh.arm.calls.clear()
    return mesh


def ready(record: NodeRecord) -> tuple[str, str]:
    return next((c.status, c.reason) for c in record.conditions if c.type == "Ready")


def writes(mesh: InMemoryMesh) -> list[str]:
    return [c for c in mesh.arm.calls if c.startswith(("put", "delete"))]


def sides(mesh: InMemoryMesh, network: str) -> list[str]:
    return [s.remote for s in mesh.cloud.networks[network.lower()].sides.values()]


# --- names and regions


@given(
    mesh=st.from_regex(r"[a-z][a-z0-9-]{1,23}", fullmatch=True),
    name=st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}[A-Za-z0-9_]", fullmatch=True),
)
def test_no_mesh_name_makes_a_peering_name_that_azure_refuses(mesh: str, name: str) -> None:
    network = f"{KEY.group_id}/providers/Microsoft.Network/virtualNetworks/{name}"
    for made in (hub_peering_name(mesh, KEY, network), spoke_peering_name(mesh, network)):
        assert len(made) <= 80
        assert re.fullmatch(r"[A-Za-z0-9][\w.-]*\w", made)


def test_the_names_that_the_default_mesh_makes_stay_as_they_are() -> None:
    network = f"{KEY.group_id}/providers/Microsoft.Network/virtualNetworks/{'n' * 64}"
    assert hub_peering_name("meshplane", KEY, network) == f"meshplane-6f2ac4e434-{'n' * 40}-fb56016fae"
    assert spoke_peering_name("meshplane", network) == f"meshplane-to-{'n' * 40}-fb56016fae"


@pytest.mark.parametrize("region", ["westeurope", "West Europe", "WESTEUROPE"])
def test_a_hub_serves_its_region_under_each_of_its_names(region: str) -> None:
    hub = msgspec.structs.replace(HUB, region=region)
    mesh = Mesh("meshplane", (hub,), (SUBSCRIPTION,))
    assert (mesh.hub_for("", "westeurope"), mesh.hub_for("", "West Europe")) == (hub, hub)
    assert mesh.hub_for("", "northeurope") is None


# --- what Azure refuses


async def test_throttling_stops_a_run_and_the_rest_is_written_later() -> None:
    mesh = InMemoryMesh()
    mesh.cloud.create_group(KEY, TAGS)
    for i in range(100):
        mesh.cloud.create_resource(vault_of(KEY, str(i)))
    mesh.arm.inject("put_diagnostic_setting", Waiting("TooManyRequests", "slow down", retry_after=17))
    await mesh.event(KEY.group_id)
    await mesh.step()
    record = await mesh.record(KEY)
    assert mesh.arm.calls.count("put_diagnostic_setting") <= 8
    assert ready(record) == ("False", "TooManyRequests")
    assert (record.next_due - mesh.clock.now()).total_seconds() >= 17  # type: ignore[operator]
    await mesh.until_quiet()
    assert (await mesh.record(KEY)).state == "Ready"
    assert len([s for s in mesh.cloud.settings.values() if s]) == 100


@pytest.mark.parametrize(
    "code", ["InvalidResourceType", "InvalidResourceNamespace", "NoRegisteredProviderFound"]
)
def test_a_404_that_speaks_of_the_request_does_not_say_that_something_is_gone(code: str) -> None:
    assert isinstance(error_for(404, code, "no"), Terminal)


@pytest.mark.parametrize(
    "code", ["ReadOnlyDisabledSubscription", "SubscriptionNotRegistered", "MissingSubscriptionRegistration"]
)
def test_a_409_that_only_a_person_can_mend_is_not_retried(code: str) -> None:
    assert isinstance(error_for(409, code, "no"), Terminal)


@pytest.mark.parametrize(
    ("call", "code"),
    [
        *product(("get_group", "list_networks", "list_resources"), ("InvalidResourceType", "NotFound", "")),
        ("list_networks", "ResourceGroupNotFound"),
        ("list_resources", "ResourceGroupNotFound"),
    ],
)
async def test_one_odd_404_takes_nothing_down(call: str, code: str) -> None:
    mesh = await settled()
    mesh.arm.inject(call, error_for(404, code, "no"))
    await mesh.event(KEY.group_id)
    await mesh.until_quiet()
    assert writes(mesh) == []
    assert sides(mesh, HUB_NETWORK) == [network_of(KEY)]
    assert (await mesh.record(KEY)).state == ("NotReady" if code == "InvalidResourceType" else "Ready")


async def test_a_group_that_vanishes_between_two_reads_is_gone() -> None:
    mesh = await settled()
    real = mesh.arm.get_group

    async def gone_afterwards(key: NodeKey) -> Group:
        group = await real(key)
        mesh.cloud.delete_group(key)
        return group

    mesh.arm.get_group = gone_afterwards  # type: ignore[method-assign]
    await mesh.event(KEY.group_id)
    await mesh.until_quiet()
    assert (await mesh.record(KEY)).state == "Offboarded"
    assert sides(mesh, HUB_NETWORK) == []
