"""Coverage: what reports its telemetry where, what does not, and why."""

import typer

from meshplane_cli.client import Json
from meshplane_cli.options import Limit, Node, node_path
from meshplane_cli.parts import short
from meshplane_cli.render import Column, Screen
from meshplane_cli.session import Session, command

app = typer.Typer(
    name="coverage", help="Coverage: what reports its telemetry, and why not.", no_args_is_help=True
)

_SINKS = (Column("SINK", "kind"), Column("WANTED", "wanted"), Column("COVERED", "covered"))
_EXCEPTIONS = (Column("REASON", "reason"), Column("RESOURCES", "resources"))
_NODES = (
    Column("NODE", lambda node: f"{node.get('subscription')}/{node.get('group')}"),
    Column("COVERED", "counts.covered"),
    Column("SUPPORTED", "counts.supported"),
    Column("RESOURCES", "counts.resources"),
    Column("STATE", "state"),
    Column("DOMAIN", "domain"),
    Column("LOOKED AT", "counts.checked_at"),
)
_RESOURCES = (
    Column("STATUS", "status"),
    Column("SINKS", "covers"),
    Column("RESOURCE", lambda each: short(str(each.get("id")))),
    Column("CODE", "code"),
    Column("REASON", "reason"),
)
_CATEGORIES = (
    Column("CATEGORY", "category"),
    Column("GB A DAY", "gigabytes_a_day"),
    Column("A MONTH", "monthly"),
    Column("ARCHIVED", "archived"),
    Column("SAVES", "saves"),
    Column("TREATMENT", "treatment"),
)


@command(app, "mesh")
def mesh(session: Session) -> None:
    """How many resources of all nodes report to each kind of sink, and why others do not."""
    found = session.client.get("coverage").body
    session.screen.one(found, lambda told: _show_mesh(session.screen, told))


@command(app, "nodes")
def nodes(session: Session, limit: Limit = 0) -> None:
    """Nodes with how many of their resources report."""
    found = list(session.client.items("coverage/nodes", {}, limit))
    session.screen.items(found, _NODES, "The mesh has no nodes.")


@command(app, "node")
def node(session: Session, node: Node) -> None:
    """One node: what reports where, what does not and why, and what its telemetry costs."""
    found = session.client.get(f"{node_path(node)}/coverage").body
    session.screen.one(found, lambda told: _show_node(session.screen, told))


def _show_mesh(screen: Screen, found: Json) -> None:
    counts = found.get("counts", {})
    screen.facts(
        [
            ("Nodes", found.get("nodes")),
            ("Nodes that report in full", found.get("complete")),
            ("Nodes not counted yet", found.get("uncounted")),
        ]
    )
    _show_counts(screen, counts)


def _show_counts(screen: Screen, counts: Json) -> None:
    screen.facts(
        [
            ("Resources", counts.get("resources")),
            ("Of types that can report", counts.get("supported")),
            ("Report in full", counts.get("covered")),
            ("Looked at since", counts.get("checked_at")),
        ]
    )
    screen.part("Sinks", counts.get("sinks", []), _SINKS)
    screen.part("Not covered, because", counts.get("exceptions", []), _EXCEPTIONS)


def _show_node(screen: Screen, found: Json) -> None:
    cost = found.get("cost", {})
    screen.facts(
        [
            ("Node", f"{found.get('subscription')}/{found.get('group')}"),
            ("Telemetry", found.get("telemetry")),
            ("Gigabytes a day", cost.get("gigabytes_a_day")),
            (f"{cost.get('currency')} a month", cost.get("monthly")),
            ("Saved a month", cost.get("saved")),
            ("Measured on days", cost.get("days")),
        ]
    )
    _show_counts(screen, found.get("counts", {}))
    screen.part("Resources", found.get("resources", []), _RESOURCES)
    screen.part("Cost by category", cost.get("categories", []), _CATEGORIES)
