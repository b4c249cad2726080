"""Examples for the description of the HTTP API; a test holds each against its type."""

import msgspec

from functions.bodies import Decision, EdgeAsk, Extension, Move

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
    Move: Move("westeurope-2"),
}
