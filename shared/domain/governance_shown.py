"""What a node shows of its standings: a condition, and what keeps it from being Ready. Pure."""

from collections.abc import Iterable, Sequence

from shared.domain.conditions import Condition, Finding, Severity
from shared.domain.governance import GOVERNED, POLICY_VIOLATED, Standing

MOST_TOLD = 5
"""Policies of which one message tells."""


def withheld(standings: Iterable[Standing]) -> tuple[Finding, ...]:
    """What keeps a node from being Ready: a finding for each enforced policy that it violates."""
    return tuple(
        Finding(GOVERNED, POLICY_VIOLATED, told(standing), "error")
        for standing in standings
        if standing.withholds
    )


def governed(standings: Sequence[Standing]) -> tuple[Condition, ...]:
    """The condition of a node that policies apply to; it alone never keeps one from being Ready."""
    if not standings:
        return ()
    violated = [s for s in standings if s.verdict == "violating"]
    violated.sort(key=lambda s: not s.withholds)
    unknown = [s for s in standings if s.verdict == "unknown"]
    exempt = [s for s in standings if s.verdict == "exempt"]
    if violated:
        severity: Severity = "error" if violated[0].withholds else "warning"
        return (Condition(GOVERNED, "False", POLICY_VIOLATED, _told(violated), severity),)
    if unknown:
        return (Condition(GOVERNED, "Unknown", "PolicyUnknown", _told(unknown)),)
    return (Condition(GOVERNED, "True", "Exempt" if exempt else "AsWanted", _told(exempt)),)


def told(standing: Standing) -> str:
    """One standing as a sentence: policy, what is wrong with what, and what to do."""
    mode = ", enforced" if standing.withholds else ""
    kept = " The policy cannot be read at present: see GET /api/health." if standing.kept else ""
    return f"Policy {standing.policy}{mode}: {standing.message}{kept}"


def _told(standings: Sequence[Standing]) -> str:
    more = len(standings) - MOST_TOLD
    rest = [f"{more} more policies likewise."] if more > 0 else []
    return " ".join([*(told(s) for s in standings[:MOST_TOLD]), *rest])
