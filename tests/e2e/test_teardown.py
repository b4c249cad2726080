"""A whole mesh lets go of everything: what `meshplane teardown` waits for is that Azure holds nothing of ours."""

import json
from collections.abc import Iterator, Mapping
from typing import cast

import pytest

from demo.stack import POOLS, REGION, ZONES, MeshStack, StackOptions, hub_network, workspace, zone_id
from local.arm.resource_manager import DEFAULT_SUBSCRIPTION as SUBSCRIPTION
from local.caller import Json
from tests.e2e.azure import GROUPS, NETWORKS, wait_for
from tests.e2e.shell import PATIENCE, meshplane

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("teardown"), pytest.mark.timeout(600)]

READER, SHOP = "reader", "shop"
LAKE = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{SHOP}/providers/Microsoft.Storage/storageAccounts/lake"
SECOND = hub_network(SUBSCRIPTION).removesuffix("/hub") + "/second"
TAGS = {READER: {"mesh-node": READER}, SHOP: {"mesh-node": SHOP, "team": "of the shop"}}


def hubs() -> str:
    """Two that are peers; nodes are attached to the first, which has zones and a pool."""
    first = {"id": "hub", "network": hub_network(SUBSCRIPTION), "peers": ["second"], "pools": POOLS}
    first |= {"zones": [zone_id(SUBSCRIPTION, zone) for zone in ZONES], "region": REGION}
    second = {"id": "second", "network": SECOND, "region": "northeurope"}
    return json.dumps([each | {"workspace": workspace(SUBSCRIPTION)} for each in (first, second)])


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MeshStack]:
    """A mesh of its own, for nothing is left of it afterwards."""
    settings = {"MESH_HUBS": hubs(), "MESH_EVENT_DELAY_SECONDS": "0.5"}
    settings |= dict.fromkeys(("MESH_RESYNC_SCHEDULE", "MESH_DISCOVERY_SCHEDULE"), "*/5 * * * * *")
    folder = tmp_path_factory.mktemp("teardown")
    options = StackOptions(folder=folder, logs=False, zones=ZONES, settings=settings)
    with MeshStack(options) as running:
        running.create_hub()
        put(running, SECOND, NETWORKS, {"addressSpace": {"addressPrefixes": ["10.9.0.0/16"]}}, "northeurope")
        yield running


def put(
    stack: MeshStack,
    path: str,
    version: str,
    properties: Mapping[str, object],
    region: str = REGION,
    **more: object,
) -> None:
    body = {"location": region, "properties": properties, **more}
    stack.azure.caller().complete("PUT", f"{path}?api-version={version}", body)


def group(name: str) -> str:
    return f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{name}"


def everything(stack: MeshStack) -> dict[str, str]:
    """What Azure holds, by id; roles and events are not the mesh's own making."""
    state = stack.azure.control("GET", "/state")
    resources = {str(each["id"]): json.dumps(each) for each in cast(list[Json], state["resources"])}
    settings = cast(dict[str, Json], state["diagnosticSettings"])
    resources |= {f"{of}/{name}": "" for of, named in settings.items() for name in named}
    return {name: text for name, text in resources.items() if "Microsoft.EventGrid" not in name}


def ours(stack: MeshStack) -> set[str]:
    """What carries the mesh's name, and what tells of it."""
    return {name for name, text in everything(stack).items() if "meshplane" in f"{name} {text}".lower()}


def test_a_mesh_that_is_taken_down_leaves_tags_and_nothing_else(stack: MeshStack) -> None:
    """Peerings with the hub and between hubs, a network out of a pool, settings, links, and an edge's endpoint."""
    app = stack.app
    for name, tags in TAGS.items():
        stack.azure.caller().complete(
            "PUT", f"{group(name)}?api-version={GROUPS}", {"location": REGION, "tags": tags}
        )
    space = {"addressSpace": {"addressPrefixes": ["10.1.0.0/24"]}}
    put(stack, f"{group(SHOP)}/providers/Microsoft.Network/virtualNetworks/net", NETWORKS, space)
    put(stack, LAKE, "2023-05-01", {}, kind="StorageV2", sku={"name": "Standard_LRS"})
    before = set(everything(stack)) - ours(stack)

    meshplane(app, "teardown", codes=(1,))
    for name in TAGS:
        meshplane(app, "nodes", "watch", f"{SUBSCRIPTION}/{name}", "--timeout", str(PATIENCE))
    way = (f"{SUBSCRIPTION}/{READER}", f"{SUBSCRIPTION}/{SHOP}", "-i", "storage", "-t", LAKE, "-p", "a test")
    asked = meshplane(app, "edges", "request", *way, "--exposure", "private-endpoint")["id"]
    meshplane(app, "edges", "approve", asked, "--reason", "it is a test")
    assert meshplane(app, "edges", "watch", asked, "--timeout", str(PATIENCE))["addresses"]
    wait_for("the hubs are peers", lambda: meshplane(app, "hubs", "show", "hub")["pairs"])
    kinds = ("/virtualNetworkPeerings/meshplane.hub-", "/privateEndpoints/", "/virtualNetworkLinks/", "-vnet")
    assert [kind for kind in kinds if not any(kind.lower() in name.lower() for name in ours(stack))] == []

    app.restart({"MESH_TEARDOWN": "true"})
    meshplane(app, "teardown", "--watch", "--interval", "0.5", "--timeout", str(PATIENCE))

    assert ours(stack) == set()
    assert before <= set(everything(stack))
    for name, tags in TAGS.items():
        found = stack.azure.caller().request("GET", f"{group(name)}?api-version={GROUPS}").body
        assert found["tags"] == tags
    assert {node["state"] for node in meshplane(app, "nodes", "list")} == {"Offboarded"}
    assert meshplane(app, "edges", "show", asked)["state"] == "Revoked"
    assert meshplane(app, "addresses", "allocations", POOLS[0]) == []
