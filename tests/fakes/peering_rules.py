"""What Azure refuses about a peering, and what a peering does to the states of both sides.

Codes and wording: answers reported for the Virtual Network Peerings API (see the facts on peerings).
"""

from collections.abc import Iterator

from shared.domain.address_space import overlaps
from shared.domain.errors import MeshError, error_for
from shared.domain.ids import name_of, normal_id, same_id
from shared.domain.network import PeeringFlags
from tests.fakes.cloud import Cloud
from tests.fakes.state import Network, Side

LIMIT = 500


def side_named(network: Network, peering_id: str) -> Side | None:
    return network.sides.get(name_of(peering_id).lower())


def check(
    cloud: Cloud, network: Network, peering_id: str, remote_network: str, flags: PeeringFlags
) -> Network:
    """The remote network of a peering that Azure would accept; raises its refusal otherwise."""
    remote = cloud.networks.get(normal_id(remote_network))
    if remote is None:
        raise _refusal("InvalidResourceReference", f"Resource {remote_network} was not found.", peering_id)
    for code, message in _objections(cloud, network, remote, peering_id, flags):
        raise _refusal(code, f"Cannot create or update peering {peering_id}. {message}", peering_id)
    return remote


def _objections(
    cloud: Cloud, network: Network, remote: Network, peering_id: str, flags: PeeringFlags
) -> Iterator[tuple[str, str]]:
    mine, back = network.side_to(remote.id), remote.side_to(network.id)
    named = side_named(network, peering_id)
    if mine and mine is not named:
        yield "AnotherPeeringAlreadyReferencesRemoteVnet", f"Peering {mine.id} references {remote.id}."
    if named and not same_id(named.remote, remote.id):
        yield "ChangingRemoteVirtualNetworkNotAllowed", f"It references {named.remote}."
    if back and back.state == "Disconnected":
        yield "RemotePeeringIsDisconnected", f"Remote peering {back.id} is in Disconnected state."
    if not named and len(network.sides) >= LIMIT:
        yield "VnetPeeringCountLimitReached", f"The network has {LIMIT} peerings."
    yield from _overlaps(cloud, network, remote)
    if back and back.flags.use_remote_gateways and not flags.allow_gateway_transit:
        yield "RemotePeeringUsesGateways", f"Remote peering {back.id} uses the gateways of {network.id}."
    if flags.use_remote_gateways:
        yield from _gateway_objections(network, remote, back, named)


def _gateway_objections(
    network: Network, remote: Network, back: Side | None, named: Side | None
) -> Iterator[tuple[str, str]]:
    if not remote.gateway:
        yield "RemoteVnetHasNoGateways", f"Virtual network {remote.id} has no gateways."
    if network.gateway:
        yield "VnetHasGateways", f"Virtual network {network.id} has a gateway itself."
    if any(side.flags.use_remote_gateways for side in network.sides.values() if side is not named):
        yield "AnotherPeeringAlreadyUsesRemoteGateways", "Another peering uses a remote gateway."
    if back and not back.flags.allow_gateway_transit:
        yield "RemotePeeringDoesNotAllowGatewayTransit", f"Remote peering {back.id} does not allow transit."


def _overlaps(cloud: Cloud, network: Network, remote: Network) -> Iterator[tuple[str, str]]:
    if shared := overlaps(network.prefixes, remote.prefixes):
        yield "VnetAddressSpacesOverlap", f"Overlapping address prefixes: {shared}"
    for one, other in ((network, remote), (remote, network)):
        for side in other.sides.values():
            if not same_id(side.remote, one.id) and overlaps(one.prefixes, _space(cloud, side)):
                yield (
                    "VnetAddressSpaceOverlapsWithAlreadyPeeredVnet",
                    f"{side.remote} is peered with {other.id}.",
                )


def _space(cloud: Cloud, side: Side) -> tuple[str, ...]:
    """The remote's address space; of one that is gone what the peering last knew, which still blocks."""
    remote = cloud.networks.get(normal_id(side.remote))
    return remote.prefixes if remote else side.remote_prefixes


def begin(network: Network, remote: Network, peering_id: str, flags: PeeringFlags, *, sync: bool) -> Side:
    """What is visible as soon as a write was accepted: a new side is there, and Updating."""
    name = name_of(peering_id).lower()
    side = network.sides.setdefault(name, Side(peering_id, remote.id, remote.prefixes, flags))
    side.provisioning = "Updating"
    if sync or side.state == "Disconnected":
        side.remote_prefixes = remote.prefixes
    return side


def finish(cloud: Cloud, side: Side, flags: PeeringFlags) -> None:
    """The end of a write: both sides are Connected if both are there, else this one is Initiated."""
    network = _network_with(cloud, side)
    if network is None:
        return
    side.provisioning = "Succeeded"
    side.flags = flags
    remote = cloud.networks.get(normal_id(side.remote))
    back = remote.side_to(network.id) if remote else None
    side.state = "Connected" if back else "Initiated"
    if back:
        back.state = "Connected"


def remove(cloud: Cloud, side: Side) -> None:
    """The end of a delete."""
    if _network_with(cloud, side):
        cloud.delete_peering(side.id)


def abandon(side: Side) -> None:
    """The end of a write that failed after it was accepted."""
    side.provisioning = "Failed"


def _network_with(cloud: Cloud, side: Side) -> Network | None:
    network = cloud.network_of(side.id)
    return network if network and side_named(network, side.id) is side else None


def _refusal(code: str, message: str, target: str) -> MeshError:
    return error_for(400, code, message, target=target)
