"""How every call of the pretended Resource Manager goes: counting, injected faults, operations that take a while."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.domain.calls import count_call
from shared.domain.errors import MeshError, NotFound, Waiting, error_for
from shared.domain.ids import NodeKey, normal_id
from shared.domain.plan import Accepted, OperationStatus
from shared.ports import Clock, Group
from tests.fakes.cloud import Cloud


@dataclass
class Fault:
    """Raised by the next `times` calls of one name, before or after the call took effect."""

    call: str
    error: MeshError
    after_effect: bool = False
    times: int = 1


@dataclass
class _Running:
    """A long operation that locks resources: one of the two is applied at its end."""

    until: datetime
    locks: frozenset[str]
    finish: Callable[[], None]
    fail: Callable[[], None]
    failure: tuple[str, str] | None = None
    ended: bool = False


class FakeCalls:
    """What the parts of the pretended Resource Manager share, over a Cloud.

    Network writes take `operation_seconds` of the clock, 0 meaning at once; while one runs, other writes to what it
    locks (a network, a zone link, a target) are refused as AnotherOperationInProgress, as Azure does.
    """

    def __init__(self, cloud: Cloud, clock: Clock, operation_seconds: float = 0.0) -> None:
        self.cloud = cloud
        self.operation_seconds = operation_seconds
        self.faults: list[Fault] = []
        self.calls: list[str] = []
        self._clock = clock
        self._operations: dict[str, _Running] = {}
        self._next_failure: tuple[str, str] | None = None

    # --- what tests arrange

    def inject(self, call: str, error: MeshError, *, after_effect: bool = False, times: int = 1) -> None:
        """Makes the next calls of a port method (or of any, `*`) raise."""
        self.faults.append(Fault(call, error, after_effect, times))

    def fail_next_operation(self, code: str, message: str = "The operation failed.") -> None:
        """Lets the next network write be accepted and fail at its end; what it wrote stays as it was, `Failed`."""
        self._next_failure = (code, message)

    def calm_down(self) -> None:
        """Nothing that was arranged happens any more."""
        self.faults.clear()
        self._next_failure = None

    def forget_operations(self) -> None:
        """Ends what runs and forgets every polling URL, as Resource Manager does after a while."""
        for operation in self._operations.values():
            self._end(operation)
        self._operations.clear()

    async def get_operation(self, url: str) -> OperationStatus:
        with await self._call("get_operation"):
            operation = self._operations.get(url)
            if operation is None:
                raise absent(url)
            if not operation.ended:
                left = (operation.until - self._clock.now()).total_seconds()
                return OperationStatus("Running", retry_after=left)
            if operation.failure:
                return OperationStatus("Failed", code=operation.failure[0], message=operation.failure[1])
            return OperationStatus("Succeeded")

    # --- how a call goes

    async def _call(self, name: str, *, write: bool = False) -> "_Call":
        await asyncio.sleep(0)
        count_call(write=write)
        self.calls.append(name)
        for operation in self._operations.values():
            if operation.until <= self._clock.now():
                self._end(operation)
        return _Call(self._take_fault(name))

    def _take_fault(self, name: str) -> Fault | None:
        fault = next((f for f in self.faults if f.call in (name, "*")), None)
        if fault:
            fault.times -= 1
            self.faults = [f for f in self.faults if f.times > 0]
        return fault

    def _accept(
        self,
        locks: Iterable[str],
        finish: Callable[[], None],
        abandon: Callable[[], None],
        failure: tuple[str, str] | None = None,
    ) -> Accepted:
        seconds = self.operation_seconds
        until = self._clock.now() + timedelta(seconds=seconds)
        locked = frozenset(map(normal_id, locks))
        operation = _Running(until, locked, finish, abandon, failure or self._next_failure)
        if seconds <= 0 and not operation.failure:
            finish()
            return Accepted()
        self._next_failure = None
        url = f"https://management.test/operations/{len(self._operations) + 1}"
        self._operations[url] = operation
        return Accepted(url, retry_after=seconds)

    def _end(self, operation: _Running) -> None:
        if operation.ended:
            return
        operation.ended = True
        if operation.failure:
            operation.fail()
        else:
            operation.finish()

    # --- what is refused

    def _group(self, key: NodeKey) -> Group:
        group = self.cloud.groups.get(key)
        if group is None:
            raise NotFound("ResourceGroupNotFound", f"Resource group '{key.group}' could not be found.")
        return group

    def _existing(self, resource: str) -> None:
        if not self.cloud.exists(resource):
            raise absent(resource)

    def _writable_group(self, resource: str) -> Group:
        """The group that a new resource comes into."""
        key = NodeKey.containing(resource)
        assert key is not None
        self._refuse_while_deleting(resource)
        return self._group(key)

    def _refuse_while_deleting(self, resource: str) -> None:
        key = NodeKey.containing(resource)
        group = self.cloud.groups.get(key) if key else None
        if group and group.deleting:
            raise error_for(
                409, "ResourceGroupBeingDeleted", "The resource group is in deprovisioning state."
            )

    def _refuse_while_running(self, *resources: str) -> None:
        busy = {lock for o in self._operations.values() if not o.ended for lock in o.locks}
        for resource in resources:
            if normal_id(resource) in busy:
                raise Waiting(
                    "AnotherOperationInProgress", "Another operation is in progress.", target=resource
                )


class _Call:
    """Raises an injected fault before the call's body, or after its effect in place of its answer."""

    def __init__(self, fault: Fault | None) -> None:
        self._fault = fault

    def __enter__(self) -> None:
        if self._fault and not self._fault.after_effect:
            raise self._fault.error

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if self._fault and self._fault.after_effect and error is None:
            raise self._fault.error


def absent(target: str) -> NotFound:
    return NotFound("ResourceNotFound", "The Resource was not found.", target=target)
