"""Groups become nodes by a tag; what stands in the way is said."""

from demo.looks import apart, attached, settled
from demo.stage import Stage
from demo.watch import Seen
from demo.world import FINANCE, LEGACY, MARKETING, REPORTS, SALES, create_world


def play(stage: Stage) -> None:
    """The world, and the first four tags."""
    watch = stage.watch
    watch.act("People create a hub and five groups, with Azure's own SDKs")
    create_world(stage.azure)
    stage.stack.grant_hub()
    watch.did(
        "hub: a network 10.0.0.0/16, workspace, event hub, archive, private zones; peered by hand with a bastion"
    )
    for team in (SALES, FINANCE, REPORTS, LEGACY, MARKETING):
        kinds = [kind.partition("/")[2] for kind, _ in team.contents]
        held = [f"a network {team.prefix}", *kinds] if team.prefix else ["nothing yet"]
        watch.did(f"{team.group}: " + ", ".join(held))
    watch.claim("without a tag no group is a node", lambda: _no_nodes(stage))

    watch.act("Four groups are tagged")
    for team in (SALES, FINANCE, LEGACY, MARKETING):
        stage.tag(team)
    settled(stage, SALES, "Ready", "Converged")
    attached(stage, SALES)
    settled(stage, FINANCE, "Ready", "Converged")
    attached(stage, FINANCE)
    settled(stage, LEGACY, "NotReady", "AddressSpaceOverlap")
    watch.claim("legacy is left unpeered: Azure would refuse", apart(stage, LEGACY))
    settled(stage, MARKETING, "NotReady", "InvalidTag")
    watch.claim("marketing is left unpeered: a wrong value is not guessed", apart(stage, MARKETING))


def _no_nodes(stage: Stage) -> Seen:
    listed = stage.api.nodes()
    names = ", ".join(node.group for node in listed)
    return Seen(not listed, f"GET /api/nodes lists {names or 'none'}")
