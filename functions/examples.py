"""Examples for the description of the HTTP API; a test holds each against its type."""

from datetime import UTC, datetime

import msgspec

from functions.bodies import Decision, EdgeAsk, Extension, Move, SilenceAsk

_MESH = "b0000000-0000-4000-8000-000000000001"

EXAMPLES: dict[type[msgspec.Struct], msgspec.Struct] = {
    EdgeAsk: EdgeAsk(
        consumer=f"{_MESH}/marketing",
        provider=f"{_MESH}/sales",
        interface="sql",
        target=f"/subscriptions/{_MESH}/resourceGroups/sales/providers/Microsoft.Sql/servers/sales-orders",
        purpose="Weekly report of orders by campaign",
        gigabytes=40.0,
        lease_days=90,
    ),
    Decision: Decision("Agreed with the owner of the product."),
    Extension: Extension("The report runs for another quarter.", 90),
    SilenceAsk: SilenceAsk(
        node=f"{_MESH}/sales",
        rule="sql-deadlocks",
        until=datetime(2026, 12, 24, 18, 0, tzinfo=UTC),
        reason="The year's last load runs in one transaction.",
    ),
    Move: Move("westeurope-2"),
}
