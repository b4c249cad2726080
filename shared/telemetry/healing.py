"""Activity-log records that say somebody took away, or retagged, what the mesh keeps in order.

They only name a key to look at. Operation names are those of Azure's resource provider operations;
the activity log writes them in capitals when it streams (recorded).
"""

from shared.domain.ids import NodeKey

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
_LONGEST_ID = 2048  # characters; no id of Azure is as long
# One operation is logged when it starts, when it is accepted and when it ends; only its end is of interest.
_NOT_DONE = frozenset({"start", "started", "accept", "accepted", "failure", "failed"})


def key_of_operation(resource: str, operation: str, result: str) -> NodeKey | None:
    """The group that an operation was done in, whether or not it is a node: a hub's group is none.

    An id so long that nobody could look at it names nothing.
    """
    done = operation.lower() in _OPERATIONS and result.lower() not in _NOT_DONE
    if not done or len(resource) > _LONGEST_ID:
        return None
    return NodeKey.containing(resource)
