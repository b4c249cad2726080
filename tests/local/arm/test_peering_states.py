"""How a pair of peerings moves from state to state: each row is what was, what is done, and what is then.

The states are those of the recordings test_network_vnet_peering and Test_Networking_VirtualNetworkPeering, the refusals
those reported in issue threads; sync levels follow from what each side last learnt of the other.
"""

from collections.abc import Awaitable, Callable

import pytest

from tests.support.local_arm import NETWORK, Answer, LocalArm, network_path

HERE, THERE = network_path("mesh", "here"), network_path("mesh", "there")
NAMES = {HERE: "to-there", THERE: "to-here"}
OTHER = {HERE: THERE, THERE: HERE}
SPACES = {HERE: "10.1.0.0/16", THERE: "10.2.0.0/16"}
GROWN = {HERE: "10.3.0.0/16", THERE: "10.4.0.0/16"}

type Verb = Callable[[LocalArm, str], Awaitable[Answer]]


async def peer(arm: LocalArm, side: str) -> Answer:
    return await arm.peer(side, OTHER[side], NAMES[side])


async def sync(arm: LocalArm, side: str) -> Answer:
    return await arm.peer(side, OTHER[side], NAMES[side], query="?syncRemoteAddressSpace=true")


async def unpeer(arm: LocalArm, side: str) -> Answer:
    return await arm.call("DELETE", f"{side}/virtualNetworkPeerings/{NAMES[side]}", version=NETWORK)


async def _network(arm: LocalArm, side: str, *prefixes: str) -> Answer:
    body = {"location": "westeurope", "properties": {"addressSpace": {"addressPrefixes": list(prefixes)}}}
    return await arm.call("PUT", side, body, version=NETWORK)


async def make(arm: LocalArm, side: str) -> Answer:
    return await _network(arm, side, SPACES[side])


async def grow(arm: LocalArm, side: str) -> Answer:
    return await _network(arm, side, SPACES[side], GROWN[side])


async def drop(arm: LocalArm, side: str) -> Answer:
    return await arm.call("DELETE", side, version=NETWORK)


VERBS: dict[str, Verb] = {
    "peer": peer,
    "sync": sync,
    "unpeer": unpeer,
    "make": make,
    "grow": grow,
    "drop": drop,
}
# What was done before, what is done now, and then: the peering here, the peering there, the refusal if any.
# `-` is no peering, `x` no network; a peering is its state and what is not in sync.
LEVELS = {
    "FullyInSync": "full",
    "RemoteNotInSync": "remote",
    "LocalNotInSync": "local",
    "LocalAndRemoteNotInSync": "both",
}
ROWS = [
    ("", "peer here", "Initiated remote", "-", ""),
    ("peer here", "peer there", "Connected full", "Connected full", ""),
    ("peer here", "peer here", "Initiated remote", "-", ""),
    ("peer here", "unpeer here", "-", "-", ""),
    ("peer here", "grow there", "Initiated both", "-", ""),
    ("peer here, grow there", "sync here", "Initiated remote", "-", ""),
    ("peer here", "grow here", "Initiated remote", "-", ""),
    ("peer here, grow here", "peer there", "Connected full", "Connected full", ""),
    ("peer here, peer there", "unpeer there", "Disconnected remote", "-", ""),
    (
        "peer here, peer there, unpeer there",
        "peer there",
        "Disconnected remote",
        "-",
        "RemotePeeringIsDisconnected",
    ),
    ("peer here, peer there, unpeer there", "peer here", "Initiated remote", "-", ""),
    ("peer here, peer there, unpeer there, peer here", "peer there", "Connected full", "Connected full", ""),
    ("peer here, peer there, unpeer there", "unpeer here", "-", "-", ""),
    ("peer here, peer there", "grow there", "Connected local", "Connected remote", ""),
    ("peer here, peer there", "grow here", "Connected remote", "Connected local", ""),
    ("peer here, peer there, grow there", "peer here", "Connected local", "Connected remote", ""),
    ("peer here, peer there, grow there", "sync here", "Connected full", "Connected full", ""),
    ("peer here, peer there, grow there", "sync there", "Connected local", "Connected remote", ""),
    ("peer here, peer there, grow there", "grow here", "Connected both", "Connected both", ""),
    ("peer here, peer there, grow there, grow here", "sync here", "Connected remote", "Connected local", ""),
    (
        "peer here, peer there, grow there, grow here, sync here",
        "sync there",
        "Connected full",
        "Connected full",
        "",
    ),
    ("peer here, peer there, grow there", "unpeer there", "Disconnected both", "-", ""),
    ("peer here, peer there, grow there, unpeer there", "peer here", "Initiated remote", "-", ""),
    ("peer here, peer there", "drop there", "Disconnected remote", "x", ""),
    ("peer here", "drop there", "Disconnected remote", "x", ""),
    (
        "peer here, peer there, drop there",
        "peer here",
        "Disconnected remote",
        "x",
        "InvalidResourceReference",
    ),
    ("peer here, peer there, drop there", "unpeer here", "-", "x", ""),
    ("peer here, peer there, drop there", "make there", "Disconnected remote", "-", ""),
    ("peer here, peer there, drop there", "grow there", "Disconnected both", "-", ""),
    (
        "peer here, peer there, drop there, make there",
        "peer there",
        "Disconnected remote",
        "-",
        "RemotePeeringIsDisconnected",
    ),
    ("peer here, peer there, drop there, make there", "peer here", "Initiated remote", "-", ""),
    (
        "peer here, peer there, drop there, make there, peer here",
        "peer there",
        "Connected full",
        "Connected full",
        "",
    ),
    ("peer here, peer there, drop here, make here", "unpeer there", "-", "-", ""),
    ("peer here, peer there, unpeer here, unpeer there", "peer here", "Initiated remote", "-", ""),
]


