"""A team asks for an edge; a person approves it; it is extended, and outlives a change of the network option."""

from datetime import timedelta

from demo.api import ApiFailed
from demo.edge_looks import ask_for, edge_is, edge_resolves, resolves, stands
from demo.edges import Edge
from demo.looks import node_is, sides
from demo.people import ANNE, BERT
from demo.stage import Stage
from demo.watch import Seen
from demo.world import LEGACY, REPORTS, SALES

ORDERS = "orders for reports"
KEY = "reports-orders-1"
DAYS, MORE_DAYS = 90, 30
SERVER_NAME = "sales-sql.database.windows.net"


def play(stage: Stage) -> None:
    """Reports asks for the SQL server of sales; then it closes its network to all else."""
    watch = stage.watch
    watch.act("A team asks for an edge")
    watch.claim(
        "reports finds sales-sql at its public address", resolves(stage, REPORTS, SERVER_NAME, "public")
    )
    edge = _asked(stage)
    _approved(stage, edge)
    stands(stage, ORDERS, REPORTS, SERVER_NAME)
    watch.claim(
        "legacy, which has no edge, finds the public address", resolves(stage, LEGACY, SERVER_NAME, "public")
    )
    _extended(stage, stage.edges[ORDERS])
    _closed(stage)


def _asked(stage: Stage) -> Edge:
    """The request, sent twice, as a pipeline does whose answer was lost."""
    watch = stage.watch
    server = SALES.of_type(stage.subscription, "Microsoft.Sql/servers")
    ask = ask_for(stage, REPORTS, "sql", server, "weekly report of orders", 40.0, DAYS)
    watch.did(f"{ANNE} asks: POST /api/edges: reports to sales, sql, sales-sql, {DAYS} days, 40 GB a month")
    edge = stage.edges[ORDERS] = stage.edge_api.ask(ANNE, ask, KEY)
    watch.did(f"and again, with the same Idempotency-Key {KEY}")
    again = stage.edge_api.ask(ANNE, ask, KEY)
    watch.claim("it is the same edge", lambda: _once(stage, {edge.id, again.id}))
    watch.claim("no rule decides: it waits for a person", edge_is(stage, ORDERS, "PendingApproval"))
    watch.claim("Anne cannot approve it herself", lambda: _refused(stage, edge))
    return edge


def _approved(stage: Stage, edge: Edge) -> None:
    stage.watch.did(f"{BERT} approves the edge of reports, with a reason")
    stage.edge_api.approve(BERT, edge.id, "agreed with the owner of the orders")


def _extended(stage: Stage, edge: Edge) -> None:
    before = edge.expires_at
    longer = stage.edge_api.extend(BERT, edge.id, "the report runs for longer", MORE_DAYS)
    after = longer.expires_at
    stage.watch.did(f"{BERT} extends it by {MORE_DAYS} days")
    good = bool(before and after and after - before == timedelta(days=MORE_DAYS))
    stage.watch.claim("its lease ends later", lambda: Seen(good, f"{before:%d %B} becomes {after:%d %B %Y}"))


def _closed(stage: Stage) -> None:
    """From hub to sandbox on a live node: only what it has an edge to stays within reach."""
    watch = stage.watch
    watch.did("reports is tagged mesh-network=sandbox: nothing but its edges is to be reachable")
    stage.azure.tag(REPORTS.group, {"mesh-network": "sandbox"})
    watch.claim("both sides of its peering are closed", lambda: _sides_closed(stage), seconds=60)
    watch.claim("reports is Ready", node_is(stage, REPORTS, "Ready", "Converged"), seconds=60)
    watch.claim("its edge is Active all the same", edge_is(stage, ORDERS, "Active"), seconds=60)
    watch.claim(f"and it still finds {SERVER_NAME}", edge_resolves(stage, ORDERS, REPORTS, SERVER_NAME))


def _once(stage: Stage, ids: set[str]) -> Seen:
    listed = stage.edge_api.ids(f"{stage.subscription}/{REPORTS.group}")
    return Seen(
        len(ids) == 1 and set(listed) == ids, f"GET /api/edges?consumer=…/reports lists {len(listed)}"
    )


def _refused(stage: Stage, edge: Edge) -> Seen:
    try:
        stage.edge_api.approve(ANNE, edge.id, "I need it")
    except ApiFailed as error:
        return Seen(error.status == 403, f"{error.status} {error.code}")
    return Seen(False, "she could")


def _sides_closed(stage: Stage) -> Seen:
    here, there = sides(stage, REPORTS)
    both = (*here, *there)
    said = ", ".join(f"{p.state}, {'open' if p.open else 'closed'}" for p in both)
    return Seen(len(both) == 2 and not any(p.open for p in both), said or "no peering")
