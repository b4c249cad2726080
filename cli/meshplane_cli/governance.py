"""Governance: which policies there are, and how the mesh stands towards them."""

from typing import Annotated, Literal

import typer

from meshplane_cli.client import Json
from meshplane_cli.options import Limit, OfNode
from meshplane_cli.render import Column, Screen
from meshplane_cli.session import Session, command

app = typer.Typer(name="governance", help="Governance: policies, and who complies.", no_args_is_help=True)

Domain = Annotated[str, typer.Option("--domain", help="Only nodes of this domain.", show_default=False)]
Policy = Annotated[str, typer.Option("--policy", help="Only the policy of this name.", show_default=False)]
Verdicts = Literal["violating", "exempt", "unknown"]
Verdict = Annotated[Verdicts, typer.Option("--verdict", help="Which findings are shown.")]

_POLICIES = (
    Column("POLICY", "name"),
    Column("MODE", "mode"),
    Column("SEVERITY", "severity"),
    Column("DOMAIN", "domain"),
    Column("TITLE", "title"),
    Column("KIND", "kind"),
    Column("EXEMPTIONS", "exemptions"),
    Column("SOURCE", "source"),
)
_COUNTS = (
    Column("POLICY", "policy"),
    Column("COMPLIANT", "counts.compliant"),
    Column("VIOLATING", "counts.violating"),
    Column("EXEMPT", "counts.exempt"),
    Column("UNKNOWN", "counts.unknown"),
    Column("TREND", lambda row: _trend(row.get("trend", []))),
)
_FINDINGS = (
    Column("NODE", "node"),
    Column("POLICY", "policy"),
    Column("SEVERITY", "severity"),
    Column("MESSAGE", "message"),
    Column("MODE", "mode"),
    Column("SINCE", "since"),
    Column("UNTIL", "until"),
    Column("VERDICT", "verdict"),
)


@command(app, "report")
def report(
    session: Session,
    domain: Domain = "",
    policy: Policy = "",
    days: Annotated[int, typer.Option("--days", min=1, max=90, help="How many days of the trend.")] = 30,
) -> None:
    """Who complies, by policy and by domain, now and in the last days."""
    found = session.client.get("governance", {"domain": domain, "policy": policy, "days": days}).body
    session.screen.one(found, lambda told: _show(session.screen, told))


@command(app, "policies")
def policies(session: Session) -> None:
    """Every policy: what it is about, and whether it is audited or enforced."""
    found = session.client.get("governance", {"days": 1}).body
    session.screen.items(found.get("policies", []), _POLICIES, "There are no policies.")
    _show_faults(session.screen, found)


@command(app, "findings")
def findings(
    session: Session,
    node: OfNode = "",
    policy: Policy = "",
    domain: Domain = "",
    verdict: Verdict = "violating",
    limit: Limit = 0,
) -> None:
    """Nodes that do not comply, and what is wrong with each."""
    query = {"node": node, "policy": policy, "domain": domain, "verdict": verdict}
    found = list(session.client.items("governance/findings", query, limit))
    if session.screen.output == "json":
        session.screen.json(found)
        return
    rows = [
        {**each, "node": f"{item.get('subscription')}/{item.get('group')}"}
        for item in found
        for each in item.get("findings", [])
    ]
    session.screen.items(rows, _FINDINGS, "There are no such findings.")


def _show(screen: Screen, found: Json) -> None:
    screen.facts([("Nodes", found.get("nodes")), ("Not judged yet", found.get("unjudged"))])
    screen.part("By policy", found.get("totals", []), _COUNTS)
    rows = [
        {**each, "domain": domain.get("domain")}
        for domain in found.get("domains", [])
        for each in domain.get("policies", [])
    ]
    screen.part("By domain", rows, (Column("DOMAIN", "domain"), *_COUNTS))
    _show_faults(screen, found)


def _show_faults(screen: Screen, found: Json) -> None:
    for fault in found.get("faults", []):
        screen.say(f"A policy cannot be used: {fault}")


def _trend(days: list[Json]) -> str:
    """From which share of compliant nodes to which, in how many days."""
    if len(days) < 2:
        return "-"
    first, last = (_share(each.get("counts", {})) for each in (days[0], days[-1]))
    return f"{first} to {last} since {days[0].get('day')}"


def _share(counts: Json) -> str:
    evaluated = counts.get("evaluated") or 0
    return f"{100 * counts.get('compliant', 0) / evaluated:.0f} %" if evaluated else "-"
