"""How a node stands towards policies, as columns of its row: to be counted, and found by verdict, policy and domain."""

from collections import Counter

import msgspec

from shared.adapters.tables.documents import columns, packed, unpacked
from shared.adapters.tables.table import Entity
from shared.domain.governance import VERDICTS, Standing, Verdict
from shared.domain.governance_report import NodeFindings, NodeGovernance
from shared.domain.ids import NodeKey
from shared.domain.node import NodeRecord

_STANDINGS = "standings"
_POLICY = "policy_"
COUNTED = ["domain", "governance"]
FOUND = ["state", "product", "domain", *columns(_STANDINGS)]


def standing_columns(record: NodeRecord) -> dict[str, object]:
    """Every verdict, and what the node does not comply with. What is not there has no column."""
    found = [s for s in record.standings if s.verdict != "compliant"]
    entity: dict[str, object] = {
        "domain_key": record.domain.casefold(),
        "governance": msgspec.json.encode({s.policy: s.verdict for s in record.standings}).decode(),
    }
    if found:
        entity |= Counter(s.verdict for s in found)
        entity |= {_column(s.policy): s.verdict for s in found}
        entity |= packed(msgspec.json.encode(found), _STANDINGS)
    return entity


def found_columns(row: Entity) -> Entity:
    """What a row of a node that does not comply is set apart by; nothing of one that does."""
    if f"{_STANDINGS}00" not in row:
        return {}
    names = {"state", "product", "domain", "domain_key", *VERDICTS, *columns(_STANDINGS)}
    return {name: value for name, value in row.items() if name in names or name.startswith(_POLICY)}


def finding_query(verdict: Verdict, policy: str, domain: str) -> tuple[str, dict[str, object]]:
    """The filter that finds nodes by their columns, and its values."""
    query = f"{_column(policy)} eq @verdict" if policy else f"{verdict} gt 0"
    values: dict[str, object] = {"verdict": verdict} if policy else {}
    if domain:
        return f"{query} and domain_key eq @domain_key", values | {"domain_key": domain.casefold()}
    return query, values


def governance_of(key: NodeKey, row: Entity) -> NodeGovernance:
    """The verdicts that a row shows; a row from before there were any has none."""
    verdicts = row.get("governance")
    found = msgspec.json.decode(verdicts, type=dict[str, Verdict]) if isinstance(verdicts, str) else None
    return NodeGovernance(key=key, domain=str(row.get("domain") or ""), verdicts=found)


def findings_of(key: NodeKey, row: Entity, verdict: Verdict, policy: str) -> NodeFindings:
    """Of what a row shows, what has the verdict."""
    found = msgspec.json.decode(unpacked(row, _STANDINGS), type=tuple[Standing, ...])
    fields = {
        "key": msgspec.to_builtins(key),
        "standings": msgspec.to_builtins(
            tuple(s for s in found if s.verdict == verdict and policy in ("", s.policy))
        ),
        **{name: row.get(name) for name in ("state", "product", "domain")},
    }
    return msgspec.convert(fields, NodeFindings)


def _column(policy: str) -> str:
    """The column of a policy: its name has letters, digits and hyphens, of which a column takes no hyphens."""
    return f"{_POLICY}{policy.replace('-', '_')}"
