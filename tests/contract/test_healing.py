"""The healer against the local Resource Manager: what Azure refuses of a repair, the local one refuses as well."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import pytest

from local.arm.documents import JsonObject
from local.arm.ids import ResourceId
from local.arm.store import Resource
from shared.adapters.arm.resource_manager import ArmResourceManager
from shared.domain.ids import NodeKey
from shared.domain.naming import hub_peering_name, spoke_peering_name
from shared.domain.network import Hub, PeeringFlags, hub_flags, spoke_flags
from shared.domain.plan import DeletePeering, PutPeering
from shared.reconcile.healer import heal, left_alone
from shared.reconcile.pair import Pair, Side, sides_of
from shared.reconcile.steps import write
from tests.contract.conftest import SCOPE
from tests.support.local_arm import NETWORK, SUBSCRIPTION, LocalArm, network_path
from tests.support.peering_states import STALE, State, flags_of, states
from tests.support.rights import CREDENTIAL, guarded_arm

KEY = NodeKey.of(SUBSCRIPTION, "sales")
HUB, SPOKE = network_path("hub", "hub"), network_path("sales", "net")
PEERINGS = "Microsoft.Network/virtualNetworks/virtualNetworkPeerings"
SAMPLE = 40
PASSES = 3


@dataclass
class Azure:
    """A hub with a gateway and a node's network, in the local Resource Manager."""

    arm: LocalArm
    port: ArmResourceManager
    hub: Hub

    def arrange(self, on_hub: State | None, on_spoke: State | None) -> None:
        """Puts both sides into a state, whatever they were in before."""
        store = self.arm.manager.store
        for network in (HUB, SPOKE):
            for peering in store.children(_id(network), "virtualNetworkPeerings"):
                store.remove(peering.key)
        names = hub_peering_name("m", KEY, SPOKE), spoke_peering_name("m", HUB)
        wanted = hub_flags(self.hub), spoke_flags(self.hub)
        self._place(HUB, SPOKE, names[0], wanted[0], on_hub, "10.1.0.0/16")
        self._place(SPOKE, HUB, names[1], wanted[1], on_spoke, "10.0.0.0/16")

    def _place(
        self, local: str, remote: str, name: str, wanted: PeeringFlags, state: State | None, prefix: str
    ) -> None:
        if state is None:
            return
        flags = flags_of(state, wanted, on_hub=local == HUB)
        path = f"{local}/virtualNetworkPeerings/{name if state.owned else 'theirs'}"
        properties: JsonObject = {
            "remoteVirtualNetwork": {"id": remote},
            "remoteAddressSpace": {"addressPrefixes": [prefix if state.synced else STALE[0]]},
            "peeringState": state.state,
            "provisioningState": state.provisioning,
            "allowVirtualNetworkAccess": flags.allow_virtual_network_access,
            "allowForwardedTraffic": flags.allow_forwarded_traffic,
            "allowGatewayTransit": flags.allow_gateway_transit,
            "useRemoteGateways": flags.use_remote_gateways,
        }
        placed = Resource(id=_id(path), type=PEERINGS, body={"properties": properties})
        self.arm.manager.store.put(placed)

    async def pair(self) -> Pair:
        networks = (await self.port.get_network(HUB), await self.port.get_network(SPOKE))
        return sides_of("m", KEY, self.hub, *networks)


def _id(path: str) -> ResourceId:
    parsed = ResourceId.parse(path)
    assert parsed is not None
    return parsed


@asynccontextmanager
async def azure(folder: Path, *, gateway: bool) -> AsyncIterator[Azure]:
    async with guarded_arm(folder) as arm:
        port = ArmResourceManager(arm.url, CREDENTIAL, SCOPE, ca_file=str(arm.ca_file))
        try:
            for group, name, prefix in (("hub", "hub", "10.0.0.0/16"), ("sales", "net", "10.1.0.0/16")):
                await arm.make_group(group)
                await arm.make_network(group, name, prefix)
            await _gateway(arm)
            yield Azure(arm, port, Hub("hub", HUB, "/workspace", gateway=gateway))
        finally:
            await port.close()


async def _gateway(arm: LocalArm) -> None:
    subnet = f"{HUB}/subnets/GatewaySubnet"
    await arm.call("PUT", subnet, {"properties": {"addressPrefix": "10.0.0.0/27"}}, version=NETWORK)
    configuration = {"name": "c", "properties": {"subnet": {"id": subnet}}}
    await arm.make(
        "hub",
        "Microsoft.Network/virtualNetworkGateways/gateway",
        properties={"ipConfigurations": [configuration]},
    )


async def healed(there: Azure) -> int:
    """How many passes wrote something until nothing was left to write; fails on a write to a foreign side."""
    for done in range(PASSES + 1):
        pair = await there.pair()
        steps = heal(pair)
        if not steps:
            _check(pair)
            return done
        foreign = {side.id for side in pair if not side.owned}
        for step in steps:
            assert isinstance(step, PutPeering | DeletePeering)
            assert step.id not in foreign
            await _ended(there, (await write(there.port, step)).url)
    pytest.fail(f"still {[s.why for s in heal(await there.pair())]} after {PASSES} passes")


async def _ended(there: Azure, url: str) -> None:
    while url and (await there.port.get_operation(url)).state == "Running":
        continue


def _check(pair: Pair) -> None:
    if left_alone(pair):
        return
    for side in pair:
        assert _shown(side) == ("Connected", "FullyInSync")


def _shown(side: Side) -> tuple[str, str]:
    return (side.actual.state, side.actual.sync_level) if side.actual else ("missing", "")


@pytest.mark.parametrize("gateway", [False, True])
async def test_a_sample_of_states_is_healed_in_three_passes_at_most(tmp_path: Path, gateway: bool) -> None:
    draw = random.Random(3 + gateway)
    everything = list(states())
    sample = draw.sample(list(product(everything, everything)), SAMPLE)
    async with azure(tmp_path, gateway=gateway) as there:
        for on_hub, on_spoke in sample:
            there.arrange(on_hub, on_spoke)
            try:
                await healed(there)
            except BaseException as error:
                error.add_note(f"hub: {on_hub}, spoke: {on_spoke}")
                raise


@pytest.mark.parametrize(
    ("on_hub", "on_spoke", "gateway"),
    [
        (None, State("Initiated", flags="gateway"), False),
        (State("Disconnected"), State("Initiated", flags="gateway"), False),
        (State("Connected", flags="gateway"), State("Connected", flags="gateway"), False),
        (State("Initiated", flags="other"), State("Disconnected"), True),
        (State("Disconnected", flags="other"), State("Disconnected"), True),
        (State("Connected", flags="other"), State("Connected", flags="other"), True),
        (State("Connected", flags="gateway"), State("Connected", flags="gateway", owned=False), False),
        (State("Connected", flags="other", owned=False), None, True),
    ],
)
async def test_gateways_are_lent_before_they_are_borrowed_and_taken_back_after(
    tmp_path: Path, on_hub: State | None, on_spoke: State | None, gateway: bool
) -> None:
    async with azure(tmp_path, gateway=gateway) as there:
        there.arrange(on_hub, on_spoke)
        await healed(there)
