"""What people see when a role is missing, and that assigning it is all there is to do."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from demo.rights import APP
from local.arm.access.roles import READER
from shared.domain.conditions import Condition
from shared.domain.errors import Denied
from tests.rights.app import App
from tests.rights.landscape import AMPLE, HUBS, SINKS, SUBSCRIPTIONS, Land, group, network, settings, subnet
from tests.rights.story import EVERYWHERE
from tests.support.local_arm import running_arm
from tests.support.rights import OWNER, PRODUCT, grant

HUB = group("east", HUBS)


class Scene:
    """One node of the option hub, whose app lacks some role."""

    def __init__(self, land: Land, app: App) -> None:
        self.land, self.app = land, app

    async def start(self, *roles: str) -> None:
        land = self.land
        await land.hubs()
        await grant(land.arm, {role: where for role, where in EVERYWHERE.items() if role in roles})
        await land.group(group("sales"), mesh_node="sales")
        await land.network(network("sales"), "10.2.0.0/24", subnet("workload", "10.2.0.0/26"))
        await self.app.look()

    async def conditions(self) -> list[Condition]:
        return [c for c in (await self.app.node("sales")).conditions if c.status == "False"]

    async def healed(self) -> bool:
        await self.app.look()
        return (await self.app.node("sales")).state == "Ready"


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with running_arm(tmp_path, subscriptions=SUBSCRIPTIONS, owners=[OWNER], limits=AMPLE) as arm:
        app = App(arm, settings(tmp_path))
        yield Scene(Land(arm), app)
        await app.close()


async def test_without_the_hub_role_a_node_names_action_and_scope_and_heals_once_it_is_assigned(
    scene: Scene,
) -> None:
    await scene.start("node", "operations", "sink")
    said = " ".join(f"{c.reason} {c.message}" for c in await scene.conditions())
    assert "Microsoft.Network/virtualNetworks/read" in said
    assert HUB.lower() in said.lower()
    await grant(scene.land.arm, {"hub": EVERYWHERE["hub"]})
    assert await scene.healed()


async def test_rights_on_the_hub_that_stop_at_reading_are_named_before_anything_is_written(
    scene: Scene,
) -> None:
    await scene.start("node", "operations", "sink")
    await reader(scene.land)
    await scene.app.look()
    [missing] = [c for c in await scene.conditions() if c.reason == "RightsMissing" and c.type != "Ready"]
    for action in ("virtualNetworkPeerings/write", "peer/action"):
        assert f"Microsoft.Network/virtualNetworks/{action}" in missing.message
    assert HUB.lower() in missing.message.lower()
    tried = [r.operation for r in scene.land.arm.manager.log.since(0) if r.principal == PRODUCT]
    assert not [operation for operation in tried if "peering" in operation.lower()]


async def test_without_the_sink_role_a_node_says_which_key_it_may_not_have_given_out(scene: Scene) -> None:
    await scene.start("node", "operations", "hub")
    said = " ".join(c.message for c in await scene.conditions())
    assert "Microsoft.OperationalInsights/workspaces/sharedKeys/action" in said
    assert group("sinks", SINKS).lower() in said.lower()
    await grant(scene.land.arm, {"sink": EVERYWHERE["sink"]})
    assert await scene.healed()


async def test_without_the_node_role_the_timer_fails_and_says_why(scene: Scene) -> None:
    """The product may not even list the subscription's groups: nothing is swallowed."""
    await scene.land.hubs()
    with pytest.raises(Denied) as refused:
        await scene.app.parts.resync.discover()
    assert "Microsoft.Resources/subscriptions/resourceGroups/read" in refused.value.message


async def reader(land: Land) -> None:
    """The built-in Reader in the hub's group."""
    scope = group("east", HUBS)
    await land.put(
        f"{scope}/providers/Microsoft.Authorization/roleAssignments/11111111-2222-4333-8444-555555555555",
        {
            "properties": {
                "roleDefinitionId": f"/subscriptions/{HUBS}/providers/Microsoft.Authorization/roleDefinitions/{READER}",
                "principalId": APP,
            }
        },
        "2022-04-01",
    )
