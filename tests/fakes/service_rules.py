"""The pretended Resource Manager changes service endpoints of subnets and network rules of services."""

from collections.abc import Callable

from shared.domain.errors import error_for
from shared.domain.ids import normal_id, type_of
from shared.domain.plan import Accepted
from shared.domain.private_link import NetworkRules
from tests.fakes.calls import FakeCalls, absent
from tests.fakes.services import SERVICE_OF_TYPE
from tests.fakes.state import SubnetState, network_part


class FakeServiceRules(FakeCalls):
    """ServiceRules over a Cloud."""

    async def add_service_endpoint(self, subnet: str, service: str) -> Accepted:
        with await self._call("add_service_endpoint", write=True):
            found = self.cloud.subnet_of(subnet)
            if found is None:
                raise absent(subnet)
            if _named(found, service):
                return Accepted()
            return self._change(found, lambda: found.service_endpoints.append(service))

    async def remove_service_endpoint(self, subnet: str, service: str) -> Accepted:
        with await self._call("remove_service_endpoint", write=True):
            found = self.cloud.subnet_of(subnet)
            spelled = _named(found, service) if found else None
            if found is None or spelled is None:
                return Accepted()
            return self._change(found, lambda: found.service_endpoints.remove(spelled))

    async def get_network_rules(self, target: str) -> NetworkRules | None:
        with await self._call("get_network_rules"):
            self._existing(target)
            if not self.cloud.has_firewall(target):
                return None
            firewall = self.cloud.firewall_of(target)
            return NetworkRules(tuple(firewall.subnets.values()), firewall.open)

    async def add_network_rule(self, target: str, subnet: str) -> Accepted:
        with await self._call("add_network_rule", write=True):
            self._existing(target)
            self._refuse_while_deleting(target)
            self._check_rule(target, subnet)
            self.cloud.admit(target, subnet)
            return Accepted()

    async def remove_network_rule(self, target: str, subnet: str) -> Accepted:
        with await self._call("remove_network_rule", write=True):
            if self.cloud.exists(target):
                self._refuse_while_deleting(target)
                self.cloud.firewall_of(target).subnets.pop(normal_id(subnet), None)
            return Accepted()

    def _change(self, subnet: SubnetState, finish: Callable[[], None]) -> Accepted:
        network = network_part(subnet.id)
        self._refuse_while_deleting(network)
        self._refuse_while_running(network)
        return self._accept([network], finish, lambda: None)

    def _check_rule(self, target: str, subnet: str) -> None:
        service = SERVICE_OF_TYPE.get(type_of(target))
        if service is None:
            raise error_for(400, "NoNetworkRules", f"{type_of(target)} has no network rules.", target=target)
        found = self.cloud.subnet_of(subnet)
        if found is None or _named(found, service) is None:
            message = f"SubnetsHaveNoServiceEndpointsConfigured: {subnet} lacks {service}."
            raise error_for(400, "NetworkAclsValidationFailure", message, target=target)


def _named(subnet: SubnetState, service: str) -> str | None:
    return next((s for s in subnet.service_endpoints if s.lower() == service.lower()), None)
