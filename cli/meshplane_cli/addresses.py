"""Address pools, and what was given out of them."""

from typing import Annotated

import typer

from meshplane_cli.options import Limit
from meshplane_cli.parts import short
from meshplane_cli.render import Column
from meshplane_cli.session import Session, command

app = typer.Typer(name="addresses", help="Address pools, and what was given out.", no_args_is_help=True)

_POOLS = (
    Column("POOL", "pool"),
    Column("ADDRESSES", "addresses"),
    Column("ALLOCATED", "allocated"),
    Column("ALLOCATIONS", "allocations"),
    Column("SCATTERED", "fragmentation"),
    Column("HUBS", "hubs"),
    Column("FREE BLOCKS", "free_blocks"),
)
_ALLOCATIONS = (
    Column("PREFIX", "prefix"),
    Column("NODE", lambda each: str(each.get("node", "")).removeprefix("node/")),
    Column("AT", "at"),
    Column("NETWORK", lambda each: short(str(each.get("network")))),
)


@command(app, "pools")
def pools(session: Session) -> None:
    """Every pool: its size, how much of it is given out, how scattered the rest is."""
    session.screen.items(session.client.whole("addresses"), _POOLS, "No hub has a pool.")


@command(app, "allocations")
def allocations(
    session: Session,
    pool: Annotated[str, typer.Argument(help="A pool's prefix, as `pools` shows it.", show_default=False)],
    limit: Limit = 0,
) -> None:
    """What was given out of one pool, in the order of its addresses."""
    found = list(session.client.items("addresses/allocations", {"pool": pool}, limit))
    session.screen.items(found, _ALLOCATIONS, "Nothing was given out of it.")
