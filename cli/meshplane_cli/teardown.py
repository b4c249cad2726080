"""What is left of a mesh that lets go of everything (`MESH_TEARDOWN`), and waiting until nothing is."""

import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Annotated

import typer

from meshplane_cli.client import Client, Json, segment
from meshplane_cli.errors import EndedBadly, Refused, Unreachable
from meshplane_cli.options import Interval
from meshplane_cli.render import Column, Screen
from meshplane_cli.session import Session, command

LEAVING = "Leaving"
"""What the app's doctor calls it that the setting is there."""

# In the order in which something passes through them, so that nothing slips through between two lists.
NODE_STATES = ("Pending", "Ready", "NotReady", "Offboarding")
EDGE_STATES = (
    "Requested",
    "PendingApproval",
    "Approved",
    "Provisioning",
    "Active",
    "Expiring",
    "Failed",
    "Revoking",
)
_AT_REST = ("Ready", "NotReady")
_MOST_EXPLAINED = 20

_LEFT = (
    Column("KIND", "kind"),
    Column("NAME", "name"),
    Column("STATE", "state"),
    Column("REASON", "reason"),
    Column("WHY", "why"),
)

Watching = Annotated[bool, typer.Option("--watch", help="Wait until nothing is left.")]
Patience = Annotated[float, typer.Option("--timeout", min=0, help="Seconds until it is given up.")]


def declare(app: typer.Typer) -> None:
    """Adds the command."""

    @command(app, "teardown")
    def teardown(
        session: Session, watch: Watching = False, interval: Interval = 10.0, timeout: Patience = 3600.0
    ) -> None:
        """Shows what is left of a mesh whose app has MESH_TEARDOWN=true, and has every hub looked at soon.

        Exit code 0 where nothing is left, so that the mesh can be removed; 4 where something is: it is named, with
        its reason. 1 where the app does not let go of anything: the setting is not there. Needs Mesh.Operator.
        """
        client, screen = session.client, session.screen
        _require_leaving(client)
        looked = _ask_hubs(client)
        left = _watched(client, screen, looked, interval=interval, patience=timeout if watch else 0)
        explained = [*_explained(client, left[:_MOST_EXPLAINED]), *left[_MOST_EXPLAINED:]]
        screen.items(explained, _LEFT, "Nothing is left: the mesh can be removed.")
        if left:
            what = f"Of the mesh there is still left: {_counted(left)}."
            do = (
                "Do what the reasons say, if they do; what needs nothing but time is waited for with --watch."
            )
            raise EndedBadly(what, to=session.url, do=do)


def _require_leaving(client: Client) -> None:
    """Raises Refused where the app would go on with the mesh, or make anew what is gone."""
    findings = client.get("doctor").body.get("findings", [])
    if not any(each.get("code") == LEAVING for each in findings):
        what = "The app does not let go of its mesh: it has no MESH_TEARDOWN=true, or has not started anew with it."
        do = "Set that (docs/deploy.md, Removing), wait until the app runs again, then repeat this."
        raise Refused(what, to="GET doctor", do=do)


def _ask_hubs(client: Client) -> dict[str, object]:
    """Each hub by its last run so far: one that comes later is of an app that lets go. Raises as the client does."""
    looked = {}
    for hub in [str(each["id"]) for each in client.whole("hubs")]:
        looked[hub] = _run_of(client.get(f"hubs/{segment(hub)}").body)
        client.post(f"hubs/{segment(hub)}/reconcile")
    return looked


def _watched(
    client: Client, screen: Screen, looked: Mapping[str, object], *, interval: float, patience: float
) -> list[Json]:
    """What is left in the end; each change of it is said. The first look has to succeed."""
    end = time.monotonic() + patience
    left, said = _left(client, looked), ""
    while True:
        now = _counted(left)
        if left and patience and now != said:
            said = now
            screen.say(f"Left: {said}.")
        if not left or time.monotonic() + interval > end:
            return left
        client.pause(interval)
        try:
            left = _left(client, looked)
        except Unreachable as error:
            screen.say(f"{error.what} Looking again.")
            client.pause(error.retry_after)


def _left(client: Client, looked: Mapping[str, object]) -> list[Json]:
    return [*_nodes(client), *_edges(client), *_hubs(client, looked), *_allocations(client)]


def _nodes(client: Client) -> Iterator[Json]:
    for state in NODE_STATES:
        for node in client.items("nodes", {"state": state}, 0):
            name = f"{node.get('subscription')}/{node.get('group')}"
            yield _item("node", name, state, node.get("reason"))


def _edges(client: Client) -> Iterator[Json]:
    for state in EDGE_STATES:
        for edge in client.items("edges", {"state": state}, 0):
            yield _item("edge", edge.get("id"), state, edge.get("reason"))


def _hubs(client: Client, looked: Mapping[str, object]) -> Iterator[Json]:
    """Hubs with pairs, and those that the app has not looked at since it was asked, or could not."""
    for hub, before in looked.items():
        found = client.get(f"hubs/{segment(hub)}").body
        run = _run_of(found)
        outcome = (found.get("last_run") or {}).get("outcome")
        if found.get("pairs"):
            yield _item("hub", hub, found.get("state"), "Paired")
        elif run in (None, before):
            yield _item("hub", hub, found.get("state"), "NotLookedAt")
        elif outcome not in _AT_REST:
            yield _item("hub", hub, found.get("state"), outcome)


def _allocations(client: Client) -> Iterator[Json]:
    for pool in client.whole("addresses"):
        for each in client.items("addresses/allocations", {"pool": pool.get("pool")}, 0):
            why = f"{each.get('network')} has not been read as gone."
            yield _item("allocation", each.get("prefix"), "Allocated", each.get("node"), why)


def _item(kind: str, name: object, state: object, reason: object, why: str = "") -> Json:
    return {"kind": kind, "name": name, "state": state, "reason": reason, "why": why}


def _run_of(hub: Json) -> object:
    return (hub.get("last_run") or {}).get("run")


def _explained(client: Client, left: Sequence[Json]) -> Iterator[Json]:
    """With what their conditions say; one that is gone meanwhile is told as it was."""
    for item in left:
        try:
            yield item | {"why": item["why"] or _why(client, item)}
        except Refused:
            yield item


def _why(client: Client, item: Json) -> str:
    path = "/".join(segment(part) for part in str(item["name"]).split("/"))
    found = client.get(f"{item['kind']}s/{path}").body
    unmet = [each for each in found.get("conditions", []) if each.get("status") != "True"]
    return str(next(islice((each.get("message") for each in unmet), 1), ""))


def _counted(left: Sequence[Json]) -> str:
    """`2 nodes, 1 edge`."""
    numbers: dict[str, int] = {}
    for item in left:
        numbers[item["kind"]] = numbers.get(item["kind"], 0) + 1
    return ", ".join(f"{number} {kind}{'s' * (number > 1)}" for kind, number in numbers.items())
