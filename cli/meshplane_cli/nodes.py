"""Nodes: what the mesh knows of tagged resource groups."""

from typing import Annotated, Literal

import typer

from meshplane_cli.client import Json
from meshplane_cli.history import with_history
from meshplane_cli.options import History, Interval, Limit, Node, Patience, node_path
from meshplane_cli.parts import CONDITIONS, PEERINGS, show_history, show_plan
from meshplane_cli.render import Column, Screen
from meshplane_cli.session import Session, command
from meshplane_cli.watching import Watch, watch

app = typer.Typer(name="nodes", help="Nodes: tagged resource groups.", no_args_is_help=True)

State = Literal["Pending", "Ready", "NotReady", "Offboarding", "Offboarded"]

_LIST = (
    Column("NODE", lambda node: f"{node.get('subscription')}/{node.get('group')}"),
    Column("STATE", "state"),
    Column("REASON", "reason"),
    Column("PRODUCT", "product"),
    Column("DOMAIN", "domain"),
    Column("NETWORK", "network"),
    Column("ENVIRONMENT", "environment"),
    Column("READY SINCE", "ready_at"),
    Column("NEXT LOOK", "next_due"),
)
_STANDINGS = (
    Column("POLICY", "policy"),
    Column("VERDICT", "verdict"),
    Column("SEVERITY", "severity"),
    Column("MESSAGE", "message"),
)


@command(app, "list")
def list_nodes(
    session: Session,
    state: Annotated[State | None, typer.Option("--state", help="Only nodes in this state.")] = None,
    limit: Limit = 0,
) -> None:
    """Nodes in the order of their names."""
    found = list(session.client.items("nodes", {"state": state}, limit))
    session.screen.items(found, _LIST, "The mesh has no such nodes: tag a resource group with mesh-node.")


@command(app, "show")
def show_node(session: Session, node: Node, history: History = False) -> None:
    """One node: conditions, peerings, its last plan and history."""
    found = with_history(session.client, node_path(node), whole=history)
    session.screen.one(found, lambda told: _show(session.screen, told))


@command(app, "reconcile")
def reconcile(session: Session, node: Node) -> None:
    """Has a group and everything in it looked at again, soon."""
    found = session.client.post(f"{node_path(node)}/reconcile").body
    session.screen.one(found, lambda told: session.screen.line(f"{told.get('key')} will be looked at."))


@command(app, "move")
def move(
    session: Session,
    node: Node,
    hub: Annotated[str, typer.Argument(help="The hub's id.", show_default=False)],
) -> None:
    """Moves a node to another hub, which it is connected to before it leaves the old one."""
    found = session.client.post(f"{node_path(node)}/move", {"hub": hub}).body
    session.screen.one(found, lambda told: session.screen.line(f"{told.get('key')} moves to {hub}."))


@command(app, "watch")
def watch_node(
    session: Session,
    node: Node,
    until: Annotated[State, typer.Option("--until", help="The state to wait for.")] = "Ready",
    interval: Interval = 2.0,
    timeout: Patience = 600.0,
) -> None:
    """Waits until a node is Ready, or in another state; 4 where it left the mesh instead, 5 where it takes too long."""
    bad = {"Offboarded"} - {until}
    do = "Tag the group with mesh-node again."
    watched = Watch(node_path(node), node, (until,), bad, _why, do)
    found = watch(session.client, session.screen, watched, interval=interval, patience=timeout)
    session.screen.one(found, lambda told: _show(session.screen, told))


def _why(node: Json) -> str:
    return next((c.get("reason", "") for c in node.get("conditions", []) if c.get("type") == "Ready"), "")


def _show(screen: Screen, node: Json) -> None:
    coverage = node.get("coverage", {})
    screen.facts(
        [
            ("Node", f"{node.get('subscription')}/{node.get('group')}"),
            ("State", node.get("state")),
            ("Product", node.get("product")),
            ("Domain", node.get("domain")),
            ("Environment", node.get("environment")),
            ("Owner", node.get("owner")),
            ("Location", node.get("location")),
            ("Network", node.get("network")),
            ("Hub", node.get("hub")),
            ("Telemetry", f"{coverage.get('covered')} of {coverage.get('supported')} resources report"),
            ("Ready since", node.get("ready_at")),
            ("Next look", node.get("next_due")),
        ]
    )
    screen.part("Conditions", node.get("conditions", []), CONDITIONS)
    standing = [each for each in node.get("governance", []) if each.get("verdict") != "compliant"]
    screen.part("Policies that it does not comply with", standing, _STANDINGS)
    screen.part("Peerings", node.get("peerings", []), PEERINGS)
    show_plan(screen, node.get("last_plan"))
    show_history(screen, node)
