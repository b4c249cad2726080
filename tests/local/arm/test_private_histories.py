"""Random sequences of writes to endpoints, zone groups and services: after each, both sides and the zone agree."""

from typing import ClassVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from local.arm.clock import ManualClock
from local.arm.documents import JsonObject, object_in, objects_in, text_in
from local.arm.errors import ArmError
from local.arm.messages import ANONYMOUS, ArmRequest, ArmResponse
from local.arm.operations import OperationsMode
from local.arm.providers import mount
from local.arm.providers.private_link_targets.connections import COLLECTION, endpoint_of, status_of
from local.arm.resource_manager import ResourceManager
from local.arm.routing import Router
from local.arm.store import Resource
from tests.local.arm.private_link import ZONE, zone_group_body
from tests.support.local_arm import NETWORK, group_path, network_path, resource_path

ENDPOINTS = st.sampled_from(["a", "b", "c"])
ACCOUNTS = st.sampled_from(["lake", "pond"])
PAUSES = st.sampled_from([5, 5, 1])
SUBNET = network_path("edge", "spoke") + "/subnets/ends"
EXPECTED = {
    "AnotherOperationInProgress",
    "InvalidResourceReference",
    "InUseSubnetCannotBeDeleted",
    "InvalidValuesForRequestParameters",
    "NotFound",
    "ParentResourceNotFound",
    "PrivateEndpointPropertyCannotBeChanged",
    "ResourceNotFound",
    "SubnetIsFull",
}


