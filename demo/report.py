"""The table at the end: what became of each node, and at what price."""

from rich import box
from rich.table import Table

from demo.api import Node
from demo.edges import Edge
from demo.floor import WRITES_OF_AN_ENDPOINT, Floor, onboarding_floor
from demo.stage import Stage
from demo.world import TEAMS, Team

NETWORK = "Microsoft.Network/virtualNetworks"
SECURITY_GROUP = "Microsoft.Network/networkSecurityGroups"


def table(stage: Stage) -> Table:
    """One row a node, as the API shows it now. Raises ApiFailed."""
    shown = Table(title="The mesh", title_justify="left", header_style="bold", box=box.SIMPLE_HEAD)
    for name in ("node", "state", "reason"):
        shown.add_column(name)
    for name in (
        "seconds\nto ready",
        "peerings\nconnected",
        "coverage",
        "ARM reads\n(floor)",
        "ARM writes\n(floor)",
    ):
        shown.add_column(name, justify="right")
    for team in TEAMS:
        node, onboarded = stage.api.node(team.group), stage.onboarded.get(team.group)
        if node is not None and onboarded is not None:
            shown.add_row(*_row(stage, team, node, onboarded))
    return shown


def edge_table(stage: Stage) -> Table:
    """One row an edge, as the API shows it now. Raises ApiFailed."""
    shown = Table(title="Its edges", title_justify="left", header_style="bold", box=box.SIMPLE_HEAD)
    for name in ("edge", "state", "exposure"):
        shown.add_column(name)
    for name in ("USD\na month", "seconds\nto Active", "ARM\nreads", "ARM writes\n(floor)"):
        shown.add_column(name, justify="right")
    for active in stage.edges.values():
        shown.add_row(*_edge_row(stage, active))
    return shown


EDGE_FOOTNOTE = (
    "Seconds: from the verdict, a person's or a rule's, to Active. Calls: until it was Active. Floor of a private"
    " endpoint: the endpoint and its zone group."
)


def _edge_row(stage: Stage, active: Edge) -> tuple[str, ...]:
    now = stage.edge_api.get(active.id)
    nodes = " to ".join(name.rpartition("/")[2] for name in (active.consumer, active.provider))
    verdict = active.verdict.at if active.verdict else active.requested_at
    seconds = (active.active_at - verdict).total_seconds() if active.active_at else 0.0
    return (
        f"{nodes}, {active.interface}",
        now.state,
        now.route.exposure if now.route else "-",
        f"{now.route.monthly_cost:.2f}" if now.route else "-",
        f"{seconds:.1f}" if active.active_at else "-",
        str(sum(entry.reads for entry in active.history)),
        f"{sum(entry.writes for entry in active.history)} ({WRITES_OF_AN_ENDPOINT})",
    )


LISTED = ("Microsoft.Sql/servers", "Microsoft.Web/sites")
"""What has to be asked for the resources inside it."""

FOOTNOTE = (
    "Coverage: resources that report / that can / in the group. Calls: until the node was ready, or until it was"
    " known why not. Floor: group, resources, networks and hub, the categories of each type, the settings of each"
    " resource, a poll a peering; a write for each peering and setting. A process that knows a type's categories"
    " already stays below it."
)


def _row(stage: Stage, team: Team, node: Node, onboarded: Node) -> tuple[str, ...]:
    floor = floor_of(team, onboarded)
    return (
        team.group,
        node.state,
        node.ready.reason,
        _seconds_to_ready(stage, onboarded),
        _peerings(node),
        _coverage(node),
        f"{onboarded.onboarding_reads} ({floor.reads})",
        f"{onboarded.onboarding_writes} ({floor.writes})",
    )


def floor_of(team: Team, onboarded: Node) -> Floor:
    """The least number of calls that could bring a team's group to where it was found once it had settled."""
    supported = onboarded.coverage.supported
    uncovered = sum(item.owned for item in onboarded.coverage.items)
    attached = 1 if onboarded.peerings else 0
    types = [NETWORK, *(kind for kind, _ in team.contents), *([] if team.prefix else [SECURITY_GROUP])]
    types += {_type(item.id) for item in onboarded.coverage.items}
    return onboarding_floor(
        types,
        supported=supported,
        uncovered=uncovered,
        networks_to_attach=attached,
        networks_to_make=0 if team.prefix else 1,
        collections=sum(kind in LISTED for kind, _ in team.contents),
    )


def _type(resource: str) -> str:
    segments = resource.rpartition("/providers/")[2].split("/")
    return "/".join([segments[0], *segments[1::2]])


def _seconds_to_ready(stage: Stage, onboarded: Node) -> str:
    if onboarded.ready_at is None:
        return "-"
    return f"{(onboarded.ready_at - stage.tagged[onboarded.group].at).total_seconds():.1f}"


def _peerings(node: Node) -> str:
    if not node.peerings:
        return "none"
    connected = sum((p.state, p.sync_level) == ("Connected", "FullyInSync") for p in node.peerings)
    return f"{connected}/{len(node.peerings)}"


def _coverage(node: Node) -> str:
    coverage = node.coverage
    return f"{coverage.covered}/{coverage.supported}/{coverage.resources}" if coverage.resources else "none"
