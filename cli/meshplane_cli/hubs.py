"""Hubs: central networks and how many nodes they take."""

from typing import Annotated

import typer

from meshplane_cli.client import Json, segment
from meshplane_cli.history import with_history
from meshplane_cli.options import History
from meshplane_cli.parts import CONDITIONS, PEERINGS, show_history, show_plan
from meshplane_cli.render import Column, Screen
from meshplane_cli.session import Session, command

app = typer.Typer(name="hubs", help="Hubs: central networks.", no_args_is_help=True)

Hub = Annotated[str, typer.Argument(help="A hub's id.", show_default=False)]

_LIST = (
    Column("HUB", "id"),
    Column("STATE", "state"),
    Column("REASON", "reason"),
    Column("REGION", "region"),
    Column("USED", "used"),
    Column("FREE", "free"),
    Column("CAPACITY", "capacity"),
    Column("GATEWAY", "gateway"),
    Column("POOLS", "pools"),
    Column("PEERS", "peers"),
    Column("NETWORK", "network"),
)
_FACTS = (
    ("Hub", "id"),
    ("State", "state"),
    ("Region", "region"),
    ("Network", "network"),
    ("Addresses", "address_prefixes"),
    ("Peerings", "used"),
    ("Free", "free"),
    ("Capacity", "capacity"),
    ("Private endpoints", "private_endpoints"),
    ("Gateway", "gateway"),
    ("Forwards traffic", "allow_forwarded_traffic"),
    ("Peers", "peers"),
    ("Pools", "pools"),
    ("Workspace", "workspace"),
    ("Next look", "next_due"),
)
_ZONES = (Column("ZONE", "id"),)


@command(app, "list")
def list_hubs(session: Session) -> None:
    """Every hub of the settings: how many peerings it has and takes."""
    session.screen.items(session.client.whole("hubs"), _LIST, "The settings name no hubs.")


@command(app, "show")
def show(session: Session, hub: Hub, history: History = False) -> None:
    """One hub: peerings with other hubs, pools, zones, conditions and history."""
    found = with_history(session.client, f"hubs/{segment(hub)}", whole=history)
    session.screen.one(found, lambda told: _show(session.screen, told))


@command(app, "reconcile")
def reconcile(session: Session, hub: Hub) -> None:
    """Has a hub looked at again, soon."""
    found = session.client.post(f"hubs/{segment(hub)}/reconcile").body
    session.screen.one(found, lambda told: session.screen.line(f"{told.get('key')} will be looked at."))


def _show(screen: Screen, hub: Json) -> None:
    screen.facts([(title, hub.get(name)) for title, name in _FACTS])
    screen.part("Conditions", hub.get("conditions", []), CONDITIONS)
    screen.part("Pairs with other hubs", hub.get("pairs", []), PEERINGS)
    screen.part("Private zones", [{"id": zone} for zone in hub.get("zones", [])], _ZONES)
    show_plan(screen, hub.get("last_plan"))
    show_history(screen, hub)
