"""Looks at an edge: what Meshplane says, what Azure holds, and what a machine in the consumer's network finds."""

from urllib.parse import urlencode

import msgspec

from demo.edges import Ask
from demo.looks import short
from demo.stage import Stage
from demo.watch import Look, Seen
from demo.world import SALES, Team


def edge_is(stage: Stage, name: str, state: str) -> Look:
    """Whether the API shows the edge in this state, with the way it goes and what that costs."""

    def look() -> Seen:
        edge = stage.edge_api.get(stage.edges[name].id)
        first = next((c for c in edge.conditions if c.type == "Ready"), None)
        route = f"{edge.route.exposure}, {edge.route.monthly_cost:.2f} USD a month" if edge.route else ""
        return Seen(
            edge.state == state and (bool(edge.route) or state == "Revoked"),
            short(", ".join(filter(None, (edge.state, route, first.message if first and not route else "")))),
        )

    return look


def resolves(stage: Stage, team: Team, name: str, status: str) -> Look:
    """Whether a machine in the team's network finds a name so: `private`, `public` or `nxdomain`."""

    def look() -> Seen:
        found = resolution(stage, team, name)
        return Seen(found.status == status, found.told)

    return look


def edge_resolves(stage: Stage, name: str, team: Team, host: str) -> Look:
    """Whether a machine in the consumer's network finds the host at the address that the edge names."""

    def look() -> Seen:
        edge, found = stage.edge_api.get(stage.edges[name].id), resolution(stage, team, host)
        good = found.status == "private" and set(found.addresses) == set(edge.addresses)
        return Seen(good and host in edge.names, found.told)

    return look


class Resolution(msgspec.Struct, frozen=True):
    """What Azure DNS answers inside a network."""

    status: str
    addresses: list[str] = []
    zone: str | None = None

    @property
    def told(self) -> str:
        if self.status != "private":
            return self.status
        return f"{', '.join(self.addresses)} out of {(self.zone or '').rpartition('/')[2]}"


def resolution(stage: Stage, team: Team, name: str) -> Resolution:
    """What a machine in the team's network is told about a name."""
    query = urlencode({"network": team.network(stage.subscription), "name": name})
    return msgspec.convert(stage.control("GET", f"/resolve?{query}"), Resolution)


def endpoint_stands(stage: Stage, team: Team) -> Look:
    """Whether Azure shows one private endpoint to sales in the team's network, approved."""

    def look() -> Seen:
        network = team.network(stage.subscription).lower()
        ours = [e for e in stage.azure.private_endpoints(team.group) if e.subnet.lower().startswith(network)]
        said = "; ".join(f"to {e.target.rpartition('/')[2]}: {e.state}, {e.connection}" for e in ours)
        good = [(e.state, e.connection) for e in ours] == [("Succeeded", "Approved")]
        return Seen(good, said or "none")

    return look


def stands(stage: Stage, name: str, team: Team, host: str) -> None:
    """Claims that the edge is Active, that Azure holds its endpoint, and that the host's name leads there."""
    watch = stage.watch
    watch.claim(f"the edge of {team.group} is Active", edge_is(stage, name, "Active"), seconds=60)
    stage.edges[name] = stage.edge_api.get(stage.edges[name].id)
    watch.claim(
        f"Azure shows its private endpoint in the network of {team.group}", endpoint_stands(stage, team)
    )
    watch.claim(f"{team.group} finds {host} at it", edge_resolves(stage, name, team, host), seconds=60)


def ask_for(
    stage: Stage, consumer: Team, interface: str, target: str, purpose: str, gigabytes: float, days: float
) -> Ask:
    """What a team asks of sales."""
    return Ask(
        consumer=f"{stage.subscription}/{consumer.group}",
        provider=f"{stage.subscription}/{SALES.group}",
        interface=interface,
        target=target,
        purpose=purpose,
        gigabytes=gigabytes,
        lease_days=days,
    )
