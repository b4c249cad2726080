"""Groups become nodes by a tag; what stands in the way is said; a converged node is left alone."""

from demo.api import Node
from demo.looks import apart, node_is, peered, reporting
from demo.stage import APP, Stage
from demo.watch import Seen
from demo.world import FINANCE, LEGACY, MARKETING, SALES, Team, create_world


def play(stage: Stage) -> None:
    """The world, the first three tags, and later the fourth."""
    watch = stage.watch
    watch.act("People create a hub and four groups, with Azure's own SDKs")
    create_world(stage.azure)
    watch.did("hub: a network 10.0.0.0/16, a workspace; peered by hand with a bastion network")
    for team in (SALES, FINANCE, LEGACY, MARKETING):
        kinds = [kind.partition("/")[2] for kind, _ in team.contents]
        watch.did(f"{team.group}: " + ", ".join([f"a network {team.prefix}", *kinds]))
    watch.claim("without a tag no group is a node", lambda: _no_nodes(stage))

    watch.act("Three groups are tagged")
    for team in (SALES, LEGACY, MARKETING):
        stage.tag(team)
    _settled(stage, SALES, "Ready", "Converged")
    _connected(stage, SALES)
    _settled(stage, LEGACY, "NotReady", "AddressSpaceOverlap")
    watch.claim("legacy is left unpeered: Azure would refuse", apart(stage, LEGACY))
    _settled(stage, MARKETING, "NotReady", "InvalidTag")
    watch.claim("marketing is left unpeered: a wrong value is not guessed", apart(stage, MARKETING))

    watch.act("The fourth group is tagged, later")
    stage.tag(FINANCE)
    _settled(stage, FINANCE, "Ready", "Converged")
    _connected(stage, FINANCE)
    _converged(stage, SALES)


def _last_run(node: Node | None) -> str:
    return node.last_run.run if node and node.last_run else ""


def _no_nodes(stage: Stage) -> Seen:
    listed = stage.api.nodes()
    names = ", ".join(node.group for node in listed)
    return Seen(not listed, f"GET /api/nodes lists {names or 'none'}")


def _settled(stage: Stage, team: Team, state: str, reason: str) -> None:
    stage.watch.claim(
        f"{team.group} is {state}",
        node_is(stage, team, state, reason),
        seconds=60,
        since=stage.tagged[team.group].monotonic,
    )
    stage.keep(team.group)


def _connected(stage: Stage, team: Team) -> None:
    stage.watch.claim(f"Azure shows {team.group} peered with the hub", peered(stage, team))
    stage.watch.claim(f"Azure shows the diagnostic settings of {team.group}", reporting(stage, team))


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
