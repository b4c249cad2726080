"""A lease runs out: it was announced, and what stood for the edge is read back as gone."""

from demo.edge_looks import edge_is, edge_resolves
from demo.scenes.edges import ORDERS, SERVER_NAME
from demo.scenes.glance import ACCOUNT_NAME, LOOK
from demo.stack import ZONES, zone_id
from demo.stage import Stage
from demo.watch import Seen
from demo.world import FINANCE, REPORTS

SECONDS_OF_THE_LEASE = 60.0


def play(stage: Stage) -> None:
    """The edge of finance, which was granted for a minute."""
    watch = stage.watch
    watch.act("The minute of finance is over")
    patience = 2 * SECONDS_OF_THE_LEASE
    watch.claim("its end was announced", lambda: _told(stage, "Active -> Expiring"), patience)
    watch.claim("the edge of finance is Revoked", edge_is(stage, LOOK, "Revoked"), patience)
    watch.claim("its endpoint is gone", lambda: _endpoints(stage))
    watch.claim("its name is gone from the private zone", lambda: _record(stage))
    watch.claim("finance is linked to no private zone any more", lambda: _links(stage), seconds=60)
    watch.claim("its history says why", lambda: _told(stage, "the lease ended at"))
    watch.claim(f"reports still finds {SERVER_NAME}", edge_resolves(stage, ORDERS, REPORTS, SERVER_NAME))


def _told(stage: Stage, change: str) -> Seen:
    edge = stage.edge_api.get(stage.edges[LOOK].id)
    entry = edge.told(change)
    if entry is None or edge.expires_at is None:
        return Seen(False, f"it is {edge.state}")
    ahead = (edge.expires_at - entry.at).total_seconds()
    when = f"{ahead:.0f} s ahead" if ahead > 0 else f"{-ahead:.0f} s after it"
    return Seen(True, f"{entry.cause}, {when}")


def _endpoints(stage: Stage) -> Seen:
    left = stage.azure.private_endpoints(FINANCE.group)
    return Seen(not left, f"{len(left)} private endpoints in finance")


def _record(stage: Stage) -> Seen:
    name = ACCOUNT_NAME.partition(".")[0]
    there = stage.azure.has_record(zone_id(stage.subscription, ZONES[0]), name)
    return Seen(not there, f"{name} in {ZONES[0]}: {'still there' if there else 'no record'}")


def _links(stage: Stage) -> Seen:
    network = FINANCE.network(stage.subscription)
    zones = [z for z in ZONES if stage.azure.linked(zone_id(stage.subscription, z), network)]
    return Seen(not zones, ", ".join(zones) or f"none of {len(ZONES)}")
