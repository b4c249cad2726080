"""A tag is taken off: the node is let go of, and nothing that others made is touched."""

from demo.looks import apart, node_is, peered, silent
from demo.stack import hub_network
from demo.stage import Stage
from demo.watch import Seen
from demo.world import FINANCE, FOREIGN_PEERING, FOREIGN_SETTING, SALES


def play(stage: Stage) -> None:
    """Finance leaves the mesh."""
    watch = stage.watch
    watch.act("A tag is removed")
    stage.azure.untag(FINANCE.group, FINANCE.tags)
    watch.did("finance loses its tags")
    watch.claim("finance is Offboarded", node_is(stage, FINANCE, "Offboarded", "Offboarded"), seconds=60)
    watch.claim("Azure shows no peering of finance", apart(stage, FINANCE))
    watch.claim("Azure shows no setting of Meshplane in finance", silent(stage, FINANCE))
    watch.claim("what others made is still there", lambda: _foreign(stage))
    watch.claim("sales is still connected", peered(stage, SALES))


def _foreign(stage: Stage) -> Seen:
    vault = FINANCE.of_type(stage.subscription, "Microsoft.KeyVault/vaults")
    settings = [s.name for s in stage.azure.settings(vault)]
    peerings = [p.name for p in stage.azure.peerings(hub_network(stage.subscription))]
    what = f"setting {', '.join(settings) or 'none'} on finance-vault, {FOREIGN_PEERING} on the hub"
    return Seen(settings == [FOREIGN_SETTING] and FOREIGN_PEERING in peerings, what)
