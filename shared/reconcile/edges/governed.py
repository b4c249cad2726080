"""What an enforced policy withholds: new edges of a node that violates it. What is connected stays connected."""

from collections.abc import Iterable

from shared.domain.conditions import CONNECTED, Finding
from shared.domain.edge import EdgeRecord
from shared.domain.errors import Terminal
from shared.domain.governance_shown import told
from shared.domain.node import NodeRecord
from shared.reconcile.edges.planner import ROUTED

POLICY_ENFORCED = "PolicyEnforced"


def check_governed(nodes: Iterable[NodeRecord | None]) -> None:
    """Raises Terminal (`PolicyEnforced`) where one of the nodes violates an enforced policy."""
    if message := _withheld(nodes):
        raise Terminal(POLICY_ENFORCED, message)


def held_back(record: EdgeRecord, nodes: Iterable[NodeRecord | None]) -> tuple[Finding, ...]:
    """Why an edge that was approved is not made yet; nothing for one that has been Active, or has something already."""
    if record.active_at or record.owned or record.operation or record.state in ("Active", "Expiring"):
        return ()
    message = _withheld(nodes)
    if not message:
        return ()
    return tuple(
        Finding(kind, "PolicyEnforced", message, "error", waiting=True) for kind in (ROUTED, CONNECTED)
    )


def _withheld(nodes: Iterable[NodeRecord | None]) -> str:
    """The first violation of an enforced policy."""
    for node in nodes:
        for standing in node.standings if node else ():
            if node and standing.withholds:
                return f"{node.key} gets no new edges until it complies. {told(standing)}"
    return ""
