"""HTTP: address pools, and what was given out of them."""

from http import HTTPStatus
from typing import TYPE_CHECKING

from functions.answers import Answer
from functions.parameters import CONTINUATION, TOP, Parameter
from functions.routes import Routes
from shared.domain.errors import NotFound

if TYPE_CHECKING:
    from functions.call import Call
    from functions.views.addresses import AllocationItem, PoolItem
    from functions.views.pages import List

routes = Routes("addresses")

POOL = Parameter(
    "pool",
    "a pool's prefix as the settings name it",
    required=True,
    pattern=r"[0-9./]{9,18}",
    example="10.64.0.0/16",
)


@routes.route("GET", "addresses")
async def list_pools(call: "Call") -> "Answer[List[PoolItem]]":
    """Every pool: its size, how much of it is given out, and how scattered the rest is."""
    from functions.views.addresses import pool_item
    from functions.views.pages import List

    hubs = call.app.mesh.hubs
    pools = dict.fromkeys(pool for hub in hubs for pool in hub.pools)
    items = [
        pool_item(await call.app.addresses.usage(pool), tuple(h.id for h in hubs if pool in h.pools))
        for pool in pools
    ]
    return Answer(List(items, ""))


@routes.route("GET", "addresses/allocations", POOL, TOP, CONTINUATION, problems=(HTTPStatus.NOT_FOUND,))
async def list_allocations(call: "Call") -> "Answer[List[AllocationItem]]":
    """A page of what was given out of one pool, in the order of its addresses."""
    from functions.views.addresses import allocation_item
    from functions.views.pages import List

    pool = call.text(POOL)
    if not any(pool in hub.pools for hub in call.app.mesh.hubs):
        raise NotFound("PoolNotFound", "No hub has such a pool.", target=pool)
    page = await call.app.addresses.list(pool, size=call.top, continuation=call.continuation)
    return Answer(List([allocation_item(a) for a in page.items], page.continuation))
