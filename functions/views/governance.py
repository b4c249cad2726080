"""Governance: which policies there are and how the mesh stands towards them, for people."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta

import msgspec

from shared.domain.governance import Policies, Policy, Standing
from shared.domain.governance_report import (
    Cell,
    NodeFindings,
    NodeGovernance,
    Tally,
    Trend,
    added_up,
    tallied,
)
from shared.domain.node import NodeRecord


class TallyView(msgspec.Struct, frozen=True):
    """Nodes that a policy was evaluated for, by what came of it."""

    evaluated: int
    compliant: int
    violating: int
    exempt: int
    unknown: int


class DayView(msgspec.Struct, frozen=True):
    """What was counted last on a day."""

    day: date
    counts: TallyView


class PolicyCounts(msgspec.Struct, frozen=True):
    """One policy in one domain, now and day by day, the oldest first; days on which nothing ran are left out."""

    policy: str
    counts: TallyView
    trend: list[DayView]


class DomainView(msgspec.Struct, frozen=True):
    """One domain; nodes that name none have the empty one."""

    domain: str
    nodes: int
    policies: list[PolicyCounts]


class PolicyItem(msgspec.Struct, frozen=True):
    """One policy, in the mesh's version or in that of a domain; `source` is its file and line."""

    name: str
    title: str
    kind: str
    mode: str
    severity: str
    domain: str
    description: str
    remedy: str
    exemptions: int
    source: str


class GovernanceView(msgspec.Struct, frozen=True):
    """The whole mesh: policies, and counts by policy and by domain.

    `unjudged` nodes were not looked at since this version judges them. `faults` are policies that cannot be used, with
    file and line: what is known of them is kept meanwhile.
    """

    nodes: int
    unjudged: int
    policies: list[PolicyItem]
    totals: list[PolicyCounts]
    domains: list[DomainView]
    faults: tuple[str, ...]


class FindingView(msgspec.Struct, frozen=True):
    """How a node stands towards one policy. `findings` counts what is wrong, `resources` are the first concerned.

    `until` is the last day of an exemption; `kept` says that the policy cannot be read and this is what was known.
    """

    policy: str
    verdict: str
    mode: str
    severity: str
    message: str
    findings: int
    resources: tuple[str, ...]
    since: datetime | None
    until: date | None
    kept: bool


class NodeFindingsItem(msgspec.Struct, frozen=True):
    """One node that does not comply with everything."""

    subscription: str
    group: str
    state: str
    product: str
    domain: str
    findings: list[FindingView]


def governance_view(
    policies: Policies,
    nodes: Sequence[NodeGovernance],
    trends: Iterable[Trend],
    policy: str,
    days: int,
    now: datetime,
) -> GovernanceView:
    """The report; today's counts are those of now."""
    tallies = {cell: t for cell, t in tallied(nodes).items() if policy in ("", cell.policy)}
    past = {trend.cell: trend.days for trend in trends if policy in ("", trend.cell.policy)}
    shown = _Days(tallies, past, now.date(), days)
    spelled: dict[str, str] = {}
    numbers: dict[str, int] = {}
    for node in nodes:
        spelled.setdefault(node.domain.casefold(), node.domain)
        numbers[node.domain.casefold()] = numbers.get(node.domain.casefold(), 0) + 1
    domains = sorted({*numbers, *(cell.domain for cell in past)})
    names = sorted({cell.policy for cell in (*tallies, *past)})
    return GovernanceView(
        nodes=len(nodes),
        unjudged=sum(node.verdicts is None for node in nodes),
        policies=[policy_item(p) for p in policies.items if policy in ("", p.name)],
        totals=[shown.counts(name, domains) for name in names],
        domains=[
            DomainView(
                spelled.get(domain, domain),
                numbers.get(domain, 0),
                [shown.counts(name, [domain]) for name in names if shown.has(domain, name)],
            )
            for domain in domains
        ],
        faults=policies.faults,
    )


class _Days(msgspec.Struct, frozen=True):
    """What is counted now, and what was on the days before."""

    tallies: Mapping[Cell, Tally]
    past: Mapping[Cell, Mapping[str, Tally]]
    today: date
    days: int

    def has(self, domain: str, policy: str) -> bool:
        cell = Cell(domain, policy)
        return cell in self.tallies or cell in self.past

    def counts(self, policy: str, domains: Sequence[str]) -> PolicyCounts:
        """A policy in some domains, added up."""
        cells = [Cell(domain, policy) for domain in domains if self.has(domain, policy)]
        now = added_up(self.tallies[c] for c in cells if c in self.tallies)
        first = (self.today - timedelta(days=self.days - 1)).isoformat()
        named = sorted(
            {day for c in cells for day in self.past.get(c, {}) if first <= day < self.today.isoformat()}
        )
        trend = [
            DayView(date.fromisoformat(day), tally_view(added_up(self._on(day, cells)))) for day in named
        ]
        return PolicyCounts(policy, tally_view(now), [*trend, DayView(self.today, tally_view(now))])

    def _on(self, day: str, cells: Iterable[Cell]) -> list[Tally]:
        return [tally for c in cells if (tally := self.past.get(c, {}).get(day))]


def tally_view(tally: Tally) -> TallyView:
    """Counts for people."""
    return TallyView(tally.evaluated, tally.compliant, tally.violating, tally.exempt, tally.unknown)


def policy_item(policy: Policy) -> PolicyItem:
    """A policy for the list."""
    return PolicyItem(
        policy.name,
        policy.title,
        policy.kind,
        policy.mode,
        policy.severity,
        policy.domain,
        policy.description,
        policy.remedy,
        len(policy.exemptions),
        policy.source,
    )


def finding_view(standing: Standing) -> FindingView:
    """One standing."""
    return FindingView(
        standing.policy,
        standing.verdict,
        standing.mode,
        standing.severity,
        standing.message,
        standing.findings,
        standing.resources,
        standing.since,
        standing.until,
        standing.kept,
    )


def findings_item(node: NodeFindings) -> NodeFindingsItem:
    """A node for the list."""
    return NodeFindingsItem(
        node.key.subscription,
        node.key.group,
        node.state,
        node.product,
        node.domain,
        [finding_view(s) for s in node.standings],
    )


def findings_in(record: NodeRecord, verdict: str, policy: str) -> list[NodeFindingsItem]:
    """One node, where it has standings with that verdict."""
    found = tuple(s for s in record.standings if s.verdict == verdict and policy in ("", s.policy))
    node = NodeFindings(
        key=record.key, state=record.state, product=record.product, domain=record.domain, standings=found
    )
    return [findings_item(node)] if found else []
