"""Activity-log records that say somebody took away, or retagged, what the mesh keeps in order.

They only name a key to look at. Operation names are those of Azure's resource provider operations;
the activity log writes them in capitals when it streams (recorded).
"""

from shared.domain.ids import NodeKey
from shared.telemetry.record import Record

_OPERATIONS = frozenset(
    {
        "microsoft.network/virtualnetworks/virtualnetworkpeerings/delete",
        "microsoft.insights/diagnosticsettings/delete",
        "microsoft.resources/tags/write",
        "microsoft.resources/tags/delete",
        "microsoft.resources/subscriptions/resourcegroups/write",
        "microsoft.resources/subscriptions/resourcegroups/delete",
    }
)
_LENGTHS = frozenset(map(len, _OPERATIONS))  # almost every record is dismissed by it, at a third of the price
# One operation is logged when it starts, when it is accepted and when it ends; only its end is of interest.
_NOT_DONE = frozenset({"start", "started", "accept", "accepted", "failure", "failed"})


def key_to_look_at(record: Record) -> NodeKey | None:
    """The group that an operation was done in, whether or not it is a node: a hub's group is none."""
    operation = record.operation_name
    if operation is None or len(operation) not in _LENGTHS:
        return None
    if operation.lower() not in _OPERATIONS or record.result.lower() in _NOT_DONE:
        return None
    return NodeKey.containing(record.resource)