class Histories(RuleBasedStateMachine):
    """Three endpoints compete for two free addresses; operations take 5 s, and pauses are sometimes shorter."""

    refusals: ClassVar[set[str]] = set()

    def __init__(self) -> None:
        super().__init__()
        self.clock = ManualClock()
        self.manager = ResourceManager(clock=self.clock)
        self.manager.operations.mode = OperationsMode(advance="after-seconds", amount=5)
        self.router = Router()
        mount(self.router, self.manager)

    def call(self, method: str, path: str, body: JsonObject | None = None) -> None:
        self.manager.operations.settle()
        handler, parameters = self.router.find(method, path)
        request = ArmRequest(
            method=method,
            path=path,
            query={"api-version": NETWORK},
            headers={},
            body=body,
            principal=ANONYMOUS,
            request_id="",
            correlation_id="",
            base_url="https://localhost",
            url=path,
            time=self.clock.now(),
            parameters=parameters,
        )
        try:
            assert isinstance(handler(request), ArmResponse)
        except ArmError as refused:
            self.refusals.add(refused.code)
            if refused.code not in EXPECTED:
                raise

    @initialize()
    def place(self) -> None:
        """A subnet of six addresses, of which one is held by an interface of somebody else's."""
        self.call("PUT", group_path("edge"), {"location": "westeurope"})
        properties: JsonObject = {
            "addressSpace": {"addressPrefixes": ["10.1.0.0/16"]},
            "subnets": [{"name": "ends", "properties": {"addressPrefix": "10.1.0.0/29"}}],
        }
        network: JsonObject = {"location": "westeurope", "properties": properties}
        self.call("PUT", network_path("edge", "spoke"), network)
        self.call("PUT", ZONE, {"location": "global"})
        self.clock.advance(5)
        configuration: JsonObject = {"name": "ip", "properties": {"subnet": {"id": SUBNET}}}
        nic: JsonObject = {"location": "westeurope", "properties": {"ipConfigurations": [configuration]}}
        self.call("PUT", resource_path("edge", "Microsoft.Network/networkInterfaces/own"), nic)
        self.put_account("lake")

    @rule(account=ACCOUNTS)
    def put_account(self, account: str) -> None:
        self.call("PUT", _account(account), {"location": "westeurope", "properties": {}})
        self.clock.advance(5)

    @rule(account=ACCOUNTS)
    def delete_account(self, account: str) -> None:
        self.call("DELETE", _account(account))

    @rule(name=ENDPOINTS, account=ACCOUNTS, manual=st.booleans(), pause=PAUSES)
    def put_endpoint(self, name: str, account: str, manual: bool, pause: int) -> None:
        kind = "manualPrivateLinkServiceConnections" if manual else "privateLinkServiceConnections"
        connection: JsonObject = {
            "name": "link",
            "properties": {"privateLinkServiceId": _account(account), "groupIds": ["blob"]},
        }
        body: JsonObject = {
            "location": "westeurope",
            "properties": {"subnet": {"id": SUBNET}, kind: [connection]},
        }
        self.call("PUT", _endpoint(name), body)
        self.clock.advance(pause)

    @rule(name=ENDPOINTS, pause=PAUSES)
    def delete_endpoint(self, name: str, pause: int) -> None:
        self.call("DELETE", _endpoint(name))
        self.clock.advance(pause)

    @rule(name=ENDPOINTS, pause=PAUSES)
    def put_zone_group(self, name: str, pause: int) -> None:
        self.call("PUT", _endpoint(name) + "/privateDnsZoneGroups/default", zone_group_body(ZONE))
        self.clock.advance(pause)

    @rule(name=ENDPOINTS, pause=PAUSES)
    def delete_zone_group(self, name: str, pause: int) -> None:
        self.call("DELETE", _endpoint(name) + "/privateDnsZoneGroups/default")
        self.clock.advance(pause)

    @rule(account=ACCOUNTS, status=st.sampled_from(["Approved", "Rejected"]))
    def decide(self, account: str, status: str) -> None:
        """The owner decides about the first connection."""
        for connection in self._connections(account)[:1]:
            body: JsonObject = {"properties": {"privateLinkServiceConnectionState": {"status": status}}}
            self.call("PUT", connection.id.text, body)

    @rule()
    def delete_subnet(self) -> None:
        if self.manager.store.of_type("Microsoft.Network/privateEndpoints"):
            self.call("DELETE", SUBNET)

    @invariant()
    def addresses_are_held_once(self) -> None:
        """By live interfaces, and every interface of an endpoint belongs to one that is there."""
        self.manager.operations.settle()
        addresses: list[object] = []
        for nic in self.manager.store.of_type("Microsoft.Network/networkInterfaces"):
            manager = text_in(nic.body, "managedBy")
            assert manager is None or self.manager.store.find(manager) is not None
            addresses += [
                object_in(item, "properties").get("privateIPAddress")
                for item in objects_in(nic.properties, "ipConfigurations")
            ]
        assert len(addresses) == len(set(addresses))

    @invariant()
    def both_sides_agree(self) -> None:
        """Every connection has its endpoint, which shows the same state; no endpoint has two."""
        self.manager.operations.settle()
        seen: list[str] = []
        for account in ("lake", "pond"):
            for connection in self._connections(account):
                endpoint = self.manager.store.find(endpoint_of(connection))
                assert endpoint is not None
                assert f"'status': '{status_of(connection)}'" in str(endpoint.properties)
                seen.append(endpoint.key)
        assert len(seen) == len(set(seen))

    @invariant()
    def records_have_endpoints(self) -> None:
        """What a zone group has made names an endpoint that is there."""
        self.manager.operations.settle()
        guids = {
            text_in(item.properties, "resourceGuid") or ""
            for item in self.manager.store.of_type("Microsoft.Network/privateEndpoints")
        }
        for record in self.manager.store.of_type("Microsoft.Network/privateDnsZones/A"):
            creator = text_in(object_in(record.properties, "metadata"), "creator") or ""
            assert creator.rpartition(" ")[2] in guids

    def _connections(self, account: str) -> list[Resource]:
        found = self.manager.store.find(_account(account))
        return self.manager.store.children(found.id, COLLECTION) if found else []


def _account(name: str) -> str:
    return resource_path("edge", f"Microsoft.Storage/storageAccounts/{name}")


def _endpoint(name: str) -> str:
    return resource_path("edge", f"Microsoft.Network/privateEndpoints/{name}")


@pytest.mark.timeout(120)
def test_random_private_histories() -> None:
    """100 histories of up to 30 steps, always the same ones, which between them meet the refusals that matter."""
    Histories.refusals.clear()
    chosen = settings(
        max_examples=100, stateful_step_count=30, deadline=None, derandomize=True, database=None
    )
    run_state_machine_as_test(Histories, settings=chosen)
    assert {"SubnetIsFull", "AnotherOperationInProgress", "InvalidResourceReference"} <= Histories.refusals
    assert {"InUseSubnetCannotBeDeleted", "InvalidValuesForRequestParameters"} <= Histories.refusals
