"""HTTP: what reports where, of one node and of the whole mesh, and what that costs."""

from http import HTTPStatus
from typing import TYPE_CHECKING

from functions.answers import Answer
from functions.parameters import CONTINUATION, GROUP, SUBSCRIPTION, TOP
from functions.routes import Routes
from shared.domain.errors import NotFound

if TYPE_CHECKING:
    from functions.call import Call
    from functions.views.coverage import MeshCoverage, NodeCoverageDetail, NodeCoverageItem
    from functions.views.pages import List

routes = Routes("coverage")

DAYS_MEASURED = 7
_PAGE = 1000


@routes.route("GET", "coverage")
async def mesh_coverage(call: "Call") -> "Answer[MeshCoverage]":
    """How many resources of all nodes report to each kind of sink, and why others do not."""
    from functions.views.coverage import mesh_coverage_view

    page = await call.app.nodes.coverage(size=_PAGE)
    rows = [*page.items]
    while page.continuation:
        page = await call.app.nodes.coverage(size=_PAGE, continuation=page.continuation)
        rows += page.items
    return Answer(mesh_coverage_view(rows, call.app.clock.now()))


@routes.route("GET", "coverage/nodes", TOP, CONTINUATION)
async def list_coverage(call: "Call") -> "Answer[List[NodeCoverageItem]]":
    """A page of nodes with how many of their resources report, in the order of their keys."""
    from functions.views.coverage import node_coverage_item
    from functions.views.pages import List

    page = await call.app.nodes.coverage(size=call.top, continuation=call.continuation)
    now = call.app.clock.now()
    return Answer(List([node_coverage_item(n, now) for n in page.items], page.continuation))


@routes.route(
    "GET", "nodes/{subscription}/{group}/coverage", SUBSCRIPTION, GROUP, problems=(HTTPStatus.NOT_FOUND,)
)
async def node_coverage(call: "Call") -> "Answer[NodeCoverageDetail]":
    """One node: what reports where, what does not and why, and what its telemetry costs by what it streamed."""
    from functions.views.coverage import node_coverage_detail
    from shared.domain.sinks import ASKED
    from shared.domain.telemetry_cost import telemetry_cost

    record = await call.app.nodes.get(call.node)
    if record is None:
        message = "The mesh knows no such node: is the group tagged mesh-node?"
        raise NotFound("NodeNotFound", message, target=str(call.node))
    volumes = await call.app.volumes.of(str(record.key), days=DAYS_MEASURED)
    measured: dict[str, tuple[float, float]] = {}
    for volume in volumes:
        size, records = measured.get(volume.category, (0.0, 0.0))
        measured[volume.category] = (size + volume.bytes, records + volume.records)
    days = len({volume.day for volume in volumes})
    asked = ASKED.get(record.telemetry, ASKED["logs"])
    cost = telemetry_cost(measured, days, asked, call.app.mesh.categories, call.app.rates)
    return Answer(node_coverage_detail(record, cost, call.app.clock.now()))
