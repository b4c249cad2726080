"""Looks: what Meshplane says over HTTP, and what Azure says through the SDK. Ids are compared without case."""

import re
from datetime import datetime

from demo.azure import Peering, Setting
from demo.stack import hub_network, workspace
from demo.stage import Stage
from demo.watch import Look, Seen
from demo.world import Team

_ID = re.compile(r"/subscriptions/[^/]+/resourceGroups/([^/]+)/providers/[^/]+/[^/]+/", re.IGNORECASE)


def settled(stage: Stage, team: Team, state: str, reason: str) -> None:
    """Claims that a node came to this state after it was tagged, and keeps it as it is then."""
    stage.watch.claim(
        f"{team.group} is {state}",
        node_is(stage, team, state, reason),
        seconds=60,
        since=stage.tagged[team.group].monotonic,
    )
    stage.keep(team.group)


def attached(stage: Stage, team: Team) -> None:
    """Claims that Azure holds what makes a node of a group."""
    stage.watch.claim(f"Azure shows {team.group} peered with the hub", peered(stage, team))
    stage.watch.claim(f"Azure shows the diagnostic settings of {team.group}", reporting(stage, team))


def node_is(stage: Stage, team: Team, state: str, reason: str) -> Look:
    """Whether the API shows the node in this state, for this reason."""

    def look() -> Seen:
        node = stage.api.node(team.group)
        if node is None:
            return Seen(False, "the API knows no such node")
        ready = node.ready
        holds = (node.state, ready.reason) == (state, reason)
        said = [ready.reason, ready.message] if holds else [node.state, ready.reason, ready.message]
        return Seen(holds, short(", ".join(filter(None, said))))

    return look


def peered(stage: Stage, team: Team) -> Look:
    """Whether Azure shows both sides of the connection as they should be."""

    def look() -> Seen:
        here, there = sides(stage, team)
        said = [f"{p.state}/{p.sync_level}" for p in (*here, *there)]
        good = len(here) == len(there) == 1 and set(said) == {"Connected/FullyInSync"}
        return Seen(good, f"its side {_states(here)}, the hub's {_states(there)}")

    return look


def apart(stage: Stage, team: Team) -> Look:
    """Whether Azure shows no connection, on neither side."""

    def look() -> Seen:
        here, there = sides(stage, team)
        return Seen(not here and not there, f"its side {_states(here)}, the hub's {_states(there)}")

    return look


def reporting(stage: Stage, team: Team) -> Look:
    """Whether Azure shows a setting to the mesh's workspace on every resource of the group."""

    def look() -> Seen:
        resources = (team.network(stage.subscription), *team.resources(stage.subscription))
        count = sum(any(_ours(stage, s) for s in stage.azure.settings(r)) for r in resources)
        return Seen(
            count == len(resources), f"{count} of {len(resources)} resources send to the mesh's workspace"
        )

    return look


def silent(stage: Stage, team: Team) -> Look:
    """Whether Azure shows no setting to the mesh's workspace in the group."""

    def look() -> Seen:
        resources = (team.network(stage.subscription), *team.resources(stage.subscription))
        left = [r for r in resources if any(_ours(stage, s) for s in stage.azure.settings(r))]
        return Seen(not left, f"{len(left)} of {len(resources)} resources send to the mesh's workspace")

    return look


def sides(stage: Stage, team: Team) -> tuple[list[Peering], list[Peering]]:
    """The peerings between a group's network and the hub's: on its side, and on the hub's."""
    hub, network = hub_network(stage.subscription), team.network(stage.subscription)
    here = [p for p in stage.azure.peerings(network) if p.remote_network.lower() == hub.lower()]
    there = [p for p in stage.azure.peerings(hub) if p.remote_network.lower() == network.lower()]
    return here, there


def history_tells(stage: Stage, team: Team, since: datetime, resource: str) -> Look:
    """Whether the node's history tells of a write to what lies under this id since then: what, why and its cause."""

    def look() -> Seen:
        node = stage.api.node(team.group)
        told = [
            f"{change} (cause: {entry.cause})"
            for entry in (node.history if node else [])
            for change in entry.changes
            if entry.at > since and change.lower().startswith(f"put {resource.lower()}/")
        ]
        return Seen(bool(told), short(told[0]) if told else "no such change")

    return look


def short(text: str) -> str:
    """A text with resource ids cut to the group and the names in it."""
    return _ID.sub(r"\1/", text)


def _states(peerings: list[Peering]) -> str:
    return ", ".join(f"{p.state}/{p.sync_level}" for p in peerings) or "none"


def _ours(stage: Stage, setting: Setting) -> bool:
    return setting.workspace.lower() == workspace(stage.subscription).lower()
