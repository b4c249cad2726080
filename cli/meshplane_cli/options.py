"""Options and arguments that several commands have."""

from typing import Annotated

import typer

from meshplane_cli.client import segment
from meshplane_cli.errors import Unusable

Limit = Annotated[
    int,
    typer.Option("--limit", "-n", min=0, help="How many at most; 0 for all. Pages are fetched as needed."),
]
Reason = Annotated[str, typer.Option("--reason", "-r", help="Why, for the history.", show_default=False)]
Node = Annotated[str, typer.Argument(help="A node, <subscription>/<group>.", show_default=False)]
OfNode = Annotated[
    str, typer.Option("--node", help="Only of this node, <subscription>/<group>.", show_default=False)
]
Interval = Annotated[float, typer.Option("--interval", min=0.1, help="Seconds between looks.")]
Patience = Annotated[float, typer.Option("--timeout", min=0, help="Seconds until it is given up.")]

Days = Annotated[float, typer.Option("--lease-days", min=0.0006, help="Days; may be a fraction.")]
History = Annotated[bool, typer.Option("--history", help="The whole history, not the newest changes alone.")]
IfMatch = Annotated[
    str,
    typer.Option(
        "--if-match",
        help="The ETag of the version that was decided about; else it is read first.",
        show_default=False,
    ),
]


def node_path(node: str) -> str:
    """A node's part of a path. Raises Unusable."""
    subscription, _, group = node.strip().removeprefix("node/").partition("/")
    if not subscription or not group or "/" in group:
        raise Unusable(
            "This is no node.",
            to=node,
            do="Name it as <subscription>/<group>, as `meshplane nodes list` does.",
        )
    return f"nodes/{segment(subscription)}/{segment(group)}"
