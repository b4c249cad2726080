"""Random sequences of writes to three networks: after each, both sides of every peering agree."""

from typing import ClassVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from local.arm.clock import ManualClock
from local.arm.documents import JsonObject, object_in, objects_in
from local.arm.errors import ArmError
from local.arm.ids import ResourceId
from local.arm.messages import ANONYMOUS, ArmRequest, ArmResponse
from local.arm.operations import OperationsMode
from local.arm.providers import mount
from local.arm.resource_manager import ResourceManager
from local.arm.routing import Router
from local.arm.store import Resource
from tests.support.local_arm import NETWORK, group_path, network_path

NAMES = ("hub", "one", "two")
NETWORKS = st.sampled_from(NAMES)
# Mostly long enough for an operation (5 s) to end, sometimes not.
PAUSES = st.sampled_from([5, 5, 5, 1])
# One and two overlap each other, so only one of them can be with the hub; the last prefixes are for growing.
SPACES = {
    "hub": ["10.0.0.0/16", "10.9.0.0/16"],
    "one": ["10.1.0.0/16", "10.8.0.0/16"],
    "two": ["10.1.0.0/24"],
}
PASSING = {"ReferencedResourceNotProvisioned", "AnotherOperationInProgress", "RetryableError"}
EXPECTED = PASSING | {
    "VnetAddressSpacesOverlap",
    "VnetAddressSpaceOverlapsWithAlreadyPeeredVnet",
    "RemotePeeringIsDisconnected",
    "InvalidResourceReference",
    "ResourceGroupNotFound",
    "ResourceGroupBeingDeleted",
    "ParentResourceNotFound",
    "ResourceNotFound",
}


class Histories(RuleBasedStateMachine):
    """Calls the providers without HTTP; each network lies in a group of its own."""

    refusals: ClassVar[set[str]] = set()

    def __init__(self) -> None:
        super().__init__()
        self.clock = ManualClock()
        self.manager = ResourceManager(clock=self.clock)
        self.manager.operations.mode = OperationsMode(advance="after-seconds", amount=5)
        self.router = Router()
        mount(self.router, self.manager)

    def call(self, method: str, path: str, body: JsonObject | None = None) -> ArmResponse | None:
        """The answer, or None where Azure refuses in a way that this test expects."""
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
            answer = handler(request)
        except ArmError as refused:
            self.refusals.add(refused.code)
            if refused.code not in EXPECTED:
                raise
            return None
        assert isinstance(answer, ArmResponse)
        return answer

    @initialize()
    def all_networks(self) -> None:
        for name in NAMES:
            self.put_network(name, grown=False, pause=5)

    @rule(name=NETWORKS, grown=st.booleans(), pause=PAUSES)
    def put_network(self, name: str, grown: bool, pause: int) -> None:
        self.call("PUT", group_path(name), {"location": "westeurope"})
        prefixes = SPACES[name] if grown else SPACES[name][:1]
        space: JsonObject = {"addressPrefixes": [*prefixes]}
        body: JsonObject = {"location": "westeurope", "properties": {"addressSpace": space}}
        self.call("PUT", network_path(name, name), body)
        self.clock.advance(pause)

    @rule(local=NETWORKS, remote=NETWORKS, pause=PAUSES)
    def put_peering(self, local: str, remote: str, pause: int) -> None:
        body: JsonObject = {"properties": {"remoteVirtualNetwork": {"id": network_path(remote, remote)}}}
        self.call("PUT", f"{network_path(local, local)}/virtualNetworkPeerings/to-{remote}", body)
        self.clock.advance(pause)

    @rule(remote=st.sampled_from(["one", "two"]))
    def connect(self, remote: str) -> None:
        """Both sides with the hub: random single steps alone would rarely get there."""
        self.put_peering("hub", remote, pause=5)
        self.put_peering(remote, "hub", pause=5)

    @rule(remote=st.sampled_from(["one", "two"]))
    def cut_and_make_again(self, remote: str) -> None:
        """The mistake that many tools make: only the deleted side is made again."""
        self.delete_peering(remote, "hub", pause=5)
        self.put_peering(remote, "hub", pause=5)

    @rule(local=NETWORKS, remote=NETWORKS, pause=PAUSES)
    def delete_peering(self, local: str, remote: str, pause: int) -> None:
        self.call("DELETE", f"{network_path(local, local)}/virtualNetworkPeerings/to-{remote}")
        self.clock.advance(pause)

    @rule(name=NETWORKS)
    def delete_network(self, name: str) -> None:
        self.call("DELETE", network_path(name, name))

    @rule(name=NETWORKS)
    def delete_group(self, name: str) -> None:
        self.call("DELETE", group_path(name))

    @rule()
    def wait(self) -> None:
        self.clock.advance(5)

    @invariant()
    def sides_agree(self) -> None:
        """Connected means connected on both sides; Initiated and Disconnected mean alone or the other is too."""
        self.manager.operations.settle()
        for peering in self.manager.store.of_type("Microsoft.Network/virtualNetworks/virtualNetworkPeerings"):
            state = peering.properties["peeringState"]
            back = self._reciprocal(peering)
            if state == "Connected":
                assert back is not None
                assert back.properties["peeringState"] == "Connected"
            else:
                assert back is None

    @invariant()
    def no_network_has_overlapping_neighbours(self) -> None:
        """One and two overlap, so the hub is never peered with both."""
        self.manager.operations.settle()
        hub = ResourceId.parse(network_path("hub", "hub"))
        assert hub is not None
        assert len(self.manager.store.children(hub, "virtualNetworkPeerings")) <= 1

    @invariant()
    def inline_and_single_reads_agree(self) -> None:
        """A peering read alone is the same as inline in its network, etag included."""
        for name in NAMES:
            network = self.call("GET", network_path(name, name))
            body = network.body if network and network.body else {}
            for inline in objects_in(object_in(body, "properties"), "virtualNetworkPeerings"):
                single = self.call("GET", str(inline["id"]))
                assert single is not None
                assert single.body == inline
                assert inline["etag"] == body["etag"]

    def _reciprocal(self, peering: Resource) -> Resource | None:
        remote = object_in(peering.properties, "remoteVirtualNetwork")["id"]
        parent = peering.id.parent
        assert parent is not None
        other = ResourceId.parse(str(remote))
        assert other is not None
        for candidate in self.manager.store.children(other, "virtualNetworkPeerings"):
            back = object_in(candidate.properties, "remoteVirtualNetwork")["id"]
            if str(back).lower() == parent.key:
                return candidate
        return None


@pytest.mark.timeout(120)
def test_random_histories() -> None:
    """120 histories of up to 30 steps, always the same ones, which between them meet the refusals that matter."""
    Histories.refusals.clear()
    chosen = settings(
        max_examples=120, stateful_step_count=30, deadline=None, derandomize=True, database=None
    )
    run_state_machine_as_test(Histories, settings=chosen)
    assert {"VnetAddressSpaceOverlapsWithAlreadyPeeredVnet", "VnetAddressSpacesOverlap"} <= Histories.refusals
    assert {"RemotePeeringIsDisconnected", "ReferencedResourceNotProvisioned"} <= Histories.refusals