@pytest.mark.parametrize(("before", "now", "here", "there", "refusal"), ROWS)
async def test_each_transition(
    arm: LocalArm, before: str, now: str, here: str, there: str, refusal: str
) -> None:
    """Every reachable state of a pair, with what leads out of it."""
    await arm.make_group("mesh")
    for side in (HERE, THERE):
        await make(arm, side)
    for step in filter(None, before.split(", ")):
        assert (await _do(arm, step)).error is None, step
    assert ((await _do(arm, now)).error or "") == refusal
    assert (await _seen(arm, HERE), await _seen(arm, THERE)) == (here, there)


async def test_networks_of_two_subscriptions_and_regions_are_peered_alike(arm: LocalArm) -> None:
    """Nothing but the ids tells the difference; each side is in its own network."""
    second = "b0000000-0000-4000-8000-000000000002"
    configuration = arm.manager.configuration
    object.__setattr__(configuration, "subscriptions", (*configuration.subscriptions, second))
    far = f"/subscriptions/{second}/resourceGroups/far/providers/Microsoft.Network/virtualNetworks/there"
    await arm.make_group("mesh")
    await make(arm, HERE)
    await arm.call("PUT", f"/subscriptions/{second}/resourceGroups/far", {"location": "northeurope"})
    space = {"addressSpace": {"addressPrefixes": ["10.2.0.0/16"]}}
    await arm.call("PUT", far, {"location": "northeurope", "properties": space}, version=NETWORK)
    assert (await arm.peer(HERE, far, "out")).status == 201
    assert (await arm.peer(far, HERE, "back")).status == 201
    states = [(await arm.peering(*side))["peeringState"] for side in ((HERE, "out"), (far, "back"))]
    assert states == ["Connected", "Connected"]


async def _do(arm: LocalArm, step: str) -> Answer:
    verb, _, side = step.partition(" ")
    return await VERBS[verb](arm, HERE if side == "here" else THERE)


async def _seen(arm: LocalArm, side: str) -> str:
    if (await arm.call("GET", side, version=NETWORK)).status == 404:
        return "x"
    found = await arm.call("GET", f"{side}/virtualNetworkPeerings/{NAMES[side]}", version=NETWORK)
    if found.status == 404:
        return "-"
    properties = await arm.peering(side, NAMES[side])
    return f"{properties['peeringState']} {LEVELS[str(properties['peeringSyncLevel'])]}"
