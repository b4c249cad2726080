"""Resource Manager in memory: the same refusals and states as the real one, as far as the port shows them."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.domain.calls import count_call
from shared.domain.diagnostics import Category, DiagnosticSetting, Selection
from shared.domain.errors import MeshError, NotFound, Waiting, error_for
from shared.domain.ids import NodeKey, normal_id, type_of
from shared.domain.network import PeeringFlags, VirtualNetwork
from shared.domain.plan import Accepted, OperationStatus
from shared.ports import Clock, Group, Resource
from tests.fakes import peering_rules, setting_rules
from tests.fakes.catalogue import CATEGORIES
from tests.fakes.cloud import Cloud, Network, Side

PAGE = 1000


@dataclass
class Fault:
    """Raised by the next `times` calls of one name, before or after the call took effect."""

    call: str
    error: MeshError
    after_effect: bool = False
    times: int = 1


@dataclass
class _Running:
    """A long operation: one of the two is applied at its end."""

    until: datetime
    networks: frozenset[str]
    finish: Callable[[], None]
    fail: Callable[[], None]
    failure: tuple[str, str] | None = None
    ended: bool = False


class FakeResourceManager:
    """ResourceManager over a Cloud.

    Network writes take `operation_seconds` of the clock, 0 meaning at once; while one runs, other writes to either
    of its two networks are refused as AnotherOperationInProgress, as Azure does.
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
        """Lets the next network write be accepted and fail at its end; the peering stays as it was, `Failed`."""
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

    # --- groups and resources

    async def get_group(self, key: NodeKey) -> Group:
        with await self._call("get_group"):
            return self._group(key)

    async def list_groups_with_tag(self, subscription: str, tag: str) -> Sequence[Group]:
        with await self._call("list_groups_with_tag"):
            keys = sorted(k for k in self.cloud.groups if k.subscription == subscription.lower())
            groups = [self.cloud.groups[key] for key in keys]
            return [g for g in groups if tag.lower() in {name.lower() for name in g.tags}]

    async def list_resources(self, key: NodeKey) -> Sequence[Resource]:
        with await self._call("list_resources"):
            self._group(key)
            found = [r for r in self.cloud.resources.values() if NodeKey.containing(r.id) == key]
            for _ in range(PAGE, len(found), PAGE):
                count_call(write=False)
            return found

    # --- networks

    async def list_networks(self, key: NodeKey) -> Sequence[VirtualNetwork]:
        with await self._call("list_networks"):
            self._group(key)
            found = [n for n in self.cloud.networks.values() if NodeKey.containing(n.id) == key]
            return [self.cloud.show(network) for network in found]

    async def get_network(self, network_id: str) -> VirtualNetwork:
        with await self._call("get_network"):
            network = self.cloud.networks.get(normal_id(network_id))
            if network is None:
                raise _absent(network_id)
            return self.cloud.show(network)

    async def put_peering(
        self, peering_id: str, remote_network: str, flags: PeeringFlags, *, sync: bool
    ) -> Accepted:
        with await self._call("put_peering", write=True):
            network = self._writable_network(peering_id)
            self._refuse_while_running(network.id, remote_network)
            remote = peering_rules.check(self.cloud, network, peering_id, remote_network, flags)
            side = peering_rules.begin(network, remote, peering_id, flags, sync=sync)
            return self._accept(side, lambda: peering_rules.finish(self.cloud, side, flags))

    async def delete_peering(self, peering_id: str) -> Accepted:
        with await self._call("delete_peering", write=True):
            network = self.cloud.network_of(peering_id)
            side = peering_rules.side_named(network, peering_id) if network else None
            if network is None or side is None:
                return Accepted()
            self._refuse_while_running(network.id, side.remote)
            side.provisioning = "Deleting"
            return self._accept(side, lambda: peering_rules.remove(self.cloud, side))

    async def get_operation(self, url: str) -> OperationStatus:
        with await self._call("get_operation"):
            operation = self._operations.get(url)
            if operation is None:
                raise _absent(url)
            if not operation.ended:
                left = (operation.until - self._clock.now()).total_seconds()
                return OperationStatus("Running", retry_after=left)
            if operation.failure:
                return OperationStatus("Failed", code=operation.failure[0], message=operation.failure[1])
            return OperationStatus("Succeeded")

    # --- diagnostic settings

    async def list_diagnostic_categories(self, resource: str) -> Sequence[Category]:
        with await self._call("list_diagnostic_categories"):
            self._existing(resource)
            return CATEGORIES.get(type_of(resource), ())

    async def list_diagnostic_settings(self, resource: str) -> Sequence[DiagnosticSetting]:
        with await self._call("list_diagnostic_settings"):
            self._existing(resource)
            return list(self.cloud.settings.get(normal_id(resource), {}).values())

    async def put_diagnostic_setting(
        self, resource: str, name: str, workspace: str, selection: Selection
    ) -> DiagnosticSetting:
        with await self._call("put_diagnostic_setting", write=True):
            self._existing(resource)
            self._refuse_while_deleting(resource)
            setting = DiagnosticSetting(name, selection, workspace)
            others = self.cloud.settings.get(normal_id(resource), {})
            setting_rules.check(resource, setting, tuple(others.values()))
            self.cloud.add_setting(resource, setting)
            return setting

    async def delete_diagnostic_setting(self, resource: str, name: str) -> None:
        with await self._call("delete_diagnostic_setting", write=True):
            if self.cloud.exists(resource):
                self.cloud.delete_setting(resource, name)

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

    def _accept(self, side: Side, finish: Callable[[], None]) -> Accepted:
        seconds = self.operation_seconds
        until = self._clock.now() + timedelta(seconds=seconds)
        networks = frozenset(
            {normal_id(side.id).partition("/virtualnetworkpeerings/")[0], normal_id(side.remote)}
        )
        operation = _Running(until, networks, finish, lambda: peering_rules.abandon(side), self._next_failure)
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

    def _group(self, key: NodeKey) -> Group:
        group = self.cloud.groups.get(key)
        if group is None:
            raise NotFound("ResourceGroupNotFound", f"Resource group '{key.group}' could not be found.")
        return group

    def _existing(self, resource: str) -> None:
        if not self.cloud.exists(resource):
            raise _absent(resource)

    def _writable_network(self, peering_id: str) -> Network:
        network = self.cloud.network_of(peering_id)
        if network is None:
            raise NotFound("ParentResourceNotFound", "the virtual network was not found", target=peering_id)
        self._refuse_while_deleting(network.id)
        return network

    def _refuse_while_deleting(self, resource: str) -> None:
        key = NodeKey.containing(resource)
        group = self.cloud.groups.get(key) if key else None
        if group and group.deleting:
            raise error_for(
                409, "ResourceGroupBeingDeleted", "The resource group is in deprovisioning state."
            )

    def _refuse_while_running(self, *networks: str) -> None:
        busy = {n for o in self._operations.values() if not o.ended for n in o.networks}
        for network in networks:
            if normal_id(network) in busy:
                raise Waiting(
                    "AnotherOperationInProgress", "Another operation is in progress.", target=network
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


def _absent(target: str) -> NotFound:
    return NotFound("ResourceNotFound", "The Resource was not found.", target=target)
