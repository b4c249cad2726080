"""Dry runs: what would be written for a node, and how an edge would be carried. They read Azure and write nothing."""

import typer

from meshplane_cli.client import Json
from meshplane_cli.edge_views import show_route
from meshplane_cli.edges import (
    Consumer,
    Gigabytes,
    Kind,
    Part,
    Provider,
    Purpose,
    Target,
    Way,
    ask,
)
from meshplane_cli.options import Days, Node, node_path
from meshplane_cli.parts import short, show_plan
from meshplane_cli.render import Column, Screen
from meshplane_cli.session import Session, command

app = typer.Typer(name="plan", help="Dry runs: what would be done, without doing it.", no_args_is_help=True)

_WAYS = (
    Column("WAY", "exposure"),
    Column("POSSIBLE", "possible"),
    Column("A MONTH", "monthly_cost"),
    Column("CURRENCY", "currency"),
    Column("AGAINST IT", lambda way: [short(str(each)) for each in way.get("against", [])]),
)


@command(app, "node")
def plan_node(session: Session, node: Node) -> None:
    """What a look at a node would write now, and why."""
    found = session.client.get(f"{node_path(node)}/plan").body
    session.screen.one(found, lambda told: _show_node(session.screen, told))


@command(app, "edge")
def plan_edge(
    session: Session,
    consumer: Consumer,
    provider: Provider,
    interface: Kind,
    purpose: Purpose,
    target: Target = "",
    part: Part = "",
    gigabytes: Gigabytes = 0.0,
    lease_days: Days = 90.0,
    exposure: Way = None,
) -> None:
    """How an edge would be carried, and what each way would cost."""
    body = ask(consumer, provider, interface, purpose, target, part, gigabytes, lease_days, exposure)
    found = session.client.post("edges/plan", body).body
    session.screen.one(found, lambda told: _show_edge(session.screen, told))


def _show_node(screen: Screen, plan: Json) -> None:
    if not plan.get("steps"):
        screen.line("Nothing to write.")
    show_plan(screen, plan, "Would be written")


def _show_edge(screen: Screen, found: Json) -> None:
    show_route(screen, "It would be carried", found.get("route"), others=False)
    if found.get("cheapest"):
        screen.facts([("The cheapest that works", found["cheapest"])])
    screen.part("Ways", list(found.get("ways", [])), _WAYS)
    for finding in found.get("findings", []):
        screen.line(f"In the way: {short(str(finding))}", "yellow")
