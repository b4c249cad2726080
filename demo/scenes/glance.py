"""Somebody asks for an edge of one minute, which a rule grants: it ends in the scene `leases`."""

from demo.edge_looks import ask_for, resolves, stands
from demo.people import ANNE
from demo.stage import Stage
from demo.watch import Seen
from demo.world import FINANCE, SALES

RULE = {
    "name": "a short look at files",
    "ruling": "accept",
    "interfaces": ["storage"],
    "most_lease_days": 1,
}
LOOK = "a look at a file"
ACCOUNT_NAME = "salesorders.blob.core.windows.net"
ONE_MINUTE = 1 / 1440


def play(stage: Stage) -> None:
    """Finance is to see a file of sales."""
    watch = stage.watch
    watch.act("A look at a file, for one minute")
    watch.claim(
        f"finance finds {ACCOUNT_NAME} at its public address",
        resolves(stage, FINANCE, ACCOUNT_NAME, "public"),
    )
    account = SALES.of_type(stage.subscription, "Microsoft.Storage/storageAccounts")
    ask = ask_for(stage, FINANCE, "storage", account, "a look at one file", 0.0, ONE_MINUTE)
    watch.did(f"{ANNE} asks: POST /api/edges: finance to sales, storage, salesorders, one minute")
    edge = stage.edges[LOOK] = stage.edge_api.ask(ANNE, ask, "finance-look-1")
    by = edge.verdict.by if edge.verdict else "nobody"
    watch.claim("a rule approves that at once", lambda: Seen(by == RULE["name"], f"rule '{by}'"))
    stands(stage, LOOK, FINANCE, ACCOUNT_NAME)
