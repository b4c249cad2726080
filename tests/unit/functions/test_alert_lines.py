"""The alerts about Meshplane itself look for lines that it logs."""

import logging
import re
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from shared.adapters.arm.translate import answer_error
from shared.domain.edge import EdgeRecord, EdgeRequest
from shared.domain.ids import EdgeKey, NodeKey
from shared.domain.node import NodeRecord
from tests.support.mesh import SUBSCRIPTION, InMemoryMesh
from tests.unit.reconcile.test_doctor import doctor

ROOT = Path(__file__).resolve().parents[3]
ALERTS = ROOT / "infra" / "alerts"
SAID = re.compile(r"Line (?:startswith|has) '([^']+)'")


@pytest.mark.parametrize("alert", ["dead-letters", "overdue", "throttled"])
def test_what_an_alert_looks_for_stands_in_the_code(alert: str) -> None:
    sources = "\n".join(
        p.read_text() for room in ("functions", "shared") for p in (ROOT / room).rglob("*.py")
    )
    sought = SAID.findall((ALERTS / f"{alert}.kql").read_text())
    assert sought
    assert [text for text in sought if text not in sources] == []


def test_a_429_is_logged_with_its_code(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        answer_error(429, {}, '{"error": {"code": "OperationNotAllowed", "message": "later"}}', "/t")
        answer_error(409, {}, "", "/t")
    assert [r.getMessage() for r in caplog.records] == ["Resource Manager asks to wait: OperationNotAllowed"]


@pytest.mark.parametrize(("minutes", "late"), [(4, 0), (6, 5), (20, 15), (90, 60)])
async def test_the_oldest_due_key_says_how_late_the_app_is(minutes: int, late: int) -> None:
    mesh = InMemoryMesh()
    due = mesh.clock.now() - timedelta(minutes=minutes)
    await mesh.nodes.save(NodeRecord(key=NodeKey.of(SUBSCRIPTION, "sales"), next_due=due))
    assert await doctor(mesh).overdue() == timedelta(minutes=late)


async def test_an_edge_that_is_overdue_counts_as_well() -> None:
    mesh = InMemoryMesh()
    now = mesh.clock.now()
    consumer, provider = NodeKey.of(SUBSCRIPTION, "sales"), NodeKey.of(SUBSCRIPTION, "reports")
    request = EdgeRequest(consumer=consumer, provider=provider, interface="peering")
    key = EdgeKey("00000000-0000-0000-0000-000000000001")
    record = EdgeRecord(key=key, request=request, state="Active", requested_by="x", requested_at=now)
    await mesh.edges.save(replace(record, next_due=now - timedelta(hours=2)))
    assert await doctor(mesh).overdue() == timedelta(hours=1)
