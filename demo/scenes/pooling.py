"""A group without a network gets one; a converged node is left alone."""

from ipaddress import IPv4Network

from demo.api import Node
from demo.looks import attached, settled
from demo.stack import POOLS
from demo.stage import APP, Stage
from demo.watch import Seen
from demo.world import REPORTS, SALES, Team


def play(stage: Stage) -> None:
    """Reports is tagged later, and sales is looked at once more."""
    stage.watch.act("The fifth group is tagged, later")
    stage.tag(REPORTS)
    settled(stage, REPORTS, "Ready", "Converged")
    stage.watch.claim("reports had no network, and got one out of the hub's pool", lambda: _pooled(stage))
    attached(stage, REPORTS)
    _converged(stage, SALES)


def _last_run(node: Node | None) -> str:
    return node.last_run.run if node and node.last_run else ""


def _pooled(stage: Stage) -> Seen:
    given = stage.azure.prefixes(REPORTS.network(stage.subscription))
    pool = IPv4Network(POOLS[0])
    inside = [prefix for prefix in given if IPv4Network(prefix).subnet_of(pool)]
    return Seen(bool(given) and inside == given, f"{', '.join(given)} out of {pool}")


def _converged(stage: Stage, team: Team) -> None:
    """A look at everything in a healthy node writes nothing."""
    before = _last_run(stage.api.node(team.group))
    mark = max((r.number for r in stage.requests_since(0)), default=0)

    def look() -> Seen:
        node = stage.api.node(team.group)
        if node is None or node.last_run is None or _last_run(node) == before:
            return Seen(False, "the look has not ended")
        sent = [r for r in stage.requests_since(mark) if r.principal == APP and r.kind != "read"]
        writes = [r for r in sent if team.group in r.path]
        return Seen(not writes, f"{node.last_run.reads} reads, {len(writes)} writes")

    stage.watch.did(f"POST .../{team.group}/reconcile: look at everything in {team.group} again")
    stage.api.reconcile(team.group)
    stage.watch.claim(f"nothing is written to {team.group}, which is as it should be", look)
