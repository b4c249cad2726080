"""Records that the suites store."""

from datetime import UTC, datetime, timedelta

from shared.domain.conditions import READY, Condition
from shared.domain.diagnostics import Selection
from shared.domain.ids import NodeKey
from shared.domain.network import PeeringFlags
from shared.domain.node import Coverage, HistoryEntry, Lease, NodeRecord
from shared.domain.plan import Operation, Plan, PutPeering, PutSetting
from shared.ports import DeadLetter

SUBSCRIPTION = "5e0bf1f4-1c5a-4c8e-9a52-5f1f6d2f0a11"
OTHER_SUBSCRIPTION = "9b0bf1f4-1c5a-4c8e-9a52-5f1f6d2f0a22"
NOW = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)


def key(name: str, subscription: str = SUBSCRIPTION) -> NodeKey:
    return NodeKey.of(subscription, name)


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def full_record(name: str = "sales-(eu)_1.x") -> NodeRecord:
    """A record with every kind of field set."""
    group = key(name).group_id
    network = f"{group}/providers/Microsoft.Network/virtualNetworks/net"
    peering = PutPeering(f"{network}/virtualNetworkPeerings/p", network, PeeringFlags(), "missing", sync=True)
    setting = PutSetting(network, "mesh", "/workspace", Selection(groups=frozenset({"allLogs"})), "missing")
    return NodeRecord(
        key=key(name),
        generation=7,
        observed_generation=6,
        next_due=after(60),
        touched=(network,),
        cause="événement ✓",
        lease=Lease("worker-1", after(30)),
        state="Ready",
        product="sales",
        domain="commerce",
        environment="prod",
        network="hub",
        conditions=(Condition(READY, "True", "Converged", since=NOW),),
        owned=(peering.id,),
        coverage=(Coverage(network, "covered", NOW, owned=True),),
        plan=Plan(network=(peering,), settings=(setting,), made_at=NOW),
        operation=Operation("https://management.test/o/1", peering.id, NOW, after(10)),
        first_seen=NOW,
        ready_at=after(5),
    )


def entry(seconds: float, name: str = "sales") -> HistoryEntry:
    return HistoryEntry(
        at=after(seconds),
        key=str(key(name)),
        cause="event",
        outcome=f"outcome {seconds}",
        changes=("a: 1 -> 2",),
    )


def letter(number: int, body: bytes = b"{}", kind: str = "event") -> DeadLetter:
    if kind == "event":
        return DeadLetter(
            id=f"event/{number}?#", kind="event", at=after(number), reason="broken", source="test", body=body
        )
    return DeadLetter(
        id=f"{kind}/{number}", kind="key", at=after(number), reason="spent", source="test", body=body
    )
