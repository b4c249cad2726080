"""Following a long operation that a record holds."""

from datetime import datetime, timedelta

import msgspec

from shared.domain.errors import NotFound, Terminal
from shared.domain.mesh import Timing
from shared.domain.plan import Operation, OperationStatus
from shared.ports import ResourceManager
from shared.reconcile.act import poll_at

OPERATION_AGE = timedelta(hours=1)


async def status_of(arm: ResourceManager, operation: Operation) -> OperationStatus | None:
    """None where Azure has forgotten the operation, or never tells: the look that follows shows the truth."""
    try:
        return await arm.get_operation(operation.url)
    except (NotFound, Terminal):
        return None


def going_on(
    operation: Operation, status: OperationStatus | None, now: datetime, timing: Timing
) -> Operation | None:
    """The operation with the time of the next poll; None where it has ended, or nobody believes in its end."""
    if status is None or status.state != "Running" or now - operation.started_at >= OPERATION_AGE:
        return None
    return msgspec.structs.replace(operation, poll_at=poll_at(now, status.retry_after, timing))
