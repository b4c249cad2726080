"""The mesh's roles hold every action that the product needs, and none that it does not.

The product does all that it does, once, as an identity that has these roles and nothing else. Nodes, hubs and sinks lie
in subscriptions of their own: what a role allows where it is assigned, no other role allows there.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from demo.rights import FOLDER
from tests.rights import story
from tests.rights.app import App
from tests.rights.census import ROLES, listed, refused, used
from tests.rights.landscape import AMPLE, SUBSCRIPTIONS, Land, settings
from tests.support.local_arm import running_arm
from tests.support.rights import OWNER

pytestmark = [pytest.mark.xdist_group("rights"), pytest.mark.timeout(300)]


@dataclass(frozen=True)
class Told:
    """What the local Azure's log says of the story. Names of actions are in lower case."""

    used: Mapping[str, set[str]]
    refused_before: set[str]
    refused: set[str]
    doubted: list[str]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    return asyncio.run(_tell(tmp_path_factory.mktemp("rights")))


async def _tell(folder: Path) -> Told:
    async with running_arm(folder, subscriptions=SUBSCRIPTIONS, owners=[OWNER], limits=AMPLE) as arm:
        land, app = Land(arm), App(arm, settings(folder))
        try:
            await story.prepare(land)
            await story.may_approve(arm, allowed=False)
            await story.onboard(app)
            await story.ask_owners(app)
            before = len(arm.manager.log.since(0))
            await story.may_approve(arm, allowed=True)
            await story.connect(app)
            await story.repair(land, app)
            doubted = await story.examine(app)
            await story.part(land, app)
            requests = arm.manager.log.since(0)
            return Told(used(requests), refused(requests[:before]), refused(requests[before:]), list(doubted))
        except AssertionError as error:
            error.add_note(f"refused until then: {sorted(refused(arm.manager.log.since(0)))}")
            raise
        finally:
            await app.close()


@pytest.mark.parametrize("role", ROLES)
def test_every_action_of_a_role_is_used_where_the_role_is_assigned(told: Told, role: str) -> None:
    assert listed()[role] - told.used[role] == set()


def test_nothing_is_missing(told: Told) -> None:
    """While endpoints might not approve themselves, that alone was refused."""
    assert told.refused == set()
    kinds = {operation.split("/")[-2].lower() for operation in told.refused_before}
    assert kinds == {"privateendpoints", "privateendpointconnections"}


def test_the_doctor_finds_no_right_missing(told: Told) -> None:
    assert told.doubted == []


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.json")), ids=lambda file: file.stem)
def test_a_role_lists_single_actions_in_order(file: Path) -> None:
    """A wildcard would allow what nobody tested."""
    role = json.loads(file.read_text())
    actions = role["actions"]
    assert actions == sorted(set(actions), key=str.lower)
    assert [
        a for a in actions if "*" in a or a.rpartition("/")[2] not in ("read", "write", "delete", "action")
    ] == []
    assert (role["notActions"], role["dataActions"], role["notDataActions"]) == ([], [], [])
    assert set(role) == {"name", "description", "actions", "notActions", "dataActions", "notDataActions"}
